//! `Upgrade` is ignored (RFC 9110 §7.8): the request is answered, and its connection goes on, as if it were not there.

use testkit::gateway::Tenant;

use crate::running::{roomy, user_body};

const OFFERS: [&str; 5] = [
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n",
    "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
    "connection: keep-alive, UPGRADE\r\nUPGRADE:websocket\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\nUpgrade: TLS/1.0, h2c\r\n",
];

#[test]
fn a_request_that_asks_for_another_protocol_is_answered_as_without_it() {
    let (gateway, acme) = roomy();
    let stranger = Tenant { token: "rubbish".into(), ..acme.clone() };
    for (n, offer) in OFFERS.into_iter().enumerate() {
        let mut client = gateway.connect();
        let body = user_body(&serde_json::json!({ "userName": format!("ada-{n}") })).to_string();
        for (asked, expected) in [
            (acme.as_written("GET", "/Users?count=1", offer, ""), 200),
            (acme.as_written("POST", "/Users", offer, &body), 201),
            (acme.as_written("POST", "/Users", offer, &body), 409),
            (stranger.as_written("GET", "/Users", offer, ""), 401),
            (format!("GET /livez HTTP/1.1\r\nHost: x\r\n{offer}\r\n"), 200),
            (acme.as_written("GET", "/Users?count=1", "", ""), 200),
        ] {
            let heard = client.ask(&asked).unwrap_or_else(|e| panic!("{asked}: {e}"));
            assert_eq!(heard.status, expected, "{asked}: {}", heard.body);
            assert!(heard.header("upgrade").is_none() && !heard.is_last(), "{:?}", heard.headers);
        }
    }
    assert_eq!(acme.get("/Users?count=0").expect(200).body["totalResults"], OFFERS.len());
}
