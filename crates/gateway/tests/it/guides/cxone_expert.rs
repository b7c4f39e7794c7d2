//! CXone Expert's guide for Okta.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{group, on_members};
use crate::{
    people::said,
    products::{create, named, of, standing, used},
    running::{groups_of, members, replace},
};

fn expert() -> (Gateway, Tenant) {
    of("cxone-expert", &json!({ "pro": 2 }))
}

fn seated() -> Value {
    json!({ "seated": true })
}

#[test]
fn cx1_a_user_who_is_made_in_okta_appears_in_the_tenant() {
    let (gateway, expert) = expert();
    let made = create(&expert, "ada@acme.example", &seated()).expect(201);
    assert_eq!(expert.find("/Users", "userName eq \"ada@acme.example\"").expect(200).body["totalResults"], 1);
    let listed = said(&gateway, &expert, &["user", "list"]);
    assert_eq!((&listed[0]["id"], &listed[0]["role"]), (&json!(made.id()), &json!("pro")));
}

#[test]
fn cx2_changes_of_the_profile_in_okta_arrive() {
    let (_gateway, expert) = expert();
    let path = format!("/Users/{}", create(&expert, "ada", &json!({ "title": "Dr" })).expect(201).id());
    let name = json!({ "givenName": "Ada", "familyName": "Byron" });
    let sent = json!({ "title": "Prof", "name": name, "seated": true });
    let changed = expert.put(&path, &named("ada.l", &sent)).expect(200);
    assert_eq!((&changed.body["title"], &changed.body["userName"]), (&json!("Prof"), &json!("ada.l")));
    assert_eq!((&changed.body["name"], standing(&changed)), (&name, ["pro", "pro", "granted"]));
    assert_eq!(expert.get(&path).expect(200).body, changed.body);
}

#[test]
fn cx4_a_deactivated_user_and_one_whose_access_was_removed_are_both_deactivated() {
    let (gateway, expert) = expert();
    let [deactivated, removed] = ["ada", "bob"].map(|name| create(&expert, name, &seated()).expect(201).id());
    assert_eq!(used(&gateway, &expert, "pro"), 2);
    // Deactivated in Okta: the whole profile with `active` false. Access removed: only the flag.
    let whole = json!({ "seated": true, "active": false });
    expert.put(&format!("/Users/{deactivated}"), &named("ada", &whole)).expect(200);
    let flag = json!([{ "op": "replace", "value": { "active": false } }]);
    expert.patch(&format!("/Users/{removed}"), &flag).expect(200);
    for id in [deactivated, removed] {
        let off = expert.get(&format!("/Users/{id}")).expect(200);
        assert_eq!((standing(&off), &off.body["active"]), (["pro", "none", "suspended"], &json!(false)));
    }
    assert_eq!(used(&gateway, &expert, "pro"), 0);
    gateway.audit(&expert);
}

#[test]
fn cx5_who_is_reactivated_has_the_same_account() {
    let (_gateway, expert) = expert();
    let made = create(&expert, "ada", &json!({ "title": "Dr", "externalId": "00u1" })).expect(201);
    let path = format!("/Users/{}", made.id());
    expert.patch(&path, &replace("active", false)).expect(200);
    let back = expert.patch(&path, &replace("active", true)).expect(200);
    for same in ["id", "userName", "title", "externalId", "active"] {
        assert_eq!(back.body[same], made.body[same], "{same}");
    }
    assert_eq!(back.body["meta"]["created"], made.body["meta"]["created"]);
    assert_eq!(expert.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn cx6_pushed_groups_arrive_with_members_and_so_do_renames_and_removals() {
    let (_gateway, expert) = expert();
    let [ada, bob] = ["ada", "bob"].map(|name| create(&expert, name, &json!({})).expect(201).id());
    let authors = expert.post("/Groups", &group("Authors", &[&ada, &bob])).expect(201).id();
    let path = format!("/Groups/{authors}");
    assert_eq!(members(&expert, &authors).len(), 2);
    expert
        .patch(&path, &json!([{ "op": "replace", "value": { "id": authors, "displayName": "Writers" } }]))
        .expect(204);
    expert.patch(&path, &on_members("remove", &[&ada])).expect(204);
    assert_eq!(
        (members(&expert, &authors), groups_of(&expert, &bob)),
        (vec![bob], vec!["Writers".to_owned()])
    );
    expert.delete(&path).expect(204);
    expert.get(&path).expect_error(404, "");
    assert_eq!(groups_of(&expert, &ada), Vec::<String>::new());
}

#[test]
fn cx8_all_groups_are_read_page_by_page_with_their_members() {
    let (_gateway, expert) = expert();
    let ada = create(&expert, "ada", &json!({})).expect(201).id();
    let made: Vec<String> =
        (0..5).map(|n| expert.post("/Groups", &group(&format!("g{n}"), &[&ada])).expect(201).id()).collect();
    let mut read = Vec::new();
    for start in [1, 3, 5] {
        let page = expert.get(&format!("/Groups?startIndex={start}&count=2")).expect(200).body;
        assert_eq!(page["totalResults"], 5);
        for group in page["Resources"].as_array().unwrap() {
            assert_eq!(group["members"][0]["value"], json!(ada));
            read.push(group["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(read, made);
}

#[test]
fn cx10_an_import_reads_and_changes_nothing_here() {
    let (gateway, expert) = expert();
    let ada = create(&expert, "ada", &seated()).expect(201).id();
    said(&gateway, &expert, &["user", "add", "--user-name", "eve", "--role", "pro"]);
    expert.post("/Groups", &group("Authors", &[&ada])).expect(201);
    let state = || {
        let lists = ["/Users?startIndex=1&count=100", "/Groups?startIndex=1&count=100"];
        (lists.map(|path| expert.get(path).expect(200).text), gateway.seats(&expert))
    };
    let recorded = || said(&gateway, &expert, &["tenant", "changes"]);
    let (before, log) = (state(), recorded());
    assert_eq!((state(), recorded()), (before, log));
    // Okta is the master: what it sends next stands, and nothing of ours comes before it.
    let sent = expert.put(&format!("/Users/{ada}"), &named("ada", &json!({ "title": "Dr" }))).expect(200);
    assert_eq!(sent.body["title"], "Dr");
}
