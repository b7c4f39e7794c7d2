//! The context of a request: its credential, its time and the tenant's rules. The gateway fills it when the request is
//! authenticated.

use std::{sync::Arc, time::Instant};

use scim_core::{
    ResourceKind,
    bulk::Method,
    leniency::{Leniency, Tolerance},
};

use crate::{
    ProvisioningError, Rules,
    facts::{Answer, Cause},
    log::{operation, sender::Sender},
    sent_person::SentPerson,
    status::status_of,
};

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
    /// Who sent it.
    pub sender: Sender,
    /// The person in its body.
    pub sent: SentPerson,
    /// Whether it says which attributes the answer is to have.
    pub names_attributes: bool,
    /// The leniencies that were met so far.
    pub tolerance: Tolerance,
    /// Those that were met before this attempt of its transaction.
    pub met_before: Vec<(Leniency, String)>,
    /// When the request arrived.
    pub instant: Instant,
    /// It is a row of a preview: nobody reads a log of it, or takes it back.
    pub is_trial: bool,
}

impl RequestContext {
    /// The request as the cause of a change record of what it is about.
    pub(crate) fn cause(&self, method: Method, kind: ResourceKind) -> Cause<'_> {
        let answer = Answer {
            sender: &self.sender,
            status: status_of(method, kind, self.rules.mode, self.names_attributes),
            leniencies: [&self.met_before, &self.tolerance.seen],
        };
        Cause {
            answer: Some(answer),
            is_trial: self.is_trial,
            request_id: &self.request_id,
            actor: None,
            credential: Some(&self.credential),
            operation: Some(operation::word_of(method)),
            profile: Some(self.rules.product.name_and_version()),
            makers: &self.rules.makers,
            people: Some(self.rules.profile().log.people),
        }
    }

    /// The same request with a fresh tolerance, for one attempt of a transaction: that may run again, and may outlive its
    /// request.
    #[must_use]
    pub fn attempt(&self) -> Self {
        Self {
            tolerance: self.rules.tolerance(),
            met_before: [&self.met_before[..], &self.tolerance.seen[..]].concat(),
            sender: self.sender.clone(),
            sent: self.sent.clone(),
            names_attributes: self.names_attributes,
            request_id: self.request_id.clone(),
            credential: self.credential.clone(),
            may_write: self.may_write,
            tenant: self.tenant.clone(),
            rules: Arc::clone(&self.rules),
            instant: self.instant,
            is_trial: self.is_trial,
        }
    }
}
