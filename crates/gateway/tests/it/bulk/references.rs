//! What one operation says of what another one creates (RFC 7644 §3.7.2).

use serde_json::json;

use super::{bulk, delete, id, new_team, new_user, patch, statuses};
use crate::running::{ENTERPRISE, groups_of, members, new_group, roomy};

#[test]
fn references_are_resolved_forwards_and_backwards_and_answers_keep_the_order_of_the_request() {
    let (_gateway, acme) = roomy();
    let crew = new_group(&acme, "Crew", &[]);
    let old = acme.create_user("old", "").expect(201).id();
    let ended = bulk(
        &acme,
        &json!([
            new_team("Team", &["bulkId:ada", "bulkId:boss", &old]),
            patch(
                &format!("/Groups/{crew}"),
                &json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:ada" }, { "value": "bulkId:boss" }] }]),
            ),
            patch(
                &format!("/Groups/{crew}"),
                &json!([{ "op": "remove", "path": "members[value eq \"bulkId:ada\"]" }])
            ),
            patch("/Users/bulkId:ada", &json!([{ "op": "add", "path": "title", "value": "Dr" }])),
            patch(
                &format!("/Users/{old}"),
                &json!([{ "op": "add", "path": "manager", "value": "bulkId:boss" }])
            ),
            new_user("ada", &json!({ ENTERPRISE: { "manager": { "value": "bulkId:boss" } } })),
            new_user("boss", &json!({})),
            patch(
                "/Users/bulkId:boss",
                &json!([{ "op": "add", "value": { "manager.value": "bulkId:ada" } }])
            ),
            new_user("short-lived", &json!({})),
            delete("/Users/bulkId:short-lived"),
        ]),
    );
    assert_eq!(statuses(&ended), ["201", "204", "204", "200", "200", "201", "201", "200", "201", "204"]);
    let bulk_ids: Vec<&str> = ended.iter().filter_map(|o| o["bulkId"].as_str()).collect();
    assert_eq!(bulk_ids, ["Team", "ada", "boss", "short-lived"]);
    let (ada, boss) = (id(&ended[5]), id(&ended[6]));
    let mut team = [ada.clone(), boss.clone(), old.clone()];
    team.sort();
    assert_eq!(members(&acme, &id(&ended[0])), team);
    assert_eq!(members(&acme, &crew), [boss.as_str()]);
    assert_eq!(groups_of(&acme, &boss), ["Crew", "Team"]);
    let user = |id: &str| acme.get(&format!("/Users/{id}")).expect(200).body;
    assert_eq!(
        (&user(&ada)["title"], &user(&ada)[ENTERPRISE]["manager"]["value"]),
        (&json!("Dr"), &json!(boss))
    );
    assert_eq!(user(&boss)[ENTERPRISE]["manager"]["value"], ada);
    assert_eq!(user(&old)[ENTERPRISE]["manager"]["value"], boss);
    assert_eq!(
        (&id(&ended[3]), &id(&ended[7])),
        (&ada, &boss),
        "the location of a reference is the real one"
    );
    acme.get(&format!("/Users/{}", id(&ended[9]))).expect_error(404, "");
}

/// RFC 7644 §3.7.2: "Extensions that include references to other resources MUST be handled in the same way".
#[test]
fn a_tenants_own_schema_may_refer_too() {
    let (gateway, acme) = roomy();
    let own = "urn:example:params:scim:schemas:extension:office:2.0:User";
    let attributes = json!([
        { "name": "assistant", "type": "string" },
        { "name": "deputies", "type": "complex", "multiValued": true, "subAttributes": [{ "name": "value", "type": "string" }] },
    ]);
    let schema = json!({ "schema": { "id": own, "attributes": attributes } });
    gateway.admin("POST", &format!("{}/schemas", acme.admin_path()), Some(&schema)).expect(201);
    let block =
        json!({ "assistant": "bulkId:b", "deputies": [{ "value": "bulkId:b" }, { "value": "bulkId:c" }] });
    let ended = bulk(
        &acme,
        &json!([new_user("a", &json!({ own: block })), new_user("b", &json!({})), new_user("c", &json!({}))]),
    );
    assert_eq!(statuses(&ended), ["201"; 3]);
    let [a, b, c] = [0, 1, 2].map(|operation: usize| id(&ended[operation]));
    let shown = acme.get(&format!("/Users/{a}")).expect(200).body[own].clone();
    assert_eq!(shown, json!({ "assistant": b, "deputies": [{ "value": b }, { "value": c }] }));
}

#[test]
fn attack_45_managers_in_a_circle_are_resolved() {
    let (_gateway, acme) = roomy();
    let managed = |name: &str, by: &str| {
        let shapes =
            json!([format!("bulkId:{by}"), [format!("bulkId:{by}")], { "value": format!("bulkId:{by}") }]);
        let shape = shapes[name.len() % 3].clone();
        new_user(name, &json!({ ENTERPRISE: { "manager": shape } }))
    };
    let ended = bulk(
        &acme,
        &json!([managed("a", "bb"), managed("bb", "ccc"), managed("ccc", "a"), managed("own", "own")]),
    );
    assert_eq!(statuses(&ended), ["201"; 4]);
    for (who, by) in [(0, 1), (1, 2), (2, 0), (3, 3)] {
        let user = acme.get(&format!("/Users/{}", id(&ended[who]))).expect(200).body;
        let manager = &user[ENTERPRISE]["manager"];
        assert_eq!(manager["value"], id(&ended[by]));
        assert_eq!(manager["$ref"], ended[by]["location"], "it is known as a user here");
        assert_eq!(user["meta"]["version"], ended[who]["version"]);
    }
}

#[test]
fn a_circle_of_managers_comes_whole_or_not_at_all() {
    let (gateway, acme) = roomy();
    acme.create_user("taken", "").expect(201);
    let managed = |name: &str, by: &str| {
        let mut user =
            new_user(name, &json!({ ENTERPRISE: { "manager": { "value": format!("bulkId:{by}") } } }));
        user["data"]["userName"] = name.trim_end_matches('2').into();
        user
    };
    let ended = bulk(
        &acme,
        &json!([
            managed("a", "taken2"),
            new_user("x", &json!({})),
            managed("taken2", "a"),
            managed("b", "a")
        ]),
    );
    assert_eq!(statuses(&ended), ["409", "201", "409", "409"]);
    assert_eq!(ended[2]["response"]["scimType"], "uniqueness");
    for (operation, number) in [(0, 3), (3, 1)] {
        let detail = ended[operation]["response"]["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("operation {number} failed")), "{detail}");
    }
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 2);
    gateway.audit(&acme);
}

#[test]
fn attack_45_what_refers_to_nothing_or_to_a_failure_fails_alone() {
    let (_gateway, acme) = roomy();
    acme.create_user("taken", "").expect(201);
    let ended = bulk(
        &acme,
        &json!([
            new_team("of nobody", &["bulkId:nobody"]),
            new_team("of a failure", &["bulkId:taken", "bulkId:ada"]),
            new_user("managed", &json!({ ENTERPRISE: { "manager": "bulkId:taken" } })),
            patch("/Users/bulkId:taken", &json!([{ "op": "add", "path": "title", "value": "Dr" }])),
            delete("/Groups/bulkId:of nobody"),
            new_user("taken", &json!({})),
            new_user("ada", &json!({})),
            new_team("of ada", &["bulkId:ada"]),
        ]),
    );
    assert_eq!(statuses(&ended), ["400", "409", "409", "409", "409", "409", "201", "201"]);
    assert_eq!(ended[0]["response"]["scimType"], "invalidValue");
    assert!(ended[0]["response"]["detail"].as_str().unwrap().contains("\"nobody\""));
    for operation in [1, 2, 3] {
        let detail = ended[operation]["response"]["detail"].as_str().unwrap();
        assert!(detail.contains("operation 6 failed to create"), "{detail}");
    }
    assert!(ended[3].get("location").is_none(), "a resource that never was has no place");
    assert_eq!(members(&acme, &id(&ended[7])), [id(&ended[6])]);
}

#[test]
fn groups_stand_in_groups_whatever_their_order() {
    let (_gateway, acme) = roomy();
    let ended = bulk(
        &acme,
        &json!([
            new_team("Outer", &["bulkId:Middle", "bulkId:ada"]),
            new_team("Middle", &["bulkId:Inner"]),
            new_user("ada", &json!({})),
            new_team("Inner", &["bulkId:ada"]),
        ]),
    );
    assert_eq!(statuses(&ended), ["201"; 4]);
    assert_eq!(members(&acme, &id(&ended[1])), [id(&ended[3])]);
    assert_eq!(groups_of(&acme, &id(&ended[2])), ["Inner", "Middle", "Outer"]);
}

/// As a request of its own this is 400 (table of disagreements, `groups in groups`).
#[test]
fn an_operation_that_closes_a_circle_of_groups_is_a_conflict_and_the_others_are_done() {
    let (_gateway, acme) = roomy();
    let inner = new_group(&acme, "Inner", &[]);
    let outer = new_group(&acme, "Outer", &[&inner]);
    let add = |group: &str, member: &str| {
        let value = json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
        patch(&format!("/Groups/{group}"), &value)
    };
    let ended = bulk(
        &acme,
        &json!([
            add(&inner, &outer),
            add(&inner, "bulkId:New"),
            new_team("New", &[]),
            new_team("Above", &[&outer]),
            add("bulkId:New", "bulkId:Above"),
            new_team("Own", &["bulkId:Own"]),
        ]),
    );
    assert_eq!(statuses(&ended), ["409", "204", "201", "201", "409", "409"]);
    for operation in [0, 4] {
        let response = &ended[operation]["response"];
        assert!(response.get("scimType").is_none(), "{response}");
        assert!(response["detail"].as_str().unwrap().contains("a group cannot be in itself"), "{response}");
        assert!(ended[operation]["location"].is_string());
    }
    assert_eq!(members(&acme, &inner), [id(&ended[2])]);
    let single = add(&inner, &outer)["data"].clone();
    acme.request("PATCH", &format!("/Groups/{inner}")).json(&single).send().expect_error(400, "invalidValue");
}

#[test]
fn okta_refuses_ids_that_hold_the_word_so_none_does() {
    let (_gateway, acme) = roomy();
    let mut ada = new_user("bulkId:odd", &json!({ "externalId": "bulkId:odd", "id": "bulkId:odd" }));
    ada["bulkId"] = "odd".into();
    let ended = bulk(&acme, &json!([ada]));
    assert_eq!(statuses(&ended), ["201"]);
    let id = id(&ended[0]);
    assert!(!id.contains("bulkId") && id.len() == 36, "{id}");
    let single =
        acme.post("/Users", &json!({ "schemas": [crate::running::USER], "userName": "x", "id": "bulkId:x" }));
    assert!(!single.expect(201).id().contains("bulkId"));
}
