//! `Accept`, `Accept-Charset`, `Accept-Encoding`, `Content-Type`: what clients write, and the two media types that are spoken
//! (RFC 7644 §8.1, §3.1; idp-wire: OneLogin reads `application/json` alone, Okta names a charset).

use crate::running::{roomy, user_body};
use serde_json::json;

const SCIM: &str = "application/scim+json; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";

#[test]
fn accept_chooses_json_when_it_admits_only_that_and_nothing_is_406() {
    let (_gateway, acme) = roomy();
    for (accept, out) in [
        ("application/scim+json", SCIM),
        ("application/scim+json; charset=utf-8", SCIM),
        ("APPLICATION/SCIM+JSON", SCIM),
        ("application/json", JSON),
        ("Application/JSON;charset=UTF-8", JSON),
        ("application/json;q=0.8", JSON),
        ("application/json, application/json;q=0.5", JSON),
        (", application/json ,", JSON),
        ("application/json, application/scim+json;q=0.1", SCIM),
        ("application/json, */*;q=0.1", SCIM),
        ("application/*", SCIM),
        ("*/*", SCIM),
        ("application/scim+json;q=0, application/json", JSON),
        ("application/scim+json;q=0.000,application/json;q=0.1", JSON),
        ("application/scim+json;q=0, */*", JSON),
        ("application/scim+json;q=0", JSON),
        ("application/scim+json, application/*;q=0", SCIM),
        ("application/json, text/plain", JSON),
        ("text/html, application/json;q=0.9", JSON),
        ("application/json, text/plain, */*", SCIM),
        ("application/json;q=0, */*", SCIM),
        ("application/json;q=0", SCIM),
        ("application/json;q=nonsense", JSON),
        ("text/html, image/png;q=0.9", SCIM),
        ("text/csv", SCIM),
        ("nonsense", SCIM),
        (";;,;", SCIM),
        ("", SCIM),
    ] {
        for path in ["/Users", "/Users/0", "/Schemas", "/nothing"] {
            let answer = acme.request("GET", path).header("accept", accept).send();
            assert_eq!(answer.header("content-type"), Some(out), "{accept:?} {path}");
            assert_ne!(answer.status, 406, "{accept:?} {path}");
        }
    }
    // Two headers of one name are one list (RFC 9110 §5.3).
    let two = acme.request("GET", "/Users").header("accept", "application/json");
    assert_eq!(two.header("accept", "application/scim+json").send().header("content-type"), Some(SCIM));
}

#[test]
fn charset_and_coding_that_a_client_would_like_change_nothing() {
    let (_gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    let plain = acme.get("/Users").expect(200);
    for (header, value) in [
        ("accept-charset", "utf-8"),
        ("accept-charset", "iso-8859-1"),
        ("accept-charset", "utf-8;q=0"),
        ("accept-encoding", "gzip,deflate"),
        ("accept-encoding", "identity;q=0, br"),
        ("accept-language", "de"),
        ("user-agent", "Okta SCIM Client 1.0.0"),
    ] {
        let answer = acme.request("GET", "/Users").header(header, value).send().expect(200);
        assert_eq!(answer.body, plain.body, "{header}: {value}");
        assert_eq!(answer.header("content-type"), Some(SCIM), "{header}: {value}");
        assert_eq!(answer.header("content-encoding"), None, "{header}: {value}");
    }
}

#[test]
fn a_body_may_be_announced_as_either_type_with_any_parameters() {
    let (_gateway, acme) = roomy();
    for (n, media) in [
        "application/scim+json",
        "application/scim+json;charset=UTF-8",
        "application/scim+json ; charset=\"utf-8\"",
        "APPLICATION/SCIM+JSON; charset=utf-8; version=2.0",
        "application/json",
        "application/json;charset=utf-8",
        "",
    ]
    .iter()
    .enumerate()
    {
        let body = user_body(&json!({ "userName": format!("ä-{n}") })).to_string();
        let made = acme.request("POST", "/Users").header("content-type", media).bytes(body.as_bytes()).send();
        assert_eq!(made.expect(201).body["userName"], format!("ä-{n}"), "{media}");
    }
    // Whatever the charset is called, JSON is UTF-8 (RFC 8259 §8.1).
    let latin = b"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"\xe4\"}";
    let announced =
        acme.request("POST", "/Users").header("content-type", "application/json;charset=iso-8859-1");
    announced.bytes(latin).send().expect_error(400, "invalidSyntax");
    // A GET and a DELETE have no body, whatever they announce.
    acme.request("GET", "/Users").header("content-type", "text/plain").send().expect(200);
}
