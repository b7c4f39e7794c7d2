//! `usher preview` and `usher reconcile`: a table of people beside a tenant's.

use std::{fs::File, path::Path};

use serde_json::{Value, json};

use crate::{
    commands::{Options, TableWords},
    copies::TIME,
    mistake::Mistake,
    output::{cell, elements, facts, list, member, members, with},
    progress::Progress,
    session::Session,
};

const CSV: &str = "text/csv";

/// Rows of a list that are shown; `--json` has all of them.
const SHOWN: usize = 50;

pub(crate) fn preview(TableWords { target, file }: &TableWords, options: &Options) -> Result<(), Mistake> {
    let session = Session::open_for(options, TIME)?;
    let (table, length) = open(file)?;
    let sending = Progress::of_bytes("sending", Some(length));
    let mut trying: Option<Progress> = None;
    let path = target.path("/preview");
    let told = session.client.upload_for_lines(&path, CSV, &mut sending.reading(table), length, |line| {
        if let Some(rows) = line.get("read").and_then(Value::as_u64) {
            trying.get_or_insert_with(|| Progress::of_things("rows", None)).reached(rows);
        }
    })?;
    drop((sending, trying));
    if let Some(sentence) = told.get("error").and_then(Value::as_str) {
        return Err(Mistake::failed(sentence));
    }
    session.show(&told, describe)
}

fn describe(told: &Value) -> String {
    let counts = facts(["rows", "create", "change", "unchanged", "deactivate", "refused"], told);
    let licenses: Vec<Value> = members(member(told, "licenses"))
        .map(|(license, seats)| with(seats.clone(), "license", license.as_str()))
        .collect();
    let licenses = list(["license", "used_before", "used_after", "quota", "waiting"], &licenses);
    let problems = shown(["row", "status", "detail"], elements(member(told, "problems")));
    format!("{counts}\n\n{licenses}{problems}\n\nNothing was changed.")
}

pub(crate) fn reconcile(TableWords { target, file }: &TableWords, options: &Options) -> Result<(), Mistake> {
    let session = Session::open_for(options, TIME)?;
    let (table, length) = open(file)?;
    let sending = Progress::of_bytes("sending", Some(length));
    let told = session.client.upload(&target.path("/reconcile"), CSV, &mut sending.reading(table), length)?;
    drop(sending);
    session.show(&told, describe_differences)?;
    let differ = ["only_here", "only_there", "different"].map(|name| elements(member(&told, name)).len());
    match differ.iter().sum() {
        0_usize => Ok(()),
        many => Err(Mistake::findings(format!("{target} and the table differ in {many} people."))),
    }
}

fn describe_differences(told: &Value) -> String {
    let number = |name: &str| elements(member(told, name)).len();
    let counts = json!({
        "rows": member(told, "rows"),
        "equal": member(told, "equal"),
        "only_here": number("only_here"),
        "only_there": number("only_there"),
        "different": number("different"),
    });
    let mut text = facts(["rows", "equal", "only_here", "only_there", "different"], &counts);
    text.push_str(&shown(["user_name", "origin", "id", "why"], elements(member(told, "only_here"))));
    text.push_str(&shown(["row", "user_name", "why"], elements(member(told, "only_there"))));
    let different: Vec<Value> = elements(member(told, "different")).iter().map(in_words).collect();
    text.push_str(&shown(["user_name", "differs", "license", "active", "id", "why"], &different));
    text
}

/// A person who is different, with the attributes as `title: "a" here, "b" there`.
fn in_words(person: &Value) -> Value {
    let differs: Vec<String> = members(member(person, "attributes"))
        .map(|(name, both)| format!("{name}: {} here, {} there", cell(both, "here"), cell(both, "there")))
        .collect();
    with(person.clone(), "differs", differs.join("; "))
}

/// A list below a blank line, or nothing.
fn shown<const N: usize>(columns: [&str; N], rows: &[Value]) -> String {
    let some = rows.get(..SHOWN).unwrap_or(rows);
    match rows.len() - some.len() {
        _ if rows.is_empty() => String::new(),
        0 => format!("\n\n{}", list(columns, some)),
        more => format!("\n\n{}\nAnd {more} more; --json has them all.", list(columns, some)),
    }
}

fn open(file: &Path) -> Result<(File, u64), Mistake> {
    let unread =
        |error: std::io::Error| Mistake::failed(format!("{} cannot be read: {error}.", file.display()));
    let table = File::open(file).map_err(unread)?;
    let length = table.metadata().map_err(unread)?.len();
    Ok((table, length))
}
