//! What identity providers send beyond the RFC, one row for each shape.

use serde_json::json;

use super::*;

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
        (json!({}), json!([{"op": "replace", "value": {"id": "x"}}]), json!({})),
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
        (json!({ENTERPRISE: {"costCenter": "C"}}), json!([{"op": "remove", "path": ENTERPRISE}]), json!({})),
        (
            json!({ENTERPRISE: {"costCenter": "C"}}),
            json!([{"op": "replace", "value": {ENTERPRISE: null}}]),
            json!({}),
        ),
    ]);
}

#[test]
fn a_manager_has_four_shapes_and_three_ways_to_go() {
    let path = format!("{ENTERPRISE}:manager");
    let with = |id: &str| json!({ENTERPRISE: {"manager": {"value": id}}});
    let mut rows = Vec::new();
    for op in ["Add", "replace"] {
        rows.push((json!({}), json!([{"op": op, "path": path, "value": "b1"}]), with("b1")));
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
        for empty in [json!(""), json!(null), json!({"value": "", "$ref": "r"}), json!([]), json!([null])] {
            rows.push((with("b0"), json!([{"op": op, "path": path, "value": empty}]), json!({})));
        }
        rows.push((with("b0"), json!([{"op": op, "path": "manager.value", "value": ""}]), json!({})));
        rows.push((with("b0"), json!([{"op": op, "path": path, "value": {"displayName": "B"}}]), with("b0")));
    }
    rows.push((with("b0"), json!([{"op": "Remove", "path": path, "value": "never"}]), json!({})));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager"}]), json!({})));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager[value eq \"b0\"]"}]), json!({})));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager[value eq \"b9\"]"}]), with("b0")));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager.value"}]), json!({})));
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
            rows.push((current, json!([{"op": "replace", "value": {"title": empty}}]), json!({})));
        }
        let phones = json!({"phoneNumbers": [{"type": "work", "value": "1", "primary": true}]});
        let work = "phoneNumbers[type eq \"work\"]";
        rows.push((
            phones.clone(),
            json!([{"op": "replace", "path": "phoneNumbers", "value": empty}]),
            json!({}),
        ));
        rows.push((phones.clone(), json!([{"op": "replace", "path": work, "value": empty}]), json!({})));
        rows.push((
            phones.clone(),
            json!([{"op": "replace", "path": format!("{work}.value"), "value": empty}]),
            json!({}),
        ));
        rows.push((phones.clone(), json!([{"op": "add", "path": "phoneNumbers", "value": empty}]), phones));
        rows.push((
            json!({"active": true}),
            json!([{"op": "replace", "path": "active", "value": empty}]),
            json!({}),
        ));
    }
    rows.push((json!({"active": true}), json!([{"op": "remove", "path": "active"}]), json!({})));
    check(rows);
    for empty in [json!(""), json!(null)] {
        let operation = json!([{"op": "replace", "path": "userName", "value": empty}]);
        assert_eq!(keyword(patch(json!({}), operation)), "400 invalidValue");
    }
    assert_eq!(keyword(patch(json!({}), json!([{"op": "remove", "path": "userName"}]))), "400 mutability");
}

#[test]
fn remove_with_a_value_never_writes_it_and_takes_only_what_is_listed() {
    let mails = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}]});
    check(vec![
        (json!({"title": "T"}), json!([{"op": "Remove", "path": "title", "value": "other"}]), json!({})),
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
        (mails.clone(), json!([{"op": "Remove", "path": "emails", "value": []}]), mails.clone()),
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
        (json!({"op": "replace", "path": "active", "value": "maybe"}), "400 invalidValue"),
        (json!({"op": "replace", "path": "active", "value": 1}), "400 invalidValue"),
        (json!({"op": "replace", "value": {"active": {}, "displayName": 1}}), "400 invalidValue"),
    ]);
}

#[test]
fn an_array_of_one_stands_for_a_single_value() {
    check(vec![
        (json!({}), json!([{"op": "replace", "path": "active", "value": [true]}]), json!({"active": true})),
        (json!({}), json!([{"op": "add", "value": {"active": ["False"]}}]), json!({"active": false})),
        (
            json!({"name": {"givenName": "A"}}),
            json!([{"op": "replace", "path": "name", "value": [{"familyName": "B"}]}]),
            json!({"name": {"familyName": "B", "givenName": "A"}}),
        ),
        (
            json!({"emails": [{"value": "a@x", "type": "work"}]}),
            json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": ["b@x"]}]),
            json!({"emails": [{"value": "b@x", "type": "work"}]}),
        ),
        (json!({"title": "T"}), json!([{"op": "replace", "path": "title", "value": [""]}]), json!({})),
    ]);
    let one = json!([{"op": "replace", "path": "active", "value": [true]}]);
    let mut tolerance = Tolerance::lenient();
    patch_as(&mut tolerance, &json!({}), &one).unwrap();
    assert_eq!(tolerance.seen, [(Leniency::ArrayOfOne, "active".into())]);
    assert_eq!(keyword(strict(json!({}), one)), "400 invalidValue");
    refused(vec![
        (json!({"op": "replace", "path": "active", "value": [true, false]}), "400 invalidValue"),
        (json!({"op": "replace", "path": "active", "value": [[true]]}), "400 invalidValue"),
        (json!({"op": "replace", "path": "title", "value": [7]}), "400 invalidValue"),
    ]);
}

#[test]
fn a_password_is_taken_and_goes_nowhere() {
    for operation in [
        json!({"op": "replace", "path": "password", "value": "s3cret"}),
        json!({"op": "replace", "value": {"password": "s3cret"}}),
        json!({"op": "remove", "path": "password"}),
        json!({"op": "replace", "value": {"password": {}}}),
    ] {
        assert_eq!(patch(json!({"title": "T"}), json!([operation])), Ok(json!({"title": "T"})));
    }
}

#[test]
fn core_attributes_under_the_core_urn_are_core_attributes() {
    let core = |value: Value| json!({urn::USER: value});
    check(vec![
        (json!({}), json!([{"op": "replace", "value": core(json!({"title": "T"}))}]), json!({"title": "T"})),
        (
            json!({"title": "old"}),
            json!([{"op": "add", "value": {urn::USER.to_uppercase(): {"title": "T", "name.givenName": "G", "id": "x"},
                                           "nickName": "N", ENTERPRISE: {"department": "D"}}}]),
            json!({"name": {"givenName": "G"}, "nickName": "N", "title": "T", ENTERPRISE: {"department": "D"}}),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": urn::USER, "value": {"title": "T"}}]),
            json!({"title": "T"}),
        ),
        (
            json!({"title": "T"}),
            json!([{"op": "replace", "value": core(json!(null))}]),
            json!({"title": "T"}),
        ),
    ]);
    let mut t = Tolerance::lenient();
    patch_as(&mut t, &json!({}), &json!([{"op": "add", "value": core(json!({"title": "T"}))}])).unwrap();
    assert_eq!(t.seen, [(Leniency::PathlessKeys, urn::USER.into())]);
    refused(vec![
        (json!({"op": "replace", "value": core(json!({"shoeSize": 1}))}), "400 invalidPath"),
        (json!({"op": "replace", "value": core(core(json!({"title": "T"})))}), "400 invalidPath"),
        (json!({"op": "replace", "value": core(json!("T"))}), "400 invalidValue"),
        (json!({"op": "remove", "path": urn::USER}), "400 invalidPath"),
    ]);
    let strictly = strict(json!({}), json!([{"op": "add", "value": core(json!({"title": "T"}))}]));
    assert_eq!(keyword(strictly), "400 invalidPath");
}
