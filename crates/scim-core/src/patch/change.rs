//! The changes that the operations of a PATCH ask for: to attributes that exist, with values in canonical form.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use strum::EnumString;

use crate::ScimError;
use crate::path::Path;

/// `op` of RFC 7644 §3.5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString)]
#[strum(ascii_case_insensitive)]
pub(super) enum Verb {
    Add,
    Replace,
    Remove,
}

/// One change to one attribute, or to a whole extension.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    /// The operation of the request that asks for it, counted from one.
    pub(super) operation: usize,
    pub(super) verb: Verb,
    pub(super) path: Path,
    /// The edit of that attribute, or the fault in the operation's value.
    pub(super) edit: Result<Edit, ScimError>,
}

/// A sub-attribute by its name in the schema's spelling, and its new value; `None` removes it.
pub(super) type SubAttribute = (String, Option<Value>);

/// The edit of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Edit {
    /// The value is empty, so nothing changes.
    Nothing,
    /// An `add` of an empty value changes nothing; it is refused for a required attribute that has a value.
    AddEmpty,
    /// This value takes the place of the attribute's value; `None` removes the attribute.
    Replace {
        /// In canonical form.
        value: Option<Value>,
        /// As the client sent it, where the attribute has parts that responses do not show.
        sent: Value,
    },
    /// These sub-attributes of a single complex value are written.
    SubAttributes(Vec<SubAttribute>),
    /// These elements go to the end of the list.
    Append(Vec<Value>),
    /// Some elements of the list change.
    Elements(Selection, ElementEdit),
}

/// Which elements of a list change.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Selection {
    /// Those that match the filter in the path; without a filter all of them.
    ByPath,
    /// Those that have every sub-attribute of one of these elements.
    Listed {
        /// The elements with a `value`, by its comparable form.
        by_value: HashMap<String, Vec<Value>>,
        /// The elements without a `value`.
        others: Vec<Value>,
    },
    /// Those whose sub-attribute has one of these values, in comparable form.
    BySubAttribute(String, HashSet<String>),
}

/// What happens to each selected element.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ElementEdit {
    Remove,
    /// These sub-attributes are written.
    Write(Vec<SubAttribute>),
    /// A complex element with these sub-attributes takes its place.
    Replace {
        sub_attributes: Vec<SubAttribute>,
        /// As the client sent it.
        sent: Value,
    },
    /// A simple value takes its place.
    ReplaceSimple(Value),
}

impl ElementEdit {
    pub(super) fn sub_attributes(&self) -> &[SubAttribute] {
        match self {
            Self::Write(sub_attributes) | Self::Replace { sub_attributes, .. } => sub_attributes,
            Self::Remove | Self::ReplaceSimple(_) => &[],
        }
    }
}
