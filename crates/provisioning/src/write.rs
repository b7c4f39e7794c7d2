//! One write of one resource: a request of its own, or an operation of a bulk. What can be judged without the store is judged
//! when the value is made; the rest happens in the caller's transaction.

use scim_core::{
    ResourceKind, ScimError,
    bulk::Method,
    patch::{MemberChange, PatchRequest},
};
use serde_json::Value;
use store::WriteTx;

use crate::{
    Done, Outcome, Preconditions, ProvisioningError, RequestContext, Rules, outcome,
    resources::{self, Edit, New},
};

/// A request that is well-formed as far as that can be decided without the store.
#[derive(Debug)]
pub struct Write {
    kind: ResourceKind,
    request: Request,
}

#[derive(Debug)]
enum Request {
    Create(Option<String>, New),
    Replace(String, Value),
    Patch(String, PatchRequest, Vec<MemberChange>),
    Delete(String),
}

/// How much of the resource the answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Its id and its version.
    Version,
    /// Its attributes, but neither a group's members nor a user's groups: reading those may cost much.
    Attributes,
    /// All of it.
    Links,
}

impl Write {
    /// Judges a request. A POST has an id where [`WriteTx::new_id`] gave one before; a DELETE has no body.
    ///
    /// # Errors
    /// 400 for a body that is none of this type; 413 for too many operations of a PATCH; 405 for a type that is read-only.
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
        let request = match (method, id) {
            (Method::Post, id) => Request::Create(id, New::read(kind, &body, context)?),
            (_, None) => return Err(ScimError::not_found(kind.name())),
            (Method::Put, Some(id)) => Request::Replace(id, body),
            (Method::Patch, Some(id)) => {
                let rt = context.rules.resource_type(kind);
                let (patch, members) =
                    PatchRequest::parse(rt, &body, &mut context.tolerance)?.split_members();
                Request::Patch(id, patch, members)
            }
            (Method::Delete, Some(id)) => Request::Delete(id),
        };
        Ok(Self { kind, request })
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        match self.request {
            Request::Create(..) => Method::Post,
            Request::Replace(..) => Method::Put,
            Request::Patch(..) => Method::Patch,
            Request::Delete(_) => Method::Delete,
        }
    }

    /// The status of success (RFC 7644 §3.3, §3.5, §3.6). A PATCH of a group is 204 unless the request names attributes or
    /// the tenant is strict (table of disagreements, `PATCH of a group`).
    #[must_use]
    pub fn status(&self, rules: &Rules, names_attributes: bool) -> u16 {
        match self.method() {
            Method::Post => 201,
            Method::Delete => 204,
            Method::Patch if self.kind == ResourceKind::Group && !rules.strict && !names_attributes => 204,
            Method::Put | Method::Patch => 200,
        }
    }

    /// `created` or `changed`, for the text of a refusal.
    #[must_use]
    pub fn not_done(&self) -> &'static str {
        outcome::not_done(Some(self.method()))
    }

    /// The outcome of this write: `result`, with what was tolerated in `context`.
    #[must_use]
    pub fn outcome<E>(&self, result: Result<Done, E>, context: &RequestContext) -> Outcome<E> {
        let asked = match &self.request {
            Request::Create(id, _) => id.as_deref(),
            Request::Replace(id, _) | Request::Patch(id, ..) | Request::Delete(id) => Some(id.as_str()),
        };
        let made = result.as_ref().ok().and_then(|done| Some(done.view.as_ref()?.id()));
        let id = asked.or(made).map(str::to_owned);
        let leniencies = context.tolerance.seen.clone();
        Outcome { kind: Some(self.kind), method: Some(self.method()), id, result, leniencies }
    }

    /// Does it.
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
        context.rules.hold_schemas(tx)?;
        let kind = self.kind;
        let done = match &self.request {
            Request::Create(id, new) => {
                let id = id.clone().unwrap_or_else(|| tx.new_id());
                resources::create(tx, kind, id, new, shown, context)?
            }
            Request::Replace(id, body) => {
                resources::edit(tx, kind, id, Edit::Replace(body), shown, conditions, context)?
            }
            Request::Patch(id, patch, members) => {
                resources::edit(tx, kind, id, Edit::Patch(patch, members), shown, conditions, context)?
            }
            Request::Delete(id) => resources::delete(tx, kind, id, conditions, context)?,
        };
        Ok(Done { status: self.status(&context.rules, false), ..done })
    }
}
