//! One write of one resource: a request of its own, or an operation of a bulk. All checks that need no store are made with the
//! value; the rest happens in the caller's transaction.

use profiles::Received;
use scim_core::{ResourceKind, ScimError, bulk::Method, patch::PatchRequest};
use serde_json::Value;
use store::WriteTx;

use crate::{
    Done, Outcome, Preconditions, ProvisioningError, RequestContext, Rules, outcome,
    resources::{self, Edit, Found, New},
    sent_person::SentPerson,
    sent_role::role_in,
    status::status_of,
    view::Shown,
};

/// A request that is well-formed as far as that can be decided without the store.
#[derive(Debug)]
pub struct Write {
    kind: ResourceKind,
    method: Method,
    /// Of a creation only where it was given before.
    id: Option<String>,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Create(New),
    Edit(Edit),
    Delete,
}

impl Write {
    /// Judges a request. A POST has an id where [`WriteTx::new_id`] gave one before; a DELETE has no body.
    ///
    /// # Errors
    /// 400 for a body that is none of this type; 413 for too many operations of a PATCH; 405 for a read-only type.
    pub fn new(
        kind: ResourceKind,
        method: Method,
        id: Option<String>,
        body: Value,
        context: &mut RequestContext,
    ) -> Result<Self, ScimError> {
        if kind.is_read_only() {
            return Err(ScimError::new(405, None, "Resources of this type are read-only."));
        }
        if method != Method::Post && id.is_none() {
            return Err(ScimError::not_found(kind.name()));
        }
        context.sent = SentPerson::of(&context.rules.product, kind, method, &body);
        let change = match method {
            Method::Post => {
                let new = New::read(kind, &body, context).inspect_err(|_| {
                    context.sent.role_received =
                        (kind == ResourceKind::User).then(|| role_in(&context.rules, &body)).flatten();
                })?;
                Change::Create(new)
            }
            Method::Put => Change::Edit(Edit::Replace(body)),
            Method::Patch => {
                let rt = context.rules.resource_type(kind);
                let (patch, members) =
                    PatchRequest::parse(rt, &body, &mut context.tolerance)?.split_members();
                Change::Edit(Edit::Patch(patch, members))
            }
            Method::Delete => Change::Delete,
        };
        Ok(Self { kind, method, id, change })
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The status of success (RFC 7644 §3.3, §3.5, §3.6). A PATCH of a group is 204 unless the request names attributes or
    /// the tenant is strict (table of disagreements, `PATCH of a group`).
    #[must_use]
    pub fn status(&self, context: &RequestContext) -> u16 {
        status_of(self.method, self.kind, context.rules.mode, context.names_attributes)
    }

    /// `created` or `changed`, for the text of a refusal.
    #[must_use]
    pub fn not_done(&self) -> &'static str {
        outcome::not_done(Some(self.method))
    }

    /// The outcome of this write: `result`, with the leniencies met in `context`.
    #[must_use]
    pub fn outcome<E>(&self, result: Result<Done, E>, context: &RequestContext) -> Outcome<E> {
        let made = result.as_ref().ok().and_then(|done| Some(done.view.as_ref()?.id()));
        // A POST that took somebody over has another id than the one it was given.
        let id = made.or(self.id.as_deref()).map(str::to_owned);
        let (leniencies, sent) = (context.tolerance.seen.clone(), context.sent.clone());
        Outcome { kind: Some(self.kind), method: Some(self.method), id, sent, result, leniencies }
    }

    /// What the write carries of a person's role, read without the person who is stored: for the row of a write that was refused.
    /// `None` of a role that cannot be read, and where there is none.
    #[must_use]
    pub fn role_received(&self, rules: &Rules) -> Option<Received> {
        match &self.change {
            Change::Create(new) => new.role_received(),
            Change::Edit(edit) => edit.role_received_alone(rules, self.kind),
            Change::Delete => None,
        }
    }

    /// Runs the request.
    ///
    /// # Errors
    /// A taken name, no seat left, unknown members, a failed precondition, no such resource, or the store's; nothing is stored
    /// if the caller rolls back.
    pub fn run(
        &self,
        tx: &mut WriteTx<'_>,
        shown: Shown,
        conditions: &Preconditions,
        context: &mut RequestContext,
    ) -> Result<Done, ProvisioningError> {
        self.run_found(tx, None, shown, conditions, context)
    }

    /// Runs the request as [`Write::run`] does. `found` is the resource that is to be changed, if the caller has read it in this transaction,
    /// in a store that nobody else writes to: then no precondition is checked.
    ///
    /// # Errors
    /// Those of [`Write::run`].
    pub(crate) fn run_found(
        &self,
        tx: &mut WriteTx<'_>,
        found: Option<Found>,
        shown: Shown,
        conditions: &Preconditions,
        context: &mut RequestContext,
    ) -> Result<Done, ProvisioningError> {
        context.may_write.require(self.kind)?;
        context.rules.features.require_write(self.kind, self.method)?;
        context.rules.hold_schemas(tx)?;
        let (kind, id) = (self.kind, self.id.clone().unwrap_or_else(|| tx.new_id()));
        let done = match &self.change {
            Change::Create(new) => resources::create(tx, kind, id, new, shown, context)?,
            Change::Edit(edit) => {
                let found = match found {
                    Some(found) => found,
                    None => Found::for_update(tx, kind, &id, conditions)?,
                };
                resources::edit(tx, kind, found, edit, shown, context)?
            }
            Change::Delete => resources::delete(tx, kind, &id, conditions, context)?,
        };
        Ok(Done { status: self.status(context), ..done })
    }
}
