//! Prints the admin API's answers to stdout: aligned tables, sentences, or one line of JSON. An absent member is shown as a dash. A
//! closed pipe (`usher … | head`) is no error.

use std::io::{self, Write as _};

use serde_json::Value;
use staff::printable::on_one_line;

use crate::mistake::Mistake;

/// Writes text and a line's end.
pub(crate) fn text(text: &str) -> Result<(), Mistake> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Mistake::failed(format!("The answer could not be written: {error}.")))
        }
        _ => Ok(()),
    }
}

/// A member as a cell: text as it is, null and absent as `-`, the rest as JSON.
pub(crate) fn cell(value: &Value, name: &str) -> String {
    match member(value, name) {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A member of an object; null when it is absent.
pub(crate) fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// The elements of a list.
pub(crate) fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The members of an object.
pub(crate) fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The steps that are to be taken, a line each.
pub(crate) fn steps(told: &Value) -> impl Iterator<Item = String> {
    elements(member(told, "do")).iter().filter_map(Value::as_str).map(|step| format!("- {step}"))
}

/// The object with one more member, or with another value for it.
pub(crate) fn with(mut object: Value, name: &str, member: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member.into());
    }
    object
}

/// The members of these names as columns, each as wide as its widest cell, under their names.
pub(crate) fn list<const N: usize>(columns: [&str; N], rows: &[Value]) -> String {
    let headings = columns.map(|name| heading(name).to_uppercase());
    let cells = rows.iter().map(|row| columns.map(|name| cell(row, name)));
    align([headings].into_iter().chain(cells).collect())
}

/// The members of these names, one a line, the values aligned.
pub(crate) fn facts<'a>(names: impl IntoIterator<Item = &'a str>, value: &Value) -> String {
    align(names.into_iter().map(|name| [heading(name), cell(value, name)]).collect())
}

fn heading(name: &str) -> String {
    name.replace('_', " ")
}

fn align<const N: usize>(rows: Vec<[String; N]>) -> String {
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let lines = rows.iter().map(|row| {
        // Values come from customers; control characters must not reach the terminal.
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{:width$}", on_one_line(cell)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![["a".to_owned(), "b".to_owned()], ["long".to_owned(), "\u{1b}c".to_owned()]];
        assert_eq!(align(rows), "a     b\nlong  ?c");
    }
}
