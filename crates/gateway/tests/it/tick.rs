//! The tick: what falls due in tenants is carried out, by one process, without a look into any other store.

use provisioning::timestamp::iso;
use serde_json::{Value, json};
use testkit::{
    at_once::at_once,
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use crate::{
    people::staff,
    running::{SEAT, at, gateway_with, new_group, replace, two_processes},
};

const DAY_MS: i64 = 86_400_000;

/// What a tick now has done: `tenants`, `seats`, `people`, `failed`.
pub(crate) fn tick(gateway: &Gateway) -> Value {
    let done = gateway.admin("POST", "/tick", None).expect(200).body;
    assert_eq!(done["failed"], 0, "{}", gateway.log());
    done
}

/// A gateway that lives by this clock.
pub(crate) fn under(clock: &MachineClock) -> Gateway {
    let environment = clock.environment();
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    gateway_with(&environment)
}

/// A tenant of IOMETE, whose people are deleted an hour after they left their last group.
fn iomete(gateway: &Gateway, key: &str) -> Tenant {
    gateway.onboard("ire", &json!({ "key": key, "name": key, "profile": "iomete", "seats": {} }))
}

fn user(tenant: &Tenant, name: &str) -> String {
    tenant.create_user(name, "").expect(201).id()
}

pub(crate) fn leave(tenant: &Tenant, group: &str, user: &str) {
    let out = json!([{ "op": "remove", "path": format!("members[value eq \"{user}\"]") }]);
    tenant.patch(&format!("/Groups/{group}"), &out).expect(204);
}

pub(crate) fn join(tenant: &Tenant, group: &str, user: &str) {
    let into = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
    tenant.patch(&format!("/Groups/{group}"), &into).expect(204);
}

fn status(tenant: &Tenant, user: &str) -> u16 {
    tenant.get(&format!("/Users/{user}")).status
}

/// The day that is so many days after today, in UTC.
pub(crate) fn day(days: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    iso(i64::try_from(now.as_millis()).unwrap() + days * DAY_MS)[..10].to_owned()
}

fn set_seats(gateway: &Gateway, tenant: &Tenant, change: &Value) {
    staff(gateway, tenant, "PATCH", "/seats", Some(change)).expect(200);
}

fn state(tenant: &Tenant, id: &str) -> String {
    tenant.get(&format!("/Users/{id}")).expect(200).body[SEAT]["state"].as_str().unwrap().to_owned()
}

#[test]
fn io11_io12_who_left_the_last_group_is_gone_with_the_first_tick_after_the_delay_and_nobody_else() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let tenant = iomete(&gateway, "acme");
    let names = ["leaves", "moves", "stays", "in_none", "in_two"];
    let [leaves, moves, stays, in_none, in_two] = names.map(|name| user(&tenant, name));
    let a = new_group(&tenant, "A", &[&leaves, &moves, &stays, &in_two]);
    let b = new_group(&tenant, "B", &[&in_two]);
    let local = json!({ "user_name": "local" });
    let local = staff(&gateway, &tenant, "POST", "/users", Some(&local)).expect(201);
    let local = local.body["id"].as_str().unwrap().to_owned();
    for id in [&leaves, &moves, &in_two] {
        leave(&tenant, &a, id);
    }
    join(&tenant, &b, &moves);
    assert_eq!(tick(&gateway)["people"], 0);
    assert_eq!(status(&tenant, &leaves), 200);
    // What is due is known after a crash, too, before anybody opens the store.
    gateway.kill();
    clock.set("+61m");
    gateway.start_again();
    let done = tick(&gateway);
    assert_eq!((&done["tenants"], &done["people"]), (&json!(1), &json!(1)));
    tenant.get(&format!("/Users/{leaves}")).expect_error(404, "");
    for id in [&moves, &stays, &in_none, &in_two, &local] {
        assert_eq!(status(&tenant, id), 200);
    }
    // The record is archived, and revived by the same userName.
    assert_eq!(user(&tenant, "leaves"), leaves);
    gateway.audit(&tenant);
    assert_eq!(tick(&gateway)["people"], 0);
}

#[test]
fn io11_a_deleted_group_and_a_bulk_leave_people_due_too() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let [tenant, other] = ["acme", "other"].map(|key| iomete(&gateway, key));
    let [ada, bob] = ["ada", "bob"].map(|name| user(&tenant, name));
    let a = new_group(&tenant, "A", &[&ada]);
    tenant.delete(&format!("/Groups/{a}")).expect(204);
    let eve = user(&other, "eve");
    let c = new_group(&other, "C", &[&eve]);
    let operations = json!([{ "method": "PATCH", "path": format!("/Groups/{c}"), "data": {
        "schemas": [testkit::urn::PATCH_OP],
        "Operations": [{ "op": "remove", "path": "members" }],
    } }]);
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    other.post("/Bulk", &bulk).expect(200);
    gateway.kill();
    clock.set("+61m");
    gateway.start_again();
    let done = tick(&gateway);
    assert_eq!((&done["tenants"], &done["people"]), (&json!(2), &json!(2)));
    assert_eq!([status(&tenant, &ada), status(&tenant, &bob), status(&other, &eve)], [404, 200, 404]);
}

#[test]
fn s6_a_dated_line_begins_and_ends_at_midnight_and_the_head_of_the_queue_gets_its_seat() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let tenant = gateway.tenant("ire", "acme", Some(1), Some(0));
    set_seats(&gateway, &tenant, &json!({ "member": { "policy": "hold" } }));
    let line =
        json!({ "license": "member", "seats": 1, "from": day(1), "until": day(3), "source": "order 7" });
    let added = staff(&gateway, &tenant, "POST", "/seats/lines", Some(&line)).expect(201).body;
    assert_eq!(
        (&added["line"], &added["from"], &added["source"]),
        (&json!(1), &line["from"], &line["source"])
    );
    let [seated, first, second] =
        ["seated", "first", "second"].map(|name| tenant.create_user(name, "user").expect(201).id());
    let states = || [&seated, &first, &second].map(|id| state(&tenant, id));
    assert_eq!(states(), ["granted", "waitlisted", "waitlisted"]);
    let next = &gateway.seats(&tenant)["member"]["next"];
    assert_eq!(*next, json!({ "quota": 2, "from": day(1) }));
    assert_eq!(tick(&gateway)["tenants"], 0);
    gateway.kill();
    clock.set("+24h");
    gateway.start_again();
    let done = tick(&gateway);
    assert_eq!((&done["tenants"], &done["seats"]), (&json!(1), &json!(1)));
    assert_eq!(states(), ["granted", "granted", "waitlisted"]);
    clock.set("+72h");
    tick(&gateway);
    // Nobody is evicted, and nobody else gets one.
    assert_eq!(states(), ["granted", "granted", "waitlisted"]);
    let member = &gateway.seats(&tenant)["member"];
    assert_eq!((&member["quota"], &member["debt"], &member["waiting"]), (&json!(1), &json!(1), &json!(1)));
    gateway.audit(&tenant);
}

#[test]
fn overage_is_granted_until_its_date_and_is_debt_from_then_on() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let tenant = gateway.tenant("ire", "acme", Some(1), Some(0));
    let of = ["--region", "ire", "--key", "acme"];
    gateway.cli_ok(&[&["seats", "policy", &format!("member=overage:2:{}", day(2))], &of[..]].concat());
    let seats: Vec<_> = ["a", "b", "c"]
        .map(|name| tenant.create_user(name, "user").expect(201).body[SEAT]["overage"].clone())
        .into();
    assert_eq!(seats, [Value::Null, json!(true), json!(true)]);
    tenant.create_user("d", "user").expect_error(403, "seatLimitReached");
    let member = gateway.seats(&tenant)["member"].clone();
    assert_eq!(member["overage"], json!({ "seats": 2, "until": day(2), "used": 2 }));
    assert_eq!((&member["debt"], &member["in_force"]), (&json!(0), &json!("overage")));
    clock.set("+48h");
    tick(&gateway);
    let member = gateway.seats(&tenant)["member"].clone();
    assert_eq!(
        (&member["used"], &member["overage"]["used"], &member["debt"]),
        (&json!(3), &json!(0), &json!(2))
    );
    tenant.create_user("d", "user").expect_error(403, "seatLimitReached");
    gateway.audit(&tenant);
}

#[test]
fn a_borrowed_seat_is_repaid_by_the_next_free_one_and_ends_without_one_when_its_time_is_over() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let tenant = gateway.tenant("ire", "acme", Some(1), Some(0));
    set_seats(
        &gateway,
        &tenant,
        &json!({ "member": { "policy": "hold", "grace": { "seats": 1, "minutes": 60 } } }),
    );
    let leaver = tenant.create_user("leaver", "user").expect(201).id();
    let joiner = tenant.create_user("joiner", "user").expect(201);
    assert_eq!(joiner.body[SEAT]["state"], "granted");
    assert!(joiner.body[SEAT]["borrowedUntil"].is_string(), "{}", joiner.text);
    let third = tenant.create_user("third", "user").expect(201).id();
    // Never more than one, and never while anybody waits.
    assert_eq!(state(&tenant, &third), "waitlisted");
    assert_eq!(gateway.seats(&tenant)["member"]["borrowed"], 1);
    tenant.patch(&format!("/Users/{leaver}"), &replace("active", false)).expect(200);
    let joiner = tenant.get(&format!("/Users/{}", joiner.id())).expect(200);
    assert_eq!(
        (&joiner.body[SEAT]["borrowedUntil"], state(&tenant, &third)),
        (&Value::Null, "waitlisted".into())
    );
    tenant.delete(&format!("/Users/{third}")).expect(204);
    let late = tenant.create_user("late", "user").expect(201).id();
    assert_eq!(state(&tenant, &late), "granted");
    clock.set("+61m");
    tick(&gateway);
    assert_eq!(state(&tenant, &late), "waitlisted");
    let member = gateway.seats(&tenant)["member"].clone();
    assert_eq!((&member["used"], &member["borrowed"], &member["waiting"]), (&json!(1), &json!(0), &json!(1)));
    gateway.audit(&tenant);
}

#[test]
fn a_tick_looks_into_no_store_in_which_nothing_is_due_and_staff_can_ask_for_it_by_a_command() {
    let gateway = gateway_with(&[]);
    for n in 0..20 {
        let tenant = gateway.tenant("ire", &format!("acme{n}"), Some(1), Some(1));
        let ada = tenant.create_user("ada", "user").expect(201).id();
        tenant.delete(&format!("/Users/{ada}")).expect(204);
    }
    let done: Value = serde_json::from_str(&gateway.cli_ok(&["tick", "--json"])).unwrap();
    assert_eq!(done, json!({ "tenants": 0, "seats": 0, "people": 0, "failed": 0 }));
}

#[test]
fn of_two_processes_that_tick_at_once_each_thing_is_done_by_one() {
    let processes = two_processes(&[]);
    let tenants: Vec<Tenant> =
        (0..6).map(|n| processes[0].tenant("ire", &format!("acme{n}"), Some(1), Some(0))).collect();
    let mut waits = Vec::new();
    for tenant in &tenants {
        set_seats(&processes[0], tenant, &json!({ "member": { "policy": "hold" } }));
        tenant.create_user("seated", "user").expect(201);
        waits.push(at(&processes[1], tenant).create_user("waits", "user").expect(201).id());
        // In force at once, and to be looked at again: what is dated lies in the past for the tick.
        let line = json!({ "license": "member", "seats": 1, "until": day(1), "source": "" });
        staff(&processes[1], tenant, "POST", "/seats/lines", Some(&line)).expect(201);
    }
    let done = at_once(4, |n| tick(&processes[n % 2])["failed"].clone());
    assert_eq!(done, vec![json!(0); 4]);
    for (tenant, id) in tenants.iter().zip(&waits) {
        assert_eq!(state(tenant, id), "granted");
        processes[0].audit(tenant);
    }
}
