//! One value of the tree with its full key: read as what it must be, or a fault.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use strum::VariantArray;

use crate::fault::{Fault, Faults, shown};
use crate::tree::{Entry, Item, Node};

/// A value under its key.
#[derive(Clone, Debug)]
pub(crate) struct Field<'t> {
    pub(crate) key: String,
    line: Option<usize>,
    node: &'t Node,
    faults: &'t Faults,
}

/// A table whose keys are all known in the end.
pub(crate) struct Table<'t> {
    field: Field<'t>,
    entries: &'t [Entry],
    known: RefCell<Vec<&'static str>>,
}

impl<'t> Field<'t> {
    /// The whole file.
    pub(crate) fn root(node: &'t Node, faults: &'t Faults) -> Self {
        Self { key: String::new(), line: node.line, node, faults }
    }

    /// This value is wrong.
    pub(crate) fn refuse<T>(&self, reason: impl Into<String>) -> Option<T> {
        self.faults.add(Fault::at(self.line, self.key.as_str(), reason));
        None
    }

    /// This value does not go with the rest of the file.
    pub(crate) fn clash<T>(&self, reason: impl Into<String>) -> Option<T> {
        self.faults.add_of_whole(Fault::at(self.line, self.key.as_str(), reason));
        None
    }

    /// It has another form than it must have.
    pub(crate) fn must_be<T>(&self, wanted: &str) -> Option<T> {
        let found = match &self.node.item {
            Item::Text(text) => format!("the text {}", shown(text)),
            Item::Number(number) => number.to_string(),
            Item::Flag(flag) => flag.to_string(),
            Item::List(_) => "a list".to_owned(),
            Item::Table(_) => "a table".to_owned(),
            Item::Other(words) => (*words).to_owned(),
        };
        self.refuse(format!("must be {wanted}, not {found}"))
    }

    /// Any text.
    pub(crate) fn text(&self) -> Option<&'t str> {
        match &self.node.item {
            Item::Text(text) => Some(text),
            _ => self.must_be("a text in quotes"),
        }
    }

    /// One line for people, of at most so many characters that all show.
    pub(crate) fn line_of(&self, most: usize) -> Option<String> {
        let text = self.text()?;
        if text.trim() != text || text.chars().count() > most {
            return self.refuse(format!("must be at most {most} characters without blanks around them"));
        }
        match text.chars().find(|c| !is_visible(*c)) {
            Some(hidden) => {
                self.refuse(format!("holds the character U+{:04X}, which does not show", u32::from(hidden)))
            }
            None => Some(text.to_owned()),
        }
    }

    /// The same, and not empty.
    pub(crate) fn some_line_of(&self, most: usize) -> Option<String> {
        let line = self.line_of(most)?;
        if line.is_empty() { self.refuse(format!("must be 1 to {most} characters")) } else { Some(line) }
    }

    /// A key of a license or a role: short, and fit for a path and the label of a metric.
    pub(crate) fn name(&self) -> Option<String> {
        let name = self.text()?;
        if is_name(name) {
            return Some(name.to_owned());
        }
        self.refuse(format!(
            "{} must begin with a small letter and go on with small letters, digits, \"_\" and \"-\", at most {MAX_NAME}",
            shown(name)
        ))
    }

    /// One of the words of an enum.
    pub(crate) fn word<T: VariantArray + Copy + Into<&'static str>>(&self) -> Option<T> {
        let all: Vec<&'static str> = T::VARIANTS.iter().map(|word| (*word).into()).collect();
        let found = match &self.node.item {
            Item::Text(text) => T::VARIANTS.iter().copied().find(|word| (*word).into() == text.as_str()),
            _ => None,
        };
        found.or_else(|| self.must_be(&format!("one of {}", all.join(", "))))
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        match self.node.item {
            Item::Flag(flag) => Some(flag),
            _ => self.must_be("true or false"),
        }
    }

    pub(crate) fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        match self.node.item {
            Item::Number(number) if range.contains(&number) => Some(number),
            _ => self.must_be(&format!("a whole number from {} to {}", range.start(), range.end())),
        }
    }

    /// The number, without a fault if it is none.
    pub(crate) fn whole_number(&self) -> Option<i64> {
        match self.node.item {
            Item::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it is this text.
    pub(crate) fn is_text(&self, text: &str) -> bool {
        matches!(&self.node.item, Item::Text(own) if own == text)
    }

    /// The text under a key of a table, without a fault if there is none.
    pub(crate) fn peek(&self, key: &str) -> Option<&'t str> {
        let Item::Table(entries) = &self.node.item else { return None };
        let found = entries.iter().find(|entry| entry.key == key)?;
        match &found.node.item {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list, each with its number.
    pub(crate) fn list(&self) -> Option<Vec<Field<'t>>> {
        let Item::List(elements) = &self.node.item else {
            return self.must_be("a list");
        };
        let element = |(number, node): (usize, &'t Node)| Field {
            key: format!("{}[{number}]", self.key),
            line: node.line,
            node,
            faults: self.faults,
        };
        Some(elements.iter().enumerate().map(element).collect())
    }

    /// A list of words of an enum, each once.
    pub(crate) fn words<T: VariantArray + Copy + PartialEq + Into<&'static str>>(&self) -> Option<Vec<T>> {
        self.each_once(Field::word)
    }

    /// A list whose elements are all read by the same function; none stands in it twice.
    pub(crate) fn each_once<T: PartialEq>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        for element in self.list()? {
            match read(&element) {
                Some(value) if all.contains(&value) => element.refuse("stands in the list twice")?,
                Some(value) => all.push(value),
                None => {}
            }
        }
        Some(all)
    }

    /// A table with keys of the format.
    pub(crate) fn table(&self) -> Option<Table<'t>> {
        let Item::Table(entries) = &self.node.item else {
            return self.must_be("a table");
        };
        Some(Table { field: self.clone(), entries, known: RefCell::default() })
    }

    /// A table with keys of its writer's own.
    pub(crate) fn map(&self) -> Option<Vec<(&'t str, Field<'t>)>> {
        let Table { field, entries, .. } = self.table()?;
        Some(entries.iter().map(|entry| (entry.key.as_str(), field.member(entry))).collect())
    }

    fn member(&self, entry: &'t Entry) -> Field<'t> {
        let dot = if self.key.is_empty() { "" } else { "." };
        let key = format!("{}{dot}{}", self.key, quoted(&entry.key));
        Field { key, line: entry.line, node: &entry.node, faults: self.faults }
    }
}

/// Longest key of a license or a role, in characters.
const MAX_NAME: usize = 40;

/// Whether it is a key of a license or a role.
pub(crate) fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let goes_on =
        name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    begins && goes_on && name.len() <= MAX_NAME
}

fn is_visible(character: char) -> bool {
    // `Debug` escapes what does not show; a combining mark only at the beginning of a text.
    let escaped = format!("a{character}").escape_debug().to_string();
    !character.is_control()
        && (character.is_whitespace() || !escaped.contains("\\u{"))
        && !matches!(character, '\u{2028}' | '\u{2029}')
}

/// A key as TOML writes it.
fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_bare && key.len() <= MAX_NAME { key.to_owned() } else { shown(key) }
}

impl<'t> Table<'t> {
    /// The value of a key that may be left out.
    pub(crate) fn get(&self, key: &'static str) -> Option<Field<'t>> {
        self.known.borrow_mut().push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| self.field.member(entry))
    }

    /// The value of a key that must be there.
    pub(crate) fn need(&self, key: &'static str) -> Option<Field<'t>> {
        self.get(key).or_else(|| {
            let dot = if self.field.key.is_empty() { "" } else { "." };
            let fault = Fault::at(self.field.line, format!("{}{dot}{key}", self.field.key), "is missing");
            self.field.faults.add_of_whole(fault);
            None
        })
    }

    /// The value of a key, or its default.
    pub(crate) fn or<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl Fn(&Field<'t>) -> Option<T>,
    ) -> Option<T> {
        self.get(key).map_or(Some(default), |field| read(&field))
    }

    /// A table below this one; one that is left out has every default.
    pub(crate) fn section<T>(&self, key: &'static str, read: impl Fn(&Table<'t>) -> Option<T>) -> Option<T> {
        let field = self.get(key);
        let table = match &field {
            Some(field) => field.table()?,
            None => Table { field: self.field.clone(), entries: &[], known: RefCell::default() },
        };
        let value = read(&table);
        table.close();
        value
    }

    /// The whole table as a value.
    pub(crate) fn whole(&self) -> &Field<'t> {
        &self.field
    }

    /// Refuses the keys that nothing has asked for.
    pub(crate) fn close(self) {
        let known = self.known.into_inner();
        for entry in self.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            self.field
                .member(entry)
                .refuse::<()>(format!("is no key here; the keys are {}", known.join(", ")));
        }
    }
}
