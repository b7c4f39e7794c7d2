//! The one place that writes to stdout: lines, aligned tables, one line of JSON. A reader that leaves early (`usher … | head`)
//! is no mistake.

use std::io::{self, Write as _};

use serde_json::Value;

use super::mistake::Mistake;
use crate::printable::on_one_line;

/// For whom the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// One line of JSON.
    Json,
    /// Words and tables.
    Human,
}

/// Writes text and a line's end.
pub(super) fn text(text: &str) -> Result<(), Mistake> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Mistake::failed(format!("The answer could not be written: {error}.")))
        }
        _ => Ok(()),
    }
}

/// Writes one line of JSON.
pub(super) fn json(value: &Value) -> Result<(), Mistake> {
    text(&value.to_string())
}

/// Writes columns under their headings, each as wide as its widest cell.
pub(super) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Result<(), Mistake> {
    let headings = headings.map(str::to_owned);
    text(&align(std::iter::once(&headings).chain(rows)))
}

/// Writes names and their values, the values aligned.
pub(super) fn facts(facts: &[[String; 2]]) -> Result<(), Mistake> {
    text(&align(facts))
}

fn align<'a, const N: usize>(rows: impl IntoIterator<Item = &'a [String; N]> + Clone) -> String {
    let mut widths = [0; N];
    for row in rows.clone() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let lines = rows.into_iter().map(|row| {
        // Names come from elsewhere: none may move the cursor of the terminal that shows them.
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
        let rows = [["a".to_owned(), "b".to_owned()], ["long".to_owned(), "\u{1b}c".to_owned()]];
        assert_eq!(align(&rows), "a     b\nlong  ?c");
    }
}
