//! Who calls: a request whose credential was checked, with everything that follows from it.

use std::{sync::Arc, time::Instant};

use provisioning::{Act, RequestContext, Rules, render::Base};
use store::Store;
use tenant_registry::Tenant;

/// The one tenant that the credential opens. There is no other way to a tenant's store than through this value.
pub(crate) struct Caller {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) base: Base,
    pub(crate) store: Store,
    pub(crate) act: Act,
    /// The public part of the token.
    pub(crate) credential: String,
    pub(crate) instant: Instant,
}

impl Caller {
    /// What the use cases take, with a fresh tolerance.
    pub(crate) fn context(&self) -> RequestContext {
        RequestContext {
            request_id: self.act.request_id.clone(),
            credential: self.credential.clone(),
            tenant: format!("{}/{}", self.tenant.region, self.tenant.company_key),
            rules: Arc::clone(&self.rules),
            tolerance: self.rules.tolerance(),
            instant: self.instant,
        }
    }
}
