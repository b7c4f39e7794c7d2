//! Users: create, read, list, change, delete. A user, its seat, the ledger's line and the change record are one
//! transaction: the caller's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use directory::{
    DirectoryError,
    changes::{self, Change},
    memberships::{self, GroupOfUser},
    search::Visitor,
    users::{self, UserRecord, UserRow},
};
use scim_core::{
    Document, ScimError, fold::fold, leniency::Tolerance, patch::PatchRequest, projection::Projection,
    resource, urn,
};
use seat_ledger::{License, Seat, SeatChange, Wish, pools, seats};
use serde_json::{Value, json};
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
    /// Its manager.
    pub manager: Manager,
}

/// The manager whom a user's document names.
#[derive(Clone, Debug, Default)]
pub enum Manager {
    /// It names none.
    #[default]
    None,
    /// A user of the same tenant, of whom more is told (RFC 7643 §4.3).
    Here {
        /// The manager's id.
        id: String,
        /// The manager's `displayName` now.
        display_name: Option<String>,
        /// The number of the change record that tells how the manager came to be so.
        changed_number: i64,
    },
    /// Nobody who is a user here, or is one still: the value is kept as it was sent and told of as that alone (table of
    /// disagreements, `manager with an id that is not here`).
    Elsewhere,
}

impl Manager {
    fn found(record: &UserRecord) -> Result<Self, DirectoryError> {
        let display_name = record.parse()?.str("displayName").map(str::to_owned);
        Ok(Self::Here { id: record.id.clone(), display_name, changed_number: record.changed_number })
    }

    /// Whether what is told of this manager may be another than when the user last changed.
    fn is_told_anew(&self, since: i64) -> bool {
        match self {
            Self::None => false,
            Self::Here { changed_number, .. } => *changed_number >= since,
            // A manager who was deleted is not told of any more, and no number is left that says since when.
            Self::Elsewhere => true,
        }
    }
}

impl UserView {
    /// Whether a client that has this version already has what would be answered. A membership change gives the group a
    /// new version and not the user, so the user's groups must also be as old as that version, where they are told. What came
    /// first is told by versions and by the numbers of change records, whatever a clock said. Who sends `*` has whatever is
    /// there (RFC 9110 §13.1.2).
    #[must_use]
    pub fn is_unchanged_for(&self, conditions: &Preconditions, projection: &Projection) -> bool {
        let since = self.record.changed_number;
        let regrouped = || {
            self.record.regrouped_version == self.record.version
                || self.groups.iter().any(|group| group.group.told_number >= since)
        };
        conditions.has_any()
            || conditions.has_already(self.record.version)
                && !(projection.wants("groups") && regrouped())
                && !(projection.wants(urn::ENTERPRISE_USER) && self.manager.is_told_anew(since))
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

/// A user who is to be made: all of it that can be told without the store.
#[derive(Clone, Debug)]
pub struct NewUser {
    row: UserRow,
    role: String,
    license: License,
    may_fall_back: bool,
    active: bool,
}

impl NewUser {
    /// The user of this document.
    #[must_use]
    pub fn of(rules: &Rules, document: &Document) -> Self {
        let Wish { role, license, may_fall_back, active } = rules.profile.wish(document);
        let row = UserRow::of(document, &rules.user);
        Self { row, role: role.to_owned(), license, may_fall_back, active }
    }

    /// The user of this body.
    ///
    /// # Errors
    /// Those of [`resource::create`].
    pub fn read(rules: &Rules, body: &Value, t: &mut Tolerance) -> Result<Self, ScimError> {
        Ok(Self::of(rules, &resource::create(&rules.user, body, t)?))
    }

    fn wish(&self) -> Wish<'_> {
        let Self { license, may_fall_back, active, .. } = *self;
        Wish { role: &self.role, license, may_fall_back, active }
    }
}

/// Creates a user and claims its seat.
///
/// # Errors
/// A taken name, no seat left, or the store's.
pub fn create(tx: &mut WriteTx<'_>, new: &NewUser, act: &Act) -> Result<Written, ProvisioningError> {
    let id = tx.new_id();
    create_as(tx, id, (new, true), act)
}

/// As [`create`], under an id that [`WriteTx::new_id`] gave before; unless the view is to be whole, its groups and its manager
/// are not looked up.
///
/// # Errors
/// As [`create`].
pub fn create_as(
    tx: &mut WriteTx<'_>,
    id: String,
    (new, whole): (&NewUser, bool),
    act: &Act,
) -> Result<Written, ProvisioningError> {
    pools::take_turn(tx)?;
    let record = users::insert_as(tx, id, &new.row)?;
    let change = seats::settle_new(tx, &record.id, new.wish())?;
    let detail = seat_detail(&change);
    note(tx, "user.created", &record, act, detail)?;
    let mut view = row_alone(record, Some(change.after.clone()));
    if whole {
        view.manager = manager(tx, &view.record)?;
    }
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

/// As [`get`], by a few queries whose cost is bounded; `None` when the user's groups are many, or stand in other groups.
///
/// # Errors
/// As [`get`].
pub fn get_at_once(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<UserView>, ProvisioningError> {
    let record = users::find(tx, id)?.ok_or(ProvisioningError::NotFound("User"))?;
    view_at_once(tx, record)
}

pub(crate) fn view(tx: &mut ReadTx<'_>, record: UserRecord) -> Result<UserView, ProvisioningError> {
    let groups = memberships::of_user(tx, &record.id)?;
    with_groups(tx, record, groups)
}

pub(crate) fn view_at_once(
    tx: &mut ReadTx<'_>,
    record: UserRecord,
) -> Result<Option<UserView>, ProvisioningError> {
    let groups = memberships::of_user_at_once(tx, &record.id)?;
    groups.map(|groups| with_groups(tx, record, groups)).transpose()
}

fn with_groups(
    tx: &mut ReadTx<'_>,
    record: UserRecord,
    groups: Vec<GroupOfUser>,
) -> Result<UserView, ProvisioningError> {
    let seat = seats::find(tx, &record.id)?;
    let manager = manager(tx, &record)?;
    Ok(UserView { record, seat, groups, manager })
}

fn manager(tx: &mut ReadTx<'_>, record: &UserRecord) -> Result<Manager, ProvisioningError> {
    let Some(id) = manager_id(record)? else { return Ok(Manager::None) };
    let found = users::find(tx, &id)?;
    Ok(found.as_ref().map_or(Ok(Manager::Elsewhere), Manager::found)?)
}

/// What a user's document has as its manager's id.
fn manager_id(record: &UserRecord) -> Result<Option<String>, DirectoryError> {
    // Quotes inside strings are escaped, so this is only ever the key; most users have none and cost no look-up.
    if !record.document.contains("\"manager\":") {
        return Ok(None);
    }
    let document = record.parse()?;
    let id = document.get(urn::ENTERPRISE_USER).and_then(|e| e.get("manager")?.get("value")?.as_str());
    // RFC 7643 §8.7.1: without letter case, unlike the id of a resource.
    Ok(id.map(|id| fold(id).into_owned()))
}

/// The manager of each of these users.
fn managers(tx: &mut ReadTx<'_>, records: &[UserRecord]) -> Result<Vec<Manager>, DirectoryError> {
    let named: Vec<Option<String>> = records.iter().map(manager_id).collect::<Result<_, _>>()?;
    let ids: BTreeSet<&str> = named.iter().flatten().map(String::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut here = BTreeMap::new();
    for record in users::find_all(tx, &ids)? {
        here.insert(record.id.clone(), Manager::found(&record)?);
    }
    let manager = |id: &Option<String>| match id {
        None => Manager::None,
        Some(id) => here.get(id).cloned().unwrap_or(Manager::Elsewhere),
    };
    Ok(named.iter().map(manager).collect())
}

/// Views of many records, one after the other, with few queries for all of them: seats and managers are asked for at once; how
/// many groups a user is in is bounded by nothing, so not everybody's are read at once.
pub(crate) struct Views {
    records: VecDeque<UserRecord>,
    seats: BTreeMap<String, Seat>,
    /// Of the records, in their order.
    managers: VecDeque<Manager>,
    /// Of the first of the records.
    groups: VecDeque<Vec<GroupOfUser>>,
    /// Of how many their groups are read at once.
    at_once: usize,
    with_groups: bool,
}

impl Views {
    pub(crate) fn of(
        tx: &mut ReadTx<'_>,
        records: Vec<UserRecord>,
        with_groups: bool,
    ) -> Result<Self, ProvisioningError> {
        let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
        let seats = if ids.is_empty() { BTreeMap::new() } else { seats::of_users(tx, &ids)? };
        let managers = managers(tx, &records)?.into();
        let (groups, at_once) = (VecDeque::new(), usize::MAX);
        Ok(Self { records: records.into(), seats, managers, groups, at_once, with_groups })
    }

    pub(crate) fn next(&mut self, tx: &mut ReadTx<'_>) -> Result<Option<UserView>, ProvisioningError> {
        if self.with_groups && self.groups.is_empty() && !self.records.is_empty() {
            let ids: Vec<&str> =
                self.records.iter().take(self.at_once).map(|record| record.id.as_str()).collect();
            self.groups = memberships::of_first(tx, &ids)?.into();
            self.at_once = self.groups.len();
        }
        let Some(record) = self.records.pop_front() else { return Ok(None) };
        let groups = self.groups.pop_front().unwrap_or_default();
        let manager = self.managers.pop_front().unwrap_or_default();
        Ok(Some(UserView { seat: self.seats.remove(&record.id), groups, manager, record }))
    }
}

/// Shows whole resources, for a filter or a sort that is memory's.
pub(crate) fn show_whole(
    tx: &mut ReadTx<'_>,
    (rules, base): (&Rules, &Base),
    records: Vec<UserRecord>,
    with_groups: bool,
    show: &mut Visitor<'_>,
) -> Result<(), DirectoryError> {
    let plain = |error| match error {
        ProvisioningError::Directory(error) => error,
        ProvisioningError::Store(error) => error.into(),
        other => DirectoryError::BadDocument { id: String::new(), cause: other.to_string() },
    };
    let mut views = Views::of(tx, records, with_groups).map_err(plain)?;
    while let Some(view) = views.next(tx).map_err(plain)? {
        if !show(render::user(rules, base, &view)?)? {
            break;
        }
    }
    Ok(())
}

/// Changes a user, and its seat where the change asks for it. What changes nothing writes nothing. Unless the view is to be
/// whole, what is told of beside the row is not looked up.
///
/// # Errors
/// As [`create`]; a failed precondition; no such user.
pub fn edit(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    (edit, whole): (Edit<'_>, bool),
    conditions: &Preconditions,
    (act, tolerance): (&Act, &mut Tolerance),
) -> Result<Written, ProvisioningError> {
    let record = found_for_update(tx, id, conditions)?;
    let old = record.parse()?;
    let new = edit.apply(rules, &old, tolerance)?;
    if new == old {
        let view = if whole { view(tx, record)? } else { row_alone(record, None) };
        return Ok(Written { view, changed: false, seat: None });
    }
    if is_active(&old) && !is_active(&new) {
        tx.go_beyond_limit();
    }
    let held = seats::find(tx, id)?;
    let wish = wish(rules, held.as_ref(), &old, &new);
    let record = users::update(tx, &record, &old, &new, &rules.user)?;
    let change = seats::settle(tx, id, wish)?;
    note(tx, "user.changed", &record, act, seat_detail(&change))?;
    promotion::record(tx, &change.promoted, act)?;
    let mut view = row_alone(record, Some(change.after.clone()));
    if whole {
        view.groups = memberships::of_user(tx, id)?;
        view.manager = manager(tx, &view.record)?;
    }
    Ok(Written { view, changed: true, seat: Some(change) })
}

fn row_alone(record: UserRecord, seat: Option<Seat>) -> UserView {
    UserView { record, seat, groups: Vec::new(), manager: Manager::None }
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
    tx.go_beyond_limit();
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
