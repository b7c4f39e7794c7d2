//! One request that two readers would cut differently: refused or cut off, never answered twice (row 59).

use testkit::gateway::{Gateway, Tenant};

use super::{NOBODY, everything, gateway, roomy};

/// The request that a second reader would find in the first one's body.
fn hidden(tenant: &Tenant) -> String {
    format!(
        "DELETE /ire/{}/scim/v2{NOBODY} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\r\n",
        tenant.key, tenant.token
    )
}

/// A POST of these header lines and this body, with a genuine token.
fn post(tenant: &Tenant, headers: &str, body: &str) -> String {
    format!(
        "POST /ire/{}/scim/v2/Users HTTP/1.1\r\nAuthorization: Bearer {}\r\n{headers}\r\n{body}",
        tenant.key, tenant.token
    )
}

/// Every shape with what it is called.
fn shapes(tenant: &Tenant) -> Vec<(&'static str, String)> {
    let hidden = hidden(tenant);
    let length = hidden.len();
    let framed = |framing: &str| post(tenant, &format!("Host: x\r\n{framing}"), &hidden);
    let chunked =
        |body: &str| post(tenant, "Host: x\r\nTransfer-Encoding: chunked\r\n", &format!("{body}{hidden}"));
    vec![
        (
            "length and chunked",
            framed(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n")),
        ),
        ("chunked and length", framed("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
        ("two lengths", framed(&format!("Content-Length: 0\r\nContent-Length: {length}\r\n"))),
        ("two equal lengths", framed("Content-Length: 5\r\nContent-Length: 5\r\n")),
        ("a list of lengths", framed("Content-Length: 5, 5\r\n")),
        ("a length with plus", framed("Content-Length: +5\r\n")),
        ("a negative length", framed("Content-Length: -5\r\n")),
        ("a length in hex", framed("Content-Length: 0x5\r\n")),
        ("a length with a blank in it", framed("Content-Length: 5 5\r\n")),
        ("an empty length", framed("Content-Length: \r\n")),
        ("a length beyond all numbers", framed("Content-Length: 99999999999999999999999\r\n")),
        ("a length with a blank before the colon", framed("Content-Length : 5\r\n")),
        ("an encoding with a blank before the colon", framed("Transfer-Encoding : chunked\r\n")),
        ("an encoding with a tab before it", framed("Transfer-Encoding:\x0bchunked\r\n")),
        ("an unknown encoding", framed("Transfer-Encoding: xchunked\r\n")),
        ("chunked not last", framed("Transfer-Encoding: chunked, identity\r\n")),
        ("chunked twice", framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        ("identity", framed("Transfer-Encoding: identity\r\n")),
        ("a quoted encoding", framed("Transfer-Encoding: \"chunked\"\r\n")),
        ("a chunk size that overflows", chunked("fffffffffffffffff\r\nx\r\n0\r\n\r\n")),
        ("a chunk size that wraps to two", chunked("10000000000000002\r\n{}\r\n0\r\n\r\n")),
        ("a chunk size in C", chunked("0x2\r\n{}\r\n0\r\n\r\n")),
        ("a negative chunk size", chunked("-2\r\n{}\r\n0\r\n\r\n")),
        ("a chunk size with plus", chunked("+2\r\n{}\r\n0\r\n\r\n")),
        ("an empty chunk size", chunked("\r\n{}\r\n0\r\n\r\n")),
        ("a chunk longer than it says", chunked("1\r\n{}\r\n0\r\n\r\n")),
        ("a chunk that ends in a line feed", chunked("2\n{}\n0\n\n")),
        ("a chunk extension with a line feed", chunked("2;a\nb\r\n{}\r\n0\r\n\r\n")),
        ("a folded header", framed("X-Folded: a\r\n Content-Length: 5\r\n")),
        ("a folded first header", post(tenant, " Host: x\r\n", &hidden)),
        ("NUL in a value", framed("X-Nul: a\0b\r\n")),
        ("NUL in a name", framed("X\0Nul: a\r\n")),
        ("a bare CR in a value", framed("X-Cr: a\rContent-Length: 5\r\n")),
        ("a bare CR as a line's end", framed("X-Cr: a\r")),
        ("a blank in a name", framed("X Blank: a\r\n")),
        ("a header without a colon", framed("nonsense\r\n")),
        ("a header without a name", framed(": x\r\n")),
        ("two hosts", post(tenant, "Host: x\r\nHost: y\r\n", &hidden)),
        ("two equal hosts", post(tenant, "Host: x\r\nhost: x\r\n", &hidden)),
        ("no host", post(tenant, "", &hidden)),
        (
            "an old version with an encoding",
            post(tenant, "Host: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")
                .replace("HTTP/1.1", "HTTP/1.0"),
        ),
        ("an unknown version", post(tenant, "Host: x\r\n", &hidden).replacen("HTTP/1.1", "HTTP/9.9", 1)),
        ("a request line without a version", format!("GET /livez\r\n\r\n{hidden}")),
        ("a tab in the request line", post(tenant, "Host: x\r\n", &hidden).replacen("POST /", "POST\t/", 1)),
        ("a NUL in the path", post(tenant, "Host: x\r\n", &hidden).replacen("/Users", "/Us\0ers", 1)),
        ("a thousand headers", framed(&"X-Many: x\r\n".repeat(1_000))),
        ("a header of a megabyte", framed(&format!("X-Long: {}\r\n", "x".repeat(1 << 20)))),
        ("the preface of HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{hidden}")),
    ]
}

#[test]
fn attack_59_no_shape_is_answered_as_if_it_were_two_requests() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    acme.create_user("ada", "").expect(201);
    let before = everything(&acme);
    for (what, bytes) in shapes(&acme) {
        let heard = gateway.talk(bytes);
        assert!(heard.closed, "{what}: the connection stays open after {}", heard.text);
        let statuses = heard.statuses();
        assert!(
            statuses.is_empty() || statuses == [400] || statuses == [431] || statuses == [505],
            "{what}: {statuses:?} {}",
            heard.text
        );
    }
    assert_eq!(everything(&acme), before);
}

#[test]
fn attack_59_the_same_shapes_fare_no_better_without_a_token_or_at_the_other_doors() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for door in ["/livez", "/admin/v1/regions", "/nothing"] {
        for (what, bytes) in shapes(&acme) {
            let bytes = bytes.replacen("/ire/acme/scim/v2/Users", door, 1);
            let heard = gateway.talk(bytes);
            assert!(heard.closed && heard.statuses().len() <= 1, "{door} {what}: {}", heard.text);
            assert!(heard.statuses().iter().all(|s| *s >= 400), "{door} {what}: {}", heard.text);
        }
    }
}

/// An answer that is given before the body was read must not leave the body to be taken for a request.
#[test]
fn attack_59_what_is_refused_early_does_not_answer_its_body() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let hidden = hidden(&acme);
    let wrong_token = Tenant { token: "rubbish".into(), ..acme.clone() };
    let early = |tenant: &Tenant, path: &str, more: &str, last: &str| {
        let head = format!("Host: x\r\n{more}Content-Length: {}\r\n", hidden.len());
        let first = post(tenant, &head, &hidden).replacen("/scim/v2/Users", path, 1);
        let second = format!("GET /livez HTTP/1.1\r\nHost: x\r\n{last}\r\n");
        (first, second)
    };
    let cases = [
        (&wrong_token, "/scim/v2/Users", "", 401),
        (&acme, "/scim/v2/nothing", "", 404),
        (&acme, "/scim/v2/Schemas", "", 405),
        (&acme, "/scim/v2/Me", "", 501),
        (&acme, "/scim/v2/Users", "Content-Type: text/html\r\n", 415),
        (&acme, "/scim/v2/Users", "Content-Encoding: gzip\r\n", 415),
        (&acme, "/scim/v2/Users?count=1&count=2", "", 400),
    ];
    for (tenant, path, more, status) in cases {
        let (first, second) = early(tenant, path, more, "Connection: close\r\n");
        let statuses = speak_slowly(&gateway, &first, &second);
        // Either the connection is closed after the refusal, or the body was skipped and the next request is the next request.
        assert!(statuses == [status] || statuses == [status, 200], "{path}: {statuses:?}");
    }
}

/// Sends a head, waits for its answer, then sends the body and the next request.
fn speak_slowly(gateway: &Gateway, first: &str, second: &str) -> Vec<u16> {
    let mut connection = gateway.connect();
    let (head, body) = first.split_at(first.find("\r\n\r\n").unwrap() + 4);
    let mut statuses = vec![connection.ask(head).unwrap().status];
    // The gateway may have closed by now.
    let _ = connection.send(body).and_then(|()| connection.send(second));
    statuses.extend(connection.hear_all().statuses());
    statuses
}
