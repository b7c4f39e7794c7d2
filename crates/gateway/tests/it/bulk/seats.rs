//! Seats are given in the order of the operations (S3), never above the quota (attack 48).

use serde_json::{Value, json};
use testkit::{at_once::at_once, gateway::Gateway, gateway::Tenant};

use super::{bulk, delete, id, new_team, new_user, patch, statuses};
use crate::running::{ENTERPRISE, SEAT, acme, replace, user_body};

fn refusing(gateway: &Gateway, tenant: &Tenant) {
    let body = json!({ "member": { "policy": "refuse" } });
    gateway.admin("PATCH", &format!("{}/seats", tenant.admin_path()), Some(&body)).expect(200);
}

fn used(gateway: &Gateway, tenant: &Tenant) -> Value {
    gateway.seats(tenant)["member"]["used"].clone()
}

fn member(name: &str) -> Value {
    new_user(name, &json!({ "userType": "user" }))
}

#[test]
fn s3_the_first_operations_get_the_seats_and_each_refusal_says_what_a_single_one_says() {
    let (gateway, acme) = acme(Some(2), Some(0));
    refusing(&gateway, &acme);
    let ended = bulk(
        &acme,
        &json!([member("a"), member("b"), member("c"), new_team("Team", &["bulkId:c"]), member("d")]),
    );
    assert_eq!(statuses(&ended), ["201", "201", "403", "409", "403"]);
    let refusal = &ended[2]["response"];
    let single = acme.create_user("c", "user").expect_error(403, "seatLimitReached");
    let without_ref = |body: &Value| {
        let id = body["urn:usher:params:scim:api:messages:2.0:SeatError"]["ref"].as_str().unwrap().to_owned();
        body.to_string().replace(&id, "")
    };
    assert_eq!(without_ref(refusal), without_ref(&single.body));
    assert!(refusal["detail"].as_str().unwrap().contains("The user was not created."), "{refusal}");
    assert_eq!(used(&gateway, &acme), 2);
    let metrics = gateway.metrics();
    assert!(
        metrics.contains("usher_seats_refused_total{license=\"member\",policy=\"refuse\",region=\"ire\"} 3"),
        "{metrics}"
    );
    assert!(
        metrics.contains("usher_seat_movements_total{kind=\"claim\",license=\"member\",region=\"ire\"} 2"),
        "{metrics}"
    );
    gateway.audit(&acme);
}

#[test]
fn s3_a_seat_that_one_operation_frees_is_there_for_the_next() {
    let (gateway, acme) = acme(Some(1), Some(0));
    refusing(&gateway, &acme);
    let ada = format!("/Users/{}", acme.create_user("ada", "user").expect(201).id());
    let ended = bulk(
        &acme,
        &json!([
            member("too-early"),
            patch(&ada, &replace("active", false)),
            member("b"),
            patch(&ada, &replace("active", true)),
            delete("/Users/bulkId:b"),
            { "method": "PUT", "path": ada, "data": user_body(&json!({ "userName": "ada", "active": true })) },
        ]),
    );
    assert_eq!(statuses(&ended), ["403", "200", "201", "403", "204", "200"]);
    assert!(ended[3]["response"]["detail"].as_str().unwrap().contains("was not changed"), "{ended:?}");
    assert_eq!(used(&gateway, &acme), 1);
    gateway.audit(&acme);
}

#[test]
fn s3_who_falls_back_in_a_bulk_waits_in_the_order_of_the_operations() {
    let (gateway, acme) = acme(Some(1), Some(10));
    let names = ["a", "b", "c", "d"];
    let ended = bulk(&acme, &names.map(member).to_vec().into());
    assert_eq!(statuses(&ended), ["201"; 4]);
    let first = format!("/Users/{}", id(&ended[0]));
    let freed = bulk(&acme, &json!([delete(&first), member("e")]));
    assert_eq!(statuses(&freed), ["204", "201"]);
    let state = |id: &str| acme.get(&format!("/Users/{id}")).expect(200).body[SEAT]["state"].clone();
    let states: Vec<Value> =
        ended[1..].iter().chain(&freed[1..]).map(|operation| state(&id(operation))).collect();
    assert_eq!(states, ["granted", "fallback", "fallback", "fallback"], "b waited longest");
    gateway.audit(&acme);
}

#[test]
fn s3_an_operation_that_must_wait_for_a_later_one_brings_it_forward() {
    let (gateway, acme) = acme(Some(2), Some(0));
    refusing(&gateway, &acme);
    let managed = new_user("a", &json!({ "userType": "user", ENTERPRISE: { "manager": "bulkId:boss" } }));
    let ended = bulk(&acme, &json!([managed, member("b"), member("boss")]));
    assert_eq!(statuses(&ended), ["201", "403", "201"], "the first keeps its turn, with whom it needs");
    gateway.audit(&acme);
}

#[test]
fn s3_a_circle_for_which_seats_do_not_suffice_takes_none() {
    let (gateway, acme) = acme(Some(2), Some(0));
    refusing(&gateway, &acme);
    let managed = |name: &str, by: &str| {
        new_user(name, &json!({ "userType": "user", ENTERPRISE: { "manager": format!("bulkId:{by}") } }))
    };
    let ended = bulk(
        &acme,
        &json!([managed("a", "b"), managed("b", "c"), managed("c", "a"), member("d"), member("e")]),
    );
    assert_eq!(statuses(&ended), ["409", "409", "403", "201", "201"]);
    assert_eq!(used(&gateway, &acme), 2);
    gateway.audit(&acme);
}

/// Every door of a bulk, from sixteen clients at once, for four seats.
#[test]
fn attack_48_sixteen_bulks_at_once_never_hold_more_than_the_quota() {
    let (gateway, acme) = acme(Some(4), Some(500));
    refusing(&gateway, &acme);
    for round in 0..5 {
        let sleeper = |n: usize| {
            let body = user_body(
                &json!({ "userName": format!("asleep-{round}-{n}"), "userType": "user", "active": false }),
            );
            acme.post("/Users", &body).expect(201).id()
        };
        let asleep: Vec<String> = (0..16).map(sleeper).collect();
        let lite: Vec<String> = (0..16)
            .map(|n| acme.create_user(&format!("lite-{round}-{n}"), "member_lite").expect(201).id())
            .collect();
        let answers = at_once(16, |client| {
            let (sleeper, lite) = (format!("/Users/{}", asleep[client]), format!("/Users/{}", lite[client]));
            let name = format!("asleep-{round}-{client}");
            bulk(
                &acme,
                &json!([
                    member(&format!("new-{round}-{client}")),
                    patch(&sleeper, &replace("active", true)),
                    { "method": "PUT", "path": sleeper, "data": user_body(&json!({ "userName": name, "active": true })) },
                    patch(&lite, &replace("userType", "user")),
                    new_team(&format!("Team {round} {client}"), &[&asleep[client]]),
                    member(&format!("more-{round}-{client}")),
                ]),
            )
        });
        let operations: Vec<Value> = answers.into_iter().flatten().collect();
        for operation in &operations {
            let refused =
                operation["response"]["scimType"] == "seatLimitReached" && operation["status"] == "403";
            assert!(refused || matches!(operation["status"].as_str(), Some("200" | "201")), "{operation}");
        }
        assert_eq!(used(&gateway, &acme), 4);
        let listed = gateway.cli_ok(&["seats", "audit", "--region", "ire", "--key", "acme"]);
        assert!(!listed.is_empty());
        let seated = acme.find("/Users", &format!("{SEAT}:grantedLicense eq \"member\"")).expect(200).body;
        assert_eq!(seated["totalResults"], 4, "freed between rounds, taken again");
        let off: Vec<Value> = seated["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| delete(&format!("/Users/{}", user["id"].as_str().unwrap())))
            .collect();
        assert_eq!(statuses(&bulk(&acme, &off.into())), ["204"; 4]);
        assert_eq!(used(&gateway, &acme), 0);
    }
}
