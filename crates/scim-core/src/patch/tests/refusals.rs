//! What is refused, and how a strict tenant differs.

use serde_json::json;

use super::*;
use crate::path::Path;

#[test]
fn a_value_path_that_matches_nothing() {
    let other = "emails[value eq \"nobody@x\"].display";
    let absent = "emails[type eq \"home\"].value";
    let mails = json!({"emails": [{"value": "a@x", "type": "work"}]});
    let rows = [
        (json!({"op": "replace", "path": other, "value": "x"}), "400 noTarget", "400 noTarget"),
        (json!({"op": "add", "path": other, "value": "x"}), "400 noTarget", "400 noTarget"),
        (json!({"op": "remove", "path": other}), "same", "same"),
        (json!({"op": "remove", "path": "emails[type eq \"home\"]"}), "same", "same"),
        (json!({"op": "replace", "path": absent, "value": ""}), "same", "400 noTarget"),
        (json!({"op": "replace", "path": absent, "value": null}), "same", "400 noTarget"),
        (json!({"op": "replace", "path": absent, "value": "x"}), "made", "400 noTarget"),
        (json!({"op": "add", "path": absent, "value": "x"}), "made", "made"),
        (json!({"op": "replace", "path": "photos.display", "value": "x"}), "400 noTarget", "400 noTarget"),
        (json!({"op": "remove", "path": "photos.display"}), "same", "same"),
    ];
    let made = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "x", "type": "home"}]});
    let word = |expected: &str| match expected {
        "same" => format!("2xx {mails}"),
        "made" => format!("2xx {made}"),
        keyword => keyword.to_owned(),
    };
    for (operation, lenient, strictly) in rows {
        assert_eq!(keyword(patch(mails.clone(), json!([operation]))), word(lenient), "{operation}");
        assert_eq!(keyword(strict(mails.clone(), json!([operation]))), word(strictly), "strict {operation}");
    }
}

#[test]
fn a_fault_names_the_attribute_that_has_it() {
    let manager = format!("{ENTERPRISE}:manager.value");
    for (path, named) in [
        ("title", "title"),
        ("name.familyName", "name.familyName"),
        ("emails[type eq \"work\"].value", "emails.value"),
        ("emails.value", "emails.value"),
        (manager.as_str(), manager.as_str()),
        ("manager.value", manager.as_str()),
    ] {
        let error = patch(json!({}), json!([{"op": "replace", "path": path, "value": 1}])).unwrap_err();
        assert!(error.detail.ends_with(&format!("{named} must be a string.")), "{}", error.detail);
        assert!(!error.detail.contains(&format!(".{named}")), "{}", error.detail);
    }
}

#[test]
fn mc12_all_faults_of_a_patch_are_told_at_once_each_with_its_operation() {
    let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let remove = |path: &str| json!({"op": "remove", "path": path});
    for (operations, keyword, told) in [
        (
            json!([replace("active", json!("q")), replace("id", json!("x")), replace("title", json!(5))]),
            "invalidValue",
            "Operation 1: active must be true or false. \
             Operation 2: the path names a read-only attribute; leave the operation out. \
             Operation 3: title must be a string.",
        ),
        (
            json!([
                replace("nope", json!(1)),
                {"op": "move", "path": "title"},
                {"op": "add", "value": {"title": 5, "active": "q"}},
            ]),
            "invalidPath",
            "Operation 1: The path \"nope\" names no attribute of a User. \
             Operation 2: \"op\" must be add, replace or remove. \
             Operation 3: title must be a string. Operation 3: active must be true or false.",
        ),
        // What is missing comes first, and is told of who is to blame.
        (
            json!([replace("title", json!(5)), replace("displayName", json!("A")), remove("userName")]),
            "mutability",
            "Operation 3: The required attribute userName is missing. Operation 1: title must be a string.",
        ),
        (
            json!([
                replace("displayName", json!("A")),
                replace("emails[value eq \"x\"].type", json!("work"))
            ]),
            "noTarget",
            "Operation 2: No element of emails matches the path; add one first.",
        ),
        (
            json!([replace("title", json!("T")), replace("userName", json!("x".repeat(1_025)))]),
            "invalidValue",
            "Operation 2: userName must be at most 1024 characters long.",
        ),
    ] {
        let error = patch(json!({}), operations.clone()).unwrap_err();
        assert_eq!(
            (error.scim_type.unwrap().keyword(), error.detail.as_str()),
            (keyword, told),
            "{operations}"
        );
    }
    let unknown = json!([{"op": "add", "value": {"one": 1, "two": 2}}, {"op": "add", "value": {"three": 3}}]);
    let detail = strict(json!({}), unknown).unwrap_err().detail;
    for name in ["\"one\"", "\"two\"", "Operation 2: the value names an unknown attribute, \"three\""] {
        assert!(detail.contains(name), "{detail}");
    }
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
        assert!(keyword(strict(json!({}), json!([operation]))).starts_with("400"), "{operation}");
    }
    assert_eq!(strict(json!({}), json!([])).map_err(|e| e.status), Err(400));
    let capitals = |op: &str| json!([{"op": op, "path": "DISPLAYNAME", "value": "x"}]);
    assert_eq!(strict(json!({}), capitals("add")), Ok(json!({"displayName": "x"})));
    assert_eq!(keyword(strict(json!({}), capitals("ADD"))), "400 invalidSyntax");
    let members = |value| json!({"op": "add", "path": "members", "value": value});
    let unasked = json!({"op": "remove", "path": "members", "value": [{"value": "x"}]});
    for operation in [members(json!(["x"])), members(json!({"value": "x"})), unasked] {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        let refused = PatchRequest::parse(&schema::group(), &body, &mut Tolerance::strict()).unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidValue), "{body}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    refused(vec![
        (json!({"op": "replace", "path": "nope", "value": "x"}), "400 invalidPath"),
        (json!({"op": "remove", "path": "nope"}), "400 invalidPath"),
        (json!({"op": "replace", "path": "name.nope", "value": "x"}), "400 invalidPath"),
        (json!({"op": "replace", "path": "", "value": "x"}), "400 invalidPath"),
        (json!({"op": "replace", "path": 7, "value": "x"}), "400 invalidPath"),
        (json!({"op": "replace", "value": {"nope": "x"}}), "400 invalidPath"),
        (json!({"op": "replace", "value": {"name": {"nope": "x"}}}), "400 invalidPath"),
        (json!({"op": "replace", "value": {ENTERPRISE: {"nope": "x"}}}), "400 invalidPath"),
        (json!({"op": "replace", "path": "name", "value": {"nope": "x"}}), "400 invalidPath"),
        (json!({"op": "replace", "path": "emails", "value": [{"nope": "x"}]}), "400 invalidPath"),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"nope": "x"}}),
            "400 invalidPath",
        ),
        (json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": 7}), "400 invalidValue"),
        (json!({"op": "replace", "path": "emails[type eq]", "value": "x"}), "400 invalidFilter"),
        (json!({"op": "replace", "path": "name[", "value": "x"}), "400 invalidFilter"),
        (json!({"op": "replace", "path": "displayName", "value": 7}), "400 invalidValue"),
        (json!({"op": "replace", "path": "name", "value": "Ana"}), "400 invalidValue"),
        (json!({"op": "replace", "value": "Ana"}), "400 invalidValue"),
        (json!({"op": "replace", "value": ["Ana"]}), "400 invalidValue"),
        (json!({"op": "replace", "path": "displayName"}), "400 invalidValue"),
        (json!({"op": "replace", "path": "schemas", "value": "x"}), "400 mutability"),
        (json!({"op": "remove", "path": "schemas"}), "400 mutability"),
        (json!({"op": "remove"}), "400 noTarget"),
        (json!({"op": "remove", "value": {"displayName": "x"}}), "400 noTarget"),
        (json!({"op": "move", "path": "title", "value": "x"}), "400 invalidSyntax"),
        (json!({"path": "title", "value": "x"}), "400 invalidSyntax"),
        (json!("add"), "400 invalidSyntax"),
        (json!({"op": "replace", "path": "password", "value": 7}), "400 invalidValue"),
        (json!({"op": "replace", "path": "password", "value": {"a": 1}}), "400 invalidValue"),
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
        urn::USER_ORIGIN,
        &format!("{}:origin", urn::USER_ORIGIN),
        &format!("{}:role", urn::SEAT),
        "manager.displayName",
        "urn:ietf:params:scim:schemas:core:2.0:User:id",
    ] {
        for op in ["add", "replace", "remove"] {
            let operation = json!({"op": op, "path": path, "value": "x"});
            assert_eq!(keyword(patch(json!({}), json!([operation]))), "400 mutability", "{operation}");
        }
    }
    refused(vec![
        (json!({"op": "add", "path": "isAdmin", "value": true}), "400 invalidPath"),
        (json!({"op": "add", "path": "tenantId", "value": "x"}), "400 invalidPath"),
        (json!({"op": "add", "value": {"passwordHash": "x", "created_at": "y"}}), "400 invalidPath"),
    ]);
}

#[test]
fn attack_36_and_38_deep_paths_and_many_operations_are_refused() {
    for path in [".".repeat(20_000), "emails[".repeat(20_000), format!("emails[{}", "not (".repeat(700))] {
        assert!(
            keyword(patch(json!({}), json!([{"op": "add", "path": path, "value": "x"}]))).starts_with("400")
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
        result.map(|r| r.changes.len()).map_err(|e| e.scim_type.unwrap().keyword())
    };
    let operations = json!([{"op": "remove", "path": "title"}]);
    let upper = urn::PATCH_OP.to_ascii_uppercase();
    assert_eq!(parse(json!({"schemas": [urn::PATCH_OP], "Operations": operations})), Ok(1));
    assert_eq!(parse(json!({"SCHEMAS": ["x", upper], "operations": operations})), Ok(1));
    assert_eq!(parse(json!({"schemas": [urn::PATCH_OP], "Operations": []})), Ok(0));
    for schemas in [json!(null), json!([]), json!("")] {
        let body = json!({"schemas": schemas, "Operations": operations});
        assert_eq!(parse(body.clone()), Ok(1));
        assert!(PatchRequest::parse(&rt, &body, &mut Tolerance::strict()).is_err());
    }
    let mut t = Tolerance::lenient();
    assert!(PatchRequest::parse(&rt, &json!({"Operations": operations}), &mut t).is_ok());
    assert_eq!(t.seen, [(Leniency::MissingSchemas, urn::PATCH_OP.into())]);
    for bad in [
        json!({"schemas": "x", "Operations": operations}),
        json!({"schemas": {}, "Operations": operations}),
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

/// Each of these is a few MB at most, and was seconds or minutes of work before the work itself was bounded.
#[test]
fn attack_38_what_one_patch_may_cost_is_bounded() {
    let emails: Vec<Value> = (0..2_000).map(|n| json!({"value": format!("{n}@x"), "type": "work"})).collect();
    let laden = json!({"emails": emails});
    let wide = vec!["value co \"y\""; 200].join(" or ");
    let wide = json!({"op": "remove", "path": format!("emails[{wide}]")});
    let copies = json!({"op": "replace", "path": "emails.display", "value": "x".repeat(60_000)});
    let chosen =
        json!({"op": "add", "path": "emails[type eq \"work\"].display", "value": "x".repeat(60_000)});
    let bare: Vec<Value> = (0..2_000).map(|n| json!({"display": n.to_string()})).collect();
    let bare = json!({"op": "remove", "path": "emails", "value": bare});
    let replaced =
        json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "x".repeat(60_000)}});
    for operations in [vec![wide; 20], vec![replaced], vec![copies], vec![chosen], vec![bare; 2]] {
        assert_eq!(keyword(patch(laden.clone(), Value::Array(operations))), "400 tooMany");
    }
    let primary = vec![json!({"value": "x", "primary": true}); 150_000];
    let many = json!([{"op": "add", "path": "emails", "value": primary}]);
    assert_eq!(keyword(patch(json!({}), many)), "400 invalidValue");
}

#[test]
fn a_list_as_long_as_the_attribute_is_removed_in_one_request() {
    let emails: Vec<Value> = (0..2_000).map(|n| json!({"value": format!("{n}@x"), "type": "work"})).collect();
    let listed: Vec<Value> = (0..2_000).rev().map(|n| json!({"value": format!("{n}@X")})).collect();
    let remove = json!([{"op": "remove", "path": "emails", "value": listed}]);
    assert_eq!(patch(json!({"emails": emails}), remove), Ok(json!({})));
    let usual = json!({"op": "remove", "path": "emails[type eq \"work\"].value"});
    let usual = vec![usual; PatchRequest::MAX_OPERATIONS];
    assert_eq!(patch(json!({}), Value::Array(usual)), Ok(json!({})));
}

#[test]
fn attack_38_selecting_members_by_other_than_their_id_has_a_bound() {
    let parse = |paths: Vec<String>| {
        let operations: Vec<Value> = paths.iter().map(|p| json!({"op": "remove", "path": p})).collect();
        PatchRequest::parse(&schema::group(), &body(&Value::Array(operations)), &mut Tolerance::lenient())
    };
    let limit = PatchRequest::MAX_MEMBER_COMPARISONS;
    assert!(parse(vec!["members[display co \"x\"]".into(); limit]).is_ok());
    assert_eq!(
        parse(vec!["members[display co \"x\"]".into(); limit + 1]).map_err(|e| e.scim_type),
        Err(Some(ScimType::TooMany))
    );
    // By id, which is how every identity provider does it, as many as fit.
    assert!(parse((0..1_000).map(|n| format!("members[value eq \"{n}\"]")).collect()).is_ok());
}

#[test]
fn a_filter_in_a_path_is_as_long_as_a_filter_and_members_go_by_the_thousand() {
    let user = |path: String| Path::parse(&schema::user(), &path, &mut Tolerance::lenient());
    let group = |path: String| Path::parse(&schema::group(), &path, &mut Tolerance::lenient());
    let chain = |term: &str, count: usize| vec![term; count].join(" or ");
    let id = r#"value eq "0193b5a0-7c1e-7d52-8a54-2f9a1c0d4e11""#;
    assert!(user(format!("emails[{}]", chain(r#"value eq "a""#, 200))).is_ok());
    assert_eq!(
        user(format!("emails[{}]", chain(r#"value eq "a""#, 201))).unwrap_err().scim_type,
        Some(ScimType::InvalidFilter)
    );
    assert!(user(format!("emails[value eq \"{}\"]", "x".repeat(16_000))).is_ok());
    assert!(user(format!("emails[value eq \"{}\"]", "x".repeat(16_384))).is_err());
    assert!(user("a".repeat(4_097)).is_err());
    assert!(matches!(group(format!("members[{}]", chain(id, 1_000))), Ok(Path::Elements { .. })));
    for too_much in [
        chain(id, 1_001),
        format!("{} or display eq \"x\"", chain(id, 999)),
        chain("display eq \"x\"", 201),
        format!("value eq \"{}\"", "x".repeat(65_536)),
    ] {
        let error = group(format!("members[{too_much}]")).unwrap_err();
        assert_eq!(error.status, 400, "{error}");
    }
}
