//! The examples of RFC 7644 §3.7.1 to §3.7.4, played.

use serde_json::{Value, json};

use super::{BULK_REQUEST, PATCH_OP, bulk, delete, ended, id, new_user, send, statuses};
use crate::running::{ENTERPRISE, GROUP, USER, members, roomy};

#[test]
fn section_3_7_1_a_circle_of_groups_is_a_conflict_and_leaves_nothing() {
    let (_gateway, acme) = roomy();
    let group = |bulk_id: &str, name: &str, member: &str| {
        let members = json!([{ "type": "Group", "value": member }]);
        let data = json!({ "schemas": [GROUP], "displayName": name, "members": members });
        json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
    };
    let ended = bulk(
        &acme,
        &json!([
            group("qwerty", "Group A", "bulkId:ytrewq"),
            group("ytrewq", "Group B", "bulkId:qwerty"),
            new_user("ada", &json!({})),
        ]),
    );
    assert_eq!(statuses(&ended), ["409", "409", "201"]);
    for (operation, bulk_id) in ended.iter().zip(["qwerty", "ytrewq"]) {
        assert_eq!((&operation["method"], &operation["bulkId"]), (&json!("POST"), &json!(bulk_id)));
        assert_eq!(operation["response"]["status"], "409");
        assert!(operation["response"]["detail"].as_str().unwrap().contains("circular"), "{operation}");
        assert!(operation.get("location").is_none() && operation.get("version").is_none());
    }
    assert_eq!(acme.get("/Groups").expect(200).body["totalResults"], 0);
}

#[test]
fn section_3_7_2_a_new_user_becomes_a_member_of_a_new_group_and_the_manager_of_another() {
    let (_gateway, acme) = roomy();
    let answer = send(
        &acme,
        &json!([
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": "qwerty",
                "data": { "schemas": [USER], "userName": "Alice" },
            },
            {
                "method": "POST",
                "path": "/Groups",
                "bulkId": "ytrewq",
                "data": {
                    "schemas": [GROUP],
                    "displayName": "Tour Guides",
                    "members": [{ "type": "User", "value": "bulkId:qwerty" }],
                },
            },
            {
                "method": "POST",
                "path": "/Users",
                "bulkId": "ytrewq2",
                "data": {
                    "schemas": [USER, ENTERPRISE],
                    "userName": "Bob",
                    ENTERPRISE: { "employeeNumber": "11250", "manager": { "value": "bulkId:qwerty" } },
                },
            },
        ]),
    );
    assert!(answer.header("content-type").unwrap().starts_with("application/scim+json"));
    let ended = ended(&answer);
    let (alice, guides, bob) = (id(&ended[0]), id(&ended[1]), id(&ended[2]));
    let expected = |bulk_id: &str, path: &str, id: &str| {
        json!({
            "method": "POST",
            "bulkId": bulk_id,
            "location": format!("{}{path}/{id}", acme.base_url),
            "version": "W/\"1\"",
            "status": "201",
        })
    };
    assert_eq!(ended[0], expected("qwerty", "/Users", &alice));
    assert_eq!(ended[1], expected("ytrewq", "/Groups", &guides));
    assert_eq!(ended[2], expected("ytrewq2", "/Users", &bob));
    assert_eq!(members(&acme, &guides), [alice.as_str()]);
    let bob = acme.get(&format!("/Users/{bob}")).expect(200).body;
    let manager = json!({ "value": alice, "$ref": format!("{}/Users/{alice}", acme.base_url) });
    assert_eq!(bob[ENTERPRISE]["manager"], manager);
    assert_eq!(bob["meta"]["version"], "W/\"1\"");
}

/// The four operations of §3.7.3 on three people who are there. (The RFC's own PATCH is no JSON, and its first schema is none.)
fn add_update_and_remove(ids: &[String; 3], versions: [&str; 3]) -> Value {
    let [bob, dave, eve] = ids;
    json!([
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": "qwerty",
            "data": { "schemas": [USER], "userName": "Alice" },
        },
        {
            "method": "PUT",
            "path": format!("/Users/{bob}"),
            "version": versions[0],
            "data": { "schemas": [USER], "id": bob, "userName": "Bob" },
        },
        {
            "method": "PATCH",
            "path": format!("/Users/{dave}"),
            "version": versions[1],
            "data": {
                "schemas": [PATCH_OP],
                "Operations": [
                    { "op": "remove", "path": "nickName" },
                    { "op": "add", "path": "userName", "value": "Dave" },
                ],
            },
        },
        { "method": "DELETE", "path": format!("/Users/{eve}"), "version": versions[2] },
    ])
}

#[test]
fn section_3_7_3_a_user_is_added_two_are_changed_and_one_is_removed() {
    let (_gateway, acme) = roomy();
    let ids = ["b", "d", "e"].map(|name| acme.create_user(name, "").expect(201).id());
    let one = "W/\"1\"";
    let operations = add_update_and_remove(&ids, [one; 3]);
    let body = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 1, "Operations": operations });
    let ended = ended(&acme.post("/Bulk", &body));
    let location = |id: &str| format!("{}/Users/{id}", acme.base_url);
    let two = "W/\"2\"";
    assert_eq!(
        ended[1..],
        [
            json!({ "method": "PUT", "location": location(&ids[0]), "version": two, "status": "200" }),
            json!({ "method": "PATCH", "location": location(&ids[1]), "version": two, "status": "200" }),
            json!({ "method": "DELETE", "location": location(&ids[2]), "status": "204" }),
        ]
    );
    assert_eq!((&ended[0]["bulkId"], &ended[0]["status"]), (&json!("qwerty"), &json!("201")));
    let names = acme.get("/Users?attributes=userName").expect(200).body;
    let mut names: Vec<&str> =
        names["Resources"].as_array().unwrap().iter().map(|u| u["userName"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Alice", "Bob", "Dave"]);
    acme.get(&format!("/Users/{}", ids[2])).expect_error(404, "");
}

#[test]
fn section_3_7_3_with_fail_on_errors_the_first_error_ends_it() {
    let (_gateway, acme) = roomy();
    let ids = ["b", "d", "e"].map(|name| acme.create_user(name, "").expect(201).id());
    acme.create_user("alice", "").expect(201);
    let operations = add_update_and_remove(&ids, ["W/\"1\""; 3]);
    let body = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 1, "Operations": operations });
    let ended = ended(&acme.post("/Bulk", &body));
    assert_eq!(statuses(&ended), ["409"], "what was not attempted is not told of");
    assert_eq!(ended[0]["response"]["scimType"], "uniqueness");
    assert_eq!((&ended[0]["bulkId"], ended[0].get("location")), (&json!("qwerty"), None));
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 4, "nothing else was done");
}

#[test]
fn section_3_7_3_without_it_everything_is_attempted_even_if_all_fail() {
    let (_gateway, acme) = roomy();
    let mut ids = ["b", "d", "e"].map(|name| acme.create_user(name, "").expect(201).id());
    acme.create_user("alice", "").expect(201);
    acme.delete(&format!("/Users/{}", ids[2])).expect(204);
    let stale = "W/\"3694e05e9dff591\"";
    let ended_all = bulk(&acme, &add_update_and_remove(&ids, [stale; 3]));
    assert_eq!(statuses(&ended_all), ["409", "412", "412", "404"]);
    for (operation, id) in ended_all[1..].iter().zip(&ids) {
        assert_eq!(operation["location"], format!("{}/Users/{id}", acme.base_url), "told for all but a POST");
        assert_eq!(operation["response"]["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(operation["response"]["status"], operation["status"]);
        assert!(operation["response"]["detail"].is_string() && operation.get("version").is_none());
    }
    ids.swap(0, 2);
    let gone_first =
        bulk(&acme, &json!([delete(&format!("/Users/{}", ids[0])), new_user("new", &json!({}))]));
    assert_eq!(statuses(&gone_first), ["404", "201"]);
}

#[test]
fn a_count_of_errors_ends_it_after_that_many_and_what_was_done_stays() {
    let (_gateway, acme) = roomy();
    let operations = json!([
        new_user("a", &json!({})),
        delete("/Users/x"),
        new_user("b", &json!({})),
        delete("/Users/y"),
        new_user("c", &json!({})),
    ]);
    let body = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 2, "Operations": operations });
    let some = ended(&acme.post("/Bulk", &body));
    assert_eq!(statuses(&some), ["201", "404", "201", "404"]);
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 2);
    let empty = ended(&acme.post("/Bulk", &json!({ "schemas": [BULK_REQUEST], "Operations": [] })));
    assert!(empty.is_empty());
}
