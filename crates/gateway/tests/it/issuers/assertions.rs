//! Clients that prove themselves by an assertion of an issuer (RFC 7523 §2.2), as Entra's workload identity does.

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
    signing::SigningKey,
};

use super::{
    by, now, probe,
    server::{Behaviour, Issuer},
    token, trust, trusting,
};
use crate::{
    attacks::face,
    credentials::{added, text},
    people::said,
    running::{at, two_processes},
};

const TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";

/// The answer of the token endpoint to this assertion.
fn sent(token_url: &str, assertion: &str, more: &str) -> Answer {
    let form = format!(
        "grant_type=client_credentials&client_assertion_type={TYPE}&client_assertion={assertion}{more}"
    );
    Request::new("POST", token_url)
        .header("content-type", "application/x-www-form-urlencoded")
        .bytes(form.as_bytes())
        .send()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)), "{}", answer.text);
}

/// A tenant that trusts an issuer to prove this client, with the words of the trust.
fn client(gateway: &Gateway, issuer: &Issuer, more: &[&str]) -> (Tenant, Value) {
    let acme = gateway.tenant("ire", "acme", None, None);
    let trusted = trust(gateway, &acme, issuer, &[&["--for", "assertion"], more].concat());
    (acme, trusted)
}

#[test]
fn a_client_of_entra_exchanges_its_assertion_for_a_token_that_opens_the_tenant() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let issuer = Issuer::start(&[&key]);
    let subject = "sub=3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    let (acme, trusted) = client(&gateway, &issuer, &["--client-id", "entra", "--claim", subject]);
    let url = text(&trusted, "token_url");
    assert_eq!(url, acme.base_url.replace("/scim/v2", "/oauth/token"));
    assert_eq!((&trusted["client_id"], &trusted["for"]), (&json!("entra"), &json!("assertion")));
    let entras = json!({ "sub": "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "jti": null });
    let assertion = token(&key, &issuer, entras);
    // Entra sends no `jti`, so its assertion may come again until it expires.
    for more in ["", "&client_id=entra", "&client_id=entra&scope=scim"] {
        let told = sent(url, &assertion, more).expect(200).body;
        assert_eq!((&told["token_type"], &told["scope"]), (&json!("Bearer"), &json!("read users groups")));
        by(&acme, text(&told, "access_token")).get("/Users").expect(200);
    }
    let told = sent(url, &assertion, "&scope=read").expect(200).body;
    let held = by(&acme, text(&told, "access_token"));
    held.create_user("ada", "").expect_error(403, "");
    // The assertion opens no other door.
    probe(&acme, &assertion).expect_error(401, "");
    let log = gateway.log();
    assert!(!log.contains(&assertion) && !log.contains(&held.token));
    said(&gateway, &acme, &["credential", "revoke", text(&trusted, "key_id")]);
    held.get("/Users").expect_error(401, "");
    refused(&sent(url, &assertion, ""), 401, "invalid_client");
}

#[test]
fn an_assertion_of_the_client_itself_names_it_as_its_subject() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let issuer = Issuer::start(&[&key]);
    let (acme, trusted) = client(&gateway, &issuer, &[]);
    let (id, url) = (text(&trusted, "client_id"), text(&trusted, "token_url"));
    assert!(id.starts_with("ushc_ire_"), "{trusted}");
    sent(url, &token(&key, &issuer, json!({ "sub": id })), "").expect(200);
    for sub in [json!("other"), Value::Null, json!([id])] {
        refused(&sent(url, &token(&key, &issuer, json!({ "sub": sub })), ""), 401, "invalid_client");
    }
    // A client may have secrets beside it.
    let secret = added(&gateway, &acme, "oauth", &[]);
    let own = ["--for", "assertion", "--client-id", text(&secret, "client_id")];
    trust(&gateway, &acme, &issuer, &own);
    let assertion = token(&key, &issuer, json!({ "sub": secret["client_id"] }));
    sent(url, &assertion, "").expect(200);
    refused(&sent(url, &assertion, &format!("&client_id={id}")), 401, "invalid_client");
    let metadata =
        acme.base_url.replace("/ire/acme/scim/v2", "/.well-known/oauth-authorization-server/ire/acme");
    let metadata = Request::new("GET", &metadata).send().expect(200).body;
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("private_key_jwt")), "{metadata}");
}

#[test]
fn attack_17_a_wrong_assertion_is_an_invalid_client_whatever_is_wrong_with_it() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let issuer = Issuer::start(&[&key]);
    let (acme, trusted) = client(&gateway, &issuer, &["--client-id", "entra", "--claim", "sub=sync"]);
    let other = gateway.tenant("ire", "other", None, None);
    let far = gateway.tenant("us", "acme", None, None);
    let bearer = Issuer::start(&[&key]);
    trust(&gateway, &acme, &bearer, &[]);
    let url = text(&trusted, "token_url");
    let first = sent(url, "rubbish", "");
    refused(&first, 401, "invalid_client");
    let stranger = SigningKey::rsa(1, "one");
    let of = |changes: Value| token(&key, &issuer, changes);
    let good = || of(json!({}));
    let at = |tenant: &Tenant| tenant.base_url.replace("/scim/v2", "/oauth/token");
    let wrong = [
        (url.to_owned(), of(json!({ "iss": "https://elsewhere.example.com/" })), ""),
        (url.to_owned(), of(json!({ "aud": "api://other" })), ""),
        (url.to_owned(), of(json!({ "aud": null })), ""),
        (url.to_owned(), of(json!({ "sub": "other" })), ""),
        (url.to_owned(), of(json!({ "sub": "SYNC" })), ""),
        (url.to_owned(), of(json!({ "sub": null })), ""),
        (url.to_owned(), of(json!({ "exp": null })), ""),
        (url.to_owned(), of(json!({ "exp": now() - 300 })), ""),
        (url.to_owned(), of(json!({ "exp": now() + 91 * 60 })), ""),
        (url.to_owned(), of(json!({ "nbf": now() + 300 })), ""),
        (url.to_owned(), stranger.token(&super::claims(&issuer.name(), json!({}))), ""),
        (url.to_owned(), key.token_with(&json!({ "alg": "none", "kid": "one" }), &json!({})), ""),
        (
            url.to_owned(),
            key.token_with(
                &json!({ "alg": "HS256", "kid": "one" }),
                &super::claims(&issuer.name(), json!({})),
            ),
            "",
        ),
        (
            url.to_owned(),
            key.token_with(&json!({ "alg": "RS256" }), &super::claims(&issuer.name(), json!({}))),
            "",
        ),
        (url.to_owned(), token(&key, &bearer, json!({})), ""),
        (url.to_owned(), good(), "&client_id=other"),
        (url.to_owned(), good(), "&client_id="),
        (at(&other), good(), ""),
        (at(&far), good(), ""),
        (url.replace("/acme/", "/nobody/"), good(), ""),
        (url.replace("/ire/", "/mars/"), good(), ""),
    ];
    for (url, assertion, more) in wrong {
        assert_eq!(face(&sent(&url, &assertion, more)), face(&first), "{url} {assertion} {more}");
    }
    sent(url, &good(), "").expect(200);
    sent(url, &of(json!({ "exp": now() + 89 * 60 })), "").expect(200);
    // What is wrong with the request itself is told.
    let form = |body: String| {
        Request::new("POST", url)
            .header("content-type", "application/x-www-form-urlencoded")
            .bytes(body.as_bytes())
            .send()
    };
    let typeless = form(format!("grant_type=client_credentials&client_assertion={}", good()));
    refused(&typeless, 400, "invalid_request");
    refused(&sent(url, &good(), "&client_secret=x"), 400, "invalid_request");
}

#[test]
fn an_assertion_with_a_jti_is_good_once_also_after_a_restart() {
    let (mut gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let issuer = Issuer::start(&[&key]);
    let (acme, trusted) = client(&gateway, &issuer, &["--client-id", "entra", "--claim", "sub=sync"]);
    let url = text(&trusted, "token_url").to_owned();
    let of = |jti: Value| token(&key, &issuer, json!({ "jti": jti }));
    let once = of(json!("a"));
    // A request that fails for another reason does not use it up.
    refused(&sent(&url, &once, "&scope=admin"), 400, "invalid_scope");
    let told = sent(&url, &once, "").expect(200).body;
    refused(&sent(&url, &once, ""), 401, "invalid_client");
    let same_name = token(&key, &issuer, json!({ "jti": "a", "exp": now() + 60 }));
    refused(&sent(&url, &same_name, ""), 401, "invalid_client");
    sent(&url, &of(json!("b")), "").expect(200);
    let third = of(json!("c"));
    let answers = testkit::at_once::at_once(8, |_| sent(&url, &third, "").status);
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    gateway.kill();
    gateway.start_again();
    refused(&sent(&url, &once, ""), 401, "invalid_client");
    by(&acme, text(&told, "access_token")).get("/Users").expect(200);
}

#[test]
fn an_assertion_that_one_process_has_seen_is_refused_by_another() {
    let [one, other] = two_processes(&[("USHER__AUTH__INSECURE_JWKS", "true")]);
    let key = SigningKey::rsa(0, "one");
    let issuer = Issuer::start(&[&key]);
    let (acme, trusted) = client(&one, &issuer, &["--client-id", "entra", "--claim", "sub=sync"]);
    let there = at(&other, &acme).base_url.replace("/scim/v2", "/oauth/token");
    let once = token(&key, &issuer, json!({ "jti": "a" }));
    sent(text(&trusted, "token_url"), &once, "").expect(200);
    refused(&sent(&there, &once, ""), 401, "invalid_client");
    sent(&there, &token(&key, &issuer, json!({ "jti": "b" })), "").expect(200);
}

#[test]
fn an_issuer_that_is_down_is_503_at_the_token_endpoint_too() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let issuer = Issuer::start(&[&key]);
    issuer.does(Behaviour::Refuses);
    let (_, trusted) = client(&gateway, &issuer, &["--client-id", "entra", "--claim", "sub=sync"]);
    let answer = sent(text(&trusted, "token_url"), &token(&key, &issuer, json!({})), "");
    refused(&answer, 503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
}
