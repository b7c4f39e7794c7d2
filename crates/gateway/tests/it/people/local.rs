//! People whom staff add, set and delete, through the admin API and the command line.

use serde_json::{Value, json};

use super::{said, staff};
use crate::running::{SEAT, USER, USER_ORIGIN, acme, replace, roomy};

#[test]
fn io4_whom_staff_add_is_local_until_a_post_takes_the_person_over_with_history() {
    let (gateway, acme) = roomy();
    let words =
        ["user", "add", "--user-name", "ann@acme.example", "--role", "member", "--email", "ann@acme.example"];
    let ann = said(&gateway, &acme, &words);
    let id = ann["id"].as_str().unwrap();
    assert_eq!(
        ann,
        json!({
            "id": id, "user_name": "ann@acme.example", "external_id": null, "active": true, "role": "member",
            "role_from": "local", "license": { "requested": "member", "granted": "member", "state": "granted" },
            "origin": "LOCAL", "since": ann["since"], "groups": [],
            "idp": { "role": "member_lite", "active": true },
        })
    );
    let path = format!("/Users/{id}");
    let before = acme.get(&path).expect(200).body;
    assert_eq!(before[USER_ORIGIN], json!({ "origin": "LOCAL", "since": before["meta"]["created"] }));
    assert_eq!(before["emails"][0]["value"], "ann@acme.example");
    let found = acme.find("/Users", &format!("{USER_ORIGIN}:origin eq \"LOCAL\"")).expect(200).body;
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(id)));

    // The identity provider takes the person over: 201, the old id, and its word on the role.
    let sent = json!({ "schemas": [USER], "userName": "Ann@Acme.example", "externalId": "ext", "userType": "admin" });
    let linked = acme.post("/Users", &sent).expect(201);
    assert_eq!(linked.id(), id);
    assert_eq!(linked.header("location"), Some(format!("{}{path}", acme.base_url).as_str()));
    assert_eq!((&linked.body["userName"], &linked.body["userType"]), (&sent["userName"], &json!("admin")));
    assert_eq!(
        (&linked.body[USER_ORIGIN]["origin"], &linked.body[SEAT]["role"]),
        (&json!("IDP"), &json!("admin"))
    );
    assert_eq!(linked.body["meta"]["created"], before["meta"]["created"]);
    assert_ne!(linked.body["meta"]["version"], before["meta"]["version"]);
    assert_eq!(acme.get(&path).expect(200).body, linked.body);
    acme.post("/Users", &sent).expect_error(409, "uniqueness");

    let story = said(&gateway, &acme, &["tenant", "changes", "--resource", id]);
    let kinds: Vec<&Value> = story.as_array().unwrap().iter().map(|change| &change["kind"]).collect();
    assert_eq!(kinds, ["user.linked", "user.created"]);
    assert_eq!(story[1]["detail"]["by"], "staff");
    let facts = |change: &Value| {
        ["operation", "result", "role_received", "role_source", "role_before", "role_after"]
            .map(|name| change[name].as_str().unwrap_or("null").to_owned())
    };
    assert_eq!(facts(&story[0]), ["create", "linked", "mapped", "userType", "member", "admin"]);
    assert_eq!(facts(&story[1]), ["add", "applied", "null", "local", "null", "member"]);
    assert_eq!((&story[1]["credential"], &story[1]["actor"]), (&Value::Null, &json!("root")));
    gateway.audit(&acme);
}

#[test]
fn cx13_what_staff_do_to_people_goes_through_the_ledger() {
    let (gateway, acme) = acme(Some(1), Some(1));
    let ann = acme.create_user("ann", "user").expect(201).id();
    let bob = json!({ "user_name": "bob", "role": "admin" });
    // No seat for another admin, who never falls back.
    let refused = staff(&gateway, &acme, "POST", "/users", Some(&bob));
    assert_eq!((refused.status, refused.body["status"].as_u64()), (403, Some(403)), "{}", refused.text);
    let bob = json!({ "user_name": "bob", "role": "member" });
    let added = staff(&gateway, &acme, "POST", "/users", Some(&bob)).expect(201).body;
    assert_eq!(
        (&added["license"]["granted"], &added["license"]["state"]),
        (&json!("member_lite"), &json!("fallback"))
    );
    let id = added["id"].as_str().unwrap();
    gateway.audit(&acme);

    // Deactivated by staff: the seat goes to the one who waits, at once.
    let off = said(&gateway, &acme, &["user", "set", "--user", "ann", "--active", "false"]);
    let row = &said(&gateway, &acme, &["log", "--user", "ann", "--limit", "1"])["rows"][0];
    assert_eq!((&row["idp"], &row["changed"]), (&json!("staff"), &json!(["active"])), "{row}");
    assert_eq!((&off["active"], &off["license"]["state"]), (&json!(false), &json!("suspended")));
    assert_eq!(acme.get(&format!("/Users/{ann}")).expect(200).body["active"], false);
    assert_eq!(acme.get(&format!("/Users/{id}")).expect(200).body[SEAT]["state"], "granted");
    gateway.audit(&acme);

    // A role that is set is shown beside what the identity provider says, and is put back by it.
    let set = said(&gateway, &acme, &["user", "set", "--user", &ann, "--role", "member_lite"]);
    assert_eq!((&set["role"], &set["role_from"]), (&json!("member_lite"), &json!("local")));
    assert_eq!(set["idp"], json!({ "role": "member", "active": false }));
    let on = acme.patch(&format!("/Users/{ann}"), &replace("active", true)).expect(200).body;
    assert_eq!(
        (&on[SEAT]["role"], &on[SEAT]["grantedLicense"]),
        (&json!("member_lite"), &json!("member_lite"))
    );
    let released = said(&gateway, &acme, &["user", "release", "--user", "ann"]);
    assert_eq!(
        (&released["role_from"], &released["license"]["state"]),
        (&json!("userType"), &json!("fallback"))
    );
    assert_eq!(released.get("idp"), None);

    // Deleted by staff: gone for SCIM, and the seat goes to the one who waits.
    assert!(
        gateway
            .cli_ok(&["user", "delete", "--user", "bob", "--region", "ire", "--key", "acme"])
            .contains("deleted")
    );
    assert_eq!(acme.get(&format!("/Users/{id}")).status, 404);
    assert_eq!(acme.get(&format!("/Users/{ann}")).expect(200).body[SEAT]["state"], "granted");
    gateway.audit(&acme);
}

#[test]
fn cx20_who_was_there_before_provisioning_began_is_linked_and_not_there_twice() {
    let (gateway, acme) = roomy();
    let names = ["ann", "bob", "cid"];
    let before = names.map(|name| {
        let added = staff(&gateway, &acme, "POST", "/users", Some(&json!({ "user_name": name }))).expect(201);
        added.body["id"].as_str().unwrap().to_owned()
    });
    let after = names.map(|name| acme.create_user(&name.to_uppercase(), "user").expect(201).id());
    assert_eq!(after, before);
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 3);
    let people = said(&gateway, &acme, &["user", "list", "--origin", "IDP"]);
    assert_eq!(people.as_array().map(Vec::len), Some(3));
    gateway.audit(&acme);
}

#[test]
fn a_wrong_word_about_a_person_is_a_clear_sentence() {
    let (gateway, acme) = roomy();
    let ann = acme.create_user("ann", "user").expect(201).id();
    let one = format!("/users/{ann}");
    for (method, path, body, status, word) in [
        (
            "POST",
            "/users",
            json!({ "user_name": "bob", "role": "king" }),
            400,
            "the roles are admin, member, member_lite",
        ),
        ("POST", "/users", json!({ "user_name": "ANN" }), 409, "taken"),
        ("POST", "/users", json!({ "user_name": "" }), 400, "userName"),
        ("POST", "/users", json!({ "userName": "bob" }), 400, "user_name"),
        ("PATCH", one.as_str(), json!({}), 400, "role or active"),
        ("PATCH", one.as_str(), json!({ "role": "king" }), 400, "the roles are"),
        ("PATCH", "/users/nobody", json!({ "active": false }), 404, ""),
    ] {
        let answer = staff(&gateway, &acme, method, path, Some(&body));
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text);
        assert!(answer.body["detail"].as_str().unwrap().contains(word), "{}", answer.text);
    }
    assert_eq!(staff(&gateway, &acme, "DELETE", "/users/nobody", None).status, 404);
    assert_eq!(staff(&gateway, &acme, "DELETE", &format!("{one}?now=1"), None).status, 400);
    let of = ["--region", "ire", "--key", "acme"];
    for words in [
        vec!["user", "set", "--user", "ann"],
        vec!["user", "set", "--user", "ann", "--role", "member", "--active", "true"],
        vec!["user", "show", "--user", "nobody"],
        vec!["group", "show", "--group", "nothing"],
    ] {
        assert!(!gateway.cli(&[&words[..], &of].concat()).status.success(), "{words:?}");
    }
}
