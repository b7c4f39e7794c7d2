//! Roles that groups give (S9). A change of members, of a group's name or its end moves the seats of all whom it concerns, in its
//! own transaction. Who finds no seat waits, whatever the policy is: to refuse a whole group would break the sync.

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    group_rules::{self, Bound},
    memberships::groupless::people_of,
    resources::{self, Record},
};
use profiles::{Binding, Bindings, Group};
use scim_core::ResourceKind;
use seat_ledger::{License, SeatRequest, seats};
use store::WriteTx;

use crate::{
    ProvisioningError, Rules, Verdict,
    before_image::{Image, note_bound},
    effects::seat_events,
    facts::{Cause, Facts, Note, SeatFacts},
    product::RoleFacts,
    records,
    seating::{self, Asking, Asks},
    wishes::{self, Carried},
};

/// Seats that moved, as [`crate::Done`] tells them.
type Events = Vec<(License, &'static str)>;

/// People whose rows are in memory at a time.
const AT_ONCE: usize = 500;

/// Brings seats in line with a group that was made or changed; `moved` are the users who came or left.
pub(crate) fn follow(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    group: &Record,
    moved: &[String],
    cause: Cause<'_>,
) -> Result<Events, ProvisioningError> {
    let people = concerned(tx, rules, group, moved)?;
    settle(tx, rules, &people, &group.id, cause)
}

/// Binds the rules that a group matches which was made or changed, and notes them beside its change. Returns the users whose roles are
/// to be read again: those who came or left (`moved`), and all members where a rule is bound now.
pub(crate) fn concerned(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    group: &Record,
    moved: &[String],
) -> Result<Vec<String>, ProvisioningError> {
    if !rules.profile().is_group_driven() {
        return Ok(Vec::new());
    }
    let bound = bind(tx, rules, group)?;
    if !bound.is_empty() {
        note_bound(tx, &group.id, &bound)?;
        let all = people_of(tx, &group.id)?;
        return Ok([moved, &all].concat());
    }
    if moved.is_empty() || group_rules::of_group(tx, &group.id)?.is_empty() {
        return Ok(Vec::new());
    }
    Ok(moved.to_vec())
}

/// Binds the rules that the group matches and that no group has; returns them.
pub(crate) fn bind(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    group: &Record,
) -> Result<Vec<String>, ProvisioningError> {
    let (profile, document) = (rules.profile(), group.parse()?);
    let name = document.str("displayName").unwrap_or_default();
    let groups = [Group { id: &group.id, name, external_id: document.str("externalId") }];
    let about = profile.rules_about(&groups);
    if about.is_empty() {
        return Ok(Vec::new());
    }
    let binding = |Bound { rule, group_id }| Binding { rule, group: group_id };
    let bindings: Bindings = group_rules::of_rules(tx, &about)?.into_iter().map(binding).collect();
    let new = profile.bind(&groups, &bindings);
    for Binding { rule, group } in &new {
        group_rules::bind(tx, &Bound { rule: rule.clone(), group_id: group.clone() })?;
    }
    Ok(new.into_iter().map(|Binding { rule, .. }| rule).collect())
}

/// Lets the rules of a group go that is about to be deleted; whether it had one.
pub(crate) fn unbind(tx: &mut WriteTx<'_>, rules: &Rules, group_id: &str) -> Result<bool, ProvisioningError> {
    // Also those of a profile before this one, which the group's row could not go without.
    let had_role = !group_rules::of_group(tx, group_id)?.is_empty();
    if had_role {
        group_rules::unbind(tx, group_id)?;
    }
    Ok(had_role && rules.profile().is_group_driven())
}

/// Reads the roles of these people again, in this order, and moves the seats of those who have another one now.
pub(crate) fn settle(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    people: &[String],
    group_id: &str,
    cause: Cause<'_>,
) -> Result<Events, ProvisioningError> {
    let mut seen = BTreeSet::new();
    let people: Vec<&str> = people.iter().map(String::as_str).filter(|id| seen.insert(*id)).collect();
    let mut events = Events::new();
    for ids in people.chunks(AT_ONCE) {
        let records = resources::find_all(tx, ResourceKind::User, ids)?.into_iter();
        let mut records: BTreeMap<String, Record> =
            records.map(|record| (record.id.clone(), record)).collect();
        let mut bound = wishes::bound_to(tx, rules, ids)?;
        for id in ids {
            let Some(record) = records.remove(*id) else { continue };
            let bound = bound.remove(*id).unwrap_or_default();
            events.extend(settle_one(tx, rules, record, &bound, Because { group_id, cause })?);
        }
    }
    Ok(events)
}

/// Why somebody's role is read again.
#[derive(Clone, Copy)]
struct Because<'a> {
    group_id: &'a str,
    cause: Cause<'a>,
}

fn settle_one(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    mut record: Record,
    bound: &[Binding],
    because: Because<'_>,
) -> Result<Events, ProvisioningError> {
    let kind = ResourceKind::User;
    let document = record.parse()?;
    let carried = || Carried { role: true, active: false };
    let standing = wishes::standing_after(rules, &record.standing, carried, &document, &document);
    let request = wishes::of_facts(rules, &standing, &document, bound);
    let request = SeatRequest { waits: true, ..request };
    let held = seats::find(tx, rules.product.licenses(), &record.id)?;
    let is_same = held.as_ref().is_some_and(|seat| {
        (&seat.role, &seat.requested) == (&request.role, &request.license) && record.standing == standing
    });
    if is_same {
        return Ok(Events::new());
    }
    let source = wishes::role_from(rules, &standing, &document, bound);
    let standing_before = record.standing.clone();
    record = resources::touch(tx, kind, &record)?;
    let asking = Asking { held, request, asks: Asks::Idp };
    let change = seating::settle_as(tx, rules, &mut record, standing, &document, asking)?;
    let Because { group_id, cause } = because;
    let before = Image::of_change([&document, &document], [&standing_before, &record.standing]);
    let facts = Facts {
        role: RoleFacts { received: None, source: Some(source) },
        seat: SeatFacts::of(Some(&change)),
        notes: &[Note { name: "group", text: group_id }],
        verdict: if record.standing.held.is_some() { Verdict::Held } else { Verdict::Applied },
        before: Some(&before),
        changed: None,
    };
    records::record(tx, cause.followed(), kind, "changed", &record, &facts)?;
    seating::follow(tx, rules, &change, cause)?;
    Ok(seat_events(&change))
}
