//! Bodies as weapons: depth, size, packing, doubled keys, wrong types, characters (rows 37 to 42).

use std::{io::Write as _, time::Duration};

use serde_json::{Value, json};
use testkit::{
    bench::process::cpu_time,
    gateway::{Gateway, Tenant},
    http::Answer,
};

use super::{assert_no_leak, gateway, roomy, user};

/// What the list of attacks grants a hostile body.
const BOUND: Duration = Duration::from_secs(5);

/// What the process may ever have held: room for some bodies at their limit and what they become.
const MEMORY_MIB: u64 = 700;

fn post(tenant: &Tenant, body: &[u8]) -> Answer {
    tenant.request("POST", "/Users").header("content-type", "application/scim+json").bytes(body).send()
}

/// An answer that costs the gateway no more of its own time than the bound, however busy the machine is.
fn bounded(gateway: &Gateway, ask: impl FnOnce() -> Answer) -> Answer {
    let spent = || cpu_time(gateway.pid()).unwrap();
    let before = spent();
    let answer = ask();
    assert!(spent() - before < BOUND, "{:?}: {:.300}", spent() - before, answer.text);
    answer
}

fn total(tenant: &Tenant) -> Value {
    tenant.get("/Users?count=0").expect(200).body["totalResults"].clone()
}

#[test]
fn attack_37_deep_json_is_refused_and_the_process_lives() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let path = format!("/Users/{}", acme.create_user("ada", "").expect(201).id());
    let bodies = [
        "[".repeat(100_000),
        "{\"a\":".repeat(50_000),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!(
            "{{\"schemas\":[\"{}\"],\"userName\":\"x\",\"name\":{}1{}}}",
            super::USER,
            "{\"a\":".repeat(50_000),
            "}".repeat(50_000)
        ),
    ];
    for body in &bodies {
        for (method, path) in [("POST", "/Users"), ("PUT", &path), ("PATCH", &path), ("POST", "/Groups")] {
            let request = acme.request(method, path).header("content-type", "application/scim+json");
            let answer = bounded(&gateway, || request.bytes(body.as_bytes()).send());
            answer.expect_error(400, "invalidSyntax");
        }
    }
    let admin = gateway.admin(
        "POST",
        "/regions/ire/tenants",
        Some(&json!({ "name": "x", "settings": "[".repeat(50_000) })),
    );
    assert_eq!(admin.status, 400);
    assert!(gateway.is_alive());
    assert_eq!(total(&acme), 1);
}

#[test]
fn attack_38_big_bodies_are_refused_or_done_in_bounded_time_and_memory() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let path = format!("/Users/{}", acme.create_user("ada", "").expect(201).id());
    let emails: Vec<Value> = (0..20_000).map(|n| json!({ "value": format!("{n}@x.example") })).collect();
    let many_names: Value =
        (0..4_000).map(|n| (format!("attribute{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    let users = [
        user("a", &json!({ "title": "x".repeat(1 << 20) })),
        user(&"u".repeat(1 << 20), &json!({})),
        user("b", &json!({ "emails": emails })),
        user("c", &many_names),
        user("d", &json!({ "x": vec![0; 3_000_000] })),
        user("e", &json!({ "roles": vec![json!({}); 1_000_000] })),
    ];
    for body in &users {
        let answer = bounded(&gateway, || acme.post("/Users", body));
        assert!(matches!(answer.status, 201 | 400 | 413), "{} {:.300}", answer.status, answer.text);
    }
    let operations: Vec<Value> =
        (0..5_000).map(|n| json!({ "op": "replace", "path": "title", "value": n.to_string() })).collect();
    acme.patch(&path, &json!(operations)).expect_error(413, "");
    // Bodies above the limit: announced, found out on the way, and announced beyond all reason.
    let twelve_mib = vec![b' '; 12 << 20];
    post(&acme, &twelve_mib).expect_error(413, "");
    let heard = gateway.talk(chunked_post(&gateway, &acme, &twelve_mib));
    assert_eq!(heard.statuses(), [413]);
    let announced = format!(
        "POST {}/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 18446744073709551615\r\n\r\n",
        acme.base_url.trim_start_matches(&gateway.url),
        acme.token
    );
    assert_eq!(gateway.talk(announced).statuses(), [413]);
    let big_for_staff =
        gateway.admin("POST", "/regions/ire/tenants", Some(&json!({ "name": "x".repeat(1 << 20) })));
    assert!(matches!(big_for_staff.status, 400 | 413), "{}", big_for_staff.text);
    assert!(gateway.is_alive());
    assert!(gateway.peak_mib() < MEMORY_MIB, "{} MiB", gateway.peak_mib());
    acme.get(&path).expect(200);
}

fn chunked_post(gateway: &Gateway, tenant: &Tenant, body: &[u8]) -> Vec<u8> {
    let path = tenant.base_url.trim_start_matches(&gateway.url);
    let mut bytes = Vec::new();
    write!(
        bytes,
        "POST {path}/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
        tenant.token,
        body.len()
    )
    .unwrap();
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(b"\r\n0\r\n\r\n");
    bytes
}

#[test]
fn attack_38_a_body_at_the_limit_passes_and_one_byte_more_does_not() {
    let gateway = super::gateway_with(&[
        ("USHER__SERVER__BODY_LIMIT_BYTES", "1000"),
        ("USHER__SERVER__KEEP_ALIVE_SECONDS", "1"),
    ]);
    let acme = roomy(&gateway, "ire", "acme");
    let padded = |length: usize| {
        let mut body = user("ada", &json!({})).to_string();
        body.extend(std::iter::repeat_n(' ', length - body.len()));
        post(&acme, body.as_bytes())
    };
    padded(1001).expect_error(413, "");
    padded(1000).expect(201);
    // What is far larger is not even read to its end.
    let mut endless = chunked_post(&gateway, &acme, &[b' '; 100_000]);
    endless.truncate(50_000);
    let heard = gateway.talk(&endless);
    assert_eq!(heard.statuses(), [413]);
    assert!(heard.closed, "a client that sends no more is not waited for");
}

#[test]
fn attack_39_a_packed_body_is_not_unpacked() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for coding in ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip", "identity, gzip"] {
        let request = acme.request("POST", "/Users").header("content-encoding", coding);
        request.bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00").send().expect_error(415, "");
    }
    let plain = acme.request("POST", "/Users").header("content-encoding", "identity");
    plain.json(&user("ada", &json!({}))).send().expect(201);
    let two = acme
        .request("POST", "/Users")
        .header("content-encoding", "identity")
        .header("content-encoding", "gzip");
    two.json(&user("bob", &json!({}))).send().expect_error(415, "");
}

#[test]
fn attack_40_a_key_that_stands_twice_is_refused_everywhere() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let path = format!("/Users/{}", acme.create_user("ada", "").expect(201).id());
    let patch = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
    let doubled = [
        (
            "POST",
            "/Users",
            format!("{{\"schemas\":[\"{}\"],\"userName\":\"a\",\"userName\":\"b\"}}", super::USER),
        ),
        (
            "POST",
            "/Users",
            format!("{{\"schemas\":[\"{}\"],\"userName\":\"a\",\"USERNAME\":\"b\"}}", super::USER),
        ),
        (
            "PUT",
            &path,
            format!(
                "{{\"schemas\":[\"{}\"],\"userName\":\"a\",\"name\":{{\"givenName\":\"x\",\"givenname\":\"y\"}}}}",
                super::USER
            ),
        ),
        ("PATCH", &path, format!("{{\"schemas\":[\"{patch}\"],\"Operations\":[],\"operations\":[]}}")),
        (
            "PATCH",
            &path,
            format!(
                "{{\"schemas\":[\"{patch}\"],\"Operations\":[{{\"op\":\"add\",\"op\":\"remove\",\"path\":\"title\"}}]}}"
            ),
        ),
    ];
    for (method, path, body) in &doubled {
        let answer = acme
            .request(method, path)
            .header("content-type", "application/scim+json")
            .bytes(body.as_bytes())
            .send();
        answer.expect_error(400, "invalidSyntax");
    }
    assert_eq!(total(&acme), 1);
}

#[test]
fn attack_41_wrong_types_and_broken_documents_are_refused() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for name in
        [json!(12), json!(null), json!({}), json!([]), json!(true), json!(""), json!("  "), json!("\t")]
    {
        let mut body = user("x", &json!({}));
        body["userName"] = name;
        let refused = acme.post("/Users", &body).expect(400);
        assert!(
            matches!(refused.body["scimType"].as_str(), Some("invalidValue" | "invalidSyntax")),
            "{}",
            refused.text
        );
    }
    for more in [
        json!({ "active": "maybe" }),
        json!({ "active": 1 }),
        json!({ "emails": "x" }),
        json!({ "name": "x" }),
        json!({ "title": { "x": 1 } }),
        json!({ "emails": [{ "primary": "perhaps" }] }),
        json!({ "schemas": "x" }),
        json!({ "schemas": [1] }),
    ] {
        let refused = acme.post("/Users", &user("x", &more));
        assert_eq!(refused.status, 400, "{more}: {}", refused.text);
    }
    let good = user("x", &json!({})).to_string();
    let documents = [
        String::new(),
        " ".into(),
        "null".into(),
        "[]".into(),
        "\"x\"".into(),
        "12".into(),
        format!("[{good}]"),
        format!("{good} trailing"),
        format!("{good}{good}"),
        format!("{good}\u{0}"),
        good.replace('{', "{\"n\":1e999999,"),
        good.replace('{', "{\"n\":NaN,"),
        good.replace('{', "{\"n\":Infinity,"),
        good.replace('{', "{\"n\":01,"),
        good.replace('{', "{/* x */"),
        good.replace('}', ",}"),
        good.replace('"', "'"),
        good[..good.len() - 1].into(),
    ];
    for document in &documents {
        let refused = post(&acme, document.as_bytes());
        assert_eq!(refused.status, 400, "{document}: {}", refused.text);
        assert_eq!(refused.body["scimType"], "invalidSyntax", "{document}: {}", refused.text);
    }
    assert_eq!(total(&acme), 0);
}

#[test]
fn attack_42_characters_that_no_store_keeps_alike_are_refused() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let with = |name: &[u8]| {
        [format!("{{\"schemas\":[\"{}\"],\"userName\":\"", super::USER).as_bytes(), name, b"\"}"].concat()
    };
    let names: [&[u8]; 14] = [
        b"a\\u0000b",
        b"a\0b",
        b"a\\u0001",
        b"a\\u001f",
        b"a\\r\\nb",
        b"a\\u007f",
        b"\\ud800",
        b"\\udc00x",
        b"\\ud800\\ud800",
        b"a\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf8\x88\x80\x80\x80",
        b"a\x1b[31m",
    ];
    for name in names {
        let refused = post(&acme, &with(name)).expect(400);
        assert_no_leak(&refused, &[]);
    }
    let utf16: Vec<u8> =
        user("x", &json!({})).to_string().encode_utf16().flat_map(u16::to_le_bytes).collect();
    post(&acme, &utf16).expect_error(400, "invalidSyntax");
    let utf16_with_mark = [&[0xff, 0xfe], utf16.as_slice()].concat();
    post(&acme, &utf16_with_mark).expect_error(400, "invalidSyntax");
    // The same in queries and paths.
    for path in [
        "/Users?filter=userName%20eq%20%22a%00b%22",
        "/Users/%00",
        "/Users/%ff",
        "/Users?attributes=%00",
        "/Users?filter=%ff",
    ] {
        let answer = acme.get(path);
        assert!(matches!(answer.status, 200 | 400 | 404), "{path}: {} {}", answer.status, answer.text);
        assert_no_leak(&answer, &[]);
    }
    assert_eq!(total(&acme), 0);
}
