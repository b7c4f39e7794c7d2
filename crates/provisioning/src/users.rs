//! Users: create, read, list, change, delete. A user, its seat, the ledger's line and the change record are one
//! transaction: the caller's.

use directory::{
    DirectoryError,
    changes::{self, Change},
    memberships::{self, GroupOfUser},
    users::{self, UserRecord},
};
use scim_core::{Document, leniency::Tolerance, patch::PatchRequest, projection::Projection, resource, urn};
use seat_ledger::{Seat, SeatChange, Wish, pools, seats};
use serde_json::{Map, Value, json};
use store::{ReadTx, WriteTx};

use crate::{
    Act, Preconditions, ProvisioningError, Rules, groups,
    profile::is_active,
    promotion,
    render::{self, Base},
};

/// A user with what is computed for its answer.
#[derive(Clone, Debug)]
pub struct UserView {
    /// The row.
    pub record: UserRecord,
    /// Its seat.
    pub seat: Option<Seat>,
    /// Its groups, current at the time of the transaction.
    pub groups: Vec<GroupOfUser>,
    /// Its manager, when that is a user of this tenant.
    pub manager: Option<Manager>,
}

/// What is told of a manager who is a user of the same tenant (RFC 7643 §4.3).
#[derive(Clone, Debug)]
pub struct Manager {
    /// The manager's id.
    pub id: String,
    /// The manager's `displayName` now.
    pub display_name: Option<String>,
    modified_ms: i64,
}

impl UserView {
    /// Whether a client that has this version already has what would be answered. A membership change gives the group a
    /// new version and not the user, so the user's groups must also be as old as that version, where they are told. Who
    /// sends `*` has whatever is there (RFC 9110 §13.1.2).
    #[must_use]
    pub fn is_unchanged_for(&self, conditions: &Preconditions, projection: &Projection) -> bool {
        let since = self.record.modified_ms;
        let regrouped = || {
            self.record.groups_changed_ms >= since || self.groups.iter().any(|group| group.told_ms >= since)
        };
        let managed_anew = || self.manager.as_ref().is_some_and(|manager| manager.modified_ms >= since);
        conditions.has_any()
            || conditions.has_already(self.record.version)
                && !(projection.wants("groups") && regrouped())
                && !(projection.wants(urn::ENTERPRISE_USER) && managed_anew())
    }
}

/// What a write came to.
#[derive(Clone, Debug)]
pub struct Written {
    /// The user afterwards.
    pub view: UserView,
    /// Whether anything changed.
    pub changed: bool,
    /// What happened to the seat, for metrics: `None` when nothing did.
    pub seat: Option<SeatChange>,
}

/// How a user is to be changed.
#[derive(Clone, Copy, Debug)]
pub enum Edit<'a> {
    /// PUT, with the body as sent.
    Replace(&'a Value),
    /// PATCH.
    Patch(&'a PatchRequest),
}

impl Edit<'_> {
    fn apply(self, rules: &Rules, old: &Document, t: &mut Tolerance) -> Result<Document, ProvisioningError> {
        Ok(match self {
            Self::Replace(body) => resource::replace(&rules.user, body, old, &rules.kept_by_put(), t)?,
            Self::Patch(patch) => patch.apply(&rules.user, old, t)?,
        })
    }
}

/// Creates a user and claims its seat.
///
/// # Errors
/// A taken name, no seat left, or the store's.
pub fn create(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    document: &Document,
    act: &Act,
) -> Result<Written, ProvisioningError> {
    let id = tx.new_id();
    create_as(tx, rules, id, document, act)
}

/// As [`create`], under an id that [`WriteTx::new_id`] gave before.
///
/// # Errors
/// As [`create`].
pub fn create_as(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: String,
    document: &Document,
    act: &Act,
) -> Result<Written, ProvisioningError> {
    let wish = rules.profile.wish(document);
    pools::take_turn(tx)?;
    let record = users::insert_as(tx, id, document, &rules.user)?;
    let change = seats::settle_new(tx, &record.id, wish)?;
    let detail = seat_detail(&change);
    note(tx, "user.created", &record, act, detail)?;
    let manager = manager(tx, &record)?;
    let view = UserView { record, seat: Some(change.after.clone()), groups: Vec::new(), manager };
    Ok(Written { view, changed: true, seat: Some(change) })
}

/// One user.
///
/// # Errors
/// [`ProvisioningError::NotFound`], or the store's.
pub fn get(tx: &mut ReadTx<'_>, id: &str) -> Result<UserView, ProvisioningError> {
    let record = users::find(tx, id)?.ok_or(ProvisioningError::NotFound("User"))?;
    view(tx, record)
}

pub(crate) fn view(tx: &mut ReadTx<'_>, record: UserRecord) -> Result<UserView, ProvisioningError> {
    let seat = seats::find(tx, &record.id)?;
    let groups = memberships::of_user(tx, &record.id)?;
    let manager = manager(tx, &record)?;
    Ok(UserView { record, seat, groups, manager })
}

/// The manager that a user's document names, when it is a user here; any other value is kept as it was sent and told of as
/// that alone (table of disagreements, `manager with an id that is not here`).
fn manager(tx: &mut ReadTx<'_>, record: &UserRecord) -> Result<Option<Manager>, ProvisioningError> {
    // Quotes inside strings are escaped, so this is only ever the key; most users have none and cost no look-up.
    if !record.document.contains("\"manager\":") {
        return Ok(None);
    }
    let document = record.parse()?;
    let id = document.get(urn::ENTERPRISE_USER).and_then(|e| e.get("manager")?.get("value")?.as_str());
    let Some(found) = id.map(|id| users::find(tx, id)).transpose()?.flatten() else { return Ok(None) };
    let display_name = found.parse()?.str("displayName").map(str::to_owned);
    Ok(Some(Manager { id: found.id, display_name, modified_ms: found.modified_ms }))
}

/// Views of many records with two queries for all of them; of a single one by its key, whose statements stay prepared.
pub(crate) fn views(
    tx: &mut ReadTx<'_>,
    records: Vec<UserRecord>,
) -> Result<Vec<UserView>, ProvisioningError> {
    if records.len() <= 1 {
        return records.into_iter().map(|record| view(tx, record)).collect();
    }
    let ids: Vec<&str> = records.iter().map(|r| r.id.as_str()).collect();
    let mut seats = seats::of_users(tx, &ids)?;
    let mut groups = memberships::of_users(tx, &ids)?;
    let view = |record: UserRecord| {
        Ok(UserView {
            seat: seats.remove(&record.id),
            groups: groups.remove(&record.id).unwrap_or_default(),
            manager: manager(tx, &record)?,
            record,
        })
    };
    records.into_iter().map(view).collect()
}

/// Whole resources, for a filter or a sort that is memory's.
pub(crate) fn whole(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    base: &Base,
    records: &[UserRecord],
) -> Result<Vec<Map<String, Value>>, DirectoryError> {
    let views = views(tx, records.to_vec()).map_err(|error| match error {
        ProvisioningError::Directory(error) => error,
        ProvisioningError::Store(error) => error.into(),
        other => DirectoryError::BadDocument { id: String::new(), cause: other.to_string() },
    })?;
    views.iter().map(|view| render::user(rules, base, view)).collect()
}

/// Changes a user, and its seat where the change asks for it. What changes nothing writes nothing.
///
/// # Errors
/// As [`create`]; a failed precondition; no such user.
pub fn edit(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    edit: Edit<'_>,
    conditions: &Preconditions,
    (act, tolerance): (&Act, &mut Tolerance),
) -> Result<Written, ProvisioningError> {
    let record = found_for_update(tx, id, conditions)?;
    let old = record.parse()?;
    let new = edit.apply(rules, &old, tolerance)?;
    if new == old {
        return Ok(Written { view: view(tx, record)?, changed: false, seat: None });
    }
    let held = seats::find(tx, id)?;
    let wish = wish(rules, held.as_ref(), &old, &new);
    let record = users::update(tx, &record, &old, &new, &rules.user)?;
    let change = seats::settle(tx, id, wish)?;
    note(tx, "user.changed", &record, act, seat_detail(&change))?;
    promotion::record(tx, &change.promoted, act)?;
    let groups = memberships::of_user(tx, id)?;
    let manager = manager(tx, &record)?;
    let view = UserView { record, seat: Some(change.after.clone()), groups, manager };
    Ok(Written { view, changed: true, seat: Some(change) })
}

fn found_for_update(
    tx: &mut WriteTx<'_>,
    id: &str,
    conditions: &Preconditions,
) -> Result<UserRecord, ProvisioningError> {
    // Seats before rows of the directory, here and in `create`: a promotion holds the seats and then writes to users, so
    // nobody may hold a user, or the directory's totals, and wait for seats.
    pools::take_turn(tx)?;
    let record = users::find_for_update(tx, id)?.ok_or(ProvisioningError::NotFound("User"))?;
    conditions.check_write(record.version)?;
    Ok(record)
}

/// What the changed document asks for. As long as the class attribute stays as it is, so does the wish (MO13): an edit of
/// something else never moves a license, even where the profile has come to read the value differently.
fn wish<'a>(rules: &'a Rules, held: Option<&'a Seat>, old: &Document, new: &Document) -> Wish<'a> {
    let profile = &rules.profile;
    match held {
        Some(seat) if profile.class_value(old) == profile.class_value(new) => Wish {
            role: &seat.role,
            license: seat.requested,
            may_fall_back: profile.may_fall_back(&seat.role),
            active: is_active(new),
        },
        _ => profile.wish(new),
    }
}

/// Deletes a user, gives its seat to who waits, and takes it out of its groups. Returns the seats of those who waited.
///
/// # Errors
/// [`ProvisioningError::NotFound`], a failed precondition, or the store's.
pub fn delete(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    conditions: &Preconditions,
    act: &Act,
) -> Result<Vec<Seat>, ProvisioningError> {
    let record = found_for_update(tx, id, conditions)?;
    let promoted = seats::remove(tx, id)?;
    let left = users::remove(tx, &record, &rules.user)?;
    note(tx, "user.deleted", &record, act, json!({}))?;
    groups::record_left(tx, &left, id, act)?;
    promotion::record(tx, &promoted, act)?;
    Ok(promoted)
}

/// MO6: what was asked for and what was given, before and after.
fn seat_detail(change: &SeatChange) -> Value {
    let facts = |seat: &Seat| {
        json!({
            "role": seat.role,
            "requestedLicense": seat.requested.key(),
            "grantedLicense": seat.granted.map(|l| l.key()),
            "state": seat.state.key(),
        })
    };
    match (&change.before, change.changed()) {
        (None, _) => json!({ "seat": facts(&change.after) }),
        (Some(before), true) => json!({ "seatBefore": facts(before), "seat": facts(&change.after) }),
        (Some(_), false) => json!({}),
    }
}

fn note(
    tx: &mut WriteTx<'_>,
    kind: &'static str,
    record: &UserRecord,
    act: &Act,
    detail: Value,
) -> Result<(), ProvisioningError> {
    let change = Change {
        kind,
        resource_id: &record.id,
        version: record.version,
        request_id: &act.request_id,
        detail,
    };
    Ok(changes::append(tx, &change)?)
}
