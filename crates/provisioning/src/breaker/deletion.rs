//! A deletion that the breaker holds. For the identity provider the person is gone, as sent; seat and role stay. Of one that passes is kept
//! what a rollback needs, until the window is over.

use directory::{
    breaker::losses::{self, Lost},
    group_wipes,
    memberships::left,
    resources::{self, Record, Row},
    standing::Held,
};
use profiles::choice::People;
use scim_core::ResourceKind;
use seat_ledger::{Seat, seats};
use store::WriteTx;

use super::loss::{Said, ask, has_access, record_opening};
use crate::{
    Done, HeldLoss, Loss, ProvisioningError, Rules, Verdict,
    before_image::Image,
    facts::{Cause, Facts, Note, SeatFacts},
    records,
};

/// Holds the deletion of a person, if it is to wait; `None`: it is to be carried out. `notes` go into the change record.
pub(crate) fn hold(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &Record,
    cause: Cause<'_>,
    notes: &[Note<'_>],
) -> Result<Option<Done>, ProvisioningError> {
    if !rules.breaker {
        return Ok(None);
    }
    tx.go_beyond_limit();
    let seat = seats::find(tx, rules.product.licenses(), &record.id)?;
    let held = match record.standing.held {
        Some(Held::Breaker) => None,
        _ => match said(tx, rules, record, seat.as_ref())? {
            Said::NotCounted => return Ok(None),
            Said::Passes => {
                keep_passed(tx, rules, record)?;
                return Ok(None);
            }
            Said::Waits { opened } => Some(HeldLoss { kind: Loss::Deletion, opened }),
        },
    };
    if record.standing.held == Some(Held::GroupWipe) {
        group_wipes::remove_user(tx, &record.id)?;
    }
    keep(tx, rules, record)?;
    let groups = resources::remove(tx, &rules.user, record)?;
    let mut gone = record.clone();
    gone.standing.held = Some(Held::Breaker);
    let notes = [notes, &[Note { name: "held", text: Held::Breaker.key() }]].concat();
    let seat = SeatFacts { before: seat.as_ref(), after: seat.as_ref() };
    let people = rules.profile().log.people;
    let before = match people {
        People::Names => Image::of_deleted(record, &[], people),
        // Where the log names nobody, only a rollback can give the person back.
        People::Ids => Image::default(),
    };
    let facts =
        Facts { verdict: Verdict::Held, seat, notes: &notes, before: Some(&before), ..Facts::default() };
    records::record(tx, cause, ResourceKind::User, "held", &gone, &facts)?;
    for group in &groups {
        let before = Image::of_left(ResourceKind::User, &record.id, group.display.as_deref(), people);
        records::record_left(tx, cause.followed(), group, &record.id, &before)?;
    }
    if held.is_some_and(|held| held.opened) {
        record_opening(tx, cause)?;
    }
    Ok(Some(Done { verdict: Some(Verdict::Held), held, ..Done::default() }))
}

/// What the breaker says of the deletion of a person. One who has lost the access before, in this window, has no further loss; the two
/// are given back together.
fn said(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &Record,
    seat: Option<&Seat>,
) -> Result<Said, ProvisioningError> {
    if has_access(seat) {
        return ask(tx, rules, record, seat, &Lost::default());
    }
    let passed = losses::has_passed(tx, &record.id)?;
    Ok(if passed { Said::Passes } else { Said::NotCounted })
}

fn keep(tx: &mut WriteTx<'_>, rules: &Rules, record: &Record) -> Result<(), ProvisioningError> {
    let memberships = left::of_person(tx, &record.id)?;
    Ok(losses::keep(tx, record, &Row::of(&rules.user, &record.parse()?), &memberships)?)
}

/// Keeps what a rollback needs of a deletion that passes. Nothing of it names the person where the log holds no
/// names: the id alone is kept, so that a rollback lists whom it cannot give back.
fn keep_passed(tx: &mut WriteTx<'_>, rules: &Rules, record: &Record) -> Result<(), ProvisioningError> {
    match rules.profile().log.people {
        People::Names => keep(tx, rules, record),
        People::Ids => Ok(losses::keep_id(tx, record)?),
    }
}
