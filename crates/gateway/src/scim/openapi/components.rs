//! The parts of the document that operations name.

use provisioning::Rules;
use scim_core::{json_schema, schema::discovery};
use serde_json::{Map, Value, json};

use super::{
    exchange::{headers, parameters, refusals},
    messages::{bulk_request, bulk_response, error, list, patch, search_request},
    operations::refer,
};

/// Counted for users and groups, made of the text for what nobody writes.
pub(super) const ETAG: &str = "^W/\"[0-9a-f]+\"$";

pub(super) fn all(rules: &Rules) -> Value {
    json!({
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "A token of `usher token issue`."}},
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
        all.insert(rt.kind.name().into(), json_schema::answered(rt));
        all.insert(format!("{}List", rt.kind.name()), list(refer("schemas", rt.kind.name())));
    }
    let both = json!({"anyOf": [refer("schemas", rules.user.kind.name()), refer("schemas", rules.group.kind.name())]});
    all.insert("ResourceList".into(), list(both));
    all.insert("SearchRequest".into(), search_request(rules.strict));
    for rt in [&rules.user, &rules.group] {
        all.insert(format!("{}ToSend", rt.kind.name()), json_schema::sent(rt, rules.strict));
        all.insert(format!("{}Patch", rt.kind.name()), patch(rt, rules.strict));
    }
    all.insert("BulkRequest".into(), bulk_request(rules.strict));
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

/// An object whose other members are ignored.
pub(super) fn open(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "required": required, "properties": properties,
        "propertyNames": {"pattern": json_schema::TEXT}, "additionalProperties": {"$ref": json_schema::ANYTHING},
    })
}

/// An object of these members and no others.
pub(super) fn closed(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}
