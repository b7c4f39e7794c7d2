//! The schemas as JSON Schema, held to the schemas and to the parsers that decide requests.

use serde_json::{Value, json};

use super::*;
use crate::leniency::Tolerance;
use crate::patch::PatchRequest;
use crate::schema::Returned;
use crate::{ResourceKind, resource, schema, urn};

/// Every object schema in a document, with where it stands.
fn objects<'v>(value: &'v Value, at: String, found: &mut Vec<(String, &'v Value)>) {
    if value["type"] == "object" {
        found.push((at.clone(), value));
    }
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (format!("{at}/{k}"), v)).collect(),
        Value::Array(elements) => elements.iter().map(|v| (format!("{at}/-"), v)).collect(),
        _ => Vec::new(),
    };
    inner.into_iter().for_each(|(at, value)| objects(value, at, found));
}

#[test]
fn an_answer_has_every_attribute_that_is_ever_returned_and_no_other() {
    let user = answered(&schema::user());
    let properties = user["properties"].as_object().unwrap();
    for schema in [schema::user().common, schema::user().core] {
        for attribute in &schema.attributes {
            let told = attribute.returned != Returned::Never;
            assert_eq!(properties.contains_key(&attribute.name), told, "{}", attribute.name);
        }
    }
    assert!(!properties.contains_key("password"));
    assert_eq!(user["required"], json!(["schemas", "id"]));
    let urns = json!([urn::USER, urn::ENTERPRISE_USER, urn::SEAT, urn::USER_ORIGIN]);
    assert_eq!(properties["schemas"]["items"]["enum"], urns);
    assert_eq!(properties["meta"]["properties"]["resourceType"], json!({"const": "User"}));
    let mut found = Vec::new();
    objects(&user, String::new(), &mut found);
    assert!(found.len() > 10, "{}", found.len());
    assert!(found.iter().all(|(_, o)| o["additionalProperties"] == false), "{found:?}");
}

#[test]
fn what_is_sent_is_open_for_a_lenient_tenant_and_closed_for_a_strict_one() {
    for (strict, booleans) in [(false, json!(2)), (true, json!(null))] {
        let user = sent(&schema::user(), strict);
        let required = if strict { json!(["schemas", "userName"]) } else { json!(["userName"]) };
        assert_eq!(user["required"], required);
        let unknown = if strict { json!(false) } else { json!({"$ref": ANYTHING}) };
        assert_eq!(user["additionalProperties"], unknown);
        let properties = &user["properties"];
        for name in ["id", "meta", "groups", urn::SEAT, urn::USER_ORIGIN] {
            assert_eq!(properties[name]["readOnly"], true, "{name}");
        }
        assert!(properties["password"].is_object());
        let active = &properties["active"]["anyOf"][0];
        assert_eq!(active["anyOf"].as_array().map_or(Value::Null, |a| a.len().into()), booleans);
    }
    assert_eq!(sent(&schema::group(), true)["required"], json!(["schemas", "displayName"]));
}

#[test]
fn mc12_what_a_profile_requires_is_required() {
    let mut user = schema::user();
    user.require(&["emails".into()]);
    let sent = sent(&user, false);
    assert_eq!(sent["required"], json!(["userName", "emails"]));
    assert_eq!(sent["properties"]["emails"]["type"], "array");
}

/// Something that a value's schema allows.
fn sample(schema: &Value) -> Value {
    if let Some(first) = schema["anyOf"].get(0) {
        return sample(first);
    }
    match schema["type"].as_str() {
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        Some("array") => json!([sample(&schema["items"])]),
        Some("object") => {
            let properties = schema["properties"].as_object().unwrap().iter();
            properties.filter(|(_, p)| p["readOnly"] != true).map(|(n, p)| (n.clone(), sample(p))).collect()
        }
        _ => json!("AAAA"),
    }
}

#[test]
fn every_operation_that_is_described_is_understood_and_applied() {
    for (rt, body) in [
        (schema::user(), json!({"schemas": [urn::USER], "userName": "ada"})),
        (schema::group(), json!({"schemas": [urn::GROUP], "displayName": "Crew"})),
    ] {
        for strict in [false, true] {
            let tolerance = || if strict { Tolerance::strict() } else { Tolerance::lenient() };
            let mut document = resource::create(&rt, &body, &mut tolerance()).unwrap();
            resource::take_members(&mut document);
            let mut tried = 0;
            for kind in operations(&rt, strict) {
                let paths =
                    kind["properties"]["path"]["enum"].as_array().cloned().unwrap_or(vec![Value::Null]);
                let op = &kind["properties"]["op"];
                let ops = op["enum"].as_array().cloned().unwrap_or_else(|| vec![op["const"].clone()]);
                for (path, op) in paths.iter().flat_map(|path| ops.iter().map(move |op| (path, op))) {
                    let path = match &kind["properties"]["path"]["pattern"] {
                        Value::Null => path.clone(),
                        _ => json!("members[value eq \"x\"]"),
                    };
                    let mut operation = json!({"op": op});
                    if !path.is_null() {
                        operation["path"] = path;
                    }
                    if kind["properties"]["value"].is_object() {
                        operation["value"] = sample(&kind["properties"]["value"]);
                    }
                    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
                    let mut t = tolerance();
                    let request = PatchRequest::parse(&rt, &body, &mut t);
                    let (request, _) = request.unwrap_or_else(|e| panic!("{body}: {e}")).split_members();
                    request.apply(&rt, &document, &mut t).unwrap_or_else(|e| panic!("{body}: {e}"));
                    tried += 1;
                }
            }
            assert!(tried > if rt.kind == ResourceKind::User { 100 } else { 8 }, "{tried}");
        }
    }
}

#[test]
fn elements_are_chosen_by_the_types_that_the_schema_suggests() {
    let all = json!(operations(&schema::user(), false)).to_string();
    for path in ["emails[type eq \\\"work\\\"].value", "phoneNumbers[type eq \\\"fax\\\"]"] {
        assert!(all.contains(path), "{path}");
    }
}
