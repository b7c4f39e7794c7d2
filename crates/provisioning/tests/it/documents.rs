//! Random people as an identity provider would send them: bodies with every attribute said, `null` where it is absent, so
//! that a PUT and a PATCH of them wish the same.

use proptest::prelude::*;
use scim_core::urn;
use serde_json::{Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The names that a body may carry.
pub(crate) const NAMES: &[&str] = &["ann", "bob", "eve", "Ann "];

fn text() -> impl Strategy<Value = String> + Clone {
    prop::sample::select(vec![
        "x",
        "it's \"quoted\" \\ {}[]:,",
        "x {\"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\":{}}",
        "urn:usher:params:scim:schemas:extension:seat:2.0:User\":",
        "\u{1f600} é \u{2028}",
        "a\tb\nc",
        "}",
        "{",
    ])
    .prop_map(str::to_owned)
}

fn elements() -> impl Strategy<Value = Value> + Clone {
    let kind = prop::option::of(prop::sample::select(vec!["work", "home"]));
    let element = (text(), kind, prop::option::of(any::<bool>()))
        .prop_map(|(value, kind, primary)| json!({ "value": value, "type": kind, "primary": primary }));
    prop::collection::vec(element, 0..3).prop_map(Value::Array)
}

/// A whole user.
pub(crate) fn bodies() -> impl Strategy<Value = Value> + Clone {
    let class = prop::sample::select(vec![
        json!("admin"),
        json!("user"),
        json!("Member"),
        json!("member_lite"),
        json!("Employee"),
        json!(""),
        json!(null),
    ]);
    let name = prop::sample::select(NAMES);
    let maybe = prop::option::of(text());
    // An external id is one line.
    let external_id = prop::option::of(text().prop_map(|text| text.replace(['\t', '\n'], " ")));
    let texts = (external_id, maybe.clone(), maybe.clone(), maybe.clone(), maybe);
    (name, class, prop::bool::weighted(0.7), texts, elements(), elements()).prop_map(
        |(name, class, active, (external_id, display, given, title, department), emails, roles)| {
            json!({
                "schemas": [urn::USER, ENTERPRISE],
                "userName": name,
                "externalId": external_id,
                "displayName": display,
                "name": { "givenName": given, "familyName": title },
                "title": title,
                "userType": class,
                "active": active,
                "emails": emails,
                "roles": roles,
                ENTERPRISE: { "department": department, "manager": { "value": department } },
            })
        },
    )
}

/// The body as operations with a path each, in the dialect of Entra.
pub(crate) fn with_paths(body: &Value) -> Value {
    let operations = body.as_object().unwrap().iter().filter(|(name, _)| *name != "schemas");
    operations.map(|(name, value)| json!({ "op": "Replace", "path": name, "value": value })).collect()
}

/// The body as one operation without a path, in the dialect of Okta.
pub(crate) fn without_path(body: &Value) -> Value {
    json!([{ "op": "replace", "value": body }])
}
