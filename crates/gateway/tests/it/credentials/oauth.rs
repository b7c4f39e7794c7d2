//! OAuth 2.0 client credentials: a secret for an access token (RFC 6749), and where (RFC 8414).

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use super::{added, asked, pair, text};
use crate::{
    attacks::face,
    people::{said, staff},
    running::{at, gateway, gateway_with, onboarded, roomy, two_processes, user_body, wait_for},
    tick::under,
};

const ALL: &str = "grant_type=client_credentials";

/// A form at the token endpoint of a tenant, with this `Authorization`.
fn sent(token_url: &str, authorization: Option<&str>, form: &str) -> Answer {
    let request = Request::new("POST", token_url).header("content-type", "application/x-www-form-urlencoded");
    let request =
        authorization.into_iter().fold(request, |request, sent| request.header("authorization", sent));
    request.bytes(form.as_bytes()).send()
}

/// An access token for the secret of this client, which must be right.
#[track_caller]
pub(crate) fn exchanged(client: &Value, more: &str) -> String {
    let basic = pair(text(client, "client_id"), text(client, "client_secret"));
    let answer = sent(text(client, "token_url"), Some(&basic), &format!("{ALL}{more}")).expect(200);
    text(&answer.body, "access_token").to_owned()
}

/// The tenant by this access token.
fn by(tenant: &Tenant, token: &str) -> Tenant {
    Tenant { token: token.to_owned(), ..tenant.clone() }
}

/// A part of a signed token.
fn part(token: &str, nth: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(nth).unwrap()).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)), "{}", answer.text);
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let challenge = answer.header("www-authenticate");
    assert_eq!(challenge, (status == 401).then_some("Bearer, Basic realm=\"usher\""), "{}", answer.text);
}

#[test]
fn a_client_exchanges_its_secret_for_a_token_that_opens_the_tenant() {
    let (gateway, acme) = roomy();
    let client = added(&gateway, &acme, "oauth", &[]);
    let (id, secret, url) =
        (text(&client, "client_id"), text(&client, "client_secret"), text(&client, "token_url"));
    assert_eq!(url, acme.base_url.replace("/scim/v2", "/oauth/token"));
    assert!(id.starts_with("ushc_ire_") && secret.starts_with("ushs_ire_"), "{client}");
    assert!(client["expires"].is_string(), "a secret ends by itself");
    let in_form = format!("{ALL}&client_id={id}&client_secret={secret}");
    for (authorization, form) in [(Some(pair(id, secret)), ALL), (None, in_form.as_str())] {
        let answer = sent(url, authorization.as_deref(), form).expect(200);
        let told = &answer.body;
        assert_eq!((&told["token_type"], &told["expires_in"]), (&json!("Bearer"), &json!(3600)), "{told}");
        assert_eq!(told["scope"], "read users groups");
        assert_eq!(
            (answer.header("cache-control"), answer.header("pragma")),
            (Some("no-store"), Some("no-cache"))
        );
        let held = by(&acme, text(told, "access_token"));
        held.get("/Users?count=1").expect(200);
    }
    let held = by(&acme, &exchanged(&client, ""));
    held.create_user("ada", "").expect(201);
    let config = held.get("/ServiceProviderConfig").expect(200).body;
    assert_eq!(config["authenticationSchemes"][1]["type"], "oauth2");
    // The secret itself opens nothing, and is in no log.
    asked(&acme, "GET", "/Users", &format!("Bearer {secret}")).send().expect_error(401, "");
    asked(&acme, "GET", "/Users", &pair(id, secret)).send().expect_error(401, "");
    let log = gateway.log();
    assert!(!log.contains(secret) && !log.contains(&held.token));
    assert_eq!(said(&gateway, &acme, &["credential", "list"])[1]["client_id"], id);
}

#[test]
fn a_token_has_the_scopes_that_were_asked_for_of_those_that_the_client_has() {
    let (gateway, acme) = roomy();
    let client = added(&gateway, &acme, "oauth", &["--scopes", "read,users"]);
    let read = by(&acme, &exchanged(&client, "&scope=read"));
    read.get("/Users").expect(200);
    let refusal = read.create_user("ada", "").expect_error(403, "");
    let challenge = refusal.header("www-authenticate").unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    for all in ["", "&scope=scim", "&scope=", "&scope=users+read"] {
        let held = by(&acme, &exchanged(&client, all));
        held.get("/Users").expect(200);
        held.create_user(&format!("ada{}", all.len()), "").expect(201);
        held.post("/Groups", &json!({ "displayName": "x" })).expect_error(403, "");
    }
    let basic = pair(text(&client, "client_id"), text(&client, "client_secret"));
    for none in ["groups", "read+groups", "admin"] {
        let answer = sent(text(&client, "token_url"), Some(&basic), &format!("{ALL}&scope={none}"));
        refused(&answer, 400, "invalid_scope");
    }
}

#[test]
fn a_wrong_request_gets_the_error_of_rfc_6749_section_5_2() {
    let (gateway, acme) = roomy();
    let client = added(&gateway, &acme, "oauth", &[]);
    let (id, secret, url) =
        (text(&client, "client_id"), text(&client, "client_secret"), text(&client, "token_url"));
    let basic = pair(id, secret);
    let right = Some(basic.as_str());
    refused(&sent(url, right, "grant_type=password"), 400, "unsupported_grant_type");
    refused(&sent(url, right, "scope=read"), 400, "invalid_request");
    refused(&sent(url, right, &format!("{ALL}&{ALL}")), 400, "invalid_request");
    let twice = format!("{ALL}&client_id={id}&client_secret={secret}");
    refused(&sent(url, right, &twice), 400, "invalid_request");
    let as_json = Request::new("POST", url)
        .header("authorization", &basic)
        .json(&json!({ "grant_type": "client_credentials" }));
    refused(&as_json.send(), 400, "invalid_request");
    let long = format!("{ALL}&x={}", "y".repeat(20_000));
    refused(&sent(url, right, &long), 400, "invalid_request");
    let got = Request::new("GET", url).header("authorization", &basic).send();
    refused(&got, 405, "invalid_request");
    assert_eq!(got.header("allow"), Some("POST"));
}

#[test]
fn attack_13_unknown_region_key_client_and_secret_are_one_answer() {
    let (gateway, acme) = roomy();
    let client = added(&gateway, &acme, "oauth", &[]);
    let (id, secret, url) =
        (text(&client, "client_id"), text(&client, "client_secret"), text(&client, "token_url"));
    let other = gateway.tenant("ire", "other", None, None);
    let foreign = added(&gateway, &other, "oauth", &[]);
    let basic = added(&gateway, &acme, "basic", &[]);
    let first = sent(url, Some(&pair("nobody", "nothing")), ALL);
    refused(&first, 401, "invalid_client");
    let zs = format!("ushs_ire_{}", "z".repeat(44));
    let wrong = [
        (url.to_owned(), None),
        (url.to_owned(), Some(pair(id, &zs))),
        (url.to_owned(), Some(pair("ushc_ire_zzzzzzzzzzzz", secret))),
        (url.to_owned(), Some(pair("", secret))),
        (url.to_owned(), Some(pair(text(&foreign, "client_id"), secret))),
        (url.to_owned(), Some(pair(text(&foreign, "client_id"), text(&foreign, "client_secret")))),
        (url.to_owned(), Some(pair(text(&basic, "key"), text(&basic, "secret")))),
        (url.to_owned(), Some(pair(id, &acme.token))),
        (url.replace("/acme/", "/nobody/"), Some(pair(id, secret))),
        (url.replace("/ire/", "/us/"), Some(pair(id, secret))),
        (url.replace("/ire/", "/mars/"), Some(pair(id, secret))),
        (url.to_owned(), Some(format!("Bearer {}", acme.token))),
    ];
    for (url, authorization) in wrong {
        let answer = sent(&url, authorization.as_deref(), ALL);
        assert_eq!(face(&answer), face(&first), "{url} {authorization:?}");
    }
    sent(url, Some(&pair(id, secret)), ALL).expect(200);
}

#[test]
fn attack_21_wrong_clients_are_counted_like_wrong_tokens() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "5")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let client = added(&gateway, &acme, "oauth", &[]);
    let id = text(&client, "client_id");
    let guess = |n: u32| {
        let secret = format!("ushs_ire_{}{n:032}", text(&client, "key_id"));
        sent(text(&client, "token_url"), Some(&pair(id, &secret)), ALL)
    };
    let statuses: Vec<u16> = (0..8).map(|n| guess(n).status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert!(guess(9).header("retry-after").is_some());
    // The right one is served all the same.
    by(&acme, &exchanged(&client, "")).get("/Users").expect(200);
}

#[test]
fn attack_19_two_secrets_live_at_once_and_the_tokens_of_a_revoked_one_end_with_the_next_request() {
    let (gateway, acme) = roomy();
    let first = added(&gateway, &acme, "oauth", &[]);
    let id = text(&first, "client_id");
    let second = added(&gateway, &acme, "oauth", &["--client-id", id]);
    assert_eq!(text(&second, "client_id"), id);
    assert_ne!(text(&first, "key_id"), text(&second, "key_id"));
    let (old, new) = (by(&acme, &exchanged(&first, "")), by(&acme, &exchanged(&second, "")));
    for held in [&old, &new] {
        held.get("/Users").expect(200);
    }
    said(&gateway, &acme, &["credential", "revoke", text(&first, "key_id")]);
    old.get("/Users").expect_error(401, "");
    new.get("/Users").expect(200);
    let basic = pair(id, text(&first, "client_secret"));
    refused(&sent(text(&first, "token_url"), Some(&basic), ALL), 401, "invalid_client");
    // A client of another tenant, and one that never was, get no secret.
    let other = gateway.tenant("ire", "other", None, None);
    for (tenant, client) in [(&other, id), (&acme, "ushc_ire_zzzzzzzzzzzz")] {
        let body = json!({ "kind": "oauth", "client_id": client });
        staff(&gateway, tenant, "POST", "/credentials", Some(&body)).expect(404);
    }
}

#[test]
fn an_access_token_that_has_expired_is_as_unknown_as_any() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let client = added(&gateway, &acme, "oauth", &[]);
    let held = by(&acme, &exchanged(&client, ""));
    let unknown = by(&acme, "rubbish").get("/Users");
    for offset in ["+0s", "+59m"] {
        clock.set(offset);
        held.get("/Users").expect(200);
    }
    // On a busy machine the new offset is noticed late.
    clock.set("+61m");
    wait_for("its end", || held.get("/Users").status != 200);
    assert_eq!(face(&held.get("/Users")), face(&unknown));
    by(&acme, &exchanged(&client, "")).get("/Users").expect(200);
}

#[test]
fn a_rotated_key_signs_no_more_and_what_it_signed_stays_valid() {
    let (gateway, acme) = roomy();
    let client = added(&gateway, &acme, "oauth", &[]);
    let before = exchanged(&client, "");
    let rotated = gateway.cli_ok(&["credential", "rotate-signing-key", "--region", "ire", "--json"]);
    let rotated: Value = serde_json::from_str(&rotated).unwrap();
    let after = exchanged(&client, "");
    assert_eq!(part(&after, 0)["kid"], rotated[0]["kid"]);
    assert_ne!(part(&before, 0)["kid"], part(&after, 0)["kid"]);
    for token in [&before, &after] {
        by(&acme, token).get("/Users").expect(200);
    }
    let all = gateway.cli_ok(&["credential", "rotate-signing-key", "--json"]);
    let all: Value = serde_json::from_str(&all).unwrap();
    assert!(all.as_array().unwrap().len() > 1, "{all}");
    let acts = gateway.admin("GET", "/acts?limit=1", None).expect(200).body;
    assert_eq!((&acts[0]["act"], &acts[0]["actor"]), (&json!("signing_key.added"), &json!("root")));
}

#[test]
fn a_token_outlives_a_restart_and_its_key_rests_sealed() {
    let (mut gateway, acme) = roomy();
    let client = added(&gateway, &acme, "oauth", &[]);
    let held = by(&acme, &exchanged(&client, ""));
    assert_eq!(gateway.stop(), Some(0));
    gateway.start_again();
    held.get("/Users").expect(200);
    let registry = gateway.data_dir().join("ire").join("registry.db");
    if registry.exists() {
        use std::os::unix::fs::PermissionsExt as _;
        let secret = gateway.data_dir().join("signing-secret");
        let mode = std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{mode:o}");
        // Without the secret the key is of no use: another one is made, and tokens that it signed end.
        assert_eq!(gateway.stop(), Some(0));
        std::fs::remove_file(&secret).unwrap();
        gateway.start_again();
        held.get("/Users").expect_error(401, "");
        by(&acme, &exchanged(&client, "")).get("/Users").expect(200);
    }
}

#[test]
fn attack_17_a_forged_token_opens_nothing() {
    let gateway = gateway();
    let (a, b) = (gateway.tenant("ire", "a", None, None), gateway.tenant("ire", "b", None, None));
    let far = gateway.tenant("us", "a", None, None);
    let client = added(&gateway, &a, "oauth", &["--scopes", "read"]);
    let token = exchanged(&client, "");
    by(&a, &token).get("/Users").expect(200);
    let unknown = by(&a, "rubbish").get("/Users");
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let [_, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let with = |value: &Value, name: &str, member: Value| {
        let mut value = value.clone();
        value[name] = member;
        value
    };
    let headed = |header: &Value| format!("{}.{payload}.{signature}", encoded(header));
    let claimed = |claims: &Value| format!("{}.{}.{signature}", encoded(&header), encoded(claims));
    let of_b = added(&gateway, &b, "oauth", &[]);
    let mut forged = vec![
        headed(&with(&header, "alg", json!("none"))),
        headed(&with(&header, "alg", json!("None"))),
        format!("{}.{payload}.", encoded(&with(&header, "alg", json!("none")))),
        format!("{}.{payload}.", encoded(&header)),
        headed(&with(&header, "alg", json!("HS256"))),
        headed(&with(&header, "alg", json!("RS256"))),
        headed(&with(&header, "alg", json!("ES256"))),
        headed(&with(&header, "alg", Value::Null)),
        headed(&with(&header, "kid", json!("ire.zzzzzzzzzzzz"))),
        headed(&with(&header, "kid", json!("us.zzzzzzzzzzzz"))),
        headed(&with(&header, "kid", json!("mars.zzzzzzzzzzzz"))),
        headed(&with(&header, "kid", json!("../../etc/passwd"))),
        headed(&with(&header, "kid", json!("ire.' OR 1=1 --"))),
        headed(&with(&header, "kid", Value::Null)),
        headed(&with(&header, "kid", json!(7))),
        headed(&with(&header, "jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }))),
        headed(&with(&header, "jku", json!("http://127.0.0.1:1/keys"))),
        headed(&with(&header, "x5u", json!("http://127.0.0.1:1/keys"))),
        headed(&with(&header, "crit", json!(["exp"]))),
        claimed(&with(&claims, "scope", json!("read users groups"))),
        claimed(&with(&claims, "key", of_b["key_id"].clone())),
        claimed(&with(&claims, "exp", json!(99_999_999_999_i64))),
        claimed(&with(&claims, "exp", json!("99999999999"))),
        claimed(&with(&claims, "sub", json!("other"))),
        format!("{token}A"),
        format!("{token}."),
        format!("{token}.x"),
        token.replace('.', ".."),
        token.rsplit_once('.').unwrap().0.to_owned(),
        format!("ey.ey.{signature}"),
        format!("ey{}.x.y", "A".repeat(7_000)),
    ];
    let (rest, last) = token.split_at(token.len() - 2);
    forged.push(format!("{rest}{}", if last == "AA" { "BA" } else { "AA" }));
    for forged in &forged {
        assert_eq!(face(&by(&a, forged).get("/Users")), face(&unknown), "{forged}");
    }
    // A genuine token at another tenant's base is as wrong as any, and at another region's it is told its own.
    assert_eq!(face(&by(&b, &token).get("/Users")), face(&unknown));
    let told = by(&far, &token).get("/Users").expect_error(401, "");
    assert!(text(&told.body, "detail").contains(&a.base_url), "{}", told.text);
    let url = format!("{}/admin/v1/regions", gateway.url);
    Request::new("GET", &url).bearer(&token).send().expect(401);
    by(&a, &token).get("/Users").expect(200);
}

#[test]
fn the_metadata_of_a_tenant_that_is_not_there_are_the_same() {
    let (gateway, acme) = roomy();
    let at = |region: &str, key: &str| {
        let url = format!("{}/.well-known/oauth-authorization-server/{region}/{key}", gateway.url);
        Request::new("GET", &url).send()
    };
    let known = at("ire", "acme").expect(200);
    let issuer = acme.base_url.replace("/scim/v2", "");
    assert_eq!(known.body["issuer"], issuer);
    assert_eq!(known.body["token_endpoint"], format!("{issuer}/oauth/token"));
    assert_eq!(known.body["grant_types_supported"], json!(["client_credentials"]));
    let unknown = at("ire", "nobody").expect(200);
    assert_eq!(unknown.text.replace("nobody", "acme"), known.text);
    let names =
        |answer: &Answer| answer.headers.iter().map(|(name, _)| name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(&known), names(&unknown));
    for (region, key) in [("mars", "acme"), ("ire", "a/b"), ("ire", "%2e%2e"), ("ire", "A_B")] {
        at(region, key).expect(404);
    }
}

#[test]
fn what_a_profile_does_not_name_is_not_made_and_a_secret_ends_within_three_years() {
    let (gateway, expert) = onboarded(&json!({ "key": "acme", "name": "Acme", "profile": "cxone-expert" }));
    let refused =
        staff(&gateway, &expert, "POST", "/credentials", Some(&json!({ "kind": "oauth" }))).expect(400);
    assert!(text(&refused.body, "detail").contains("basic, bearer, not oauth"), "{}", refused.text);
    let open = gateway.tenant("ire", "open", None, None);
    for days in [0, 1_097] {
        let body = json!({ "kind": "oauth", "expires_in_days": days });
        staff(&gateway, &open, "POST", "/credentials", Some(&body)).expect(400);
    }
    let body = json!({ "kind": "basic", "client_id": "x" });
    staff(&gateway, &open, "POST", "/credentials", Some(&body)).expect(400);
}

#[test]
fn a_token_of_one_process_is_good_at_another_until_its_secret_is_revoked() {
    let [one, other] = two_processes(&[]);
    let acme = one.tenant("ire", "acme", None, None);
    let client = added(&one, &acme, "oauth", &[]);
    let token = exchanged(&client, "");
    let there = by(&at(&other, &acme), &token);
    there.get("/Users").expect(200);
    there.post("/Users", &user_body(&json!({ "userName": "ada" }))).expect(201);
    one.cli_ok(&["credential", "rotate-signing-key"]);
    let rotated = exchanged(&client, "");
    by(&at(&other, &acme), &rotated).get("/Users").expect(200);
    said(&one, &acme, &["credential", "revoke", text(&client, "key_id")]);
    by(&acme, &token).get("/Users").expect_error(401, "");
    wait_for("the other process refuses it", || there.get("/Users").status == 401);
}

#[test]
fn a_token_follows_its_tenant_and_ends_with_it() {
    let gateway: Gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let client = added(&gateway, &acme, "oauth", &[]);
    let held = by(&acme, &exchanged(&client, ""));
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
    held.get("/Users").expect_error(403, "");
    // A suspended tenant's client gets its token, and with it the answer that says why.
    exchanged(&client, "");
    gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(200);
    held.get("/Users").expect(200);
    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    held.get("/Users").expect_error(401, "");
}
