//! One write of one resource, whoever asks for it: a request of its own, or an operation of a bulk. What can be judged without
//! the store is judged when the value is made; the rest happens in the caller's transaction.

use directory::DirectoryError;
use scim_core::{
    ResourceType, ScimError,
    leniency::Tolerance,
    patch::{MemberChange, PatchRequest},
    projection::Projection,
};
use seat_ledger::{License, Seat, SeatChange};
use serde_json::Value;
use store::WriteTx;

use crate::{
    Act, Preconditions, ProvisioningError, Rules,
    groups::{self, GroupView},
    render::{self, Base},
    users::{self, Edit, NewUser, UserView},
};

/// The types of resources that clients write.
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
        match self {
            Self::User => &rules.user,
            Self::Group => &rules.group,
        }
    }
}

/// What a client asks for, with the body as sent.
#[derive(Clone, Debug)]
pub enum Request {
    /// POST.
    Create(Value),
    /// POST of a resource whose id [`WriteTx::new_id`] gave before.
    CreateAs(String, Value),
    /// PUT.
    Replace(String, Value),
    /// PATCH.
    Patch(String, Value),
    /// DELETE.
    Delete(String),
}

/// A request that is well-formed as far as that can be told without the store.
#[derive(Debug)]
pub struct Write {
    what: What,
}

#[derive(Debug)]
enum What {
    CreateUser(Option<String>, NewUser),
    ReplaceUser(String, Value),
    PatchUser(String, PatchRequest),
    DeleteUser(String),
    CreateGroup(Option<String>, Value),
    ReplaceGroup(String, Value),
    PatchGroup(String, PatchRequest, Vec<MemberChange>),
    DeleteGroup(String),
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

/// What a write came to.
#[derive(Debug)]
pub struct Done {
    /// The resource afterwards; `None` after a deletion.
    pub view: Option<View>,
    /// Seats that changed hands, for metrics: the license asked for and what came of the wish.
    pub seats: Vec<(License, &'static str)>,
    /// Members that were skipped because they are not here.
    pub skipped: Vec<String>,
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
    /// Judges a request.
    ///
    /// # Errors
    /// 400 for a body that is none of this type; 413 for too many operations of a PATCH.
    pub fn new(rules: &Rules, kind: Kind, request: Request, t: &mut Tolerance) -> Result<Self, ScimError> {
        let what = match (kind, request) {
            (Kind::User, Request::Create(body)) => What::CreateUser(None, NewUser::read(rules, &body, t)?),
            (Kind::User, Request::CreateAs(id, body)) => {
                What::CreateUser(Some(id), NewUser::read(rules, &body, t)?)
            }
            (Kind::User, Request::Replace(id, body)) => What::ReplaceUser(id, body),
            (Kind::User, Request::Patch(id, body)) => {
                What::PatchUser(id, PatchRequest::parse(&rules.user, &body, t)?)
            }
            (Kind::User, Request::Delete(id)) => What::DeleteUser(id),
            (Kind::Group, Request::Create(body)) => What::CreateGroup(None, body),
            (Kind::Group, Request::CreateAs(id, body)) => What::CreateGroup(Some(id), body),
            (Kind::Group, Request::Replace(id, body)) => What::ReplaceGroup(id, body),
            (Kind::Group, Request::Patch(id, body)) => {
                let (patch, members) = PatchRequest::parse(&rules.group, &body, t)?.split_members();
                What::PatchGroup(id, patch, members)
            }
            (Kind::Group, Request::Delete(id)) => What::DeleteGroup(id),
        };
        Ok(Self { what })
    }

    /// The status of success (RFC 7644 §3.3, §3.5, §3.6). A PATCH of a group is 204 unless the request names attributes or
    /// the tenant is strict (table of disagreements, `PATCH of a group`).
    #[must_use]
    pub fn status(&self, rules: &Rules, names_attributes: bool) -> u16 {
        match self.what {
            What::CreateUser(..) | What::CreateGroup(..) => 201,
            What::DeleteUser(_) | What::DeleteGroup(_) => 204,
            What::PatchGroup(..) if !rules.strict && !names_attributes => 204,
            What::ReplaceUser(..) | What::PatchUser(..) | What::ReplaceGroup(..) | What::PatchGroup(..) => {
                200
            }
        }
    }

    /// The word for what is not done when the write is refused.
    #[must_use]
    pub fn not_done(&self) -> &'static str {
        match self.what {
            What::CreateUser(..) | What::CreateGroup(..) => "created",
            _ => "changed",
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Those of [`users`] and [`groups`]; nothing is stored if the caller rolls back.
    pub fn run(
        &self,
        tx: &mut WriteTx<'_>,
        rules: &Rules,
        shown: Shown,
        conditions: &Preconditions,
        (act, t): (&Act, &mut Tolerance),
    ) -> Result<Done, ProvisioningError> {
        let (members, whole) = (shown == Shown::Members, shown != Shown::Version);
        rules.hold_schemas(tx)?;
        match &self.what {
            What::CreateUser(id, new) => {
                let id = id.clone().unwrap_or_else(|| tx.new_id());
                users::create_as(tx, id, (new, whole), act).map(Done::of_user)
            }
            What::ReplaceUser(id, body) => {
                users::edit(tx, rules, id, (Edit::Replace(body), whole), conditions, (act, t))
                    .map(Done::of_user)
            }
            What::PatchUser(id, patch) => {
                users::edit(tx, rules, id, (Edit::Patch(patch), whole), conditions, (act, t))
                    .map(Done::of_user)
            }
            What::DeleteUser(id) => users::delete(tx, rules, id, conditions, act).map(Done::of_deletion),
            What::CreateGroup(id, body) => {
                let id = id.clone().unwrap_or_else(|| tx.new_id());
                groups::create_as(tx, rules, id, (body, members), (act, t)).map(Done::of_group)
            }
            What::ReplaceGroup(id, body) => {
                groups::replace(tx, rules, id, (body, members), conditions, (act, t)).map(Done::of_group)
            }
            What::PatchGroup(id, patch, changes) => {
                let wants = (patch, changes.as_slice(), members);
                groups::patch(tx, rules, id, wants, conditions, (act, t)).map(Done::of_group)
            }
            What::DeleteGroup(id) => {
                groups::delete(tx, rules, id, conditions, act)?;
                Ok(Done::of_deletion(Vec::new()))
            }
        }
    }
}

impl Done {
    fn of_user(written: users::Written) -> Self {
        let seats = written.seat.as_ref().map(seat_events).unwrap_or_default();
        Self { view: Some(View::User(written.view)), seats, skipped: Vec::new() }
    }

    fn of_group(written: groups::Written) -> Self {
        Self { view: Some(View::Group(written.view)), seats: Vec::new(), skipped: written.skipped }
    }

    fn of_deletion(promoted: Vec<Seat>) -> Self {
        Self { view: None, seats: promotions(&promoted).collect(), skipped: Vec::new() }
    }
}

fn seat_events(change: &SeatChange) -> Vec<(License, &'static str)> {
    let own = change.changed().then(|| (change.after.requested, change.after.state.key()));
    own.into_iter().chain(promotions(&change.promoted)).collect()
}

fn promotions(promoted: &[Seat]) -> impl Iterator<Item = (License, &'static str)> {
    promoted.iter().map(|seat| (seat.requested, "promoted"))
}
