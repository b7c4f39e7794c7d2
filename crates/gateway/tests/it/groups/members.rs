//! IO7, IO8, IO10, IO12: a membership is visible at once, on the group and on the user.

use serde_json::{Value, json};
use testkit::{at_once::at_once, gateway::Tenant};

use crate::running::{groups_of, members, new_group, roomy};

fn users<const N: usize>(tenant: &Tenant) -> [String; N] {
    let mut ids: [String; N] =
        std::array::from_fn(|i| tenant.create_user(&format!("user-{i}"), "").expect(201).id());
    ids.sort();
    ids
}

#[test]
fn io7_and_io8_the_users_groups_are_current_in_the_same_moment() {
    let (_gateway, acme) = roomy();
    let [ada] = users(&acme);
    let crew = new_group(&acme, "Crew", &[]);
    let path = format!("/Groups/{crew}");
    assert!(groups_of(&acme, &ada).is_empty());
    acme.patch(
        &path,
        &json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": ada }] }]),
    )
    .expect(204);
    let user = acme.get(&format!("/Users/{ada}")).expect(200).body;
    let expected = json!([{
        "value": crew, "$ref": format!("{}/Groups/{crew}", acme.base_url), "display": "Crew", "type": "direct",
    }]);
    assert_eq!(user["groups"], expected);
    assert_eq!(acme.get("/Users").expect(200).body["Resources"][0]["groups"], expected);
    acme.patch(&path, &json!([{ "op": "replace", "value": { "id": crew, "displayName": "Team" } }]))
        .expect(204);
    assert_eq!(groups_of(&acme, &ada), ["Team"]);
    acme.delete(&path).expect(204);
    assert!(groups_of(&acme, &ada).is_empty());
}

#[test]
fn io10_both_shapes_of_removal_leave_the_others_in() {
    let (_gateway, acme) = roomy();
    let [ada, edith, grace] = users(&acme);
    let shapes = [
        json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]),
        json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": ada }] }]),
        json!([{ "op": "Remove", "path": "members", "value": [{ "value": ada }] }]),
        json!([{ "op": "Remove", "path": "members", "value": { "value": ada } }]),
    ];
    for (turn, shape) in shapes.iter().enumerate() {
        let crew = new_group(&acme, &format!("Crew {turn}"), &[&ada, &edith, &grace]);
        acme.patch(&format!("/Groups/{crew}"), shape).expect(204);
        assert_eq!(members(&acme, &crew), [edith.clone(), grace.clone()], "{shape}");
        acme.patch(&format!("/Groups/{crew}"), shape).expect(204);
        assert_eq!(members(&acme, &crew).len(), 2, "again: {shape}");
    }
}

#[test]
fn remove_without_a_value_takes_all_out_and_with_an_empty_list_nobody() {
    let (_gateway, acme) = roomy();
    let [ada, grace] = users(&acme);
    let crew = new_group(&acme, "Crew", &[&ada, &grace]);
    let path = format!("/Groups/{crew}");
    acme.patch(&path, &json!([{ "op": "remove", "path": "members", "value": [] }])).expect(204);
    assert_eq!(members(&acme, &crew).len(), 2);
    acme.patch(&path, &json!([{ "op": "remove" }])).expect_error(400, "noTarget");
    acme.patch(&path, &json!([{ "op": "remove", "path": "members" }])).expect(204);
    assert!(members(&acme, &crew).is_empty());
}

#[test]
fn io12_who_leaves_one_of_two_groups_stays_in_the_other() {
    let (_gateway, acme) = roomy();
    let [ada] = users(&acme);
    let [crew, team] = ["Crew", "Team"].map(|name| new_group(&acme, name, &[&ada]));
    acme.patch(
        &format!("/Groups/{crew}"),
        &json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]),
    )
    .expect(204);
    assert!(members(&acme, &crew).is_empty());
    assert_eq!(members(&acme, &team), std::slice::from_ref(&ada));
    assert_eq!(groups_of(&acme, &ada), ["Team"]);
    assert_eq!(acme.get(&format!("/Users/{ada}")).expect(200).body["active"], true);
}

#[test]
fn a_deleted_user_leaves_the_groups_and_a_deleted_group_leaves_its_users() {
    let (gateway, acme) = roomy();
    let [ada, grace] = users(&acme);
    let crew = new_group(&acme, "Crew", &[&ada, &grace]);
    acme.delete(&format!("/Users/{ada}")).expect(204);
    assert_eq!(members(&acme, &crew), std::slice::from_ref(&grace));
    acme.delete(&format!("/Groups/{crew}")).expect(204);
    acme.get(&format!("/Users/{grace}")).expect(200);
    gateway.audit(&acme);
}

#[test]
fn attack_47_twelve_equal_adds_at_once_hold_the_member_once() {
    let (_gateway, acme) = roomy();
    let [ada] = users(&acme);
    let crew = new_group(&acme, "Crew", &[]);
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]);
    for answer in at_once(12, |_| acme.patch(&format!("/Groups/{crew}"), &add)) {
        answer.expect(204);
    }
    assert_eq!(members(&acme, &crew), [ada]);
}

#[test]
fn attack_47_adds_and_removes_at_once_lose_nobody() {
    let (_gateway, acme) = roomy();
    let all: [String; 40] = users(&acme);
    let (leave, enter) = all.split_at(20);
    let crew = new_group(&acme, "Crew", &leave.iter().map(String::as_str).collect::<Vec<_>>());
    let path = format!("/Groups/{crew}");
    let answers = at_once(8, |client| {
        let mine = (0..20).filter(|i| i % 8 == client);
        let change = |i: usize| {
            let out = json!([{ "op": "Remove", "path": "members", "value": [{ "value": leave[i] }] }]);
            let come = json!([{ "op": "Add", "path": "members", "value": [{ "value": enter[i] }] }]);
            [acme.patch(&path, &out).status, acme.patch(&path, &come).status]
        };
        mine.flat_map(change).collect::<Vec<u16>>()
    });
    assert!(answers.concat().iter().all(|status| *status == 204));
    assert_eq!(members(&acme, &crew), enter);
}

#[test]
fn one_operation_of_many_that_fails_leaves_the_group_as_it_was() {
    let (_gateway, acme) = roomy();
    let [ada, grace] = users(&acme);
    let crew = new_group(&acme, "Crew", &[&ada]);
    let path = format!("/Groups/{crew}");
    let before = acme.get(&path).expect(200).body;
    let operations = json!([
        { "op": "add", "path": "members", "value": [{ "value": grace }] },
        { "op": "replace", "path": "displayName", "value": "Team" },
        { "op": "replace", "path": "displayName", "value": Value::Null },
    ]);
    acme.patch(&path, &operations).expect_error(400, "invalidValue");
    assert_eq!(acme.get(&path).expect(200).body, before);
}

#[test]
fn display_is_echoed_as_sent_and_type_is_always_told() {
    let (_gateway, acme) = roomy();
    let [ada, grace] = users(&acme);
    let crew = new_group(&acme, "Crew", &[]);
    let path = format!("/Groups/{crew}");
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ada, "display": "Countess" }, { "value": grace }] }]);
    acme.patch(&path, &add).expect(204);
    let found = acme.get(&path).expect(200).body;
    let member =
        |id: &str| found["members"].as_array().unwrap().iter().find(|m| m["value"] == id).unwrap().clone();
    assert_eq!((&member(&ada)["display"], &member(&ada)["type"]), (&json!("Countess"), &json!("User")));
    assert_eq!((member(&grace).get("display"), &member(&grace)["type"]), (None, &json!("User")));
}

#[test]
fn a_group_of_250_is_answered_whole() {
    let (_gateway, acme) = roomy();
    let all: [String; 250] = users(&acme);
    let value: Vec<Value> = all.iter().map(|id| json!({ "value": id })).collect();
    let crew = new_group(&acme, "Crew", &[]);
    let path = format!("/Groups/{crew}");
    acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": value }])).expect(204);
    assert_eq!(members(&acme, &crew), all);
    let listed = acme.get("/Groups?startIndex=1&count=100").expect(200).body;
    assert_eq!(listed["Resources"][0]["members"].as_array().unwrap().len(), 250);
    let late = acme.create_user("late", "").expect(201).id();
    acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": late }] }])).expect(204);
    assert_eq!(members(&acme, &crew).len(), 251);
}

#[test]
fn a_members_display_is_what_was_sent_last_with_the_whole_list() {
    let (_gateway, acme) = roomy();
    let [ada] = users(&acme);
    let crew = new_group(&acme, "Crew", &[]);
    let path = format!("/Groups/{crew}");
    let display = || acme.get(&path).body["members"][0]["display"].clone();
    let put = |member: Value| {
        let schemas = ["urn:ietf:params:scim:schemas:core:2.0:Group"];
        acme.put(&path, &json!({ "schemas": schemas, "displayName": "Crew", "members": [member] }))
            .expect(200)
    };
    put(json!({ "value": ada, "display": "one" }));
    assert_eq!(display(), "one");
    let version = put(json!({ "value": ada, "display": "two" })).body["meta"]["version"].clone();
    assert_eq!(display(), "two");
    assert_eq!(put(json!({ "value": ada, "display": "two" })).body["meta"]["version"], version);
    put(json!({ "value": ada }));
    assert_eq!(display(), Value::Null, "never invented");
}
