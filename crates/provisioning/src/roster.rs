//! People and groups as staff see them: role and license with where they come from, origin, groups and members.

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    breaker::losses,
    group_rules, group_wipes,
    memberships::{self, MemberRow},
    origin::Origin,
    resources::{self, Record},
    user_name_key,
};
use profiles::Binding;
use scim_core::{Document, ResourceKind};
use seat_ledger::State;
use serde::Serialize;
use store::ReadTx;

use crate::{
    ProvisioningError, Rules,
    breaker::loss,
    product::is_active,
    timestamp::iso,
    view::{self, View, Views},
    wishes,
};

/// One person.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// The SCIM id.
    pub id: String,
    /// As the identity provider, or staff, wrote it.
    pub user_name: String,
    /// The identity provider's own id.
    pub external_id: Option<String>,
    /// Whether the person may work: what staff chose, or what the identity provider says.
    pub active: bool,
    /// What the person may do.
    pub role: Option<String>,
    /// Where the role comes from: an attribute, `group:ID`, `local` or `default`.
    pub role_from: String,
    /// The seat.
    pub license: Option<License>,
    /// `IDP` or `LOCAL`.
    pub origin: &'static str,
    /// Since when.
    pub since: String,
    /// The groups that the person is in, directly or through others.
    pub groups: Vec<Named>,
    /// What the identity provider says, where something else was chosen here (CX14).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp: Option<Sent>,
}

/// The seat of a person.
#[derive(Clone, Debug, Serialize)]
pub struct License {
    /// The license that was asked for.
    pub requested: String,
    /// The license whose seat is held.
    pub granted: Option<String>,
    /// How the request stands.
    pub state: &'static str,
}

/// A group of a person.
#[derive(Clone, Debug, Serialize)]
pub struct Named {
    /// The group.
    pub id: String,
    /// Its name.
    pub display_name: Option<String>,
}

/// What the identity provider says of a person.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// The role that the document means.
    pub role: String,
    /// The document's `active`.
    pub active: bool,
    /// Whether it has deleted the person, and the deletion waits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// Which people a list shows.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only those whose seat is in this state; `held` is a state here.
    pub state: Option<String>,
    /// Only those with this role.
    pub role: Option<String>,
    /// Only those of this origin.
    pub origin: Option<Origin>,
    /// Only the one with this userName, compared as SCIM compares it.
    pub user_name: Option<String>,
}

/// People whose rows are in memory at a time, of those whose deletion waits.
const AT_ONCE: i64 = 500;

/// People who are named of those whom a group has held back.
const MOST_NAMED: usize = 100;

/// The states that people can be listed by.
#[must_use]
pub fn is_state(word: &str) -> bool {
    word == HELD || word.parse::<State>().is_ok()
}

/// The state of a person whose document's effect waits.
pub(crate) const HELD: &str = "held";

impl Wanted {
    fn wants(&self, person: &Person) -> bool {
        let state = person.license.as_ref().map(|license| license.state);
        self.state.as_deref().is_none_or(|wanted| state == Some(wanted))
            && self.role.as_deref().is_none_or(|wanted| person.role.as_deref() == Some(wanted))
    }
}

/// One person.
///
/// # Errors
/// [`ProvisioningError::NotFound`], or the store's.
pub fn person(tx: &mut ReadTx<'_>, rules: &Rules, id: &str) -> Result<Person, ProvisioningError> {
    let licenses = rules.product.licenses();
    let deleted = loss::deleted(tx, rules, id)?;
    let is_deleted = deleted.is_some();
    let view = match deleted {
        None => view::get(tx, licenses, ResourceKind::User, id, true)?,
        Some(record) => View::of(ResourceKind::User, record).completed(tx, licenses, true)?,
    };
    let bound = wishes::bound_to(tx, rules, &[id])?;
    described(rules, &view, &bound, is_deleted)
}

/// People in the order of their ids, after this one, at most so many.
///
/// # Errors
/// When the store fails.
pub fn people(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    wanted: &Wanted,
    after: Option<String>,
    most: usize,
) -> Result<Vec<Person>, ProvisioningError> {
    let kind = ResourceKind::User;
    if let Some(name) = &wanted.user_name {
        let found = resources::find_user(tx, name)?.filter(|record| Some(&record.id) > after.as_ref());
        let found = found.filter(|record| wanted.origin.is_none_or(|origin| record.origin == origin));
        let deleted = if rules.breaker { losses::deleted_by_name(tx, &user_name_key(name))? } else { None };
        let deleted = deleted.and_then(|person| Some(person.deleted?.record));
        let found = found.or(deleted.filter(|record| Some(&record.id) > after.as_ref()));
        let person = found.map(|record| person(tx, rules, &record.id)).transpose()?;
        return Ok(person.into_iter().filter(|person| wanted.wants(person)).collect());
    }
    let (mut found, mut after) = (Vec::new(), after);
    while found.len() < most {
        let Batch { records: mut batch, deleted } = batch_after(tx, rules, after.take())?;
        let Some(last) = batch.last() else { break };
        after = Some(last.id.clone());
        batch.retain(|record| wanted.origin.is_none_or(|origin| record.origin == origin));
        let ids: Vec<&str> = batch.iter().map(|record| record.id.as_str()).collect();
        let bound = wishes::bound_to(tx, rules, &ids)?;
        let mut views = Views::of(tx, rules.product.licenses(), kind, batch, true)?;
        while found.len() < most
            && let Some(view) = views.next(tx)?
        {
            let person = described(rules, &view, &bound, deleted.contains(view.id()))?;
            found.extend(Some(person).filter(|person| wanted.wants(person)));
        }
    }
    Ok(found)
}

/// Some people in the order of their ids.
struct Batch {
    records: Vec<Record>,
    /// Those of them whom the identity provider has deleted, and whose deletion waits.
    deleted: BTreeSet<String>,
}

fn batch_after(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    after: Option<String>,
) -> Result<Batch, ProvisioningError> {
    let gone = if rules.breaker { losses::deleted_after(tx, after.as_deref(), AT_ONCE)? } else { Vec::new() };
    let mut records = resources::after(tx, ResourceKind::User, after)?;
    let is_cut = i64::try_from(gone.len()) == Ok(AT_ONCE);
    let deleted: BTreeSet<String> = gone.iter().map(|record| record.id.clone()).collect();
    let last = |records: &[Record]| records.last().map(|record| record.id.clone());
    // Beyond the last of a list there may be more, so nothing behind it is told yet.
    let ends = [last(&records), last(&gone).filter(|_| is_cut)];
    let end = ends.into_iter().flatten().min();
    records.extend(gone);
    records.retain(|record| end.as_ref().is_none_or(|end| record.id <= *end));
    records.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Batch { records, deleted })
}

fn described(
    rules: &Rules,
    view: &View,
    bound: &BTreeMap<String, Vec<Binding>>,
    is_deleted: bool,
) -> Result<Person, ProvisioningError> {
    let (record, seat) = (&view.record, view.seat.as_ref());
    let bound = bound.get(&record.id).map(Vec::as_slice).unwrap_or_default();
    let document = record.parse()?;
    let standing = &record.standing;
    let role_from = wishes::role_from(rules, standing, &document, bound);
    let sent = || Sent {
        role: rules.product.seat_request(&document, bound).role,
        active: is_active(&document),
        deleted: is_deleted,
    };
    let named = |group: &memberships::GroupOfUser| Named {
        id: group.group.id.clone(),
        display_name: group.group.display_name.clone(),
    };
    Ok(Person {
        id: record.id.clone(),
        user_name: document.str("userName").unwrap_or_default().to_owned(),
        external_id: document.str("externalId").map(str::to_owned),
        active: wishes::is_working(standing, &document),
        role: seat.map(|seat| seat.role.clone()),
        role_from,
        license: seat.map(|seat| License {
            requested: seat.requested.key().to_owned(),
            granted: seat.granted.as_ref().map(|license| license.key().to_owned()),
            state: if standing.held.is_some() { HELD } else { seat.state.key() },
        }),
        origin: record.origin.key(),
        since: iso(record.of_origin_since_ms()),
        groups: view.groups.iter().map(named).collect(),
        idp: (!standing.is_ordinary()).then(sent),
    })
}

/// One group; `members` only where one group is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct GroupOfPeople {
    /// The SCIM id.
    pub id: String,
    /// Its name.
    pub display_name: String,
    /// The identity provider's own id.
    pub external_id: Option<String>,
    /// The role that the group gives its members.
    pub role: Option<String>,
    /// `IDP` or `LOCAL`.
    pub origin: &'static str,
    /// Since when.
    pub since: String,
    /// What waits for staff, because it would take too many seats at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldBack>,
    /// Who is in it (IO6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<MemberOfGroup>>,
}

/// People who have left a group, and keep role and seat until staff decide.
#[derive(Clone, Debug, Serialize)]
pub struct HeldBack {
    /// How many.
    pub people: usize,
    /// Since when the first of them waits.
    pub since: String,
    /// Their userNames, of the first hundred.
    pub user_names: Vec<String>,
}

/// One member of a group: ours beside the identity provider's.
#[derive(Clone, Debug, Serialize)]
pub struct MemberOfGroup {
    /// The SCIM id.
    pub id: String,
    /// `User` or `Group`.
    pub r#type: &'static str,
    /// The identity provider's own id.
    pub external_id: Option<String>,
    /// Of a user.
    pub user_name: Option<String>,
    /// Of a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Who the member is of.
    pub origin: &'static str,
    /// Who the membership is of.
    pub membership: &'static str,
}

/// One group with its members.
///
/// # Errors
/// [`ProvisioningError::NotFound`], or the store's.
pub fn group(tx: &mut ReadTx<'_>, rules: &Rules, id: &str) -> Result<GroupOfPeople, ProvisioningError> {
    let kind = ResourceKind::Group;
    let record = resources::find(tx, kind, id)?.ok_or(ProvisioningError::NotFound(kind.name()))?;
    let rows = memberships::of_group(tx, id)?;
    let mut members = Vec::with_capacity(rows.len());
    let local = memberships::local_of_group(tx, id)?;
    // So many documents are in memory at a time.
    for rows in rows.chunks(500) {
        for kind in [ResourceKind::User, ResourceKind::Group] {
            let ids: Vec<&str> = rows.iter().filter(|row| row.kind == kind).map(id_of).collect();
            for record in resources::find_all(tx, kind, &ids)? {
                members.push(member(kind, &record, local.contains(&record.id))?);
            }
        }
    }
    members.sort_by(|a, b| a.id.cmp(&b.id));
    let held = held_back(tx, id)?;
    Ok(GroupOfPeople { members: Some(members), held, ..summary(tx, rules, &record)? })
}

fn held_back(tx: &mut ReadTx<'_>, group_id: &str) -> Result<Option<HeldBack>, ProvisioningError> {
    let held = group_wipes::of_group(tx, group_id)?;
    let Some(since) = held.iter().map(|(_, since_ms)| *since_ms).min() else { return Ok(None) };
    let shown: Vec<&str> = held.iter().take(MOST_NAMED).map(|(id, _)| id.as_str()).collect();
    let mut user_names = Vec::new();
    for record in resources::find_all(tx, ResourceKind::User, &shown)? {
        user_names.extend(record.parse()?.str("userName").map(str::to_owned));
    }
    user_names.sort();
    Ok(Some(HeldBack { people: held.len(), since: iso(since), user_names }))
}

fn id_of(row: &MemberRow) -> &str {
    &row.member_id
}

fn member(kind: ResourceKind, record: &Record, local: bool) -> Result<MemberOfGroup, ProvisioningError> {
    let document = record.parse()?;
    let text = |name| document.str(name).map(str::to_owned);
    let is_user = kind == ResourceKind::User;
    Ok(MemberOfGroup {
        id: record.id.clone(),
        r#type: kind.name(),
        external_id: text("externalId"),
        user_name: text("userName").filter(|_| is_user),
        display_name: text("displayName").filter(|_| !is_user),
        origin: record.origin.key(),
        membership: if local { Origin::Local } else { Origin::Idp }.key(),
    })
}

/// Groups in the order of their ids, after this one, at most so many; without members.
///
/// # Errors
/// When the store fails.
pub fn groups(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    after: Option<String>,
    most: usize,
) -> Result<Vec<GroupOfPeople>, ProvisioningError> {
    let (mut found, mut after) = (Vec::new(), after);
    while found.len() < most {
        let batch = resources::after(tx, ResourceKind::Group, after.take())?;
        let Some(last) = batch.last() else { break };
        after = Some(last.id.clone());
        for record in batch.iter().take(most - found.len()) {
            found.push(summary(tx, rules, record)?);
        }
    }
    Ok(found)
}

fn summary(tx: &mut ReadTx<'_>, rules: &Rules, record: &Record) -> Result<GroupOfPeople, ProvisioningError> {
    let bound = group_rules::of_group(tx, &record.id)?;
    let role = rules.profile().role_of_rules(bound.iter().map(|bound| bound.rule.as_str()));
    let document: Document = record.parse()?;
    let text = |name| document.str(name).map(str::to_owned);
    Ok(GroupOfPeople {
        id: record.id.clone(),
        display_name: text("displayName").unwrap_or_default(),
        external_id: text("externalId"),
        role: role.map(|role| role.key.clone()),
        origin: record.origin.key(),
        since: iso(record.of_origin_since_ms()),
        held: None,
        members: None,
    })
}
