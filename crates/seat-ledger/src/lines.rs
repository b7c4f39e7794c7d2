//! Dated lines of a quota: seats that a tenant has from one day until another, on top of what staff have set.

use diesel::prelude::*;
use serde::Serialize;
use store::{ReadTx, WriteTx};

use crate::{
    Day, License, Licenses, SeatError,
    error::stored_license,
    pools,
    schema::{seat_lines, seat_turn},
};

/// Seats of a license for some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number, which no other line of the tenant ever has.
    pub line: i64,
    /// The license.
    #[serde(serialize_with = "key")]
    pub license: License,
    /// How many.
    pub seats: u32,
    /// The first day; `None`: at once.
    pub from: Option<Day>,
    /// The first day without them; `None`: for good.
    pub until: Option<Day>,
    /// Where they come from: an order, a gift.
    pub source: String,
}

fn key<S: serde::Serializer>(license: &License, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(license.key())
}

impl Line {
    /// Whether its seats count at this moment.
    #[must_use]
    pub fn is_in_force(&self, now_ms: i64) -> bool {
        self.from.is_none_or(|from| from.start_ms() <= now_ms)
            && self.until.is_none_or(|until| now_ms < until.start_ms())
    }
}

/// A quota that will hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Next {
    /// Seats.
    pub quota: i64,
    /// From this day on.
    pub from: Day,
}

type Row = (i64, String, i64, Option<i64>, Option<i64>, String);

fn line(row: Row, licenses: &Licenses) -> Result<Line, SeatError> {
    let (line, license, seats, from, until, source) = row;
    Ok(Line {
        line,
        license: stored_license(licenses, &license)?,
        seats: u32::try_from(seats).unwrap_or(u32::MAX),
        from: from.and_then(Day::since_1970),
        until: until.and_then(Day::since_1970),
        source,
    })
}

/// All lines of the tenant, oldest first, those that have ended included.
///
/// # Errors
/// When the store fails.
pub fn all(tx: &mut ReadTx<'_>, licenses: &Licenses) -> Result<Vec<Line>, SeatError> {
    let rows: Vec<Row> = tx.load(seat_lines::table.order(seat_lines::line))?;
    rows.into_iter().map(|row| line(row, licenses)).collect()
}

pub(crate) fn of(tx: &mut ReadTx<'_>, license: &License) -> Result<Vec<Line>, SeatError> {
    let own = seat_lines::table.filter(seat_lines::license.eq(license.key())).order(seat_lines::line);
    let rows: Vec<Row> = tx.load(own)?;
    rows.into_iter().map(|row| line(row, license.all())).collect()
}

/// The next change of a license's quota by its lines, after this moment.
///
/// # Errors
/// When the store fails.
pub fn next(tx: &mut ReadTx<'_>, license: &License, now_ms: i64) -> Result<Option<Next>, SeatError> {
    let Some(set) = pools::row(tx, license)?.quota_set else { return Ok(None) };
    let lines = of(tx, license)?;
    let quota = |at_ms| set + seats_at(&lines, at_ms);
    let mut days: Vec<Day> = edges(&lines).filter(|day| day.start_ms() > now_ms).collect();
    days.sort();
    let changes = days.into_iter().find(|day| quota(day.start_ms()) != quota(now_ms));
    Ok(changes.map(|from| Next { quota: quota(from.start_ms()), from }))
}

/// Seats of these lines at a moment.
pub(crate) fn seats_at(lines: &[Line], at_ms: i64) -> i64 {
    lines.iter().filter(|line| line.is_in_force(at_ms)).map(|line| i64::from(line.seats)).sum()
}

/// The days on which one of these lines begins or ends.
pub(crate) fn edges(lines: &[Line]) -> impl Iterator<Item = Day> {
    lines.iter().flat_map(|line| [line.from, line.until]).flatten()
}

pub(crate) fn insert(tx: &mut WriteTx<'_>, new: Line) -> Result<Line, SeatError> {
    tx.increase(seat_turn::table.find(1), seat_turn::lines_given, 1)?;
    let line = tx.get_result(seat_turn::table.find(1).select(seat_turn::lines_given))?;
    let row = (
        seat_lines::line.eq(line),
        seat_lines::license.eq(new.license.key()),
        seat_lines::seats.eq(i64::from(new.seats)),
        seat_lines::from_day.eq(new.from.map(Day::number)),
        seat_lines::until_day.eq(new.until.map(Day::number)),
        seat_lines::source.eq(&new.source),
    );
    tx.execute(diesel::insert_into(seat_lines::table).values(row))?;
    Ok(Line { line, ..new })
}

/// Takes a line away and returns it; `None` when there is none of this number.
pub(crate) fn delete(
    tx: &mut WriteTx<'_>,
    licenses: &Licenses,
    number: i64,
) -> Result<Option<Line>, SeatError> {
    let row: Option<Row> = tx.get_result(seat_lines::table.find(number)).optional()?;
    tx.execute(diesel::delete(seat_lines::table.find(number)))?;
    row.map(|row| line(row, licenses)).transpose()
}
