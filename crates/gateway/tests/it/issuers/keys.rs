//! Where keys come from: who is called, how often, and what happens while an issuer is down.

use serde_json::json;
use testkit::{http::Answer, signing::SigningKey};

use super::{
    AUDIENCE, probe,
    server::{Behaviour, Issuer, is_empty, nowhere, trap},
    token, trust, trusting,
};
use crate::{
    credentials::added,
    running::{gateway_with, wait_for},
};

/// 503, and when to come again: a 401 would end the sync.
#[track_caller]
fn later(answer: &Answer) {
    answer.clone().expect_error(503, "");
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
}

#[test]
fn an_issuer_that_is_down_is_503_while_its_key_is_unknown_and_known_keys_go_on() {
    let (gateway, old, new) = (trusting(), SigningKey::rsa(0, "old"), SigningKey::rsa(1, "new"));
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&old]));
    trust(&gateway, &acme, &issuer, &[]);
    let (by_old, by_new) = (token(&old, &issuer, json!({})), token(&new, &issuer, json!({})));
    let (place, trap) = trap();
    let long = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(70_000));
    let says = |status: &str, body: &str| Behaviour::Says(status.to_owned(), body.to_owned());
    let down = [
        Behaviour::Refuses,
        Behaviour::Slow,
        says("500 Oops", "{}"),
        says("404 Not Found", "{\"keys\":[]}"),
        says("200 OK", "<html>"),
        says("200 OK", "[]"),
        says("200 OK", "{\"keys\":[]}"),
        says("200 OK", &long),
        Behaviour::Redirects(format!("{place}/keys")),
    ];
    for behaviour in down {
        issuer.does(behaviour);
        let before = issuer.asked();
        wait_for("a fetch", || {
            later(&probe(&acme, &by_old));
            issuer.asked() > before
        });
    }
    assert!(is_empty(&trap), "a redirect was followed");
    issuer.shows(&[&old]);
    wait_for("the key", || probe(&acme, &by_old).status == 200);
    issuer.does(Behaviour::Refuses);
    later(&probe(&acme, &by_new));
    probe(&acme, &by_old).expect(200);
    let metrics = gateway.metrics();
    assert!(metrics.contains("usher_jwks_fetches_total{outcome=\"ok\"} 1"), "{metrics}");
    assert!(gateway.log().contains("the keys of an issuer cannot be fetched"));
}

#[test]
fn a_key_that_is_changed_in_mid_run_is_fetched_and_the_withdrawn_one_is_refused() {
    let (gateway, old, new) = (trusting(), SigningKey::rsa(0, "old"), SigningKey::rsa(1, "new"));
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&old]));
    trust(&gateway, &acme, &issuer, &[]);
    let (by_old, by_new) = (token(&old, &issuer, json!({})), token(&new, &issuer, json!({})));
    let unknown = SigningKey::rsa(1, "unknown");
    probe(&acme, &token(&unknown, &issuer, json!({}))).expect_error(401, "");
    probe(&acme, &by_old).expect(200);
    issuer.shows(&[&new]);
    wait_for("the new key", || probe(&acme, &by_new).status == 200);
    probe(&acme, &by_old).expect_error(401, "");
    // Another key under a known name is another key.
    let (again, swapped) = (SigningKey::rsa(0, "new"), issuer.asked());
    issuer.shows(&[&again]);
    wait_for("a fetch", || {
        probe(&acme, &by_old);
        issuer.asked() > swapped
    });
    wait_for("it is refused", || probe(&acme, &by_new).status == 401);
    probe(&acme, &token(&again, &issuer, json!({}))).expect(200);
}

#[test]
fn a_new_key_is_503_until_a_fetch_is_due() {
    let (old, new) = (SigningKey::rsa(0, "old"), SigningKey::rsa(1, "new"));
    // At most one fetch a minute, as by default.
    let gateway = gateway_with(&[("USHER__AUTH__INSECURE_JWKS", "true")]);
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&old]));
    trust(&gateway, &acme, &issuer, &[]);
    let (by_old, by_new) = (token(&old, &issuer, json!({})), token(&new, &issuer, json!({})));
    probe(&acme, &by_old).expect(200);
    issuer.shows(&[&new]);
    later(&probe(&acme, &by_new));
    probe(&acme, &by_old).expect(200);
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn a_key_that_an_issuer_lacked_before_it_went_down_is_503_not_401() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&key]));
    trust(&gateway, &acme, &issuer, &[]);
    let unknown = token(&SigningKey::rsa(1, "unknown"), &issuer, json!({}));
    probe(&acme, &unknown).expect_error(401, "");
    issuer.does(Behaviour::Refuses);
    wait_for("a fetch that fails", || probe(&acme, &unknown).status == 503);
    later(&probe(&acme, &unknown));
}

#[test]
fn another_tenants_trust_in_the_issuer_makes_no_401_of_a_503() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let [a, b] = ["a", "b"].map(|key| gateway.tenant("ire", key, None, None));
    let far = gateway.tenant("us", "c", None, None);
    super::by_file(&gateway, &a, &[&key], &[]);
    let nowhere = nowhere();
    for tenant in [&b, &far] {
        let words = ["--issuer", super::BY_FILE, "--audience", AUDIENCE, "--jwks-url", &nowhere];
        added(&gateway, tenant, "issuer", &words);
    }
    let held = key.token(&super::claims(super::BY_FILE, json!({})));
    probe(&a, &held).expect(200);
    later(&probe(&b, &held));
    later(&probe(&far, &held));
}

#[test]
fn silent_issuers_keep_no_other_issuer_waiting() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let acme = gateway.tenant("ire", "acme", None, None);
    let silent: Vec<Issuer> = (0..12).map(|_| Issuer::start(&[&key])).collect();
    for issuer in &silent {
        issuer.does(Behaviour::Slow);
        trust(&gateway, &acme, issuer, &[]);
    }
    let healthy = Issuer::start(&[&key]);
    trust(&gateway, &acme, &healthy, &[]);
    let tokens: Vec<String> = silent.iter().map(|issuer| token(&key, issuer, json!({}))).collect();
    // The second time they are known to be down, and have room of their own.
    for _ in 0..2 {
        let answers = testkit::at_once::at_once(tokens.len(), |n| probe(&acme, &tokens[n]).status);
        assert!(answers.iter().all(|status| *status == 503), "{answers:?}");
        std::thread::sleep(std::time::Duration::from_millis(2_100));
    }
    let held = token(&key, &healthy, json!({}));
    let answers = testkit::at_once::at_once(tokens.len() + 1, |n| match tokens.get(n) {
        Some(token) => probe(&acme, token).status,
        None => probe(&acme, &held).status,
    });
    assert_eq!((answers.last(), answers.first()), (Some(&200), Some(&503)), "{answers:?}");
}

#[test]
fn many_requests_for_a_new_key_are_one_fetch() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&key]));
    trust(&gateway, &acme, &issuer, &[]);
    let held = token(&key, &issuer, json!({}));
    let answers = testkit::at_once::at_once(12, |_| probe(&acme, &held).status);
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn keys_come_over_https_from_the_named_authority() {
    let key = SigningKey::p256("one");
    let (issuer, stranger) = (Issuer::start_tls(&[&key]), Issuer::start_tls(&[&key]));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authority.pem");
    std::fs::write(&file, &issuer.authority).unwrap();
    let gateway = gateway_with(&[
        ("USHER__AUTH__INSECURE_JWKS", "true"),
        ("USHER__AUTH__JWKS_CA_FILE", file.to_str().unwrap()),
    ]);
    let acme = gateway.tenant("ire", "acme", None, None);
    for issuer in [&issuer, &stranger] {
        trust(&gateway, &acme, issuer, &["--algorithms", "ES256"]);
    }
    probe(&acme, &token(&key, &issuer, json!({}))).expect(200);
    later(&probe(&acme, &token(&key, &stranger, json!({}))));
    let heard = issuer.heard();
    assert!(heard.starts_with("GET /keys HTTP/1.1\r\n") && !heard.contains("traceparent"), "{heard}");
}

#[test]
fn attack_51_no_address_of_our_own_network_is_called() {
    let (gateway, key) = (gateway_with(&[]), SigningKey::rsa(0, "one"));
    let acme = gateway.tenant("ire", "acme", None, None);
    let (place, trap) = trap();
    let port = place.rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"] {
        let (issuer, url) = (format!("https://{host}/"), format!("https://{host}:{port}/keys"));
        let words = ["--issuer", &issuer, "--audience", AUDIENCE, "--jwks-url", &url];
        added(&gateway, &acme, "issuer", &words);
        later(&probe(&acme, &key.token(&super::claims(&issuer, json!({})))));
    }
    assert!(is_empty(&trap));
    let plain = ["credential", "add", "issuer", "--region", "ire", "--key", "acme", "--issuer", "x"];
    let output = gateway.cli(&[&plain[..], &["--audience", "y", "--jwks-url", &nowhere()]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("https"), "{output:?}");
}
