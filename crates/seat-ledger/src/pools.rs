//! Seat pools: of each license the seats that a tenant has, those in use, and what holds when none is free.

use diesel::prelude::*;
use serde::Serialize;
use store::{ReadTx, StoreError, WriteTx};

use crate::{
    Day, Grace, License, Licenses, Overage, Policy, SeatError,
    error::stored,
    schema::{seat_pools, seat_turn, seats},
};

/// One license of a tenant's plan, as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// The license.
    #[serde(skip)]
    pub license: License,
    /// Seats in force; `None` is unlimited.
    pub quota: Option<i64>,
    /// Seats in use; above the quota when it was cut (S7), and by seats that are overage or borrowed.
    pub used: i64,
    /// Users who asked for this license and do not hold it.
    pub waiting: i64,
    /// The policy that staff have set.
    pub policy: Policy,
    /// The policy that holds: [`Policy::Hold`] while there is a reason to refuse nobody (S10).
    pub in_force: Policy,
    /// That reason.
    pub why: Option<String>,
    /// Seats beyond the quota that may be granted, and those that are.
    pub overage: Option<OverageUse>,
    /// What a swap at full seats may borrow.
    pub grace: Option<Grace>,
    /// Seats that are borrowed.
    pub borrowed: i64,
    /// Seats in use beyond the quota that are neither overage in force nor borrowed.
    pub debt: i64,
}

/// Seats beyond the quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct OverageUse {
    /// What staff have set.
    #[serde(flatten)]
    pub overage: Overage,
    /// Those in use and in force.
    pub used: i64,
}

impl Pool {
    /// Whether a seat is free.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.quota.is_none_or(|quota| self.used < quota)
    }
}

/// A pool as it is stored.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct Row {
    pub(crate) license: String,
    pub(crate) quota: Option<i64>,
    pub(crate) quota_set: Option<i64>,
    pub(crate) used: i64,
    policy: String,
    pub(crate) hold_why: Option<String>,
    overage_seats: Option<i64>,
    overage_until_ms: Option<i64>,
    pub(crate) overage_in_force: i64,
    grace_seats: i64,
    grace_minutes: i64,
    pub(crate) places_given: i64,
    pub(crate) due_ms: Option<i64>,
}

impl Row {
    /// The pool that a tenant begins with.
    fn first(license: &License) -> Self {
        Self {
            license: license.key().to_owned(),
            quota: license.first_quota(),
            quota_set: license.first_quota(),
            used: 0,
            policy: license.first_policy().key().to_owned(),
            hold_why: None,
            overage_seats: None,
            overage_until_ms: None,
            overage_in_force: 0,
            grace_seats: 0,
            grace_minutes: 0,
            places_given: 0,
            due_ms: None,
        }
    }

    pub(crate) fn policy(&self) -> Result<Policy, SeatError> {
        stored("policy", &self.policy)
    }

    /// Whether nobody is refused: who finds no seat waits.
    pub(crate) fn holds(&self) -> Result<bool, SeatError> {
        Ok(self.hold_why.is_some() || self.policy()? == Policy::Hold)
    }

    pub(crate) fn overage(&self) -> Option<Overage> {
        let seats = u32::try_from(self.overage_seats?).unwrap_or(u32::MAX);
        Some(Overage { seats, until: self.overage_until_ms.map(Day::of_ms) })
    }

    pub(crate) fn grace(&self) -> Option<Grace> {
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let grace = Grace { seats: number(self.grace_seats), minutes: number(self.grace_minutes) };
        (grace.seats > 0 && grace.minutes > 0).then_some(grace)
    }

    /// Seats that may be given for good; `None` is unlimited.
    pub(crate) fn capacity(&self) -> Option<i64> {
        self.quota.map(|quota| quota.saturating_add(self.overage_in_force))
    }

    /// Seats that are left within the quota.
    pub(crate) fn left(&self) -> i64 {
        self.quota.map_or(i64::MAX, |quota| quota.saturating_sub(self.used))
    }

    /// Seats that are left within quota and overage.
    pub(crate) fn left_at_all(&self) -> i64 {
        self.capacity().map_or(i64::MAX, |capacity| capacity.saturating_sub(self.used))
    }
}

/// What is counted of a pool.
#[derive(Clone, Copy, Default)]
pub(crate) struct Beyond {
    pub(crate) overage: i64,
    pub(crate) borrowed: i64,
}

/// All pools, dearest license first.
///
/// # Errors
/// When the store fails.
pub fn all(tx: &mut ReadTx<'_>, licenses: &Licenses) -> Result<Vec<Pool>, SeatError> {
    let rows = rows(tx, licenses)?;
    let queues = seats::table
        .filter(seats::waiting_place.is_not_null())
        .group_by(seats::requested)
        .select((seats::requested, diesel::dsl::count_star()));
    let waiting: Vec<(String, i64)> = tx.load(queues)?;
    licenses
        .iter()
        .zip(rows)
        .map(|(license, row)| {
            let waiting = waiting.iter().find(|(key, _)| key == license.key()).map_or(0, |(_, count)| *count);
            let beyond = beyond(tx, &license)?;
            shown(license, &row, waiting, beyond)
        })
        .collect()
}

/// The seats of each license that are in use, dearest license first.
///
/// # Errors
/// When the store fails.
pub fn used(tx: &mut ReadTx<'_>, licenses: &Licenses) -> Result<Vec<(License, i64)>, SeatError> {
    let rows = rows(tx, licenses)?;
    Ok(licenses.iter().zip(rows).map(|(license, row)| (license, row.used)).collect())
}

/// One pool.
///
/// # Errors
/// When the store fails.
pub fn get(tx: &mut ReadTx<'_>, license: &License) -> Result<Pool, SeatError> {
    let row = row(tx, license)?;
    let (waiting, beyond) = (waiting(tx, license)?, beyond(tx, license)?);
    shown(license.clone(), &row, waiting, beyond)
}

fn shown(license: License, row: &Row, waiting: i64, beyond: Beyond) -> Result<Pool, SeatError> {
    let policy = row.policy()?;
    let in_use = beyond.overage.min(row.overage_in_force);
    let over = row.quota.map_or(0, |quota| (row.used - quota).max(0));
    Ok(Pool {
        license,
        quota: row.quota,
        used: row.used,
        waiting,
        policy,
        in_force: if row.holds()? { Policy::Hold } else { policy },
        why: row.hold_why.clone(),
        overage: row.overage().map(|overage| OverageUse { overage, used: in_use }),
        grace: row.grace(),
        borrowed: beyond.borrowed,
        debt: (over - in_use - beyond.borrowed).max(0),
    })
}

/// Users who wait for a license.
pub(crate) fn waiting(tx: &mut ReadTx<'_>, license: &License) -> Result<i64, SeatError> {
    let queue =
        seats::table.filter(seats::requested.eq(license.key())).filter(seats::waiting_place.is_not_null());
    Ok(tx.get_result(queue.count())?)
}

/// Seats of a license that are beyond its quota.
pub(crate) fn beyond(tx: &mut ReadTx<'_>, license: &License) -> Result<Beyond, SeatError> {
    let marked =
        || seats::table.filter(seats::granted.eq(license.key())).filter(seats::beyond_place.is_not_null());
    let marks: i64 = tx.get_result(marked().count())?;
    if marks == 0 {
        return Ok(Beyond::default());
    }
    let borrowed: i64 = tx.get_result(marked().filter(seats::borrowed_until_ms.is_not_null()).count())?;
    Ok(Beyond { overage: marks - borrowed, borrowed })
}

/// The rows of all licenses, dearest first. A license that has none yet, because its profile has just learned it, begins as the
/// profile says.
pub(crate) fn rows(tx: &mut ReadTx<'_>, licenses: &Licenses) -> Result<Vec<Row>, SeatError> {
    let stored: Vec<Row> = tx.load(seat_pools::table)?;
    let of = |license: License| {
        let row = stored.iter().find(|row| row.license == license.key());
        row.cloned().unwrap_or_else(|| Row::first(&license))
    };
    Ok(licenses.iter().map(of).collect())
}

/// The row of one license, as [`rows`] gives it.
pub(crate) fn row(tx: &mut ReadTx<'_>, license: &License) -> Result<Row, SeatError> {
    let row: Option<Row> = tx.get_result(seat_pools::table.find(license.key())).optional()?;
    Ok(row.unwrap_or_else(|| Row::first(license)))
}

/// Makes the rows of licenses that have none.
///
/// # Errors
/// When the store fails.
pub fn ensure(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<(), SeatError> {
    let stored: Vec<String> = tx.load(seat_pools::table.select(seat_pools::license))?;
    for license in licenses.iter().filter(|license| !stored.iter().any(|key| key == license.key())) {
        insert(tx, &license)?;
    }
    Ok(())
}

/// The pools of a new tenant: those of its licenses, with the seats and the policy that each of them begins with.
///
/// # Errors
/// When the store fails.
pub fn make(tx: &mut WriteTx<'_>, licenses: &Licenses) -> Result<(), SeatError> {
    take_turn(tx)?;
    tx.execute(diesel::delete(seat_pools::table))?;
    licenses.iter().try_for_each(|license| insert(tx, &license))
}

fn insert(tx: &mut WriteTx<'_>, license: &License) -> Result<(), SeatError> {
    let first = Row::first(license);
    let row = (
        seat_pools::license.eq(first.license),
        seat_pools::quota.eq(first.quota),
        seat_pools::quota_set.eq(first.quota_set),
        seat_pools::used.eq(first.used),
        seat_pools::policy.eq(first.policy),
        seat_pools::overage_in_force.eq(first.overage_in_force),
        seat_pools::grace_seats.eq(first.grace_seats),
        seat_pools::grace_minutes.eq(first.grace_minutes),
        seat_pools::places_given.eq(first.places_given),
    );
    tx.execute(diesel::insert_into(seat_pools::table).values(row))?;
    Ok(())
}

/// Keeps every other writer of this tenant out until this transaction ends: the seats that it reads stay as they are, and the
/// numbers of its lines and records are in the order of the commits. The lock is a row of its own, which every tenant has,
/// whatever its licenses are. True if this call has taken it: what was read before may have changed by now.
///
/// # Errors
/// When the store fails.
pub fn take_turn(tx: &mut WriteTx<'_>) -> Result<bool, SeatError> {
    if tx.has_turn() || !tx.has_rivals() {
        return Ok(false);
    }
    tx.update(seat_turn::table.find(1), seat_turn::lines_given.eq(seat_turn::lines_given))?;
    tx.note_turn();
    Ok(true)
}

/// Takes the turn of every writer at once: it waits for those that have theirs, and lets no other begin until this transaction ends.
///
/// # Errors
/// `Busy` when they do not end, or when the store fails.
pub fn take_all_turns(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    if tx.has_rivals() {
        // The whole table: who waits for a row of it holds a part of the table's lock already.
        diesel::sql_query("LOCK TABLE seat_turn IN EXCLUSIVE MODE").execute(tx.connection())?;
    }
    Ok(())
}

/// The next place in the queue for a license, or among the seats beyond its quota: behind every place that was ever given.
pub(crate) fn give_place(tx: &mut WriteTx<'_>, license: &License) -> Result<i64, SeatError> {
    let pool = seat_pools::table.find(license.key());
    tx.increase(pool, seat_pools::places_given, 1)?;
    Ok(tx.get_result(pool.select(seat_pools::places_given))?)
}

/// Something that is dated will change this pool at that moment.
pub(crate) fn note_due(tx: &mut WriteTx<'_>, license: &License, at_ms: i64) -> Result<(), SeatError> {
    tx.falls_due(at_ms);
    let later = seat_pools::due_ms.is_null().or(seat_pools::due_ms.gt(at_ms));
    tx.update(seat_pools::table.find(license.key()).filter(later), seat_pools::due_ms.eq(Some(at_ms)))?;
    Ok(())
}
