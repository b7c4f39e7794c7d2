//! What falls due in a tenant, carried out by the tick: dated lines, the end of overage, of kept and of borrowed seats, people without
//! a group, and the end of a hold.

use seat_ledger::pools;
use store::WriteTx;

use crate::{ProvisioningError, Rules, groupless, promotion, refusals};

/// What was done, and when there is more to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedOut {
    /// Seats that moved.
    pub seats: usize,
    /// People who were suspended or deleted, because they are in no group.
    pub people: usize,
    /// When the next thing falls due; in the past where not everything was done at once.
    pub next_ms: Option<i64>,
}

/// Carries out what is due now, some hundreds of people at the most. `refusals_before_hold` is the limit of [`crate::refusals`].
///
/// # Errors
/// When the store fails.
pub fn carry_out(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    refusals_before_hold: i64,
    request_id: &str,
) -> Result<CarriedOut, ProvisioningError> {
    tx.go_beyond_limit();
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let moves = seat_ledger::due(tx, rules.product.licenses())?;
    promotion::record(tx, &moves, rules.cause_of_clock(request_id, "due"))?;
    refusals::end_hold(tx, refusals_before_hold, request_id)?;
    let now_ms = tx.now_ms();
    let people = groupless::carry_out(tx, rules, now_ms, request_id)?;
    let next_ms = [
        seat_ledger::next_due(tx)?,
        seat_ledger::refusals::next_due(tx, refusals_before_hold)?,
        groupless::next_due(tx, rules)?,
    ];
    let next_ms = next_ms.into_iter().flatten().min();
    Ok(CarriedOut { seats: moves.promoted.len() + moves.altered.len(), people, next_ms })
}
