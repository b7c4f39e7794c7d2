//! The outcome of a write: the effects that its caller is told, and the part of the change record that is about the seat.

use directory::memberships::Applied;
use seat_ledger::{License, Moves, Seat, SeatChange};
use serde_json::{Value, json};
use store::WriteTx;

use crate::{
    Done, ProvisioningError, RequestContext,
    view::{Shown, View},
};

/// The effects of a write that leaves a resource.
pub(crate) fn done(
    tx: &mut WriteTx<'_>,
    context: &RequestContext,
    view: View,
    shown: Shown,
    changed: Vec<String>,
    seat: Option<SeatChange>,
    applied: Applied,
) -> Result<Done, ProvisioningError> {
    let (version, seats) = (Some(view.version()), seat.as_ref().map(seat_events).unwrap_or_default());
    let view = View { seat: seat.map(|change| change.after), ..view };
    let view = view.shown(tx, context.rules.product.licenses(), shown)?;
    Ok(Done { status: 0, version, view: Some(view), changed, seats, skipped: applied.skipped })
}

/// MO6: requested and granted license, before and after.
pub(crate) fn seat_detail(change: &SeatChange) -> Value {
    let facts = |seat: &Seat| {
        json!({
            "role": seat.role,
            "requestedLicense": seat.requested.key(),
            "grantedLicense": seat.granted.as_ref().map(License::key),
            "state": seat.state.key(),
        })
    };
    match (&change.before, change.changed()) {
        (None, _) => json!({ "seat": facts(&change.after) }),
        (Some(before), true) => json!({ "seatBefore": facts(before), "seat": facts(&change.after) }),
        (Some(_), false) => json!({}),
    }
}

/// The detail of a change record with one more member.
pub(crate) fn with_member(mut detail: Value, name: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = detail.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
    detail
}

pub(crate) fn seat_events(change: &SeatChange) -> Vec<(License, &'static str)> {
    let own = change.changed().then(|| (change.after.requested.clone(), change.after.state.key()));
    own.into_iter().chain(moved(&change.moves)).collect()
}

pub(crate) fn moved(moves: &Moves) -> impl Iterator<Item = (License, &'static str)> {
    let promoted = moves.promoted.iter().map(|seat| (seat.requested.clone(), "promoted"));
    promoted.chain(moves.altered.iter().map(|seat| (seat.requested.clone(), seat.state.key())))
}
