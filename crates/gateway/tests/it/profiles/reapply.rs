//! A changed profile moves nobody until staff say so.

use std::thread;

use serde_json::{Value, json};
use testkit::http::Answer;

use super::{overridden, tenant_of};
use crate::{
    people::{said, staff},
    products::{create, standing, used},
    running::{gateway, new_group, replace},
};

/// A tenant's own reading: who is of the department R&D has the dear role.
const BY_DEPARTMENT: &str =
    "sources=[{attribute=\"title\", values={engineer=\"member\", clerk=\"member_lite\"}}]";

fn reapplied(people: i64, moved: &Value, waiting: i64, refused: i64) -> Value {
    json!({ "people": people, "moved": moved, "waiting": waiting, "refused": refused })
}

#[test]
fn a_changed_reading_moves_nobody_before_it_is_reapplied_and_a_dry_run_tells_what_happens() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": 2, "member_lite": null }), &[]);
    let user = |name: &str, user_type: &str, title: &str| {
        create(&acme, name, &json!({ "userType": user_type, "title": title })).expect(201).id()
    };
    let [ada, bob, cid] =
        [("ada", "user", "clerk"), ("bob", "member_lite", "engineer"), ("cid", "user", "engineer")]
            .map(|(name, user_type, title)| user(name, user_type, title));
    overridden(&gateway, &acme, &[BY_DEPARTMENT]);
    let now = |id: &str| standing(&acme.get(&format!("/Users/{id}")).expect(200)).map(str::to_owned);
    let before = [now(&ada), now(&bob), now(&cid)];
    // A write of something else moves nobody either.
    acme.patch(&format!("/Users/{ada}"), &replace("nickName", "A")).expect(200);
    assert_eq!([now(&ada), now(&bob), now(&cid)], before);

    // Ada's seat goes to Bob, although Bob's asks for it first.
    let moved = json!({ "member→member_lite": 1, "member_lite→member": 1 });
    let dry = said(&gateway, &acme, &["tenant", "reapply", "--dry-run"]);
    assert_eq!(dry, reapplied(3, &moved, 0, 0));
    assert_eq!([now(&ada), now(&bob), now(&cid)], before, "a dry run changes nothing");
    let versions =
        || [&ada, &bob, &cid].map(|id| acme.get(&format!("/Users/{id}")).expect(200).body["meta"].clone());
    let seen = versions();
    assert_eq!(said(&gateway, &acme, &["tenant", "reapply"]), dry);
    assert_eq!(now(&ada), ["member_lite", "member_lite", "granted"]);
    assert_eq!(
        [now(&bob), now(&cid)],
        [["member", "member", "granted"]; 2].map(|all| all.map(str::to_owned))
    );
    assert_eq!(versions()[2], seen[2], "who stays has no new version");
    assert_ne!(versions()[0], seen[0]);
    gateway.audit(&acme);
    let changes = said(&gateway, &acme, &["tenant", "changes", "--limit", "2"]);
    for change in changes.as_array().unwrap() {
        assert_eq!((&change["operation"], &change["actor"]), (&json!("reapply"), &json!("root")));
        assert_eq!(change["role_source"], "title");
    }
    // Once more there is nothing to do.
    assert_eq!(said(&gateway, &acme, &["tenant", "reapply"]), reapplied(3, &json!({}), 0, 0));
}

#[test]
fn who_finds_no_seat_waits_or_is_refused_and_stays_as_before() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": 1, "member_lite": null }), &[]);
    for nth in 0..4 {
        create(&acme, &format!("user{nth}"), &json!({ "title": "engineer" })).expect(201);
    }
    overridden(&gateway, &acme, &[BY_DEPARTMENT]);
    let policy = |policy: &str| {
        let change = json!({ "member": { "policy": policy } });
        staff(&gateway, &acme, "PATCH", "/seats", Some(&change)).expect(200);
    };
    policy("refuse");
    let moved = json!({ "member_lite→member": 1 });
    assert_eq!(said(&gateway, &acme, &["tenant", "reapply", "--dry-run"]), reapplied(4, &moved, 0, 3));
    policy("hold");
    assert_eq!(said(&gateway, &acme, &["tenant", "reapply"]), reapplied(4, &moved, 3, 0));
    assert_eq!(used(&gateway, &acme, "member"), 1);
    gateway.audit(&acme);
}

#[test]
fn groups_that_were_there_before_a_rule_give_their_role_when_it_is_reapplied() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": 5, "member_lite": null }), &[]);
    let ada = create(&acme, "ada", &json!({})).expect(201).id();
    new_group(&acme, "Members", &[&ada]);
    overridden(&gateway, &acme, &["sources=[{groups=[{name=\"Members\", role=\"member\"}]}]"]);
    let moved = json!({ "member_lite→member": 1 });
    assert_eq!(said(&gateway, &acme, &["tenant", "reapply"]), reapplied(1, &moved, 0, 0));
    let shown = said(&gateway, &acme, &["user", "show", "--user", "ada"]);
    assert!(shown["role_from"].as_str().unwrap().starts_with("group:"), "{shown}");
    gateway.audit(&acme);
}

/// While writes go on, a tenant changes between readings; the ledger adds up, and no write is lost.
#[test]
fn writes_beside_a_change_of_the_profile_are_of_one_reading_or_the_other() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": 40, "member_lite": null }), &[]);
    let created = thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let acme = acme.clone();
                scope.spawn(move || {
                    let create = |nth: usize| -> Answer {
                        let more = json!({ "userType": "user", "title": "clerk" });
                        // A write that met newer rules is sent again, as every identity provider does at 503.
                        loop {
                            let answer = create(&acme, &format!("u{writer}-{nth}"), &more);
                            if answer.status != 503 {
                                return answer.expect(201);
                            }
                        }
                    };
                    (0..40).map(|nth| create(nth).id()).collect::<Vec<_>>()
                })
            })
            .collect();
        for _ in 0..6 {
            overridden(&gateway, &acme, &[BY_DEPARTMENT]);
            said(&gateway, &acme, &["tenant", "reapply"]);
            overridden(&gateway, &acme, &["--unset", "sources"]);
        }
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(acme.get("/Users?count=0").expect(200).body["totalResults"], created.len());
    gateway.audit(&acme);
    let done = said(&gateway, &acme, &["tenant", "reapply"]);
    assert_eq!((&done["people"], used(&gateway, &acme, "member")), (&json!(120), 40), "{done}");
    gateway.audit(&acme);
}
