//! What one request and one operation may look like, and what is answered.

use serde_json::{Value, json};

use super::super::{BulkRequest, Id, MAX_OPERATIONS, Method, OperationResponse, response};
use super::{fault, one, parse, parse_whole};
use crate::leniency::{Leniency, Tolerance};
use crate::{ResourceKind, ScimError, ScimType, urn};

#[test]
fn the_request_of_rfc_7644_section_3_7_3_is_read() {
    let data = json!({ "schemas": [urn::USER], "userName": "Alice" });
    let request = parse_whole(json!({
        "schemas": [urn::BULK_REQUEST],
        "failOnErrors": 1,
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": data},
            {"method": "PUT", "path": "/Users/b7c14771", "version": "W/\"3694e05e9dff591\"", "data": data},
            {"method": "PATCH", "path": "/Groups/5d8d29d3", "version": "W/\"edac3253e2c0ef2\"", "data": data},
            {"method": "DELETE", "path": "/Users/e9025315", "version": "W/\"0ee8add0a938e1a\"", "data": 1},
        ],
    }))
    .unwrap();
    assert_eq!(request.fail_on_errors, Some(1));
    let asked: Vec<_> = request.operations.iter().map(|o| o.asked.as_ref().unwrap()).collect();
    let methods: Vec<_> = asked.iter().map(|asked| asked.method).collect();
    assert_eq!(methods, [Method::Post, Method::Put, Method::Patch, Method::Delete]);
    let kinds: Vec<_> = asked.iter().map(|asked| asked.kind).collect();
    assert_eq!(kinds, [ResourceKind::User, ResourceKind::User, ResourceKind::Group, ResourceKind::User]);
    assert_eq!((&request.operations[0].resource, &asked[0].data), (&None, &data));
    assert_eq!(request.operations[1].resource, Some((ResourceKind::User, Id::Known("b7c14771".into()))));
    assert_eq!(request.operations[2].resource, Some((ResourceKind::Group, Id::Known("5d8d29d3".into()))));
    assert_eq!(asked[2].version.as_deref(), Some("W/\"edac3253e2c0ef2\""));
    assert_eq!(asked[3].data, Value::Null, "a DELETE has no body");
    assert_eq!(request.operations[0].bulk_id.as_deref(), Some("qwerty"));
}

#[test]
fn a_body_that_is_no_bulk_request_is_refused_as_a_whole() {
    let schemas = json!([urn::BULK_REQUEST]);
    for body in [
        json!([]),
        json!({}),
        json!({ "schemas": "x", "Operations": [] }),
        json!({ "schemas": [urn::PATCH_OP], "Operations": [] }),
        json!({ "schemas": schemas }),
        json!({ "schemas": schemas, "Operations": {} }),
        json!({ "schemas": schemas, "Operations": null }),
        json!({ "schemas": schemas, "Operations": [], "failOnErrors": -1 }),
        json!({ "schemas": schemas, "Operations": [], "failOnErrors": 1.5 }),
        json!({ "schemas": schemas, "Operations": [], "failOnErrors": "1" }),
    ] {
        let error = parse_whole(body.clone()).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{body}");
    }
}

#[test]
fn names_have_no_letter_case_and_an_empty_list_is_tolerated() {
    let schema = urn::BULK_REQUEST.to_ascii_uppercase();
    let mut t = Tolerance::lenient();
    let body = json!({ "SCHEMAS": ["urn:x", schema], "operations": [], "FailOnErrors": 7 });
    assert_eq!(BulkRequest::parse(body.clone(), &mut t).unwrap().fail_on_errors, Some(7));
    assert_eq!(t.seen, [(Leniency::EmptyOperations, "Operations".into())]);
    assert!(BulkRequest::parse(body, &mut Tolerance::strict()).is_err());
    let operation = json!({"METHOD": "DELETE", "PATH": "/Users/x", "BulkID": "b"});
    assert!(one(operation).asked.is_ok());
}

#[test]
fn attack_45_more_operations_than_announced_are_413_and_the_limit_is_named() {
    let operations = |n: usize| vec![json!({"method": "DELETE", "path": "/Users/x"}); n];
    assert_eq!(parse(operations(MAX_OPERATIONS).into()).operations.len(), MAX_OPERATIONS);
    for n in [MAX_OPERATIONS + 1, 20_000] {
        let body = json!({ "schemas": [urn::BULK_REQUEST], "Operations": operations(n) });
        let error = parse_whole(body).unwrap_err();
        assert_eq!(error.status, 413);
        assert!(error.detail.starts_with("The number of operations exceeds maxOperations (1000)"), "{error}");
    }
}

#[test]
fn attack_45_a_path_reaches_nothing_but_users_and_groups() {
    for path in [
        "",
        "/",
        "Users",
        "/users",
        "/Users/",
        "//Users",
        "/Usersx",
        "/Users/a/b",
        "/Users/../Groups/x",
        "/Users/..",
        "/Users/.",
        "/Users/%2e%2e",
        "/Users/a?attributes=id",
        "/Users/a#b",
        "/Users/a b",
        "/Users/a\\b",
        "/Users/\u{e9}",
        "/Users/bulkId:",
        "/../globex/scim/v2/Users/x",
        "/ire/globex/scim/v2/Users/x",
        "http://127.0.0.1/Users/x",
        "https://scim.example.com/ire/acme/scim/v2/Users/x",
        "/Bulk",
        "/Me",
        "/Schemas",
        "/Schemas/x",
        "/ResourceTypes/User",
        "/ServiceProviderConfig",
        "/.search",
        "/Users/.search",
        "/Licenses/member",
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let sent = json!({"method": method, "path": path, "bulkId": "b", "data": {}});
            let operation = one(sent);
            let error = fault(&operation);
            assert_eq!(
                (error.status, error.scim_type),
                (400, Some(ScimType::InvalidSyntax)),
                "{method} {path}"
            );
        }
    }
    let long = one(json!({"method": "DELETE", "path": format!("/Users/{}", "x".repeat(200))}));
    assert_eq!(fault(&long).status, 400);
    assert_eq!(
        fault(&one(json!({"method": "POST", "path": "/Users/x", "bulkId": "b", "data": {}}))).status,
        400
    );
    for method in ["PUT", "PATCH", "DELETE"] {
        assert_eq!(
            fault(&one(json!({"method": method, "path": "/Users", "data": {}}))).status,
            400,
            "{method}"
        );
    }
}

#[test]
fn attack_45_what_an_operation_lacks_is_its_own_fault() {
    for sent in [
        json!(1),
        json!("POST"),
        json!({}),
        json!({"method": "GET", "path": "/Users/x"}),
        json!({"method": "HEAD", "path": "/Users/x"}),
        json!({"method": 1, "path": "/Users/x"}),
        json!({"method": "DELETE"}),
        json!({"method": "DELETE", "path": 1}),
        json!({"method": "DELETE", "path": "/Users/x", "version": 1}),
        json!({"method": "DELETE", "path": "/Users/x", "bulkId": 1}),
        json!({"method": "POST", "path": "/Users", "data": {}}),
        json!({"method": "POST", "path": "/Users", "bulkId": null, "data": {}}),
        json!({"method": "POST", "path": "/Users", "bulkId": "", "data": {}}),
        json!({"method": "POST", "path": "/Users", "bulkId": "x".repeat(257), "data": {}}),
        json!({"method": "POST", "path": "/Users", "bulkId": "b"}),
        json!({"method": "PUT", "path": "/Users/x", "data": null}),
        json!({"method": "PATCH", "path": "/Users/x"}),
    ] {
        let request = parse(json!([{"method": "DELETE", "path": "/Users/x"}, sent]));
        let (good, bad) = (&request.operations[0], &request.operations[1]);
        assert!(good.asked.is_ok());
        let error = fault(bad);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{bad:?}");
    }
    let no_data = one(json!({"method": "PUT", "path": "/Users/x"}));
    assert_eq!(no_data.resource, Some((ResourceKind::User, Id::Known("x".into()))), "its location is told");
    let odd = one(json!({"method": "<script>", "path": "/Users", "bulkId": "kept"}));
    assert_eq!((odd.method, odd.bulk_id.as_deref()), (None, Some("kept")));
    assert_eq!(one(json!({"method": "get", "path": "/Users"})).method.as_deref(), Some("GET"));
}

#[test]
fn a_method_in_lower_case_is_tolerated_and_counted() {
    let operation = json!({"method": "delete", "path": "/Users/x"});
    let body = json!({ "schemas": [urn::BULK_REQUEST], "Operations": [operation] });
    let mut t = Tolerance::lenient();
    let request = BulkRequest::parse(body.clone(), &mut t).unwrap();
    assert_eq!(request.operations[0].asked.as_ref().unwrap().method, Method::Delete);
    assert_eq!(t.seen, [(Leniency::LowerCaseMethod, "method".into())]);
    let strict = BulkRequest::parse(body, &mut Tolerance::strict()).unwrap();
    assert_eq!(fault(&strict.operations[0]).status, 400);
}

#[test]
fn the_response_has_the_shape_of_rfc_7644_section_3_7_3() {
    let created = OperationResponse {
        method: Some("POST".into()),
        bulk_id: Some("qwerty".into()),
        location: Some("https://example.com/v2/Users/1".into()),
        version: Some("W/\"1\"".into()),
        status: Ok(201),
    };
    let failed = OperationResponse {
        method: Some("POST".into()),
        bulk_id: Some("ytrewq".into()),
        location: None,
        version: None,
        status: Err(ScimError::invalid_syntax("Unparsable.")),
    };
    assert_eq!(
        response([&created, &failed].into_iter()),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": [
                {
                    "method": "POST",
                    "bulkId": "qwerty",
                    "location": "https://example.com/v2/Users/1",
                    "version": "W/\"1\"",
                    "status": "201",
                },
                {
                    "method": "POST",
                    "bulkId": "ytrewq",
                    "status": "400",
                    "response": {
                        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                        "status": "400",
                        "scimType": "invalidSyntax",
                        "detail": "Unparsable.",
                    },
                },
            ],
        })
    );
}

#[test]
fn what_templates_leave_out_of_a_bulk_is_tolerated_and_counted() {
    let delete = json!({"method": "DELETE", "path": "/Users/x"});
    for (body, leniency) in [
        (json!({ "Operations": [delete] }), Leniency::MissingSchemas),
        (json!({ "schemas": null, "Operations": [delete] }), Leniency::MissingSchemas),
        (json!({ "schemas": [], "Operations": [delete] }), Leniency::MissingSchemas),
        (
            json!({ "schemas": [urn::BULK_REQUEST], "failOnErrors": 0, "Operations": [delete] }),
            Leniency::ZeroFailOnErrors,
        ),
    ] {
        let mut t = Tolerance::lenient();
        let request = BulkRequest::parse(body.clone(), &mut t).unwrap();
        assert_eq!((request.fail_on_errors, request.operations.len()), (None, 1), "{body}");
        assert_eq!(t.seen.iter().map(|(seen, _)| *seen).collect::<Vec<_>>(), [leniency]);
        let error = BulkRequest::parse(body, &mut Tolerance::strict()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
    }
}

#[test]
fn the_data_of_a_patch_may_be_its_operations_alone() {
    let data = json!([{"op": "remove", "path": "members[value eq \"bulkId:ada\"]"}]);
    let body = json!({ "schemas": [urn::BULK_REQUEST], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "ada", "data": {"userName": "ada"}},
        {"method": "PATCH", "path": "/Groups/x", "data": data},
    ] });
    let mut t = Tolerance::lenient();
    let request = BulkRequest::parse(body.clone(), &mut t).unwrap();
    let asked = request.operations[1].asked.as_ref().unwrap();
    assert_eq!(asked.data, json!({ "schemas": [urn::PATCH_OP], "Operations": data }));
    assert_eq!(request.plan.needs(1), [0], "a reference in a path is found there too");
    assert_eq!(t.seen, [(Leniency::BareOperations, "data".into())]);
    let strict = BulkRequest::parse(body, &mut Tolerance::strict()).unwrap();
    assert_eq!(fault(&strict.operations[1]).scim_type, Some(ScimType::InvalidSyntax));
}
