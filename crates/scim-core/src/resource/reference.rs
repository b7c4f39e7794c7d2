//! A reference by its `$ref` alone: RFC 7643 §8.7.1 lets a client write a manager's, and the stored form is its
//! `value`, from which each response makes the current `$ref`.

use serde_json::{Map, Value};

use super::normalise::is_reference_by_value;
use crate::schema::{Attribute, Mutability};
use crate::value::{is_empty, member};

/// Whether the attribute's `$ref` is made of its `value`.
fn makes_its_ref(attribute: &Attribute) -> bool {
    let made = |sub: &Attribute| sub.mutability == Mutability::ReadOnly;
    is_reference_by_value(attribute) && attribute.sub_attribute("$ref").is_some_and(made)
}

/// The `$ref` of an object that does not say its `value`; nothing where that one decides, an empty text included, which
/// unassigns.
pub(crate) fn lone_ref<'v>(attribute: &Attribute, sent: &'v Map<String, Value>) -> Option<&'v Value> {
    if !makes_its_ref(attribute) || member(sent, "value").is_some_and(|value| !value.is_null()) {
        return None;
    }
    member(sent, "$ref").filter(|reference| !is_empty(reference))
}

/// The id that an object names by its `$ref` alone.
///
/// # Errors
/// What the `$ref` must be, when it is no user's.
pub(super) fn named_by_ref(
    attribute: &Attribute,
    sent: &Map<String, Value>,
) -> Result<Option<String>, &'static str> {
    let Some(reference) = lone_ref(attribute, sent) else { return Ok(None) };
    let id = reference.as_str().and_then(id_of_user);
    id.map(|id| Some(id.to_owned())).ok_or("the URL of a user, unless there is a value")
}

/// The id in `https://…/Users/{id}` or `../Users/{id}`; whether anybody has it is the directory's question.
fn id_of_user(url: &str) -> Option<&str> {
    let path = url.split(['?', '#']).next()?.trim_end_matches('/');
    let (rest, id) = path.rsplit_once('/')?;
    let endpoint = rest.rsplit('/').next()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b':');
    (endpoint.eq_ignore_ascii_case("Users") && !id.is_empty() && id.bytes().all(plain)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_user_holds_its_id_and_no_other_does() {
        for (url, id) in [
            ("https://scim.example.com/ire/acme/scim/v2/Users/26118915-6090", Some("26118915-6090")),
            ("../Users/42", Some("42")),
            ("Users/42/", Some("42")),
            ("/users/42?attributes=id", Some("42")),
            ("https://scim.example.com/ire/acme/scim/v2/Groups/42", None),
            ("https://scim.example.com/Users/", None),
            ("https://scim.example.com/Users/a%2Fb", None),
            ("bulkId:boss", None),
            ("42", None),
            ("", None),
        ] {
            assert_eq!(id_of_user(url), id, "{url}");
        }
    }
}
