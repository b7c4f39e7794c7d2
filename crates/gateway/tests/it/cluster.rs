//! Two gateway processes on one PostgreSQL: each request may go to either, and the two together keep every promise of one.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;
use testkit::{
    at_once::at_once,
    gateway::{Gateway, Tenant},
};

use crate::running::{at, two_processes, user_names, wait_for};

/// Two processes with one registry and one cell.
struct Cluster {
    processes: [Gateway; 2],
}

impl Cluster {
    fn start() -> Self {
        Self { processes: two_processes(&[]) }
    }

    /// A new tenant, as each of the processes serves it.
    fn tenant(&self, key: &str, member: Option<i64>) -> [Tenant; 2] {
        let tenant = self.processes[0].tenant("ire", key, member, None);
        self.processes.each_ref().map(|process| at(process, &tenant))
    }
}

#[test]
fn s1_of_200_creates_on_two_processes_one_gets_the_last_seat() {
    let cluster = Cluster::start();
    for round in 0..10 {
        let tenants = cluster.tenant(&format!("acme{round}"), Some(3));
        cluster.processes[1]
            .admin(
                "PATCH",
                &format!("{}/seats", tenants[0].admin_path()),
                Some(&json!({ "member": { "policy": "refuse" } })),
            )
            .expect(200);
        for name in ["one", "two"] {
            tenants[0].create_user(name, "user").expect(201);
        }
        let answers =
            at_once(200, |client| tenants[client % 2].create_user(&format!("u{client}"), "user").status);
        let granted = answers.iter().filter(|status| **status == 201).count();
        // A refusal for want of a seat, or for want of a turn in time: never a second seat.
        assert!(answers.iter().all(|status| [201, 403, 503].contains(status)), "round {round}: {answers:?}");
        assert_eq!(granted, 1, "round {round}: {answers:?}");
        assert_eq!(cluster.processes[0].seats(&tenants[0])["member"]["used"], 3);
        cluster.processes[1].audit(&tenants[1]);
    }
}

#[test]
fn patches_of_one_group_through_both_processes_lose_nobody() {
    let cluster = Cluster::start();
    let tenants = cluster.tenant("acme", None);
    let ids: Vec<String> =
        (0..40).map(|n| tenants[n % 2].create_user(&format!("u{n}"), "user").expect(201).id()).collect();
    let group = json!({ "schemas": [testkit::urn::GROUP], "displayName": "Sales" });
    let group = tenants[0].post("/Groups", &group).expect(201).id();
    let answers = at_once(ids.len(), |n| {
        let operations = json!([{ "op": "add", "path": "members", "value": [{ "value": ids[n] }] }]);
        tenants[n % 2].patch(&format!("/Groups/{group}"), &operations).status
    });
    let added: BTreeSet<&str> = ids
        .iter()
        .zip(&answers)
        .filter(|(_, status)| (200..300).contains(*status))
        .map(|(id, _)| id.as_str())
        .collect();
    assert!(added.len() > ids.len() / 2, "{answers:?}");
    for tenant in &tenants {
        let read = tenant.get(&format!("/Groups/{group}")).expect(200);
        let members = read.body["members"].as_array().unwrap();
        let members: BTreeSet<&str> =
            members.iter().map(|member| member["value"].as_str().unwrap()).collect();
        assert_eq!(members, added);
    }
}

#[test]
fn a_revoked_token_a_quota_and_a_schema_hold_on_both() {
    let cluster = Cluster::start();
    let [one, other] = cluster.tenant("acme", Some(1));
    // Both processes have the tenant in their caches.
    for tenant in [&one, &other] {
        tenant.get("/Users").expect(200);
    }
    let path = one.admin_path();
    one.create_user("first", "user").expect(201);
    let quota = json!({ "member": { "quota": 2, "policy": "refuse" } });
    cluster.processes[0].admin("PATCH", &format!("{path}/seats"), Some(&quota)).expect(200);
    other.create_user("second", "user").expect(201);
    other.create_user("third", "user").expect(403);

    let schema = json!({ "schema": { "id": "urn:example:hr", "name": "HR", "attributes": [{ "name": "desk", "type": "string" }] } });
    cluster.processes[0].admin("POST", &format!("{path}/schemas"), Some(&schema)).expect(201);
    let schema_took = wait_for("the schema is known", || other.get("/Schemas/urn:example:hr").status == 200);

    let suspended = cluster.processes[0].admin("POST", &format!("{path}/suspend"), None);
    suspended.expect(200);
    let suspension_took = wait_for("the tenant is suspended", || other.get("/Users").status == 403);
    cluster.processes[1].admin("POST", &format!("{path}/resume"), None).expect(200);
    wait_for("the tenant is served again", || {
        one.get("/Users").status == 200 && other.get("/Users").status == 200
    });

    let tokens = cluster.processes[0].admin("GET", &format!("{path}/tokens"), None).expect(200);
    let key_id = tokens.body[0]["key_id"].as_str().unwrap();
    cluster.processes[0].admin("DELETE", &format!("{path}/tokens/{key_id}"), None).expect(204);
    one.get("/Users").expect(401);
    let revocation_took = wait_for("the token is revoked", || other.get("/Users").status == 401);
    println!(
        "obeyed by the other process after: schema {schema_took:?}, suspension {suspension_took:?}, revocation {revocation_took:?}"
    );
}

#[test]
fn change_records_of_eight_writers_on_two_processes_have_no_gap_and_keep_their_order() {
    let cluster = Cluster::start();
    let tenants = cluster.tenant("acme", Some(40));
    let body = json!({ "member": { "policy": "refuse" } });
    cluster.processes[0]
        .admin("PATCH", &format!("{}/seats", tenants[0].admin_path()), Some(&body))
        .expect(200);
    // Some are refused, so their transactions are rolled back: 8 writers with 10 users each, and 40 seats.
    let written = at_once(8, |writer| {
        let tenant = &tenants[writer % 2];
        let mut ids = Vec::new();
        for n in 0..10 {
            let made = tenant.create_user(&format!("w{writer}n{n}"), "user");
            if made.status == 201 {
                let id = made.id();
                let operations =
                    json!([{ "op": "replace", "path": "displayName", "value": format!("N{n}") }]);
                let changed = tenant.patch(&format!("/Users/{id}"), &operations).status;
                ids.push((id, (200..300).contains(&changed)));
            }
        }
        ids
    });
    let mut seen = 0;
    let resources: Vec<(String, bool)> = written.into_iter().flatten().collect();
    assert!(resources.len() <= 40 && resources.len() > 20, "{}", resources.len());
    let changes =
        cluster.processes[1].admin("GET", &format!("{}/changes?limit=1000", tenants[0].admin_path()), None);
    let changes = changes.expect(200).body.as_array().unwrap().clone();
    let numbers: Vec<i64> = changes.iter().rev().map(|change| change["number"].as_i64().unwrap()).collect();
    let expected: Vec<i64> = (1..=i64::try_from(numbers.len()).unwrap()).collect();
    assert_eq!(numbers, expected, "each number once, without a gap");
    for (id, was_changed) in &resources {
        let of_it: Vec<_> =
            changes.iter().rev().filter(|change| change["resource_id"] == id.as_str()).collect();
        let versions: Vec<i64> = of_it.iter().map(|change| change["version"].as_i64().unwrap()).collect();
        let kinds: Vec<&str> = of_it.iter().map(|change| change["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds.first(), Some(&"user.created"), "{id}: {kinds:?}");
        assert!(
            versions.is_sorted() && versions.len() == 1 + usize::from(*was_changed),
            "{id}: {versions:?}"
        );
        seen += versions.len();
    }
    println!("{} records of {} resources, {seen} of their own", numbers.len(), resources.len());
}

#[test]
fn a_process_that_is_killed_takes_no_acknowledged_write_with_it() {
    let mut cluster = Cluster::start();
    let tenants = cluster.tenant("acme", None);
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (tenants, stop) = (&tenants, &stop);
                scope.spawn(move || {
                    let mut names = Vec::new();
                    for n in 0..10_000 {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let name = format!("w{writer}n{n}");
                        let tenant = &tenants[(writer + n) % 2];
                        let request = tenant.request("POST", "/Users");
                        let body =
                            json!({ "schemas": [testkit::urn::USER], "userName": name, "userType": "user" });
                        if request.json(&body).try_send().is_ok_and(|answer| answer.status == 201) {
                            names.push(name);
                        }
                    }
                    names
                })
            })
            .collect();
        thread::sleep(Duration::from_millis(500));
        cluster.processes[1].kill();
        thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let names = user_names(&tenants[0]);
    let lost: Vec<&String> = acknowledged.iter().filter(|name| !names.contains(*name)).collect();
    println!("{} acknowledged, {} stored, {} lost", acknowledged.len(), names.len(), lost.len());
    assert!(acknowledged.len() > 20 && lost.is_empty(), "{lost:?}");
    cluster.processes[0].audit(&tenants[0]);
}
