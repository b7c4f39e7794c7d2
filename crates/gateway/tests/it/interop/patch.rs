//! PATCH by the profile: what it says of paths, of `add` and of `replace`.

use serde_json::{Value, json};

use super::{ada, interop, operation, removal};
use crate::running::{ENTERPRISE, GROUP, new_group};

#[test]
fn a_patch_without_a_path_is_invalid_syntax_whatever_it_does() {
    let (_gateway, acme) = interop();
    let user = ada(&acme);
    let group = format!("/Groups/{}", new_group(&acme, "Crew", &[]));
    for path in [&user, &group] {
        for operation in [
            json!({ "op": "replace", "value": { "displayName": "x" } }),
            json!({ "op": "add", "value": { "displayName": "x" } }),
            json!({ "op": "remove" }),
            json!({ "op": "replace", "value": {} }),
            json!({ "op": "replace", "value": { GROUP: { "displayName": "x" } } }),
        ] {
            acme.patch(path, &json!([operation])).expect_error(400, "invalidSyntax");
        }
    }
    assert_eq!(acme.get(&user).expect(200).body.get("displayName"), None);
}

#[test]
fn what_no_schema_defines_is_invalid_syntax_in_a_patch() {
    let (_gateway, acme) = interop();
    let user = ada(&acme);
    for (at, value) in [
        ("shoeSize", json!("41")),
        ("name.nick", json!("x")),
        ("name", json!({ "nick": "x" })),
        ("name", json!({ "givenName": "Ada", "nick": "x" })),
        ("emails", json!([{ "value": "x@acme.example", "colour": "red" }])),
        ("emails[type eq \"work\"].colour", json!("red")),
        ("urn:example:unknown:2.0:User:desk", json!("1")),
        ("urn:example:unknown:2.0:User", json!({ "desk": "1" })),
        (ENTERPRISE, json!({ "desk": "1" })),
    ] {
        let refused = operation(&acme, &user, "replace", at, value);
        assert_eq!(
            (refused.status, refused.body["scimType"].as_str()),
            (400, Some("invalidSyntax")),
            "{at}: {}",
            refused.text
        );
    }
    assert_eq!(acme.get(&user).expect(200).body["name"]["givenName"], "Ada");
    // A filter that is none stays an invalid filter.
    operation(&acme, &user, "replace", "emails[", json!("x")).expect_error(400, "invalidFilter");
}

#[test]
fn add_is_replace_on_a_singular_simple_attribute() {
    let (_gateway, acme) = interop();
    let user = ada(&acme);
    for (op, title) in [("add", "Dr"), ("replace", "Prof"), ("add", "Dame")] {
        assert_eq!(operation(&acme, &user, op, "title", json!(title)).expect(200).body["title"], title);
    }
    let part = operation(&acme, &user, "add", "name.givenName", json!("Augusta")).expect(200);
    assert_eq!(part.body["name"], json!({ "givenName": "Augusta", "familyName": "Lovelace" }));
}

#[test]
fn add_merges_a_singular_complex_attribute_and_replace_replaces_it_whole() {
    let (_gateway, acme) = interop();
    let user = ada(&acme);
    let merged = operation(&acme, &user, "add", "name", json!({ "middleName": "King" })).expect(200);
    let whole = json!({ "familyName": "Lovelace", "givenName": "Ada", "middleName": "King" });
    assert_eq!(merged.body["name"], whole);
    let replaced = operation(&acme, &user, "replace", "name", json!({ "familyName": "Byron" })).expect(200);
    assert_eq!(replaced.body["name"], json!({ "familyName": "Byron" }));
    let part = operation(&acme, &user, "replace", "name.givenName", json!("Ada")).expect(200);
    assert_eq!(part.body["name"], json!({ "familyName": "Byron", "givenName": "Ada" }));
}

#[test]
fn replace_replaces_a_collection_and_add_appends_to_it() {
    let (_gateway, acme) = interop();
    let user = ada(&acme);
    let more = json!([{ "value": "ada@other.example", "type": "other" }]);
    let appended = operation(&acme, &user, "add", "emails", more.clone()).expect(200);
    assert_eq!(appended.body["emails"].as_array().unwrap().len(), 3);
    let replaced = operation(&acme, &user, "replace", "emails", more).expect(200);
    let values: Vec<&Value> =
        replaced.body["emails"].as_array().unwrap().iter().map(|one| &one["value"]).collect();
    assert_eq!(values, ["ada@other.example"]);
}

#[test]
fn a_path_with_a_filter_names_a_sub_attribute_and_remove_need_not() {
    let (_gateway, acme) = interop();
    let user = ada(&acme);
    for op in ["add", "replace"] {
        let value = json!({ "value": "x@acme.example" });
        operation(&acme, &user, op, "emails[type eq \"work\"]", value).expect_error(400, "invalidPath");
    }
    let part = operation(&acme, &user, "replace", "emails[type eq \"work\"].value", json!("al@acme.example"));
    assert_eq!(part.expect(200).body["emails"][0]["value"], "al@acme.example");
    let left = removal(&acme, &user, "emails[type eq \"home\"]").expect(200);
    assert_eq!(left.body["emails"].as_array().unwrap().len(), 1);
    // Members are removed by such a path.
    let id = user.trim_start_matches("/Users/");
    let group = format!("/Groups/{}", new_group(&acme, "Crew", &[id]));
    removal(&acme, &group, &format!("members[value eq \"{id}\"]")).expect(200);
    let value = json!({ "value": id });
    operation(&acme, &group, "replace", &format!("members[value eq \"{id}\"]"), value)
        .expect_error(400, "invalidPath");
}

#[test]
fn a_filter_that_selects_several_elements_is_an_invalid_filter() {
    let (_gateway, acme) = interop();
    let user = ada(&acme);
    let several = "emails[value co \"ada\"]";
    operation(&acme, &user, "replace", &format!("{several}.display"), json!("x"))
        .expect_error(400, "invalidFilter");
    removal(&acme, &user, several).expect_error(400, "invalidFilter");
    operation(&acme, &user, "replace", "emails[value sw \"ada@acme\"].display", json!("x")).expect(200);
}

#[test]
fn one_patch_changes_fifty_members_and_a_bulk_is_taken() {
    let (_gateway, acme) = interop();
    let ids: Vec<String> = (0..50)
        .map(|nth| acme.post("/Users", &super::body(&format!("u{nth}"), &json!({}))).expect(201).id())
        .collect();
    let group = format!("/Groups/{}", new_group(&acme, "Crew", &[]));
    let adding: Vec<Value> =
        ids.iter().map(|id| json!({ "op": "add", "path": "members", "value": [{ "value": id }] })).collect();
    acme.patch(&group, &adding.into()).expect(200);
    let removing: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))
        .collect();
    acme.patch(&group, &removing.into()).expect(200);
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "DELETE", "path": format!("/Users/{}", ids[0]) }],
    });
    assert_eq!(acme.post("/Bulk", &bulk).expect(200).body["Operations"][0]["status"], "204");
}
