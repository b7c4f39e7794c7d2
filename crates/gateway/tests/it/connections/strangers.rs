//! Connections on which no right credential was given: few enough that others are served, and little of them is read in vain.

use std::time::{Duration, Instant};

use testkit::{
    gateway::{Gateway, Setup, Tenant},
    wire::Connection,
};

use crate::running::{BINARY, gateway_with, roomy};

#[test]
fn idle_strangers_keep_nobody_out_and_whoever_gave_a_right_credential_stays() {
    let gateway = Gateway::set_up(
        BINARY,
        Setup {
            open_files: Some((128, 128)),
            settings: &[("USHER__SERVER__WORKERS", "2")],
            ..Setup::default()
        },
    );
    let acme = gateway.tenant("ire", "acme", None, None);
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    let mut known = gateway.connect();
    assert_eq!(known.ask(&ask).unwrap().status, 200);
    let openings: [&[u8]; 3] =
        [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"];
    let mut strangers: Vec<Connection> = Vec::new();
    for n in 0..300 {
        let mut stranger = gateway.connect();
        // One that was sent away already is no fault.
        let _ = stranger.send(openings[n % openings.len()]);
        strangers.push(stranger);
        if n % 20 == 0 {
            assert_eq!(gateway.connect().ask(&ask).unwrap().status, 200, "after {n}");
        }
    }
    assert_eq!(known.ask(&ask).unwrap().status, 200, "the first one stayed");
    assert_eq!(gateway.connect().ask(&ask).unwrap().status, 200);
    let log = gateway.log();
    assert!(log.contains("connections are at their bound") && !log.contains("Too many open files"), "{log}");
}

#[test]
fn where_everybody_is_known_a_newcomer_is_told_to_come_back() {
    let settings = [("USHER__SERVER__MAX_CONNECTIONS", "6"), ("USHER__SERVER__WORKERS", "1")];
    let gateway = gateway_with(&settings);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    let mut known: Vec<Connection> = Vec::new();
    let began = Instant::now();
    // Connections of the test's own set-up make room once they are closed.
    let refused = loop {
        let mut client = gateway.connect();
        let heard = client.ask(&ask).unwrap();
        match heard.status {
            200 => known.push(client),
            _ if known.len() == 6 => break heard,
            _ => assert!(began.elapsed() < Duration::from_secs(20), "{} of 6", known.len()),
        }
    };
    let refused = refused.expect_error(503, "");
    assert!(refused.is_last() && refused.header("retry-after") == Some("1"), "{:?}", refused.headers);
    let media_type = refused.header("content-type").unwrap();
    assert!(media_type.starts_with("application/scim+json"), "{media_type}");
    for client in &mut known {
        assert_eq!(client.ask(&ask).unwrap().status, 200);
    }
}

/// Sends until the gateway takes no more; how much it took, its and our socket's buffers included.
fn pour(gateway: &Gateway, head: &str, part: &[u8]) -> usize {
    const ENOUGH: usize = 256 * 1024 * 1024;
    let mut connection = gateway.connect();
    connection.send(head).unwrap();
    let mut taken = 0;
    while taken < ENOUGH && connection.send(part).is_ok() {
        taken += part.len();
    }
    taken
}

#[test]
fn attack_60_what_a_stranger_sends_is_thrown_away_up_to_a_bound_in_bytes() {
    /// The bound of one connection, and buffers of both sockets.
    const MOST: usize = 24 * 1024 * 1024;
    let (gateway, acme) = roomy();
    let stranger = Tenant { token: "rubbish".into(), ..acme.clone() };
    let announced = "Content-Length: 1000000000\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    let plain = vec![b' '; 256 * 1024];
    let mut chunk = b"40000\r\n".to_vec();
    chunk.extend_from_slice(&plain);
    chunk.extend_from_slice(b"\r\n");
    let doors = ["/admin/v1/regions", "/livez", "/s/x"];
    let doors = doors.map(|door| format!("POST {door} HTTP/1.1\r\nHost: x\r\n{chunked}\r\n"));
    let mut poured = vec![
        (stranger.as_written("POST", "/Users", announced, ""), &plain),
        (stranger.as_written("POST", "/Users", chunked, ""), &chunk),
        // Refused below the library.
        ("no http at all\r\n\r\n".into(), &plain),
        // A right credential changes nothing where the body is not wanted.
        (acme.as_written("GET", "/nothing", chunked, ""), &chunk),
    ];
    poured.extend(doors.map(|head| (head, &chunk)));
    std::thread::scope(|scope| {
        for (head, part) in &poured {
            let gateway = &gateway;
            scope.spawn(move || {
                let taken = pour(gateway, head, part);
                assert!(taken < MOST, "{taken} bytes were taken after {head}");
            });
        }
    });
    acme.create_user("ada", "").expect(201);
}

#[test]
fn attack_60_headers_have_their_time_in_every_request_of_a_connection() {
    // All other limits are far away.
    let gateway = gateway_with(&[("USHER__SERVER__HEADER_TIMEOUT_SECONDS", "1")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    let mut client = gateway.connect();
    for _ in 0..2 {
        assert_eq!(client.ask(&ask).unwrap().status, 200);
    }
    client.send(&ask.as_bytes()[..40]).unwrap();
    let heard = client.hear().unwrap();
    assert_eq!(heard.status, 408, "{}", heard.text);
    assert!(heard.is_last() && heard.text.contains("headers did not arrive in time"), "{}", heard.text);
    // One that is silent between two requests is in no hurry.
    let mut client = gateway.connect();
    assert_eq!(client.ask(&ask).unwrap().status, 200);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(client.ask(&ask).unwrap().status, 200);
}
