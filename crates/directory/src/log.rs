//! The provisioning log: one row for each answered write, newest first. The row of a write that changed something is its change
//! record; that of another one is an attempt, which has no place among the changes. Rows are in the order of their times, because a
//! refused write is recorded a moment later than it was answered.

use std::collections::{HashMap, HashSet};

use diesel::{dsl::sql, expression::SqlLiteral, prelude::*, sql_query, sql_types};
use store::{ReadTx, WriteTx, for_chunks, in_chunks, insert_row, next};

use crate::{
    DirectoryError,
    schema::{attempts, changes, log_losses},
};

/// The part of a row that a change record of no write lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The outcome of the write: a word.
    pub result: &'a str,
    /// The identity provider that it is taken to come from: a word.
    pub idp: &'a str,
}

/// A person, as the log names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedPerson<'a> {
    /// The text that finds the person's rows.
    pub key: &'a str,
    /// The name as it was sent, where it is something else than the key and may be told.
    pub name: Option<&'a str>,
}

/// A write that changed nothing, or was refused; its number comes from the transaction.
#[derive(Clone, Copy, Debug)]
pub struct NewAttempt<'a> {
    /// The time of the answer, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// `user.refused`, `group.unchanged`, …
    pub kind: &'a str,
    /// The resource, as far as it is known; else empty.
    pub resource_id: &'a str,
    /// The id of its request.
    pub request_id: &'a str,
    /// JSON text, as of a change record.
    pub detail: &'a str,
    /// The part that every row has.
    pub entry: Entry<'a>,
    /// The person whom it is about, if it is about one.
    pub person: Option<LoggedPerson<'a>>,
}

/// Appends the row of a write that changed nothing. On PostgreSQL the caller has taken the tenant's turn, as for a change record.
///
/// # Errors
/// When the store fails.
pub fn append(tx: &mut WriteTx<'_>, new: &NewAttempt<'_>) -> Result<(), DirectoryError> {
    let (Entry { result, idp }, person) = (new.entry, new.person);
    insert_row!(
        tx,
        attempts::table,
        attempts::number = next(attempts::table, attempts::number),
        attempts::at_ms = new.at_ms,
        attempts::kind = new.kind,
        attempts::resource_id = new.resource_id,
        attempts::request_id = new.request_id,
        attempts::detail = new.detail,
        attempts::result = result,
        attempts::idp = idp,
        attempts::user_key = person.map(|person| person.key),
        attempts::user_name = person.and_then(|person| person.name),
    )?;
    Ok(())
}

/// The table that a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// Among the attempts.
    Attempt,
    /// Among the changes.
    Change,
}

/// The place of a row in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Its table.
    pub kept: Kept,
    /// Its number in that table.
    pub number: i64,
}

impl Place {
    /// The id of the row: it tells the rows of a tenant apart, also of one that has moved.
    #[must_use]
    pub fn id(&self) -> String {
        let table = match self.kept {
            Kept::Change => 'c',
            Kept::Attempt => 'a',
        };
        format!("{table}{}", self.number)
    }

    /// The place of the row with this id at this moment; `None` for what is no id.
    #[must_use]
    pub fn of_id(at_ms: i64, id: &str) -> Option<Self> {
        let (kept, number) = match id.split_at_checked(1)? {
            ("c", number) => (Kept::Change, number),
            ("a", number) => (Kept::Attempt, number),
            _ => return None,
        };
        Some(Self { at_ms, kept, number: number.parse().ok()? })
    }
}

/// The end of the log in the order in which rows are written. That order is counted, so whoever continues behind an end misses no row. The
/// order of times is another one: a refused write is recorded later than it was answered, and a clock may go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The number of the newest attempt; 0 without one.
    pub attempt: i64,
    /// The number of the newest change; 0 without one.
    pub change: i64,
}

impl End {
    /// The end as text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("c{}-a{}", self.change, self.attempt)
    }

    /// The end of this text; `None` for what is none.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let (change, attempt) = text.strip_prefix('c')?.split_once("-a")?;
        Some(Self { attempt: attempt.parse().ok()?, change: change.parse().ok()? })
    }

    fn number_in(&mut self, kept: Kept) -> &mut i64 {
        match kept {
            Kept::Attempt => &mut self.attempt,
            Kept::Change => &mut self.change,
        }
    }
}

/// Rows that were written behind an end of the log.
#[derive(Clone, Debug)]
pub struct RowsBehind {
    /// The rows that are wanted, in the order of their times.
    pub rows: Vec<LogRow>,
    /// The end behind which the next rows are.
    pub end: End,
    /// Whether there are some already.
    pub more: bool,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// The place where it stands.
    pub place: Place,
    /// As of a change record.
    pub kind: String,
    /// The resource; empty where it is not known.
    pub resource_id: String,
    /// The id of its request.
    pub request_id: String,
    /// JSON text.
    pub detail: String,
    /// The member of staff who did it.
    pub actor: Option<String>,
    /// The same as [`Entry::result`].
    pub result: String,
    /// The same as [`Entry::idp`].
    pub idp: String,
    /// The same as [`LoggedPerson::key`].
    pub user_key: Option<String>,
    /// The same as [`LoggedPerson::name`].
    pub user_name: Option<String>,
}

/// The rows that are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those about one of these; all, where there is none.
    pub about: Vec<About>,
    /// Those with one of these results.
    pub results: Vec<&'static str>,
    /// Those of one of these identity providers.
    pub idps: Vec<&'static str>,
    /// From this moment on, in milliseconds since 1970 UTC.
    pub since_ms: Option<i64>,
    /// Before this moment.
    pub until_ms: Option<i64>,
}

/// A person or a resource that rows are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A person, by the key of [`LoggedPerson`].
    Person(String),
    /// A resource, by its id: the rows that are about no person.
    Resource(String),
    /// A person who was deleted. The name may be another person's by now, whose rows have another id.
    Deleted {
        /// The key of the person, as in [`About::Person`].
        key: String,
        /// The id that the person had.
        id: String,
    },
}

/// Rows that are read at a time.
const BATCH: i64 = 1000;

/// Segments that are read at a time, at most.
const SEGMENTS: usize = 32;

/// Below so many rows the next segments are read together.
const FEW: usize = 1000;

/// Up to so many people are looked for one by one, more of them in one pass over the log. A pass costs some
/// hundreds of look-ups, however long the log is.
const FEW_PEOPLE: usize = 250;

/// Rows of a pass that are read at a time, three short columns of each.
const PASS: i64 = 10_000;

/// Whole rows that are read and handed on at a time.
const HANDED_ON: usize = 1_000;

/// The newest rows that are wanted and stand before a place, at most so many.
///
/// # Errors
/// When the store fails.
pub fn page(
    tx: &mut ReadTx<'_>,
    wanted: &Wanted,
    before: Option<Place>,
    most: usize,
) -> Result<Vec<LogRow>, DirectoryError> {
    let mut places = Vec::new();
    for kept in [Kept::Attempt, Kept::Change] {
        let bounds = Bounds::of(wanted, before, kept);
        if wanted.about.is_empty() {
            places.extend(places_of(tx, wanted, bounds, most)?);
        }
        for about in &wanted.about {
            places.extend(places_about(tx, wanted, about, bounds, most)?);
        }
    }
    places.sort_by(|a, b| b.cmp(a));
    // A row may be about more than one thing that is asked for.
    places.dedup();
    places.truncate(most);
    let mut rows = rows(tx, &places)?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.place));
    Ok(rows)
}

/// The rows of a table between which places are looked for.
#[derive(Clone, Copy)]
struct Bounds {
    kept: Kept,
    /// The times, both included.
    from_ms: i64,
    to_ms: i64,
    /// A row of the last time has a smaller number than this.
    below: i64,
}

impl Bounds {
    fn whole_table(kept: Kept) -> Self {
        Self { kept, from_ms: i64::MIN, to_ms: i64::MAX, below: i64::MAX }
    }

    fn of(wanted: &Wanted, before: Option<Place>, kept: Kept) -> Self {
        let until = wanted.until_ms.map(|at_ms| Place { at_ms, kept: Kept::Attempt, number: i64::MIN });
        let end = before.into_iter().chain(until).min();
        let end = end.unwrap_or(Place { at_ms: i64::MAX, kept: Kept::Change, number: i64::MAX });
        let below = match kept.cmp(&end.kept) {
            std::cmp::Ordering::Less => i64::MAX,
            std::cmp::Ordering::Equal => end.number,
            std::cmp::Ordering::Greater => i64::MIN,
        };
        // Before the moment `until` there is no row of it.
        let below = if end.number == i64::MIN { i64::MIN } else { below };
        Self { kept, from_ms: wanted.since_ms.unwrap_or(i64::MIN), to_ms: end.at_ms, below }
    }
}

/// Runs a query on the table that rows stand in.
macro_rules! in_table {
    ($kept:expr, |$table:ident| $query:expr) => {
        match $kept {
            Kept::Attempt => {
                use attempts as $table;
                $query
            }
            Kept::Change => {
                use changes as $table;
                $query
            }
        }
    };
}

/// The rows of a table within the bounds.
macro_rules! within {
    ($table:ident, $bounds:expr) => {
        $table::table
            .filter($table::at_ms.ge($bounds.from_ms))
            .filter($table::at_ms.le($bounds.to_ms))
            .filter($table::at_ms.lt($bounds.to_ms).or($table::number.lt($bounds.below)))
    };
}

/// The newest rows of a table within the bounds.
macro_rules! newest_within {
    ($table:ident, $bounds:expr) => {
        within!($table, $bounds).order(($table::at_ms.desc(), $table::number.desc()))
    };
}

/// One index finds the newest rows of each result of each identity provider, so a page costs the same however rare its rows are.
fn places_of(
    tx: &mut ReadTx<'_>,
    wanted: &Wanted,
    bounds: Bounds,
    most: usize,
) -> Result<Vec<Place>, DirectoryError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for idp in &wanted.idps {
        for result in &wanted.results {
            let places: Vec<(i64, i64)> = in_table!(bounds.kept, |table| {
                let rows = newest_within!(table, bounds)
                    .filter(table::idp.eq(*idp))
                    .filter(table::result.eq(*result));
                tx.load(rows.select((table::at_ms, table::number)).limit(most))?
            });
            let place = |(at_ms, number)| Place { at_ms, kept: bounds.kept, number };
            found.extend(places.into_iter().map(place));
        }
    }
    Ok(found)
}

/// A row that may be one of those that are wanted.
#[derive(Queryable)]
struct Candidate {
    at_ms: i64,
    number: i64,
    resource_id: String,
    idp: Option<String>,
    result: Option<String>,
    user_key: Option<String>,
}

/// The columns of a [`Candidate`].
macro_rules! candidate {
    ($table:ident) => {
        (
            $table::at_ms,
            $table::number,
            $table::resource_id,
            $table::idp.nullable(),
            $table::result.nullable(),
            $table::user_key,
        )
    };
}

impl Candidate {
    /// Whether it is wanted in every regard.
    fn is_asked_for(&self, wanted: &Wanted) -> bool {
        let is_about = wanted.about.is_empty() || wanted.about.iter().any(|about| about.has(self));
        let is_in_time = wanted.since_ms.is_none_or(|since_ms| self.at_ms >= since_ms)
            && wanted.until_ms.is_none_or(|until_ms| self.at_ms < until_ms);
        is_about && is_in_time && self.is_wanted(wanted)
    }

    /// Whether its result and its identity provider are wanted.
    fn is_wanted(&self, wanted: &Wanted) -> bool {
        let is_in =
            |words: &[&str], word: &Option<String>| word.as_deref().is_some_and(|w| words.contains(&w));
        is_in(&wanted.idps, &self.idp) && is_in(&wanted.results, &self.result)
    }

    fn place(&self, kept: Kept) -> Place {
        Place { at_ms: self.at_ms, kept, number: self.number }
    }
}

impl About {
    /// Whether a row is about this.
    fn has(&self, row: &Candidate) -> bool {
        match self {
            Self::Person(key) => row.user_key.as_ref() == Some(key),
            Self::Deleted { key, id } => {
                row.user_key.as_ref() == Some(key) && [id.as_str(), ""].contains(&row.resource_id.as_str())
            }
            Self::Resource(id) => row.user_key.is_none() && row.resource_id == *id,
        }
    }
}

fn places_about(
    tx: &mut ReadTx<'_>,
    wanted: &Wanted,
    about: &About,
    bounds: Bounds,
    most: usize,
) -> Result<Vec<Place>, DirectoryError> {
    match about {
        About::Person(key) => places_of_person(tx, wanted, key, None, bounds, most),
        About::Deleted { key, id } => places_of_person(tx, wanted, key, Some(id), bounds, most),
        About::Resource(id) => places_of_resource(tx, wanted, id, bounds, most),
    }
}

/// The segment of a row: its number divided by 4,096. A database uses the index by person (migration `0019`) only for exactly this expression,
/// so its constant is part of the text and not bound.
macro_rules! segment_sql {
    () => {
        "number / 4096"
    };
}

fn segment_of_row() -> SqlLiteral<sql_types::BigInt> {
    sql(segment_sql!())
}

/// A segment, as a person is looked for in it.
#[derive(QueryableByName)]
struct SearchedSegment {
    #[diesel(sql_type = sql_types::BigInt)]
    segment: i64,
    /// The time of the newest row about the person; `None` without such a row.
    #[diesel(sql_type = sql_types::Nullable<sql_types::BigInt>)]
    newest_ms: Option<i64>,
}

/// The segments of a table, each with the time of its newest row about the person `$1` from `$2` to `$3`, in the order of these times, newest first.
macro_rules! segments_sql {
    ($table:literal) => {
        concat!(
            "WITH RECURSIVE segments (segment) AS (SELECT oldest.segment FROM (SELECT ",
            segment_sql!(),
            " AS segment FROM ",
            $table,
            " ORDER BY number LIMIT 1) AS oldest UNION ALL SELECT segment + 1 FROM segments WHERE segment < (SELECT ",
            segment_sql!(),
            " FROM ",
            $table,
            " ORDER BY number DESC LIMIT 1)) SELECT segment, (SELECT MAX(at_ms) FROM ",
            $table,
            " WHERE ",
            segment_sql!(),
            " = segment AND user_key = $1 AND at_ms >= $2 AND at_ms <= $3) AS newest_ms FROM segments ORDER BY newest_ms DESC"
        )
    };
}

/// The segments that have rows about a person within the bounds, each with the time of the newest one, in the order of these times, newest first.
fn segments_of_person(
    tx: &mut ReadTx<'_>,
    key: &str,
    bounds: Bounds,
) -> Result<Vec<SearchedSegment>, DirectoryError> {
    let text = match bounds.kept {
        Kept::Attempt => segments_sql!("attempts"),
        Kept::Change => segments_sql!("changes"),
    };
    let query = sql_query(text)
        .bind::<sql_types::Text, _>(key)
        .bind::<sql_types::BigInt, _>(bounds.from_ms)
        .bind::<sql_types::BigInt, _>(bounds.to_ms);
    let mut segments: Vec<SearchedSegment> = tx.load(query)?;
    segments.retain(|searched| searched.newest_ms.is_some());
    Ok(segments)
}

/// The places of rows about a person; with an id, of those that have this id or, as a refused create, none. Segments are read until no other one
/// can have a newer row: a clock may have gone back, so a later segment need not have the later rows.
fn places_of_person(
    tx: &mut ReadTx<'_>,
    wanted: &Wanted,
    key: &str,
    id: Option<&str>,
    bounds: Bounds,
    most: usize,
) -> Result<Vec<Place>, DirectoryError> {
    let is_own = |row: &Candidate| id.is_none_or(|id| [id, ""].contains(&row.resource_id.as_str()));
    let segments = segments_of_person(tx, key, bounds)?;
    let (mut found, mut unread, mut step) = (Vec::<Place>::new(), segments.as_slice(), 1);
    while let Some(next) = unread.first() {
        if found.len() == most && found.last().is_none_or(|oldest| Some(oldest.at_ms) > next.newest_ms) {
            break;
        }
        let (read, others) = unread.split_at(step.min(unread.len()));
        let numbers: Vec<i64> = read.iter().map(|searched| searched.segment).collect();
        let rows: Vec<Candidate> = in_table!(bounds.kept, |table| {
            let rows = within!(table, bounds).filter(segment_of_row().eq_any(&numbers));
            tx.load(rows.filter(table::user_key.eq(key)).select(candidate!(table)))?
        });
        let fits = rows.iter().filter(|row| is_own(row) && row.is_wanted(wanted));
        found.extend(fits.map(|row| row.place(bounds.kept)));
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(most);
        // A rare result may need every row of a busy person, who has thousands in a segment.
        (unread, step) = (others, if rows.len() < FEW { (2 * step).min(SEGMENTS) } else { 1 });
    }
    Ok(found)
}

/// The places of rows that have this resource's id and no person. A group may have a large part of the log, so they are read in batches.
fn places_of_resource(
    tx: &mut ReadTx<'_>,
    wanted: &Wanted,
    id: &str,
    mut bounds: Bounds,
    most: usize,
) -> Result<Vec<Place>, DirectoryError> {
    let mut found = Vec::new();
    loop {
        let batch: Vec<Candidate> = in_table!(bounds.kept, |table| {
            let rows = newest_within!(table, bounds)
                .filter(table::result.nullable().is_not_null())
                .filter(table::user_key.is_null())
                .filter(table::resource_id.eq(id));
            tx.load(rows.select(candidate!(table)).limit(BATCH))?
        });
        let fits = batch.iter().filter(|row| row.is_wanted(wanted));
        found.extend(fits.map(|row| row.place(bounds.kept)));
        match batch.last() {
            Some(last) if i64::try_from(batch.len()) == Ok(BATCH) && found.len() < most => {
                (bounds.to_ms, bounds.below) = (last.at_ms, last.number);
            }
            _ => return Ok(found),
        }
    }
}

/// The end of the log now.
///
/// # Errors
/// When the store fails.
pub fn end(tx: &mut ReadTx<'_>) -> Result<End, DirectoryError> {
    let mut end = End { attempt: 0, change: 0 };
    for kept in [Kept::Attempt, Kept::Change] {
        let newest: Vec<i64> = in_table!(kept, |table| {
            tx.load(table::table.order(table::number.desc()).select(table::number).limit(1))?
        });
        *end.number_in(kept) = newest.first().copied().unwrap_or_default();
    }
    Ok(end)
}

/// The rows that are wanted among the next ones behind an end. About so many are looked at.
///
/// # Errors
/// When the store fails.
pub fn behind(
    tx: &mut ReadTx<'_>,
    wanted: &Wanted,
    end: End,
    most: usize,
) -> Result<RowsBehind, DirectoryError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let (mut end, mut newest, mut places, mut seen) = (end, self::end(tx)?, Vec::new(), 0);
    for kept in [Kept::Attempt, Kept::Change] {
        let number = end.number_in(kept);
        // A store that was put back from a backup may end before.
        *number = (*number).min(*newest.number_in(kept));
        // Neither table is to wait until all of the other one was read.
        let share = if kept == Kept::Attempt { most - most / 2 } else { (most - seen).max(1) };
        // Rows that are not wanted come along: for a query without them SQLite may take another index, which has another order.
        let next: Vec<Candidate> = in_table!(kept, |table| {
            let rows = table::table.filter(table::number.gt(*number)).order(table::number);
            tx.load(rows.select(candidate!(table)).limit(share))?
        });
        if let Some(last) = next.last() {
            *number = last.number;
        }
        seen += i64::try_from(next.len()).unwrap_or(share);
        places.extend(next.iter().filter(|row| row.is_asked_for(wanted)).map(|row| row.place(kept)));
    }
    let mut rows = rows(tx, &places)?;
    rows.sort_by_key(|row| row.place);
    Ok(RowsBehind { rows, more: end != newest, end })
}

/// The columns of a row, in their order.
type Columns = (
    (i64, i64),
    String,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

fn rows(tx: &mut ReadTx<'_>, places: &[Place]) -> Result<Vec<LogRow>, DirectoryError> {
    let mut all = Vec::with_capacity(places.len());
    for kept in [Kept::Attempt, Kept::Change] {
        let numbers: Vec<i64> =
            places.iter().filter(|place| place.kept == kept).map(|place| place.number).collect();
        let found: Vec<Columns> = match kept {
            Kept::Attempt => in_chunks(&numbers, |numbers| {
                let rows = attempts::table.filter(attempts::number.eq_any(numbers)).select((
                    (attempts::at_ms, attempts::number),
                    attempts::kind,
                    attempts::resource_id,
                    attempts::request_id,
                    attempts::detail,
                    None::<&'static str>.into_sql::<sql_types::Nullable<sql_types::Text>>(),
                    attempts::result.nullable(),
                    attempts::idp.nullable(),
                    attempts::user_key,
                    attempts::user_name,
                ));
                rows.load(tx.connection())
            })?,
            Kept::Change => in_chunks(&numbers, |numbers| {
                let rows = changes::table.filter(changes::number.eq_any(numbers)).select((
                    (changes::at_ms, changes::number),
                    changes::kind,
                    changes::resource_id,
                    changes::request_id,
                    changes::detail,
                    changes::actor,
                    changes::result,
                    changes::idp,
                    changes::user_key,
                    changes::user_name,
                ));
                rows.load(tx.connection())
            })?,
        };
        all.extend(found.into_iter().map(|columns| row_of(kept, columns)));
    }
    Ok(all)
}

/// Hands on the newest row about each of these people, by their keys, in any order. Other than on a [`page`] it
/// may be a deletion that answers no write, whose result is empty.
///
/// # Errors
/// When the store fails.
pub fn newest_of_people(
    tx: &mut ReadTx<'_>,
    keys: &HashSet<&str>,
    mut visit: impl FnMut(LogRow),
) -> Result<(), DirectoryError> {
    let places = match keys.len() <= FEW_PEOPLE {
        true => newest_by_look_ups(tx, keys)?,
        false => newest_in_one_pass(tx, keys)?,
    };
    for places in places.chunks(HANDED_ON) {
        rows(tx, places)?.into_iter().for_each(&mut visit);
    }
    Ok(())
}

fn newest_by_look_ups(tx: &mut ReadTx<'_>, keys: &HashSet<&str>) -> Result<Vec<Place>, DirectoryError> {
    let mut places = Vec::new();
    for key in keys {
        places.extend(newest_of_person(tx, key)?);
    }
    Ok(places)
}

fn newest_of_person(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<Place>, DirectoryError> {
    let mut newest: Option<Place> = None;
    for kept in [Kept::Attempt, Kept::Change] {
        let segments = segments_of_person(tx, key, Bounds::whole_table(kept))?;
        let Some(first) = segments.first() else { continue };
        // The newest rows of several segments may have the same time.
        let latest = segments.iter().take_while(|searched| searched.newest_ms == first.newest_ms);
        let latest: Vec<i64> = latest.map(|searched| searched.segment).collect();
        let found: Vec<(i64, i64)> = in_table!(kept, |table| {
            let rows = table::table.filter(segment_of_row().eq_any(&latest)).filter(table::user_key.eq(key));
            let rows = rows.order((table::at_ms.desc(), table::number.desc()));
            tx.load(rows.select((table::at_ms, table::number)).limit(1))?
        });
        let place = found.first().map(|(at_ms, number)| Place { at_ms: *at_ms, kept, number: *number });
        newest = newest.max(place);
    }
    Ok(newest)
}

fn newest_in_one_pass(tx: &mut ReadTx<'_>, keys: &HashSet<&str>) -> Result<Vec<Place>, DirectoryError> {
    let mut newest: HashMap<&str, Place> = HashMap::new();
    for kept in [Kept::Attempt, Kept::Change] {
        let mut after = 0;
        loop {
            // Rows about nobody come along: for a query without them SQLite may take the index by person, which
            // has another order.
            let page: Vec<(i64, i64, Option<String>)> = in_table!(kept, |table| {
                let rows = table::table.filter(table::number.gt(after)).order(table::number);
                tx.load(rows.select((table::number, table::at_ms, table::user_key)).limit(PASS))?
            });
            let Some((last, ..)) = page.last() else { break };
            after = *last;
            for (number, at_ms, key) in page {
                let Some(key) = key.and_then(|key| keys.get(key.as_str()).copied()) else { continue };
                let place = Place { at_ms, kept, number };
                newest.entry(key).and_modify(|newest| *newest = place.max(*newest)).or_insert(place);
            }
        }
    }
    Ok(newest.into_values().collect())
}

/// The rows of the writes that a request asked for and that changed nothing, newest first.
///
/// # Errors
/// When the store fails.
pub fn rows_of_request(tx: &mut ReadTx<'_>, request_id: &str) -> Result<Vec<LogRow>, DirectoryError> {
    let found = attempts::table.filter(attempts::request_id.eq(request_id)).order(attempts::number.desc());
    let found: Vec<(i64, i64)> = tx.load(found.select((attempts::at_ms, attempts::number)).limit(BATCH))?;
    let place = |(at_ms, number)| Place { at_ms, kept: Kept::Attempt, number };
    let places: Vec<Place> = found.into_iter().map(place).collect();
    rows(tx, &places)
}

fn row_of(kept: Kept, columns: Columns) -> LogRow {
    let ((at_ms, number), kind, resource_id, request_id, detail, actor, result, idp, user_key, user_name) =
        columns;
    LogRow {
        place: Place { at_ms, kept, number },
        kind,
        resource_id,
        request_id,
        detail,
        actor,
        result: result.unwrap_or_default(),
        idp: idp.unwrap_or_default(),
        user_key,
        user_name,
    }
}

/// Removes the oldest rows and change records, at most so many of each, that are from before a moment; how many. Of the newest of each
/// table only the number stays, because the next one has the number behind it.
///
/// # Errors
/// When the store fails.
pub fn prune(tx: &mut WriteTx<'_>, before_ms: i64, most: i64) -> Result<usize, DirectoryError> {
    let mut removed = 0;
    for kept in [Kept::Attempt, Kept::Change] {
        removed += in_table!(kept, |table| {
            let oldest = table::table.order(table::number).select((table::number, table::at_ms));
            let oldest: Vec<(i64, i64)> = tx.load(oldest.limit(most + 1))?;
            let others = oldest.split_last().map(|(_, others)| others).unwrap_or_default();
            match others.iter().take_while(|(_, at_ms)| *at_ms < before_ms).last() {
                Some((last, _)) => {
                    tx.execute(diesel::delete(table::table.filter(table::number.le(*last))))?
                }
                None => 0,
            }
        });
    }
    empty_newest(tx, before_ms)?;
    Ok(removed)
}

/// Takes out of the newest row of each table what it tells, if it is from before a moment.
fn empty_newest(tx: &mut WriteTx<'_>, before_ms: i64) -> Result<(), DirectoryError> {
    const NOTHING: &str = "{}";
    for kept in [Kept::Attempt, Kept::Change] {
        let newest: Option<(i64, i64)> = in_table!(kept, |table| {
            let newest = table::table.order(table::number.desc()).select((table::number, table::at_ms));
            tx.load(newest.limit(1))?.pop()
        });
        let Some((number, _)) = newest.filter(|(_, at_ms)| *at_ms < before_ms) else { continue };
        in_table!(kept, |table| {
            let row = table::table.find(number).filter(table::detail.ne(NOTHING));
            let nobody = (table::user_key.eq(None::<String>), table::user_name.eq(None::<String>));
            // No result is of this word, so nobody is shown the row.
            tx.update(row, (table::detail.eq(NOTHING), table::result.eq(""), nobody))?;
        });
    }
    Ok(())
}

/// The time of the oldest row that can be removed, or `now_ms` where there is none.
///
/// # Errors
/// When the store fails.
pub fn oldest_ms(tx: &mut ReadTx<'_>, now_ms: i64) -> Result<i64, DirectoryError> {
    let mut oldest_ms = now_ms;
    for kept in [Kept::Attempt, Kept::Change] {
        let oldest: Vec<i64> = in_table!(kept, |table| {
            tx.load(table::table.order(table::number).select(table::at_ms).limit(2))?
        });
        if let [oldest, _] = oldest.as_slice() {
            oldest_ms = oldest_ms.min(*oldest);
        }
    }
    Ok(oldest_ms)
}

/// The only row of the losses.
const PLACE: i64 = 1;

/// The number of rows of refused writes that were lost.
///
/// # Errors
/// When the store fails.
pub fn lost(tx: &mut ReadTx<'_>) -> Result<i64, DirectoryError> {
    let lost = log_losses::table.find(PLACE).select(log_losses::lost);
    Ok(tx.get_result(lost).optional()?.unwrap_or_default())
}

/// Counts rows that were lost.
///
/// # Errors
/// When the store fails.
pub fn note_lost(tx: &mut WriteTx<'_>, lost: i64) -> Result<(), DirectoryError> {
    if lost > 0 && tx.increase(log_losses::table.find(PLACE), log_losses::lost, lost)? == 0 {
        let row = (log_losses::place.eq(PLACE), log_losses::lost.eq(lost));
        tx.execute(diesel::insert_into(log_losses::table).values(row))?;
    }
    Ok(())
}

/// A deletion of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// JSON text.
    pub detail: String,
}

/// The newest deletion of the person with this id, also one that answers no write.
///
/// # Errors
/// When the store fails.
pub fn deletion_of(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<Deletion>, DirectoryError> {
    let newest = deletions_of(id).order(changes::number.desc()).limit(1);
    let newest: Option<(i64, String)> =
        tx.get_result(newest.select((changes::at_ms, changes::detail))).optional()?;
    Ok(newest.map(|(at_ms, detail)| Deletion { at_ms, detail }))
}

/// The key that finds the rows of a person who was deleted, by the id of the person. `None` where the log has no deletion of this id, or the
/// deletion has no key.
///
/// # Errors
/// When the store fails.
pub fn key_of_deleted(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<String>, DirectoryError> {
    let key = deletions_of(id).order(changes::number.desc()).select(changes::user_key).limit(1);
    Ok(tx.get_result(key).optional()?.flatten())
}

#[diesel::dsl::auto_type]
fn deletions_of<'a>(id: &'a str) -> _ {
    // The word stands in the text of the statement: the databases take an index of some rows for a constant alone.
    let is_deletion: SqlLiteral<sql_types::Bool> = sql::<sql_types::Bool>("kind = 'user.deleted'");
    changes::table.filter(is_deletion).filter(changes::resource_id.eq(id))
}

/// Takes the name of a person out of all rows: from now on another key finds them.
///
/// # Errors
/// When the store fails.
pub fn rename(tx: &mut WriteTx<'_>, key: &str, new_key: &str) -> Result<(), DirectoryError> {
    for kept in [Kept::Attempt, Kept::Change] {
        let segments = segments_of_person(tx, key, Bounds::whole_table(kept))?;
        let segments: Vec<i64> = segments.iter().map(|searched| searched.segment).collect();
        in_table!(kept, |table| for_chunks(&segments, |segments| {
            let rows = table::table.filter(segment_of_row().eq_any(segments)).filter(table::user_key.eq(key));
            tx.update(rows, (table::user_key.eq(new_key), table::user_name.eq(None::<String>)))
        }))?;
    }
    Ok(())
}

/// Rows of one table whose numbers stand together; the index by person goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    kept: Kept,
    number: i64,
}

/// The rows of a table about people under keys that do not begin with `prefix`.
macro_rules! of_other_keys {
    ($table:ident, $prefix:expr) => {
        $table::table
            // The index by person has no row without a key, and SQLite takes it only for a query that says so.
            .filter($table::user_key.is_not_null())
            .filter($table::user_key.not_like(format!("{}%", $prefix)))
    };
}

/// The segments with rows about people under keys that do not begin with `prefix`, a word without the wildcards of `LIKE`. The whole index is read.
///
/// # Errors
/// When the store fails.
pub fn segments_of_other_keys(tx: &mut ReadTx<'_>, prefix: &str) -> Result<Vec<Segment>, DirectoryError> {
    let mut found = Vec::new();
    for kept in [Kept::Attempt, Kept::Change] {
        let numbers: Vec<i64> = in_table!(kept, |table| {
            tx.load(of_other_keys!(table, prefix).select(segment_of_row()).distinct())?
        });
        found.extend(numbers.into_iter().map(|number| Segment { kept, number }));
    }
    Ok(found)
}

/// Gives the rows of a segment whose keys do not begin with `prefix` other keys, and takes the names out of them.
///
/// # Errors
/// When the store fails.
pub fn rename_in_segment(
    tx: &mut WriteTx<'_>,
    segment: Segment,
    prefix: &str,
    new_key: impl Fn(&str) -> String,
) -> Result<(), DirectoryError> {
    in_table!(segment.kept, |table| {
        let rows = of_other_keys!(table, prefix).filter(segment_of_row().eq(segment.number));
        let rows: Vec<(i64, String)> =
            tx.load(rows.select((table::number, table::user_key.assume_not_null())))?;
        for (number, key) in rows {
            let changes = (table::user_key.eq(new_key(&key)), table::user_name.eq(None::<String>));
            tx.update(table::table.find(number), changes)?;
        }
    });
    Ok(())
}
