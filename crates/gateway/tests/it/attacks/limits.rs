//! Every limit of what a client may send, met over HTTP: a clear answer in SCIM's form, and the process goes on (rows 33 to 42 and
//! 66). What each costs is shown by `testkit`'s program `hostile`, not asserted here.

use serde_json::{Value, json};
use testkit::hostile;

use super::{gateway, roomy};

/// What the process may ever have held: some bodies at their limit and what they become.
const MEMORY_MIB: u64 = 700;

#[test]
fn attack_33_to_42_beyond_every_limit_is_a_clear_refusal() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let ada = acme.create_user("ada", "").expect(201);
    for request in hostile::requests(&ada.id()) {
        let (name, answer) = (request.name, request.send(&acme));
        assert_eq!(answer.status, request.status, "{name}: {}", answer.text);
        let body = answer.expect_error(request.status, request.keyword).body;
        let detail = body["detail"].as_str().unwrap_or_default();
        assert!((10..500).contains(&detail.len()) && detail.is_ascii(), "{name}: {body}");
    }
    assert!(gateway.is_alive());
    assert!(gateway.peak_mib() < MEMORY_MIB, "{} MiB", gateway.peak_mib());
    assert_eq!(acme.get(&format!("/Users/{}", ada.id())).expect(200).body, ada.body, "nothing has changed");
    assert_eq!(acme.get("/Users?count=0").expect(200).body["totalResults"], 1);
}

/// The body limit is 8 MiB so that this fits.
#[test]
fn attack_38_a_list_of_members_of_5_mb_fits() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let ids: Vec<String> =
        (0..200).map(|n| acme.create_user(&format!("user{n}"), "").expect(201).id()).collect();
    // As long as a group of 60,000; whoever is named twice is a member once.
    let many: Vec<String> = ids.iter().cycle().take(60_000).cloned().collect();
    let body = hostile::group_of(&many);
    assert!(body.to_string().len() > 5_000_000, "{}", body.to_string().len());
    let made = acme.post("/Groups", &body).expect(201);
    assert_eq!(made.body["members"].as_array().unwrap().len(), ids.len());
    let path = format!("/Groups/{}", made.id());
    acme.put(&path, &body).expect(200);
    acme.patch(&path, &json!([{"op": "replace", "path": "members", "value": body["members"]}])).expect(204);
    let read = acme.get(&path).expect(200);
    assert_eq!(read.body["members"].as_array().unwrap().len(), ids.len());
}

/// What the HTTP library refuses before any route is asked.
#[test]
fn attack_66_what_is_no_http_is_refused_in_scims_form_too() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let base = acme.base_url.trim_start_matches(&gateway.url);
    let get = |target: &str, more: &str| {
        format!(
            "GET {base}{target} HTTP/1.1\r\nHost: x\r\n{more}Authorization: Bearer {}\r\n\r\n",
            acme.token
        )
    };
    let odd: Vec<(String, u16)> = vec![
        (get("/Users/a b", ""), 400),
        (get("/Users?filter=<>", ""), 400),
        (get("/Users?filter=\u{e9}", ""), 400),
        (get("/Users", "no colon\r\n"), 400),
        (get("/Users", "X: a\u{0}b\r\n"), 400),
        (get("/Users", "Content-Length: x\r\n"), 400),
        (get("/Users", &"X: y\r\n".repeat(1_000)), 431),
        (get("/Users", &format!("X: {}\r\n", "y".repeat(1 << 20))), 431),
        (get(&format!("/{}", "x".repeat(70_000)), ""), 414),
        (get(&format!("/{}", "x".repeat(1 << 20)), ""), 414),
        ("HELLO\r\n\r\n".into(), 400),
        ("GET /livez HTTP/1.1\r\nHost: x\r\n\r\nHELLO\r\n\r\n".into(), 400),
    ];
    for (request, status) in &odd {
        let heard = gateway.talk(request);
        assert_eq!(heard.statuses().last(), Some(status), "{request:.100}: {}", heard.text);
        let last = heard.text.rfind("HTTP/1.1 ").unwrap();
        let (head, body) = heard.text[last..].split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: application/scim+json"), "{request:.100}: {head}");
        assert!(head.contains("x-request-id: ") && head.contains("cache-control: no-store"), "{head}");
        let body: Value =
            serde_json::from_str(body).unwrap_or_else(|e| panic!("{request:.100}: {e}: {body}"));
        assert_eq!(body["status"], status.to_string());
        assert!(body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{body}");
    }
    // One connection's bad manners end with it.
    acme.get("/Users").expect(200);
}
