//! A reference by its `$ref` alone, as RFC 7643 §8.7.1 lets a client write a manager. The directory stores its `value`,
//! from which each response makes the current `$ref`.

use serde_json::{Map, Value};

use crate::schema::{Attribute, Mutability};
use crate::value::{is_empty, member};

/// Whether it is one object that refers to a resource by its `value`, as `manager` does.
pub(crate) fn is_reference_by_value(attribute: &Attribute) -> bool {
    !attribute.multi_valued && attribute.sub_attribute("value").is_some()
}

/// Whether the attribute's `$ref` is made of its `value`.
fn makes_its_ref(attribute: &Attribute) -> bool {
    let made = |sub: &Attribute| sub.mutability == Mutability::ReadOnly;
    is_reference_by_value(attribute) && attribute.sub_attribute("$ref").is_some_and(made)
}

/// The `$ref` of an object without a `value`. A `value` decides where there is one; an empty one removes the reference.
pub(crate) fn lone_ref<'v>(attribute: &Attribute, sent: &'v Map<String, Value>) -> Option<&'v Value> {
    if !makes_its_ref(attribute) || member(sent, "value").is_some_and(|value| !value.is_null()) {
        return None;
    }
    member(sent, "$ref").filter(|reference| !is_empty(reference))
}

/// The id that an object names by its `$ref` alone.
///
/// # Errors
/// What the `$ref` must be, when it is not the URL of a user.
pub(super) fn named_by_ref(
    attribute: &Attribute,
    sent: &Map<String, Value>,
) -> Result<Option<String>, &'static str> {
    let Some(reference) = lone_ref(attribute, sent) else { return Ok(None) };
    let id = reference.as_str().and_then(id_of_user);
    id.map(|id| Some(id.to_owned())).ok_or("the URL of a user, unless there is a value")
}

/// The id in `https://…/Users/{id}` or `../Users/{id}`; the directory checks whether the user exists.
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
