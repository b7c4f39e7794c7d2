//! Names that are unique go back to whom they belong, also where another one has them meanwhile.

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use super::{dump, moment, undo};
use crate::running::{acme, new_group, replace, roomy, stored};

#[track_caller]
fn rename_group(tenant: &Tenant, id: &str, name: &str) {
    tenant.patch(&format!("/Groups/{id}"), &replace("displayName", name)).expect(204);
}

#[track_caller]
fn rename_user(tenant: &Tenant, id: &str, name: &str) {
    tenant.patch(&format!("/Users/{id}"), &replace("userName", name)).expect(200);
}

#[test]
fn names_of_groups_that_moved_on_move_back_and_a_deleted_group_has_its_name_again() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let sales = new_group(&acme, "Sales", &[&ada]);
    let newer = new_group(&acme, "Newer", &[]);
    let both = json!({ "restored": 2, "not_restored": [] });
    let (before, since) = (dump(&gateway, &acme), moment());
    rename_group(&acme, &sales, "Older");
    rename_group(&acme, &newer, "Sales");
    assert_eq!(undo(&gateway, &acme, &since, &[]), both);
    assert_eq!(dump(&gateway, &acme), before);
    let since = moment();
    acme.delete(&format!("/Groups/{sales}")).expect(204);
    rename_group(&acme, &newer, "Sales");
    assert_eq!(undo(&gateway, &acme, &since, &[]), both);
    assert_eq!(dump(&gateway, &acme), before);
}

#[test]
fn people_and_groups_that_exchanged_their_names_have_them_again_and_a_name_between_is_told_nowhere() {
    let (gateway, acme) = roomy();
    let [ada, ben, cy] = ["ada", "ben", "cy"].map(|name| acme.create_user(name, "").expect(201).id());
    let [east, west] = ["East", "West"].map(|name| new_group(&acme, name, &[&ada]));
    let (before, since) = (dump(&gateway, &acme), moment());
    for (id, name) in [(&ada, "between"), (&ben, "ada"), (&cy, "ben"), (&ada, "cy")] {
        rename_user(&acme, id, name);
    }
    for (id, name) in [(&east, "Between"), (&west, "East"), (&east, "West")] {
        rename_group(&acme, id, name);
    }
    assert_eq!(undo(&gateway, &acme, &since, &[]), json!({ "restored": 5, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    let log = gateway.admin("GET", &format!("{}/log?idp=staff", acme.admin_path()), None).expect(200).body;
    let changed: Vec<&Value> = log["rows"].as_array().unwrap().iter().map(|row| &row["changed"]).collect();
    let count = |name: &str| changed.iter().filter(|changed| ***changed == json!([name])).count();
    assert_eq!((changed.len(), count("userName"), count("displayName")), (5, 3, 2), "{log:#}");
}

#[test]
fn who_gets_a_seat_within_a_ring_of_names_has_no_version_twice() {
    let (gateway, acme) = acme(Some(1), Some(9));
    let mut lite = ["a", "b"].map(|name| acme.create_user(name, "member_lite").expect(201).id());
    // The undo begins with the smallest id, and goes through a ring from its end.
    lite.sort();
    let [first, mover] = lite;
    let seated = acme.create_user("c", "user").expect(201).id();
    let name = |id: &str| {
        acme.get(&format!("/Users/{id}")).expect(200).body["userName"].as_str().unwrap().to_owned()
    };
    let names = [&first, &mover, &seated].map(|id| name(id));
    let (before, since) = (dump(&gateway, &acme), moment());
    let patch = |id: &str, name: &str, value: Value| {
        acme.patch(&format!("/Users/{id}"), &replace(name, value)).expect(200);
    };
    // The seat goes from one to the other, and each name to the next.
    patch(&seated, "active", json!(false));
    patch(&mover, "userType", json!("user"));
    patch(&seated, "active", json!(true));
    for (id, name) in [(&first, "between"), (&seated, &names[0]), (&mover, &names[2]), (&first, &names[1])] {
        rename_user(&acme, id, name);
    }
    assert_eq!(undo(&gateway, &acme, &since, &[]), json!({ "restored": 3, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    let changes = stored(&gateway, &acme).into_iter().map(|row| serde_json::from_str::<Value>(&row).unwrap());
    let versions: Vec<i64> = changes
        .filter(|row| row["table"] == "changes" && row.to_string().contains(&format!("\"{seated}\"")))
        .map(|row| row.pointer("/row/version").unwrap_or(&row["version"]).as_i64().unwrap())
        .collect();
    assert!(versions.len() > 3 && versions.is_sorted_by(|one, next| one < next), "{versions:?}");
}
