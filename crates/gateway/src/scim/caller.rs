//! Who calls: a request whose credential was checked, with everything that follows from it.

use std::sync::Arc;

use provisioning::{Act, Rules, render::Base};
use store::Store;
use tenant_registry::Tenant;

/// The one tenant that the credential opens. There is no other way to a tenant's store than through this value.
pub(crate) struct Caller {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) base: Base,
    pub(crate) store: Store,
    pub(crate) act: Act,
}
