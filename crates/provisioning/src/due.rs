//! What falls due in a tenant, carried out by the tick: dated lines, the end of overage, of kept and of borrowed seats, people without
//! a group, the end of a hold, and rows of the log and of role changes that are older than they are kept.

use directory::{before_images, log, role_changes};
use seat_ledger::{DAY_MS, pools};
use store::WriteTx;

use crate::{
    HeldLoss, ProvisioningError, Rules, breaker::loss, groupless, health::FLAPPING_MS, promotion, refusals,
};

/// What was done, and when there is more to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarriedOut {
    /// Seats that moved.
    pub seats: usize,
    /// People who were suspended or deleted, because they are in no group.
    pub people: usize,
    /// Their losses of access that the breaker has held.
    pub held: Vec<HeldLoss>,
    /// Rows of the log, and of what is noted beside it, that were removed.
    pub log_rows: usize,
    /// When the next thing falls due; in the past where not everything was done at once.
    pub next_ms: Option<i64>,
}

/// Rows of the log that one transaction removes, at the most.
const ROWS_AT_ONCE: i64 = 2_000;

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
    let groupless::CarriedOut { people, held } = groupless::carry_out(tx, rules, now_ms, request_id)?;
    let window_ms = loss::end_window(tx)?;
    let kept_ms = rules.profile().log.keep_days.saturating_mul(DAY_MS);
    let undo_ms = rules.profile().undo.keep_days.saturating_mul(DAY_MS);
    let log_rows = log::prune(tx, now_ms.saturating_sub(kept_ms), ROWS_AT_ONCE)?
        + role_changes::prune(tx, now_ms.saturating_sub(FLAPPING_MS), ROWS_AT_ONCE)?
        + before_images::prune(tx, now_ms.saturating_sub(undo_ms), ROWS_AT_ONCE)?;
    let next_ms = [
        seat_ledger::next_due(tx)?,
        seat_ledger::refusals::next_due(tx, refusals_before_hold)?,
        groupless::next_due(tx, rules)?,
        window_ms,
        Some(log::oldest_ms(tx, now_ms)?.saturating_add(kept_ms)),
        role_changes::oldest_ms(tx)?.map(|oldest_ms| oldest_ms.saturating_add(FLAPPING_MS)),
        // One that is kept from now on is looked for when it has been kept long enough.
        Some(before_images::oldest_ms(tx)?.unwrap_or(now_ms).saturating_add(undo_ms)),
    ];
    let next_ms = next_ms.into_iter().flatten().min();
    Ok(CarriedOut { seats: moves.promoted.len() + moves.altered.len(), people, held, log_rows, next_ms })
}
