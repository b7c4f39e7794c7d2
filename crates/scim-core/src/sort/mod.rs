//! The order of a list (RFC 7644 §3.4.2.3): `sortBy` and `sortOrder`, resolved against a resource type once, and the key
//! that each resource is ordered by. Tests compare the order of a store with these keys.

mod key;

use std::cmp::Ordering;
use std::fmt;

use serde_json::{Map, Value};

pub use key::SortKey;

use crate::ScimError;
use crate::attribute_name::{AttributeName, Field};
use crate::filter::Filter;
use crate::leniency::Tolerance;
use crate::path::Path;
use crate::schema::{ResourceType, Type};

/// The attribute and the direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// `None`: an attribute of another type that is searched too; no resource of this type has a value.
    target: Option<Target>,
    descending: bool,
}

/// One value of a resource.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    /// Never a complex leaf: of those their `value` is meant.
    path: AttributeName,
    /// Which elements of a multi-valued attribute count: `emails[type eq "work"].value`.
    elements: Option<Filter>,
}

impl Sort {
    /// Reads the two parameters; blank ones are as absent, and without `sortBy` there is no sort. `others` are listed
    /// together with this type: an attribute that only one of them has is without a value in this one.
    ///
    /// # Errors
    /// 400 `invalidPath` for a `sortBy` that names nothing that can be read and compared, `invalidFilter` for the filter
    /// in its brackets, `invalidValue` for another `sortOrder`.
    pub fn parse(
        rt: &ResourceType,
        others: &[&ResourceType],
        sort_by: Option<&str>,
        sort_order: Option<&str>,
        tolerance: &mut Tolerance,
    ) -> Result<Option<Self>, ScimError> {
        let descending = is_descending(sort_order)?;
        let Some(text) = sort_by.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        let target = match Target::parse(rt, text, tolerance) {
            Ok(target) => Some(target),
            Err(error) => {
                let mut known =
                    others.iter().map(|other| Target::parse(other, text, &mut Tolerance::default()));
                if known.any(|target| target.is_ok()) { None } else { return Err(error) }
            }
        };
        Ok(Some(Self { target, descending }))
    }

    /// Whether large values come first, and resources without a value before them.
    #[must_use]
    pub fn is_descending(&self) -> bool {
        self.descending
    }

    /// The attribute, where the sort asks for it as it is and not for some of its elements.
    #[must_use]
    pub fn attribute(&self) -> Option<&AttributeName> {
        self.target.as_ref().filter(|target| target.elements.is_none()).map(|target| &target.path)
    }

    /// Whether it asks for this core or common attribute, or for a part of it.
    #[must_use]
    pub fn asks_for(&self, attribute: &str) -> bool {
        self.target.as_ref().is_some_and(|target| target.path.is_part_of(attribute))
    }

    /// The key of a resource; `None` when it has no value.
    #[must_use]
    pub fn key(&self, resource: &Map<String, Value>) -> Option<SortKey> {
        self.target.as_ref()?.key(resource)
    }

    /// The order of two resources by their keys alone: without a value last when ascending, first when descending.
    #[must_use]
    pub fn compare(&self, left: Option<&SortKey>, right: Option<&SortKey>) -> Ordering {
        let ascending = match (left, right) {
            (Some(left), Some(right)) => left.cmp(right),
            // Resources with a value come before those without.
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        if self.descending { ascending.reverse() } else { ascending }
    }
}

/// In any letter case; ascending by default (RFC 7644 §3.4.2.3).
fn is_descending(sort_order: Option<&str>) -> Result<bool, ScimError> {
    match sort_order.map(str::trim).unwrap_or_default() {
        "" => Ok(false),
        text if text.eq_ignore_ascii_case("ascending") => Ok(false),
        text if text.eq_ignore_ascii_case("descending") => Ok(true),
        _ => Err(ScimError::invalid_value("sortOrder is \"ascending\" or \"descending\".")),
    }
}

/// Equal texts mean equal orders: a cursor is bound to this text.
impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Target { path, elements }) = &self.target {
            write!(f, "{path}")?;
            if let Some(filter) = elements {
                write!(f, "[{filter}]")?;
            }
        }
        f.write_str(if self.descending { " descending" } else { " ascending" })
    }
}

impl Target {
    fn parse(rt: &ResourceType, text: &str, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        let (mut path, elements) = match Path::parse(rt, text.trim(), tolerance)? {
            Path::Extension(_) => {
                return Err(refused("sortBy names a whole schema; name one of its attributes."));
            }
            Path::Attribute(path) => (path, None),
            Path::Elements { of, filter, sub } => (AttributeName { sub, ..of }, Some(filter)),
        };
        if path.leaf().kind == Type::Complex {
            let value = path.definition(rt).and_then(|definition| {
                definition.sub_attribute("value").map(|value| Field::part(definition, value))
            });
            path.sub = Some(value.ok_or_else(|| {
                refused("sortBy names a complex attribute; name one of its sub-attributes.")
            })?);
        }
        // The order of a list must not disclose values that are never returned (RFC 7643 §7).
        if path.is_never_returned() {
            return Err(refused("sortBy names no attribute that is answered."));
        }
        Ok(Self { path, elements })
    }

    fn key(&self, resource: &Map<String, Value>) -> Option<SortKey> {
        let mut first = None;
        for element in self.path.elements(resource) {
            if !self.elements.as_ref().is_none_or(|filter| filter.matches_element(element)) {
                continue;
            }
            let value = match &self.path.sub {
                Some(sub) => element.get(&sub.name).or(sub.absent().first()),
                None => Some(element),
            };
            let Some(key) = value.and_then(|value| self.key_of(value)) else { continue };
            if element.get("primary").and_then(Value::as_bool) == Some(true) {
                return Some(key);
            }
            first.get_or_insert(key);
        }
        first
    }

    fn key_of(&self, value: &Value) -> Option<SortKey> {
        let leaf = self.path.leaf();
        match value {
            Value::Array(values) => values.iter().find_map(|value| self.key_of(value)),
            Value::String(text) if leaf.kind != Type::DateTime => {
                Some(SortKey::Text(self.path.comparable(text).into_owned()))
            }
            value => SortKey::of(leaf.kind, value),
        }
    }
}

fn refused(detail: &str) -> ScimError {
    ScimError::invalid_path(detail)
}

#[cfg(test)]
mod tests;
