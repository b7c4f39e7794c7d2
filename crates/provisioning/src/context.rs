//! The context of a request: its credential, its time and the tenant's rules. The gateway fills it when the request is
//! authenticated.

use std::{sync::Arc, time::Instant};

use scim_core::{ResourceKind, leniency::Tolerance};

use crate::{ProvisioningError, Rules, facts::Cause};

/// Which resources the credential of a request may write.
#[derive(Clone, Copy, Debug)]
pub struct MayWrite {
    /// Users.
    pub users: bool,
    /// Groups.
    pub groups: bool,
}

impl MayWrite {
    /// Everything.
    pub const ALL: Self = Self { users: true, groups: true };

    pub(crate) fn require(self, kind: ResourceKind) -> Result<(), ProvisioningError> {
        let may = match kind {
            ResourceKind::User => self.users,
            ResourceKind::Group => self.groups,
            ResourceKind::License | ResourceKind::Role | ResourceKind::Entitlement => true,
        };
        if may { Ok(()) } else { Err(ProvisioningError::OutOfScope(kind)) }
    }
}

/// The context of one request.
#[derive(Debug)]
pub struct RequestContext {
    /// The request's id, which the response, the log and the change records carry too.
    pub request_id: String,
    /// The id of the key that the request came with; never the secret.
    pub credential: String,
    /// What that key may write.
    pub may_write: MayWrite,
    /// The tenant as people know it, such as `ire/acme`.
    pub tenant: String,
    /// The tenant's rules.
    pub rules: Arc<Rules>,
    /// The leniencies that were met so far.
    pub tolerance: Tolerance,
    /// When the request arrived.
    pub instant: Instant,
}

impl RequestContext {
    /// The request as the cause of a change record.
    pub(crate) fn cause<'a>(&'a self, operation: &'a str) -> Cause<'a> {
        Cause {
            request_id: &self.request_id,
            actor: None,
            credential: Some(&self.credential),
            operation: Some(operation),
            profile: Some(self.rules.product.name_and_version()),
            makers: &self.rules.makers,
        }
    }

    /// The same request with a fresh tolerance, for one attempt of a transaction: that may run again, and may outlive its
    /// request.
    #[must_use]
    pub fn attempt(&self) -> Self {
        Self {
            tolerance: self.rules.tolerance(),
            request_id: self.request_id.clone(),
            credential: self.credential.clone(),
            may_write: self.may_write,
            tenant: self.tenant.clone(),
            rules: Arc::clone(&self.rules),
            instant: self.instant,
        }
    }
}
