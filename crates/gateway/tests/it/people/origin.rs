//! Who a user or a group is of.

use serde_json::{Value, json};

use super::{said, staff};
use crate::running::{GROUP, GROUP_ORIGIN, USER, USER_ORIGIN, replace, roomy};

#[test]
fn io3_who_is_provisioned_is_of_the_idp_and_no_client_can_say_otherwise() {
    let (_gateway, acme) = roomy();
    let of_staff = json!({ "origin": "LOCAL", "since": "2020-01-01T00:00:00Z" });
    let sent = json!({ "schemas": [USER, USER_ORIGIN], "userName": "ann", USER_ORIGIN: of_staff });
    let ann = acme.post("/Users", &sent).expect(201);
    let since = ann.body["meta"]["created"].clone();
    let told = json!({ "origin": "IDP", "since": since });
    assert_eq!(ann.body[USER_ORIGIN], told);
    let path = format!("/Users/{}", ann.id());
    assert_eq!(acme.get(&path).expect(200).body[USER_ORIGIN], told);

    // Sent back it is ignored.
    let put = acme.put(&path, &sent).expect(200);
    assert_eq!((&put.body[USER_ORIGIN], &put.body["meta"]), (&told, &ann.body["meta"]));
    let pathless = json!([{ "op": "replace", "value": { "title": "Dr", USER_ORIGIN: of_staff } }]);
    assert_eq!(acme.patch(&path, &pathless).expect(200).body[USER_ORIGIN], told);
    for named in [USER_ORIGIN.to_owned(), format!("{USER_ORIGIN}:origin"), format!("{USER_ORIGIN}:since")] {
        acme.patch(&path, &replace(&named, "LOCAL")).expect_error(400, "mutability");
    }

    let group = json!({ "schemas": [GROUP], "displayName": "Crew", GROUP_ORIGIN: of_staff });
    let crew = acme.post("/Groups", &group).expect(201);
    assert_eq!(crew.body[GROUP_ORIGIN], json!({ "origin": "IDP", "since": crew.body["meta"]["created"] }));
    let named = replace(&format!("{GROUP_ORIGIN}:origin"), "LOCAL");
    acme.patch(&format!("/Groups/{}", crew.id()), &named).expect_error(400, "mutability");

    // It is read like every other attribute.
    let some = acme.get(&format!("{path}?attributes={USER_ORIGIN}:origin")).expect(200).body;
    assert_eq!((&some[USER_ORIGIN], &some["userName"]), (&json!({ "origin": "IDP" }), &Value::Null));
    let without = acme.get(&format!("{path}?excludedAttributes={USER_ORIGIN}")).expect(200).body;
    assert_eq!(without.get(USER_ORIGIN), None);
    for (origin, total) in [("IDP", 1), ("LOCAL", 0)] {
        let found = acme.find("/Users", &format!("{USER_ORIGIN}:origin eq \"{origin}\"")).expect(200);
        assert_eq!(found.body["totalResults"], total);
    }
}

#[test]
fn io6_staff_see_of_each_member_of_a_group_our_user_and_the_idps() {
    let (gateway, acme) = roomy();
    let sent = json!({ "schemas": [USER], "userName": "ann", "externalId": "ext-ann", "userType": "user" });
    let ann = acme.post("/Users", &sent).expect(201).id();
    let members = json!([{ "value": ann }]);
    let inner =
        json!({ "schemas": [GROUP], "displayName": "Inner", "externalId": "ext-inner", "members": members });
    let inner = acme.post("/Groups", &inner).expect(201).id();
    let outer = json!({ "schemas": [GROUP], "displayName": "Outer", "members": [{ "value": inner }, { "value": ann }] });
    let outer = acme.post("/Groups", &outer).expect(201).id();

    let told = staff(&gateway, &acme, "GET", &format!("/groups/{outer}"), None).expect(200).body;
    let by_id =
        |id: &str| told["members"].as_array().unwrap().iter().find(|m| m["id"] == id).unwrap().clone();
    assert_eq!(
        by_id(&ann),
        json!({
            "id": ann, "type": "User", "external_id": "ext-ann", "user_name": "ann", "origin": "IDP", "membership": "IDP",
        })
    );
    assert_eq!((&by_id(&inner)["display_name"], &by_id(&inner)["type"]), (&json!("Inner"), &json!("Group")));
    assert_eq!((&told["display_name"], &told["origin"]), (&json!("Outer"), &json!("IDP")));
    assert_eq!(said(&gateway, &acme, &["group", "show", "--group", "Outer"]), told);
    let all = said(&gateway, &acme, &["group", "list"]);
    let names: Vec<&Value> = all.as_array().unwrap().iter().map(|group| &group["display_name"]).collect();
    assert_eq!(names, ["Inner", "Outer"]);

    // IO7: the person's groups are current at once, here as in SCIM.
    let person = said(&gateway, &acme, &["user", "show", "--user", "ANN"]);
    let groups: Vec<&Value> =
        person["groups"].as_array().unwrap().iter().map(|g| &g["display_name"]).collect();
    assert_eq!(groups, ["Inner", "Outer"]);
    acme.delete(&format!("/Groups/{outer}")).expect(204);
    let person = said(&gateway, &acme, &["user", "show", "--user", &ann]);
    assert_eq!(person["groups"], json!([{ "id": inner, "display_name": "Inner" }]));
}

#[test]
fn staff_list_people_by_state_role_and_origin_page_by_page() {
    let (gateway, acme) = crate::running::acme(Some(1), Some(9));
    let ids: Vec<String> = [("ann", "admin"), ("bob", "user"), ("cid", "member_lite"), ("dee", "")]
        .map(|(name, kind)| acme.create_user(name, kind).expect(201).id())
        .to_vec();
    acme.patch(&format!("/Users/{}", ids[3]), &replace("active", false)).expect(200);
    let all = said(&gateway, &acme, &["user", "list"]);
    let people = all.as_array().unwrap();
    let facts: Vec<[&str; 5]> = people
        .iter()
        .map(|p| {
            let license = &p["license"];
            [&p["user_name"], &p["role"], &p["role_from"], &license["requested"], &license["state"]]
                .map(|v| v.as_str().unwrap())
        })
        .collect();
    assert_eq!(
        facts,
        [
            ["ann", "admin", "userType", "member", "granted"],
            ["bob", "member", "userType", "member", "fallback"],
            ["cid", "member_lite", "userType", "member_lite", "granted"],
            ["dee", "member_lite", "default", "member_lite", "suspended"],
        ]
    );
    assert_eq!(people[1]["license"]["granted"], "member_lite");
    assert_eq!((&people[3]["active"], &people[3]["license"]["granted"]), (&json!(false), &Value::Null));
    assert!(people.iter().all(|p| p["origin"] == "IDP"));

    for (words, names) in [
        (["--state", "fallback"], vec!["bob"]),
        (["--role", "member_lite"], vec!["cid", "dee"]),
        (["--origin", "local"], vec![]),
        (["--origin", "IDP"], vec!["ann", "bob", "cid", "dee"]),
    ] {
        let some = said(&gateway, &acme, &[&["user", "list"][..], &words].concat());
        let found: Vec<&str> =
            some.as_array().unwrap().iter().map(|p| p["user_name"].as_str().unwrap()).collect();
        assert_eq!(found, names, "{words:?}");
    }
    let page = staff(&gateway, &acme, "GET", "/users?role=member_lite&limit=1", None).expect(200);
    let next = page.header("link").unwrap().split(['<', '>']).nth(1).unwrap().to_owned();
    assert_eq!(page.body[0]["user_name"], "cid");
    let next = next.split_once("/users").unwrap().1.to_owned();
    let page = staff(&gateway, &acme, "GET", &format!("/users{next}"), None).expect(200);
    assert_eq!((page.body[0]["user_name"].as_str(), page.header("link")), (Some("dee"), None));

    for wrong in ["/users?colour=red", "/users?origin=MARS", "/users?state=asleep", "/groups?state=x"] {
        assert_eq!(staff(&gateway, &acme, "GET", wrong, None).status, 400, "{wrong}");
    }
    assert_eq!(staff(&gateway, &acme, "GET", "/users/nobody", None).status, 404);
    assert_eq!(staff(&gateway, &acme, "GET", "/groups/nothing", None).status, 404);
}
