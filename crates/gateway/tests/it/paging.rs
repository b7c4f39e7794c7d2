//! CX7, CX8, MC9: an import pages through everything; projection gives what was asked for and no more.

use serde_json::{Value, json};

use crate::running::{new_group, replace, roomy, user_body};

#[test]
fn cx7_an_import_sees_every_user_once_inactive_ones_included_while_others_are_added() {
    let (_gateway, acme) = roomy();
    for i in 0..23 {
        let body = user_body(&json!({ "userName": format!("user-{i:02}"), "active": i % 2 == 0 }));
        acme.post("/Users", &body).expect(201);
    }
    let mut seen = Vec::new();
    let mut start = 1;
    loop {
        let page = acme.get(&format!("/Users?startIndex={start}&count=5")).expect(200).body;
        let resources = page["Resources"].as_array().unwrap();
        assert_eq!(page["startIndex"], start);
        assert_eq!(page["itemsPerPage"], resources.len());
        if resources.is_empty() {
            break;
        }
        seen.extend(resources.iter().map(|r| r["userName"].as_str().unwrap().to_owned()));
        start += resources.len();
        if start == 11 {
            acme.create_user("late", "").expect(201);
        }
    }
    let mut expected: Vec<String> = (0..23).map(|i| format!("user-{i:02}")).collect();
    expected.push("late".into());
    assert_eq!(seen, expected, "in the order of creation");
}

#[test]
fn count_and_start_index_are_integers_with_bounds() {
    let (_gateway, acme) = roomy();
    for i in 0..3 {
        acme.create_user(&format!("user-{i}"), "").expect(201);
    }
    for (query, start, items) in [
        ("count=0", 1, 0),
        ("count=-3", 1, 0),
        ("startIndex=0", 1, 3),
        ("startIndex=-5&count=2", 1, 2),
        ("startIndex=3", 3, 1),
        ("startIndex=4", 4, 0),
        ("count=2000000000", 1, 3),
        ("count=&startIndex=&sortBy=&sortOrder=", 1, 3),
    ] {
        let page = acme.get(&format!("/Users?{query}")).expect(200).body;
        let told = (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]);
        assert_eq!(told, (&json!(3), &json!(start), &json!(items)), "{query}");
        assert_eq!(page["Resources"].as_array().unwrap().len(), items);
    }
    for query in ["count=x", "startIndex=1.5", "count=%20", "count=1&count=2"] {
        acme.get(&format!("/Users?{query}")).expect_error(400, "invalidValue");
    }
}

#[test]
fn mc9_and_cx8_groups_page_with_none_and_with_many() {
    let (_gateway, acme) = roomy();
    let none = acme.get("/Groups?startIndex=1&count=100").expect(200).body;
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])));
    let ada = acme.create_user("ada", "").expect(201).id();
    for i in 0..12 {
        new_group(&acme, &format!("Group {i}"), &[&ada]);
    }
    let page = acme.get("/Groups?startIndex=11&count=5").expect(200).body;
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(12), &json!(2)));
    for group in page["Resources"].as_array().unwrap() {
        assert_eq!(group["members"][0]["value"], ada);
    }
}

#[test]
fn attributes_and_excluded_attributes_hold_in_every_answer() {
    let (_gateway, acme) = roomy();
    let body = user_body(&json!({
        "userName": "ada", "title": "Countess", "name": { "givenName": "Ada", "familyName": "L" },
        "emails": [{ "value": "a@x.example", "type": "work" }],
    }));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let made = acme.post("/Users?attributes=userName", &body).expect(201);
    assert_eq!(keys(&made.body), ["schemas", "id", "userName"]);
    let path = format!("/Users/{}", made.id());
    let few = acme.get(&format!("{path}?attributes=NAME.givenname,title,nonsense")).expect(200).body;
    assert_eq!((keys(&few).len(), &few["name"]), (4, &json!({ "givenName": "Ada" })));
    let less = acme.get(&format!("{path}?excludedAttributes=name,emails.type,id")).expect(200).body;
    assert!(less.get("name").is_none() && less["id"].is_string(), "id is always returned: {less}");
    assert_eq!(less["emails"], json!([{ "value": "a@x.example" }]));
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": replace("title", "Dr") });
    let patched = acme.request("PATCH", &format!("{path}?attributes=title")).json(&patch).send().expect(200);
    assert_eq!((keys(&patched.body).len(), &patched.body["title"]), (3, &json!("Dr")));
    let listed = acme.get("/Users?attributes=userName").expect(200).body;
    assert_eq!(keys(&listed["Resources"][0]), ["schemas", "id", "userName"]);
}

#[test]
fn excluded_members_are_left_out_of_group_reads_and_a_patch_that_names_attributes_is_answered() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let crew = new_group(&acme, "Crew", &[&ada]);
    let path = format!("/Groups/{crew}");
    let one = acme.get(&format!("{path}?excludedAttributes=members")).expect(200).body;
    assert!(one.get("members").is_none() && one["displayName"] == "Crew", "{one}");
    let found =
        acme.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22crew%22").expect(200).body;
    assert_eq!(found["totalResults"], 1);
    assert!(found["Resources"][0].get("members").is_none());
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": replace("displayName", "Team") });
    let named =
        acme.request("PATCH", &format!("{path}?excludedAttributes=members")).json(&patch).send().expect(200);
    assert_eq!((&named.body["displayName"], named.body.get("members")), (&json!("Team"), None));
}
