//! What a row tells of each kind of write.

use serde_json::{Value, json};
use testkit::{gateway::Tenant, urn::ENTERPRISE};

use super::{from_okta, nothing, row_of, rows, rows_when, told};
use crate::running::{acme, gateway, new_group, replace, roomy, user_body};

#[test]
fn mo6_a_write_is_one_row_with_the_role_before_and_after() {
    let (gateway, acme) = acme(Some(2), Some(2));
    let body =
        user_body(&json!({ "userName": "Ada@Example.com", "userType": "member_lite", "favourite": "x" }));
    let made = from_okta(&acme, "POST", "/Users").json(&body).send().expect(201);
    let id = made.id();
    let put = user_body(
        &json!({ "userName": "Ada@Example.com", "userType": "admin", "name": { "givenName": "Ada" } }),
    );
    let replaced = acme.put(&format!("/Users/{id}"), &put).expect(200);
    let again = acme.put(&format!("/Users/{id}"), &put).expect(200);
    assert_eq!(replaced.header("etag"), again.header("etag"));
    let gone = acme.delete(&format!("/Users/{id}")).expect(204);
    let log = rows(&gateway, &acme, &[]);
    assert_eq!(log.len(), 4, "{log:#?}");
    for (row, answer) in log.iter().zip([&gone, &again, &replaced, &made]) {
        assert_eq!(row["request_id"], answer.header("x-request-id").unwrap());
        assert!(acme.token.contains(row["credential"].as_str().unwrap()), "{row}");
        assert_eq!(row["number"].is_null(), row["result"] == "no_change", "{row}");
    }
    let numbers: Vec<i64> = log.iter().filter_map(|row| row["number"].as_i64()).collect();
    assert!(numbers.len() == 3 && numbers.windows(2).all(|pair| pair[0] == pair[1] + 1), "{numbers:?}");
    let row = |more: Value| {
        let mut row = json!({
            "client_request_id": null, "idp": "okta", "resource": "User", "resource_id": id, "user_name": "Ada@Example.com",
            "result": "applied", "scim_type": null, "detail": null, "changed": [], "leniencies": [], "profile": "default@1",
        });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    assert_eq!(
        told(&log[3]),
        row(json!({
            "operation": "create", "status": 201, "leniencies": ["unknown_attribute"],
            "role": { "received": "mapped", "source": "userType", "before": null, "after": "member_lite" },
            "license": { "before": null, "requested": "member_lite", "granted": "member_lite", "state": "granted" },
        }))
    );
    assert_eq!(
        told(&log[2]),
        row(json!({
            "operation": "replace", "status": 200, "changed": ["userType", "name.givenName"],
            "role": { "received": "mapped", "source": "userType", "before": "member_lite", "after": "admin" },
            "license": { "before": "member_lite", "requested": "member", "granted": "member", "state": "granted" },
        }))
    );
    assert_eq!(
        told(&log[1]),
        row(json!({
            "operation": "replace", "status": 200, "result": "no_change",
            "role": { "received": "mapped", "source": "userType", "before": "admin", "after": "admin" },
            "license": { "before": "member", "requested": "member", "granted": "member", "state": "granted" },
        }))
    );
    assert_eq!(
        told(&log[0]),
        row(json!({
            "operation": "delete", "status": 204,
            "role": { "received": null, "source": null, "before": "admin", "after": null },
            "license": { "before": "member", "requested": null, "granted": null, "state": null },
        }))
    );
}

#[test]
fn mc17_a_refused_create_is_a_row_with_the_missing_fields_and_a_retry_succeeds() {
    let gateway = gateway();
    let acme = gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme", "profile": "metacompliance" }));
    let ada = json!({
        "userName": "ada@example.com", "active": true, "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "value": "ada@example.com", "type": "work", "primary": true }], "displayName": "Ada Lovelace",
    });
    let mut without = user_body(&ada);
    without["name"].as_object_mut().unwrap().remove("familyName");
    without["name"].as_object_mut().unwrap().remove("givenName");
    let refused = acme.post("/Users", &without).expect(400);
    let reference = refused.header("x-request-id").unwrap().to_owned();
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.ends_with(&format!(" Ref {reference}.")), "{detail}");
    let row = &rows_when(&gateway, &acme, &["--result", "refused"], 1)[0];
    assert_eq!((&row["request_id"], &row["detail"]), (&json!(reference), &json!(detail)));
    for missing in ["name.familyName", "name.givenName"] {
        assert!(detail.contains(missing), "{detail}");
    }
    assert_eq!(
        ["operation", "resource", "resource_id", "user_name", "status", "scim_type", "changed", "idp"]
            .map(|name| row[name].clone()),
        [
            json!("create"),
            json!("User"),
            Value::Null,
            json!("ada@example.com"),
            json!(400),
            json!("invalidValue"),
            json!([]),
            json!("other")
        ]
    );
    let made = acme.post("/Users", &user_body(&ada)).expect(201);
    let log = rows(&gateway, &acme, &["--user", "ADA@example.com"]);
    assert_eq!(log.iter().map(|row| &row["result"]).collect::<Vec<_>>(), ["applied", "refused"]);
    assert_eq!(log[0]["resource_id"], made.id());
}

#[test]
fn every_answered_write_of_a_genuine_credential_is_a_row() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let made = acme.create_user("ada", "user").expect(201);
    let ada = format!("/Users/{}", made.id());
    let nobody = "/Users/0190d3a5-0000-7000-8000-000000000001";
    let group = new_group(&acme, "Team", &[&made.id()]);
    let answers = [
        acme.create_user("ben", "user").expect(403),
        acme.create_user("ADA", "user").expect(409),
        acme.patch(nobody, &replace("title", "Dr")).expect(404),
        acme.request("PUT", &ada)
            .header("If-Match", "W/\"9\"")
            .json(&user_body(&json!({ "userName": "ada" })))
            .send()
            .expect(412),
        acme.request("POST", "/Users")
            .bytes(b"{")
            .header("Content-Type", "application/scim+json")
            .send()
            .expect(400),
        acme.patch(
            &format!("/Groups/{group}"),
            &json!([{ "op": "add", "path": "members", "value": [{ "value": made.id() }] }]),
        )
        .expect(204),
        acme.patch(&format!("/Groups/{group}"), &replace("displayName", 7)).expect(400),
        acme.delete(nobody).expect(404),
    ];
    // Reads are no writes, also those by POST, nor is what a wrong secret asks for.
    acme.get(nobody).expect(404);
    acme.post(
        "/Users/.search",
        &json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] }),
    )
    .expect(200);
    let told: Vec<[Value; 6]> = answers
        .iter()
        .map(|answer| {
            let row = row_of(&gateway, &acme, answer);
            ["operation", "resource", "result", "status", "user_name", "scim_type"]
                .map(|name| row[name].clone())
        })
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["create", "User", "refused", 403, "ben", "seatLimitReached"],
            ["create", "User", "refused", 409, "ADA", "uniqueness"],
            ["update", "User", "refused", 404, null, null],
            ["replace", "User", "refused", 412, "ada", null],
            ["create", "User", "refused", 400, null, "invalidSyntax"],
            ["update", "Group", "no_change", 204, null, null],
            ["update", "Group", "refused", 400, null, "invalidValue"],
            ["delete", "User", "refused", 404, null, null],
        ])
    );
    let refused = row_of(&gateway, &acme, &answers[0]);
    assert_eq!(
        refused["license"],
        json!({ "before": null, "requested": "member", "granted": null, "state": null })
    );
    assert_eq!(refused["role"], received("mapped"));
    assert_eq!(rows(&gateway, &acme, &[]).len(), answers.len() + 2);
    for answer in &answers {
        if let Some(detail) = answer.body["detail"].as_str() {
            assert!(
                detail.ends_with(&format!("Ref {}.", answer.header("x-request-id").unwrap())),
                "{detail}"
            );
        }
    }
}

/// The role in a row of a refused write that carried this.
fn received(word: &str) -> Value {
    let mut role = nothing();
    role["received"] = json!(word);
    role
}

#[test]
fn mo12_a_refused_write_tells_what_it_carried_of_the_role() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let made = acme.create_user("ada", "user").expect(201);
    let (ada, nobody) = (format!("/Users/{}", made.id()), "/Users/0190d3a5-0000-7000-8000-000000000001");
    let group = new_group(&acme, "Team", &[]);
    let person = |more: Value| user_body(&more);
    let long = "x".repeat(100_000);
    let stale = |method: &str, body: &Value| {
        acme.request(method, &ada).header("If-Match", "W/\"9\"").json(body).send().expect(412)
    };
    let patch = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let cases = [
        // For want of a seat, of a taken name, and of a body that is no person.
        (
            acme.post("/Users", &person(json!({ "userName": "ben", "userType": "admin" }))).expect(403),
            "mapped",
        ),
        (acme.post("/Users", &person(json!({ "userName": "ada" }))).expect(409), "absent"),
        (acme.post("/Users", &person(json!({ "userName": "ada", "userType": "" }))).expect(409), "empty"),
        (
            acme.post("/Users", &person(json!({ "userName": "ada", "userType": "zz" }))).expect(409),
            "unmapped",
        ),
        (acme.post("/Users", &person(json!({ "title": "Dr" }))).expect(400), "absent"),
        (acme.post("/Users", &person(json!({ "userType": "user" }))).expect(400), "mapped"),
        (acme.post("/Users", &person(json!({ "userName": 7, "USERTYPE": "zz" }))).expect(400), "unmapped"),
        (acme.put(&ada, &person(json!({ "userType": "" }))).expect(400), "empty"),
        (
            acme.put(
                &format!("{ada}?attributes=id&excludedAttributes=id"),
                &person(json!({ "userName": "ada" })),
            )
            .expect(400),
            "absent",
        ),
        // A query and a body that wait for their turn in the background.
        (
            acme.post(
                "/Users?attributes=id&excludedAttributes=id",
                &person(json!({ "userName": "cy", "userType": "user" })),
            )
            .expect(400),
            "mapped",
        ),
        (
            acme.post("/Users", &person(json!({ "userName": "ada", "userType": "user", "x": long })))
                .expect(409),
            "mapped",
        ),
        (acme.put(nobody, &person(json!({ "userName": "ada", "userType": "user" }))).expect(404), "mapped"),
        (
            acme.put(nobody, &person(json!({ "userName": "ada", "userType": null, "x": long }))).expect(404),
            "empty",
        ),
        (stale("PUT", &person(json!({ "userName": "ada" }))), "absent"),
        (stale("PUT", &person(json!({ "userName": "ada", "userType": "zz" }))), "unmapped"),
        (stale("PATCH", &patch(replace("userType", "user"))), "mapped"),
        (stale("PATCH", &patch(replace("userType", ""))), "empty"),
        (stale("PATCH", &patch(json!([{ "op": "remove", "path": "userType" }]))), "empty"),
        (stale("PATCH", &patch(replace("title", "Dr"))), "absent"),
    ];
    for (answer, word) in &cases {
        assert_eq!(row_of(&gateway, &acme, answer)["role"], received(word), "{}", answer.text);
    }
    // Who is deleted, and a group, have no role to carry; of a body that cannot be read it is not known.
    let cases = [
        acme.request("DELETE", &ada).header("If-Match", "W/\"9\"").send().expect(412),
        acme.patch(&format!("/Groups/{group}"), &replace("displayName", 7)).expect(400),
        acme.patch(&ada, &json!(7)).expect(400),
    ];
    for answer in &cases {
        assert_eq!(row_of(&gateway, &acme, answer)["role"], nothing(), "{}", answer.text);
    }
}

#[test]
fn mo12_a_refused_operation_of_a_bulk_tells_what_it_carried_of_the_role() {
    let (gateway, acme) = acme(Some(1), Some(0));
    acme.create_user("ada", "user").expect(201);
    let nobody = "/Users/0190d3a5-0000-7000-8000-000000000001";
    let operation = |bulk_id: &str, method: &str, path: &str, data: Value| json!({ "method": method, "path": path, "bulkId": bulk_id, "data": data });
    let person = |more: Value| user_body(&more);
    let cleared = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": replace("userType", ""),
    });
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            operation("a", "POST", "/Users", person(json!({ "userName": "ben", "userType": "admin" }))),
            operation("b", "PUT", nobody, person(json!({ "userName": "ben", "userType": "zz" }))),
            operation("c", "PATCH", nobody, cleared),
            operation("d", "POST", "/Users", person(json!({ "title": "Dr" }))),
        ],
    });
    acme.post("/Bulk", &bulk).expect(200);
    let mut told: Vec<Value> = rows_when(&gateway, &acme, &["--result", "refused"], 4)
        .iter()
        .map(|row| json!([row["operation"], row["status"], row["role"]]))
        .collect();
    told.sort_by_key(ToString::to_string);
    assert_eq!(
        json!(told),
        json!([
            ["create", 400, received("absent")],
            ["create", 403, received("mapped")],
            ["replace", 404, received("unmapped")],
            ["update", 404, received("empty")],
        ])
    );
}

#[test]
fn an_operation_of_a_bulk_is_a_row_and_all_have_its_request_id() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let user = |name: &str| {
        json!({
            "method": "POST", "path": "/Users", "bulkId": name,
            "data": user_body(&json!({ "userName": name, "userType": "user" })),
        })
    };
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [user("ada"), user("ben"), { "method": "DELETE", "path": "/Users/0190d3a5-0000-7000-8000-000000000001" }],
    });
    let answer = acme.post("/Bulk", &bulk).expect(200);
    let id = answer.header("x-request-id").unwrap();
    let statuses: Vec<&str> =
        answer.body["Operations"].as_array().unwrap().iter().map(|o| o["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "403", "404"]);
    for operation in &answer.body["Operations"].as_array().unwrap()[1..] {
        let detail = operation["response"]["detail"].as_str().unwrap();
        assert!(detail.ends_with(&format!("Ref {id}.")), "{detail}");
    }
    let mut told: Vec<Value> = rows_when(&gateway, &acme, &[], 3)
        .iter()
        .map(|row| {
            assert_eq!(row["request_id"], id);
            json!([row["operation"], row["user_name"], row["result"], row["status"]])
        })
        .collect();
    told.sort_by_key(ToString::to_string);
    assert_eq!(
        json!(told),
        json!([
            ["create", "ada", "applied", 201],
            ["create", "ben", "refused", 403],
            ["delete", null, "refused", 404]
        ])
    );
    // A body that is no bulk has no operations, and is a row all the same.
    let none = acme.post("/Bulk", &json!({ "schemas": ["urn:x"], "Operations": 7 })).expect(400);
    let row = row_of(&gateway, &acme, &none);
    assert_eq!(
        [&row["operation"], &row["resource"], &row["status"]],
        [&Value::Null, &Value::Null, &json!(400)]
    );
}

#[test]
fn an_operation_of_a_bulk_that_refers_to_a_failed_one_is_a_row_of_its_own_person() {
    let (gateway, acme) = acme(Some(0), Some(0));
    let create = |name: &str, more: Value| {
        let mut data = user_body(&json!({ "userName": name, "userType": "user" }));
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": data })
    };
    let managed = json!({ ENTERPRISE: { "manager": { "value": "bulkId:ben" } } });
    let operations = [create("ben", json!({})), create("cy", managed)];
    let bulk =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
    acme.post("/Bulk", &bulk).expect(200);
    let row = &rows_when(&gateway, &acme, &["--user", "cy"], 1)[0];
    let told = ["resource", "operation", "status", "user_name"].map(|name| row[name].clone());
    assert_eq!(told, [json!("User"), json!("create"), json!(409), json!("cy")]);
}

#[test]
fn a_write_to_a_path_where_nothing_is_written_is_a_row_too() {
    let (gateway, acme) = roomy();
    let body = user_body(&json!({ "userName": "ann@example.com" }));
    for (path, status) in [("/scim/v2/Users", 404), ("/User", 404), ("/Schemas", 405), ("/Me", 501)] {
        let refused = acme.post(path, &body).expect(status);
        let row = row_of(&gateway, &acme, &refused);
        let told = ["resource", "operation", "status", "result", "user_name"].map(|name| row[name].clone());
        assert_eq!(
            told,
            [json!(null), json!("create"), json!(status), json!("refused"), json!(null)],
            "{path}"
        );
        let id = refused.header("x-request-id").unwrap();
        let told = crate::log::explain::explain(&gateway, &acme, id);
        assert!(
            told["sentence"].as_str().unwrap().contains("because nothing is written at its path"),
            "{told}"
        );
        assert!(told["do"][0].as_str().unwrap().starts_with("Compare the base URL"), "{told}");
    }
}

#[test]
fn a_creation_that_is_refused_for_its_query_names_the_person() {
    let (gateway, acme) = roomy();
    let refused = acme
        .request("POST", "/Users?attributes=id&attributes=id")
        .json(&user_body(&json!({ "userName": "ann@example.com" })))
        .send()
        .expect(400);
    assert_eq!(row_of(&gateway, &acme, &refused)["user_name"], "ann@example.com");
}

#[test]
fn a_name_that_nobody_can_have_is_not_kept() {
    let (gateway, acme) = roomy();
    for name in [" ".to_owned(), "x".repeat(1_025)] {
        let refused = acme.create_user(&name, "").expect(400);
        assert!(row_of(&gateway, &acme, &refused)["user_name"].is_null());
    }
    let longest = "x".repeat(1_024);
    acme.create_user(&longest, "").expect(201);
    let taken = acme.create_user(&longest, "").expect(409);
    assert_eq!(row_of(&gateway, &acme, &taken)["user_name"], longest);
}

#[test]
fn acts_of_staff_on_people_are_rows_with_their_actor() {
    let (gateway, acme) = roomy();
    let path = format!("{}/users", acme.admin_path());
    let made =
        gateway.admin("POST", &path, Some(&json!({ "user_name": "ada", "role": "member" }))).expect(201);
    let one = format!("{path}/{}", made.body["id"].as_str().unwrap());
    gateway.admin("PATCH", &one, Some(&json!({ "role": "admin" }))).expect(200);
    gateway.admin("DELETE", &one, None).expect(204);
    let log = rows(&gateway, &acme, &["--idp", "staff"]);
    let told: Vec<Value> = log
        .iter()
        .map(|row| {
            json!([row["credential"], row["operation"], row["user_name"], row["result"], row["status"]])
        })
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["root", "delete", "ada", "applied", 204],
            ["root", "update", "ada", "applied", 200],
            ["root", "create", "ada", "applied", 201]
        ])
    );
    assert!(rows(&gateway, &acme, &["--idp", "okta"]).is_empty());
}

#[test]
fn a_name_in_the_user_agent_holds_for_the_later_requests_of_its_credential() {
    let (gateway, acme) = roomy();
    acme.create_user("ada", "user").expect(201);
    from_okta(&acme, "GET", "/Users?count=1").send().expect(200);
    acme.create_user("ben", "user").expect(201);
    let idps: Vec<Value> = rows(&gateway, &acme, &[]).iter().map(|row| row["idp"].clone()).collect();
    assert_eq!(json!(idps), json!(["okta", "other"]));
}

#[test]
fn a_write_beyond_the_tenants_rate_is_a_row_too() {
    let (gateway, acme) = roomy();
    gateway.cli_ok(&["tenant", "set", "--region", "ire", "--key", "acme", "--rate", "25", "--burst", "500"]);
    let mut refused = None;
    for n in 0..2_000 {
        let answer = acme.patch("/Users/0190d3a5-0000-7000-8000-000000000001", &replace("title", n));
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let row = row_of(&gateway, &acme, &refused.unwrap());
    assert_eq!(
        [&row["operation"], &row["resource"], &row["status"]],
        [&json!("update"), &json!("User"), &json!(429)]
    );
}

#[test]
fn a_write_to_a_tenant_that_is_not_served_is_a_row_too() {
    let (gateway, acme) = roomy();
    gateway.cli_ok(&["tenant", "suspend", "--region", "ire", "--key", "acme"]);
    let refused = acme.create_user("ann@example.com", "").expect(403);
    let row = row_of(&gateway, &acme, &refused);
    assert_eq!(
        ["result", "status", "operation", "user_name"].map(|name| row[name].clone()),
        [json!("refused"), json!(403), json!("create"), json!("ann@example.com")]
    );
    // The name of a long body is not looked for.
    let long = user_body(&json!({ "userName": "long", "x": "x".repeat(100_000) }));
    assert!(row_of(&gateway, &acme, &acme.post("/Users", &long).expect(403))["user_name"].is_null());
    assert!(refused.body["detail"].as_str().unwrap().contains("Ref "), "{}", refused.text);
    // A read is none, and the uniform 401 of a wrong token neither.
    acme.get("/Users").expect(403);
    Tenant { token: "wrong".to_owned(), ..acme.clone() }.create_user("bob", "").expect(401);
    assert_eq!(rows(&gateway, &acme, &[]).len(), 2);
}
