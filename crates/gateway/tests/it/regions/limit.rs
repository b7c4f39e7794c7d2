//! How much a tenant's store may hold: beyond it nothing grows, and what makes room goes on.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use crate::running::{gateway, replace, user_body};
use testkit::urn::BULK_REQUEST;

fn set(gateway: &Gateway, tenant: &Tenant, limit: &str) -> String {
    gateway.cli_ok(&["tenant", "set", "--region", &tenant.region, "--key", &tenant.key, "--max-bytes", limit])
}

fn shown(gateway: &Gateway, tenant: &Tenant) -> Value {
    gateway.admin("GET", &tenant.admin_path(), None).expect(200).body
}

fn in_use(gateway: &Gateway, tenant: &Tenant) -> u64 {
    shown(gateway, tenant)["bytes_in_use"].as_u64().unwrap()
}

fn big(name: &str) -> Value {
    user_body(&json!({ "userName": name, "title": "x".repeat(30_000) }))
}

/// Creates users until one is refused; the ids of the existing users.
fn fill(tenant: &Tenant) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let answer = tenant.post("/Users", &big(&format!("u{}", ids.len())));
        if answer.status != 201 {
            let told = answer.expect_error(507, "");
            assert!(told.text.contains("limit") && told.text.contains("it@acme.example"), "{}", told.text);
            return ids;
        }
        ids.push(answer.id());
        assert!(ids.len() < 200, "the limit was never met");
    }
}

fn limited() -> (Gateway, Tenant, Tenant, u64) {
    let gateway = gateway();
    let settings = json!({ "contact": "it@acme.example" });
    let body = json!({ "key": "acme", "name": "Acme", "seats": { "member": null, "member_lite": null }, "settings": settings });
    let acme = gateway.onboard("ire", &body);
    let other = gateway.tenant("ire", "other", None, None);
    let limit = in_use(&gateway, &acme) + 1_000_000;
    set(&gateway, &acme, &limit.to_string());
    (gateway, acme, other, limit)
}

#[test]
fn beyond_its_limit_a_tenant_is_told_whom_to_ask_and_what_makes_room_goes_on() {
    let (gateway, acme, other, limit) = limited();
    let ids = fill(&acme);
    let total = || acme.get("/Users?count=1").expect(200).body["totalResults"].as_u64().unwrap();
    assert_eq!(total(), u64::try_from(ids.len()).unwrap(), "what was refused is not there");
    assert!(in_use(&gateway, &acme) <= limit);
    let show = gateway.cli_ok(&["tenant", "show", "--region", "ire", "--key", "acme"]);
    assert!(
        show.contains("max bytes") && show.contains(&limit.to_string()) && show.contains("bytes in use"),
        "{show}"
    );
    // Full up to the last page, where even what is small would not fit.
    set(&gateway, &acme, "1");
    acme.create_user("small", "").expect_error(507, "");
    acme.patch(&format!("/Users/{}", ids[0]), &replace("title", "short")).expect_error(507, "");
    acme.patch(&format!("/Users/{}", ids[0]), &replace("active", false)).expect(200);
    acme.patch(&format!("/Users/{}", ids[0]), &replace("active", true)).expect_error(507, "");
    acme.delete(&format!("/Users/{}", ids[1])).expect(204);
    let seats = json!({ "member": { "quota": 100 } });
    gateway.admin("PATCH", &format!("{}/seats", acme.admin_path()), Some(&seats)).expect(200);
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
    gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(200);
    // A neighbour knows nothing of it.
    other.post("/Users", &big("ada")).expect(201);
    // Where deletions have made room, there is room.
    set(&gateway, &acme, &limit.to_string());
    for id in &ids[2..10] {
        acme.delete(&format!("/Users/{id}")).expect(204);
    }
    acme.post("/Users", &big("in their place")).expect(201);
    assert!(set(&gateway, &acme, "unlimited").contains("unlimited"));
    for n in 0..20 {
        acme.post("/Users", &big(&format!("further {n}"))).expect(201);
    }
    assert!(in_use(&gateway, &acme) > limit);
    gateway.audit(&acme);
}

#[test]
fn writes_at_once_are_refused_one_by_one_at_the_limit() {
    let (gateway, acme, _, limit) = limited();
    let ids = fill(&acme);
    let deleted = &ids[..ids.len() / 2];
    std::thread::scope(|scope| {
        let growing: Vec<_> = (0..3)
            .map(|client| {
                let acme = &acme;
                scope.spawn(move || {
                    let tries = (0..20).map(|n| acme.post("/Users", &big(&format!("c{client}n{n}"))).status);
                    tries
                        .inspect(|status| assert!([201, 507].contains(status), "{status}"))
                        .filter(|s| *s == 201)
                        .count()
                })
            })
            .collect();
        for id in deleted {
            acme.delete(&format!("/Users/{id}")).expect(204);
        }
        let made: usize = growing.into_iter().map(|client| client.join().unwrap()).sum();
        let left = acme.get("/Users?count=1").expect(200).body["totalResults"].as_u64().unwrap();
        assert_eq!(left, u64::try_from(ids.len() - deleted.len() + made).unwrap());
    });
    assert!(in_use(&gateway, &acme) <= limit + 100_000, "what is excused takes some pages for its records");
    gateway.audit(&acme);
}

#[test]
fn in_a_bulk_only_what_grows_is_refused() {
    let (gateway, acme, _, limit) = limited();
    let ids = fill(&acme);
    let mut operations: Vec<Value> = Vec::new();
    for n in 0..20 {
        operations.push(json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": big(&format!("b{n}")) }));
    }
    // What is done and what is refused is recorded too, so one more is deleted than is made.
    for id in &ids[..2] {
        operations.insert(10, json!({ "method": "DELETE", "path": format!("/Users/{id}") }));
    }
    let answer =
        acme.post("/Bulk", &json!({ "schemas": [BULK_REQUEST], "Operations": operations })).expect(200);
    let statuses: Vec<&str> =
        answer.body["Operations"].as_array().unwrap().iter().map(|o| o["status"].as_str().unwrap()).collect();
    assert_eq!(statuses[10..12], ["204", "204"], "{statuses:?}");
    assert!(statuses[..10].iter().all(|status| *status == "507"), "{statuses:?}");
    let made = statuses.iter().filter(|status| **status == "201").count();
    assert!((1..=3).contains(&made), "there is the room of whom was deleted: {statuses:?}");
    assert!(in_use(&gateway, &acme) <= limit + 40_000);
    gateway.audit(&acme);
}

#[test]
fn a_limit_is_set_at_the_creation_too_and_none_is_not_one() {
    let gateway = gateway();
    gateway.cli_ok(&[
        "tenant",
        "create",
        "--region",
        "ire",
        "--key",
        "acme",
        "--name",
        "Acme",
        "--max-bytes",
        "5000000",
    ]);
    let made = gateway.admin("GET", "/regions/ire/tenants/acme", None).expect(200).body;
    assert_eq!(made["settings"]["max_bytes"], 5_000_000);
    for wrong in ["0", "-1", "1e6", "much"] {
        let refused = gateway.cli(&[
            "tenant",
            "set",
            "--region",
            "ire",
            "--key",
            "acme",
            &format!("--max-bytes={wrong}"),
        ]);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
    }
    let zero = json!({ "settings": { "max_bytes": 0 } });
    gateway.admin("PATCH", "/regions/ire/tenants/acme", Some(&zero)).expect(400);
    let other = json!({ "settings": { "strict": true } });
    let kept = gateway.admin("PATCH", "/regions/ire/tenants/acme", Some(&other)).expect(200).body;
    assert_eq!(kept["settings"]["max_bytes"], 5_000_000);
    let lifted = json!({ "settings": { "max_bytes": null } });
    let lifted = gateway.admin("PATCH", "/regions/ire/tenants/acme", Some(&lifted)).expect(200).body;
    assert!(lifted["settings"]["max_bytes"].is_null());
}
