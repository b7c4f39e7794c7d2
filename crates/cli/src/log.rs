//! `usher log`: what came of each write of an identity provider or of staff.

use std::{collections::VecDeque, thread, time::Duration};

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

/// Rows that `--follow` asks for at a time, and shown ones that it tells from new ones.
const AT_ONCE: usize = 1_000;
const REMEMBERED: usize = 20_000;

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
    let mut shown: VecDeque<Value> = VecDeque::new();
    let first = words.limit.map_or_else(|| "10".to_owned(), |limit| limit.to_string());
    let mut limit = first;
    loop {
        let page = page(words, session, Some(limit), None)?;
        let new: Vec<&Value> =
            elements(member(&page, "rows")).iter().filter(|row| !shown.contains(member(row, "id"))).collect();
        for row in new.into_iter().rev() {
            shown.push_back(member(row, "id").clone());
            text(&if session.json { row.to_string() } else { line(row) })?;
        }
        while shown.len() > REMEMBERED {
            shown.pop_front();
        }
        limit = AT_ONCE.to_string();
        thread::sleep(EVERY);
    }
}

fn line(row: &Value) -> String {
    let row = flat(row);
    let columns = COLUMNS.map(|name| cell(&row, name));
    staff::printable::on_one_line(&columns.join("  "))
}
