//! `usher log`: what came of each write of an identity provider or of staff.

use std::{collections::HashMap, thread, time::Duration};

use scim_core::filter::Instant;
use serde_json::Value;

use crate::{
    commands::{LogWords, Options},
    mistake::Mistake,
    output::{cell, elements, list, member, text, with},
    people::query,
    session::Session,
};

/// The pause of `--follow` before it asks for new rows again.
const EVERY: Duration = Duration::from_millis(500);

/// Rows that `--follow` asks for at a time: the most that a page has.
const AT_ONCE: usize = 1_000;

/// Rows that `--follow` begins with.
const FIRST: u16 = 10;

/// Milliseconds by which a row that comes may be older than the newest one. The row of a refused write is
/// written up to a second after its answer, and some seconds later where its store is busy.
const LATE_MS: i64 = 10_000;

/// Prints a page of the log, or goes on with what comes.
pub(crate) fn run(words: LogWords, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    if words.follow {
        return follow(&words, &session);
    }
    let limit = words.limit.map(|limit| limit.to_string());
    let page = page(&words, &session, limit, words.cursor.clone())?;
    session.show(&page, describe)
}

fn page(
    words: &LogWords,
    session: &Session,
    limit: Option<String>,
    cursor: Option<String>,
) -> Result<Value, Mistake> {
    let narrowed = query([
        ("user", words.user.clone()),
        ("result", words.result.clone()),
        ("idp", words.idp.clone()),
        ("since", words.since.clone()),
        ("until", words.until.clone()),
        ("limit", limit),
        ("cursor", cursor),
    ]);
    session.client.get(&words.target.path(&format!("/log{narrowed}")))
}

fn describe(page: &Value) -> String {
    let rows: Vec<Value> = elements(member(page, "rows")).iter().map(flat).collect();
    let mut told = list(COLUMNS, &rows);
    if member(page, "log_lost").as_i64().is_some_and(|lost| lost > 0) {
        told.push_str(&format!("\n\n{} rows of refused writes were lost.", cell(page, "log_lost")));
    }
    if !member(page, "next_cursor").is_null() {
        told.push_str(&format!("\n\nOlder rows: --cursor {}", cell(page, "next_cursor")));
    }
    told
}

/// The columns of the table; `--json` has every fact.
const COLUMNS: [&str; 10] =
    ["at", "idp", "operation", "resource", "user_name", "result", "status", "role", "license", "detail"];

/// A row with its role and its license as one word each.
fn flat(row: &Value) -> Value {
    let (role, license) = (member(row, "role"), member(row, "license"));
    let detail = match member(row, "detail") {
        Value::Null => {
            elements(member(row, "changed")).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        _ => cell(row, "detail"),
    };
    let row = with(row.clone(), "role", moved(role, "before", "after"));
    let row = with(row, "license", moved(license, "before", "granted"));
    with(row, "detail", detail)
}

/// `member`, or `member → member_lite` where it was another one before.
fn moved(value: &Value, before: &str, after: &str) -> String {
    let (was, is) = (cell(value, before), cell(value, after));
    if was == is || was == "-" { is } else { format!("{was} → {is}") }
}

/// Prints the newest rows, then each row as it comes, oldest first, until the process is ended.
fn follow(words: &LogWords, session: &Session) -> Result<(), Mistake> {
    let mut seen = Seen::default();
    // Of the rows that are there to begin with; of those that come, all are shown.
    let mut most = usize::from(words.limit.unwrap_or(FIRST));
    loop {
        for row in seen.look(words, session)?.iter().take(most).rev() {
            text(&if session.json { row.to_string() } else { line(row) })?;
        }
        most = usize::MAX;
        thread::sleep(EVERY);
    }
}

/// The part of the log that `--follow` has seen and may still get rows among.
#[derive(Default)]
struct Seen {
    /// The time before which no row is new, in milliseconds since 1970 UTC; `None` before the first look.
    since_ms: Option<i64>,
    /// The rows from then on, by their ids, each with its time.
    rows: HashMap<String, i64>,
}

impl Seen {
    /// The rows that have come since the last look, newest first. To the first look all are new, and the oldest
    /// ones are left out.
    fn look(&mut self, words: &LogWords, session: &Session) -> Result<Vec<Value>, Mistake> {
        let (mut new, mut cursor, mut end_ms) = (Vec::new(), None, self.since_ms);
        loop {
            let page = page(words, session, Some(AT_ONCE.to_string()), cursor)?;
            let rows = elements(member(&page, "rows"));
            new.extend(rows.iter().filter(|row| self.is_new(row)).cloned());
            cursor = member(&page, "next_cursor").as_str().map(str::to_owned);
            end_ms = end_ms.or_else(|| rows.first().map(|newest| time_of(newest) - LATE_MS));
            let oldest_ms = rows.last().map(time_of);
            if cursor.is_none() || oldest_ms < end_ms {
                break;
            }
        }
        let newest_ms = self.rows.values().max();
        let since_ms = newest_ms.map_or(i64::MIN, |newest_ms| newest_ms - LATE_MS);
        self.since_ms = Some(since_ms);
        self.rows.retain(|_, at_ms| *at_ms >= since_ms);
        Ok(new)
    }

    /// Whether a row has not been seen; from now on it has.
    fn is_new(&mut self, row: &Value) -> bool {
        let at_ms = time_of(row);
        self.since_ms.is_none_or(|since_ms| at_ms >= since_ms)
            && self.rows.insert(cell(row, "id"), at_ms).is_none()
    }
}

/// The time of a row, in milliseconds since 1970 UTC.
fn time_of(row: &Value) -> i64 {
    let at = member(row, "at").as_str().and_then(Instant::parse);
    at.and_then(Instant::as_millis).unwrap_or_default()
}

fn line(row: &Value) -> String {
    let row = flat(row);
    let columns = COLUMNS.map(|name| cell(&row, name));
    staff::printable::on_one_line(&columns.join("  "))
}
