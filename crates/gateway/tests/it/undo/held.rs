//! An undo of a run in which the breaker on mass loss held people.

use serde_json::{Value, json};

use super::{dump, moment, not_restored, undo};
use crate::{
    people::{said, staff},
    running::{new_group, replace, roomy, user_body},
};

fn path(id: &str) -> String {
    format!("/Users/{id}")
}

#[test]
fn an_undo_gives_back_losses_that_have_passed_and_those_that_wait_and_a_rollback_after_it_finds_nothing() {
    let (gateway, acme) = roomy();
    let ids: Vec<String> =
        (0..6).map(|nth| acme.create_user(&format!("user{nth}"), "user").expect(201).id()).collect();
    new_group(&acme, "Sales", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let limits = json!({ "people": 2, "percent": 0, "minutes": 60 });
    staff(&gateway, &acme, "PATCH", "/breaker", Some(&limits)).expect(200);
    let (before, since) = (dump(&gateway, &acme), moment());
    for id in [&ids[0], &ids[2]] {
        acme.patch(&path(id), &replace("active", false)).expect(200);
        acme.delete(&path(id)).expect(204);
    }
    acme.delete(&path(&ids[3])).expect(204);
    acme.patch(&path(&ids[4]), &replace("active", false)).expect(200);
    let held = || said(&gateway, &acme, &["breaker", "show"])["held"]["people"].clone();
    assert_eq!(held(), 2);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(not_restored(&done), [[""; 3]; 0]);
    assert_eq!((dump(&gateway, &acme), held()), (before.clone(), json!(0)));
    let rollback = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(rollback, json!({ "restored": 0, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    // And the other way round.
    acme.delete(&path(&ids[1])).expect(204);
    assert_eq!(held(), 1);
    assert_eq!(said(&gateway, &acme, &["breaker", "rollback"])["restored"], 1);
    assert_eq!(dump(&gateway, &acme), before);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(dump(&gateway, &acme), before, "{done}");
    // What staff have released is given back as every deletion is.
    acme.delete(&path(&ids[5])).expect(204);
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 1);
    let since = moment();
    acme.delete(&path(&ids[4])).expect(204);
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 1);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!((&done["restored"], not_restored(&done).len()), (&json!(2), 0), "{done}");
    let user = acme.get(&path(&ids[4])).expect(200).body;
    assert_eq!((&user["active"], user["groups"][0]["display"].clone()), (&json!(true), json!("Sales")));
    assert_eq!(gateway.seats(&acme)["member"]["used"], 5);
    assert_ne!(user, Value::Null);
    gateway.audit(&acme);
}

#[test]
fn who_was_posted_again_while_the_deletion_was_held_is_as_before_and_under_ids_is_told_as_here_again() {
    let (gateway, acme) = roomy();
    let post = |attributes: Value| acme.post("/Users", &user_body(&attributes)).expect(201);
    let ada = post(json!({ "userName": "ada", "userType": "user", "title": "Dr" })).id();
    new_group(&acme, "Sales", &[&ada]);
    let limits = json!({ "people": 0, "percent": 0, "minutes": 60 });
    staff(&gateway, &acme, "PATCH", "/breaker", Some(&limits)).expect(200);
    let (before, since) = (dump(&gateway, &acme), moment());
    acme.delete(&path(&ada)).expect(204);
    assert_eq!(post(json!({ "userName": "ada", "userType": "member_lite" })).id(), ada);
    assert_ne!(dump(&gateway, &acme), before);
    let done = undo(&gateway, &acme, &since, &[]);
    assert_eq!(done, json!({ "restored": 2, "not_restored": [] }));
    assert_eq!(dump(&gateway, &acme), before);
    // Where the log names nobody, the deletion keeps nothing that could be given back.
    gateway.cli_ok(&["tenant", "override", "--region", "ire", "--key", &acme.key, "log.people=ids"]);
    let since = moment();
    acme.delete(&path(&ada)).expect(204);
    assert_eq!(post(json!({ "userName": "ada", "userType": "user" })).id(), ada);
    acme.patch(&path(&ada), &replace("title", "Mx")).expect(200);
    let done = undo(&gateway, &acme, &since, &[]);
    let again = "It was deleted in this time, and is here again.";
    assert_eq!(not_restored(&done), [["ada", "id", again].map(str::to_owned)]);
    assert_eq!(acme.get(&path(&ada)).expect(200).body["title"], "Mx");
}
