//! Searches that memory decides: they leave readers to the look-ups of their own tenant, and threads to others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use testkit::{at_once::at_once, gateway::Tenant};

use super::{gateway_with, roomy};
use crate::running::user_body;

/// Clients that search; twice as many as a tenant has readers.
const CLIENTS: usize = 8;

/// Searches of each client.
const SEARCHES: usize = 3;

/// Makes so many users, by bulks.
fn fill(tenant: &Tenant, users: usize) {
    for first in (0..users).step_by(500) {
        let operation = |n: usize| {
            let data = user_body(&json!({ "userName": format!("user{n}"), "title": format!("t{n}") }));
            json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": data })
        };
        let operations: Vec<Value> = (first..users.min(first + 500)).map(operation).collect();
        let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        tenant.post("/Bulk", &bulk).expect(200);
    }
}

#[test]
fn searches_in_memory_leave_readers_to_the_look_ups_of_their_tenant_and_to_others() {
    let gateway = gateway_with(&[("USHER__LIMITS__SEARCH_SECONDS", "120")]);
    let (greedy, modest) = (roomy(&gateway, "greedy"), roomy(&gateway, "modest"));
    fill(&greedy, 2_000);
    let wide: Vec<String> = (0..150).map(|n| format!("title co \"x{n}\"")).collect();
    let wide = wide.join(" or ");
    for prober in [&greedy, &modest] {
        // The first client that is done ends it: until then all the others search as well.
        let (probes, searches, over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        at_once(CLIENTS + 1, |n| {
            if n == CLIENTS {
                while !over.load(Ordering::Relaxed) {
                    prober.find("/Users", "userName eq \"nobody\"").expect(200);
                    probes.fetch_add(1, Ordering::Relaxed);
                }
                return;
            }
            for _ in 0..SEARCHES {
                let answer = match n % 2 {
                    0 => greedy.find("/Users", &wide),
                    _ => greedy.get("/Users?sortBy=title&count=1000"),
                };
                assert!(matches!(answer.status, 200 | 503), "{}", answer.text);
                searches.fetch_add(1, Ordering::Relaxed);
            }
            over.store(true, Ordering::Relaxed);
        });
        let (probes, searches) = (probes.into_inner(), searches.into_inner());
        assert!(probes >= searches * 2, "{probes} probes of {} beside {searches} searches", prober.key);
    }
}
