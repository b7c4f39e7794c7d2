//! A resource with the computed parts of its response: a user's seat, groups and manager, a group's members.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use directory::{
    DirectoryError,
    memberships::{self, GroupOfUser, MemberRow},
    resources::{self, Record},
};
use scim_core::{ResourceKind, fold::fold, projection::Projection, urn};
use seat_ledger::{Licenses, Seat, seats};
use store::ReadTx;

use crate::{Preconditions, ProvisioningError};

/// A resource with the computed parts of its response.
#[derive(Clone, Debug)]
pub struct View {
    /// User or group.
    pub kind: ResourceKind,
    /// The row.
    pub record: Record,
    /// A user's seat.
    pub seat: Option<Seat>,
    /// A user's manager.
    pub manager: Manager,
    /// A user's groups at the time of the transaction; none where they are not asked for.
    pub groups: Vec<GroupOfUser>,
    /// A group's members; `None` where they are not asked for, which spares reading them.
    pub members: Option<Vec<MemberRow>>,
}

/// How much of the resource the response shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Its id and its version.
    Version,
    /// Its attributes, but neither a group's members nor a user's groups: reading those may cost much.
    Attributes,
    /// All of it.
    Links,
}

/// The manager whom a user's document names.
#[derive(Clone, Debug, Default)]
pub enum Manager {
    /// It names none.
    #[default]
    None,
    /// A user of the same tenant, of whom more is shown (RFC 7643 §4.3).
    Here {
        /// The manager's id.
        id: String,
        /// The manager's `displayName` now.
        display_name: Option<String>,
        /// The number of the manager's last change record.
        changed_number: i64,
    },
    /// No user here, or a deleted one: the value is returned as it was sent (table of disagreements, `manager with an id that
    /// is not here`).
    Elsewhere,
}

impl Manager {
    fn found(record: &Record) -> Result<Self, DirectoryError> {
        let display_name = record.parse()?.str("displayName").map(str::to_owned);
        Ok(Self::Here { id: record.id.clone(), display_name, changed_number: record.changed_number })
    }

    /// Whether the shown attributes of this manager may have changed since the user last changed.
    fn may_differ_since(&self, since: i64) -> bool {
        match self {
            Self::None => false,
            Self::Here { changed_number, .. } => *changed_number >= since,
            // A deleted manager has no attributes to show and no number that dates the deletion.
            Self::Elsewhere => true,
        }
    }
}

/// The attribute of a kind that holds its links to other resources: a user's `groups`, a group's `members`.
#[must_use]
pub fn links_attribute(kind: ResourceKind) -> &'static str {
    if kind == ResourceKind::User { "groups" } else { "members" }
}

impl View {
    /// The view without its computed parts.
    pub(crate) fn of(kind: ResourceKind, record: Record) -> Self {
        Self { kind, record, seat: None, manager: Manager::None, groups: Vec::new(), members: None }
    }

    /// With the computed parts that a response needs.
    pub(crate) fn shown(
        self,
        tx: &mut ReadTx<'_>,
        licenses: &Licenses,
        shown: Shown,
    ) -> Result<Self, ProvisioningError> {
        match shown {
            Shown::Version => Ok(self),
            Shown::Attributes => self.completed(tx, licenses, false),
            Shown::Links => self.completed(tx, licenses, true),
        }
    }

    /// With all computed parts; links only where they are asked for.
    pub(crate) fn completed(
        mut self,
        tx: &mut ReadTx<'_>,
        licenses: &Licenses,
        with_links: bool,
    ) -> Result<Self, ProvisioningError> {
        if self.kind == ResourceKind::Group {
            self.members = with_links.then(|| memberships::of_group(tx, &self.record.id)).transpose()?;
            return Ok(self);
        }
        // Who never went into a group is in none.
        if with_links && self.record.regrouped_version > 0 {
            self.groups = memberships::of_user(tx, &self.record.id)?;
        }
        if self.seat.is_none() {
            self.seat = seats::find(tx, licenses, &self.record.id)?;
        }
        self.with_manager(tx)
    }

    pub(crate) fn with_manager(mut self, tx: &mut ReadTx<'_>) -> Result<Self, ProvisioningError> {
        if let Some(id) = manager_id(&self.record)? {
            let found = resources::find(tx, ResourceKind::User, &id)?;
            self.manager = found.as_ref().map_or(Ok(Manager::Elsewhere), Manager::found)?;
        }
        Ok(self)
    }

    /// The resource's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.record.id
    }

    /// The resource's version.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.record.version
    }

    /// How many other resources it shows: the members of a group, the groups of a user.
    #[must_use]
    pub fn links(&self) -> usize {
        self.groups.len() + self.members.as_ref().map_or(0, Vec::len)
    }

    /// About how many bytes its text has, if all of it is shown.
    #[must_use]
    pub fn size(&self) -> usize {
        /// A member or a group with its id, URL and name.
        const LINK: usize = 256;
        self.record.document.len().saturating_add(self.links().saturating_mul(LINK))
    }

    /// Whether a client that has this version would get the same response again. A membership change gives the group a new
    /// version and not the user, so a user's groups must also be as old as that version, where they are shown. Versions and
    /// the numbers of change records give the order, not a clock. `If-None-Match: *` matches any version (RFC 9110 §13.1.2).
    #[must_use]
    pub fn is_unchanged_for(&self, conditions: &Preconditions, projection: &Projection) -> bool {
        if conditions.has_any() || self.kind != ResourceKind::User {
            return conditions.has_already(self.record.version);
        }
        let since = self.record.changed_number;
        let regrouped = || {
            self.record.regrouped_version == self.record.version
                || self.groups.iter().any(|group| group.group.changed_number >= since)
        };
        conditions.has_already(self.record.version)
            && !(projection.wants("groups") && regrouped())
            && !(projection.wants(urn::ENTERPRISE_USER) && self.manager.may_differ_since(since))
    }
}

/// One resource; its links where they are asked for.
///
/// # Errors
/// [`ProvisioningError::NotFound`], or the store's; `LargeRead` when a small read meets many links.
pub fn get(
    tx: &mut ReadTx<'_>,
    licenses: &Licenses,
    kind: ResourceKind,
    id: &str,
    with_links: bool,
) -> Result<View, ProvisioningError> {
    let record = resources::find(tx, kind, id)?.ok_or(ProvisioningError::NotFound(kind.name()))?;
    View::of(kind, record).completed(tx, licenses, with_links)
}

/// The manager's id in a user's document.
fn manager_id(record: &Record) -> Result<Option<String>, DirectoryError> {
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
fn managers(tx: &mut ReadTx<'_>, records: &[Record]) -> Result<VecDeque<Manager>, DirectoryError> {
    let named: Vec<Option<String>> = records.iter().map(manager_id).collect::<Result<_, _>>()?;
    let ids: BTreeSet<&str> = named.iter().flatten().map(String::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut here = BTreeMap::new();
    for record in resources::find_all(tx, ResourceKind::User, &ids)? {
        here.insert(record.id.clone(), Manager::found(&record)?);
    }
    let manager = |id: &Option<String>| match id {
        None => Manager::None,
        Some(id) => here.get(id).cloned().unwrap_or(Manager::Elsewhere),
    };
    Ok(named.iter().map(manager).collect())
}

/// Views of many records of one kind, one after the other, with few queries for all of them: seats and managers are asked for
/// together; a resource may have any number of links, so links are read of as many resources as have few enough.
pub(crate) struct Views {
    licenses: Licenses,
    kind: ResourceKind,
    with_links: bool,
    records: VecDeque<Record>,
    seats: BTreeMap<String, Seat>,
    /// Of the users, in their order.
    managers: VecDeque<Manager>,
    /// Of the first of the records.
    links: VecDeque<Links>,
    /// Of how many their links are read together.
    together: usize,
}

enum Links {
    Groups(Vec<GroupOfUser>),
    Members(Vec<MemberRow>),
}

impl Views {
    pub(crate) fn of(
        tx: &mut ReadTx<'_>,
        licenses: &Licenses,
        kind: ResourceKind,
        records: Vec<Record>,
        with_links: bool,
    ) -> Result<Self, ProvisioningError> {
        let (mut seats, mut managers) = (BTreeMap::new(), VecDeque::new());
        if kind == ResourceKind::User && !records.is_empty() && !tx.is_small() {
            let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
            seats = seats::of_users(tx, licenses, &ids)?;
            managers = self::managers(tx, &records)?;
        }
        let (links, together) = (VecDeque::new(), usize::MAX);
        let licenses = licenses.clone();
        Ok(Self { licenses, kind, with_links, records: records.into(), seats, managers, links, together })
    }

    pub(crate) fn next(&mut self, tx: &mut ReadTx<'_>) -> Result<Option<View>, ProvisioningError> {
        if self.with_links && self.links.is_empty() && !tx.is_small() {
            self.read_links(tx)?;
        }
        let Some(record) = self.records.pop_front() else { return Ok(None) };
        let mut view = View::of(self.kind, record);
        if tx.is_small() {
            return view.completed(tx, &self.licenses, self.with_links).map(Some);
        }
        view.seat = self.seats.remove(view.id());
        view.manager = self.managers.pop_front().unwrap_or_default();
        match self.links.pop_front() {
            Some(Links::Groups(groups)) => view.groups = groups,
            Some(Links::Members(members)) => view.members = Some(members),
            None => {}
        }
        Ok(Some(view))
    }

    fn read_links(&mut self, tx: &mut ReadTx<'_>) -> Result<(), DirectoryError> {
        let ids: Vec<&str> =
            self.records.iter().take(self.together).map(|record| record.id.as_str()).collect();
        self.links = match self.kind {
            _ if ids.is_empty() => VecDeque::new(),
            ResourceKind::User => memberships::of_first(tx, &ids)?.into_iter().map(Links::Groups).collect(),
            _ => memberships::members_of_first(tx, &ids)?.into_iter().map(Links::Members).collect(),
        };
        self.together = self.links.len();
        Ok(())
    }
}
