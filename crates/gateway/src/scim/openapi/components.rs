//! The parts of the document that operations name.

use provisioning::Rules;
use scim_core::{json_schema, schema::discovery};
use serde_json::{Map, Value, json};

use super::{
    exchange::{headers, parameters, refusals},
    messages::{bulk_request, bulk_response, error, list, patch, search_request},
    shapes::refer,
};

pub(super) fn all(rules: &Rules) -> Value {
    json!({
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token of `usher credential add bearer`."},
            "oauth2": {
                "type": "oauth2",
                "description": "A client of `usher credential add oauth`.",
                "flows": {"clientCredentials": {
                    "tokenUrl": "https://scim.example.com/ire/acme/oauth/token",
                    "scopes": {"read": "Every GET and search.", "users": "Writes of users.", "groups": "Writes of groups."},
                }},
            },
            "basic": {"type": "http", "scheme": "basic", "description": "A key and its secret, of `usher credential add basic`."},
        },
        "schemas": schemas(rules),
        "parameters": parameters(),
        "headers": headers(),
        "responses": refusals(),
    })
}

fn schemas(rules: &Rules) -> Value {
    let mut all = Map::new();
    all.insert("Nothing".into(), json_schema::nothing());
    all.insert("Anything".into(), json_schema::anything());
    for rt in rules.types() {
        let name = rt.kind.name();
        all.insert(name.into(), json_schema::answered(rt));
        all.insert(format!("{name}List"), list(refer("schemas", name)));
    }
    let written: Vec<_> = rules.types().filter(|rt| !rt.kind.is_read_only()).collect();
    let any: Vec<Value> = written.iter().map(|rt| refer("schemas", rt.kind.name())).collect();
    all.insert("ResourceList".into(), list(json!({"anyOf": any})));
    all.insert("SearchRequest".into(), search_request(rules.mode.is_strict()));
    for rt in written {
        let name = rt.kind.name();
        all.insert(format!("{name}ToSend"), json_schema::sent(rt, rules.mode.is_strict()));
        all.insert(format!("{name}Patch"), patch(rt, rules.mode.is_strict()));
    }
    all.insert("BulkRequest".into(), bulk_request(rules.mode.is_strict()));
    all.insert("BulkResponse".into(), bulk_response());
    for schema in discovery() {
        all.insert(schema.resource_name().into(), json_schema::answered_discovery(&schema));
    }
    for listed in ["ResourceType", "Schema"] {
        all.insert(format!("{listed}List"), list(refer("schemas", listed)));
    }
    all.insert("Error".into(), error());
    Value::Object(all)
}
