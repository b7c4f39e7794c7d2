//! People get back what they were. Those who ask for no dearer license than they hold come first, so that seats become free before they are
//! asked for; then those who do, the dearest role first. Who waited for a seat comes after all who held one.

use std::collections::BTreeSet;

use directory::{
    archive,
    breaker::losses,
    resources::{self, Row},
};
use scim_core::ResourceKind;
use seat_ledger::{Seat, SeatChange, SeatRequest, seats};
use store::WriteTx;

use super::{
    blocked::{self, Blocked, Open, Taken},
    plan::{Plan, is_open},
    told::TAKEN,
    window::Run,
    work::Work,
};
use crate::{
    ProvisioningError, Rules,
    before_image::Image,
    breaker::loss,
    facts::{Facts, Note, SeatFacts},
    product::RoleFacts,
    records,
    seating::{self, Asking, Asks},
    wishes,
};

const USER: ResourceKind = ResourceKind::User;

/// Gives people back what they were.
pub(super) fn give_back(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    run: &Run,
) -> Result<(), ProvisioningError> {
    let (mut dearer, mut blocked) = (Vec::new(), Vec::new());
    for (id, past) in run.iter().filter(|(_, past)| !past.is_group) {
        if !is_open(tx, work, USER, id, past)? {
            continue;
        }
        let Some(plan) = Plan::of(tx, work, USER, id, past, &BTreeSet::new())? else { continue };
        let asking = asking(tx, work, &plan)?;
        let held = asking.held.as_ref().and_then(|seat| seat.granted.as_ref());
        let open = Open { id, past };
        if asking.request.active && held.is_none_or(|held| asking.request.license < *held) {
            dearer.push((asking.request.role_rank, open));
        } else if let Some(taken) = settle(tx, work, &plan, asking)? {
            blocked.push(Blocked { open, by: taken.by });
        }
    }
    dearer.sort_by_key(|&(rank, Open { id, past })| {
        let waited = past.place_number();
        (waited.is_some(), rank, waited, id)
    });
    for (_, open) in dearer {
        if let Some(taken) = together(tx, work, &[open])? {
            blocked.push(Blocked { open, by: taken.by });
        }
    }
    let left = blocked::give_back(tx, blocked, |tx, open| together(tx, work, open))?;
    left.into_iter().try_for_each(|open| without_what_is_taken(tx, work, open))
}

/// Gives back one person, or a ring of people: the first steps aside for the last. Where a value is taken, nobody is given back.
fn together(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    open: &[Open<'_>],
) -> Result<Option<Taken>, ProvisioningError> {
    let mut plans = Vec::new();
    for Open { id, past } in open {
        plans.extend(Plan::of(tx, work, USER, id, past, &BTreeSet::new())?);
    }
    if let [plan] = plans.as_slice() {
        let asking = asking(tx, work, plan)?;
        return settle(tx, work, plan, asking);
    }
    let made: Result<(), ProvisioningError> = tx.savepoint(|tx| {
        if let Some(first) = plans.first_mut() {
            first.step_aside(tx, work, USER)?;
        }
        for plan in plans.iter_mut().rev() {
            plan.read_version(tx, USER)?;
            let asking = asking(tx, work, plan)?;
            make(tx, work, plan, asking)?;
        }
        Ok(())
    });
    if let Err(error) = made {
        return Taken::of(error).map(Some);
    }
    work.done.restored += plans.len();
    plans.iter().for_each(|plan| plan.tell(work));
    Ok(None)
}

/// The seat that a person asks for.
fn asking(tx: &mut WriteTx<'_>, work: &Work<'_>, plan: &Plan) -> Result<Asking, ProvisioningError> {
    let (rules, Plan { record, old, new, .. }) = (work.rules, plan);
    let held: Option<Seat> = match plan.is_deleted {
        true => None,
        false => seats::find(tx, rules.product.licenses(), &record.id)?,
    };
    let standing = &new.standing;
    let request = match plan.is_deleted {
        true => wishes::anew(tx, rules, &record.id, standing, &new.document)?,
        false => {
            let documents = [&old.document, &new.document];
            wishes::request(tx, rules, held.as_ref(), record, standing, documents)?
        }
    };
    // One of many must not stop the others.
    Ok(Asking { held, request: SeatRequest { waits: true, ..request }, asks: Asks::Staff })
}

/// Makes a person what the plan says, or tells which value is taken.
fn settle(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    plan: &Plan,
    asking: Asking,
) -> Result<Option<Taken>, ProvisioningError> {
    if !plan.is_deleted && plan.names.is_empty() {
        plan.tell(work);
        return Ok(None);
    }
    if let Err(error) = tx.savepoint(|tx| make(tx, work, plan, asking)) {
        return Taken::of(error).map(Some);
    }
    work.done.restored += 1;
    plan.tell(work);
    Ok(None)
}

/// Gives back what is not taken by somebody else.
fn without_what_is_taken(
    tx: &mut WriteTx<'_>,
    work: &mut Work<'_>,
    Open { id, past }: Open<'_>,
) -> Result<(), ProvisioningError> {
    let mut without = BTreeSet::new();
    loop {
        let Some(plan) = Plan::of(tx, work, USER, id, past, &without)? else { return Ok(()) };
        let asking = asking(tx, work, &plan)?;
        let Some(Taken { attribute, .. }) = settle(tx, work, &plan, asking)? else { return Ok(()) };
        if !plan.names.contains(&attribute) {
            plan.tell(work);
            work.done.not(&plan.about, &attribute, TAKEN);
            return Ok(());
        }
        without.insert(attribute);
    }
}

/// Whether what waits for a person goes on waiting: nothing that is given back says anything of the seat.
fn still_waits(tx: &mut WriteTx<'_>, rules: &Rules, plan: &Plan) -> Result<bool, ProvisioningError> {
    let (id, Plan { old, new, .. }) = (&plan.record.id, plan);
    if old.standing.held.is_none() {
        return Ok(false);
    }
    let before = wishes::anew(tx, rules, id, &old.standing, &old.document)?;
    Ok(before == wishes::anew(tx, rules, id, &new.standing, &new.document)?)
}

fn make(tx: &mut WriteTx<'_>, work: &Work<'_>, plan: &Plan, asking: Asking) -> Result<(), ProvisioningError> {
    let (rules, cause, Plan { old, new, .. }) = (work.rules, work.cause, plan);
    let standing = new.standing.clone();
    let (record, change) = if plan.is_deleted {
        archive::remove(tx, &plan.record.id)?;
        let row = Row::of(&rules.user, &new.document);
        let mut record = resources::insert_again(tx, USER, &plan.record, &row)?;
        record.standing = directory::Standing::default();
        // Whose deletion the breaker holds has kept the seat.
        let change = match loss::deleted(tx, rules, &record.id)?.is_some() {
            true => seats::settle(tx, &record.id, &asking.request)?,
            false => seats::settle_new(tx, &record.id, &asking.request)?,
        };
        if rules.breaker {
            losses::remove(tx, &record.id)?;
        }
        seating::write_standing(tx, &mut record, standing)?;
        (record, change)
    } else {
        let mut record = match old.document == new.document {
            true => resources::touch(tx, USER, &plan.record)?,
            false => resources::update(tx, &rules.user, &plan.record, plan.stored(), &new.document)?,
        };
        if old.origin != new.origin {
            resources::set_origin(tx, USER, &mut record, new.origin)?;
        }
        let waits = still_waits(tx, rules, plan)?;
        let change = match asking.held.clone().filter(|_| waits) {
            Some(seat) => {
                seating::write_standing(tx, &mut record, standing)?;
                SeatChange::none(seat)
            }
            None => seating::settle_as(tx, rules, &mut record, standing, &old.document, asking)?,
        };
        (record, change)
    };
    let before = match plan.is_deleted {
        true => Image::default(),
        false => {
            let standings = [&old.standing, &new.standing];
            let image = Image::of_change([&old.document, &new.document], standings);
            if old.origin == new.origin { image } else { image.with_origin(old.origin) }
        }
    };
    let source = wishes::role_from_unread(rules, &record.standing, &new.document);
    let facts = Facts {
        changed: Some(&plan.names),
        role: RoleFacts { received: None, source },
        seat: SeatFacts::of(Some(&change)),
        notes: &[Note::BY_STAFF],
        before: Some(&before),
        ..Facts::default()
    };
    records::record(tx, cause, USER, "restored", &record, &facts)?;
    seating::follow(tx, rules, &change, cause)
}
