//! Roles as Entra's `AppRoleAssignmentsComplex` sends them without its flag: a JSON text inside `value`, in a create
//! as in a PATCH.

use serde_json::Value;

use super::normalise::member;
use super::place::Place;
use crate::json;

/// The one core attribute in whose `value` a JSON text is known to come.
const PACKED: &str = "roles";

/// `{"value": "{\"value\":\"25\",\"displayName\":\"Role25\"}"}` as `{"value": "25", "display": "Role25"}`; `None` for
/// every other value.
pub(super) fn role(at: Place<'_>, element: &Value) -> Option<Value> {
    if !at.is_core(PACKED) {
        return None;
    }
    let text = match element {
        Value::Object(role) => member(role, "value")?.as_str()?,
        text => text.as_str()?,
    };
    if !text.starts_with('{') {
        return None;
    }
    // By the same door as any body: a NUL or a key twice is no better for being packed (attacks 40 and 42).
    let packed = json::parse(text.as_bytes()).ok()?;
    let packed = packed.as_object()?;
    let mut role = element.as_object().cloned().unwrap_or_default();
    role.retain(|key, _| !key.eq_ignore_ascii_case("value"));
    role.insert("value".into(), member(packed, "value")?.as_str()?.into());
    for (name, from) in [("display", "displayName"), ("display", "display"), ("type", "type")] {
        if let Some(text @ Value::String(_)) = member(packed, from) {
            role.insert(name.into(), text.clone());
        }
    }
    Some(Value::Object(role))
}
