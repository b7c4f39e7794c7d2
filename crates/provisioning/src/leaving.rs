//! Leaving: a resource is deleted, and a person archived where the profile keeps people.

use directory::{
    archive,
    changes::NewRecord,
    group_wipes,
    memberships::{LeftGroup, groupless},
    resources::{self, Record, Row},
    standing::Held,
};
use profiles::choice::Deleted;
use scim_core::ResourceKind;
use seat_ledger::{Moves, seats};
use serde_json::{Value, json};
use store::WriteTx;

use crate::{Done, ProvisioningError, Rules, effects::moved, group_roles, promotion, records, wipes};

/// Deletes a user, gives its seat to the next user in the queue and takes it out of its groups; or a group, whose members
/// stay. The groups that it was in get a new version. `detail` goes into the change record.
pub(crate) fn delete(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    kind: ResourceKind,
    record: &Record,
    detail: Value,
    request_id: &str,
    actor: Option<&str>,
) -> Result<Done, ProvisioningError> {
    tx.go_beyond_limit();
    let (rt, is_user) = (rules.resource_type(kind), kind == ResourceKind::User);
    let moves = match is_user {
        true => seats::remove(tx, rules.product.licenses(), &record.id)?,
        false => Moves::default(),
    };
    if is_user && rules.profile().leaving.deleted == Deleted::Archive {
        archive::keep(tx, record, &Row::of(rt, &record.parse()?))?;
    }
    let watched = !is_user && rules.members().watch;
    let mut members = if watched { groupless::people_of(tx, &record.id)? } else { Vec::new() };
    match is_user {
        true if record.standing.held == Some(Held::GroupWipe) => group_wipes::remove_user(tx, &record.id)?,
        true => {}
        // Who was held back for this group has left it.
        false => members.extend(wipes::end_group(tx, &record.id, request_id)?),
    }
    let had_role = !is_user && group_roles::unbind(tx, rules, &record.id)?;
    let left = resources::remove(tx, rt, record)?;
    if rules.notes_groupless() {
        groupless::note_left(tx, &members)?;
        rules.note_departures(tx, &members);
    }
    records::record_as(tx, request_id, actor, kind, "deleted", record, detail)?;
    for LeftGroup { group_id, version } in &left {
        let detail = json!({ "left": record.id, "changed": ["members"] });
        let (kind, resource_id, version) = ("group.changed", group_id.as_str(), *version);
        records::append(tx, NewRecord { kind, resource_id, version, request_id, actor: None, detail })?;
    }
    promotion::record(tx, &moves, request_id)?;
    let done = Done { seats: moved(&moves).collect(), ..Done::default() };
    // Whoever had a role of this group has another one now.
    let others =
        if had_role { group_roles::settle(tx, rules, &members, &record.id, request_id)? } else { Vec::new() };
    Ok(done.with_seats(others))
}
