//! PATCH paths as clients write them (RFC 7644 §3.5.2, figure 7), resolved against a resource type.

use std::fmt;

use serde_json::{Map, Value};

use crate::ResourceKind;
use crate::ScimError;
use crate::attribute_name::{self, AttributeName, Field};
use crate::filter::Filter;
use crate::filter::cursor::Cursor;
use crate::filter::parse::{self, Limits};
use crate::leniency::{Mode, Tolerance};
use crate::schema::{Attribute, ResourceType, Type};
use crate::value;

/// `PATH` of RFC 7644 §3.5.2 figure 7, and a whole extension by its URN (RFC 7644 §3.10).
#[derive(Clone, Debug, PartialEq)]
pub enum Path {
    /// Every attribute of one extension.
    Extension(String),
    /// `attribute` or `attribute.sub`.
    Attribute(AttributeName),
    /// `attribute[filter]` or `attribute[filter].sub`.
    Elements {
        /// The attribute, without a sub-attribute.
        of: AttributeName,
        /// Which elements.
        filter: Filter,
        /// A sub-attribute of each of them.
        sub: Option<Field>,
    },
}

impl Path {
    /// Longest path that is read, in bytes: one that names members by their ids, of which there may be
    /// [`Self::MAX_MEMBERS`].
    pub const MAX_BYTES: usize = 65_536;

    /// Longest path without a filter, in bytes; one with a filter is as long as that may be.
    pub const MAX_NAME_BYTES: usize = 4096;

    /// Most members that one path names: midPoint and Syncope join all that leave by `or`.
    pub const MAX_MEMBERS: usize = 1000;

    /// Reads the path of one PATCH operation.
    ///
    /// # Errors
    /// 400 `invalidPath` when it is malformed or names nothing, `invalidFilter` when the text in brackets is no filter
    /// (RFC 7644 §3.12).
    pub fn parse(rt: &ResourceType, text: &str, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        let (bracket, mode) = (text.find('['), tolerance.mode);
        let most = if bracket.is_some() { Self::MAX_BYTES } else { Self::MAX_NAME_BYTES };
        if text.len() > most {
            return Err(ScimError::invalid_path(format!(
                "The path is longer than {most} bytes; shorten it."
            )));
        }
        if let Some(schema) = rt.extension(text) {
            return Ok(Self::Extension(schema.id.clone()));
        }
        let Some((head, bracketed)) = bracket.and_then(|bracket| text.split_at_checked(bracket)) else {
            return attribute(rt, text, tolerance).map(|(found, _)| Self::Attribute(found));
        };
        let (of, definition) = attribute(rt, head, tolerance)?;
        if of.sub.is_some() || !parse::has_elements(definition) {
            return Err(ScimError::invalid_path(format!(
                "{head} has no elements that a filter could select."
            )));
        }
        let limits = if rt.kind == ResourceKind::Group && of.is_name("members", None) {
            Limits { bytes: Self::MAX_BYTES, terms: Self::MAX_MEMBERS }
        } else {
            Limits::USUAL
        };
        let (filter, rest) = parse::bracketed(definition, Cursor::new(text, bracketed), limits, tolerance)?;
        let is_long = text.len() > Limits::USUAL.bytes || filter.terms() > Limits::USUAL.terms;
        if is_long && filter.values().is_none() {
            return Err(ScimError::invalid_filter(format!(
                "The filter is longer than {} bytes or {} comparisons; only one that names members by their value may be.",
                Limits::USUAL.bytes,
                Limits::USUAL.terms
            )));
        }
        let sub = element_part(definition, rest, text, mode)?;
        Ok(Self::Elements { of, filter, sub })
    }

    /// The attribute, unless the path is a whole extension.
    #[must_use]
    pub fn attribute(&self) -> Option<&AttributeName> {
        match self {
            Self::Extension(_) => None,
            Self::Attribute(of) | Self::Elements { of, .. } => Some(of),
        }
    }

    /// The sub-attribute that is addressed, if one is.
    #[must_use]
    pub fn sub(&self) -> Option<&Field> {
        match self {
            Self::Extension(_) => None,
            Self::Attribute(of) => of.sub.as_ref(),
            Self::Elements { sub, .. } => sub.as_ref(),
        }
    }
}

impl Path {
    /// The values that the path reaches in a stored resource: one for each element that the filter selects. A whole extension
    /// is no value.
    pub fn values<'a>(&'a self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        let (of, filter, sub) = match self {
            Self::Extension(_) => (None, None, None),
            Self::Attribute(of) => (Some(of), None, of.sub.as_ref()),
            Self::Elements { of, filter, sub } => (Some(of), Some(filter), sub.as_ref()),
        };
        let elements = of.map_or(&[][..], |of| of.elements(resource));
        let selected =
            elements.iter().filter(move |element| filter.is_none_or(|f| f.matches_element(element)));
        selected.flat_map(move |element| match sub {
            Some(sub) => element.get(&sub.name).map_or(&[][..], value::elements),
            None => std::slice::from_ref(element),
        })
    }
}

/// The name of the attribute or extension, without the filter.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(urn) => f.write_str(urn),
            Self::Elements { of, sub: Some(sub), .. } => write!(f, "{of}.{}", sub.name),
            Self::Attribute(of) | Self::Elements { of, sub: None, .. } => of.fmt(f),
        }
    }
}

fn attribute<'r>(
    rt: &'r ResourceType,
    text: &str,
    tolerance: &mut Tolerance,
) -> Result<(AttributeName, &'r Attribute), ScimError> {
    let unknown = unknown(rt, text, tolerance);
    let Some(found) = attribute_name::find(rt, text) else { return Err(unknown) };
    attribute_name::allow_missing_urn(&found.0, text, tolerance, || unknown)?;
    Ok(found)
}

/// What follows `]`: nothing, or `.sub`; of a simple element its `value` is all of it.
fn element_part(
    definition: &Attribute,
    rest: &str,
    text: &str,
    mode: Mode,
) -> Result<Option<Field>, ScimError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let name = rest.strip_prefix('.');
    if definition.kind != Type::Complex && name.is_some_and(|name| name.eq_ignore_ascii_case("value")) {
        return Ok(None);
    }
    match name.and_then(|name| definition.sub_attribute(name)) {
        Some(sub) => Ok(Some(Field::part(definition, sub))),
        None => Err(mode.undefined(format!("The path {text} names no sub-attribute after \"]\"."))),
    }
}

/// The texts before and behind an unknown path in a refusal's detail.
const UNKNOWN: [&str; 2] = ["The path \"", "\" names no attribute of a "];

fn unknown(rt: &ResourceType, text: &str, tolerance: &Tolerance) -> ScimError {
    let (shown, [before, behind]) = (text.chars().take(100).collect::<String>(), UNKNOWN);
    tolerance.undefined(format!("{before}{shown}{behind}{}.", rt.kind.name()))
}

/// The paths that a refusal's detail says no schema knows: typos in a mapping.
pub fn unknown_paths(detail: &str) -> impl Iterator<Item = &str> {
    let [before, behind] = UNKNOWN;
    let pieces = detail.split(before).skip(1);
    pieces.filter_map(move |piece| piece.split_once(behind).map(|(path, _)| path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn parse(text: &str) -> Result<Path, ScimError> {
        Path::parse(&schema::user(), text, &mut Tolerance::lenient())
    }

    #[test]
    fn paths_of_rfc_7644_section_3_5_2_parse() {
        for text in [
            "userName",
            "name.familyName",
            "addresses[type eq \"work\"]",
            "addresses[TYPE EQ \"work\"].Formatted",
            "emails[type eq \"work\" and value ew \"example.com\"]",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"]\"].value",
            "password",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn values_are_those_of_the_elements_that_the_filter_selects() {
        let resource = serde_json::json!({
            "userType": "admin",
            "name": {"familyName": "Doe"},
            "roles": [{"value": "a"}, {"value": "b", "primary": true}, {"primary": true}],
        });
        for (text, expected) in [
            ("userType", vec!["admin"]),
            ("name.familyName", vec!["Doe"]),
            ("name.givenName", vec![]),
            ("roles.value", vec!["a", "b"]),
            ("roles[primary eq true].value", vec!["b"]),
            ("roles[primary eq \"True\"].value", vec!["b"]),
            ("roles[primary eq false].value", vec!["a"]),
            ("emails.value", vec![]),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", vec![]),
        ] {
            let path = parse(text).unwrap();
            let found: Vec<&Value> = path.values(resource.as_object().unwrap()).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn attack_36_broken_and_deep_paths_are_refused() {
        let many_dots = ".".repeat(20_000);
        let many_brackets = "emails[".repeat(20_000);
        let some_brackets = "emails[".repeat(500);
        let deep = format!("emails[{}", "(".repeat(3_000));
        for text in [
            "",
            " userName",
            "name[",
            "emails[]",
            "emails[type eq \"work\"",
            "emails[type eq \"work\"]value",
            "emails[type eq \"work\"].",
            "emails[type eq \"work\"].nope",
            "emails[type eq \"work\"].value.x",
            "emails.value[type eq \"work\"]",
            "userName[value eq \"x\"]",
            "emails[nope eq \"x\"]",
            "nope",
            "/userName",
            &many_dots,
            &many_brackets,
            &some_brackets,
            &deep,
        ] {
            assert_eq!(parse(text).map_err(|e| e.status), Err(400), "{text}");
        }
    }
}
