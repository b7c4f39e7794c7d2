//! What holds of a plan at a moment: the quota with its dated lines, and the overage until its date. It rests in the pool, so that
//! a claim reads no dates; `due_ms` of the pool says when it must be looked at again.

use diesel::prelude::*;
use store::WriteTx;

use crate::{Day, License, Policy, SeatError, lines, pools, schema::seat_pools};

/// Brings a pool in line with what staff have set, as of this transaction. What is overdue stays so.
pub(crate) fn refresh(tx: &mut WriteTx<'_>, license: &License) -> Result<(), SeatError> {
    let (row, lines, now_ms) = (pools::row(tx, license)?, lines::of(tx, license)?, tx.now_ms());
    let policy = row.policy()?;
    let overage = row.overage().filter(|_| policy == Policy::Overage);
    let overage = overage.filter(|o| o.until.is_none_or(|until| now_ms < until.start_ms()));
    let ends = overage.and_then(|overage| overage.until);
    let dates = lines::edges(&lines).chain(ends).map(Day::start_ms).filter(|at_ms| *at_ms > now_ms);
    let due_ms = dates.chain(row.due_ms).min();
    if let Some(at_ms) = due_ms {
        tx.falls_due(at_ms);
    }
    let now = (
        seat_pools::quota.eq(row.quota_set.map(|set| set.saturating_add(lines::seats_at(&lines, now_ms)))),
        seat_pools::overage_in_force.eq(overage.map_or(0, |overage| i64::from(overage.seats))),
        seat_pools::due_ms.eq(due_ms),
    );
    tx.update(seat_pools::table.find(license.key()), now)?;
    Ok(())
}
