//! What is kept for an undo, and what is not.

use serde_json::{Value, json};
use testkit::clocks::MachineClock;

use super::{dump, moment, not_restored, undo};
use crate::{
    people::{said, staff},
    profiles::overridden,
    running::{GROUP, new_group, replace, roomy, stored, user_body},
    tick::{tick, under},
};

#[test]
fn under_ids_a_deletion_leaves_nothing_in_the_store_that_names_the_person() {
    let (gateway, acme) = roomy();
    let ada = user_body(
        &json!({ "userName": "Lovelace@example.com", "displayName": "Lovelace", "emails": [{ "value": "lovelace@example.com" }] }),
    );
    let ada = acme.post("/Users", &ada).expect(201).id();
    let members = json!([{ "value": ada, "display": "Lovelace" }]);
    let club = acme
        .post("/Groups", &json!({ "schemas": [GROUP], "displayName": "club", "members": members }))
        .expect(201)
        .id();
    let since = moment();
    acme.patch(&format!("/Users/{ada}"), &replace("displayName", "Lady Lovelace")).expect(200);
    // The log held names first.
    acme.patch(&format!("/Groups/{club}"), &json!([{ "op": "remove", "path": "members" }])).expect(204);
    acme.patch(&format!("/Groups/{club}"), &json!([{ "op": "add", "path": "members", "value": members }]))
        .expect(204);
    overridden(&gateway, &acme, &["log.people=ids"]);
    acme.patch(&format!("/Users/{ada}"), &replace("displayName", "L.")).expect(200);
    acme.patch(&format!("/Groups/{club}"), &json!([{ "op": "remove", "path": "members" }])).expect(204);
    acme.patch(&format!("/Groups/{club}"), &json!([{ "op": "add", "path": "members", "value": members }]))
        .expect(204);
    assert!(
        stored(&gateway, &acme)
            .iter()
            .any(|row| row.contains("\"before_images\"") && row.contains("ovelace"))
    );
    acme.delete(&format!("/Users/{ada}")).expect(204);
    let left: Vec<String> =
        stored(&gateway, &acme).into_iter().filter(|row| row.to_lowercase().contains("lovelace")).collect();
    assert!(left.is_empty(), "{left:#?}");
    let done = undo(&gateway, &acme, &since, &[]);
    let nothing = "It was deleted since, or nothing of it is kept.";
    assert!(not_restored(&done).contains(&["-", "id", nothing].map(str::to_owned)), "{done}");
    assert!(done["not_restored"].as_array().unwrap().iter().any(|row| row["id"] == ada), "{done}");
}

#[test]
fn an_archived_person_is_taken_out_of_the_archive() {
    let gateway = crate::running::gateway();
    let acme =
        gateway.onboard("ire", &json!({ "key": "acme", "name": "acme", "profile": "iomete", "seats": {} }));
    let ada = acme.create_user("ada", "").expect(201).id();
    let before = super::dump(&gateway, &acme);
    let since = moment();
    acme.delete(&format!("/Users/{ada}")).expect(204);
    assert!(super::dump(&gateway, &acme).iter().any(|row| row.contains("archived_users")));
    assert_eq!(undo(&gateway, &acme, &since, &[]), json!({ "restored": 1, "not_restored": [] }));
    assert_eq!(super::dump(&gateway, &acme), before);
}

#[test]
fn who_was_deleted_and_posted_again_in_the_run_is_as_before_and_is_not_told_to_be_deleted() {
    let gateway = crate::running::gateway();
    let body = json!({ "key": "acme", "name": "Acme", "profile": "cxone-expert", "seats": { "pro": 5 } });
    let acme = gateway.onboard("ire", &body);
    staff(&gateway, &acme, "POST", "/activate", None).expect(200);
    let post = |attributes: Value| acme.post("/Users", &user_body(&attributes)).expect(201);
    let ada = post(json!({ "userName": "ada", "title": "Dr", "seated": true })).id();
    let ben = post(json!({ "userName": "ben", "nickName": "B" })).id();
    let cy = post(json!({ "userName": "cy", "title": "Dr" })).id();
    said(&gateway, &acme, &["user", "set", "--user", "ben", "--role", "pro"]);
    new_group(&acme, "club", &[&ada, &ben, &cy]);
    let before = dump(&gateway, &acme);
    let since = moment();
    acme.patch(&format!("/Users/{ada}"), &replace("title", "Mx")).expect(200);
    for id in [&ada, &ben, &cy] {
        acme.delete(&format!("/Users/{id}")).expect(204);
    }
    assert_eq!(post(json!({ "userName": "ADA", "displayName": "Ada" })).id(), ada);
    acme.patch(&format!("/Users/{ada}"), &replace("displayName", "Countess")).expect(200);
    assert_eq!(post(json!({ "userName": "ben", "nickName": "B" })).id(), ben);
    let again = post(json!({ "userName": "cy", "title": "Mx" }));
    assert_eq!(again.id(), cy);
    acme.delete(&format!("/Users/{cy}")).expect(204);
    assert_eq!(gateway.seats(&acme)["pro"]["used"], 0);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 4, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    assert_eq!(gateway.seats(&acme)["pro"]["used"], 2);
    // No version has come twice.
    let cy = acme.get(&format!("/Users/{cy}")).expect(200).body;
    assert_ne!(cy["meta"]["version"], again.body["meta"]["version"]);
}

#[test]
fn who_was_posted_again_keeps_what_others_changed_since_and_who_was_gone_before_is_told_as_made() {
    let gateway = crate::running::gateway();
    let body = json!({ "key": "acme", "name": "acme", "profile": "iomete", "seats": {} });
    let acme = gateway.onboard("ire", &body);
    let other = super::another(&gateway, &acme);
    let ada = user_body(&json!({ "userName": "ada", "title": "a", "nickName": "a" }));
    let ada = acme.post("/Users", &ada).expect(201).id();
    let gone = acme.create_user("gone", "").expect(201).id();
    acme.delete(&format!("/Users/{gone}")).expect(204);
    let since = moment();
    super::from_okta(&acme, "DELETE", &format!("/Users/{ada}")).send().expect(204);
    for (name, id) in [("ada", &ada), ("gone", &gone)] {
        let sent = user_body(&json!({ "userName": name, "title": "b", "nickName": "b" }));
        let revived = super::from_okta(&acme, "POST", "/Users").json(&sent).send().expect(201);
        assert_eq!(revived.id(), *id);
    }
    other.patch(&format!("/Users/{ada}"), &replace("title", "c")).expect(200);
    let done = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    assert_eq!(done["restored"], 1, "{done}");
    let made = "It was made in this time; delete it if it is not wanted.";
    assert_eq!(
        not_restored(&done),
        [["ada", "title", "It was changed since."], ["gone", "id", made]].map(|row| row.map(str::to_owned))
    );
    let ada = acme.get(&format!("/Users/{ada}")).expect(200).body;
    assert_eq!((&ada["title"], &ada["nickName"]), (&json!("c"), &json!("a")));
}

#[test]
fn a_role_that_a_group_gave_is_given_again_with_the_membership() {
    let gateway = crate::running::gateway();
    let acme =
        gateway.onboard("ire", &json!({ "key": "acme", "name": "acme", "profile": "iomete", "seats": {} }));
    overridden(
        &gateway,
        &acme,
        &["sources=[{ groups = [{ name = \"Admins\", role = \"admin\" }] }]", "protect.last_admin=\"allow\""],
    );
    let ada = acme.create_user("ada", "").expect(201).id();
    let admins = crate::running::new_group(&acme, "Admins", &[&ada]);
    let before = super::dump(&gateway, &acme);
    assert!(before.iter().any(|row| row.contains("\"role\":\"admin\"")), "{before:#?}");
    let since = moment();
    acme.delete(&format!("/Groups/{admins}")).expect(204);
    assert_eq!(undo(&gateway, &acme, &since, &[]), json!({ "restored": 1, "not_restored": [] }));
    assert_eq!(super::dump(&gateway, &acme), before);
}

#[test]
fn a_store_that_is_nearly_full_keeps_names_alone_and_what_is_not_kept_is_listed() {
    let (gateway, acme) = roomy();
    let id = acme.create_user("ada", "member").expect(201).id();
    let gone = acme.create_user("bob", "member").expect(201).id();
    let limit = |bytes: &str| {
        gateway.cli_ok(&["tenant", "set", "--region", "ire", "--key", "acme", "--max-bytes", bytes]);
    };
    limit("1");
    let since = moment();
    // What frees a seat goes on in a full store.
    acme.patch(&format!("/Users/{id}"), &replace("active", false)).expect(200);
    acme.delete(&format!("/Users/{gone}")).expect(204);
    limit("unlimited");
    acme.patch(&format!("/Users/{id}"), &replace("title", "Dr")).expect(200);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done["restored"], 1, "the title is: {done}");
    let reasons = not_restored(&done);
    let not_kept = "What it was is not kept: the tenant's store was nearly full.";
    assert!(reasons.contains(&["ada", "active", not_kept].map(str::to_owned)), "{reasons:?}");
    let deleted = "It was deleted since, or nothing of it is kept.";
    assert!(reasons.contains(&["-", "id", deleted].map(str::to_owned)), "{reasons:?}");
    let ada = acme.get(&format!("/Users/{id}")).expect(200).body;
    assert_eq!((&ada["active"], &ada["title"]), (&false.into(), &Value::Null));
}

#[test]
fn what_is_not_kept_any_more_is_listed_by_the_names_that_the_log_has_of_it() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let [ada, ben, cy] = ["ada", "ben", "cy"].map(|name| acme.create_user(name, "user").expect(201).id());
    let club = new_group(&acme, "club", &[&ada]);
    tick(&gateway);
    let since = moment();
    let both = json!([{ "op": "replace", "value": { "title": "Dr", "active": false } }]);
    acme.patch(&format!("/Users/{ada}"), &both).expect(200);
    acme.delete(&format!("/Users/{ben}")).expect(204);
    acme.patch(&format!("/Groups/{club}"), &json!([{ "op": "remove", "path": "members" }])).expect(204);
    said(&gateway, &acme, &["user", "set", "--user", "cy", "--role", "member_lite"]);
    acme.create_user("new", "user").expect(201);
    clock.set("+8d");
    tick(&gateway);
    assert!(!stored(&gateway, &acme).iter().any(|row| row.contains("\"before_images\"")));
    overridden(&gateway, &acme, &["undo.keep_days=30"]);
    acme.patch(&format!("/Users/{cy}"), &replace("nickName", "C")).expect(200);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done["restored"], 1, "{done}");
    let mut told = not_restored(&done);
    // What becomes of the seats is told as ever.
    told.retain(|[_, attribute, _]| attribute != "license");
    let not_kept = "What it was is not kept any more.";
    let expected = [
        ["-", "id", "It was deleted since, or nothing of it is kept."],
        ["ada", "active", not_kept],
        ["ada", "title", not_kept],
        ["club", "members", not_kept],
        ["cy", "role", not_kept],
        ["new", "id", "It was made in this time; delete it if it is not wanted."],
    ];
    assert_eq!(told, expected.map(|row| row.map(str::to_owned)));
    assert_eq!(acme.get(&format!("/Users/{ada}")).expect(200).body["title"], "Dr");
}
