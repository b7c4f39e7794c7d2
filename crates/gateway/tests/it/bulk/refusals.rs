//! What a bulk must not reach, and what is wrong with one (attack 45).

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use super::{BULK_REQUEST, bulk, delete, ended, id, new_team, new_user, patch, send, statuses};
use crate::running::{USER, gateway, members, new_group, onboarded, roomy, user_body};

#[test]
fn a_body_that_is_no_bulk_request_is_refused_whole() {
    let (_gateway, acme) = roomy();
    let user = new_user("ada", &json!({}));
    for body in [
        json!({ "schemas": "x", "Operations": [user] }),
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [user] }),
        json!({ "schemas": [BULK_REQUEST] }),
        json!({ "schemas": [BULK_REQUEST], "Operations": user }),
        json!({ "schemas": [BULK_REQUEST], "Operations": [user], "failOnErrors": -1 }),
        json!([user]),
    ] {
        acme.post("/Bulk", &body).expect_error(400, "invalidSyntax");
    }
    acme.request("POST", "/Bulk").bytes(b"{").send().expect_error(400, "invalidSyntax");
    acme.request("POST", "/Bulk")
        .header("content-type", "text/plain")
        .bytes(b"{}")
        .send()
        .expect_error(415, "");
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let refused = acme.request(method, "/Bulk").send().expect_error(405, "");
        assert_eq!(refused.header("allow"), Some("POST"));
    }
    acme.post("/Bulk/x", &json!({})).expect_error(404, "");
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 0);
}

#[test]
fn attack_45_no_path_reaches_beyond_users_and_groups_of_the_tenant() {
    let gateway = gateway();
    let (a, b) = (gateway.tenant("ire", "a", None, None), gateway.tenant("ire", "b", None, None));
    let bob = b.create_user("bob", "").expect(201);
    let club = new_group(&b, "club", &[&bob.id()]);
    let own = a.create_user("own", "").expect(201).id();
    let theirs = format!("/Users/{}", bob.id());
    let everything = || (b.get(&theirs).expect(200).body, b.get("/Groups").expect(200).body);
    let before = everything();
    let foreign = format!("{}/Users/{}", b.base_url, bob.id());
    let paths = [
        foreign.clone(),
        foreign.replace(&gateway.url, ""),
        format!("/../../../b/scim/v2/Users/{}", bob.id()),
        format!("/Users/../../../b/scim/v2/Users/{}", bob.id()),
        format!("/Users/..%2f..%2fb%2fscim%2fv2%2fUsers%2f{}", bob.id()),
        format!("{}/Users/{own}", a.base_url),
        "/admin/v1/regions/ire/tenants/b".to_owned(),
        "/Bulk".to_owned(),
        "/Me".to_owned(),
        "/Schemas".to_owned(),
        format!("/Schemas/{USER}"),
        "/ResourceTypes".to_owned(),
        "/ServiceProviderConfig".to_owned(),
        "/.search".to_owned(),
        "/Users/.search".to_owned(),
        "/Licenses".to_owned(),
        "/Roles/admin".to_owned(),
        String::new(),
        "/".to_owned(),
    ];
    for path in &paths {
        for method in ["POST", "PUT", "PATCH", "DELETE", "GET"] {
            let data = user_body(&json!({ "userName": "stolen" }));
            let ended = bulk(&a, &json!([{ "method": method, "path": path, "bulkId": "x", "data": data }]));
            assert_eq!(statuses(&ended), ["400"], "{method} {path}");
            assert_eq!(ended[0]["response"]["scimType"], "invalidSyntax");
            assert!(ended[0].get("location").is_none(), "{ended:?}");
        }
    }
    // A foreign id is as unknown as any.
    let stolen = json!([
        { "method": "PUT", "path": theirs, "data": user_body(&json!({ "userName": "stolen" })) },
        patch(&theirs, &json!([{ "op": "replace", "path": "userName", "value": "stolen" }])),
        delete(&theirs),
        delete(&format!("/Groups/{club}")),
        new_team("Team", &[&bob.id()]),
    ]);
    assert_eq!(statuses(&bulk(&a, &stolen)), ["404", "404", "404", "404", "400"]);
    b.post("/Bulk", &json!({ "schemas": [BULK_REQUEST], "Operations": [] })).expect(200);
    let foreign_base = Tenant { base_url: b.base_url.clone(), ..a.clone() };
    send(&foreign_base, &json!([delete(&theirs)])).expect_error(401, "");
    assert_eq!(everything(), before);
    assert_eq!(a.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn attack_45_one_bulk_id_for_two_is_refused_to_the_second() {
    let (_gateway, acme) = roomy();
    let mut second = new_user("b", &json!({}));
    second["bulkId"] = "a".into();
    let ended = bulk(&acme, &json!([new_user("a", &json!({})), second, new_team("Team", &["bulkId:a"])]));
    assert_eq!(statuses(&ended), ["201", "400", "201"]);
    assert_eq!(ended[1]["response"]["scimType"], "invalidValue");
    assert_eq!(members(&acme, &id(&ended[2])), [id(&ended[0])]);
}

#[test]
fn an_operation_is_refused_as_a_request_of_its_own_would_be() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let path = format!("/Users/{ada}");
    let singles = [
        ("POST", "/Users", json!({ "schemas": [USER] })),
        ("POST", "/Users", json!({ "schemas": "x", "userName": "x" })),
        ("POST", "/Users", user_body(&json!({ "userName": "x", "active": "maybe" }))),
        ("POST", "/Users", user_body(&json!({ "userName": "ADA" }))),
        ("POST", "/Users", json!(1)),
        (
            "POST",
            "/Groups",
            json!({ "schemas": [crate::running::GROUP], "displayName": "x", "members": [{ "value": "y" }] }),
        ),
        ("PUT", path.as_str(), json!({ "schemas": [USER], "userName": " " })),
        ("PUT", "/Users/00000000-0000-7000-8000-000000000000", user_body(&json!({ "userName": "x" }))),
        ("PATCH", path.as_str(), json!({ "schemas": "x", "Operations": [] })),
        (
            "PATCH",
            path.as_str(),
            patch("", &json!([{ "op": "replace", "path": "groups", "value": [] }]))["data"].clone(),
        ),
        ("PATCH", path.as_str(), patch("", &json!([{ "op": "remove" }]))["data"].clone()),
        (
            "PATCH",
            path.as_str(),
            patch("", &json!([{ "op": "add", "path": "nothing", "value": 1 }]))["data"].clone(),
        ),
        ("DELETE", "/Groups/00000000-0000-7000-8000-000000000000", Value::Null),
    ];
    let operations: Vec<Value> = singles
        .iter()
        .enumerate()
        .map(|(n, (method, path, data))| json!({ "method": method, "path": path, "bulkId": n.to_string(), "data": data }))
        .collect();
    let answer = send(&acme, &operations.into());
    let bulk_id = answer.header("x-request-id").unwrap();
    for ((method, path, data), operation) in singles.iter().zip(&ended(&answer)) {
        let single = acme.request(method, path).json(data).send();
        assert_eq!(operation["status"], single.status.to_string(), "{method} {path} {data}: {operation}");
        let response = operation["response"].to_string().replace(bulk_id, "-");
        let single = Value::to_string(&single.body).replace(single.header("x-request-id").unwrap(), "-");
        assert_eq!(response, single, "{method} {path} {data}");
    }
}

#[test]
fn leniencies_are_counted_and_a_strict_tenant_gets_the_letter() {
    let lenient = json!([
        new_user("ada", &json!({ "active": "True", "favouriteColour": "red" })),
        { "method": "delete", "path": "/Users/x" },
    ]);
    let (gateway, acme) = roomy();
    assert_eq!(statuses(&bulk(&acme, &lenient)), ["201", "404"]);
    let metrics = gateway.metrics();
    for kind in ["boolean_as_string", "unknown_attribute", "lower_case_method"] {
        let line = format!("usher_scim_leniency_total{{kind=\"{kind}\"}} 1");
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    for (operation, outcome) in [("create", "ok"), ("delete", "invalid")] {
        let line = format!(
            "usher_scim_operations_total{{operation=\"{operation}\",outcome=\"{outcome}\",region=\"ire\",resource=\"User\"}} 1"
        );
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    let dropped = gateway.admin("GET", &format!("{}/dropped", acme.admin_path()), None).expect(200).body;
    assert!(dropped.to_string().contains("favouriteColour"), "{dropped}");

    let (_gateway, strict) =
        onboarded(&json!({ "key": "strict", "name": "Strict", "settings": { "strict": true } }));
    assert_eq!(statuses(&bulk(&strict, &lenient)), ["400", "400"]);
    send(&strict, &json!([])).expect_error(400, "invalidSyntax");
    let team = bulk(
        &strict,
        &json!([
            new_team("Team", &[]),
            patch(
                "/Groups/bulkId:Team",
                &json!([{ "op": "replace", "path": "displayName", "value": "Crew" }])
            )
        ]),
    );
    assert_eq!(statuses(&team), ["201", "200"], "a strict tenant's PATCH of a group is 200");
}

#[test]
fn attack_23_members_that_are_skipped_are_counted_in_the_log_and_refusals_name_no_value() {
    let settings = json!({ "unknown_members": "skip" });
    let (gateway, acme) = onboarded(&json!({ "key": "acme", "name": "Acme", "settings": settings }));
    let ids: Vec<String> = (10..20).map(|n| format!("0190a0a0-0000-7000-8000-0000000000{n}")).collect();
    let s3cret = "s3cret".repeat(30);
    let mut nobodies = vec!["s3cret@acme.example", &s3cret];
    nobodies.extend(ids.iter().map(String::as_str));
    let ended =
        bulk(&acme, &json!([new_team("Team", &nobodies), new_user("s3cret\"", &json!({ "active": 7 }))]));
    assert_eq!(statuses(&ended), ["201", "400"]);
    let log = gateway.log();
    let skipped = log.lines().find(|line| line.contains("members that are not here were skipped")).unwrap();
    assert!(skipped.contains("tenant=\"ire/acme\" number=12"), "{skipped}");
    assert!(skipped.contains(&ids[7]) && !skipped.contains(&ids[8]), "{skipped}");
    assert!(log.contains("an operation of a bulk was refused"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}
