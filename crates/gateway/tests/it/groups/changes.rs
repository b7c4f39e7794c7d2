//! What a write to a group's members does, and what of it is no change: by whatever name a member is meant, and whatever
//! stands between the first operation and the last.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use crate::running::{members, new_group, roomy};

fn version(tenant: &Tenant, group: &str) -> Value {
    tenant.get(&format!("/Groups/{group}")).expect(200).body["meta"].clone()
}

fn records(gateway: &Gateway, tenant: &Tenant, group: &str) -> usize {
    let path = format!("{}/changes?resource={group}", tenant.admin_path());
    let changes = gateway.admin("GET", &path, None).expect(200).body;
    changes.to_string().matches("group.changed").count()
}

#[test]
fn operations_that_come_to_nothing_change_nothing() {
    let (gateway, acme) = roomy();
    let [ada, grace] = ["ada", "grace"].map(|name| acme.create_user(name, "").expect(201).id());
    let inner = new_group(&acme, "Inner", &[]);
    let crew = new_group(&acme, "Crew", &[&ada, &inner]);
    let path = format!("/Groups/{crew}");
    let named = json!([{ "op": "add", "path": "members", "value": [{ "value": ada, "display": "A" }] }]);
    acme.patch(&path, &named).expect(204);
    let (before, known) = (version(&acme, &crew), records(&gateway, &acme, &crew));
    let add = |id: &str| json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
    let remove = |id: &str| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let back = json!([{ "value": ada, "display": "A" }, { "value": inner }]);
    for operations in [
        json!([add(&grace), remove(&grace)]),
        json!([remove(&inner), add(&inner)]),
        json!([{ "op": "remove", "path": "members" }, { "op": "add", "path": "members", "value": back }]),
        json!([{ "op": "replace", "path": "members", "value": [] }, { "op": "replace", "path": "members", "value": back }]),
        json!([add(&ada), add(&inner)]),
    ] {
        acme.patch(&path, &operations).expect(204);
        assert_eq!(version(&acme, &crew), before, "{operations}");
    }
    assert_eq!(records(&gateway, &acme, &crew), known);
    // Who comes back under another display did change.
    acme.patch(&path, &json!([remove(&ada), add(&ada)])).expect(204);
    assert_ne!(version(&acme, &crew), before);
    assert_eq!(records(&gateway, &acme, &crew), known + 1);
}

#[test]
fn an_add_of_who_is_in_with_another_display_renames() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let inner = new_group(&acme, "Inner", &[]);
    let crew = new_group(&acme, "Crew", &[&ada, &inner]);
    let path = format!("/Groups/{crew}");
    for member in [&ada, &inner] {
        let add = |display: Value| {
            let value = json!([{ "value": member, "display": display }]);
            acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": value }])).expect(204);
            let group = acme.get(&path).expect(200).body;
            let found =
                group["members"].as_array().unwrap().iter().find(|m| m["value"] == **member).unwrap().clone();
            (found["display"].clone(), group["meta"]["version"].clone())
        };
        let (_, unnamed) = add(Value::Null);
        let (display, named) = add(json!("one"));
        assert_eq!(display, "one");
        assert_ne!(named, unnamed);
        assert_eq!(add(json!("one")), (json!("one"), named.clone()), "the same display is no change");
        assert_eq!(add(Value::Null), (json!("one"), named.clone()), "nor is none");
        assert_ne!(add(json!("two")).1, named);
    }
}

#[test]
fn members_are_selected_by_their_ref_as_in_a_filter() {
    let (_gateway, acme) = roomy();
    let [ada, grace] = ["ada", "grace"].map(|name| acme.create_user(name, "").expect(201).id());
    let inner = new_group(&acme, "Inner", &[]);
    let (user, group) =
        (format!("{}/Users/{ada}", acme.base_url), format!("{}/Groups/{inner}", acme.base_url));
    for (turn, (filter, left)) in [
        (format!("$ref eq \"{user}\""), vec![&grace, &inner]),
        (format!("$ref ew \"/Groups/{inner}\""), vec![&ada, &grace]),
        ("$ref co \"/Users/\"".to_owned(), vec![&inner]),
        ("$ref pr".to_owned(), vec![]),
        (format!("$ref eq \"{group}\" and type eq \"User\""), vec![&ada, &grace, &inner]),
    ]
    .into_iter()
    .enumerate()
    {
        let crew = new_group(&acme, &format!("Crew {turn}"), &[&ada, &grace, &inner]);
        let remove = json!([{ "op": "remove", "path": format!("members[{filter}]") }]);
        acme.patch(&format!("/Groups/{crew}"), &remove).expect(204);
        let mut left: Vec<&String> = left;
        left.sort();
        assert_eq!(members(&acme, &crew).iter().collect::<Vec<_>>(), left, "{filter}");
    }
}

#[test]
fn a_members_id_has_no_letter_case_in_writes_either() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let inner = new_group(&acme, "Inner", &[]);
    for id in [&ada, &inner] {
        let upper = id.to_uppercase();
        assert_ne!(*id, upper);
        let crew = new_group(&acme, &format!("Crew {id}"), &[&upper]);
        let path = format!("/Groups/{crew}");
        assert_eq!(members(&acme, &crew), std::slice::from_ref(id));
        for remove in [
            json!({ "op": "remove", "path": "members", "value": [{ "value": upper }] }),
            json!({ "op": "remove", "path": format!("members[value eq \"{upper}\"]") }),
            json!({ "op": "remove", "path": format!("members[value eq \"{upper}\" and type pr]") }),
        ] {
            acme.patch(&path, &json!([remove])).expect(204);
            assert!(members(&acme, &crew).is_empty(), "{remove}");
            acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": upper }] }]))
                .expect(204);
            assert_eq!(members(&acme, &crew), std::slice::from_ref(id));
        }
    }
    // A manager is found likewise; the id of a resource has a letter case (RFC 7643 §3.1).
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let boss =
        json!([{ "op": "add", "path": format!("{urn}:manager"), "value": { "value": ada.to_uppercase() } }]);
    let grace = acme.create_user("grace", "").expect(201).id();
    let told = acme.patch(&format!("/Users/{grace}"), &boss).expect(200).body[urn]["manager"].clone();
    assert_eq!(told["value"], ada.to_uppercase());
    assert_eq!(told["$ref"], format!("{}/Users/{ada}", acme.base_url));
    acme.get(&format!("/Users/{}", ada.to_uppercase())).expect(404);
}

#[test]
fn what_is_empty_clears_members_as_it_clears_other_attributes() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let crew = new_group(&acme, "Crew", &[]);
    let path = format!("/Groups/{crew}");
    for empty in [json!(""), json!([""]), json!(null), json!([]), json!({}), json!([{}])] {
        for operation in [
            json!({ "op": "replace", "path": "members", "value": empty }),
            json!({ "op": "replace", "value": { "members": empty } }),
        ] {
            acme.patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": ada }] }]))
                .expect(204);
            acme.patch(&path, &json!([operation])).expect(204);
            // An empty object is no null: it names nobody, so that nobody leaves.
            let is_null = !empty.is_object() && empty != json!([{}]);
            assert_eq!(members(&acme, &crew).is_empty(), is_null, "{operation}");
        }
    }
}
