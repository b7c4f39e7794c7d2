//! Answers that no client reads: bounded in bytes for each tenant, for any number of connections; beyond that pages are
//! shorter.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    wire::Connection,
};

use super::{gateway_with, roomy};
use crate::running::user_body;

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A busy machine makes the pages slowly: until all of them are made, no connection is closed because its client does not read.
const NOBODY_IS_CUT_OFF: (&str, &str) = ("USHER__SERVER__WRITE_TIMEOUT_SECONDS", "600");

/// Users of 60 kB each, 15 MB together.
const USERS: usize = 250;

/// Users of whom a page ends at its longest, 16 MiB: two such pages are the whole share of a tenant.
const MANY_USERS: usize = 300;

/// Connections that ask for pages and read none.
const DEAF: usize = 40;

/// Pages that each of them asks for. A page that the kernel buffers to its end gives its room back; the next one
/// takes it, until the kernel buffers no more.
const PAGES: usize = 6;

/// What the process may ever have held: two long pages that are not written, those that are being made, and itself.
const MEMORY_MIB: u64 = 350;

fn fill(tenant: &Tenant, users: usize) {
    for n in 0..users {
        let body = user_body(&json!({ "userName": format!("user{n:03}"), "title": "x".repeat(60_000) }));
        tenant.post("/Users", &body).expect(201);
    }
}

/// A connection that asks for long pages, one behind the other, and reads none. The first is on its way.
fn deaf(gateway: &Gateway, tenant: &Tenant) -> Connection {
    let mut connection = gateway.connect();
    connection.send(tenant.as_written("GET", "/Users?count=1000", "", "").repeat(PAGES)).unwrap();
    connection.wait_for_answer().unwrap();
    connection
}

/// Asks until it is the tenant's turn: its own pages come before this one, and on a busy machine they take long.
fn served(tenant: &Tenant, path: &str) -> Value {
    let began = Instant::now();
    loop {
        let answer = tenant.get(path);
        if answer.status != 503 || began.elapsed() > PATIENCE {
            return answer.expect(200).body;
        }
    }
}

/// Asks for all users until the page is as long as it should be; the last answer's number of users.
fn page_becomes(tenant: &Tenant, right: impl Fn(usize) -> bool) -> usize {
    let began = Instant::now();
    loop {
        let answer = tenant.get("/Users?count=1000");
        if answer.status == 200 {
            assert_eq!(answer.body["totalResults"], USERS);
            let length = answer.body["Resources"].as_array().unwrap().len();
            assert_eq!(answer.body["itemsPerPage"], length);
            assert!(length > 0);
            if right(length) || began.elapsed() > PATIENCE {
                return length;
            }
        }
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn answers_that_nobody_takes_are_bounded_and_pages_are_shorter_meanwhile() {
    let gateway = gateway_with(&[NOBODY_IS_CUT_OFF]);
    let (greedy, modest) = (roomy(&gateway, "greedy"), roomy(&gateway, "modest"));
    fill(&greedy, USERS);
    fill(&modest, USERS);
    assert_eq!(page_becomes(&greedy, |length| length == USERS), USERS);
    let connections: Vec<Connection> = (0..DEAF).map(|_| deaf(&gateway, &greedy)).collect();
    let short = page_becomes(&greedy, |length| length < USERS / 8);
    assert!(short < USERS / 8, "{short} users were on a page while {DEAF} connections took none");

    // A walk by what the pages say meets everybody nevertheless.
    let page = served(&greedy, &format!("/Users?startIndex={}&count=1000", USERS - 1));
    assert_eq!(page["totalResults"], USERS);
    let by_cursor = served(&greedy, "/Users?cursor&count=1000");
    assert_eq!(by_cursor["totalResults"], USERS);
    assert!(by_cursor["nextCursor"].is_string(), "{}", by_cursor["itemsPerPage"]);

    // The tenant's short requests, and everything of others, go on.
    greedy.find("/Users", "userName eq \"user000\"").expect(200);
    greedy.create_user("new", "").expect(201).id();
    assert_eq!(page_becomes(&modest, |length| length == USERS), USERS);
    let memory = gateway.peak_mib();
    assert!(memory < MEMORY_MIB, "{memory} MiB");

    greedy.find("/Users", "userName eq \"new\"").expect(200);
    let new = greedy.find("/Users", "userName eq \"new\"").expect(200).body["Resources"][0]["id"].clone();
    greedy.delete(&format!("/Users/{}", new.as_str().unwrap())).expect(204);
    drop(connections);
    assert_eq!(page_becomes(&greedy, |length| length == USERS), USERS);
}

#[test]
fn a_change_whose_answer_finds_no_room_is_not_done() {
    let gateway = gateway_with(&[NOBODY_IS_CUT_OFF]);
    let greedy = roomy(&gateway, "greedy");
    fill(&greedy, MANY_USERS);
    let filler = "y".repeat(60_000);
    let large = |name: &str| {
        let emails: Vec<Value> = (0..4).map(|n| json!({ "value": format!("{n}{filler}") })).collect();
        user_body(&json!({ "userName": "large", "displayName": name, "emails": emails }))
    };
    let made = greedy.post("/Users", &large("before")).expect(201).id();
    let path = format!("/Users/{made}");
    let mut name = "before".to_owned();
    let (mut connections, mut refused) = (Vec::new(), 0);
    // Two of the longest pages leave no room. If the kernel buffers a whole page, it takes a few connections more.
    while refused < 3 && connections.len() < DEAF {
        if refused == 0 {
            connections.push(deaf(&gateway, &greedy));
        }
        let wanted = format!("{} connections, {refused} refused", connections.len());
        let change = greedy.put(&path, &large(&wanted));
        let read = greedy.get(&path);
        if change.status == 503 {
            assert!(change.header("retry-after").is_some(), "{:?}", change.headers);
        } else {
            assert_eq!(change.clone().expect(200).body["displayName"], wanted);
            name = wanted;
        }
        if read.status != 503 {
            assert_eq!(read.clone().expect(200).body["displayName"], name);
        }
        refused = if change.status == 503 && read.status == 503 { refused + 1 } else { 0 };
        let short = greedy.get(&format!("{path}?attributes=displayName")).expect(200).body;
        assert_eq!(short["displayName"], name);
    }
    assert_eq!(refused, 3, "a change and a read had room beside {} connections", connections.len());
}
