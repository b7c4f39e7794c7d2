//! Who calls: a request whose credential was checked.

use std::sync::Arc;

use store::Store;
use tenant_registry::{Registry, Tenant};

/// The one tenant that the credential opens. There is no other way to a tenant's store than through this value.
pub(super) struct Caller {
    pub(super) tenant: Arc<Tenant>,
    pub(super) store: Store,
    /// Of the tenant's region.
    pub(super) registry: Arc<Registry>,
}
