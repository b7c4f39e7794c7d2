//! Which attributes of a resource are returned (RFC 7644 §3.9), by `attributes`, `excludedAttributes` and the schema's
//! `returned`. Entra's group sync depends on `excludedAttributes=members`.

use serde_json::{Map, Value};

use crate::attribute_name;
use crate::path::Path;
use crate::schema::{Attribute, Returned};
use crate::{ResourceType, ScimError};

/// Longest parameter, in bytes: every name of every schema fits in many times over.
const MAX_TEXT: usize = 16 * 1024;

/// The attributes to return: read once for a request, applied to every resource of its response.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// What the request named, if it named anything.
    choice: Option<Choice>,
    /// Whether the type has values that are not returned by default.
    hides: bool,
}

/// What the request named.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    /// `attributes`: these, and those that are always returned. Otherwise `excludedAttributes`: all but these.
    only: bool,
    /// Attributes, sub-attributes and whole extensions.
    names: Vec<Path>,
}

impl Projection {
    /// Reads the two parameters; names that no schema knows are ignored, blank parameters are as absent.
    ///
    /// # Errors
    /// 400 `invalidValue` when both are given (RFC 7644 §3.9: one or the other) or one is absurdly long.
    pub fn parse(
        rt: &ResourceType,
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Self, ScimError> {
        let given = |text: &&str| !text.trim().is_empty();
        let (only, text) = match (attributes.filter(given), excluded.filter(given)) {
            (None, None) => return Ok(Self::all(rt)),
            (Some(text), None) => (true, text),
            (None, Some(text)) => (false, text),
            (Some(_), Some(_)) => {
                return Err(ScimError::invalid_value("Give attributes or excludedAttributes, not both."));
            }
        };
        if text.len() > MAX_TEXT {
            return Err(ScimError::invalid_value("attributes and excludedAttributes take at most 16 KiB."));
        }
        let names = names(text).flat_map(|name| named_by(rt, name)).collect();
        Ok(Self { choice: Some(Choice { only, names }), hides: rt.hides_values() })
    }

    /// The projection of a request that named nothing.
    #[must_use]
    pub fn all(rt: &ResourceType) -> Self {
        Self { choice: None, hides: rt.hides_values() }
    }

    /// Whether every stored value is returned, so that nothing needs to be removed. writeOnly values are never stored.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.choice.is_none() && !self.hides
    }

    /// Whether the request named attributes; then the response to a PATCH holds the resource (RFC 7644 §3.5.2).
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.choice.is_some()
    }

    /// Whether a core attribute, or an extension by its URN, is worth computing.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let Some(choice) = &self.choice else { return true };
        let mut names = choice.names.iter().filter(|path| key(path) == name);
        if choice.only { names.next().is_some() } else { !names.any(is_whole_key) }
    }

    /// Removes the attributes that are not to be returned; `schemas` stays as it was.
    pub fn apply(&self, rt: &ResourceType, resource: &mut Map<String, Value>) {
        if self.is_all() {
            return;
        }
        for block in rt.blocks() {
            let extensions = rt.extension_schemas().filter(|_| block.urn.is_none());
            block.edit(resource, |members| {
                members.retain(|key, value| match block.attribute(key) {
                    Some(attribute) => self.keeps(block.urn, attribute, value),
                    None => value.is_object() && extensions.clone().any(|extension| extension.id == *key),
                });
            });
        }
    }

    /// Whether an attribute stays (RFC 7643 §7, `returned`); of one that stays in part, the other sub-attributes are
    /// removed.
    fn keeps(&self, urn: Option<&str>, attribute: &Attribute, value: &mut Value) -> bool {
        let only = self.choice.as_ref().is_some_and(|choice| choice.only);
        let named = self.choice.as_ref().map(|choice| choice.named(urn, attribute)).unwrap_or_default();
        let Named { itself, container, parts } = &named;
        let stays = match attribute.returned {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Request => only && (*itself || !parts.is_empty()),
            Returned::Default if only => *itself || *container || !parts.is_empty(),
            Returned::Default => !(*itself || *container),
        };
        if !stays {
            return false;
        }
        let is_whole = match attribute.returned {
            // An attribute that is always returned is returned whole.
            Returned::Always => true,
            // Naming its extension does not name it.
            Returned::Request => *itself,
            Returned::Default | Returned::Never => *itself || *container || parts.is_empty(),
        };
        if is_whole && !(self.hides && attribute.hides_parts()) {
            return true;
        }
        narrow(value, &|name| match attribute.sub_attribute(name).map(|sub| sub.returned) {
            Some(Returned::Always) => true,
            Some(Returned::Never) => false,
            Some(Returned::Request) => only && parts.contains(&name),
            Some(Returned::Default) | None => is_whole || parts.contains(&name) == only,
        })
    }
}

/// The names of a list. A blank separates names as a comma does, because no name holds one: read as one name, the two
/// would be unknown, and the response would look as if every value had been cleared.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\t', '\r', '\n']).filter(|name| !name.is_empty())
}

/// Whether some names have a blank and no comma between them.
pub(crate) fn has_blank_for_comma(text: &str) -> bool {
    text.split(',').any(|part| names(part).nth(1).is_some())
}

/// How a request named one attribute; it may do so in several ways at once.
#[derive(Default)]
struct Named<'c> {
    /// By its own name.
    itself: bool,
    /// By the whole extension that it belongs to.
    container: bool,
    /// By these sub-attributes.
    parts: Vec<&'c str>,
}

impl Choice {
    fn named(&self, urn: Option<&str>, attribute: &Attribute) -> Named<'_> {
        let mut named = Named::default();
        for path in &self.names {
            match path.attribute() {
                None => named.container |= urn == Some(key(path)),
                Some(of) if of.urn.as_deref() != urn || of.attribute.name != attribute.name => {}
                Some(of) => match &of.sub {
                    None => named.itself = true,
                    Some(sub) => named.parts.push(&sub.name),
                },
            }
        }
        named
    }
}

/// Keeps the wanted sub-attributes in one value or in each element; returns whether anything is left.
fn narrow(value: &mut Value, wanted: &impl Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| wanted(name));
            !members.is_empty()
        }
        Value::Array(elements) => {
            elements.retain_mut(|element| narrow(element, wanted));
            !elements.is_empty()
        }
        _ => false,
    }
}

/// The key of the value in the resource.
fn key(path: &Path) -> &str {
    match path {
        Path::Extension(urn) => urn,
        Path::Attribute(of) | Path::Elements { of, .. } => of.urn.as_deref().unwrap_or(&of.attribute.name),
    }
}

/// Whether the path names everything under its key.
fn is_whole_key(path: &Path) -> bool {
    path.attribute().is_none_or(|of| of.urn.is_none() && of.sub.is_none())
}

/// The attributes of one name: `name.givenName`, with or without its schema's URN, or a whole schema. None for an unknown
/// name.
fn named_by(rt: &ResourceType, name: &str) -> Vec<Path> {
    if rt.is_core(name) {
        return rt.core.attributes.iter().map(|attribute| Path::Attribute(attribute.into())).collect();
    }
    match rt.extension(name) {
        Some(extension) => vec![Path::Extension(extension.id.clone())],
        None => attribute_name::find(rt, name).map(|(found, _)| Path::Attribute(found)).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ScimType, schema, urn};

    fn resource() -> Value {
        json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER, urn::SEAT],
            "id": "1",
            "externalId": "x",
            "userName": "ana",
            "name": {"givenName": "Ana", "familyName": "Low"},
            "emails": [{"value": "a@x", "type": "work", "primary": true}, {"value": "b@x"}],
            "groups": [{"value": "g"}],
            urn::ENTERPRISE_USER: {"department": "D", "manager": {"value": "m", "displayName": "M"}},
            urn::SEAT: {"state": "granted"},
            "meta": {"resourceType": "User", "version": "W/\"1\""},
        })
    }

    /// The answer without what is always there.
    fn shown(projection: &Projection) -> Value {
        let Value::Object(mut resource) = resource() else { unreachable!() };
        projection.apply(&schema::user(), &mut resource);
        let schemas = resource.shift_remove("schemas").unwrap();
        assert_eq!(schemas.as_array().unwrap().len(), 3, "schemas stays as it was");
        assert_eq!(resource.shift_remove("id").unwrap(), "1");
        Value::Object(resource)
    }

    fn only(text: &str) -> Value {
        shown(&Projection::parse(&schema::user(), Some(text), None).unwrap())
    }

    fn without(text: &str) -> Vec<String> {
        let all = shown(&Projection::all(&schema::user()));
        let left = shown(&Projection::parse(&schema::user(), None, Some(text)).unwrap());
        all.as_object().unwrap().keys().filter(|key| left.get(key) != all.get(key)).cloned().collect()
    }

    #[test]
    fn attributes_names_what_is_answered_beside_id_and_schemas() {
        for (text, expected) in [
            ("userName", json!({"userName": "ana"})),
            ("USERNAME, externalid", json!({"externalId": "x", "userName": "ana"})),
            ("name.givenName", json!({"name": {"givenName": "Ana"}})),
            ("name.givenName,name", json!({"name": {"givenName": "Ana", "familyName": "Low"}})),
            ("emails.value", json!({"emails": [{"value": "a@x"}, {"value": "b@x"}]})),
            ("emails.type", json!({"emails": [{"type": "work"}]})),
            ("name.middleName", json!({})),
            ("meta.version", json!({"meta": {"version": "W/\"1\""}})),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", json!({"userName": "ana"})),
            (
                "URN:IETF:params:scim:schemas:core:2.0:user:name.givenname",
                json!({"name": {"givenName": "Ana"}}),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                json!({urn::ENTERPRISE_USER: {"department": "D"}}),
            ),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
                json!({urn::ENTERPRISE_USER: {"manager": {"value": "m"}}}),
            ),
            ("manager.value", json!({urn::ENTERPRISE_USER: {"manager": {"value": "m"}}})),
            (urn::SEAT, json!({urn::SEAT: {"state": "granted"}})),
            ("id", json!({})),
        ] {
            assert_eq!(only(text), expected, "{text}");
        }
    }

    #[test]
    fn a_whole_core_schema_may_be_named() {
        let shown = only(urn::USER);
        assert_eq!(
            shown.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["userName", "name", "emails", "groups"]
        );
    }

    #[test]
    fn unknown_names_are_ignored() {
        for text in
            ["shoeSize", "name.shoeSize", ",", "urn:x:y", "urn:ietf:params:scim:schemas:core:2.0:Users", "é"]
        {
            assert_eq!(only(text), json!({}), "{text}");
            assert!(without(text).is_empty(), "{text}");
        }
        assert_eq!(only("shoeSize,userName"), json!({"userName": "ana"}));
    }

    #[test]
    fn a_blank_parts_two_names_as_a_comma_does() {
        for text in [
            "userName externalId",
            "userName,  externalId ",
            "externalId\tuserName",
            " userName\nexternalId,",
        ] {
            assert_eq!(only(text), json!({"externalId": "x", "userName": "ana"}), "{text}");
        }
        assert_eq!(without("groups meta"), ["groups", "meta"]);
        assert!(has_blank_for_comma("a, b c") && !has_blank_for_comma(" a , b ,"));
    }

    #[test]
    fn attack_30_password_is_not_answered_when_it_is_named() {
        assert_eq!(only("password"), json!({}));
        let mut leaked = json!({"id": "1", "password": "x"}).as_object().cloned().unwrap();
        let named = Projection::parse(&schema::user(), Some("password"), None).unwrap();
        named.apply(&schema::user(), &mut leaked);
        assert!(!leaked.contains_key("password"));
    }

    #[test]
    fn excluded_attributes_are_taken_away() {
        for (text, expected) in [
            ("groups", vec!["groups"]),
            ("Groups , userName", vec!["userName", "groups"]),
            ("id,schemas", vec![]),
            ("name.givenName", vec!["name"]),
            (urn::SEAT, vec![urn::SEAT]),
            (
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
                vec![urn::ENTERPRISE_USER],
            ),
            ("meta", vec!["meta"]),
        ] {
            assert_eq!(without(text), expected, "{text}");
        }
    }

    #[test]
    fn excluding_parts_leaves_the_others() {
        let user = schema::user();
        let text = "emails.value,emails.primary,name.givenName,name.familyName";
        let left = shown(&Projection::parse(&user, None, Some(text)).unwrap());
        assert_eq!(left["emails"], json!([{"type": "work"}]));
        assert!(left.get("name").is_none());
    }

    #[test]
    fn a_part_that_is_returned_on_request_is_returned_beside_its_parent_in_any_order() {
        const URN: &str = "urn:example:params:scim:schemas:extension:x:2.0:User";
        let mut user = schema::user();
        let part = |name: &str, returned: &str| json!({"name": name, "type": "string", "returned": returned});
        let parts = [part("shown", "default"), part("other", "default"), part("asked", "request")];
        let complex = |name: &str, returned: &str| json!({"name": name, "type": "complex", "returned": returned, "subAttributes": parts});
        let attributes = [complex("cx", "default"), complex("al", "always"), complex("rq", "request")];
        let schema = json!({"id": URN, "name": "X", "description": "", "attributes": attributes});
        user.add_extension(schema::Extension {
            schema: serde_json::from_value(schema).unwrap(),
            required: false,
        });
        let (whole, default) = (json!({"shown": 1, "other": 2, "asked": 3}), json!({"shown": 1, "other": 2}));
        let shown = |attributes: &str| {
            let mut resource = json!({"id": "1", URN: {"cx": whole, "al": whole, "rq": whole}});
            let named = Projection::parse(&user, Some(attributes), None).unwrap();
            named.apply(&user, resource.as_object_mut().unwrap());
            resource[URN].take()
        };
        for (names, expected) in [
            (vec!["X:cx"], json!({"cx": default, "al": default})),
            (vec!["X:cx", "X:cx.asked"], json!({"cx": whole, "al": default})),
            (vec!["X", "X:cx.asked"], json!({"cx": whole, "al": default})),
            (vec!["X:cx", "X:cx.other"], json!({"cx": default, "al": default})),
            (vec!["X:cx.asked", "X:cx.other"], json!({"cx": {"other": 2, "asked": 3}, "al": default})),
            (vec!["X:al.asked"], json!({"al": whole})),
            (vec!["X", "X:rq.asked"], json!({"cx": default, "al": default, "rq": {"asked": 3}})),
            (vec!["X:rq", "X:rq.asked"], json!({"al": default, "rq": whole})),
        ] {
            let forth = names.join(",").replace('X', URN);
            let back = names.iter().rev().copied().collect::<Vec<_>>().join(",").replace('X', URN);
            assert_eq!(shown(&forth), expected, "{names:?}");
            assert_eq!(shown(&back), expected, "{names:?} reversed");
        }
    }

    #[test]
    fn both_parameters_at_once_are_refused() {
        let error = Projection::parse(&schema::user(), Some("userName"), Some("name")).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        assert!(Projection::parse(&schema::user(), Some("userName"), Some(" ")).is_ok());
    }

    #[test]
    fn what_is_not_answered_need_not_be_computed() {
        let group = schema::group();
        let parse = |a, e| Projection::parse(&group, a, e).unwrap();
        assert!(Projection::all(&group).wants("members") && Projection::all(&group).is_all());
        assert!(!parse(None, Some("Members")).wants("members"));
        assert!(parse(None, Some("members.display")).wants("members"));
        assert!(!parse(Some("displayName"), None).wants("members"));
        assert!(parse(Some("members.value"), None).wants("members"));
        let user = schema::user();
        assert!(!Projection::parse(&user, Some("userName"), None).unwrap().wants(urn::SEAT));
        assert!(!Projection::parse(&user, None, Some(urn::SEAT)).unwrap().wants(urn::SEAT));
        let state = format!("{}:state", urn::SEAT);
        assert!(Projection::parse(&user, Some(&state), None).unwrap().wants(urn::SEAT));
        assert!(Projection::parse(&user, None, Some(&state)).unwrap().wants(urn::SEAT));
    }

    #[test]
    fn a_named_projection_is_known_even_when_it_changes_nothing() {
        let named = Projection::parse(&schema::group(), None, Some("shoeSize")).unwrap();
        assert!(named.is_named() && !named.is_all());
        assert!(!Projection::parse(&schema::group(), Some(""), None).unwrap().is_named());
    }

    #[test]
    fn attack_38_an_absurdly_long_parameter_is_refused() {
        assert!(Projection::parse(&schema::group(), Some(&"a,".repeat(10_000)), None).is_err());
    }
}
