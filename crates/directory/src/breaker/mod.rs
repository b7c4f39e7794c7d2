//! The breaker on mass loss as it rests: what staff have set and the window that runs, in one row, and the [`losses`]. Who reads the row
//! to change it has taken the tenant's turn (`seat_ledger::pools::take_turn`), as every write has.

pub mod losses;

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{DirectoryError, schema::breaker};

/// What staff have set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// So many people may lose their access in a window in any case.
    pub people: i64,
    /// So many percent of those who were active when the window began.
    pub percent: i64,
    /// The length of a window.
    pub minutes: i64,
}

/// A window: it begins with a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Since when, in milliseconds since 1970 UTC.
    pub began_ms: i64,
    /// How many people were active then.
    pub active: i64,
    /// How many losses have passed.
    pub lost: i64,
    /// Since when further losses are held.
    pub opened_ms: Option<i64>,
}

impl Limits {
    /// How many losses pass in this window: the greater of people and percent, which is rounded down.
    #[must_use]
    pub fn bound(&self, window: &Window) -> i64 {
        self.people.max(window.active.saturating_mul(self.percent) / 100)
    }

    /// When this window ends, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn end_ms(&self, window: &Window) -> i64 {
        const MINUTE_MS: i64 = 60_000;
        window.began_ms.saturating_add(self.minutes.saturating_mul(MINUTE_MS))
    }
}

/// The breaker of a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    /// `None`: it is off.
    pub limits: Option<Limits>,
    /// The newest window, which may be over.
    pub window: Option<Window>,
}

impl Breaker {
    /// The window that runs at this moment.
    #[must_use]
    pub fn running(&self, now_ms: i64) -> Option<Window> {
        let limits = self.limits?;
        self.window.filter(|window| now_ms < limits.end_ms(window))
    }
}

/// The breaker.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>) -> Result<Breaker, DirectoryError> {
    type Row = (Option<i64>, Option<i64>, Option<i64>, Option<i64>, i64, i64, Option<i64>);
    let columns = (
        breaker::people,
        breaker::percent,
        breaker::minutes,
        breaker::began_ms,
        breaker::active,
        breaker::lost,
        breaker::opened_ms,
    );
    let row: Row = tx.get_result(breaker::table.find(1).select(columns))?;
    let (people, percent, minutes, began_ms, active, lost, opened_ms) = row;
    let limits = people.zip(percent).zip(minutes);
    Ok(Breaker {
        limits: limits.map(|((people, percent), minutes)| Limits { people, percent, minutes }),
        window: began_ms.map(|began_ms| Window { began_ms, active, lost, opened_ms }),
    })
}

/// Writes the breaker.
///
/// # Errors
/// When the store fails.
pub fn write(tx: &mut WriteTx<'_>, new: &Breaker) -> Result<(), DirectoryError> {
    let columns = (
        breaker::people.eq(new.limits.map(|limits| limits.people)),
        breaker::percent.eq(new.limits.map(|limits| limits.percent)),
        breaker::minutes.eq(new.limits.map(|limits| limits.minutes)),
        breaker::began_ms.eq(new.window.map(|window| window.began_ms)),
        breaker::active.eq(new.window.map_or(0, |window| window.active)),
        breaker::lost.eq(new.window.map_or(0, |window| window.lost)),
        breaker::opened_ms.eq(new.window.and_then(|window| window.opened_ms)),
    );
    tx.update(breaker::table.find(1), columns)?;
    Ok(())
}
