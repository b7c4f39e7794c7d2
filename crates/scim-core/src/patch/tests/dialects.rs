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
        // RFC 7644 §3.5.2.1: an add takes nobody's manager away.
        let left = if op == "replace" { json!({}) } else { with("b0") };
        for empty in [json!(""), json!(null), json!({"value": "", "$ref": "r"}), json!([]), json!([null])] {
            rows.push((with("b0"), json!([{"op": op, "path": path, "value": empty}]), left.clone()));
        }
        rows.push((with("b0"), json!([{"op": op, "path": "manager.value", "value": ""}]), left));
        let user = "https://scim.example.com/ire/acme/scim/v2/Users/b1";
        for sent in
            [json!({"$ref": user}), json!([{"$ref": user, "value": null}]), json!({"$ref": "../Users/b1"})]
        {
            rows.push((with("b0"), json!([{"op": op, "path": path, "value": sent}]), with("b1")));
        }
        rows.push((with("b0"), json!([{"op": op, "path": path, "value": {"$ref": null}}]), with("b0")));
        rows.push((with("b0"), json!([{"op": op, "path": path, "value": {"displayName": "B"}}]), with("b0")));
    }
    rows.push((with("b0"), json!([{"op": "Remove", "path": path, "value": "never"}]), json!({})));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager"}]), json!({})));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager[value eq \"b0\"]"}]), json!({})));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager[value eq \"b9\"]"}]), with("b0")));
    rows.push((with("b0"), json!([{"op": "Remove", "path": "manager.value"}]), json!({})));
    check(rows);
    for reference in [json!("r"), json!("https://scim.example.com/Groups/b1"), json!(7)] {
        let lone = json!([{"op": "add", "path": path, "value": {"$ref": reference}}]);
        assert_eq!(keyword(patch(with("b0"), lone)), "400 invalidValue", "{reference}");
    }
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
        (json!({"op": "replace", "value": {"active": {}}}), "400 invalidValue"),
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
        json!({"op": "replace", "value": {"password": null}}),
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

#[test]
fn a_value_in_an_object_under_its_own_name_is_taken_out_and_counted() {
    check(vec![
        (
            json!({"active": true}),
            json!([{"op": "replace", "path": "active", "value": {"active": false}}]),
            json!({"active": false}),
        ),
        (json!({}), json!([{"op": "add", "path": "title", "value": {"Title": "T"}}]), json!({"title": "T"})),
        (
            json!({"name": {"familyName": "B"}}),
            json!([{"op": "replace", "path": "name", "value": {"name": {"givenName": "A"}}}]),
            json!({"name": {"familyName": "B", "givenName": "A"}}),
        ),
    ]);
    let wrapped = json!([{"op": "replace", "path": "active", "value": {"active": false}}]);
    let mut t = Tolerance::lenient();
    patch_as(&mut t, &json!({}), &wrapped).unwrap();
    assert_eq!(t.seen, [(Leniency::WrappedValue, "active".into())]);
    assert_eq!(keyword(strict(json!({}), wrapped)), "400 invalidValue");
    refused(vec![
        (
            json!({"op": "replace", "path": "active", "value": {"active": true, "title": "T"}}),
            "400 invalidValue",
        ),
        (json!({"op": "replace", "path": "active", "value": {"title": "T"}}), "400 invalidValue"),
    ]);
}

#[test]
fn remove_with_a_value_below_a_list_takes_the_listed_elements_and_no_other() {
    let roles = json!({"roles": [{"value": "one", "display": "1"}, {"value": "two", "display": "2"}, {"value": "three"}]});
    let remove = |path: &str, value: Value| json!([{"op": "remove", "path": path, "value": value}]);
    let left = |indices: &[usize]| {
        let kept: Vec<Value> = indices.iter().map(|i| roles["roles"][*i].clone()).collect();
        json!({"roles": kept})
    };
    check(vec![
        (roles.clone(), remove("roles.value", json!("ONE")), left(&[1, 2])),
        (roles.clone(), remove("roles.value", json!(["one", {"value": "two"}])), left(&[2])),
        (roles.clone(), remove("roles.value", json!([{"value": "three"}])), left(&[0, 1])),
        (roles.clone(), remove("roles.value", json!("nobody")), roles.clone()),
        (roles.clone(), remove("roles.value", json!([])), roles.clone()),
        (roles.clone(), remove("roles.value", json!("")), roles.clone()),
        (
            roles.clone(),
            remove("roles.display", json!("1")),
            json!({"roles": [{"value": "one"}, {"value": "two", "display": "2"}, {"value": "three"}]}),
        ),
    ]);
    assert_eq!(keyword(strict(roles, remove("roles.value", json!("one")))), "400 invalidValue");
}

#[test]
fn bare_texts_are_roles_and_entitlements_and_nothing_else() {
    for name in ["roles", "entitlements"] {
        let add = json!([{"op": "add", "path": name, "value": ["ADMIN", {"value": "b"}]}]);
        let current = json!({name: [{"value": "old"}]});
        let mut t = Tolerance::lenient();
        assert_eq!(
            patch_as(&mut t, &current, &add),
            Ok(json!({name: [{"value": "old"}, {"value": "ADMIN"}, {"value": "b"}]}))
        );
        assert_eq!(t.seen, [(Leniency::BareValue, name.into())]);
        assert_eq!(keyword(strict(current, add)), "400 invalidValue");
    }
    for name in ["emails", "phoneNumbers", "photos"] {
        let add = json!([{"op": "add", "path": name, "value": ["a@x"]}]);
        assert_eq!(keyword(patch(json!({}), add)), "400 invalidValue", "{name}");
    }
}

#[test]
fn json_in_a_text_is_what_it_says_or_is_refused() {
    let work = r#"emails[type eq "work"]"#;
    let mails = json!({"emails": [{"value": "w@x", "display": "d", "type": "work"}, {"value": "h@x", "type": "home"}]});
    let home = &mails["emails"][1];
    let n = r#"{"type":"work","value":"n@x"}"#;
    check(vec![
        (
            mails.clone(),
            json!([{"op": "replace", "path": work, "value": n}]),
            json!({"emails": [{"value": "n@x", "type": "work"}, home]}),
        ),
        (
            mails.clone(),
            json!([{"op": "add", "path": work, "value": {"value": r#"{"value":"n@x"}"#}}]),
            json!({"emails": [{"value": "n@x", "display": "d", "type": "work"}, home]}),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": "emails", "value": [n, {"value": n}, r#"{"value":"p@x"}"#]}]),
            json!({"emails": [{"value": "n@x", "type": "work"}, {"value": "p@x"}]}),
        ),
        (
            json!({}),
            json!([{"op": "replace", "path": "roles", "value": r#"[{"value":"a","displayName":"A"},{"value":"b"}]"#}]),
            json!({"roles": [{"value": "a", "display": "A"}, {"value": "b"}]}),
        ),
        (
            json!({"name": {"familyName": "B"}}),
            json!([{"op": "replace", "path": "name", "value": r#"{"givenName":"A"}"#}]),
            json!({"name": {"familyName": "B", "givenName": "A"}}),
        ),
        (
            json!({}),
            json!([{"op": "add", "path": "manager", "value": r#"{"value":"m"}"#}]),
            json!({ENTERPRISE: {"manager": {"value": "m"}}}),
        ),
        // A simple attribute holds any text, and so does what only begins like JSON.
        (json!({}), json!([{"op": "add", "path": "title", "value": "{}"}]), json!({"title": "{}"})),
        (
            json!({}),
            json!([{"op": "add", "path": "roles", "value": ["{x}"]}]),
            json!({"roles": [{"value": "{x}"}]}),
        ),
    ]);
    for (path, value) in [
        (format!("{work}.value"), json!(n)),
        ("emails.value".into(), json!(n)),
        (work.into(), json!(r#"["a@x","b@x"]"#)),
        (work.into(), json!(r#"{"shoeSize":1}"#)),
        ("emails".into(), json!([{"value": r#"{"value":"{\"value\":\"x\"}"}"#}])),
        ("emails".into(), json!([{"value": r#"{"value":"a","VALUE":"b"}"#}])),
        ("manager".into(), json!({"value": [r#"{"value":"m"}"#]})),
        ("roles".into(), json!([r#"["a","b"]"#])),
    ] {
        let operation = json!([{"op": "replace", "path": path, "value": value}]);
        assert!(keyword(patch(mails.clone(), operation.clone())).starts_with("400 invalid"), "{operation}");
    }
    for value in [json!(n), json!({"value": n})] {
        let operation = json!([{"op": "replace", "path": work, "value": value}]);
        assert_eq!(keyword(strict(mails.clone(), operation)), "400 invalidValue");
    }
}

#[test]
fn schemas_can_be_said_to_be_what_they_are() {
    let person = json!({ENTERPRISE: {"department": "D"}});
    for (op, value, expected) in [
        ("replace", json!([urn::USER, ENTERPRISE, urn::SEAT]), "2xx"),
        ("add", json!([urn::USER.to_uppercase()]), "2xx"),
        ("replace", json!(urn::USER), "2xx"),
        ("add", json!([]), "2xx"),
        ("add", json!(null), "2xx"),
        ("replace", json!([urn::USER, "urn:x:y"]), "400 mutability"),
        ("add", json!("urn:x:y"), "400 mutability"),
        ("replace", json!([urn::GROUP]), "400 mutability"),
        ("replace", json!([]), "400 mutability"),
        ("replace", json!(null), "400 mutability"),
        ("remove", json!(null), "400 mutability"),
        ("replace", json!([7]), "400 invalidValue"),
    ] {
        let operation = json!([{"op": op, "path": "schemas", "value": value}]);
        for outcome in [patch(person.clone(), operation.clone()), strict(person.clone(), operation.clone())] {
            let told = keyword(outcome);
            assert!(told.starts_with(expected), "{operation}: {told}");
        }
    }
    // What all operations come to is what is there.
    let named = json!({"op": "add", "path": "schemas", "value": [ENTERPRISE]});
    let given = json!({"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "D"});
    assert_eq!(patch(json!({}), json!([named, given])), Ok(person));
    assert_eq!(keyword(patch(json!({}), json!([named]))), "400 mutability");
}
