//! A change of a group's members that would take the seats of too many people at once (`protect.group_wipe_percent`): what was sent is
//! stored and echoed, and the people keep role and seat until staff carry it out or drop it, or until they are in the group again.

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    Origin, Standing, group_wipes,
    memberships::{Applied, groupless},
    resources::{self, Record},
    standing::Held,
};
use scim_core::ResourceKind;
use seat_ledger::{State, pools, seats};
use store::WriteTx;

use crate::{
    Act, ProvisioningError, Rules, Verdict,
    facts::{Cause, Facts, Note},
    promotion, records,
    roster::{self, GroupOfPeople},
    seating,
    wishes::{self, Carried},
};

const USER: ResourceKind = ResourceKind::User;

/// Groups of fewer people are not guarded.
const FEWEST: i64 = 10;

/// People whose rows are in memory at a time.
const AT_ONCE: usize = 500;

/// Holds the effect of a change of members back if it would take too many seats; the users who keep theirs.
pub(crate) fn hold_back(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    group: &Record,
    applied: &Applied,
    cause: Cause<'_>,
) -> Result<BTreeSet<String>, ProvisioningError> {
    let percent = rules.profile().protect.group_wipe_percent;
    if percent == 0 || applied.moved().is_empty() {
        return Ok(BTreeSet::new());
    }
    let back = group_wipes::among(tx, &group.id, &applied.came)?;
    end(tx, &group.id, back, cause.followed())?;
    let came: BTreeSet<&String> = applied.came.iter().collect();
    let left: BTreeSet<&String> = applied.left.iter().filter(|id| !came.contains(id)).collect();
    let count = |ids: &BTreeSet<&String>| i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let before = group_wipes::people_in(tx, &group.id)? + count(&left) - count(&came);
    let is_too_many =
        |lost: i64| before >= FEWEST && lost.saturating_mul(100) > before.saturating_mul(percent);
    if !is_too_many(count(&left)) {
        return Ok(BTreeSet::new());
    }
    let left: Vec<&str> = left.into_iter().map(String::as_str).collect();
    let losing = losing(tx, rules, &left)?;
    if !is_too_many(i64::try_from(losing.len()).unwrap_or(i64::MAX)) {
        return Ok(BTreeSet::new());
    }
    let ids: Vec<String> = losing.iter().map(|record| record.id.clone()).collect();
    group_wipes::insert(tx, &group.id, &ids)?;
    for record in losing {
        groupless::forget(tx, &record.id)?;
        let mut record = resources::touch(tx, USER, &record)?;
        let standing = Standing { held: Some(Held::GroupWipe), ..record.standing.clone() };
        seating::write_standing(tx, &mut record, standing)?;
        let group = Note { name: "group", text: &group.id };
        let notes = &[group, Note { name: "held", text: Held::GroupWipe.key() }];
        let facts = Facts { verdict: Verdict::Held, notes, ..Facts::default() };
        records::record(tx, cause.followed(), USER, "held", &record, &facts)?;
    }
    Ok(ids.into_iter().collect())
}

/// Those of these people who would lose their seat now, or when the time of people without a group is over.
fn losing(tx: &mut WriteTx<'_>, rules: &Rules, people: &[&str]) -> Result<Vec<Record>, ProvisioningError> {
    let mut losing = Vec::new();
    for ids in people.chunks(AT_ONCE) {
        let seats = seats::of_users(tx, rules.product.licenses(), ids)?;
        let mut bound = wishes::bound_to(tx, rules, ids)?;
        let grouped: BTreeSet<String> = match rules.notes_groupless() {
            true => groupless::in_groups(tx, ids)?.into_iter().collect(),
            false => ids.iter().map(|id| (*id).to_owned()).collect(),
        };
        let found = resources::find_all(tx, USER, ids)?.into_iter();
        let found: BTreeMap<String, Record> = found.map(|record| (record.id.clone(), record)).collect();
        for (id, record) in found {
            let seat = seats.get(&id).filter(|seat| seat.granted.is_some() && seat.state != State::Suspended);
            let Some(seat) = seat else { continue };
            let document = record.parse()?;
            let carried = || Carried { role: true, active: false };
            let standing = wishes::standing_after(rules, &record.standing, carried, &document, &document);
            let bound = bound.remove(&id).unwrap_or_default();
            let request = wishes::of_facts(rules, &standing, &document, &bound);
            let is_lowered = rules.profile().is_group_driven()
                && request.role != seat.role
                && request.role_rank > seat.role_rank();
            let goes = record.origin == Origin::Idp
                && !grouped.contains(&id)
                && !rules.product.protects(document.str("userName").unwrap_or_default());
            if is_lowered || goes {
                losing.push(record);
            }
        }
    }
    Ok(losing)
}

/// Ends what waits for these people and this group; those for whom nothing waits any more. A cause that is an answer gives each of them
/// a row of the log.
pub(crate) fn end(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    people: Vec<String>,
    cause: Cause<'_>,
) -> Result<Vec<String>, ProvisioningError> {
    group_wipes::remove(tx, group_id, &people)?;
    let mut free = Vec::new();
    for id in people {
        if group_wipes::has(tx, &id)? {
            continue;
        }
        let Some(record) = resources::find_for_update(tx, USER, &id)? else { continue };
        if record.standing.held == Some(Held::GroupWipe) {
            let mut record = resources::touch(tx, USER, &record)?;
            let standing = Standing { held: None, ..record.standing.clone() };
            seating::write_standing(tx, &mut record, standing)?;
            let notes = &[Note { name: "group", text: group_id }];
            let facts = Facts { notes, ..Facts::default() };
            records::record(tx, cause, USER, "released", &record, &facts)?;
        }
        free.push(id);
    }
    Ok(free)
}

/// Ends what waits for a group that is deleted; the people for whom it is to be carried out.
pub(crate) fn end_group(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    cause: Cause<'_>,
) -> Result<Vec<String>, ProvisioningError> {
    let people = group_wipes::of_group(tx, group_id)?;
    end(tx, group_id, people.into_iter().map(|(id, _)| id).collect(), cause.followed())
}

/// Carries out what waits for a group, or drops it: then people keep role and seat until their groups or what they are sent with
/// change.
///
/// # Errors
/// No such group, or the store's.
pub fn release(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    group_id: &str,
    is_dropped: bool,
    act: &Act,
) -> Result<GroupOfPeople, ProvisioningError> {
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let kind = ResourceKind::Group;
    let group = resources::find(tx, kind, group_id)?.ok_or(ProvisioningError::NotFound(kind.name()))?;
    let people: Vec<String> = group_wipes::of_group(tx, group_id)?.into_iter().map(|(id, _)| id).collect();
    if people.is_empty() {
        return roster::group(tx, rules, group_id);
    }
    let (verb, number) = (if is_dropped { "dropped" } else { "released" }, people.len().to_string());
    let cause = rules.cause_of_act(act, "release");
    let notes = &[Note { name: "people", text: &number }, Note { name: "by", text: "staff" }];
    records::record(tx, cause, kind, verb, &group, &Facts { notes, ..Facts::default() })?;
    if is_dropped {
        end(tx, group_id, people, cause)?;
        return roster::group(tx, rules, group_id);
    }
    group_wipes::remove(tx, group_id, &people)?;
    let mut free = Vec::new();
    for id in people {
        if group_wipes::has(tx, &id)? {
            continue;
        }
        let Some(mut record) = resources::find_for_update(tx, USER, &id)? else { continue };
        let change = seating::let_go(tx, rules, &mut record, cause)?;
        promotion::record(tx, &change.moves, cause)?;
        free.push(id);
    }
    if rules.notes_groupless() {
        groupless::note_left(tx, &free)?;
        rules.note_departures(tx, &free);
    }
    roster::group(tx, rules, group_id)
}
