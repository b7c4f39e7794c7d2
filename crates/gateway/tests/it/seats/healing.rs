//! Seats heal themselves: thousands who wait are placed as soon as there are seats, in their order, whatever happens meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
};

use super::set_policy;
use crate::running::gateway;

const WAITING: usize = 5_000;

/// Operations of one bulk.
const A_BULK: usize = 500;

/// A tenant with no seat and so many people who wait; their ids in the order of the queue.
fn queue(gateway: &Gateway, number: usize) -> (Tenant, Vec<String>) {
    let tenant = gateway.tenant("ire", "acme", Some(0), Some(0));
    set_policy(gateway, &tenant, "hold");
    let mut ids = Vec::new();
    while ids.len() < number {
        let create = |n: usize| {
            let user =
                json!({ "schemas": [testkit::urn::USER], "userName": format!("u{n}"), "userType": "user" });
            json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": user })
        };
        let operations: Vec<Value> = (ids.len()..ids.len() + A_BULK).map(create).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations,
        });
        let done = tenant.post("/Bulk", &body).expect(200);
        for operation in done.body["Operations"].as_array().unwrap() {
            assert_eq!(operation["status"], "201", "{operation}");
            ids.push(operation["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
        }
    }
    (tenant, ids)
}

/// The people who were promoted, by the log, oldest first: each once.
fn promoted(gateway: &Gateway, tenant: &Tenant, ids: &[String]) -> Vec<String> {
    let changes = |id: &str| {
        let path = format!("{}/changes?limit=9&resource={id}", tenant.admin_path());
        gateway.admin("GET", &path, None).expect(200).body
    };
    let mut order = BTreeMap::new();
    for id in ids {
        let changes = changes(id);
        let records: Vec<&Value> =
            changes.as_array().unwrap().iter().filter(|change| change["kind"] == "user.promoted").collect();
        assert_eq!(records.len(), 1, "{id}: {changes}");
        assert_eq!(records[0]["license_granted"], "member");
        order.insert(records[0]["number"].as_i64().unwrap(), id.clone());
    }
    order.into_values().collect()
}

fn quota(gateway: &Gateway, tenant: &Tenant, quota: usize) {
    super::set_quota(gateway, tenant, "member", i64::try_from(quota).unwrap());
}

#[test]
fn s6_five_thousand_who_wait_are_placed_in_order_when_the_quota_is_raised_once() {
    let gateway = gateway();
    let (tenant, ids) = queue(&gateway, WAITING);
    assert_eq!(gateway.seats(&tenant)["member"]["waiting"], WAITING);
    quota(&gateway, &tenant, WAITING - 1);
    let member = &gateway.seats(&tenant)["member"];
    assert_eq!((&member["used"], &member["waiting"]), (&json!(WAITING - 1), &json!(1)));
    let waiting = gateway.admin("GET", &format!("{}/seats/waiting", tenant.admin_path()), None).expect(200);
    assert_eq!(waiting.body[0]["user_name"], format!("u{}", WAITING - 1));
    quota(&gateway, &tenant, WAITING);
    // A few of them stand for all: each look is a request.
    let some: Vec<String> = ids.iter().step_by(97).cloned().collect();
    assert_eq!(promoted(&gateway, &tenant, &some), some);
    gateway.audit(&tenant);
}

#[test]
fn s6_a_kill_while_seats_are_given_loses_nobody_and_places_nobody_twice() {
    const PEOPLE: usize = 2_000;
    const ROUNDS: usize = 8;
    let mut gateway = gateway();
    let (tenant, ids) = queue(&gateway, PEOPLE);
    let token = std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let mut met = BTreeSet::new();
    for round in 1..=ROUNDS {
        let wanted = PEOPLE * round / ROUNDS;
        let url = format!("{}/admin/v1{}/seats", gateway.url, tenant.admin_path());
        let (token, body) = (token.trim().to_owned(), json!({ "member": { "quota": wanted } }));
        let raising =
            thread::spawn(move || Request::new("PATCH", &url).bearer(&token).json(&body).try_send().is_ok());
        thread::sleep(Duration::from_millis(u64::try_from(15 * round).unwrap()));
        gateway.kill();
        let was_answered = raising.join().unwrap();
        gateway.start_again();
        gateway.audit(&tenant);
        // All or nothing; and what was answered is there.
        let used = gateway.seats(&tenant)["member"]["used"].as_u64().unwrap();
        let before = u64::try_from(PEOPLE * (round - 1) / ROUNDS).unwrap();
        let after = u64::try_from(wanted).unwrap();
        assert!(used == after || used == before && !was_answered, "{used} of {before} and {after}");
        met.insert(used == after);
        quota(&gateway, &tenant, wanted);
    }
    assert_eq!(gateway.seats(&tenant)["member"]["waiting"], 0);
    let some: Vec<String> = ids.iter().step_by(41).cloned().collect();
    assert_eq!(promoted(&gateway, &tenant, &some), some);
    gateway.audit(&tenant);
    println!("kills after the commit, and before: {met:?}");
}
