//! Credentials: odd, doubled, of another kind, revoked, guessed (rows 15, 16, 18 to 21).

use serde_json::json;
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use super::{face, gateway, gateway_with, roomy};

/// Asks with this `Authorization`, byte for byte.
fn ask(gateway: &Gateway, tenant: &Tenant, authorization: &[u8]) -> testkit::wire::Heard {
    let path = tenant.base_url.trim_start_matches(&gateway.url);
    let mut request = format!("GET {path}/Users HTTP/1.1\r\nHost: {}\r\n", gateway.host()).into_bytes();
    if !authorization.is_empty() {
        request.extend_from_slice(b"Authorization: ");
        request.extend_from_slice(authorization);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"Connection: close\r\n\r\n");
    gateway.talk(&request)
}

#[test]
fn attack_15_no_empty_and_odd_credentials_open_nothing() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let token = acme.token.clone();
    let (head, tail) = token.split_at(20);
    let shapes: Vec<Vec<u8>> = [
        String::new(),
        " ".into(),
        "Bearer".into(),
        "Bearer ".into(),
        "Bearer  ".into(),
        "Bearer null".into(),
        "Bearer undefined".into(),
        "Bearer *".into(),
        token.clone(),
        format!("Basic {token}"),
        format!("Token {token}"),
        "Basic Og==".into(),
        "Basic YWRtaW46YWRtaW4=".into(),
        format!("Bearer \"{token}\""),
        format!("Bearer {token},{token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer{token}"),
        format!("Bearer={token}"),
        format!("Bearer {token}="),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {head}"),
        format!("Bearer {head}%00{tail}"),
        format!("Bearer {}", "x".repeat(8000)),
        "Bearer ush_ire_".into(),
        "Bearer ush__".into(),
        "Digest username=\"x\"".into(),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([b"Bearer \xff\xfe".to_vec(), [b"Bearer ", token.as_bytes(), b"\xff"].concat()])
    .collect();
    for shape in shapes {
        let heard = ask(&gateway, &acme, &shape);
        let shown = String::from_utf8_lossy(&shape).into_owned();
        assert_eq!(heard.statuses(), [401], "{shown:.80}: {}", heard.text);
        let text = heard.text.to_ascii_lowercase();
        assert!(text.contains("www-authenticate: bearer"), "{text}");
        assert!(text.contains("urn:ietf:params:scim:api:messages:2.0:error"), "{text}");
        assert!(!heard.text.contains(tail), "{}", heard.text);
    }
    for good in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER   {token}  ")] {
        assert_eq!(ask(&gateway, &acme, good.as_bytes()).statuses(), [200], "{good}");
    }
}

#[test]
fn attack_16_a_token_counts_in_one_header_only() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for name in ["access_token", "token", "bearer", "authorization"] {
        let url = format!("{}/Users?{name}={}", acme.base_url, acme.token);
        Request::new("GET", &url).send().expect_error(401, "");
    }
    for name in ["x-api-key", "x-auth-token", "proxy-authorization", "cookie"] {
        Request::new("GET", &format!("{}/Users", acme.base_url))
            .header(name, &acme.token)
            .send()
            .expect_error(401, "");
    }
    let form = Request::new("POST", &format!("{}/Users", acme.base_url))
        .header("content-type", "application/x-www-form-urlencoded");
    form.bytes(format!("access_token={}", acme.token).as_bytes()).send().expect_error(401, "");
    let twice = [
        format!("Bearer {}", acme.token),
        format!("Bearer {}\r\nAuthorization: Bearer {}", acme.token, acme.token),
    ];
    assert_eq!(ask(&gateway, &acme, twice[0].as_bytes()).statuses(), [200]);
    assert_eq!(ask(&gateway, &acme, twice[1].as_bytes()).statuses(), [401]);
    assert_eq!(
        ask(&gateway, &acme, format!("Bearer x\r\nAuthorization: Bearer {}", acme.token).as_bytes())
            .statuses(),
        [401]
    );
}

#[test]
fn attack_18_a_suspended_tenants_token_is_told_so_and_nothing_is_done() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    acme.create_user("ada", "").expect(201);
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
    let suspended = [
        acme.get("/Users"),
        acme.get("/ServiceProviderConfig"),
        acme.create_user("bob", ""),
        acme.delete(super::NOBODY),
        acme.get("/nothing"),
    ];
    for answer in suspended {
        assert!(answer.expect_error(403, "").body["detail"].as_str().unwrap().contains("suspended"));
    }
    let mut unknown = acme.clone();
    unknown.token = format!("ush_ire_{}", "z".repeat(44));
    unknown.get("/Users").expect_error(401, "");
    gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(200);
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn attack_19_a_revoked_token_ends_at_once_and_the_others_live_on() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let issued = gateway.admin("POST", &format!("{}/tokens", acme.admin_path()), None).expect(201).body;
    let mut second = acme.clone();
    second.token = issued["token"].as_str().unwrap().to_owned();
    // Both are in the cache.
    second.get("/Users").expect(200);
    acme.get("/Users").expect(200);
    let path = format!("{}/tokens/{}", acme.admin_path(), issued["key_id"].as_str().unwrap());
    gateway.admin("DELETE", &path, None).expect(204);
    second.get("/Users").expect_error(401, "");
    second.create_user("eve", "").expect_error(401, "");
    acme.get("/Users").expect(200);
    gateway.admin("DELETE", &path, None).expect(404);
}

#[test]
fn attack_19_one_tenant_cannot_revoke_or_list_the_tokens_of_another() {
    let gateway = gateway();
    let (a, b) = (roomy(&gateway, "ire", "a"), roomy(&gateway, "ire", "b"));
    let key_id =
        gateway.admin("GET", &format!("{}/tokens", b.admin_path()), None).expect(200).body[0]["key_id"]
            .clone();
    let crossed = format!("{}/tokens/{}", a.admin_path(), key_id.as_str().unwrap());
    gateway.admin("DELETE", &crossed, None).expect(404);
    b.get("/Users").expect(200);
}

/// Tries `count` different secrets for one key id.
fn guess(tenant: &Tenant, key_id: &str, count: u32) -> Vec<Answer> {
    let try_one = |n: u32| {
        let token = format!("ush_ire_{key_id}{n:032}");
        Request::new("GET", &format!("{}/Users", tenant.base_url)).bearer(&token).send()
    };
    (0..count).map(try_one).collect()
}

#[test]
fn attack_21_guessing_is_slowed_after_the_limit_and_not_before() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "40")]);
    let acme = roomy(&gateway, "ire", "acme");
    let other = roomy(&gateway, "us", "other");
    let key_id = &acme.token["ush_ire_".len().."ush_ire_".len() + 12];
    let answers = guess(&acme, key_id, 60);
    let statuses: Vec<u16> = answers.iter().map(|a| a.status).collect();
    assert_eq!(statuses[..40], [401; 40]);
    assert_eq!(statuses[40..], [429; 20]);
    let refused = answers.last().unwrap().clone().expect_error(429, "");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=600).contains(&wait), "{wait}");
    assert!(answers[..40].iter().all(|a| face(a) == face(&answers[0])));
    // Who is right is served: the very key id that was guessed, from the very address, and everybody else.
    acme.get("/Users").expect(200);
    acme.create_user("ada", "").expect(201);
    other.get("/Users").expect(200);
    gateway.admin("GET", "/regions", None).expect(200);
    let metrics = gateway.metrics();
    assert!(metrics.contains("usher_auth_failures_total{reason=\"limited\",region=\"ire\"} 20"), "{metrics}");
}

#[test]
fn attack_21_the_limit_that_ships_lets_a_thousand_mistakes_pass() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let answers = guess(&acme, "unknownkeyid", 1010);
    let first_slowed = answers.iter().position(|a| a.status == 429);
    assert_eq!(first_slowed, Some(1000));
    assert!(answers[..1000].iter().all(|a| a.status == 401));
    acme.get("/Users").expect(200);
}

#[test]
fn attack_21_the_admin_token_cannot_be_guessed_without_end() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "10")]);
    let guess = |n: u32| {
        Request::new("GET", &format!("{}/admin/v1/regions", gateway.url))
            .bearer(&format!("ush_admin_{n:040}"))
            .send()
    };
    let statuses: Vec<u16> = (0..15).map(|n| guess(n).status).collect();
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 5]);
    let refused = guess(99);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    gateway.admin("GET", "/regions", None).expect(200);
}

#[test]
fn an_expired_token_is_as_unknown_as_any() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let issued = gateway
        .admin("POST", &format!("{}/tokens", acme.admin_path()), Some(&json!({ "expires_in_days": 1 })))
        .expect(201);
    let mut dated = acme.clone();
    dated.token = issued.body["token"].as_str().unwrap().to_owned();
    dated.get("/Users").expect(200);
    // A day later: the registry says so when the gateway starts again.
    let mut gateway = gateway;
    assert_eq!(gateway.stop(), Some(0));
    let key_id = issued.body["key_id"].as_str().unwrap();
    let registry = gateway.data_dir().join("ire").join("registry.db");
    super::sql(&registry, &format!("UPDATE credentials SET expires_ms = 1 WHERE key_id = '{key_id}'"));
    gateway.start_again();
    let unknown = Request::new("GET", &format!("{}/Users", acme.base_url)).send();
    assert_eq!(face(&dated.get("/Users")), face(&unknown));
    acme.get("/Users").expect(200);
    for days in [0, -1, 1_000_000_000] {
        let path = format!("{}/tokens", acme.admin_path());
        gateway.admin("POST", &path, Some(&json!({ "expires_in_days": days }))).expect(400);
    }
}
