//! Reads every person's role again by the profile that holds now, and moves seats accordingly: on the word of staff alone, in one
//! transaction, so that what a dry run tells is what happens. Seats that become free are given before new ones are asked for.

use std::collections::BTreeMap;

use directory::resources::{self, Record};
use scim_core::ResourceKind;
use seat_ledger::{Seat, SeatError, SeatRequest, holders, pools, seats};
use serde::Serialize;
use store::{ReadTx, WriteTx};

use crate::{
    Act, ProvisioningError, Rules,
    facts::{Cause, Facts, Note, SeatFacts},
    group_roles,
    product::RoleFacts,
    promotion, records, seating, wishes,
};

const USER: ResourceKind = ResourceKind::User;

/// The effect on a tenant's people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reapplied {
    /// All of them.
    pub people: i64,
    /// Changes of the granted license, `member→member_lite`; `none` stands for no license.
    pub moved: BTreeMap<String, i64>,
    /// People who wait for a seat now.
    pub waiting: i64,
    /// People for whom no seat is left and whose license refuses: role and seat stay as they were.
    pub refused: i64,
}

/// Hears how many people were read, of so many.
pub type OnProgress<'a> = &'a dyn Fn(i64, i64);

/// Reads all roles again.
///
/// # Errors
/// When the store fails.
pub fn run(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    act: &Act,
    progress: OnProgress<'_>,
) -> Result<Reapplied, ProvisioningError> {
    tx.go_beyond_limit();
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let cause = rules.cause_of_act(act, "reapply");
    // What is overdue is done first, so that it is not mistaken for an effect of the profile.
    let moves = seat_ledger::due(tx, rules.product.licenses())?;
    promotion::record(tx, &moves, rules.cause_of_clock(&act.request_id, "due"))?;
    bind_groups(tx, rules)?;
    let before = holders::granted(tx)?;
    let people = i64::try_from(before.len()).unwrap_or(i64::MAX);
    let mut done = Reapplied { people, ..Reapplied::default() };
    let (mut dearer, mut read) = (Vec::new(), 0);
    let mut last = None;
    loop {
        let batch = resources::after(tx, USER, last)?;
        let Some(end) = batch.last() else { break };
        last = Some(end.id.clone());
        read += i64::try_from(batch.len()).unwrap_or(0);
        for wish in wishes_of(tx, rules, batch)? {
            match wish.is_dearer() {
                true => dearer.push((wish.request.role_rank, wish.record.id)),
                false => done.refused += i64::from(!settle(tx, rules, wish, cause)?),
            }
        }
        progress(read, people);
    }
    dearer.sort();
    for (_, id) in dearer {
        let record = resources::find(tx, USER, &id)?;
        for wish in wishes_of(tx, rules, record.into_iter().collect())? {
            done.refused += i64::from(!settle(tx, rules, wish, cause)?);
        }
    }
    done.moved = moved(&before, &holders::granted(tx)?);
    done.waiting = holders::waiting(tx)?;
    Ok(done)
}

/// Binds the rules of the profile that groups match which were there before it.
fn bind_groups(tx: &mut WriteTx<'_>, rules: &Rules) -> Result<(), ProvisioningError> {
    if !rules.profile().is_group_driven() {
        return Ok(());
    }
    let mut last = None;
    loop {
        let batch = resources::after(tx, ResourceKind::Group, last)?;
        let Some(end) = batch.last() else { return Ok(()) };
        last = Some(end.id.clone());
        for group in &batch {
            group_roles::bind(tx, rules, group)?;
        }
    }
}

/// One person, and the seat request that the profile makes of what is known.
struct Wish {
    record: Record,
    held: Option<Seat>,
    request: SeatRequest,
    source: String,
}

impl Wish {
    /// Whether a dearer license is asked for than is held.
    fn is_dearer(&self) -> bool {
        let held = self.held.as_ref().and_then(|seat| seat.granted.as_ref());
        self.request.active && held.is_none_or(|held| self.request.license < *held)
    }

    fn is_met(&self) -> bool {
        self.held
            .as_ref()
            .is_some_and(|seat| (&seat.role, &seat.requested) == (&self.request.role, &self.request.license))
    }
}

/// The wishes of those who have another role now. Who is held back is left to staff.
fn wishes_of(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    people: Vec<Record>,
) -> Result<Vec<Wish>, ProvisioningError> {
    let ids: Vec<String> = people.iter().map(|record| record.id.clone()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut bound = wishes::bound_to(tx, rules, &ids)?;
    let mut seats = seats::of_users(tx, rules.product.licenses(), &ids)?;
    let mut all = Vec::new();
    for record in people.into_iter().filter(|record| record.standing.held.is_none()) {
        let (document, bound) = (record.parse()?, bound.remove(&record.id).unwrap_or_default());
        let request = wishes::of_facts(rules, &record.standing, &document, &bound);
        let source = wishes::role_from(rules, &record.standing, &document, &bound);
        let wish = Wish { held: seats.remove(&record.id), record, request, source };
        if !wish.is_met() {
            all.push(wish);
        }
    }
    Ok(all)
}

/// Moves one person's seat; false when it was refused.
fn settle(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    wish: Wish,
    cause: Cause<'_>,
) -> Result<bool, ProvisioningError> {
    let Wish { record, request, source, .. } = wish;
    // A refusal may come after a part was written.
    let settled = tx.savepoint(|tx| seats::settle(tx, &record.id, &request));
    let change = match settled {
        Err(SeatError::LimitReached(_)) => return Ok(false),
        settled => settled?,
    };
    let record = resources::touch(tx, USER, &record)?;
    let facts = Facts {
        role: RoleFacts { received: None, source: Some(source) },
        seat: SeatFacts::of(Some(&change)),
        notes: &[Note::BY_STAFF],
        ..Facts::default()
    };
    records::record(tx, cause, USER, "changed", &record, &facts)?;
    seating::follow(tx, rules, &change, cause)?;
    Ok(true)
}

fn moved(
    before: &BTreeMap<String, Option<String>>,
    after: &BTreeMap<String, Option<String>>,
) -> BTreeMap<String, i64> {
    let word = |license: &Option<String>| license.clone().unwrap_or_else(|| "none".to_owned());
    let mut moved = BTreeMap::new();
    for (id, was) in before {
        if let Some(is) = after.get(id).filter(|is| *is != was) {
            *moved.entry(format!("{}→{}", word(was), word(is))).or_default() += 1;
        }
    }
    moved
}
