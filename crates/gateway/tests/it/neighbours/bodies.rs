//! Large bodies: read within a bounded memory, parsed and judged beside the requests of others.

use serde_json::{Value, json};
use testkit::{at_once::at_once, gateway::Tenant};

use super::{gateway_with, probes_while, roomy};
use crate::running::user_body;

/// Clients with a body of many numbers each.
const CLIENTS: usize = 12;

/// Bodies whose memory the process may have held at once, beside what it has for itself: those of one tenant that are parsed and
/// judged, and what the allocator keeps of the ones before. All of the clients' bodies together are three times as much.
const BODIES_IN_MEMORY: u64 = 4;

/// As many values as a body may have, in as few bytes as they need.
fn numbers(user_name: &str) -> Vec<u8> {
    let mut body = user_body(&json!({ "userName": user_name })).to_string();
    body.truncate(body.len() - 1);
    body.push_str(",\"x\":[");
    body.push_str(&"0,".repeat(780_000));
    body.push_str("0]}");
    body.into_bytes()
}

fn send(tenant: &Tenant, method: &str, path: &str, body: &[u8]) -> u16 {
    let answer =
        tenant.request(method, path).header("content-type", "application/scim+json").bytes(body).send();
    if answer.status == 503 {
        assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
        answer.clone().expect_error(503, "");
    }
    answer.status
}

#[test]
fn large_bodies_of_one_tenant_keep_no_other_waiting_and_have_a_bounded_memory() {
    // One thread for all requests: whatever it does for one, all others wait for.
    let gateway = gateway_with(&[("USHER__SERVER__WORKERS", "1")]);
    let (greedy, modest) = (roomy(&gateway, "greedy"), roomy(&gateway, "modest"));
    let paths: Vec<String> = (0..CLIENTS)
        .map(|n| format!("/Users/{}", greedy.create_user(&format!("user{n}"), "").expect(201).id()))
        .collect();
    let before = gateway.peak_mib();
    assert_eq!(send(&greedy, "PUT", &paths[0], &numbers("user0")), 200);
    let one_body = gateway.peak_mib() - before;
    let (probes, statuses) = probes_while(&modest, || {
        at_once(CLIENTS, |n| match n % 2 {
            0 => send(&greedy, "PUT", &paths[n], &numbers(&format!("user{n}"))),
            _ => send(&greedy, "POST", "/Users", &numbers(&format!("new{n}"))),
        })
    });
    assert!(statuses.iter().all(|status| [200, 201, 503].contains(status)), "{statuses:?}");
    assert!(statuses.iter().any(|status| *status < 300), "{statuses:?}");
    assert!(probes >= CLIENTS * 10, "{probes} probes were answered beside {CLIENTS} bodies");
    let memory = gateway.peak_mib();
    let bound = before + BODIES_IN_MEMORY * one_body;
    assert!(memory < bound, "{memory} MiB; {before} MiB before the first body, {one_body} MiB for it alone");
    let done = statuses.iter().filter(|status| **status == 201).count();
    assert_eq!(greedy.get("/Users?count=0").expect(200).body["totalResults"], CLIENTS + done);
}

#[test]
fn a_large_body_comes_to_what_a_small_one_does() {
    let gateway = gateway_with(&[]);
    let acme = roomy(&gateway, "acme");
    let filler = "x".repeat(60_000);
    let large = |more: &Value| {
        let mut body = user_body(&json!({ "title": filler, "nickName": filler }));
        for (key, value) in more.as_object().unwrap() {
            body[key.as_str()] = value.clone();
        }
        body
    };
    let made = acme.post("/Users", &large(&json!({ "userName": "ada" }))).expect(201);
    acme.post("/Users", &large(&json!({ "userName": "ada" }))).expect_error(409, "uniqueness");
    acme.post("/Users", &large(&json!({ "userName": 7 }))).expect_error(400, "invalidValue");
    acme.post("/Users", &large(&json!({}))).expect_error(400, "invalidValue");
    let broken = format!("{}}}", large(&json!({ "userName": "x" })));
    let answer = acme.request("POST", "/Users").header("content-type", "application/scim+json");
    answer.bytes(broken.as_bytes()).send().expect_error(400, "invalidSyntax");
    let path = format!("/Users/{}", made.id());
    acme.put(&path, &large(&json!({ "userName": "ada", "displayName": "Ada" }))).expect(200);
    let operations = json!([{ "op": "replace", "path": "title", "value": filler },
                            { "op": "replace", "path": "nickName", "value": format!("{filler}y") }]);
    acme.patch(&path, &operations).expect(200);
    let found = acme.get(&path).expect(200).body;
    assert_eq!(found["displayName"], "Ada");
    assert_eq!(found["nickName"], format!("{filler}y"));
    let operation = json!({ "method": "POST", "path": "/Users", "bulkId": "b",
                            "data": large(&json!({ "userName": "bob" })) });
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation] });
    let answer = acme.post("/Bulk", &bulk).expect(200).body;
    assert_eq!(answer["Operations"][0]["status"], "201", "{answer}");
    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                         "filter": "userName eq \"ada\"", "unknown": [filler, filler] });
    assert_eq!(acme.post("/Users/.search", &search).expect(200).body["totalResults"], 1);
}

#[test]
fn a_large_body_need_not_say_how_large_it_is() {
    let gateway = gateway_with(&[]);
    let acme = roomy(&gateway, "acme");
    let filler = "x".repeat(60_000);
    let body = user_body(&json!({ "userName": "ada", "title": filler, "nickName": filler })).to_string();
    let head = acme.as_written("POST", "/Users", "Connection: close\r\nTransfer-Encoding: chunked\r\n", "");
    let chunks = body
        .as_bytes()
        .chunks(10_000)
        .map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    let heard = gateway
        .talk([head.into_bytes(), chunks.collect::<Vec<_>>().concat(), b"0\r\n\r\n".to_vec()].concat());
    assert_eq!(heard.statuses(), [201], "{}", &heard.text[..heard.text.len().min(500)]);
}
