//! What is given back, and what is not.

use serde_json::{Value, json};

use super::{another, dump, from_okta, moment, not_restored, patch_from_okta, post, undo};
use crate::running::{ENTERPRISE, new_group, replace, roomy, user_body};

const SINCE: &str = "It was changed since.";

#[test]
fn attributes_roles_activity_and_memberships_are_as_before_and_each_has_one_row() {
    let (gateway, acme) = roomy();
    let ada = user_body(&json!({
        "userName": "Ada@Example.com", "userType": "admin", "title": "Dr", "externalId": "e1",
        "name": { "givenName": "Ada", "familyName": "Byron" }, "emails": [{ "value": "ada@example.com", "primary": true }],
        ENTERPRISE: { "department": "Sales", "manager": { "displayName": "Boss" } },
    }));
    let ada = acme.post("/Users", &ada).expect(201).id();
    let ben = acme.create_user("ben", "member_lite").expect(201).id();
    let inner = new_group(&acme, "inner", &[&ben]);
    let club = json!({ "schemas": [crate::running::GROUP], "displayName": "club", "members": [{ "value": ada, "display": "Ada B." }] });
    let club = acme.post("/Groups", &club).expect(201).id();
    let before = dump(&gateway, &acme);
    let since = moment();
    let put = user_body(&json!({ "userName": "ada@new.example", "userType": "member_lite", "active": false,
        "name": { "givenName": "A" }, "nickName": "A", ENTERPRISE: { "costCenter": "1" } }));
    acme.put(&format!("/Users/{ada}"), &put).expect(200);
    acme.patch(&format!("/Users/{ada}"), &replace("title", "Mx")).expect(200);
    acme.patch(&format!("/Users/{ben}"), &replace("userType", "admin")).expect(200);
    let members = json!([{ "op": "remove", "path": "members" }, { "op": "add", "path": "members", "value": [{ "value": ben }, { "value": inner }] },
        { "op": "replace", "path": "displayName", "value": "Club of the others" }]);
    acme.patch(&format!("/Groups/{club}"), &members).expect(204);
    acme.delete(&format!("/Groups/{inner}")).expect(204);
    assert_ne!(dump(&gateway, &acme), before);
    let version = acme.get(&format!("/Users/{ada}")).expect(200).header("etag").unwrap().to_owned();
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 4, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    assert_ne!(acme.get(&format!("/Users/{ada}")).expect(200).header("etag").unwrap(), version);
    // A row for each, of staff.
    let log = gateway.admin("GET", &format!("{}/log?idp=staff", acme.admin_path()), None).expect(200).body;
    let rows = log["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{log:#}");
    assert!(rows.iter().all(|row| row["credential"] == "root" && row["result"] == "applied"), "{log:#}");
    let of_ada: Vec<&Value> = rows.iter().filter(|row| row["resource_id"] == ada).collect();
    assert_eq!(of_ada.len(), 1);
    assert_eq!(of_ada[0]["license"]["granted"], "member");
    assert!(of_ada[0]["changed"].as_array().unwrap().contains(&json!("name.familyName")), "{log:#}");
    let acts = gateway.admin("GET", &format!("{}/acts", acme.admin_path()), None).expect(200).body;
    assert_eq!(acts.as_array().unwrap().iter().filter(|act| act["act"] == "user.restored").count(), 2);
}

#[test]
fn deleted_people_and_groups_come_back_under_their_old_ids_with_their_memberships() {
    let (gateway, acme) = roomy();
    let ada = acme
        .post("/Users", &user_body(&json!({ "userName": "ada", "userType": "user", "externalId": "7" })))
        .expect(201)
        .id();
    let ben = acme.create_user("ben", "admin").expect(201).id();
    gateway
        .admin(
            "PATCH",
            &format!("{}/users/{ben}", acme.admin_path()),
            Some(&json!({ "role": "member_lite" })),
        )
        .expect(200);
    let inner = new_group(&acme, "inner", &[&ada, &ben]);
    let outer = new_group(&acme, "outer", &[&inner, &ada]);
    let before = dump(&gateway, &acme);
    let since = moment();
    acme.patch(&format!("/Users/{ada}"), &replace("title", "Dr")).expect(200);
    for path in [
        format!("/Users/{ada}"),
        format!("/Groups/{inner}"),
        format!("/Users/{ben}"),
        format!("/Groups/{outer}"),
    ] {
        acme.delete(&path).expect(204);
    }
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 4, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    assert_eq!(acme.find("/Users", "externalId eq \"7\"").expect(200).body["Resources"][0]["id"], ada);
    assert_eq!(acme.get(&format!("/Users/{ada}")).expect(200).body["groups"].as_array().unwrap().len(), 2);
}

#[test]
fn what_was_changed_since_stays_and_is_listed_and_the_rest_is_given_back() {
    let (gateway, acme) = roomy();
    let ada = acme
        .post("/Users", &user_body(&json!({ "userName": "ada", "title": "a", "nickName": "a" })))
        .expect(201)
        .id();
    let (ben, cy) =
        (acme.create_user("ben", "").expect(201).id(), acme.create_user("cy", "").expect(201).id());
    let club = new_group(&acme, "club", &[]);
    let other = another(&gateway, &acme);
    let since = moment();
    let both = json!([{ "op": "replace", "path": "title", "value": "b" }, { "op": "replace", "path": "nickName", "value": "b" }]);
    patch_from_okta(&acme, &format!("/Users/{ada}"), &both);
    let join = json!([{ "op": "add", "path": "members", "value": [{ "value": ben }, { "value": cy }] }]);
    patch_from_okta(&acme, &format!("/Groups/{club}"), &join);
    // Somebody else, of whom the run is no part.
    other.patch(&format!("/Users/{ada}"), &replace("title", "c")).expect(200);
    let rejoin = json!([{ "op": "remove", "path": format!("members[value eq \"{ben}\"]") }]);
    other.patch(&format!("/Groups/{club}"), &rejoin).expect(204);
    other.patch(&format!("/Groups/{club}"), &join_one(&ben)).expect(204);
    let done = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    assert_eq!(done["restored"], 2);
    assert_eq!(
        not_restored(&done),
        [["ada", "title", SINCE], ["club", "members", &format!("{ben}: {SINCE}")]]
            .map(|row| row.map(str::to_owned))
    );
    assert_eq!(done["not_restored"][0]["id"], ada);
    let shown = acme.get(&format!("/Users/{ada}")).expect(200).body;
    assert_eq!((&shown["title"], &shown["nickName"]), (&json!("c"), &json!("a")));
    assert_eq!(crate::running::members(&acme, &club), [ben.as_str()]);
    // An undo is a change since, too.
    let again = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    assert_eq!(again["restored"], 0, "{again}");
    other.patch(&format!("/Users/{ada}"), &replace("nickName", "d")).expect(200);
    let again = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    let nick = ["ada", "nickName", SINCE].map(str::to_owned);
    assert!(again["restored"] == 0 && not_restored(&again).contains(&nick), "{again}");
}

fn join_one(id: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])
}

#[test]
fn the_identity_provider_selects_and_creations_are_listed() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let club = new_group(&acme, "club", &[&ada]);
    let since = moment();
    acme.patch(&format!("/Users/{ada}"), &replace("title", "Dr")).expect(200);
    patch_from_okta(&acme, &format!("/Users/{ada}"), &replace("nickName", "A"));
    let ben = from_okta(&acme, "POST", "/Users")
        .json(&user_body(&json!({ "userName": "ben" })))
        .send()
        .expect(201)
        .id();
    patch_from_okta(&acme, &format!("/Users/{ben}"), &replace("title", "Dr"));
    patch_from_okta(&acme, &format!("/Groups/{club}"), &join_one(&ben));
    let asked = json!({ "since": since, "idp": "okta", "dry_run": true });
    let dry = post(&gateway, &acme, &asked).expect(200).body;
    let before = crate::running::stored(&gateway, &acme);
    assert_eq!(post(&gateway, &acme, &asked).expect(200).body, dry);
    assert_eq!(crate::running::stored(&gateway, &acme), before, "a dry run changes nothing");
    let done = post(&gateway, &acme, &json!({ "since": since, "idp": "okta" })).expect(200).body;
    assert_eq!(done, dry);
    assert_eq!(done["restored"], 2);
    let made = "It was made in this time; delete it if it is not wanted.";
    assert_eq!(not_restored(&done), [["ben", "id", made].map(str::to_owned)]);
    let shown = acme.get(&format!("/Users/{ada}")).expect(200).body;
    assert!(shown["title"] == "Dr" && shown["nickName"].is_null(), "{shown}");
    assert_eq!(acme.get(&format!("/Users/{ben}")).expect(200).body["title"], "Dr");
    assert_eq!(crate::running::members(&acme, &club), [ada.as_str()]);
    assert_eq!(
        undo(&gateway, &acme, &since, &["--idp", "entra"]),
        json!({ "restored": 0, "not_restored": [] })
    );
}

#[test]
fn names_that_moved_on_move_back_and_a_name_that_is_taken_is_listed() {
    let (gateway, acme) = roomy();
    let mut ids: Vec<String> =
        ["a", "b", "c"].iter().map(|name| acme.create_user(name, "").expect(201).id()).collect();
    ids.sort();
    let gone = acme.create_user("gone", "").expect(201).id();
    let before = dump(&gateway, &acme);
    let since = moment();
    // Each takes the name that the one before it had, and the first a new one.
    let mut name = "new".to_owned();
    for id in &ids {
        let was = acme.get(&format!("/Users/{id}")).expect(200).body["userName"].as_str().unwrap().to_owned();
        acme.patch(
            &format!("/Users/{id}"),
            &json!([{ "op": "replace", "value": { "userName": name, "title": "x" } }]),
        )
        .expect(200);
        name = was;
    }
    acme.delete(&format!("/Users/{gone}")).expect(204);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 4, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    let since = moment();
    patch_from_okta(
        &acme,
        &format!("/Users/{}", ids[0]),
        &json!([{ "op": "replace", "value": { "userName": "other", "title": "y" } }]),
    );
    from_okta(&acme, "DELETE", &format!("/Users/{gone}")).send().expect(204);
    let name = before_name(&before, &ids[0]);
    let other = another(&gateway, &acme);
    other.create_user(&name, "").expect(201);
    other.create_user("gone", "").expect(201);
    let done = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    let taken = "The former value is taken by another one now.";
    assert_eq!(done["restored"], 1);
    assert_eq!(
        not_restored(&done),
        [["gone", "userName", taken], ["other", "userName", taken]].map(|row| row.map(str::to_owned))
    );
    assert!(acme.get(&format!("/Users/{}", ids[0])).expect(200).body["title"].is_null());
}

/// The userName that a dump has of a person.
fn before_name(dump: &[String], id: &str) -> String {
    let row = dump.iter().find(|row| row.contains("\"users\"") && row.contains(id)).unwrap();
    let found =
        ["a", "b", "c"].into_iter().find(|name| row.contains(&format!("userName\\\":\\\"{name}\\\"")));
    found.unwrap().to_owned()
}
