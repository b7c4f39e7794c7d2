//! Deletions that the breaker holds: the person is gone for the identity provider, and works on.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{held, on, path, people, rows, show, state, suspend, used};
use crate::{
    people::{said, staff},
    running::{
        SEAT, acme, entitled, gateway, groups_of, members, new_group, replace, roomy, stored, user_names,
    },
};

#[test]
fn a_held_deletion_is_204_then_404_and_seat_and_role_stay() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", Some(5), Some(5));
    let ids = people(&acme, 4);
    let group = new_group(&acme, "Sales", &[&ids[1], &ids[2]]);
    on(&gateway, &acme, 1, 0);
    acme.delete(&path(&ids[0])).expect(204);
    let entitled = acme.get("/Licenses/member").expect(200).body;
    acme.delete(&path(&ids[1])).expect(204);
    assert_eq!(acme.get("/Licenses/member").expect(200).body, entitled);
    assert_eq!(used(&gateway, &acme), 3);
    // SCIM does not know the person any more.
    for answer in [
        acme.get(&path(&ids[1])),
        acme.delete(&path(&ids[1])),
        acme.patch(&path(&ids[1]), &replace("title", "Dr")),
        acme.put(&path(&ids[1]), &json!({ "schemas": [crate::running::USER], "userName": "user1" })),
    ] {
        answer.expect(404);
    }
    assert_eq!(acme.find("/Users", "userName eq \"user1\"").expect(200).body["totalResults"], 0);
    assert_eq!(acme.get("/Users?count=0").expect(200).body["totalResults"], 2);
    assert!(!user_names(&acme).contains("user1"));
    assert_eq!(members(&acme, &group), [ids[2].clone()]);
    // Staff do, and their list has everybody once, in pages too.
    let listed = said(&gateway, &acme, &["user", "list", "--state", "held"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!((&listed[0]["user_name"], &listed[0]["active"]), (&json!("user1"), &json!(true)));
    assert_eq!(listed[0]["license"], json!({ "requested": "member", "granted": "member", "state": "held" }));
    assert_eq!(listed[0]["idp"], json!({ "role": "member", "active": true, "deleted": true }));
    assert_eq!(said(&gateway, &acme, &["user", "show", "--user", "user1"]), listed[0]);
    assert_eq!(said(&gateway, &acme, &["user", "show", "--user", &ids[1]]), listed[0]);
    let first = staff(&gateway, &acme, "GET", "/users?limit=1", None).expect(200).body;
    let rest = staff(&gateway, &acme, "GET", &format!("/users?after={}", ids[1]), None).expect(200).body;
    assert_eq!((&first[0]["id"], first.as_array().unwrap().len()), (&json!(ids[1]), 1));
    assert_eq!(rest.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>(), ids[2..]);
    for word in ["user1", &ids[1]] {
        let told = said(&gateway, &acme, &["explain", "--user", word]);
        assert_eq!((&told["answer"], &told["person"]["id"]), (&json!("held"), &json!(ids[1])), "{told}");
        assert!(told["sentence"].as_str().unwrap().contains("the deletion that was sent waits"), "{told}");
    }
    let row = &rows(&gateway, &acme, &["--result", "held"])[0];
    assert_eq!(
        (&row["operation"], &row["status"], &row["user_name"], &row["license"]["granted"]),
        (&json!("delete"), &json!(204), &json!("user1"), &json!("member"))
    );
    let shown = show(&gateway, &acme);
    assert_eq!((&shown["held"]["people"], &shown["held"]["deleted"]), (&json!(1), &json!(1)));
}

#[test]
fn who_is_posted_again_comes_back_with_the_old_id_and_the_seat_that_was_kept() {
    let (gateway, acme) = acme(Some(3), Some(0));
    let ids = people(&acme, 3);
    on(&gateway, &acme, 0, 0);
    for id in &ids {
        acme.delete(&path(id)).expect(204);
    }
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (3, 3));
    // Their seats are theirs: a newcomer finds none.
    acme.create_user("new", "user").expect_error(403, "seatLimitReached");
    let back = acme.create_user("USER0", "user").expect(201);
    assert_eq!((back.id(), &back.body[SEAT]["state"]), (ids[0].clone(), &json!("granted")));
    assert_eq!(back.header("location"), Some(format!("{}{}", acme.base_url, path(&ids[0])).as_str()));
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (2, 3));
    let row = &rows(&gateway, &acme, &["--user", "user0"])[0];
    assert_eq!((&row["result"], &row["operation"]), (&json!("linked"), &json!("create")));
    // Who is sent inactive is there again, and waits on.
    let sent = json!({ "schemas": [crate::running::USER], "userName": "user1", "userType": "user", "active": false });
    let inactive = acme.post("/Users", &sent).expect(201);
    assert_eq!((inactive.id(), &inactive.body[SEAT]["state"]), (ids[1].clone(), &json!("held")));
    assert_eq!(acme.get(&path(&ids[1])).expect(200).body[SEAT]["state"], "held");
    let shown = show(&gateway, &acme);
    assert_eq!((&shown["held"]["people"], &shown["held"]["deleted"]), (&json!(2), &json!(1)));
    // Deleted once more, the person is held as before; given back as of the first loss.
    acme.delete(&path(&ids[1])).expect(204);
    assert_eq!(show(&gateway, &acme)["held"]["deleted"], 2);
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back["restored"], 2, "{back}");
    assert_eq!((state(&acme, &ids[2]), used(&gateway, &acme)), ("granted".to_owned(), 3));
    assert_eq!(held(&gateway, &acme), 0);
}

#[test]
fn who_was_suspended_and_is_deleted_then_waits_and_comes_back_active() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 3);
    on(&gateway, &acme, 1, 0);
    // The first passes, the second waits: both are suspended, then deleted.
    for id in &ids[..2] {
        suspend(&acme, id);
        acme.delete(&path(id)).expect(204);
    }
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (1, 2));
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 2, "not_restored": [] }));
    for id in &ids[..2] {
        let user = acme.get(&path(id)).expect(200).body;
        assert_eq!((&user["active"], &user[SEAT]["state"]), (&json!(true), &json!("granted")));
    }
    assert_eq!(used(&gateway, &acme), 3);
}

#[test]
fn staff_carry_out_the_deletion_of_one_person_and_set_nothing_of_who_is_deleted() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 3);
    on(&gateway, &acme, 0, 0);
    for id in &ids {
        acme.delete(&path(id)).expect(204);
    }
    let of_staff = |id: &str| path(id).to_lowercase();
    let set =
        staff(&gateway, &acme, "PATCH", &of_staff(&ids[0]), Some(&json!({ "active": true }))).expect(409);
    assert!(set.body["detail"].as_str().unwrap().contains("breaker"), "{}", set.text);
    staff(&gateway, &acme, "POST", &format!("{}/release", of_staff(&ids[0])), None).expect(409);
    staff(&gateway, &acme, "DELETE", &of_staff(&ids[0]), None).expect(204);
    staff(&gateway, &acme, "DELETE", &of_staff(&ids[0]), None).expect(404);
    assert_eq!((held(&gateway, &acme), used(&gateway, &acme)), (2, 2));
    assert_eq!(said(&gateway, &acme, &["explain", "--user", "user0"])["answer"], "deleted");
    // Another person may have the name; then it is not given back.
    staff(&gateway, &acme, "POST", "/users", Some(&json!({ "user_name": "user1" }))).expect(201);
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(
        back,
        json!({ "restored": 1, "not_restored": [{
            "user_name": "user1", "id": ids[1], "attribute": "userName",
            "reason": "Another person has the userName by now.",
        }] })
    );
    assert_eq!((state(&acme, &ids[2]), held(&gateway, &acme)), ("granted".to_owned(), 1));
    assert_eq!(said(&gateway, &acme, &["breaker", "release"]), json!({ "released": 1, "kept": 0 }));
    assert_eq!(used(&gateway, &acme), 1);
}

/// A tenant whose people are archived when they are deleted.
fn archiving() -> (Gateway, Tenant) {
    let gateway = gateway();
    let body = json!({ "key": "acme", "name": "Acme", "profile": "cxone-expert", "seats": { "pro": 5 } });
    let acme = gateway.onboard("ire", &body);
    staff(&gateway, &acme, "POST", "/activate", None).expect(200);
    (gateway, acme)
}

#[test]
fn archived_people_are_archived_by_the_release_and_revived_by_a_post() {
    let (gateway, acme) = archiving();
    let ids: Vec<String> = ["a", "b"].map(|name| acme.create_user(name, "").expect(201).id()).to_vec();
    on(&gateway, &acme, 0, 0);
    for id in &ids {
        acme.delete(&path(id)).expect(204);
    }
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 2);
    assert_eq!(gateway.seats(&acme)["community"]["used"], 0);
    assert_eq!(acme.create_user("b", "").expect(201).id(), ids[1]);
    gateway.audit(&acme);
}

#[test]
fn archived_people_leave_the_archive_with_the_rollback_and_are_deleted_again_as_everybody() {
    let (gateway, acme) = archiving();
    let ids: Vec<String> = ["a", "b", "c"].map(|name| acme.create_user(name, "").expect(201).id()).to_vec();
    let archived = || {
        let rows = stored(&gateway, &acme).into_iter();
        rows.filter(|row| row.starts_with("{\"table\":\"archived_users\"")).count()
    };
    on(&gateway, &acme, 2, 0);
    for id in &ids {
        acme.delete(&path(id)).expect(204);
    }
    assert_eq!((archived(), held(&gateway, &acme)), (2, 1));
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 3, "not_restored": [] }));
    assert_eq!(archived(), 0);
    gateway.audit(&acme);
    // The window goes on: the next deletion waits, and is carried out by a release.
    acme.delete(&path(&ids[0])).expect(204);
    assert_eq!((archived(), held(&gateway, &acme)), (0, 1));
    assert_eq!(said(&gateway, &acme, &["breaker", "release"]), json!({ "released": 1, "kept": 0 }));
    assert_eq!(archived(), 1);
    // And one that does not wait.
    said(&gateway, &acme, &["breaker", "off"]);
    acme.delete(&path(&ids[1])).expect(204);
    assert_eq!(archived(), 2);
    assert_eq!(gateway.seats(&acme)["community"]["used"], 1);
    gateway.audit(&acme);
}

/// A tenant whose log names nobody.
fn nameless() -> (Gateway, Tenant) {
    let (gateway, acme) = roomy();
    staff(&gateway, &acme, "PATCH", "/profile/overrides", Some(&json!({ "log": { "people": "ids" } })))
        .expect(200);
    (gateway, acme)
}

/// The entry of a rollback for a person whose deletion has passed, where the log names nobody.
fn unkept(id: &str) -> Value {
    let reason = "Under log.people = ids nothing is kept that would give a deleted person back.";
    json!({ "user_name": null, "id": id, "attribute": "id", "reason": reason })
}

#[test]
fn under_keyed_hashes_nothing_that_a_suspension_kept_outlives_the_deletion() {
    let (gateway, acme) = nameless();
    let ids = people(&acme, 2);
    on(&gateway, &acme, 1, 0);
    let sent = json!([{ "op": "replace", "value": { "active": false, "displayName": "Lovelace" } }]);
    acme.patch(&path(&ids[0]), &sent).expect(200);
    let is_named = || stored(&gateway, &acme).iter().any(|row| row.contains("Lovelace"));
    assert!(is_named());
    acme.delete(&path(&ids[0])).expect(204);
    assert!(!is_named());
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 0, "not_restored": [unkept(&ids[0])] }));
    gateway.audit(&acme);
}

#[test]
fn under_keyed_hashes_a_deletion_that_passes_leaves_no_name_and_cannot_be_given_back() {
    let (gateway, acme) = nameless();
    let ids = people(&acme, 3);
    let group = new_group(&acme, "Sales", &[&ids[2]]);
    on(&gateway, &acme, 1, 0);
    for id in &ids[..2] {
        acme.delete(&path(id)).expect(204);
    }
    let export = gateway.admin("GET", &format!("{}/export", acme.admin_path()), None).expect(200).text;
    assert!(!export.contains("user0") && export.contains("user1"), "{export}");
    let back = said(&gateway, &acme, &["breaker", "rollback"]);
    assert_eq!(back, json!({ "restored": 1, "not_restored": [unkept(&ids[0])] }));
    acme.get(&path(&ids[0])).expect(404);
    assert_eq!(
        (state(&acme, &ids[1]), groups_of(&acme, &ids[2])),
        ("granted".to_owned(), vec!["Sales".to_owned()])
    );
    // Carried out, nothing names the person who waited.
    acme.delete(&path(&ids[1])).expect(204);
    assert_eq!(said(&gateway, &acme, &["breaker", "release"])["released"], 1);
    let export = gateway.admin("GET", &format!("{}/export", acme.admin_path()), None).expect(200).text;
    assert!(!export.contains("user1"), "{export}");
    acme.delete(&format!("/Groups/{group}")).expect(204);
    assert_eq!(show(&gateway, &acme)["held"], json!({ "people": 0, "deleted": 0, "since": Value::Null }));
}
