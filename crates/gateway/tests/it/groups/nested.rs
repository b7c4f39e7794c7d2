//! Groups in groups (table of disagreements, `groups in groups`): stored as `type: Group`, shown on the group and on the user,
//! never in a circle.

use serde_json::{Value, json};
use testkit::{at_once::at_once, gateway::Tenant, http::Answer};

use crate::running::{GROUP, groups_of, members, new_group, onboarded, replace, roomy};

/// A user's groups as (display, type), in the order of the answer.
#[track_caller]
fn told(tenant: &Tenant, user: &str) -> Vec<(String, String)> {
    let user = tenant.get(&format!("/Users/{user}")).expect(200).body;
    let text = |group: &Value, name: &str| group[name].as_str().unwrap().to_owned();
    let groups = user["groups"].as_array().cloned().unwrap_or_default();
    groups.iter().map(|group| (text(group, "display"), text(group, "type"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
}

fn patch(tenant: &Tenant, group: &str, operations: &Value) -> Answer {
    tenant.patch(&format!("/Groups/{group}"), operations)
}

fn add(members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!([{ "op": "add", "path": "members", "value": members }])
}

#[test]
fn a_group_in_a_group_is_told_with_its_type_and_place_whatever_was_sent_of_them() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let inner = new_group(&acme, "Inner", &[&ada]);
    for (turn, sent) in [
        json!({ "value": inner }),
        json!({ "value": inner, "type": "Group" }),
        json!({ "value": inner, "type": "group", "$ref": null }),
        json!({ "value": inner, "$ref": format!("{}/Users/{inner}", acme.base_url) }),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "schemas": [GROUP], "displayName": format!("Outer {turn}"), "members": [sent, { "value": ada }] });
        let made = acme.post("/Groups", &body).expect(201);
        let mut expected = vec![
            json!({ "value": inner, "$ref": format!("{}/Groups/{inner}", acme.base_url), "type": "Group" }),
            json!({ "value": ada, "$ref": format!("{}/Users/{ada}", acme.base_url), "type": "User" }),
        ];
        expected.sort_by_key(|member| member["value"].as_str().unwrap().to_owned());
        assert_eq!(made.body["members"], Value::from(expected.clone()));
        let path = format!("/Groups/{}", made.id());
        assert_eq!(acme.get(&path).expect(200).body, made.body);
        assert_eq!(acme.get(&format!("{path}?excludedAttributes=members")).body.get("members"), None);
        let types = acme.get(&format!("{path}?attributes=members.type")).expect(200).body["members"].clone();
        assert_eq!(types, expected.iter().map(|m| json!({ "type": m["type"] })).collect::<Value>());
        let listed = acme.find("/Groups", &format!("id eq \"{}\"", made.id())).expect(200).body;
        assert_eq!(listed["Resources"][0]["members"], Value::from(expected));
    }
}

#[test]
fn io10_groups_enter_and_leave_by_every_shape() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let [one, two] = ["One", "Two"].map(|name| new_group(&acme, name, &[]));
    let into = [
        add(&[&one, &two, &ada]),
        json!([{ "op": "Add", "value": { "members": [{ "value": one }, { "value": two }, { "value": ada }] } }]),
        json!([{ "op": "replace", "path": "members", "value": [{ "value": one }, { "value": two, "type": "Group" }, { "value": ada }] }]),
        json!([{ "op": "add", "path": "members", "value": { "value": one } }, { "op": "add", "path": "members", "value": two }, { "op": "add", "path": "members", "value": ada }]),
    ];
    let out = [
        json!([{ "op": "remove", "path": format!("members[value eq \"{one}\"]") }]),
        json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": one }] }]),
        json!([{ "op": "remove", "path": format!("members[type eq \"Group\" and value eq \"{one}\"]") }]),
        json!([{ "op": "replace", "path": "members", "value": [{ "value": two }, { "value": ada }] }]),
    ];
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    for (turn, (into, out)) in into.iter().zip(&out).enumerate() {
        let outer = new_group(&acme, &format!("Outer {turn}"), &[]);
        patch(&acme, &outer, into).expect(204);
        assert_eq!(members(&acme, &outer), sorted(vec![one.clone(), two.clone(), ada.clone()]), "{into}");
        patch(&acme, &outer, out).expect(204);
        assert_eq!(members(&acme, &outer), sorted(vec![two.clone(), ada.clone()]), "{out}");
        let tag = acme.get(&format!("/Groups/{outer}")).header("etag").map(str::to_owned);
        patch(&acme, &outer, out).expect(204);
        assert_eq!(acme.get(&format!("/Groups/{outer}")).header("etag"), tag.as_deref(), "again: {out}");
        let wrong = format!("members[type eq \"User\" and value eq \"{two}\"]");
        patch(&acme, &outer, &json!([{ "op": "remove", "path": wrong }])).expect(204);
        assert_eq!(members(&acme, &outer).len(), 2);
        patch(&acme, &outer, &json!([{ "op": "remove", "path": "members[type eq \"Group\"]" }])).expect(204);
        assert_eq!(members(&acme, &outer), std::slice::from_ref(&ada));
        patch(&acme, &outer, into).expect(204);
        patch(&acme, &outer, &json!([{ "op": "remove", "path": "members" }])).expect(204);
        assert!(members(&acme, &outer).is_empty());
    }
}

#[test]
fn a_put_changes_groups_and_users_of_a_group_as_a_difference() {
    let (_gateway, acme) = roomy();
    let [ada, grace] = ["ada", "grace"].map(|name| acme.create_user(name, "").expect(201).id());
    let [one, two] = ["One", "Two"].map(|name| new_group(&acme, name, &[]));
    let outer = new_group(&acme, "Outer", &[&one, &ada]);
    let put = |ids: [&str; 2], display: &str| {
        let members: Vec<Value> =
            ids.iter().map(|id| json!({ "value": id, "display": display, "type": "ignored" })).collect();
        let body = json!({ "schemas": [GROUP], "displayName": "Outer", "members": members });
        acme.put(&format!("/Groups/{outer}"), &body).expect(200).body
    };
    let after = put([&two, &grace], "d");
    let mut ids = [two.clone(), grace.clone()];
    ids.sort();
    assert_eq!(members(&acme, &outer), ids);
    assert_eq!(
        (&after["members"][0]["display"], &after["members"][1]["display"]),
        (&json!("d"), &json!("d"))
    );
    let same = put([&grace, &two], "d");
    assert_eq!(same, after, "the same members in another order change nothing");
    assert_ne!(put([&grace, &two], "e")["meta"]["version"], after["meta"]["version"]);
}

#[test]
fn io7_a_users_groups_tell_of_indirect_ones_and_are_current_in_the_same_moment() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let low = new_group(&acme, "Low", &[&ada]);
    let middle = new_group(&acme, "Middle", &[&low]);
    let top = new_group(&acme, "Top", &[&middle]);
    let all = pairs(&[("Low", "direct"), ("Middle", "indirect"), ("Top", "indirect")]);
    assert_eq!(told(&acme, &ada), all);
    let shown = acme.get(&format!("/Users/{ada}")).body["groups"].clone();
    assert_eq!(shown[2]["$ref"], format!("{}/Groups/{top}", acme.base_url));
    assert_eq!(acme.get("/Users").expect(200).body["Resources"][0]["groups"], shown);
    acme.patch(&format!("/Groups/{top}"), &replace("displayName", "Summit")).expect(204);
    assert_eq!(groups_of(&acme, &ada), ["Low", "Middle", "Summit"]);
    patch(&acme, &top, &add(&[&ada])).expect(204);
    assert_eq!(told(&acme, &ada)[2], ("Summit".to_owned(), "direct".to_owned()));
    patch(&acme, &middle, &json!([{ "op": "remove", "path": "members" }])).expect(204);
    assert_eq!(told(&acme, &ada), pairs(&[("Low", "direct"), ("Summit", "direct")]));
    // What a user's own write answers is as current.
    patch(&acme, &middle, &add(&[&low])).expect(204);
    let edited = acme.patch(&format!("/Users/{ada}"), &replace("title", "Dr")).expect(200).body;
    assert_eq!(edited["groups"].as_array().map(Vec::len), Some(3));
}

#[test]
fn filters_know_groups_in_groups() {
    let (_gateway, acme) = roomy();
    let [ada, grace] = ["ada", "grace"].map(|name| acme.create_user(name, "").expect(201).id());
    let low = new_group(&acme, "Low", &[&ada]);
    let middle = new_group(&acme, "Middle", &[&low, &grace]);
    let top = new_group(&acme, "Top", &[&middle]);
    let found = |path: &str, filter: &str| -> Vec<String> {
        let found = acme.find(path, filter).expect(200).body;
        let mut ids: Vec<String> =
            found["Resources"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().into()).collect();
        ids.sort();
        ids
    };
    let mut both = vec![ada.clone(), grace.clone()];
    both.sort();
    assert_eq!(found("/Users", &format!("groups.value eq \"{top}\"")), both, "whoever tells of the group");
    assert_eq!(found("/Users", &format!("groups eq \"{low}\"")), std::slice::from_ref(&ada));
    let direct = format!("groups[type eq \"direct\" and value eq \"{middle}\"]");
    assert_eq!(found("/Users", &direct), std::slice::from_ref(&grace));
    assert_eq!(found("/Users", "groups.type eq \"indirect\" and groups.display eq \"Middle\""), both);
    assert_eq!(found("/Groups", &format!("members.value eq \"{low}\"")), std::slice::from_ref(&middle));
    assert_eq!(
        found("/Groups", &format!("members[type eq \"Group\" and value eq \"{middle}\"]")),
        std::slice::from_ref(&top)
    );
    assert!(found("/Groups", &format!("members[type eq \"User\" and value eq \"{middle}\"]")).is_empty());
    let mut nesting = vec![middle, top];
    nesting.sort();
    assert_eq!(found("/Groups", "members.type eq \"group\""), nesting);
}

#[test]
fn a_cycle_is_400_that_names_the_member_and_nothing_changes() {
    let (_gateway, acme) = roomy();
    let low = new_group(&acme, "Low", &[]);
    let middle = new_group(&acme, "Middle", &[&low]);
    let top = new_group(&acme, "Top", &[&middle]);
    let before = acme.get("/Groups").expect(200).body;
    let refused = |answer: Answer, id: &str| {
        let refused = answer.expect_error(400, "invalidValue");
        assert!(refused.body["detail"].as_str().unwrap().contains(id), "{}", refused.text);
    };
    refused(patch(&acme, &low, &add(&[&low])), &low);
    refused(patch(&acme, &low, &add(&[&middle])), &middle);
    refused(patch(&acme, &low, &add(&[&top])), &top);
    refused(patch(&acme, &low, &replace("members", json!([{ "value": top, "type": "Group" }]))), &top);
    let body = json!({ "schemas": [GROUP], "displayName": "Low", "members": [{ "value": top }] });
    refused(acme.put(&format!("/Groups/{low}"), &body), &top);
    // One PATCH of several operations, each harmless beside the one before.
    let other = new_group(&acme, "Other", &[]);
    let operations = json!([
        { "op": "add", "path": "members", "value": [{ "value": other }] },
        { "op": "replace", "path": "displayName", "value": "Changed" },
        { "op": "add", "path": "members", "value": [{ "value": top }] },
    ]);
    refused(patch(&acme, &low, &operations), &top);
    acme.delete(&format!("/Groups/{other}")).expect(204);
    assert_eq!(acme.get("/Groups").expect(200).body, before);
}

#[test]
fn attack_47_of_two_that_put_each_other_in_at_once_one_is_refused() {
    let (_gateway, acme) = roomy();
    for round in 0..10 {
        let pair = [0, 1].map(|n| new_group(&acme, &format!("g{round}.{n}"), &[]));
        let answers = at_once(2, |client| patch(&acme, &pair[client], &add(&[&pair[1 - client]])));
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 400]);
    }
}

#[test]
fn a_wrong_type_is_answered_with_the_true_one_and_counted_but_refused_to_a_strict_tenant() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let inner = new_group(&acme, "Inner", &[]);
    let outer = new_group(&acme, "Outer", &[]);
    let swapped = json!([{ "op": "add", "path": "members",
        "value": [{ "value": ada, "type": "Group" }, { "value": inner, "type": "User" }] }]);
    patch(&acme, &outer, &swapped).expect(204);
    let kinds = acme.get(&format!("/Groups/{outer}")).expect(200).body["members"].clone();
    for member in kinds.as_array().unwrap() {
        assert_eq!(member["type"], if member["value"] == ada { "User" } else { "Group" });
    }
    let counted = gateway.metrics();
    assert!(counted.contains("usher_scim_leniency_total{kind=\"member_type\"} 1"), "{counted}");
    let (_gateway, strict) = onboarded(&json!({
        "key": "strict", "name": "Strict", "seats": { "member": null, "member_lite": null },
        "settings": { "strict": true },
    }));
    let ada = strict.create_user("ada", "").expect(201).id();
    let inner = new_group(&strict, "Inner", &[]);
    let outer = new_group(&strict, "Outer", &[]);
    for (id, kind) in [(&ada, "Group"), (&inner, "User")] {
        let said = json!([{ "op": "add", "path": "members", "value": [{ "value": id, "type": kind }] }]);
        patch(&strict, &outer, &said).expect_error(400, "invalidValue");
    }
    assert!(members(&strict, &outer).is_empty());
    patch(&strict, &outer, &add(&[&ada, &inner])).expect(200);
}

#[test]
fn a_deleted_group_leaves_its_parents_each_with_a_new_version_and_a_record() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let inner = new_group(&acme, "Inner", &[&ada]);
    let parents = ["One", "Two"].map(|name| new_group(&acme, name, &[&inner]));
    let tags =
        parents.each_ref().map(|id| acme.get(&format!("/Groups/{id}")).header("etag").unwrap().to_owned());
    acme.delete(&format!("/Groups/{inner}")).expect(204);
    for (id, tag) in parents.iter().zip(&tags) {
        let group = acme.get(&format!("/Groups/{id}")).expect(200);
        assert_ne!(group.header("etag"), Some(tag.as_str()));
        assert_eq!(group.body.get("members"), None);
        let changes = gateway.admin("GET", &format!("{}/changes?resource={id}", acme.admin_path()), None);
        let changes = changes.expect(200).body;
        let told = (&changes[0]["detail"]["left"], &changes[0]["changed"]);
        assert_eq!(told, (&json!(inner), &json!(["members"])), "{changes}");
    }
    assert!(groups_of(&acme, &ada).is_empty());
}

#[test]
fn a_conditional_get_of_a_user_sees_every_change_above_it() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let path = format!("/Users/{ada}");
    let low = new_group(&acme, "Low", &[&ada]);
    let middle = new_group(&acme, "Middle", &[&low]);
    let top = new_group(&acme, "Top", &[]);
    let mut title = 0;
    let mut changes = |what: &str, change: &dyn Fn(), expected: &[(&str, &str)]| {
        title += 1;
        let edited = acme.patch(&path, &replace("title", format!("{title}"))).expect(200);
        let tag = edited.header("etag").unwrap().to_owned();
        let get = || acme.request("GET", &path).header("if-none-match", &tag).send();
        assert_eq!(get().status, 304, "before {what}");
        change();
        get().expect(200);
        assert_eq!(told(&acme, &ada), pairs(expected), "{what}");
    };
    changes(
        "a group above goes into another",
        &|| drop(patch(&acme, &top, &add(&[&middle])).expect(204)),
        &[("Low", "direct"), ("Middle", "indirect"), ("Top", "indirect")],
    );
    changes(
        "a group above is renamed",
        &|| drop(acme.patch(&format!("/Groups/{top}"), &replace("displayName", "Summit")).expect(204)),
        &[("Low", "direct"), ("Middle", "indirect"), ("Summit", "indirect")],
    );
    changes(
        "the highest is emptied",
        &|| drop(patch(&acme, &top, &json!([{ "op": "remove", "path": "members" }])).expect(204)),
        &[("Low", "direct"), ("Middle", "indirect")],
    );
    changes(
        "a group above is deleted",
        &|| drop(acme.delete(&format!("/Groups/{middle}")).expect(204)),
        &[("Low", "direct")],
    );
}
