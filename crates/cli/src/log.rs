//! `usher log`: what came of each write of an identity provider or of staff.

use std::{thread, time::Duration};

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
const AT_ONCE: u16 = 1_000;

/// Rows that `--follow` begins with.
const FIRST: u16 = 10;

/// Prints a page of the log, or goes on with what comes.
pub(crate) fn run(words: LogWords, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    if words.follow {
        return follow(&words, &session);
    }
    let part = Part { limit: words.limit, cursor: words.cursor.clone(), ..Part::default() };
    session.show(&page(&words, &session, part)?, describe)
}

/// The part of the log that is asked for.
#[derive(Default)]
struct Part {
    limit: Option<u16>,
    /// The cursor that the page before told.
    cursor: Option<String>,
    /// The page is to tell its `end`.
    follow: bool,
    /// The `end` of an earlier page: what was written since then.
    after: Option<String>,
}

fn page(words: &LogWords, session: &Session, part: Part) -> Result<Value, Mistake> {
    let narrowed = query([
        ("user", words.user.clone()),
        ("result", words.result.clone()),
        ("idp", words.idp.clone()),
        ("since", words.since.clone()),
        ("until", words.until.clone()),
        ("limit", part.limit.map(|limit| limit.to_string())),
        ("cursor", part.cursor),
        ("follow", part.follow.then(|| "true".to_owned())),
        ("after", part.after),
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

/// Prints the newest rows, then each row as it is written, oldest first, until the process is ended.
fn follow(words: &LogWords, session: &Session) -> Result<(), Mistake> {
    let newest = Part { limit: Some(words.limit.unwrap_or(FIRST)), follow: true, ..Part::default() };
    let first = page(words, session, newest)?;
    tell(elements(member(&first, "rows")).iter().rev(), session)?;
    let mut end = cell(&first, "end");
    loop {
        let next = Part { limit: Some(AT_ONCE), after: Some(end.clone()), ..Part::default() };
        let next = page(words, session, next)?;
        tell(elements(member(&next, "rows")).iter(), session)?;
        end = cell(&next, "end");
        if member(&next, "more") != &Value::Bool(true) {
            thread::sleep(EVERY);
        }
    }
}

/// Prints rows, each on a line.
fn tell<'a>(rows: impl Iterator<Item = &'a Value>, session: &Session) -> Result<(), Mistake> {
    for row in rows {
        text(&if session.json { row.to_string() } else { line(row) })?;
    }
    Ok(())
}

fn line(row: &Value) -> String {
    let row = flat(row);
    let columns = COLUMNS.map(|name| cell(&row, name));
    staff::printable::on_one_line(&columns.join("  "))
}
