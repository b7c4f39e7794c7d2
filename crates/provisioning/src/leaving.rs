//! Leaving: a resource is deleted, and a person archived where the profile keeps people.

use directory::{
    archive,
    breaker::losses,
    group_rules, group_wipes,
    memberships::{self, groupless},
    resources::{self, Record, Row},
    standing::Held,
};
use profiles::choice::{Deleted, People};
use scim_core::ResourceKind;
use seat_ledger::{Removed, seats};
use store::WriteTx;

use crate::{
    Done, ProvisioningError, Rules, Verdict,
    before_image::{self, Image},
    effects::moved,
    facts::{Cause, Facts, Note, SeatFacts},
    group_roles, promotion, records, wipes,
};

/// Deletes a user, gives its seat to the next user in the queue and takes it out of its groups; or a group, whose members
/// stay. The groups that it was in get a new version. `notes` go into the change record.
pub(crate) fn delete(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    kind: ResourceKind,
    record: &Record,
    cause: Cause<'_>,
    notes: &[Note<'_>],
) -> Result<Done, ProvisioningError> {
    tx.go_beyond_limit();
    let (rt, is_user) = (rules.resource_type(kind), kind == ResourceKind::User);
    let Removed { seat, moves } = match is_user {
        true => give_back(tx, rules, record)?,
        false => Removed::default(),
    };
    let watched = !is_user && rules.members().watch;
    let mut members = if watched { groupless::people_of(tx, &record.id)? } else { Vec::new() };
    match is_user {
        true if record.standing.held == Some(Held::GroupWipe) => group_wipes::remove_user(tx, &record.id)?,
        true if record.standing.held == Some(Held::Breaker) => losses::remove(tx, &record.id)?,
        true => {}
        // Who was held back for this group has left it.
        false => members.extend(wipes::end_group(tx, &record.id, cause)?),
    }
    let people = rules.profile().log.people;
    let before = match is_user {
        true => image_of(tx, record, people)?,
        false => Image::of_deleted(record, &memberships::of_group(tx, &record.id)?, people)
            .with_bound(group_rules::of_group(tx, &record.id)?),
    };
    let had_role = !is_user && group_roles::unbind(tx, rules, &record.id)?;
    let left = resources::remove(tx, rt, record)?;
    if rules.notes_groupless() {
        groupless::note_left(tx, &members)?;
        rules.note_departures(tx, &members);
    }
    let verdict = if is_user { verdict(rules) } else { Verdict::Applied };
    let seat = SeatFacts { before: seat.as_ref(), after: None };
    let facts = Facts { verdict, seat, notes, before: Some(&before), ..Facts::default() };
    records::record(tx, cause, kind, "deleted", record, &facts)?;
    for group in &left {
        let before = Image::of_left(kind, &record.id, group.display.as_deref(), people);
        records::record_left(tx, cause.followed(), group, &record.id, &before)?;
    }
    promotion::record(tx, &moves, cause)?;
    let done = Done { verdict: Some(verdict), seats: moved(&moves).collect(), ..Done::default() };
    // Whoever had a role of this group has another one now.
    let others =
        if had_role { group_roles::settle(tx, rules, &members, &record.id, cause)? } else { Vec::new() };
    Ok(done.with_seats(others))
}

/// Carries out the deletion of a person whom the identity provider has deleted before, and who kept the seat.
pub(crate) fn delete_held(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &Record,
    cause: Cause<'_>,
    notes: &[Note<'_>],
) -> Result<(), ProvisioningError> {
    let kind = ResourceKind::User;
    losses::remove(tx, &record.id)?;
    let Removed { seat, moves } = give_back(tx, rules, record)?;
    let mut gone = record.clone();
    gone.standing.held = None;
    let seat = SeatFacts { before: seat.as_ref(), after: None };
    let before = image_of(tx, record, rules.profile().log.people)?;
    let facts = Facts { verdict: verdict(rules), seat, notes, before: Some(&before), ..Facts::default() };
    records::record(tx, cause, kind, "deleted", &gone, &facts)?;
    promotion::record(tx, &moves, cause)
}

/// What is kept of a person who goes, to go back.
fn image_of(tx: &mut WriteTx<'_>, record: &Record, people: People) -> Result<Image, ProvisioningError> {
    match people {
        People::Names => Ok(Image::of_deleted(record, &[], people)),
        // Where the log names nobody, nothing of a deleted person is kept.
        People::Ids => {
            before_image::forget(tx, &record.id)?;
            losses::keep_id(tx, record)?;
            Ok(Image::default())
        }
    }
}

/// Gives the seat of a person back who is about to go, and keeps the person where the profile does.
fn give_back(tx: &mut WriteTx<'_>, rules: &Rules, record: &Record) -> Result<Removed, ProvisioningError> {
    let removed = seats::remove(tx, rules.product.licenses(), &record.id)?;
    if rules.profile().leaving.deleted == Deleted::Archive {
        archive::keep(tx, record, &Row::of(&rules.user, &record.parse()?))?;
    }
    Ok(removed)
}

/// What becomes of people who go.
fn verdict(rules: &Rules) -> Verdict {
    match rules.profile().leaving.deleted {
        Deleted::Archive => Verdict::Archived,
        Deleted::Delete => Verdict::Applied,
    }
}
