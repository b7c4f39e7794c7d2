//! The effects of a write that its caller is told.

use directory::memberships::Applied;
use seat_ledger::{License, Moves, SeatChange};
use store::WriteTx;

use crate::{
    Done, ProvisioningError, RequestContext, Verdict,
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
    let view = View { seat: seat.map(|change| change.after).or(view.seat), ..view };
    let view = view.shown(tx, context.rules.product.licenses(), shown)?;
    let (verdict, skipped) = (Some(Verdict::Applied), applied.skipped);
    let (role_received, held) = (None, None);
    Ok(Done { status: 0, verdict, version, view: Some(view), changed, seats, skipped, role_received, held })
}

pub(crate) fn seat_events(change: &SeatChange) -> Vec<(License, &'static str)> {
    let own = change.changed().then(|| (change.after.requested.clone(), change.after.state.key()));
    own.into_iter().chain(moved(&change.moves)).collect()
}

pub(crate) fn moved(moves: &Moves) -> impl Iterator<Item = (License, &'static str)> {
    let promoted = moves.promoted.iter().map(|seat| (seat.requested.clone(), "promoted"));
    promoted.chain(moves.altered.iter().map(|seat| (seat.requested.clone(), seat.state.key())))
}
