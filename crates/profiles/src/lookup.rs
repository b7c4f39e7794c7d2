//! What is looked up instead of searched when a role is read: values and group rules, in maps made when the profile is loaded.

use std::collections::HashMap;

use scim_core::fold::user_name_key;
use scim_core::path::Path;
use scim_core::schema::alike;
use scim_core::{AttributeName, Document};
use serde_json::Value;

/// Reads one attribute source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reader {
    pub(crate) path: Path,
    /// The attribute that the path begins at, without its sub-attribute.
    pub(crate) attribute: AttributeName,
    /// The same as text: every write asks for it, of every source.
    pub(crate) name: String,
    /// Comparable value → the rank of its role.
    pub(crate) ranks: HashMap<String, usize>,
}

/// What an attribute source finds in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No value.
    Nothing,
    /// Values, of which the map has none.
    Unmapped,
    /// The rank of the dearest role.
    Role(usize),
}

impl Reader {
    pub(crate) fn find(&self, document: &Document) -> Found {
        let mut found = Found::Nothing;
        for value in self.path.values(&document.0) {
            let rank = comparable(value).and_then(|value| self.ranks.get(&value).copied());
            found = match (found, rank) {
                (Found::Role(dearest), Some(rank)) => Found::Role(dearest.min(rank)),
                (_, Some(rank)) => Found::Role(rank),
                (Found::Nothing, None) => Found::Unmapped,
                (before, None) => before,
            };
        }
        found
    }

    /// Whether it reads this attribute; the URN of an extension means each of its attributes.
    pub(crate) fn is_in(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.name)
            || self.attribute.urn.as_ref().is_some_and(|urn| urn.eq_ignore_ascii_case(name))
    }

    /// The values that the document has, as they compare.
    pub(crate) fn values(&self, document: &Document) -> Vec<String> {
        self.path.values(&document.0).filter_map(comparable).collect()
    }
}

/// A value in the form in which it compares (MO1).
fn comparable(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(alike(text)),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The group rules of all sources.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Groups {
    rules: HashMap<String, RuleOrder>,
}

/// The order of a rule among all rules, and the rank of its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RuleOrder {
    /// The source among all sources.
    pub(crate) source: usize,
    /// The rule within its source.
    pub(crate) rule: usize,
    pub(crate) rank: usize,
}

impl Groups {
    /// Adds a rule; the one that is there already comes back instead.
    pub(crate) fn add(&mut self, rule: String, place: RuleOrder) -> Option<RuleOrder> {
        if let Some(there) = self.rules.get(&rule) {
            return Some(*there);
        }
        self.rules.insert(rule, place);
        None
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(crate) fn get(&self, rule: &str) -> Option<RuleOrder> {
        self.rules.get(rule).copied()
    }
}

/// The key of a rule by displayName: folded, as group names are unique.
pub(crate) fn by_name(name: &str) -> String {
    format!("name:{}", user_name_key(name))
}

/// The key of a rule by externalId.
pub(crate) fn by_external_id(external_id: &str) -> String {
    format!("external_id:{external_id}")
}

/// The key of a rule by id.
pub(crate) fn by_id(id: &str) -> String {
    format!("id:{id}")
}
