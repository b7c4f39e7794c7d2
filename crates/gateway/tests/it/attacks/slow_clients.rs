//! Clients that send slowly, send nothing, or take nothing: cut off in time, and no other client waits (row 60).

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;
use testkit::{
    gateway::{Gateway, Tenant},
    wire::{Connection, Heard},
};

use super::{gateway_with, roomy, sockets, user};

/// Longest wait until a client is cut off: its limit of a few seconds, with a margin for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn impatient() -> Gateway {
    gateway_with(&[
        ("USHER__SERVER__HEADER_TIMEOUT_SECONDS", "1"),
        ("USHER__SERVER__BODY_TIMEOUT_SECONDS", "1"),
        ("USHER__SERVER__WRITE_TIMEOUT_SECONDS", "2"),
        ("USHER__SERVER__KEEP_ALIVE_SECONDS", "2"),
        ("USHER__SERVER__WORKERS", "2"),
        ("USHER__STORE__ADMISSION_DEADLINE_MS", "1000"),
        ("USHER__LIMITS__BULK_SECONDS", "1"),
        ("USHER__LIMITS__SEARCH_SECONDS", "1"),
    ])
}

/// Sends bytes again and again on all of these connections until the gateway closes them; everything that came.
fn drip_all(slow: Vec<(Connection, &'static [u8])>) -> Vec<Heard> {
    let drip = |(connection, bytes): (Connection, &'static [u8])| {
        std::thread::spawn(move || connection.drip(bytes, PATIENCE))
    };
    let threads: Vec<_> = slow.into_iter().map(drip).collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// A connection on which this is sent first.
fn opened(gateway: &Gateway, opening: impl AsRef<[u8]>) -> Connection {
    let mut connection = gateway.connect();
    connection.send(opening).unwrap();
    connection
}

#[test]
fn attack_60_slow_headers_are_cut_off_while_others_are_served() {
    let gateway = impatient();
    let acme = roomy(&gateway, "ire", "acme");
    let opening = "GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let slow: Vec<_> = (0..60).map(|_| opened(&gateway, opening)).collect();
    for n in 0..10 {
        acme.create_user(&format!("u{n}"), "").expect(201);
    }
    for heard in drip_all(slow.into_iter().map(|slow| (slow, b"x".as_slice())).collect()) {
        assert!(heard.closed, "{}", heard.text);
        assert!(heard.statuses().iter().all(|s| *s == 408), "{}", heard.text);
    }
}

#[test]
fn attack_60_slow_headers_of_a_second_request_are_cut_off_too() {
    let gateway = impatient();
    roomy(&gateway, "ire", "acme");
    let mut connection = gateway.connect();
    assert_eq!(connection.ask("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").unwrap().status, 200);
    connection.send("GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    let heard = connection.drip(b"x", PATIENCE);
    assert!(heard.closed && heard.statuses().iter().all(|s| *s == 408), "{}", heard.text);
}

#[test]
fn attack_60_slow_bodies_are_cut_off_with_408_while_others_are_served() {
    let gateway = impatient();
    let acme = roomy(&gateway, "ire", "acme");
    let framings = ["Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"];
    let opening = |n: usize| acme.as_written("POST", "/Users", framings[n % 2], "");
    let slow: Vec<_> = (0..60).map(|n| opened(&gateway, opening(n))).collect();
    for n in 0..10 {
        acme.create_user(&format!("u{n}"), "").expect(201);
    }
    let parts: [&[u8]; 2] = [b" ", b"1\r\n \r\n"];
    let dripping = slow.into_iter().zip(parts.into_iter().cycle());
    for heard in drip_all(dripping.collect()) {
        assert!(heard.closed, "{}", heard.text);
        assert_eq!(heard.statuses(), [408], "{}", heard.text);
        assert!(heard.text.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{}", heard.text);
    }
    assert_eq!(acme.get("/Users?count=0").expect(200).body["totalResults"], 10);
}

#[test]
fn attack_60_bodies_that_nobody_wants_hold_no_connection() {
    let gateway = impatient();
    let acme = roomy(&gateway, "ire", "acme");
    let unwanted =
        [Tenant { token: "rubbish".into(), ..acme.clone() }, Tenant { key: "nobody".into(), ..acme.clone() }];
    for tenant in &unwanted {
        let opening = tenant.as_written("POST", "/Users", "Content-Length: 1000000\r\n", "");
        let heard = opened(&gateway, opening).drip(b" ", PATIENCE);
        assert!(heard.closed, "{}", heard.text);
        assert_eq!(heard.statuses(), [401], "{}", heard.text);
    }
    for door in ["/admin/v1/regions", "/livez", "/nothing"] {
        let opening = format!("POST {door} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
        let heard = opened(&gateway, opening).drip(b" ", PATIENCE);
        assert!(heard.closed, "{door}: {}", heard.text);
    }
}

#[test]
fn attack_60_silence_at_any_point_ends_a_connection() {
    let gateway = impatient();
    let acme = roomy(&gateway, "ire", "acme");
    let stranger = Tenant { token: "rubbish".into(), ..acme.clone() };
    let openings = [
        String::new(),
        "GET /livez HTTP/1.1\r\n".into(),
        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n".into(),
        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /live".into(),
        acme.as_written("POST", "/Users", "Content-Length: 10\r\n", ""),
        acme.as_written("POST", "/Users", "Transfer-Encoding: chunked\r\n", ""),
        stranger.as_written("POST", "/Users", "Content-Length: 10\r\n", ""),
        stranger.as_written("POST", "/Users", "Transfer-Encoding: chunked\r\n", ""),
        stranger.as_written("POST", "/Users", "Transfer-Encoding: chunked\r\n", "") + "ffff\r\n",
        acme.as_written("POST", "/Bulk", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", ""),
    ];
    let threads: Vec<_> = openings
        .into_iter()
        .map(|opening| {
            let mut connection = opened(&gateway, &opening);
            std::thread::spawn(move || (connection.hear_all(), opening))
        })
        .collect();
    for thread in threads {
        let (heard, opening) = thread.join().unwrap();
        assert!(heard.closed, "after {opening:?}: {}", heard.text);
    }
}

#[test]
fn attack_60_slow_bodies_of_staff_are_cut_off_too() {
    let gateway = impatient();
    let token = std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let head = format!(
        "POST /admin/v1/regions/ire/tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n",
        token.trim()
    );
    let heard = opened(&gateway, head).drip(b" ", PATIENCE);
    assert!(heard.closed, "{}", heard.text);
    assert!(heard.statuses().iter().all(|s| *s >= 400), "{}", heard.text);
}

#[test]
fn attack_60_who_takes_no_answer_is_cut_off_and_leaves_nothing_open() {
    let gateway = impatient();
    let acme = roomy(&gateway, "ire", "acme");
    for n in 0..40 {
        acme.post("/Users", &user(&format!("u{n}"), &json!({ "title": "x".repeat(60_000) }))).expect(201);
    }
    let before = sockets(&gateway);
    // Far more answer than both sockets can hold.
    let asks = acme.as_written("GET", "/Users?count=1000", "", "").repeat(40);
    let deaf: Vec<_> = (0..10).map(|_| opened(&gateway, &asks)).collect();
    // Others get their turn; where the machine is so busy that one waits for more than a second, it is told so.
    let ask = || {
        let answer = acme.get("/Users?count=1");
        assert!(matches!(answer.status, 200 | 503), "{}", answer.text);
    };
    ask();
    let began = Instant::now();
    while sockets(&gateway) > before && began.elapsed() < PATIENCE {
        ask();
        sleep(Duration::from_millis(50));
    }
    assert!(sockets(&gateway) <= before, "{} sockets are open, {before} were", sockets(&gateway));
    acme.get("/Users?count=1").expect(200);
    drop(deaf);
}
