//! Each feature of a tenant can be switched off; a request that needs one then gets an error that names it (CX19).

use serde_json::{Value, json};
use testkit::{gateway::Gateway, gateway::Tenant, http::Answer};

use super::{newest_act, on, refusal};
use crate::running::{new_group, replace, roomy, user_body};

fn switch(gateway: &Gateway, tenant: &Tenant, features: &[&str]) -> Value {
    let words: Vec<&str> = features.iter().flat_map(|feature| ["--feature", feature]).collect();
    on(gateway, &[&["tenant", "set"], words.as_slice()].concat(), tenant)
}

/// Asserts that this feature is off, and that the detail names it and whom to ask.
#[track_caller]
fn assert_off(answer: Answer, feature: &str) {
    let detail = refusal(answer, "featureDisabled");
    assert!(detail.contains(&format!("(features.{feature})")), "{detail}");
    assert!(detail.contains("Ask help@acme.example."), "{detail}");
}

fn furnished() -> (Gateway, Tenant, [String; 2]) {
    let (gateway, acme) = roomy();
    on(&gateway, &["tenant", "set", "--contact", "help@acme.example"], &acme);
    let (ada, crew) = (acme.create_user("ada", "").expect(201).id(), new_group(&acme, "crew", &[]));
    (gateway, acme, [format!("/Users/{ada}"), format!("/Groups/{crew}")])
}

#[test]
fn cx19_a_refused_feature_is_named_and_nothing_is_stored() {
    let (gateway, acme, [ada, crew]) = furnished();
    let shown = switch(&gateway, &acme, &["create=off", "delete=off", "push_groups=off"]);
    assert_eq!(shown["features"]["create"], false);
    assert_eq!(shown["features"]["update"], true);
    let [actor, act, detail] = newest_act(&gateway, &acme);
    assert_eq!((actor, act), (json!("root"), json!("tenant.settings")));
    assert_eq!(detail["features_off"], json!(["create", "delete", "push_groups"]));
    let (seats, log) = (gateway.seats(&acme), changes(&gateway, &acme));

    assert_off(acme.create_user("bob", ""), "create");
    assert_off(acme.delete(&ada), "delete");
    assert_off(acme.post("/Groups", &json!({ "displayName": "other" })), "push_groups");
    assert_off(acme.patch(&crew, &replace("displayName", "x")), "push_groups");
    assert_off(acme.put(&crew, &json!({ "displayName": "x" })), "push_groups");
    assert_off(acme.delete(&crew), "push_groups");
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": user_body(&json!({ "userName": "bob" })) },
        { "method": "PATCH", "path": ada, "data": { "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
          "Operations": replace("title", "Dr") } },
    ] });
    let done = acme.post("/Bulk", &bulk).expect(200).body["Operations"].clone();
    assert_eq!(
        (&done[0]["status"], &done[0]["response"]["scimType"]),
        (&json!("403"), &json!("featureDisabled"))
    );
    assert!(done[0]["response"]["detail"].as_str().unwrap().contains("features.create"), "{done}");
    assert_eq!(done[1]["status"], "200");

    assert_eq!(gateway.seats(&acme), seats);
    assert_eq!(changes(&gateway, &acme), log + 1, "the one change of the bulk");
    acme.get(&ada).expect(200);
    assert_eq!(acme.get(&crew).expect(200).body["displayName"], "crew");
    // With the next request it is on again.
    let shown = switch(&gateway, &acme, &["create=on", "delete=on", "push_groups=on"]);
    assert!(shown["features"].as_object().unwrap().values().all(|is_on| *is_on == true), "{shown}");
    acme.create_user("bob", "").expect(201);
    acme.delete(&crew).expect(204);
    acme.delete(&ada).expect(204);
    gateway.audit(&acme);
}

fn changes(gateway: &Gateway, acme: &Tenant) -> usize {
    let changes = gateway.admin("GET", &format!("{}/changes", acme.admin_path()), None).expect(200);
    changes.body.as_array().unwrap().len()
}

#[test]
fn cx19_a_patch_or_a_put_is_judged_by_all_that_it_changes() {
    let (gateway, acme, [ada, _]) = furnished();
    let active = |is: bool| acme.patch(&ada, &replace("active", is));
    let both = |is: bool| {
        let operations = json!([
            { "op": "replace", "path": "active", "value": is },
            { "op": "replace", "path": "title", "value": format!("{is}") },
        ]);
        acme.patch(&ada, &operations)
    };
    let put = |is: bool| acme.put(&ada, &user_body(&json!({ "userName": "ada", "active": is })));

    switch(&gateway, &acme, &["deactivate=off"]);
    assert_off(active(false), "deactivate");
    assert_off(both(false), "deactivate");
    assert_off(put(false), "deactivate");
    active(true).expect(200);
    both(true).expect(200);
    assert_eq!(acme.get(&ada).expect(200).body["active"], true);

    switch(&gateway, &acme, &["deactivate=on", "reactivate=off"]);
    active(false).expect(200);
    assert_off(active(true), "reactivate");
    assert_off(both(true), "reactivate");
    assert_off(put(true), "reactivate");
    acme.patch(&ada, &replace("title", "Dr")).expect(200);

    switch(&gateway, &acme, &["reactivate=on", "update=off"]);
    assert_off(both(true), "update");
    assert_off(acme.patch(&ada, &replace("title", "Prof")), "update");
    active(true).expect(200);
    active(false).expect(200);
    // What changes nothing needs nothing.
    acme.patch(&ada, &replace("title", "Dr")).expect(200);
    let shown = acme.get(&ada).expect(200).body;
    assert_eq!((&shown["title"], &shown["active"]), (&json!("Dr"), &json!(false)));
    gateway.audit(&acme);
}

#[test]
fn cx19_without_import_users_no_list_of_all_is_read_and_a_credential_can_be_tested() {
    let (gateway, acme, [ada, _]) = furnished();
    switch(&gateway, &acme, &["import_users=off"]);
    let search = |body: Value| acme.post("/Users/.search", &body);
    let message = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
    for refused in [
        acme.get("/Users"),
        acme.get("/Users?count=3"),
        acme.get("/Users?startIndex=2&count=100"),
        acme.get("/Users?cursor&count=3"),
        acme.get("/?count=100"),
        search(json!({ "schemas": [message] })),
    ] {
        assert_off(refused, "import_users");
    }
    // Okta tests a credential by the first two.
    acme.get("/Users?startIndex=1&count=2").expect(200);
    acme.get("/Users?count=0").expect(200);
    search(json!({ "schemas": [message], "count": 2 })).expect(200);
    acme.get(&ada).expect(200);
    let found = acme.find("/Users", "userName eq \"ada\"").expect(200);
    assert_eq!(found.body["totalResults"], 1);
    acme.get("/Groups").expect(200);

    switch(&gateway, &acme, &["import_users=on", "import_groups=off"]);
    assert_off(acme.get("/Groups"), "import_groups");
    acme.get("/Groups?count=2").expect(200);
    acme.find("/Groups", "displayName eq \"crew\"").expect(200);
    acme.get("/Users").expect(200);
    acme.get("/ResourceTypes").expect(200);
}

#[test]
fn cx19_a_feature_that_does_not_exist_cannot_be_switched() {
    let (gateway, acme) = roomy();
    let target = ["--region", "ire", "--key", "acme"];
    for wrong in ["fly=off", "create=no", "create"] {
        let output = gateway.cli(&[&["tenant", "set", "--feature", wrong], &target[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
    for wrong in [json!({ "fly": false }), json!({ "create": "off" })] {
        let body = json!({ "settings": { "features": wrong } });
        assert_eq!(gateway.admin("PATCH", &acme.admin_path(), Some(&body)).status, 400, "{body}");
    }
    let body = json!({ "key": "globex", "name": "Globex", "settings": { "features_off": ["fly"] } });
    assert_eq!(gateway.admin("POST", "/regions/ire/tenants", Some(&body)).status, 400);
}
