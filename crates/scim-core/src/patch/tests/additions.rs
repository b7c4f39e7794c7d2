//! RFC 7644 §3.5.2.1: an `add` adds. Whatever is empty adds nothing, and no `add` takes anything away; and an empty object is not
//! null, in no operation.

use serde_json::json;

use super::*;
use crate::schema::{Extension, ResourceType};

const OWN: &str = "urn:example:params:scim:schemas:extension:own:2.0:User";

/// A user with attributes of a tenant's own, of every shape.
fn own() -> ResourceType {
    let mut rt = schema::user();
    let parts = json!([{"name": "value", "type": "string"}, {"name": "type", "type": "string"}]);
    let attributes = json!([
        {"name": "badge", "type": "string"},
        {"name": "seated", "type": "boolean"},
        {"name": "since", "type": "dateTime"},
        {"name": "level", "type": "integer"},
        {"name": "tags", "type": "string", "multiValued": true},
        {"name": "place", "type": "complex", "subAttributes": [{"name": "city", "type": "string"}]},
        {"name": "keys", "type": "complex", "multiValued": true, "subAttributes": parts},
    ]);
    let schema = json!({"id": OWN, "name": "Own", "description": "", "attributes": attributes});
    rt.add_extension(Extension { schema: serde_json::from_value(schema).unwrap(), required: false });
    rt
}

/// Every attribute kind, with a value.
fn laden() -> Value {
    json!({
        "userName": "ana", "name": {"familyName": "F", "givenName": "G"}, "title": "T", "userType": "admin", "active": true,
        "emails": [{"value": "w@x", "display": "d", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
        "addresses": [{"locality": "NY", "type": "work"}],
        "roles": [{"value": "old", "primary": true}],
        ENTERPRISE: {"department": "D", "manager": {"value": "m"}},
        OWN: {
            "badge": "B", "seated": true, "since": "2026-01-31T12:00:00Z", "level": 3, "tags": ["a", "b"],
            "place": {"city": "Bern"}, "keys": [{"value": "k", "type": "x"}]
        },
    })
}

fn apply(t: &mut Tolerance, operation: &Value) -> Result<Value, ScimError> {
    let rt = own();
    let Value::Object(current) = laden() else { unreachable!() };
    let request = PatchRequest::parse(&rt, &body(&json!([operation])), t)?;
    request.apply(&rt, &Document(current), t).map(|document| Value::Object(document.0))
}

fn both(operation: &Value) -> [Result<Value, ScimError>; 2] {
    [apply(&mut Tolerance::lenient(), operation), apply(&mut Tolerance::strict(), operation)]
}

fn own_path(name: &str) -> String {
    format!("{OWN}:{name}")
}

/// Paths where one simple value stands.
fn simple() -> Vec<String> {
    let mut paths: Vec<String> =
        ["title", "userType", "active", "name.givenName", "emails.display"].map(Into::into).into();
    paths.extend(["badge", "seated", "since", "level", "place.city", "keys.type"].map(own_path));
    for chosen in [
        "emails[type eq \"work\"].value",
        "emails[type eq \"work\"].primary",
        "addresses[type eq \"work\"].locality",
    ] {
        paths.push(chosen.into());
    }
    paths.push(own_path("keys[type eq \"x\"].value"));
    paths.push(format!("{ENTERPRISE}:department"));
    paths
}

/// Paths where a complex value, or elements, stand.
fn complex() -> Vec<String> {
    let mut paths: Vec<String> =
        ["name", "emails", "roles", "emails[type eq \"work\"]", "emails[value pr]", "roles[primary eq true]"]
            .map(Into::into)
            .into();
    paths.push(format!("{ENTERPRISE}:manager"));
    paths.push(format!("{ENTERPRISE}:manager[value eq \"m\"]"));
    paths.extend(["place", "keys", "keys[type eq \"x\"]"].map(own_path));
    paths
}

#[test]
fn an_add_of_what_is_empty_takes_nothing_away() {
    let empties = [json!(null), json!(""), json!([]), json!([null]), json!([""])];
    for path in
        simple().into_iter().chain(complex()).chain([own_path("tags"), own_path("tags[value eq \"a\"]")])
    {
        for empty in &empties {
            let operation = json!({"op": "add", "path": path, "value": empty});
            // A strict tenant has no array of one.
            let [lenient, strict] = both(&operation);
            assert_eq!(lenient, Ok(laden()), "{operation}");
            assert!(strict.is_err() || strict == Ok(laden()), "{operation}");
        }
    }
    for path in [ENTERPRISE, OWN] {
        for empty in empties.iter().chain([&json!({}), &json!([{}])]) {
            assert_eq!(
                both(&json!({"op": "add", "path": path, "value": empty})).map(Result::ok),
                [Some(laden()), Some(laden())]
            );
        }
    }
    let whole = json!({
        "title": null, "active": "", "userType": null, "name": {"givenName": null, "familyName": ""}, "emails": [], "roles": null,
        ENTERPRISE: {"department": "", "manager": null}, OWN: {"tags": [], "badge": null, "place": {"city": null}}
    });
    assert_eq!(apply(&mut Tolerance::lenient(), &json!({"op": "add", "value": whole})), Ok(laden()));
}

#[test]
fn an_add_of_empty_parts_takes_nothing_away() {
    for (path, value) in [
        ("name", json!({"givenName": null})),
        ("emails[type eq \"work\"]", json!({"display": null})),
        ("emails[type eq \"work\"]", json!({"value": "", "primary": null})),
        ("emails", json!([{"value": null, "type": "work"}])),
        ("addresses[type eq \"work\"]", json!({"locality": ""})),
        ("addresses[type eq \"home\"]", json!({"locality": ""})),
        ("manager", json!({"value": null})),
        (&own_path("keys[type eq \"x\"]"), json!({"value": null})),
        (&own_path("place"), json!({"city": ""})),
    ] {
        let operation = json!({"op": "add", "path": path, "value": value});
        assert_eq!(apply(&mut Tolerance::lenient(), &operation), Ok(laden()), "{operation}");
    }
    let beside = json!({"op": "add", "path": "name", "value": {"givenName": null, "familyName": "New"}});
    let after = apply(&mut Tolerance::lenient(), &beside).unwrap();
    assert_eq!(after["name"], json!({"familyName": "New", "givenName": "G"}));
}

#[test]
fn what_is_required_must_not_be_sent_empty() {
    for op in ["add", "replace"] {
        for empty in [json!(null), json!(""), json!([]), json!({})] {
            for outcome in both(&json!({"op": op, "path": "userName", "value": empty})) {
                let error = outcome.unwrap_err();
                assert_eq!(
                    (error.status, error.scim_type),
                    (400, Some(ScimType::InvalidValue)),
                    "{op} {empty}"
                );
            }
        }
    }
}

#[test]
fn an_empty_object_is_no_null() {
    for op in ["add", "replace"] {
        for path in simple() {
            let operation = json!({"op": op, "path": path, "value": {}});
            for outcome in both(&operation) {
                assert_eq!(outcome.unwrap_err().scim_type, Some(ScimType::InvalidValue), "{operation}");
            }
        }
        for path in complex() {
            for hollow in [json!({}), json!([{}])] {
                let operation = json!({"op": op, "path": path, "value": hollow});
                let outcome = apply(&mut Tolerance::lenient(), &operation);
                // Chosen elements would be replaced by nothing.
                let is_refused = op == "replace" && path.ends_with(']') && !path.contains("manager");
                assert_eq!(outcome.is_err(), is_refused, "{operation}: {outcome:?}");
                assert!(outcome.is_err() || outcome == Ok(laden()), "{operation}");
            }
        }
        for value in [
            json!({"name": {"givenName": {}}}),
            json!({"emails": [{"value": {}, "type": "work"}]}),
            json!({"active": {}}),
        ] {
            let operation = json!({"op": op, "value": value});
            assert!(apply(&mut Tolerance::lenient(), &operation).is_err(), "{operation}");
        }
        for value in [json!({}), json!({OWN: {}}), json!({"name": {}, "manager": {}})] {
            let operation = json!({"op": op, "value": value});
            assert_eq!(apply(&mut Tolerance::lenient(), &operation), Ok(laden()), "{operation}");
        }
        assert!(
            apply(&mut Tolerance::lenient(), &json!({"op": op, "path": own_path("tags"), "value": {}}))
                .is_err()
        );
    }
}

#[test]
fn a_replacement_that_leaves_nothing_of_an_element_is_refused_and_says_what_to_use() {
    for (path, value) in [
        ("emails[type eq \"work\"]", json!({"display": null})),
        ("emails[type eq \"work\"]", json!({"type": "work"})),
        ("emails[type eq \"work\"]", json!({"primary": true, "value": ""})),
        ("addresses[type eq \"work\"]", json!({"locality": null})),
        (&own_path("keys[type eq \"x\"]"), json!({"value": null})),
    ] {
        let error = apply(&mut Tolerance::lenient(), &json!({"op": "replace", "path": path, "value": value}))
            .unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        assert!(error.detail.contains("use remove"), "{error}");
    }
    for empty in [json!(null), json!(""), json!([])] {
        let operation = json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": empty});
        let after = apply(&mut Tolerance::lenient(), &operation).unwrap();
        assert_eq!(after["emails"], json!([{"value": "h@x", "type": "home"}]));
    }
}

#[test]
fn a_value_path_chooses_among_simple_values() {
    let tags = |op: &str, path: &str, value: Value| {
        let operation = json!({"op": op, "path": own_path(path), "value": value});
        apply(&mut Tolerance::lenient(), &operation)
            .map(|after| after[OWN].get("tags").cloned().unwrap_or_default())
    };
    for (op, path, value, expected) in [
        ("remove", "tags[value eq \"b\"]", json!(null), json!(["a"])),
        ("remove", "tags[value eq \"B\"].value", json!(null), json!(["a"])),
        ("remove", "tags[not (value sw \"a\")]", json!(null), json!(["a"])),
        ("remove", "tags[value eq \"z\"]", json!(null), json!(["a", "b"])),
        ("remove", "tags[value pr]", json!(null), json!(null)),
        ("remove", "tags", json!(["b"]), json!(["a"])),
        ("replace", "tags[value eq \"b\"]", json!("c"), json!(["a", "c"])),
        ("replace", "tags[value eq \"b\"].value", json!(["c"]), json!(["a", "c"])),
        ("replace", "tags[value eq \"b\"]", json!("a"), json!(["a"])),
        ("replace", "tags[value eq \"b\"]", json!(null), json!(["a"])),
        ("replace", "tags[value eq \"z\"]", json!(""), json!(["a", "b"])),
    ] {
        assert_eq!(tags(op, path, value.clone()), Ok(expected), "{op} {path} {value}");
    }
    for (op, path, value, expected) in [
        ("replace", "tags[value eq \"z\"]", json!("c"), ScimType::NoTarget),
        ("replace", "tags[value eq \"b\"]", json!(["c", "d"]), ScimType::InvalidValue),
        ("replace", "tags[value eq \"b\"]", json!({}), ScimType::InvalidValue),
        ("remove", "tags[type eq \"b\"]", json!(null), ScimType::InvalidFilter),
        ("remove", "badge[value eq \"B\"]", json!(null), ScimType::InvalidPath),
    ] {
        assert_eq!(tags(op, path, value).unwrap_err().scim_type, Some(expected), "{op} {path}");
    }
    let filter = |text: &str| crate::filter::Filter::parse(text, &own(), &mut Tolerance::lenient()).unwrap();
    let Value::Object(ana) = laden() else { unreachable!() };
    for (text, matches) in
        [("[value eq \"A\"]", true), ("[value eq \"z\"]", false), ("[value sw \"a\" and value pr]", true)]
    {
        assert_eq!(filter(&format!("{OWN}:tags{text}")).matches(&ana), matches, "{text}");
    }
}

#[test]
fn one_value_in_an_array_is_that_value_down_to_the_parts() {
    for (operation, expected) in [
        (
            json!({"op": "replace", "path": "name", "value": {"givenName": ["A"]}}),
            json!({"familyName": "F", "givenName": "A"}),
        ),
        (
            json!({"op": "replace", "path": "name.givenName", "value": ["A"]}),
            json!({"familyName": "F", "givenName": "A"}),
        ),
        (
            json!({"op": "replace", "value": {"name": [{"givenName": "A"}]}}),
            json!({"familyName": "F", "givenName": "A"}),
        ),
    ] {
        assert_eq!(apply(&mut Tolerance::lenient(), &operation).unwrap()["name"], expected, "{operation}");
        assert!(apply(&mut Tolerance::strict(), &operation).is_err(), "{operation}");
    }
    let several = json!({"op": "replace", "path": "name.givenName", "value": ["A", "B"]});
    assert!(apply(&mut Tolerance::lenient(), &several).is_err());
}
