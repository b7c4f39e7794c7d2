//! When the last seat of a license will be taken, at the pace of the last weeks.

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use store::ReadTx;

use crate::{SeatError, day::DAY_MS, pools::Pool, schema::seat_ledger};

const WEEK_MS: i64 = 7 * DAY_MS;

/// Weeks that count, at the most.
const WEEKS: i64 = 4;

/// Days until no seat is left; `None` where there is no limit, the seats in use do not grow, or the ledger is younger than a week. Whole
/// weeks are looked at, because nobody joins on Sundays.
///
/// # Errors
/// When the store fails.
pub fn days_to_exhaustion(tx: &mut ReadTx<'_>, pool: &Pool, now_ms: i64) -> Result<Option<i64>, SeatError> {
    let Some(quota) = pool.quota else { return Ok(None) };
    let own = || seat_ledger::table.filter(seat_ledger::license.eq(pool.license.key().to_owned()));
    let first = own().select(diesel::dsl::min(seat_ledger::at_ms));
    let first_ms: Option<i64> = first.get_result(tx.connection())?;
    let weeks = first_ms.map_or(0, |first_ms| (now_ms.saturating_sub(first_ms) / WEEK_MS).min(WEEKS));
    if weeks == 0 {
        return Ok(None);
    }
    // A cast, because PostgreSQL's sum of bigint is numeric.
    let sum = sql::<BigInt>("CAST(COALESCE(SUM(movement), 0) AS BIGINT)");
    let since_ms = now_ms - weeks * WEEK_MS;
    let grown = own().filter(seat_ledger::at_ms.gt(since_ms)).select(sum);
    let growth: i64 = grown.get_result(tx.connection())?;
    Ok(days(quota - pool.used, growth, weeks * 7))
}

/// Days until so many free seats are taken, where so many were taken within so many days.
fn days(free: i64, growth: i64, within_days: i64) -> Option<i64> {
    (growth > 0).then(|| (free.max(0) * within_days + growth - 1) / growth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_seats_last_as_long_as_the_pace_says() {
        for (free, growth, within_days, left) in [
            (10, 7, 7, Some(10)),
            (10, 14, 28, Some(20)),
            (1, 2, 28, Some(14)),
            (3, 4, 7, Some(6)),
            (0, 1, 7, Some(0)),
            (-5, 1, 7, Some(0)),
            (10, 0, 7, None),
            (10, -3, 28, None),
        ] {
            assert_eq!(days(free, growth, within_days), left, "{free} free, {growth} in {within_days} days");
        }
    }
}
