//! Bodies of bulks whose operations refer to each other, in circles too.

use scim_core::{schema, urn};
use serde_json::{Map, Value, json};

use super::{Choices, patches, resources};

/// Few, so that references meet.
const NAMES: &[&str] = &["a", "b", "c", "d", "\u{e9}\"\\"];

/// The body of a bulk.
pub fn bulk(choices: &mut Choices<'_>) -> Value {
    // Most names are given first or last, so that most references lead somewhere.
    let mut operations = choices.some(8, operation);
    let mut created = Vec::new();
    for name in NAMES {
        if !choices.one_in(8) {
            created.push(creation(choices, name));
        }
    }
    let operations = if choices.one_in(2) {
        operations.splice(0..0, created);
        operations
    } else {
        [operations, created].concat()
    };
    let mut body = json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
    if choices.one_in(4) {
        body["failOnErrors"] = resources::value_of_any_type(choices, 0);
    }
    body
}

fn creation(choices: &mut Choices<'_>, name: &str) -> Value {
    let endpoint = *choices.one_of(&["/Users", "/Groups"]);
    json!({"method": "POST", "path": endpoint, "bulkId": name, "data": data(choices, "POST", endpoint)})
}

fn operation(choices: &mut Choices<'_>) -> Value {
    const METHODS: &[&str] = &["PATCH", "PUT", "DELETE", "patch"];
    let method = if choices.one_in(12) { "POST" } else { *choices.one_of(METHODS) };
    let endpoint = *choices.one_of(&["/Users", "/Groups"]);
    let path = match method {
        "POST" => endpoint.to_owned(),
        _ if choices.one_in(3) => format!("{endpoint}/0193b5a0-7c1e-7d52-8a54-2f9a1c0d4e11"),
        _ => format!("{endpoint}/{}", reference(choices)),
    };
    let mut operation = Map::new();
    operation.insert("method".into(), method.into());
    operation.insert("path".into(), if choices.one_in(20) { choices.text() } else { path }.into());
    if !choices.one_in(8) {
        operation.insert("bulkId".into(), (*choices.one_of(NAMES)).into());
    }
    operation.insert("data".into(), data(choices, method, endpoint));
    Value::Object(operation)
}

fn data(choices: &mut Choices<'_>, method: &str, endpoint: &str) -> Value {
    let rt = if endpoint == "/Users" { schema::user() } else { schema::group() };
    if method.eq_ignore_ascii_case("patch") {
        let mut patch = patches::patch(choices, &rt);
        let literal = Value::from(reference(choices));
        let more = match choices.below(3) {
            1 => {
                json!({"op": "remove", "path": format!("members[value eq {literal} or display eq \"\\\"\"]")})
            }
            2 => {
                json!({"op": "add", "value": {format!("members[value eq {literal}]"): [{"value": literal}]}})
            }
            _ => json!({"op": "replace", "path": "manager", "value": literal}),
        };
        if let Some(operations) = patch["Operations"].as_array_mut() {
            operations.push(more);
        }
        return patch;
    }
    let mut body = resources::body(choices, &rt);
    let members: Vec<Value> = choices.some(3, |choices| json!({"value": reference(choices)}));
    body.insert("members".into(), members.into());
    if choices.one_in(2) {
        body.insert(urn::ENTERPRISE_USER.into(), json!({"manager": {"value": reference(choices)}}));
    }
    Value::Object(body)
}

fn reference(choices: &mut Choices<'_>) -> String {
    format!("bulkId:{}", choices.one_of(NAMES))
}
