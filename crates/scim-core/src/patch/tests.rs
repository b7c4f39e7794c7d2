//! What a PATCH does to a document: the RFC's examples, then what each identity provider sends.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::filter::Filter;
use crate::resource::Member;
use crate::schema;

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

fn body(operations: &Value) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": operations})
}

fn patch_as(tolerance: &mut Tolerance, current: &Value, operations: &Value) -> Result<Value, ScimError> {
    let rt = schema::user();
    let mut current = current.clone();
    let members = current.as_object_mut().unwrap();
    members.entry("userName").or_insert(json!("ana@x.example"));
    let request = PatchRequest::parse(&rt, &body(operations), tolerance)?;
    let mut after = request.apply(&rt, &Document(members.clone()), tolerance)?.0;
    if after.get("userName") == Some(&json!("ana@x.example")) {
        after.shift_remove("userName");
    }
    Ok(Value::Object(after))
}

fn patch(current: Value, operations: Value) -> Result<Value, ScimError> {
    patch_as(&mut Tolerance::lenient(), &current, &operations)
}

fn strict(current: Value, operations: Value) -> Result<Value, ScimError> {
    patch_as(&mut Tolerance::strict(), &current, &operations)
}

fn keyword(result: Result<Value, ScimError>) -> String {
    match result {
        Ok(document) => format!("2xx {document}"),
        Err(error) => format!(
            "{} {}",
            error.status,
            error.scim_type.map_or("", ScimType::keyword)
        ),
    }
}

/// One row: what is there, the operations, what is there afterwards, also when an identity provider repeats them.
fn check(rows: Vec<(Value, Value, Value)>) {
    for (current, operations, expected) in rows {
        let after = patch(current, operations.clone());
        assert_eq!(
            after.as_ref().map_err(ToString::to_string),
            Ok(&expected),
            "{operations}"
        );
        let again = patch(expected.clone(), operations.clone()).unwrap();
        let removes_by_filter_on_what_changed = operations.to_string().contains("not idempotent");
        assert!(
            again == expected || removes_by_filter_on_what_changed,
            "{operations} twice gives {again}"
        );
    }
}

fn refused(rows: Vec<(Value, &str)>) {
    let current = json!({"displayName": "Ana", "emails": [{"type": "work", "value": "a@x"}]});
    for (operation, expected) in rows {
        assert_eq!(
            keyword(patch(current.clone(), json!([operation]))),
            expected,
            "{operation}"
        );
    }
}

fn babs() -> Value {
    json!({
        "userName": "bjensen",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"}
        ],
        "addresses": [
            {"type": "work", "streetAddress": "1 Old Street", "locality": "Hollywood", "primary": true},
            {"type": "home", "streetAddress": "456 Side Street"}
        ]
    })
}

fn babs_with(changes: &[(&str, Value)]) -> Value {
    let mut user = babs();
    for (name, value) in changes {
        user[name] = value.clone();
    }
    user
}

#[test]
fn rfc_7644_section_3_5_2_1_examples_of_add() {
    let added = json!({"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickName": "Babs"});
    check(vec![
        (
            json!({}),
            json!([{"op": "add", "value": added}]),
            json!({"nickName": "Babs", "emails": added["emails"]}),
        ),
        (
            json!({"title": "One"}),
            json!([{"op": "add", "path": "title", "value": "Two"}]),
            json!({"title": "Two"}),
        ),
        (
            json!({"name": {"givenName": "Ana"}}),
            json!([{"op": "add", "path": "name", "value": {"familyName": "X"}}]),
            json!({"name": {"familyName": "X", "givenName": "Ana"}}),
        ),
        (
            json!({"emails": [{"type": "work", "value": "a@x"}]}),
            json!([{"op": "add", "path": "emails", "value": [{"type": "work", "value": "A@X"}, {"value": "b@x"}]}]),
            json!({"emails": [{"type": "work", "value": "A@X"}, {"value": "b@x"}]}),
        ),
    ]);
}

#[test]
fn rfc_7644_section_3_5_2_2_examples_of_remove() {
    let home = json!([{"value": "babs@jensen.org", "type": "home"}]);
    check(vec![
        (
            babs(),
            json!([{"op": "remove", "path": "emails[type eq \"work\" and value ew \"example.com\"]"}]),
            babs_with(&[("emails", home)]),
        ),
        (
            json!({"title": "x"}),
            json!([{"op": "remove", "path": "title"}]),
            json!({}),
        ),
        (
            json!({"emails": [{"value": "a@x", "display": "A"}, {"value": "b@x", "display": "B"}]}),
            json!([{"op": "remove", "path": "emails.display"}]),
            json!({"emails": [{"value": "a@x"}, {"value": "b@x"}]}),
        ),
        (
            json!({"emails": [{"value": "a@x"}]}),
            json!([{"op": "remove", "path": "emails[value eq \"a@x\"]"}]),
            json!({}),
        ),
        (
            json!({"name": {"givenName": "Ana"}}),
            json!([{"op": "remove", "path": "name.givenName"}]),
            json!({}),
        ),
    ]);
}

#[test]
fn rfc_7644_section_3_5_2_3_examples_of_replace() {
    let work = json!({
        "type": "work", "streetAddress": "911 Universal City Plaza", "locality": "Hollywood",
        "region": "CA", "postalCode": "91608", "country": "US",
        "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US", "primary": true
    });
    let home = babs()["addresses"][1].clone();
    check(vec![
        (
            babs(),
            json!([{"op": "replace", "path": "addresses[type eq \"work\"]", "value": work}]),
            babs_with(&[("addresses", json!([work, home]))]),
        ),
        (
            babs(),
            json!([{"op": "replace", "path": "addresses[type eq \"work\"].streetAddress", "value": "1010 Broadway Ave"}]),
            babs_with(&[(
                "addresses",
                json!([
                    {"type": "work", "streetAddress": "1010 Broadway Ave", "locality": "Hollywood", "primary": true},
                    home
                ]),
            )]),
        ),
        (
            babs(),
            json!([{"op": "replace", "value": {
                "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}],
                "nickName": "Babs"
            }}]),
            babs_with(&[
                (
                    "emails",
                    json!([{"value": "bjensen@example.com", "type": "work", "primary": true}]),
                ),
                ("nickName", json!("Babs")),
            ]),
        ),
    ]);
}

#[test]
fn entra_makes_the_element_that_a_value_path_names() {
    check(vec![
        (
            json!({}),
            json!([{"op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@x"}]),
            json!({"emails": [{"value": "a@x", "type": "work"}]}),
        ),
        (
            json!({}),
            json!([{"op": "Add", "path": "addresses[type eq \"other\"].Formatted", "value": "Room 7"}]),
            json!({"addresses": [{"formatted": "Room 7", "type": "other"}]}),
        ),
        (
            json!({}),
            json!([
                {"op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "18/2111"},
                {"op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "Bern"},
                {"op": "Replace", "path": "addresses[type eq \"work\"].country", "value": "CH"}
            ]),
            json!({"addresses": [{"formatted": "18/2111", "locality": "Bern", "country": "CH", "type": "work"}]}),
        ),
        (
            json!({}),
            json!([{"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Admin"}]),
            json!({"roles": [{"value": "Admin", "primary": true}]}),
        ),
        (
            json!({"roles": [{"value": "Admin", "primary": true}, {"value": "Other", "primary": false}]}),
            json!([{"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "User"}]),
            json!({"roles": [{"value": "User", "primary": true}, {"value": "Other", "primary": false}]}),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": "emails[type eq \"work\"]", "value": {"value": "a@x", "primary": "True"}}]),
            json!({"emails": [{"value": "a@x", "type": "work", "primary": true}]}),
        ),
    ]);
}

#[test]
fn a_value_path_that_matches_nothing() {
    let other = "emails[value eq \"nobody@x\"].display";
    let absent = "emails[type eq \"home\"].value";
    let mails = json!({"emails": [{"value": "a@x", "type": "work"}]});
    let rows = [
        (
            json!({"op": "replace", "path": other, "value": "x"}),
            "400 noTarget",
            "400 noTarget",
        ),
        (
            json!({"op": "add", "path": other, "value": "x"}),
            "400 noTarget",
            "400 noTarget",
        ),
        (json!({"op": "remove", "path": other}), "same", "same"),
        (
            json!({"op": "remove", "path": "emails[type eq \"home\"]"}),
            "same",
            "same",
        ),
        (
            json!({"op": "replace", "path": absent, "value": ""}),
            "same",
            "400 noTarget",
        ),
        (
            json!({"op": "replace", "path": absent, "value": null}),
            "same",
            "400 noTarget",
        ),
        (
            json!({"op": "replace", "path": absent, "value": "x"}),
            "made",
            "400 noTarget",
        ),
        (json!({"op": "add", "path": absent, "value": "x"}), "made", "made"),
        (
            json!({"op": "replace", "path": "photos.display", "value": "x"}),
            "400 noTarget",
            "400 noTarget",
        ),
        (json!({"op": "remove", "path": "photos.display"}), "same", "same"),
    ];
    let made = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "x", "type": "home"}]});
    let word = |expected: &str| match expected {
        "same" => format!("2xx {mails}"),
        "made" => format!("2xx {made}"),
        keyword => keyword.to_owned(),
    };
    for (operation, lenient, strictly) in rows {
        assert_eq!(
            keyword(patch(mails.clone(), json!([operation]))),
            word(lenient),
            "{operation}"
        );
        assert_eq!(
            keyword(strict(mails.clone(), json!([operation]))),
            word(strictly),
            "strict {operation}"
        );
    }
}

#[test]
fn the_sequence_of_the_public_entra_validator() {
    let path = |kind: &str, sub: &str| format!("emails[type eq \"{kind}\"].{sub}");
    check(vec![(
        json!({"emails": [{"primary": true, "type": "work", "value": "ve@x"}]}),
        json!([
            {"op": "replace", "path": path("work", "value"), "value": "ve1@x"},
            {"op": "add", "path": path("home", "value"), "value": "ve2@x"},
            {"op": "add", "path": path("other", "value"), "value": "ve3@x"},
            {"op": "replace", "path": path("home", "display"), "value": "H"},
            {"op": "add", "path": path("work", "primary"), "value": false},
            {"op": "replace", "path": path("home", "primary"), "value": true},
            {"op": "replace", "path": path("other", "primary"), "value": false}
        ]),
        json!({"emails": [
            {"value": "ve1@x", "type": "work", "primary": false},
            {"value": "ve2@x", "display": "H", "type": "home", "primary": true},
            {"value": "ve3@x", "type": "other", "primary": false}
        ]}),
    )]);
}

#[test]
fn a_new_primary_takes_it_from_the_others() {
    let two = json!({"emails": [{"value": "a@x", "primary": false}, {"value": "b@x", "primary": true}]});
    check(vec![
        (
            json!({"emails": [{"value": "a@x", "primary": true}]}),
            json!([{"op": "add", "path": "emails", "value": [{"value": "b@x", "primary": true}]}]),
            two.clone(),
        ),
        (
            two,
            json!([{"op": "replace", "path": "emails[value eq \"a@x\"].primary", "value": "true"}]),
            json!({"emails": [{"value": "a@x", "primary": true}, {"value": "b@x", "primary": false}]}),
        ),
    ]);
}

#[test]
fn values_without_path_have_paths_as_keys() {
    check(vec![
        (
            json!({"name": {"formatted": "F", "givenName": "A"}}),
            json!([{"op": "replace", "value": {
                "displayName": "Bjfe",
                "name.givenName": "Kkom",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber": "7",
                "emails[type eq \"work\"].value": "a@x",
                "urn:ietf:params:scim:schemas:core:2.0:User:title": "T"
            }}]),
            json!({
                "name": {"formatted": "F", "givenName": "Kkom"}, "displayName": "Bjfe", "title": "T",
                "emails": [{"value": "a@x", "type": "work"}], ENTERPRISE: {"employeeNumber": "7"}
            }),
        ),
        // Okta and authentik: read-only keys and schemas come back with the rest.
        (
            json!({}),
            json!([{"op": "replace", "value": {
                "schemas": [urn::USER, "urn:other"], "id": "x", "meta": {"created": "y"}, "groups": [{"value": "g"}],
                urn::SEAT: {"role": "admin"}, "displayName": "D", "isAdmin": true, "password": "secret"
            }}]),
            json!({"displayName": "D"}),
        ),
        (
            json!({}),
            json!([{"op": "replace", "value": {"id": "x"}}]),
            json!({}),
        ),
        (json!({}), json!([{"op": "replace", "value": {}}]), json!({})),
        (
            json!({"active": true}),
            json!([{"op": "replace", "value": [{"active": "False"}]}]),
            json!({"active": false}),
        ),
        // A whole extension, and clearing it.
        (
            json!({}),
            json!([{"op": "add", "value": {ENTERPRISE: {"department": "D", "nope": 1, "manager": "m"}}}]),
            json!({ENTERPRISE: {"department": "D", "manager": {"value": "m"}}}),
        ),
        (
            json!({ENTERPRISE: {"costCenter": "C"}}),
            json!([{"op": "replace", "path": ENTERPRISE, "value": {"department": "D"}}]),
            json!({ENTERPRISE: {"costCenter": "C", "department": "D"}}),
        ),
        (
            json!({ENTERPRISE: {"costCenter": "C"}}),
            json!([{"op": "remove", "path": ENTERPRISE}]),
            json!({}),
        ),
        (
            json!({ENTERPRISE: {"costCenter": "C"}}),
            json!([{"op": "replace", "value": {ENTERPRISE: null}}]),
            json!({}),
        ),
    ]);
}

#[test]
fn a_strict_tenant_gets_the_letter_of_the_rfc() {
    for operation in [
        json!({"op": "replace", "value": {"name.givenName": "x"}}),
        json!({"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:title": "x"}}),
        json!({"op": "replace", "value": {"displayName": "x", "nope": 1}}),
        json!({"op": "replace", "value": {}}),
        json!({"op": "replace", "value": [{"active": true}]}),
        json!({"op": "replace", "path": "active", "value": "True"}),
        json!({"op": "replace", "path": "name", "value": {"givenName": "x", "nope": "y"}}),
    ] {
        assert!(
            keyword(strict(json!({}), json!([operation]))).starts_with("400"),
            "{operation}"
        );
    }
    assert_eq!(strict(json!({}), json!([])).map_err(|e| e.status), Err(400));
    let capital = json!([{"op": "ADD", "path": "DISPLAYNAME", "value": "x"}]);
    assert_eq!(strict(json!({}), capital), Ok(json!({"displayName": "x"})));
}

#[test]
fn a_manager_has_four_shapes_and_three_ways_to_go() {
    let path = format!("{ENTERPRISE}:manager");
    let with = |id: &str| json!({ENTERPRISE: {"manager": {"value": id}}});
    let mut rows = Vec::new();
    for op in ["Add", "replace"] {
        rows.push((
            json!({}),
            json!([{"op": op, "path": path, "value": "b1"}]),
            with("b1"),
        ));
        rows.push((
            with("b0"),
            json!([{"op": op, "path": path, "value": {"value": "b1", "displayName": "B"}}]),
            with("b1"),
        ));
        rows.push((
            with("b0"),
            json!([{"op": op, "path": "manager", "value": [{"$ref": "r", "value": "b1"}]}]),
            with("b1"),
        ));
        rows.push((
            with("b0"),
            json!([{"op": op, "path": format!("{path}.value"), "value": "b1"}]),
            with("b1"),
        ));
        for empty in [
            json!(""),
            json!(null),
            json!({"value": ""}),
            json!([]),
            json!([null]),
        ] {
            rows.push((
                with("b0"),
                json!([{"op": op, "path": path, "value": empty}]),
                json!({}),
            ));
        }
        rows.push((
            with("b0"),
            json!([{"op": op, "path": "manager.value", "value": ""}]),
            json!({}),
        ));
        rows.push((
            with("b0"),
            json!([{"op": op, "path": path, "value": {"displayName": "B"}}]),
            with("b0"),
        ));
    }
    rows.push((
        with("b0"),
        json!([{"op": "Remove", "path": path, "value": "never"}]),
        json!({}),
    ));
    rows.push((
        with("b0"),
        json!([{"op": "Remove", "path": "manager"}]),
        json!({}),
    ));
    rows.push((
        with("b0"),
        json!([{"op": "Remove", "path": "manager[value eq \"b0\"]"}]),
        json!({}),
    ));
    rows.push((
        with("b0"),
        json!([{"op": "Remove", "path": "manager[value eq \"b9\"]"}]),
        with("b0"),
    ));
    rows.push((
        with("b0"),
        json!([{"op": "Remove", "path": "manager.value"}]),
        json!({}),
    ));
    check(rows);
}

#[test]
fn empty_values_clear_whether_or_not_anything_was_there() {
    let mut rows = Vec::new();
    for empty in [json!(""), json!(null), json!([])] {
        for current in [json!({"title": "T"}), json!({})] {
            rows.push((
                current.clone(),
                json!([{"op": "replace", "path": "title", "value": empty}]),
                json!({}),
            ));
            rows.push((
                current,
                json!([{"op": "replace", "value": {"title": empty}}]),
                json!({}),
            ));
        }
        let phones = json!({"phoneNumbers": [{"type": "work", "value": "1", "primary": true}]});
        let work = "phoneNumbers[type eq \"work\"]";
        rows.push((
            phones.clone(),
            json!([{"op": "replace", "path": "phoneNumbers", "value": empty}]),
            json!({}),
        ));
        rows.push((
            phones.clone(),
            json!([{"op": "replace", "path": work, "value": empty}]),
            json!({}),
        ));
        rows.push((
            phones.clone(),
            json!([{"op": "replace", "path": format!("{work}.value"), "value": empty}]),
            json!({}),
        ));
        rows.push((
            phones.clone(),
            json!([{"op": "add", "path": "phoneNumbers", "value": empty}]),
            phones,
        ));
        rows.push((
            json!({"active": true}),
            json!([{"op": "replace", "path": "active", "value": empty}]),
            json!({}),
        ));
    }
    rows.push((
        json!({"active": true}),
        json!([{"op": "remove", "path": "active"}]),
        json!({}),
    ));
    check(rows);
    for empty in [json!(""), json!(null)] {
        let operation = json!([{"op": "replace", "path": "userName", "value": empty}]);
        assert_eq!(keyword(patch(json!({}), operation)), "400 invalidValue");
    }
    assert_eq!(
        keyword(patch(json!({}), json!([{"op": "remove", "path": "userName"}]))),
        "400 invalidValue"
    );
}

#[test]
fn remove_with_a_value_never_writes_it_and_takes_only_what_is_listed() {
    let mails = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}]});
    check(vec![
        (
            json!({"title": "T"}),
            json!([{"op": "Remove", "path": "title", "value": "other"}]),
            json!({}),
        ),
        (
            mails.clone(),
            json!([{"op": "Remove", "path": "emails[type eq \"work\"].value", "value": "never@x"}]),
            json!({"emails": [{"value": "b@x"}]}),
        ),
        (
            mails.clone(),
            json!([{"op": "Remove", "path": "emails", "value": [{"value": "A@x"}]}]),
            json!({"emails": [{"value": "b@x"}]}),
        ),
        (
            mails.clone(),
            json!([{"op": "Remove", "path": "emails", "value": []}]),
            mails.clone(),
        ),
        (
            mails.clone(),
            json!([{"op": "Remove", "path": "emails", "value": [{"value": "z@x"}]}]),
            mails.clone(),
        ),
        (mails, json!([{"op": "Remove", "path": "emails"}]), json!({})),
    ]);
}

#[test]
fn entra_roles_with_json_in_value_become_roles() {
    let packed = |id: &str| json!({"value": format!("{{\"id\":\"{id}\",\"value\":\"{id}\",\"displayName\":\"Role{id}\"}}")});
    check(vec![(
        json!({}),
        json!([{"op": "Add", "path": "roles", "value": [packed("25"), packed("26")]}]),
        json!({"roles": [{"value": "25", "display": "Role25"}, {"value": "26", "display": "Role26"}]}),
    )]);
}

#[test]
fn booleans_come_as_words_and_leave_as_booleans() {
    for (word, expected) in [("True", true), ("false", false), ("FALSE", false)] {
        for op in ["Add", "Replace", "REPLACE"] {
            let after = patch(json!({}), json!([{"op": op, "path": "active", "value": word}]));
            assert_eq!(after, Ok(json!({"active": expected})));
        }
    }
    refused(vec![
        (
            json!({"op": "replace", "path": "active", "value": "maybe"}),
            "400 invalidValue",
        ),
        (
            json!({"op": "replace", "path": "active", "value": 1}),
            "400 invalidValue",
        ),
        (
            json!({"op": "replace", "value": {"active": {}, "displayName": 1}}),
            "400 invalidValue",
        ),
    ]);
}

#[test]
fn what_is_not_understood_is_refused() {
    refused(vec![
        (
            json!({"op": "replace", "path": "nope", "value": "x"}),
            "400 invalidPath",
        ),
        (json!({"op": "remove", "path": "nope"}), "400 invalidPath"),
        (
            json!({"op": "replace", "path": "name.nope", "value": "x"}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "path": "", "value": "x"}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "path": 7, "value": "x"}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "value": {"nope": "x"}}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "value": {"name": {"nope": "x"}}}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "value": {ENTERPRISE: {"nope": "x"}}}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "path": "name", "value": {"nope": "x"}}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails", "value": [{"nope": "x"}]}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"nope": "x"}}),
            "400 invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": 7}),
            "400 invalidValue",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq]", "value": "x"}),
            "400 invalidFilter",
        ),
        (
            json!({"op": "replace", "path": "name[", "value": "x"}),
            "400 invalidFilter",
        ),
        (
            json!({"op": "replace", "path": "displayName", "value": 7}),
            "400 invalidValue",
        ),
        (
            json!({"op": "replace", "path": "name", "value": "Ana"}),
            "400 invalidValue",
        ),
        (json!({"op": "replace", "value": "Ana"}), "400 invalidValue"),
        (json!({"op": "replace", "value": ["Ana"]}), "400 invalidValue"),
        (
            json!({"op": "replace", "path": "displayName"}),
            "400 invalidValue",
        ),
        (
            json!({"op": "replace", "path": "schemas", "value": "x"}),
            "2xx {\"displayName\":\"Ana\",\"emails\":[{\"value\":\"a@x\",\"type\":\"work\"}]}",
        ),
        (json!({"op": "remove", "path": "schemas"}), "400 mutability"),
        (json!({"op": "remove"}), "400 noTarget"),
        (
            json!({"op": "remove", "value": {"displayName": "x"}}),
            "400 noTarget",
        ),
        (
            json!({"op": "move", "path": "title", "value": "x"}),
            "400 invalidSyntax",
        ),
        (json!({"path": "title", "value": "x"}), "400 invalidSyntax"),
        (json!("add"), "400 invalidSyntax"),
        (
            json!({"op": "replace", "path": "password", "value": 7}),
            "400 invalidValue",
        ),
        (
            json!({"op": "replace", "path": "password", "value": {"a": 1}}),
            "400 invalidValue",
        ),
    ]);
}

#[test]
fn attack_26_to_29_rights_and_read_only_attributes_are_out_of_reach() {
    for path in [
        "id",
        "ID",
        "meta",
        "meta.created",
        "groups",
        "groups[value eq \"g\"]",
        "groups.value",
        urn::SEAT,
        &format!("{}:role", urn::SEAT),
        "manager.displayName",
        "urn:ietf:params:scim:schemas:core:2.0:User:id",
    ] {
        for op in ["add", "replace", "remove"] {
            let operation = json!({"op": op, "path": path, "value": "x"});
            assert_eq!(
                keyword(patch(json!({}), json!([operation]))),
                "400 mutability",
                "{operation}"
            );
        }
    }
    refused(vec![
        (
            json!({"op": "add", "path": "isAdmin", "value": true}),
            "400 invalidPath",
        ),
        (
            json!({"op": "add", "path": "tenantId", "value": "x"}),
            "400 invalidPath",
        ),
        (
            json!({"op": "add", "value": {"passwordHash": "x", "created_at": "y"}}),
            "400 invalidPath",
        ),
    ]);
}

#[test]
fn a_password_is_taken_and_goes_nowhere() {
    for operation in [
        json!({"op": "replace", "path": "password", "value": "s3cret"}),
        json!({"op": "replace", "value": {"password": "s3cret"}}),
        json!({"op": "remove", "path": "password"}),
    ] {
        assert_eq!(
            patch(json!({"title": "T"}), json!([operation])),
            Ok(json!({"title": "T"}))
        );
    }
}

#[test]
fn attack_36_and_38_deep_paths_and_many_operations_are_refused() {
    for path in [
        ".".repeat(20_000),
        "emails[".repeat(20_000),
        format!("emails[{}", "not (".repeat(700)),
    ] {
        assert!(
            keyword(patch(
                json!({}),
                json!([{"op": "add", "path": path, "value": "x"}])
            ))
            .starts_with("400")
        );
    }
    let many = vec![json!({"op": "remove", "path": "title"}); PatchRequest::MAX_OPERATIONS + 1];
    assert_eq!(keyword(patch(json!({}), Value::Array(many))), "413 ");
    let elements: Vec<Value> = (0..1_500).map(|n| json!({"value": format!("{n}@x")})).collect();
    let more: Vec<Value> = (0..1_500).map(|n| json!({"value": format!("{n}@y")})).collect();
    let twice = json!([{"op": "add", "path": "emails", "value": elements}, {"op": "add", "path": "emails", "value": more}]);
    assert_eq!(keyword(patch(json!({}), twice)), "400 invalidValue");
}

#[test]
fn a_patch_needs_its_schema_and_its_operations() {
    let rt = schema::user();
    let parse = |body: Value| {
        let result = PatchRequest::parse(&rt, &body, &mut Tolerance::lenient());
        result
            .map(|r| r.operations.len())
            .map_err(|e| e.scim_type.unwrap().keyword())
    };
    let operations = json!([{"op": "remove", "path": "title"}]);
    let upper = urn::PATCH_OP.to_ascii_uppercase();
    assert_eq!(
        parse(json!({"schemas": [urn::PATCH_OP], "Operations": operations})),
        Ok(1)
    );
    assert_eq!(
        parse(json!({"SCHEMAS": ["x", upper], "operations": operations})),
        Ok(1)
    );
    assert_eq!(
        parse(json!({"schemas": [urn::PATCH_OP], "Operations": []})),
        Ok(0)
    );
    for bad in [
        json!({"Operations": operations}),
        json!({"schemas": [], "Operations": operations}),
        json!({"schemas": urn::PATCH_OP, "Operations": operations}),
        json!({"schemas": [urn::USER], "Operations": operations}),
        json!({"schemas": [urn::PATCH_OP]}),
        json!({"schemas": [urn::PATCH_OP], "Operations": {}}),
        json!({"schemas": [urn::PATCH_OP], "Operations": null}),
        // OneLogin's SCIM 1.1 connector.
        json!({"members": [{"value": "u1", "operation": "delete"}]}),
        json!([]),
    ] {
        assert_eq!(parse(bad.clone()), Err("invalidSyntax"), "{bad}");
    }
}

#[test]
fn a_patch_happens_in_full_or_not_at_all() {
    let rt = schema::user();
    let mut tolerance = Tolerance::lenient();
    let current = Document(
        json!({"userName": "a", "title": "T"})
            .as_object()
            .unwrap()
            .clone(),
    );
    let operations =
        json!([{"op": "replace", "path": "title", "value": "X"}, {"op": "remove", "path": "userName"}]);
    let request = PatchRequest::parse(&rt, &body(&operations), &mut tolerance).unwrap();
    assert!(request.apply(&rt, &current, &mut tolerance).is_err());
    assert_eq!(current.str("title"), Some("T"));
    let broken = patch(
        json!({}),
        json!([{"op": "add", "path": "title", "value": "X"}, {"op": "add", "path": "name[", "value": 1}]),
    );
    assert!(broken.unwrap_err().detail.starts_with("Operation 2: "));
}

fn member_changes(
    tolerance: &mut Tolerance,
    operations: &Value,
) -> Result<(PatchRequest, Vec<MemberChange>), ScimError> {
    PatchRequest::parse(&schema::group(), &body(operations), tolerance)?.split_members()
}

fn changes(operations: Value) -> Result<Vec<MemberChange>, ScimError> {
    member_changes(&mut Tolerance::lenient(), &operations).map(|(_, changes)| changes)
}

fn people(ids: &[&str]) -> Vec<Member> {
    ids.iter()
        .map(|id| Member {
            value: (*id).into(),
            display: None,
            kind: None,
        })
        .collect()
}

fn values(ids: &[&str]) -> MemberChange {
    MemberChange::Remove(MemberSelection::Values(
        ids.iter().map(|id| (*id).to_owned()).collect(),
    ))
}

#[test]
fn every_dialect_of_group_membership_is_a_change_to_a_set() {
    for (operation, expected) in [
        (
            json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "u1"}, {"value": "u2", "x": 1}]}),
            vec![MemberChange::Add(people(&["u1", "u2"]))],
        ),
        (
            json!({"op": "add", "path": "members", "value": {"value": "u1"}}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (
            json!({"op": "add", "path": "Members", "value": "u1"}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (
            json!({"op": "add", "path": "members", "value": ["u1"]}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (
            json!({"op": "add", "value": {"members": [{"value": "u1"}]}}),
            vec![MemberChange::Add(people(&["u1"]))],
        ),
        (json!({"op": "add", "path": "members", "value": []}), vec![]),
        (
            json!({"op": "replace", "path": "members", "value": []}),
            vec![MemberChange::Replace(vec![])],
        ),
        (
            json!({"op": "replace", "value": {"members": [], "id": "g"}}),
            vec![MemberChange::Replace(vec![])],
        ),
        (
            json!({"op": "replace", "path": "members", "value": [{"value": "u1"}]}),
            vec![MemberChange::Replace(people(&["u1"]))],
        ),
        (json!({"op": "replace", "value": {"displayName": "x"}}), vec![]),
        (
            json!({"op": "remove", "path": "members"}),
            vec![MemberChange::Remove(MemberSelection::All)],
        ),
        (
            json!({"op": "remove", "path": "members", "value": []}),
            vec![values(&[])],
        ),
        (
            json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u2"}, {"value": "u3"}]}),
            vec![values(&["u2", "u3"])],
        ),
        (
            json!({"op": "remove", "path": "members", "value": {"value": "u2"}}),
            vec![values(&["u2"])],
        ),
        (
            json!({"op": "remove", "path": "members", "value": "u2"}),
            vec![values(&["u2"])],
        ),
        (
            json!({"op": "remove", "path": "members[value eq \"u2\"]"}),
            vec![values(&["u2"])],
        ),
        (
            json!({"op": "remove", "path": "members[value eq \"u2\" or Value EQ \"u3\"]"}),
            vec![values(&["u2", "u3"])],
        ),
    ] {
        assert_eq!(changes(json!([operation])), Ok(expected), "{operation}");
    }
}

#[test]
fn remove_with_another_filter_is_judged_by_the_directory() {
    let change = changes(json!([{"op": "remove", "path": "members[type eq \"Group\"]"}])).unwrap();
    let [MemberChange::Remove(MemberSelection::Matching(filter))] = change.as_slice() else {
        panic!("{change:?}")
    };
    assert!(filter.matches(json!({"value": "g1", "type": "Group"}).as_object().unwrap()));
    assert!(matches!(filter, Filter::Compare { .. }));
}

#[test]
fn members_are_told_apart_from_the_groups_own_attributes() {
    let operations = json!([
        {"op": "replace", "path": "displayName", "value": "New"},
        {"op": "add", "path": "members", "value": [{"value": "u1", "display": "Ana", "type": "User"}]},
        {"op": "remove", "path": "members[value eq \"u2\"]"},
        {"op": "replace", "value": {"id": "g", "externalId": "e", "schemas": [urn::GROUP]}}
    ]);
    let mut tolerance = Tolerance::lenient();
    let (request, changes) = member_changes(&mut tolerance, &operations).unwrap();
    let ana = Member {
        value: "u1".into(),
        display: Some("Ana".into()),
        kind: Some("User".into()),
    };
    assert_eq!(changes, [MemberChange::Add(vec![ana]), values(&["u2"])]);
    let group = Document(json!({"displayName": "Old"}).as_object().unwrap().clone());
    let after = request.apply(&schema::group(), &group, &mut tolerance).unwrap();
    assert_eq!(
        Value::Object(after.0),
        json!({"externalId": "e", "displayName": "New"})
    );
}

#[test]
fn a_membership_that_is_not_understood_is_refused() {
    for (operation, expected) in [
        (
            json!({"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u2"}),
            "mutability",
        ),
        (
            json!({"op": "replace", "path": "members[value eq \"u1\"].display", "value": "u2"}),
            "mutability",
        ),
        (json!({"op": "remove", "path": "members.value"}), "mutability"),
        (
            json!({"op": "add", "path": "members[value eq \"u1\"]", "value": {"value": "u1"}}),
            "noTarget",
        ),
        (
            json!({"op": "add", "path": "members", "value": [{"display": "x"}]}),
            "invalidValue",
        ),
        (
            json!({"op": "add", "path": "members", "value": [{"value": 7}]}),
            "invalidValue",
        ),
        (
            json!({"op": "add", "path": "members", "value": 7}),
            "invalidValue",
        ),
        (
            json!({"op": "remove", "path": "members", "value": ""}),
            "invalidValue",
        ),
        (
            json!({"op": "remove", "path": "members", "value": [{}]}),
            "invalidValue",
        ),
        (json!({"op": "remove", "path": "members["}), "invalidFilter"),
    ] {
        let error = changes(json!([operation])).unwrap_err();
        assert_eq!(
            error.scim_type.map(ScimType::keyword),
            Some(expected),
            "{operation}"
        );
    }
}

fn documents() -> impl Strategy<Value = Value> {
    let text = "[a-zA-Z ]{1,6}".prop_filter("not blank", |text| !text.trim().is_empty());
    let element = (
        text.clone(),
        prop::sample::select(vec!["work", "home", "other"]),
        any::<Option<bool>>(),
    );
    let elements = prop::collection::vec(element, 0..4).prop_map(|elements| {
        let element = |(value, kind, primary)| json!({"value": value, "type": kind, "primary": primary});
        Value::Array(elements.into_iter().map(element).collect())
    });
    let maybe = prop::option::of(text.clone());
    (
        text,
        (maybe.clone(), maybe.clone(), maybe.clone(), maybe),
        elements.clone(),
        elements,
        any::<bool>(),
    )
        .prop_map(
            |(user_name, (title, given, family, department), emails, roles, active)| {
                json!({
                    "schemas": [urn::USER, ENTERPRISE],
                    "userName": user_name,
                    "title": title,
                    "active": active,
                    "name": {"givenName": given, "familyName": family},
                    "emails": emails,
                    "roles": roles,
                    ENTERPRISE: {"department": department, "manager": {"value": department}}
                })
            },
        )
}

proptest! {
    /// Okta's wizard apps PUT, its catalogue apps and Entra PATCH: the same wish gives the same person.
    #[test]
    fn patching_every_attribute_ends_where_a_put_ends(before in documents(), target in documents()) {
        let rt = schema::user();
        let mut tolerance = Tolerance::lenient();
        let current = resource::create(&rt, &before, &mut tolerance).unwrap();
        let put = resource::replace(&rt, &target, &current, &[], &mut tolerance).unwrap();
        let mut with_path = Vec::new();
        for (key, value) in target.as_object().unwrap() {
            with_path.push(json!({"op": "Replace", "path": key, "value": value}));
        }
        let without_path = json!([{"op": "replace", "value": target}]);
        for operations in [Value::Array(with_path), without_path] {
            let request = PatchRequest::parse(&rt, &body(&operations), &mut tolerance).unwrap();
            let patched = request.apply(&rt, &current, &mut tolerance).unwrap();
            prop_assert_eq!(&patched, &put);
            let again = request.apply(&rt, &patched, &mut tolerance).unwrap();
            prop_assert_eq!(&again, &put);
        }
    }

    #[test]
    fn no_operation_brings_the_engine_down(
        op in prop::sample::select(vec!["add", "Replace", "remove"]),
        path in prop::sample::select(vec![
            "userName", "name", "name.givenName", "emails", "emails.value", "emails[type eq \"work\"]",
            "emails[type eq \"work\"].primary", "manager", "manager.value", "active", "roles", "schemas",
        ]),
        value in prop::sample::select(vec![
            json!(null), json!(""), json!([]), json!({}), json!("x"), json!(true), json!(7), json!([{"value": "x"}]),
            json!({"value": "x"}), json!([[]]), json!({"value": {}}), json!([null]), json!({"givenName": []}),
        ]),
    ) {
        let before = json!({"name": {"givenName": "A"}, "emails": [{"value": "a@x", "type": "work"}]});
        let operation = json!([{"op": op, "path": path, "value": value}]);
        if let Ok(once) = patch(before, operation.clone()) {
            prop_assert_eq!(patch(once.clone(), operation), Ok(once));
        }
    }
}
