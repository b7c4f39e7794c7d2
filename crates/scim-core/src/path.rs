//! Attribute names and PATCH paths as clients write them (RFC 7644 §3.10 and §3.5.2, figure 7), resolved against a
//! resource type once: what comes out names an attribute that exists, in the schema's spelling.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::filter::parse::Limits;
use crate::filter::{self, Filter};
use crate::fold::{fold, user_name_key};
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Type};
use crate::{ResourceKind, ScimError, urn};

/// Extension attributes that clients name without their URN: Microsoft's examples write plain `manager`.
const NAMED_WITHOUT_URN: &[&str] = &["manager"];

/// The characteristics (RFC 7643 §2.2) that comparing and writing one value need: an [`Attribute`] without its
/// prose and its sub-attributes, so that a filter costs no copy of the schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// In the schema's spelling.
    pub name: String,
    /// The data type of one value.
    pub kind: Type,
    /// Whether the value is an array of such values.
    pub multi_valued: bool,
    /// Whether strings compare with their letter case.
    pub case_exact: bool,
    /// Who may write it, and when.
    pub mutability: Mutability,
    /// When it is answered.
    pub returned: Returned,
    /// Whether an element without it compares as if it were false.
    pub absent_is_false: bool,
}

impl Field {
    /// A part of an attribute. RFC 7643 §2.4 has a part of multi-valued ones that is never unknown: "If not specified,
    /// the value of "primary" SHALL be assumed to be "false"".
    pub(crate) fn part(of: &Attribute, sub: &Attribute) -> Self {
        let absent_is_false = of.multi_valued && sub.name == "primary" && sub.kind == Type::Boolean;
        Self { absent_is_false, ..sub.into() }
    }

    /// What its absence compares as: one value.
    pub(crate) fn absent(&self) -> &'static [Value] {
        const ABSENT: &[Value] = &[Value::Null];
        const FALSE: &[Value] = &[Value::Bool(false)];
        if self.absent_is_false { FALSE } else { ABSENT }
    }

    fn is_never_told(&self) -> bool {
        self.mutability == Mutability::WriteOnly || self.returned == Returned::Never
    }
}

impl From<&Attribute> for Field {
    fn from(attribute: &Attribute) -> Self {
        Self {
            name: attribute.name.clone(),
            kind: attribute.kind,
            multi_valued: attribute.multi_valued,
            case_exact: attribute.case_exact,
            mutability: attribute.mutability,
            returned: attribute.returned,
            absent_is_false: false,
        }
    }
}

/// An attribute, or one sub-attribute of it: `attrPath` of RFC 7644 figure 1. Inside a value path it is a
/// sub-attribute that stands for itself (`type` in `emails[type eq "work"]`).
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeRef {
    /// The extension's URN in the schema's spelling; `None` for core and common attributes.
    pub urn: Option<String>,
    /// The attribute.
    pub attribute: Field,
    /// The sub-attribute, if the path names one.
    pub sub: Option<Field>,
}

impl AttributeRef {
    /// What the text names: `userName`, `name.givenName`, with or without the schema's URN, letter case ignored.
    /// What is never answered, such as `password`, names nothing: whoever could ask for it could guess it (attack 30).
    #[must_use]
    pub fn resolve(rt: &ResourceType, text: &str) -> Option<Self> {
        find(rt, text).map(|(found, _)| found).filter(|found| !found.is_never_told())
    }

    /// Whether the value, or the attribute that it is a part of, is in no answer.
    pub(crate) fn is_never_told(&self) -> bool {
        std::iter::once(&self.attribute).chain(&self.sub).any(Field::is_never_told)
    }

    /// A sub-attribute that stands for itself, as inside a value path.
    pub(crate) fn of_element(attribute: &Attribute, sub: &Attribute) -> Self {
        Self { urn: None, attribute: Field::part(attribute, sub), sub: None }
    }

    /// One of several simple values, as inside a value path: `value` in `tags[value eq "x"]`.
    pub(crate) fn of_simple_element(attribute: &Attribute) -> Self {
        let value = Field { name: "value".to_owned(), multi_valued: false, ..Field::from(attribute) };
        Self { urn: None, attribute: value, sub: None }
    }

    /// The attribute in full, with its sub-attributes.
    #[must_use]
    pub fn definition<'r>(&self, rt: &'r ResourceType) -> Option<&'r Attribute> {
        match &self.urn {
            Some(urn) => rt.extension(urn)?.attribute(&self.attribute.name),
            None => rt.attribute(&self.attribute.name),
        }
    }

    /// The attribute whose values are compared: the sub-attribute if there is one.
    #[must_use]
    pub fn leaf(&self) -> &Field {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// Every value the path reaches in the resource: one for each element of a multi-valued attribute.
    pub(crate) fn iter<'a>(&self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        self.elements(resource).iter().flat_map(|element| match &self.sub {
            Some(sub) => element.get(&sub.name).map_or(&[][..], elements),
            None => std::slice::from_ref(element),
        })
    }

    /// What is compared (RFC 7644 §3.4.2.2): one value for each element of a multi-valued attribute, one for any other;
    /// what is absent there is null, or false where the RFC assumes it.
    pub(crate) fn compared<'a>(&self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        let elements = match self.elements(resource) {
            [] if !self.attribute.multi_valued => std::slice::from_ref(&Value::Null),
            elements => elements,
        };
        elements.iter().flat_map(|element| match &self.sub {
            Some(sub) => element.get(&sub.name).map_or(sub.absent(), self::elements),
            None if element.is_null() => self.attribute.absent(),
            None => std::slice::from_ref(element),
        })
    }

    /// The attribute's elements; a single value is one.
    fn elements<'a>(&self, resource: &'a Map<String, Value>) -> &'a [Value] {
        let holder = match &self.urn {
            Some(urn) => resource.get(urn).and_then(Value::as_object),
            None => Some(resource),
        };
        holder.and_then(|holder| holder.get(&self.attribute.name)).map_or(&[], elements)
    }

    /// A text of this attribute in the form in which it is compared, searched and put in order.
    pub(crate) fn comparable<'t>(&self, text: &'t str) -> Cow<'t, str> {
        // URNs are taken in any letter case wherever they stand; a filter is no exception.
        let is_urn = self.is_name("schemas", None);
        if self.is_name("userName", None) {
            user_name_key(text).into()
        } else if self.leaf().case_exact && !is_urn {
            text.into()
        } else {
            fold(text)
        }
    }

    /// The name as an answer or an error would write it; extension attributes with their URN.
    #[must_use]
    pub fn full_name(&self) -> String {
        let mut name = String::new();
        if let Some(urn) = &self.urn {
            name.push_str(urn);
            name.push(':');
        }
        name.push_str(&self.attribute.name);
        if let Some(sub) = &self.sub {
            name.push('.');
            name.push_str(&sub.name);
        }
        name
    }

    /// Whether a resource of this type can have a value here; a path of another type has none in it
    /// ([`find_among`]).
    #[must_use]
    pub fn is_of(&self, rt: &ResourceType) -> bool {
        let definition = self.definition(rt);
        definition.is_some_and(|d| self.sub.as_ref().is_none_or(|sub| d.sub_attribute(&sub.name).is_some()))
    }

    /// Whether this is the core or common attribute of that name, or a part of it.
    #[must_use]
    pub fn is_part_of(&self, attribute: &str) -> bool {
        self.urn.is_none() && self.attribute.name == attribute
    }

    /// Whether this is the core or common attribute (and sub-attribute) of that name.
    #[must_use]
    pub fn is_name(&self, attribute: &str, sub: Option<&str>) -> bool {
        self.urn.is_none()
            && self.attribute.name == attribute
            && self.sub.as_ref().map(|s| s.name.as_str()) == sub
    }
}

/// One value as a list of itself, an array as its elements.
fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

/// What the text names, `password` included, and its definition.
pub(crate) fn find<'r>(rt: &'r ResourceType, text: &str) -> Option<(AttributeRef, &'r Attribute)> {
    let (schema, names) = split_urn(rt, text);
    let (name, sub_name) = match names.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (names, None),
    };
    let (schema, definition) = match schema {
        Some(schema) if schema.id != rt.core.id => (Some(schema), schema.attribute(name)?),
        Some(_) => (None, rt.attribute(name)?),
        None => match rt.attribute(name) {
            Some(definition) => (None, definition),
            None => without_urn(rt, name)?,
        },
    };
    let sub = match sub_name {
        Some(sub) => Some(Field::part(definition, definition.sub_attribute(sub)?)),
        None => None,
    };
    let urn = schema.map(|s| s.id.clone());
    Some((AttributeRef { urn, attribute: definition.into(), sub }, definition))
}

/// As [`find`]; what the type does not know may be of one of the others (RFC 7644 §3.4.2.1). It is resolved there, so
/// that it can be read, and reaches no value in a resource of this type: a core attribute of another type stands under
/// that type's URN, which is no extension here.
pub(crate) fn find_among<'r>(
    rt: &'r ResourceType,
    others: &[&'r ResourceType],
    text: &str,
) -> Option<(AttributeRef, &'r Attribute)> {
    find(rt, text).or_else(|| {
        others.iter().find_map(|other| {
            let (mut found, definition) = find(other, text)?;
            found.urn.get_or_insert_with(|| other.core.id.clone());
            Some((found, definition))
        })
    })
}

/// Notes a name that is the extension's although it came without its URN; to a strict tenant it names nothing.
pub(crate) fn allow_missing_urn(
    found: &AttributeRef,
    text: &str,
    tolerance: &mut Tolerance,
    refusal: impl FnOnce() -> ScimError,
) -> Result<(), ScimError> {
    if found.urn.is_some() && !has_urn(text) {
        tolerance.allow(Leniency::MissingExtensionUrn, &found.attribute.name, refusal)?;
    }
    Ok(())
}

/// Whether the text begins as a URN does.
pub(crate) fn has_urn(text: &str) -> bool {
    text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}

/// The schema whose URN the text begins with, and the names after it. The URNs hold dots, so that the schemas
/// decide where one ends.
fn split_urn<'r, 't>(rt: &'r ResourceType, text: &'t str) -> (Option<&'r Schema>, &'t str) {
    if !has_urn(text) {
        return (None, text);
    }
    for schema in rt.schemas() {
        if let Some((urn, rest)) = text.split_at_checked(schema.id.len())
            && urn.eq_ignore_ascii_case(&schema.id)
            && let Some(names) = rest.strip_prefix(':')
        {
            return (Some(schema), names);
        }
    }
    (None, text)
}

fn without_urn<'r>(rt: &'r ResourceType, name: &str) -> Option<(Option<&'r Schema>, &'r Attribute)> {
    NAMED_WITHOUT_URN.iter().find(|known| known.eq_ignore_ascii_case(name))?;
    // Of the RFC's own extension only: a tenant's own may have an attribute of that name, which means nobody's boss.
    let schema = rt.extension(urn::ENTERPRISE_USER)?;
    schema.attribute(name).map(|found| (Some(schema), found))
}

/// `PATH` of RFC 7644 §3.5.2 figure 7, and a whole extension by its URN (RFC 7644 §3.10).
#[derive(Clone, Debug, PartialEq)]
pub enum Path {
    /// Every attribute of one extension.
    Extension(String),
    /// `attribute` or `attribute.sub`.
    Attribute(AttributeRef),
    /// `attribute[filter]` or `attribute[filter].sub`.
    Elements {
        /// The attribute, without a sub-attribute.
        of: AttributeRef,
        /// Which elements.
        filter: Filter,
        /// What in each of them.
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
    /// 400 `invalidPath` when it is malformed or names nothing, `invalidFilter` when what stands in brackets is
    /// no filter (RFC 7644 §3.12).
    pub fn parse(rt: &ResourceType, text: &str, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        let bracket = text.find('[');
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
        if of.sub.is_some() || !filter::parse::has_elements(definition) {
            return Err(ScimError::invalid_path(format!(
                "{head} has no elements that a filter could select."
            )));
        }
        let limits = if rt.kind == ResourceKind::Group && of.is_name("members", None) {
            Limits { bytes: Self::MAX_BYTES, terms: Self::MAX_MEMBERS }
        } else {
            Limits::USUAL
        };
        let (filter, rest) = filter::parse::bracketed(definition, (text, bracketed), limits, tolerance)?;
        let is_long = text.len() > Limits::USUAL.bytes || filter.terms() > Limits::USUAL.terms;
        if is_long && filter.values().is_none() {
            return Err(ScimError::invalid_filter(format!(
                "The filter is longer than {} bytes or {} comparisons; only one that names members by their value may be.",
                Limits::USUAL.bytes,
                Limits::USUAL.terms
            )));
        }
        let sub = element_part(definition, rest, text)?;
        Ok(Self::Elements { of, filter, sub })
    }

    /// The attribute, unless the path is a whole extension.
    #[must_use]
    pub fn attribute(&self) -> Option<&AttributeRef> {
        match self {
            Self::Extension(_) => None,
            Self::Attribute(of) | Self::Elements { of, .. } => Some(of),
        }
    }

    /// The full name of what is addressed, whichever elements of it are meant.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self {
            Self::Extension(urn) => urn.clone(),
            Self::Elements { of, sub: Some(sub), .. } => format!("{}.{}", of.full_name(), sub.name),
            Self::Attribute(of) | Self::Elements { of, sub: None, .. } => of.full_name(),
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

fn attribute<'r>(
    rt: &'r ResourceType,
    text: &str,
    tolerance: &mut Tolerance,
) -> Result<(AttributeRef, &'r Attribute), ScimError> {
    let found = find(rt, text).ok_or_else(|| unknown(rt, text))?;
    allow_missing_urn(&found.0, text, tolerance, || unknown(rt, text))?;
    Ok(found)
}

/// What follows `]`: nothing, or `.sub`; of a simple element its `value` is all of it.
fn element_part(definition: &Attribute, rest: &str, text: &str) -> Result<Option<Field>, ScimError> {
    if rest.is_empty() {
        return Ok(None);
    }
    let name = rest.strip_prefix('.');
    if definition.kind != Type::Complex && name.is_some_and(|name| name.eq_ignore_ascii_case("value")) {
        return Ok(None);
    }
    match name.and_then(|name| definition.sub_attribute(name)) {
        Some(sub) => Ok(Some(Field::part(definition, sub))),
        None => Err(ScimError::invalid_path(format!("The path {text} names no sub-attribute after \"]\"."))),
    }
}

fn unknown(rt: &ResourceType, text: &str) -> ScimError {
    let shown: String = text.chars().take(100).collect();
    ScimError::invalid_path(format!("The path \"{shown}\" names no attribute of a {}.", rt.kind.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn name(text: &str) -> Option<String> {
        AttributeRef::resolve(&schema::user(), text).map(|r| r.full_name())
    }

    #[test]
    fn names_resolve_in_any_letter_case_with_and_without_urn() {
        let cases = [
            ("USERNAME", "userName"),
            ("name.GIVENname", "name.givenName"),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName"),
            ("URN:IETF:params:scim:schemas:core:2.0:user:emails.Value", "emails.value"),
            ("manager", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:MANAGER.value",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
            ),
            ("META.lastmodified", "meta.lastModified"),
            ("emails.$ref", ""),
            ("id", "id"),
        ];
        for (text, expected) in cases {
            assert_eq!(name(text).unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn attack_30_password_and_unknown_names_resolve_to_nothing() {
        let long = "a.".repeat(10_000);
        for text in [
            "password",
            "PASSWORD",
            "urn:ietf:params:scim:schemas:core:2.0:User:password",
            "department",
            "name.givenName.x",
            "name.",
            ".name",
            "",
            "urn:",
            "urn:x:y",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:core:2.0:User:",
            "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
            "user\u{212a}name",
            "üüü",
            &long,
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn values_reach_every_element() {
        let resource = serde_json::json!({"emails": [{"value": "a"}, {"type": "x"}, {"value": "b"}]});
        let emails = AttributeRef::resolve(&schema::user(), "emails.value").unwrap();
        assert!(emails.iter(resource.as_object().unwrap()).eq(["a", "b"]));
    }

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
