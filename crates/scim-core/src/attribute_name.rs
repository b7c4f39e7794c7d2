//! Names of attributes as clients write them (RFC 7644 §3.10), resolved against a resource type once: the result is
//! an attribute that exists, in the schema's spelling.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

use crate::fold::{fold, user_name_key};
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Mutability, ResourceType, Returned, Schema, Type};
use crate::{ScimError, urn, value};

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
    /// Whether and when clients may write it.
    pub mutability: Mutability,
    /// When responses hold it.
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

    fn is_never_returned(&self) -> bool {
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

/// A core or common attribute.
impl From<&Attribute> for AttributeName {
    fn from(attribute: &Attribute) -> Self {
        Self { urn: None, attribute: attribute.into(), sub: None }
    }
}

impl AsRef<str> for Field {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

/// The name of an attribute, or of one sub-attribute of it: `attrPath` of RFC 7644 figure 1. Inside a value path it is a
/// sub-attribute that stands for itself (`type` in `emails[type eq "work"]`). A resolved name holds each attribute's
/// characteristics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttributeName<U = String, A = Field> {
    /// The extension's URN in the schema's spelling; `None` for core and common attributes.
    pub urn: Option<U>,
    /// The attribute.
    pub attribute: A,
    /// The sub-attribute, if there is one.
    pub sub: Option<A>,
}

/// A name made of borrowed texts, which costs nothing until it is written into a message.
pub(crate) type BorrowedName<'a> = AttributeName<&'a str, &'a str>;

impl<'a> BorrowedName<'a> {
    /// A core or common attribute.
    pub(crate) fn of(attribute: &'a str) -> Self {
        Self { urn: None, attribute, sub: None }
    }

    /// An attribute of an extension.
    pub(crate) fn within(urn: &'a str, attribute: &'a str) -> Self {
        Self { urn: Some(urn), attribute, sub: None }
    }

    pub(crate) fn sub(self, name: &'a str) -> Self {
        Self { sub: Some(name), ..self }
    }

    /// 400 `invalidValue`: the value of this attribute has the wrong form. The message never repeats the value.
    pub(crate) fn must_be(self, form: &str) -> ScimError {
        ScimError::invalid_value(format!("{self} must be {form}."))
    }
}

/// As responses and errors write it; extension attributes with their URN.
impl<U: AsRef<str>, A: AsRef<str>> fmt::Display for AttributeName<U, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{}:", urn.as_ref())?;
        }
        f.write_str(self.attribute.as_ref())?;
        self.sub.as_ref().map_or(Ok(()), |sub| write!(f, ".{}", sub.as_ref()))
    }
}

impl<U, A: AsRef<str>> AttributeName<U, A> {
    /// Whether this is the core or common attribute of that name, or a part of it.
    #[must_use]
    pub fn is_part_of(&self, attribute: &str) -> bool {
        self.urn.is_none() && self.attribute.as_ref() == attribute
    }

    /// Whether this is the core or common attribute (and sub-attribute) of that name.
    #[must_use]
    pub fn is_name(&self, attribute: &str, sub: Option<&str>) -> bool {
        self.is_part_of(attribute) && self.sub.as_ref().map(AsRef::as_ref) == sub
    }
}

impl AttributeName {
    /// The attribute that a text names: `userName`, `name.givenName`, with or without the schema's URN, letter case
    /// ignored. An attribute that is never returned, such as `password`, is not found: filters on it could guess its
    /// value (attack 30).
    #[must_use]
    pub fn resolve(rt: &ResourceType, text: &str) -> Option<Self> {
        find(rt, text).map(|(found, _)| found).filter(|found| !found.is_never_returned())
    }

    /// Whether responses never hold the value, or the attribute that it is a part of.
    pub(crate) fn is_never_returned(&self) -> bool {
        std::iter::once(&self.attribute).chain(&self.sub).any(Field::is_never_returned)
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
        rt.block(self.urn.as_deref())?.attribute(&self.attribute.name)
    }

    /// The attribute whose values are compared: the sub-attribute if there is one.
    #[must_use]
    pub fn leaf(&self) -> &Field {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// Every value the path reaches in the resource: one for each element of a multi-valued attribute.
    pub(crate) fn iter<'a>(&self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        self.elements(resource).iter().flat_map(|element| match &self.sub {
            Some(sub) => element.get(&sub.name).map_or(&[][..], value::elements),
            None => std::slice::from_ref(element),
        })
    }

    /// The compared values (RFC 7644 §3.4.2.2): one for each element of a multi-valued attribute, one for any other; an
    /// absent value is null, or false where the RFC assumes it.
    pub(crate) fn compared<'a>(&self, resource: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        let elements = match self.elements(resource) {
            [] if !self.attribute.multi_valued => std::slice::from_ref(&Value::Null),
            elements => elements,
        };
        elements.iter().flat_map(|element| match &self.sub {
            Some(sub) => element.get(&sub.name).map_or(sub.absent(), value::elements),
            None if element.is_null() => self.attribute.absent(),
            None => std::slice::from_ref(element),
        })
    }

    /// The attribute's elements; a single value is one.
    pub(crate) fn elements<'a>(&self, resource: &'a Map<String, Value>) -> &'a [Value] {
        let holder = match &self.urn {
            Some(urn) => resource.get(urn).and_then(Value::as_object),
            None => Some(resource),
        };
        holder.and_then(|holder| holder.get(&self.attribute.name)).map_or(&[], value::elements)
    }

    /// A text of this attribute in the form in which it is compared, searched and put in order.
    pub(crate) fn comparable<'t>(&self, text: &'t str) -> Cow<'t, str> {
        // URNs compare without letter case everywhere, in filters too.
        let is_urn = self.is_name("schemas", None);
        if self.is_name("userName", None) {
            user_name_key(text).into()
        } else if self.leaf().case_exact && !is_urn {
            text.into()
        } else {
            fold(text)
        }
    }

    /// Whether a resource of this type can have a value here; a path of another type has none in it
    /// ([`find_among`]).
    #[must_use]
    pub fn is_of(&self, rt: &ResourceType) -> bool {
        let definition = self.definition(rt);
        definition.is_some_and(|d| self.sub.as_ref().is_none_or(|sub| d.sub_attribute(&sub.name).is_some()))
    }
}

/// What the text names, `password` included, and its definition.
pub(crate) fn find<'r>(rt: &'r ResourceType, text: &str) -> Option<(AttributeName, &'r Attribute)> {
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
    Some((AttributeName { urn, attribute: definition.into(), sub }, definition))
}

/// As [`find`]; what the type does not know may be of one of the others (RFC 7644 §3.4.2.1). It is resolved there, so
/// that it can be read, and reaches no value in a resource of this type: a core attribute of another type is under that
/// type's URN, which is no extension here.
pub(crate) fn find_among<'r>(
    rt: &'r ResourceType,
    others: &[&'r ResourceType],
    text: &str,
) -> Option<(AttributeName, &'r Attribute)> {
    find(rt, text).or_else(|| {
        others.iter().find_map(|other| {
            let (mut found, definition) = find(other, text)?;
            found.urn.get_or_insert_with(|| other.core.id.clone());
            Some((found, definition))
        })
    })
}

/// Notes the name of an extension's attribute without its URN; for a strict tenant it is unknown.
pub(crate) fn allow_missing_urn(
    found: &AttributeName,
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
    // Of the RFC's own extension only: a tenant's own may have an attribute of that name, which is no manager.
    let schema = rt.extension(urn::ENTERPRISE_USER)?;
    schema.attribute(name).map(|found| (Some(schema), found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn name(text: &str) -> Option<String> {
        AttributeName::resolve(&schema::user(), text).map(|name| name.to_string())
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
        let emails = AttributeName::resolve(&schema::user(), "emails.value").unwrap();
        assert!(emails.iter(resource.as_object().unwrap()).eq(["a", "b"]));
    }
}
