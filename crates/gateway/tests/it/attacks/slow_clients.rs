//! Clients that send slowly, send nothing, or take nothing: cut off in time, and nobody else waits (row 60).

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;
use testkit::gateway::{Gateway, Tenant};

use super::{gateway_with, raw, roomy, sockets, user};

/// Longest wait until a client is cut off: its limit of one or two seconds with a wide margin.
const PATIENCE: Duration = Duration::from_secs(20);

fn impatient() -> Gateway {
    gateway_with(&[
        ("USHER__SERVER__HEADER_TIMEOUT_SECONDS", "1"),
        ("USHER__SERVER__BODY_TIMEOUT_SECONDS", "1"),
        ("USHER__SERVER__WRITE_TIMEOUT_SECONDS", "2"),
        ("USHER__SERVER__KEEP_ALIVE_SECONDS", "2"),
        ("USHER__SERVER__WORKERS", "2"),
        ("USHER__STORE__ADMISSION_DEADLINE_MS", "1000"),
        ("USHER__LIMITS__BULK_SECONDS", "1"),
    ])
}

fn head(tenant: &Tenant, method: &str, path: &str, more: &str) -> String {
    format!(
        "{method} /ire/{}/scim/v2{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{more}\r\n",
        tenant.key, tenant.token
    )
}

/// Sends one byte more at a time until the gateway hangs up; what it said.
fn drip(mut stream: TcpStream, byte: &[u8]) -> raw::Heard {
    let began = Instant::now();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut text = Vec::new();
    let mut part = [0; 4096];
    while began.elapsed() < PATIENCE {
        let _ = stream.write_all(byte);
        match stream.read(&mut part) {
            Ok(0) => return raw::Heard { text: String::from_utf8_lossy(&text).into_owned(), closed: true },
            Ok(n) => text.extend_from_slice(&part[..n]),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => return raw::Heard { text: String::from_utf8_lossy(&text).into_owned(), closed: true },
        }
    }
    raw::Heard { text: String::from_utf8_lossy(&text).into_owned(), closed: false }
}

/// All of them at the same time.
fn drip_all(streams: Vec<(TcpStream, &'static [u8])>) -> Vec<raw::Heard> {
    let threads: Vec<_> =
        streams.into_iter().map(|(s, bytes)| std::thread::spawn(|| drip(s, bytes))).collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn attack_60_slow_headers_are_cut_off_while_others_are_served() {
    let gateway = impatient();
    let acme = roomy(&gateway, "ire", "acme");
    let slow: Vec<TcpStream> = (0..60)
        .map(|_| {
            let mut stream = raw::connect(&gateway);
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
            stream
        })
        .collect();
    for n in 0..10 {
        acme.create_user(&format!("u{n}"), "").expect(201);
    }
    for heard in drip_all(slow.into_iter().map(|stream| (stream, b"x".as_slice())).collect()) {
        assert!(heard.closed, "{}", heard.text);
        assert!(heard.statuses().iter().all(|s| *s == 408), "{}", heard.text);
    }
}

#[test]
fn attack_60_slow_headers_of_a_second_request_are_cut_off_too() {
    let gateway = impatient();
    roomy(&gateway, "ire", "acme");
    let mut stream = raw::connect(&gateway);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut part = [0; 4096];
    assert!(stream.read(&mut part).unwrap() > 0);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    let heard = drip(stream, b"x");
    assert!(heard.closed && heard.statuses().iter().all(|s| *s == 408), "{}", heard.text);
}

#[test]
fn attack_60_slow_bodies_are_cut_off_with_408_while_others_are_served() {
    let gateway = impatient();
    let acme = roomy(&gateway, "ire", "acme");
    let framings = ["Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"];
    let slow: Vec<TcpStream> = (0..60)
        .map(|n| {
            let mut stream = raw::connect(&gateway);
            stream.write_all(head(&acme, "POST", "/Users", framings[n % 2]).as_bytes()).unwrap();
            stream
        })
        .collect();
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
        let mut stream = raw::connect(&gateway);
        stream.write_all(head(tenant, "POST", "/Users", "Content-Length: 1000000\r\n").as_bytes()).unwrap();
        let heard = drip(stream, b" ");
        assert!(heard.closed, "{}", heard.text);
        assert_eq!(heard.statuses(), [401], "{}", heard.text);
    }
    for door in ["/admin/v1/regions", "/healthz", "/nothing"] {
        let mut stream = raw::connect(&gateway);
        stream
            .write_all(
                format!("POST {door} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").as_bytes(),
            )
            .unwrap();
        let heard = drip(stream, b" ");
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
        "GET /healthz HTTP/1.1\r\n".into(),
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".into(),
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /heal".into(),
        head(&acme, "POST", "/Users", "Content-Length: 10\r\n"),
        head(&acme, "POST", "/Users", "Transfer-Encoding: chunked\r\n"),
        head(&stranger, "POST", "/Users", "Content-Length: 10\r\n"),
        head(&stranger, "POST", "/Users", "Transfer-Encoding: chunked\r\n"),
        head(&stranger, "POST", "/Users", "Transfer-Encoding: chunked\r\n") + "ffff\r\n",
        head(&acme, "POST", "/Bulk", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"),
    ];
    let threads: Vec<_> = openings
        .into_iter()
        .map(|opening| {
            let mut stream = raw::connect(&gateway);
            std::thread::spawn(move || {
                stream.write_all(opening.as_bytes()).unwrap();
                (raw::listen(&mut stream), opening)
            })
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
    let mut stream = raw::connect(&gateway);
    let head = format!(
        "POST /admin/v1/regions/ire/tenants HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n",
        token.trim()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let heard = drip(stream, b" ");
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
    let asks = head(&acme, "GET", "/Users?count=1000", "").repeat(40);
    let deaf: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = raw::connect(&gateway);
            stream.write_all(asks.as_bytes()).unwrap();
            stream
        })
        .collect();
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
