//! A profile's text as a tree whose values know their lines: from TOML, or from JSON, which has none. So one validator reads files
//! and overrides.

use std::borrow::Cow;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Damage, Fault};

/// One value.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: Option<usize>,
    pub(crate) item: Item,
}

#[derive(Debug)]
pub(crate) enum Item {
    Text(String),
    Number(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A value of a type that no profile has, in words.
    Other(&'static str),
}

/// One key of a table with its value.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: Option<usize>,
    pub(crate) node: Node,
}

/// A text in TOML: what can be read of it, and the faults of its syntax.
pub(crate) struct Read {
    pub(crate) tree: Node,
    pub(crate) faults: Vec<Fault>,
    pub(crate) damage: Damage,
}

/// Reads TOML as far as it goes: the parser finds its way back after a fault.
pub(crate) fn of_toml(text: &str) -> Read {
    let lines = Lines::of(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut damage = Damage::None;
    let mut fault = |error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = lines.text(start);
        let harm = if line.trim_start().starts_with('[') { Damage::Tables } else { Damage::Values };
        // A key that stands twice loses no other.
        if damage != Damage::Tables && error.message() != "duplicate key" {
            damage = harm;
        }
        Fault::at(lines.number(start), key_of(line), error.message().replace('\n', " "))
    };
    let faults = errors.into_iter().map(&mut fault).collect();
    let mut tree = node(Spanned::new(0..0, DeValue::Table(root.into_inner())), &lines);
    tree.line = Some(1);
    Read { tree, faults, damage }
}

/// The key on a line whose value cannot be read.
fn key_of(line: &str) -> String {
    let is_key =
        |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let key = line.split_once('=').map(|(key, _)| key.trim()).filter(|key| is_key(key) && key.len() <= 80);
    key.unwrap_or("(syntax)").to_owned()
}

/// Where the lines of a text begin.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    fn number(&self, offset: usize) -> Option<usize> {
        Some(self.starts.partition_point(|start| *start <= offset))
    }

    fn text(&self, offset: usize) -> &'t str {
        let line = self.starts.iter().take_while(|start| **start <= offset).last().copied();
        let rest = line.and_then(|start| self.text.get(start..)).unwrap_or_default();
        rest.lines().next().unwrap_or_default()
    }
}

fn node(value: Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let line = lines.number(value.span().start);
    let item = match value.into_inner() {
        DeValue::String(text) => Item::Text(text.into_owned()),
        DeValue::Boolean(flag) => Item::Flag(flag),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Item::Other("a number beyond 64 bits"), Item::Number),
        DeValue::Float(_) => Item::Other("a number with a fraction"),
        DeValue::Datetime(_) => Item::Other("a date"),
        DeValue::Array(elements) => {
            Item::List(elements.into_iter().map(|element| node(element, lines)).collect())
        }
        DeValue::Table(table) => {
            let mut entries: Vec<(usize, Entry)> =
                table.into_iter().map(|(key, value)| entry(key, value, lines)).collect();
            // The parser's map is in the order of the letters.
            entries.sort_by_key(|(start, _)| *start);
            Item::Table(entries.into_iter().map(|(_, entry)| entry).collect())
        }
    };
    Node { line, item }
}

fn entry(key: Spanned<Cow<'_, str>>, value: Spanned<DeValue<'_>>, lines: &Lines<'_>) -> (usize, Entry) {
    let start = key.span().start;
    let line = lines.number(start);
    (start, Entry { key: key.into_inner().into_owned(), line, node: node(value, lines) })
}

/// The same of JSON, without lines.
pub(crate) fn of_json(value: &Value) -> Node {
    let item = match value {
        Value::Null => Item::Other("null"),
        Value::Bool(flag) => Item::Flag(*flag),
        Value::Number(number) => {
            number.as_i64().map_or(Item::Other("a number that is no integer of 64 bits"), Item::Number)
        }
        Value::String(text) => Item::Text(text.clone()),
        Value::Array(elements) => Item::List(elements.iter().map(of_json).collect()),
        Value::Object(members) => {
            Item::Table(members.iter().map(|(key, value)| of_member(key, value)).collect())
        }
    };
    Node { line: None, item }
}

fn of_member(key: &str, value: &Value) -> Entry {
    Entry { key: key.to_owned(), line: None, node: of_json(value) }
}

/// One TOML value as JSON, as the command line takes it.
pub(crate) fn json_of_toml(text: &str) -> Result<Value, String> {
    let value = DeValue::parse(text).map_err(|error| error.message().replace('\n', " "))?;
    json(&node(value, &Lines::of(text)).item).map_err(|found| format!("{found} is no value of a profile"))
}

fn json(item: &Item) -> Result<Value, &'static str> {
    Ok(match item {
        Item::Text(text) => text.as_str().into(),
        Item::Number(number) => (*number).into(),
        Item::Flag(flag) => (*flag).into(),
        Item::List(elements) => {
            elements.iter().map(|element| json(&element.item)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Item::Table(entries) => {
            let member = |entry: &Entry| Ok((entry.key.clone(), json(&entry.node.item)?));
            Value::Object(entries.iter().map(member).collect::<Result<Map<_, _>, &'static str>>()?)
        }
        Item::Other(found) => return Err(found),
    })
}
