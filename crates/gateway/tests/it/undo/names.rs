//! Names that are unique go back to whom they belong, also where another one has them meanwhile.

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use super::{dump, moment, undo};
use crate::running::{new_group, replace, roomy};

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
