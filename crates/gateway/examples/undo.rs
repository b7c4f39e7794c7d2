//! Times an undo: of a run in which a third of the people are deleted, a third suspended and a third renamed with another role, each in two groups.
//! `cargo run --release --example undo -- target/release/usher 5000`, on PostgreSQL with `USHER_TEST_DATABASE=postgres`.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use provisioning::timestamp::iso;
use serde_json::{Value, json};
use testkit::{
    bench::people,
    gateway::{Gateway, Tenant},
    urn::{BULK_REQUEST, GROUP, PATCH_OP},
};

/// Operations of one bulk.
const BULK: usize = 500;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (binary, count) = (words[0].as_str(), words[1].parse::<usize>().unwrap());
    let gateway = Gateway::start_with(binary, &[]);
    let tenant = gateway.tenant("ire", "acme", None, None);
    let creation =
        |n| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{n}"), "data": people::user(n) });
    let ids = bulks(&tenant, (0..count).map(creation).collect());
    for name in ["all", "everybody"] {
        let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        tenant
            .post("/Groups", &json!({ "schemas": [GROUP], "displayName": name, "members": members }))
            .expect(201);
    }
    std::thread::sleep(Duration::from_millis(5));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let since = iso(i64::try_from(now.as_millis()).unwrap());
    let began = Instant::now();
    bulks(&tenant, ids.iter().enumerate().map(|(n, id)| change(n, id)).collect());
    println!(
        "{count} people changed in {:.1} s, peak {} MiB",
        began.elapsed().as_secs_f64(),
        gateway.peak_mib()
    );
    for (what, is_dry) in [("tried", true), ("done", false)] {
        let began = Instant::now();
        let body = json!({ "since": since, "dry_run": is_dry });
        let done =
            gateway.admin("POST", &format!("{}/undo", tenant.admin_path()), Some(&body)).expect(200).body;
        let not = done["not_restored"].as_array().unwrap().len();
        let took = began.elapsed().as_secs_f64();
        println!(
            "undo {what} in {took:.1} s: {} restored, {not} not, peak {} MiB",
            done["restored"],
            gateway.peak_mib()
        );
    }
    gateway.audit(&tenant);
}

fn change(n: usize, id: &str) -> Value {
    let path = format!("/Users/{id}");
    let patch = |value: Value| {
        let data = json!({ "schemas": [PATCH_OP], "Operations": [{ "op": "replace", "value": value }] });
        json!({ "method": "PATCH", "path": path, "data": data })
    };
    match n % 3 {
        0 => json!({ "method": "DELETE", "path": path }),
        1 => patch(json!({ "active": false })),
        _ => patch(
            json!({ "userType": "member_lite", "title": "x", "userName": format!("renamed-{n}@example.com") }),
        ),
    }
}

fn bulks(tenant: &Tenant, operations: Vec<Value>) -> Vec<String> {
    let mut ids = Vec::new();
    for operations in operations.chunks(BULK) {
        let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
        let done = tenant.post("/Bulk", &body).expect(200).body;
        for one in done["Operations"].as_array().unwrap() {
            assert!(one["status"].as_str().unwrap().starts_with('2'), "{one}");
            ids.extend(one["location"].as_str().map(|at| at.rsplit_once('/').unwrap().1.to_owned()));
        }
    }
    ids
}
