//! What groups give, and what becomes of people without a group.

use serde_json::json;

use super::{another, dump, moment, patch_from_okta, queue, undo};
use crate::{
    profiles::overridden,
    running::{acme, new_group, replace, roomy},
    tick::{join, leave, tick},
};

/// Members of the group `Members` have the role `member`.
const MEMBERS: &str = "sources=[{ groups = [{ name = \"Members\", role = \"member\" }] }]";

#[test]
fn who_held_the_seat_of_a_group_has_it_again_and_who_waited_for_it_has_the_former_place() {
    let (gateway, acme) = acme(Some(1), Some(9));
    overridden(&gateway, &acme, &[MEMBERS]);
    // The one who waits is the older one.
    let [waits, seated] = ["waits", "seated"].map(|name| acme.create_user(name, "").expect(201).id());
    let group = new_group(&acme, "Members", &[&seated]);
    join(&acme, &group, &waits);
    assert_eq!(queue(&gateway, &acme), ["waits"]);
    let (before, since) = (dump(&gateway, &acme), moment());
    leave(&acme, &group, &waits);
    leave(&acme, &group, &seated);
    assert_eq!(gateway.seats(&acme)["member"]["used"], 0);
    assert_eq!(undo(&gateway, &acme, &since, &[]), json!({ "restored": 1, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
}

#[test]
fn a_rule_that_the_run_bound_is_let_go_with_the_roles_that_it_gave_and_one_that_was_bound_before_stays() {
    let (gateway, acme) = roomy();
    overridden(&gateway, &acme, &[MEMBERS]);
    let ada = acme.create_user("ada", "").expect(201).id();
    let crew = new_group(&acme, "Crew", &[&ada]);
    let rename = |name: &str| {
        acme.patch(&format!("/Groups/{crew}"), &replace("displayName", name)).expect(204);
    };
    let used = || gateway.seats(&acme)["member"]["used"].clone();
    let one = json!({ "restored": 1, "not_restored": [] });
    let (before, since) = (dump(&gateway, &acme), moment());
    rename("Members");
    assert_eq!(used(), 1);
    assert_eq!(undo(&gateway, &acme, &since, &[]), one);
    assert_eq!((dump(&gateway, &acme), used()), (before, json!(0)));
    rename("Members");
    rename("Crew");
    let (before, since) = (dump(&gateway, &acme), moment());
    rename("Members");
    assert_eq!(undo(&gateway, &acme, &since, &[]), one);
    assert_eq!((dump(&gateway, &acme), used()), (before, json!(1)));
}

#[test]
fn a_deleted_group_has_the_rule_again_that_was_bound_to_it_under_its_former_name() {
    let (gateway, acme) = roomy();
    overridden(&gateway, &acme, &[MEMBERS]);
    let ada = acme.create_user("ada", "").expect(201).id();
    let crew = format!("/Groups/{}", new_group(&acme, "Members", &[&ada]));
    acme.patch(&crew, &replace("displayName", "Crew")).expect(204);
    let (before, since) = (dump(&gateway, &acme), moment());
    acme.delete(&crew).expect(204);
    assert_eq!(gateway.seats(&acme)["member"]["used"], 0);
    assert_eq!(undo(&gateway, &acme, &since, &[]), json!({ "restored": 1, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    assert_eq!(gateway.seats(&acme)["member"]["used"], 1);
}

#[test]
fn whom_the_clock_suspended_because_of_the_run_is_active_again_and_nobody_else() {
    let (gateway, acme) = roomy();
    overridden(&gateway, &acme, &["leaving.groupless=suspend", "leaving.groupless_after_minutes=0"]);
    let [ada, ben] = ["ada", "ben"].map(|name| acme.create_user(name, "user").expect(201).id());
    let club = new_group(&acme, "club", &[&ada]);
    let crew = new_group(&acme, "crew", &[&ben]);
    let other = another(&gateway, &acme);
    let since = moment();
    patch_from_okta(&acme, &format!("/Groups/{club}"), &json!([{ "op": "remove", "path": "members" }]));
    leave(&other, &crew, &ben);
    assert_eq!(tick(&gateway)["people"], 2);
    let active = |id: &str| acme.get(&format!("/Users/{id}")).expect(200).body["active"].clone();
    assert_eq!([active(&ada), active(&ben)], [json!(false), json!(false)]);
    let done = undo(&gateway, &acme, &since, &["--idp", "okta"]);
    assert_eq!(done, json!({ "restored": 2, "not_restored": [] }));
    assert_eq!([active(&ada), active(&ben)], [json!(true), json!(false)]);
    assert_eq!(crate::running::members(&acme, &club), [ada]);
}

#[test]
fn a_rule_that_went_from_a_deleted_group_to_a_renamed_one_goes_back_whichever_group_is_older() {
    for is_deleted_older in [true, false] {
        let (gateway, acme) = roomy();
        overridden(&gateway, &acme, &[MEMBERS]);
        let [ada, ben] = ["ada", "ben"].map(|name| acme.create_user(name, "").expect(201).id());
        let make = |is_rule: bool| match is_rule {
            true => new_group(&acme, "Members", &[&ada]),
            false => new_group(&acme, "Other", &[&ben]),
        };
        let made = [is_deleted_older, !is_deleted_older].map(make);
        let [members, other] = if is_deleted_older { made } else { [made[1].clone(), made[0].clone()] };
        let (before, since) = (dump(&gateway, &acme), moment());
        acme.delete(&format!("/Groups/{members}")).expect(204);
        acme.patch(&format!("/Groups/{other}"), &replace("displayName", "Members")).expect(204);
        assert_eq!(gateway.seats(&acme)["member"]["used"], 1);
        let undone = undo(&gateway, &acme, &since, &[]);
        assert_eq!(undone["not_restored"], json!([]), "{is_deleted_older}");
        assert_eq!(dump(&gateway, &acme), before, "{is_deleted_older}");
    }
}
