//! Leaving: a resource is deleted, and a person archived where the profile keeps people.

use directory::{
    archive, group_wipes,
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
        true => seats::remove(tx, rules.product.licenses(), &record.id)?,
        false => Removed::default(),
    };
    let is_archived = is_user && rules.profile().leaving.deleted == Deleted::Archive;
    if is_archived {
        archive::keep(tx, record, &Row::of(rt, &record.parse()?))?;
    }
    let watched = !is_user && rules.members().watch;
    let mut members = if watched { groupless::people_of(tx, &record.id)? } else { Vec::new() };
    match is_user {
        true if record.standing.held == Some(Held::GroupWipe) => group_wipes::remove_user(tx, &record.id)?,
        true => {}
        // Who was held back for this group has left it.
        false => members.extend(wipes::end_group(tx, &record.id, cause)?),
    }
    let people = rules.profile().log.people;
    let before = match (kind, people) {
        // Where the log names nobody, nothing of a deleted person is kept.
        (ResourceKind::User, People::Ids) => {
            before_image::forget(tx, &record.id)?;
            Image::default()
        }
        (ResourceKind::User, People::Names) => Image::of_deleted(record, &[], people),
        _ => Image::of_deleted(record, &memberships::of_group(tx, &record.id)?, people),
    };
    let had_role = !is_user && group_roles::unbind(tx, rules, &record.id)?;
    let left = resources::remove(tx, rt, record)?;
    if rules.notes_groupless() {
        groupless::note_left(tx, &members)?;
        rules.note_departures(tx, &members);
    }
    let verdict = if is_archived { Verdict::Archived } else { Verdict::Applied };
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
