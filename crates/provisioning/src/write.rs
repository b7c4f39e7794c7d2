//! One write of one resource, whoever asks for it: a request of its own, or an operation of a bulk. What can be judged without
//! the store is judged when the value is made; the rest happens in the caller's transaction.

use directory::DirectoryError;
use scim_core::{
    ResourceKind, ResourceType, ScimError,
    bulk::Method,
    patch::{MemberChange, PatchRequest},
    projection::Projection,
};
use seat_ledger::{License, Seat, SeatChange};
use serde_json::Value;
use store::WriteTx;

use crate::{
    Act, Done, Outcome, Preconditions, ProvisioningError, RequestContext, Rules,
    groups::{self, GroupView},
    outcome,
    render::{self, Base},
    users::{self, Edit, NewUser, UserView},
};

/// The types of resources that clients list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    /// This tenant's type.
    #[must_use]
    pub fn of(self, rules: &Rules) -> &ResourceType {
        rules.resource_type(self.into())
    }
}

impl From<Kind> for ResourceKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::User => Self::User,
            Kind::Group => Self::Group,
        }
    }
}

/// A request that is well-formed as far as that can be told without the store.
#[derive(Debug)]
pub struct Write {
    kind: ResourceKind,
    request: Request,
}

#[derive(Debug)]
enum Request {
    CreateUser(Option<String>, NewUser),
    CreateGroup(Option<String>, Value),
    Replace(String, Value),
    Patch(String, PatchRequest, Vec<MemberChange>),
    Delete(String),
}

/// How much of the resource the answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Its id and its version.
    Version,
    /// The attributes beside members, which are not worth reading.
    Attributes,
    /// All of it.
    Members,
}

/// A resource of either type with what is computed for its answer.
#[derive(Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum View {
    User(UserView),
    Group(GroupView),
}

impl View {
    /// The resource's id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::User(view) => &view.record.id,
            Self::Group(view) => &view.record.id,
        }
    }

    /// The resource's version.
    #[must_use]
    pub fn version(&self) -> i64 {
        match self {
            Self::User(view) => view.record.version,
            Self::Group(view) => view.record.version,
        }
    }

    /// How many other resources it tells of: the members of a group, the groups of a user.
    #[must_use]
    pub fn links(&self) -> usize {
        match self {
            Self::User(view) => view.groups.len(),
            Self::Group(view) => view.members.as_ref().map_or(0, Vec::len),
        }
    }

    /// About how many bytes its text has, if all of it is shown.
    #[must_use]
    pub fn size(&self) -> usize {
        /// A member or a group with its id, URL and name.
        const LINK: usize = 256;
        let document = match self {
            Self::User(view) => &view.record.document,
            Self::Group(view) => &view.record.document,
        };
        document.len().saturating_add(self.links().saturating_mul(LINK))
    }

    /// The resource as JSON text, projected.
    ///
    /// # Errors
    /// When what rests is damaged.
    pub fn text(
        &self,
        rules: &Rules,
        base: &Base,
        projection: &Projection,
    ) -> Result<String, DirectoryError> {
        match self {
            Self::User(view) => render::user_text(rules, base, view, projection),
            Self::Group(view) => render::group_text(rules, base, view, projection),
        }
    }
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
        let RequestContext { rules, tolerance, .. } = context;
        let known = id.clone().unwrap_or_default();
        let request = match method {
            Method::Post if kind == ResourceKind::Group => Request::CreateGroup(id, body),
            Method::Post => Request::CreateUser(id, NewUser::read(rules, &body, tolerance)?),
            Method::Put => Request::Replace(known, body),
            Method::Patch => {
                let patch = PatchRequest::parse(rules.resource_type(kind), &body, tolerance)?;
                let (patch, members) = patch.split_members();
                Request::Patch(known, patch, members)
            }
            Method::Delete => Request::Delete(known),
        };
        Ok(Self { kind, request })
    }

    /// What is asked.
    #[must_use]
    pub fn method(&self) -> Method {
        match self.request {
            Request::CreateUser(..) | Request::CreateGroup(..) => Method::Post,
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

    /// The word for what is not done when the write is refused.
    #[must_use]
    pub fn not_done(&self) -> &'static str {
        outcome::not_done(Some(self.method()))
    }

    /// The outcome of this write: `result`, with what was tolerated in `context`.
    #[must_use]
    pub fn outcome<E>(&self, result: Result<Done, E>, context: &RequestContext) -> Outcome<E> {
        let asked = match &self.request {
            Request::CreateUser(id, _) | Request::CreateGroup(id, _) => id.as_deref(),
            Request::Replace(id, _) | Request::Patch(id, ..) | Request::Delete(id) => Some(id.as_str()),
        };
        let view = result.as_ref().ok().and_then(|done| done.view.as_ref());
        let id = asked.or_else(|| view.map(View::id)).map(str::to_owned);
        let leniencies = context.tolerance.seen.clone();
        Outcome { kind: Some(self.kind), method: Some(self.method()), id, result, leniencies }
    }

    /// Does it.
    ///
    /// # Errors
    /// Those of [`users`] and [`groups`]; nothing is stored if the caller rolls back.
    pub fn run(
        &self,
        tx: &mut WriteTx<'_>,
        shown: Shown,
        conditions: &Preconditions,
        context: &mut RequestContext,
    ) -> Result<Done, ProvisioningError> {
        let (members, whole) = (shown == Shown::Members, shown != Shown::Version);
        let RequestContext { rules, tolerance: t, request_id, .. } = context;
        let act = &Act { request_id: request_id.clone() };
        rules.hold_schemas(tx)?;
        let is_user = self.kind == ResourceKind::User;
        let mut done = match &self.request {
            Request::CreateUser(id, new) => {
                let id = id.clone().unwrap_or_else(|| tx.new_id());
                of_user(users::create_as(tx, id, (new, whole), act)?)
            }
            Request::CreateGroup(id, body) => {
                let id = id.clone().unwrap_or_else(|| tx.new_id());
                of_group(groups::create_as(tx, rules, id, (body, members), (act, t))?)
            }
            Request::Replace(id, body) if is_user => {
                of_user(users::edit(tx, rules, id, (Edit::Replace(body), whole), conditions, (act, t))?)
            }
            Request::Patch(id, patch, _) if is_user => {
                of_user(users::edit(tx, rules, id, (Edit::Patch(patch), whole), conditions, (act, t))?)
            }
            Request::Delete(id) if is_user => of_deletion(&users::delete(tx, rules, id, conditions, act)?),
            Request::Replace(id, body) => {
                of_group(groups::replace(tx, rules, id, (body, members), conditions, (act, t))?)
            }
            Request::Patch(id, patch, changes) => {
                let wants = (patch, changes.as_slice(), members);
                of_group(groups::patch(tx, rules, id, wants, conditions, (act, t))?)
            }
            Request::Delete(id) => {
                groups::delete(tx, rules, id, conditions, act)?;
                of_deletion(&[])
            }
        };
        done.status = self.status(rules, false);
        Ok(done)
    }
}

fn done(view: Option<View>, seats: Vec<(License, &'static str)>, skipped: Vec<String>) -> Done {
    let version = view.as_ref().map(View::version);
    Done { status: 0, version, view, changed: Vec::new(), seats, skipped }
}

fn of_user(written: users::Written) -> Done {
    let seats = written.seat.as_ref().map(seat_events).unwrap_or_default();
    done(Some(View::User(written.view)), seats, Vec::new())
}

fn of_group(written: groups::Written) -> Done {
    done(Some(View::Group(written.view)), Vec::new(), written.skipped)
}

fn of_deletion(promoted: &[Seat]) -> Done {
    done(None, promotions(promoted).collect(), Vec::new())
}

fn seat_events(change: &SeatChange) -> Vec<(License, &'static str)> {
    let own = change.changed().then(|| (change.after.requested, change.after.state.key()));
    own.into_iter().chain(promotions(&change.promoted)).collect()
}

fn promotions(promoted: &[Seat]) -> impl Iterator<Item = (License, &'static str)> {
    promoted.iter().map(|seat| (seat.requested, "promoted"))
}
