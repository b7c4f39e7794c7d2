//! How people stand in the log, and for how long.

use serde_json::json;
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use super::{rows, rows_when};
use crate::{
    profiles::{
        files::{self, ATLAS},
        overridden,
    },
    running::{acme, gateway, new_group, replace, roomy, stored},
    tick::{tick, under},
};

pub(super) fn set(gateway: &Gateway, tenant: &Tenant, what: &str) {
    overridden(gateway, tenant, &[what]);
}

#[test]
fn under_ids_a_person_is_a_hash_that_the_name_finds_and_a_deletion_leaves_no_name() {
    let (gateway, acme) = acme(Some(1), Some(0));
    // Of a time when the log held names.
    acme.create_user("Ada@Example.com", "user").expect(201);
    acme.create_user("ada@example.com", "user").expect(409);
    rows_when(&gateway, &acme, &["--user", "ada@example.com"], 2);
    set(&gateway, &acme, "log.people=ids");
    let ben = acme.create_user("ben@example.com", "user").expect(403);
    assert!(ben.text.contains("Ref "));
    let found = rows_when(&gateway, &acme, &["--user", "BEN@example.com"], 1);
    let hash = found[0]["user_name"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("hash:") && hash.len() == 69, "{hash}");
    assert_eq!(rows(&gateway, &acme, &["--user", &hash]), found);
    let id = rows(&gateway, &acme, &["--result", "applied"])[0]["resource_id"].as_str().unwrap().to_owned();
    acme.patch(&format!("/Users/{id}"), &replace("title", "Dr")).expect(200);
    acme.delete(&format!("/Users/{id}")).expect(204);
    let all = rows(&gateway, &acme, &[]);
    assert_eq!(all.len(), 5);
    assert!(!json!(all).to_string().to_lowercase().contains("example.com"), "{all:#?}");
    let of_ada = rows(&gateway, &acme, &["--user", "ada@example.com"]);
    assert_eq!(of_ada.len(), 4);
    assert_eq!(rows(&gateway, &acme, &["--user", &id]), of_ada);
}

#[test]
fn a_person_who_was_deleted_is_found_by_id_with_all_rows_and_what_came_for_the_id_since() {
    let (gateway, acme) = roomy();
    let id = acme.create_user("ada", "user").expect(201).id();
    acme.create_user("ADA", "user").expect(409);
    acme.patch(&format!("/Users/{id}"), &replace("title", "Dr")).expect(200);
    let of_ada = rows_when(&gateway, &acme, &["--user", &id], 3);
    acme.delete(&format!("/Users/{id}")).expect(204);
    assert_eq!(rows(&gateway, &acme, &["--user", &id])[1..], of_ada);
    acme.patch(&format!("/Users/{id}"), &replace("title", "Prof")).expect(404);
    let all = rows_when(&gateway, &acme, &["--user", &id], 5);
    assert_eq!(all[2..], of_ada);
    assert_eq!([&all[0]["status"], &all[1]["operation"]], [&json!(404), &json!("delete")]);
    // The same name is another person now: the rows of the name are of both, those of the former id are not.
    let again = acme.create_user("ada", "user").expect(201).id();
    assert_eq!(rows(&gateway, &acme, &["--user", &again, "--result", "applied"]).len(), 4);
    assert_eq!(rows(&gateway, &acme, &["--user", &id]), all);
    assert_eq!(rows(&gateway, &acme, &["--user", "00000000-0000-7000-8000-000000000000"]), [json!(null); 0]);
}

#[test]
fn a_deletion_that_the_breaker_holds_is_found_by_id() {
    let (gateway, acme) = roomy();
    gateway.cli_ok(&[
        "breaker",
        "set",
        "--region",
        "ire",
        "--key",
        "acme",
        "--people",
        "1",
        "--percent",
        "1",
        "--minutes",
        "60",
    ]);
    let [ann, ben] = ["ann", "ben"].map(|name| acme.create_user(name, "user").expect(201).id());
    for id in [&ann, &ben] {
        acme.delete(&format!("/Users/{id}")).expect(204);
    }
    acme.get(&format!("/Users/{ben}")).expect_error(404, "");
    let results = |id| rows(&gateway, &acme, &["--user", id]).into_iter().map(|row| row["result"].clone());
    assert_eq!(results(&ann).collect::<Vec<_>>(), ["applied", "applied"]);
    assert_eq!(results(&ben).collect::<Vec<_>>(), ["held", "applied"]);
}

/// PostgreSQL takes no value of 2.7 kB into an index, and rows of refused writes are written together.
#[test]
fn an_id_that_is_far_too_long_keeps_no_other_refusal_out_of_the_log() {
    let (gateway, acme) = roomy();
    let mut seed = 7_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + u8::try_from((seed >> 40) % 26).unwrap())
    };
    let long: String = (0..6_000).map(|_| noise()).collect();
    acme.delete(&format!("/Users/{long}")).expect(404);
    acme.create_user("", "user").expect(400);
    let refused = rows_when(&gateway, &acme, &["--result", "refused"], 2);
    assert_eq!([&refused[1]["status"], &refused[0]["status"]], [&json!(404), &json!(400)]);
}

#[test]
fn under_ids_a_refused_row_keeps_no_name_from_a_path_or_among_members() {
    let (gateway, acme) = roomy();
    set(&gateway, &acme, "log.people=ids");
    acme.delete("/Users/ada@example.com").expect(404);
    let group = new_group(&acme, "A", &[]);
    let stranger = json!([{ "op": "add", "path": "members", "value": [{ "value": "ben@example.com" }] }]);
    let refused = acme.patch(&format!("/Groups/{group}"), &stranger).expect(400);
    assert!(refused.text.contains("ben@example.com"), "the sender is told: {}", refused.text);
    // A sentence that is cut in the middle of such a word.
    let members: Vec<_> =
        (0..8).map(|n| json!({ "value": format!("{n}{}@example.com", "x".repeat(60)) })).collect();
    let strangers = json!([{ "op": "add", "path": "members", "value": members }]);
    acme.patch(&format!("/Groups/{group}"), &strangers).expect(400);
    let quoted = json!([{ "op": "add", "path": "members", "value": [{ "value": "\"ben@example.com" }] }]);
    acme.patch(&format!("/Groups/{group}"), &quoted).expect(400);
    let refused = rows_when(&gateway, &acme, &["--result", "refused"], 4);
    for row in &refused {
        let (detail, id) = (row["detail"].as_str().unwrap(), row["request_id"].as_str().unwrap());
        assert!(detail.ends_with(&format!("Ref {id}.")), "{detail}");
    }
    assert!(!json!(refused).to_string().contains("xxx"), "{refused:#?}");
    assert!(!json!(refused).to_string().contains("example.com"), "{refused:#?}");
}

#[test]
fn where_the_log_comes_to_hold_hashes_the_next_tick_takes_earlier_names_out_and_they_find_their_rows() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let id = acme.create_user("Ada.Smith@example.com", "user").expect(201).id();
    acme.create_user("ben@example.com", "user").expect(403);
    acme.patch(&format!("/Users/{id}"), &replace("userName", "ada.jones@example.com")).expect(200);
    let before = rows_when(&gateway, &acme, &[], 3);
    let found = |user: &str| {
        let ids = rows(&gateway, &acme, &["--user", user]).into_iter().map(|row| row["id"].clone());
        ids.collect::<Vec<_>>()
    };
    let users = ["ada.smith@example.com", "ada.jones@example.com", "ben@example.com"];
    let by_name = users.map(&found);
    set(&gateway, &acme, "log.people=ids");
    tick(&gateway);
    let hashed = rows(&gateway, &acme, &[]);
    assert!(!json!(hashed).to_string().to_lowercase().contains("example.com"), "{hashed:#?}");
    let ids = |rows: &[serde_json::Value]| rows.iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&hashed), ids(&before));
    assert_eq!(users.map(&found), by_name);
    acme.delete(&format!("/Users/{id}")).expect(204);
    tick(&gateway);
    let stored = stored(&gateway, &acme).join("\n").to_lowercase();
    assert!(!stored.contains("smith") && !stored.contains("jones") && !stored.contains("ben@"), "{stored}");
}

/// A new version of a profile opens no tenant's store.
#[test]
fn under_a_new_version_of_the_profile_the_tick_after_a_deletion_takes_earlier_names_out() {
    let (gateway, folder) = (gateway(), tempfile::tempdir().unwrap());
    let add = |text: &str| {
        let file = folder.path().join("atlas.toml");
        std::fs::write(&file, text).unwrap();
        files::add(&gateway, file.to_str().unwrap());
    };
    add(ATLAS);
    let acme = gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme", "profile": "atlas" }));
    let id = acme.create_user("ada.smith", "").expect(201).id();
    acme.patch(&format!("/Users/{id}"), &replace("userName", "ada.jones")).expect(200);
    add(&format!("{ATLAS}\n[log]\npeople = \"ids\"\n"));
    acme.delete(&format!("/Users/{id}")).expect(204);
    assert_eq!(rows(&gateway, &acme, &["--user", "ada.jones"]).len(), 2);
    tick(&gateway);
    let stored = stored(&gateway, &acme).join("\n");
    assert!(!stored.contains("ada."), "{stored}");
    assert_eq!(rows(&gateway, &acme, &["--user", "ada.smith"]).len(), 1);
}

/// Nobody is answered about a deletion that falls due, so it is no row; the rows before it are found all the same.
#[test]
fn a_person_whose_deletion_fell_due_is_found_by_id_and_named_by_nothing_under_ids() {
    let (gateway, acme) = roomy();
    for what in ["leaving.groupless=delete", "leaving.groupless_after_minutes=0"] {
        set(&gateway, &acme, what);
    }
    let id = acme.create_user("ada@example.com", "user").expect(201).id();
    let group = new_group(&acme, "A", &[&id]);
    set(&gateway, &acme, "log.people=ids");
    acme.patch(&format!("/Groups/{group}"), &json!([{ "op": "remove", "path": "members" }])).expect(204);
    assert_eq!(tick(&gateway)["people"], 1);
    acme.get(&format!("/Users/{id}")).expect_error(404, "");
    let found = rows(&gateway, &acme, &["--user", &id]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["operation"], "create");
    assert!(!json!(rows(&gateway, &acme, &[])).to_string().contains("example.com"));
}

#[test]
fn rows_older_than_the_profile_keeps_them_are_removed_by_the_tick() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(0));
    let id = acme.create_user("ada", "user").expect(201).id();
    acme.create_user("ben", "user").expect(403);
    rows_when(&gateway, &acme, &[], 2);
    set(&gateway, &acme, "log.keep_days=1");
    tick(&gateway);
    assert_eq!(rows(&gateway, &acme, &[]).len(), 2);
    clock.set("+36h");
    let kept = acme.patch(&format!("/Users/{id}"), &replace("title", "Dr")).expect(200);
    tick(&gateway);
    let left = rows(&gateway, &acme, &[]);
    assert_eq!(left.len(), 1, "{left:#?}");
    assert_eq!(left[0]["request_id"], kept.header("x-request-id").unwrap());
    // The next record goes on counting.
    let number = left[0]["number"].as_i64().unwrap();
    acme.delete(&format!("/Users/{id}")).expect(204);
    assert!(rows(&gateway, &acme, &[])[0]["number"].as_i64() > Some(number));
}
