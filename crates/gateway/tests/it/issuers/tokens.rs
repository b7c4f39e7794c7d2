//! Tokens of a trusted issuer, sent with requests.

use serde_json::{Value, json};
use testkit::{
    gateway::Tenant,
    signing::{SigningKey, encoded, key_set},
};

use super::{
    AUDIENCE, BY_FILE, by, by_file, claims, now, probe,
    server::{Issuer, is_empty, trap},
    token, trust, trusting,
};
use crate::{
    attacks::face,
    credentials::{added, text},
    people::{said, staff},
};

#[test]
fn a_token_of_a_trusted_issuer_opens_the_tenant_that_trusts_it() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&key]));
    let trusted = trust(&gateway, &acme, &issuer, &[]);
    assert_eq!(
        trusted,
        json!({
            "key_id": trusted["key_id"], "kind": "issuer", "base_url": acme.base_url, "expires": null,
            "issuer": issuer.name(), "audiences": [AUDIENCE], "jwks_url": issuer.url(), "algorithms": ["RS256"],
            "claims": {}, "for": "bearer",
        })
    );
    let held = by(&acme, &token(&key, &issuer, json!({})));
    held.get("/Users?count=1").expect(200);
    held.create_user("ada", "").expect(201);
    for aud in [json!(AUDIENCE), json!(["other", AUDIENCE])] {
        probe(&acme, &token(&key, &issuer, json!({ "aud": aud }))).expect(200);
    }
    // Times may have fractions, and an issuer's clock may be a little ahead.
    let exp: serde_json::Number = format!("{}.5", now() + 600).parse().unwrap();
    let late = json!({ "exp": exp, "nbf": now() + 30 });
    probe(&acme, &token(&key, &issuer, late)).expect(200);
    assert_eq!(issuer.asked(), 1, "one fetch for all");
    let schemes = held.get("/ServiceProviderConfig").expect(200).body["authenticationSchemes"].clone();
    assert_eq!((&schemes[1]["type"], &schemes[2]), (&json!("oauthbearertoken"), &Value::Null), "{schemes}");
    assert_eq!(schemes[1]["name"], "Token of a trusted issuer");
    let listed = said(&gateway, &acme, &["credential", "list"]);
    assert_eq!((&listed[1]["issuer"], &listed[1]["kind"]), (&json!(issuer.name()), &json!("issuer")));
    assert!(listed[1]["last_used"].is_string(), "{listed}");
    let log = gateway.log();
    assert!(!log.contains(&held.token) && log.contains("the keys of an issuer were fetched"), "{log}");
    // Its end is that of any credential.
    said(&gateway, &acme, &["credential", "revoke", text(&trusted, "key_id")]);
    held.get("/Users").expect_error(401, "");
}

#[test]
fn a_token_does_what_its_issuers_scopes_name() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&key]));
    trust(&gateway, &acme, &issuer, &["--scopes", "read"]);
    let held = by(&acme, &token(&key, &issuer, json!({})));
    held.get("/Users").expect(200);
    let refused = held.create_user("ada", "").expect_error(403, "");
    assert!(refused.header("www-authenticate").unwrap().contains("insufficient_scope"));
}

#[test]
fn keys_may_be_in_a_file_and_of_any_kind_that_is_trusted() {
    let gateway = trusting();
    let keys = [SigningKey::rsa(0, "rsa"), SigningKey::p256("p256"), SigningKey::ed25519("ed25519")];
    let acme = gateway.tenant("ire", "acme", None, None);
    let all: Vec<&SigningKey> = keys.iter().collect();
    let trusted = by_file(&gateway, &acme, &all, &["--algorithms", "RS256,ES256", "--algorithms", "EdDSA"]);
    assert_eq!(
        (&trusted["jwks_url"], &trusted["algorithms"]),
        (&Value::Null, &json!(["RS256", "ES256", "EdDSA"]))
    );
    let claims = claims(BY_FILE, json!({}));
    for key in &keys {
        probe(&acme, &key.token(&claims)).expect(200);
    }
    let pss = keys[0].token_with(&json!({ "alg": "PS256", "kid": "rsa" }), &claims);
    probe(&acme, &pss).expect_error(401, "");
    by_file(&gateway, &acme, &[&keys[0]], &["--algorithms", "PS256"]);
    probe(&acme, &pss).expect(200);
}

#[test]
fn attack_17_a_forged_token_is_as_wrong_as_any_and_no_place_that_it_names_is_called() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let (acme, issuer) = (gateway.tenant("ire", "acme", None, None), Issuer::start(&[&key]));
    trust(&gateway, &acme, &issuer, &["--claim", "tid=7", "--claim", "roles=scim"]);
    let (good, (place, trap)) = (json!({ "tid": 7, "roles": ["scim"] }), trap());
    let right = token(&key, &issuer, good.clone());
    probe(&acme, &right).expect(200);
    let unknown = probe(&acme, "rubbish");
    let said = |changes: Value| {
        let mut said = good.clone();
        said.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims(&issuer.name(), said)
    };
    let header = json!({ "alg": "RS256", "kid": "one" });
    let headed = |changes: Value| {
        let mut header = header.clone();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key.token_with(&header, &said(json!({})))
    };
    let stranger = SigningKey::rsa(1, "one");
    let [head, payload, signature] = right.split('.').collect::<Vec<_>>()[..] else { panic!("{right}") };
    let mut forged: Vec<(String, String)> = [
        // Who says it, to whom, of whom.
        json!({ "iss": "https://elsewhere.example.com/" }),
        json!({ "iss": issuer.name().trim_end_matches('/') }),
        json!({ "iss": [issuer.name()] }),
        json!({ "iss": null }),
        json!({ "iss": "" }),
        json!({ "aud": "api://other" }),
        json!({ "aud": ["api://other", "API://USHER"] }),
        json!({ "aud": [[AUDIENCE]] }),
        json!({ "aud": null }),
        json!({ "tid": 8 }),
        json!({ "tid": null }),
        json!({ "tid": { "7": 7 } }),
        json!({ "roles": ["other"] }),
        json!({ "roles": [["scim"]] }),
        json!({ "roles": "SCIM" }),
        // When.
        json!({ "exp": null }),
        json!({ "exp": now() - 1 }),
        json!({ "exp": now() - 300 }),
        json!({ "exp": (now() + 600).to_string() }),
        json!({ "exp": [now() + 600] }),
        json!({ "nbf": now() + 300 }),
        json!({ "nbf": "0" }),
    ]
    .into_iter()
    .map(|changes| (changes.to_string(), key.token(&said(changes))))
    .collect();
    let headers = [
        json!({ "alg": "none" }),
        json!({ "alg": "nOnE" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "RS384" }),
        json!({ "alg": "PS256" }),
        json!({ "alg": "ES256" }),
        json!({ "alg": "EdDSA" }),
        json!({ "alg": null }),
        json!({ "kid": null }),
        json!({ "kid": 1 }),
        json!({ "crit": ["exp"] }),
        json!({ "crit": ["b64"], "b64": false }),
    ];
    forged.extend(headers.into_iter().map(|changes| (changes.to_string(), headed(changes))));
    let others = [
        ("another key of the same name", stranger.token(&said(json!({})))),
        ("two parts", format!("{head}.{payload}")),
        ("no signature", format!("{head}.{payload}.")),
        ("another signature", format!("{head}.{payload}.{}", encoded([7; 256]))),
        (
            "another payload",
            format!("{head}.{}.{signature}", encoded(said(json!({ "sub": "x" })).to_string())),
        ),
        ("four parts", format!("{right}.x")),
        ("the key in the token", {
            let header = json!({ "alg": "RS256", "kid": "one", "jwk": stranger.public });
            stranger.token_with(&header, &said(json!({})))
        }),
        ("the place of the key in the token", {
            let header = json!({ "alg": "RS256", "kid": "one", "jku": place, "x5u": place });
            stranger.token_with(&header, &said(json!({})))
        }),
        ("the public key as a secret", {
            let header = encoded(json!({ "alg": "HS256", "kid": "one" }).to_string());
            format!("{header}.{payload}.{signature}")
        }),
    ];
    forged.extend(others.into_iter().map(|(what, token)| (what.to_owned(), token)));
    assert!(forged.len() > 40, "{}", forged.len());
    for (what, forged) in &forged {
        assert_eq!(face(&probe(&acme, forged)), face(&unknown), "{what}");
    }
    probe(&acme, &right).expect(200);
    assert!(is_empty(&trap), "a place that a token names was called");
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn attack_5_a_token_opens_the_tenants_that_trust_its_issuer_and_no_other() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let [a, b, c] = ["a", "b", "c"].map(|key| gateway.tenant("ire", key, None, None));
    let far = gateway.tenant("us", "a", None, None);
    let (issuer, other) = (Issuer::start(&[&key]), Issuer::start(&[&SigningKey::rsa(1, "one")]));
    let first = trust(&gateway, &a, &issuer, &[]);
    let elsewhere = ["--issuer", &other.name(), "--jwks-url", &other.url(), "--audience", AUDIENCE];
    added(&gateway, &b, "issuer", &elsewhere);
    let held = token(&key, &issuer, json!({}));
    probe(&a, &held).expect(200);
    let unknown = probe(&a, "rubbish");
    for tenant in [&b, &c] {
        assert_eq!(face(&probe(tenant, &held)), face(&unknown), "{}", tenant.key);
    }
    let nobodys = Tenant { base_url: a.base_url.replace("/a/", "/nobody/"), ..a.clone() };
    assert_eq!(face(&probe(&nobodys, &held)), face(&unknown));
    // At another region's base it is told its own, as any genuine credential (MC5).
    let told = probe(&far, &held).expect_error(401, "");
    assert!(text(&told.body, "detail").contains(&a.base_url), "{}", told.text);
    staff(&gateway, &a, "GET", "/credentials", None).expect(200);
    testkit::http::Request::new("GET", &format!("{}/admin/v1/regions", gateway.url))
        .bearer(&held)
        .send()
        .expect(401);
    // Two tenants may trust one issuer: each path opens its own.
    trust(&gateway, &b, &issuer, &[]);
    by(&a, &held).create_user("of-a", "").expect(201);
    by(&b, &held).create_user("of-b", "").expect(201);
    let names = |tenant: &Tenant| by(tenant, &held).get("/Users").expect(200).text;
    assert!(names(&a).contains("of-a") && !names(&a).contains("of-b") && names(&b).contains("of-b"));
    said(&gateway, &a, &["credential", "revoke", text(&first, "key_id")]);
    assert_eq!(face(&probe(&a, &held)), face(&unknown));
    probe(&b, &held).expect(200);
}

#[test]
fn several_trusts_of_a_tenant_in_one_issuer_are_no_riddle_and_the_most_scopes_hold() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let guid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let acme = gateway.tenant("ire", guid, None, None);
    let far = gateway.tenant("us", "other", None, None);
    by_file(&gateway, &acme, &[&key], &["--scopes", "read"]);
    let held = key.token(&claims(BY_FILE, json!({ "role": "admin" })));
    let without_region = Tenant { base_url: acme.base_url.replace("/ire/", "/"), ..acme.clone() };
    let elsewhere = Tenant { base_url: acme.base_url.replace("/ire/", "/us/"), ..acme.clone() };
    for trusts in 1..=2 {
        probe(&acme, &held).expect(200);
        probe(&without_region, &held).expect(200);
        for wrong in [&elsewhere, &far] {
            let told = probe(wrong, &held).expect_error(401, "").text;
            assert!(told.contains(&acme.base_url), "{trusts}: {told}");
        }
        by(&acme, &held).create_user("ada", "").expect_error(403, "");
        if trusts == 1 {
            by_file(&gateway, &acme, &[&key], &["--scopes", "read,groups", "--claim", "role=other"]);
        }
    }
    by_file(&gateway, &acme, &[&key], &["--claim", "role=admin"]);
    let again = key.token(&claims(BY_FILE, json!({ "role": "admin", "jti": "again" })));
    by(&acme, &again).create_user("ada", "").expect(201);
}

#[test]
fn attack_21_wrong_tokens_of_an_issuer_are_counted() {
    let gateway = crate::running::gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "5")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let key = SigningKey::rsa(0, "one");
    by_file(&gateway, &acme, &[&key], &[]);
    let wrong = key.token(&claims(BY_FILE, json!({ "aud": "other" })));
    let statuses: Vec<u16> = (0..7).map(|_| probe(&acme, &wrong).status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429]);
    probe(&acme, &key.token(&claims(BY_FILE, json!({})))).expect(200);
}

#[test]
fn what_is_said_of_an_issuer_is_checked() {
    let gateway = crate::running::gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let good = json!({
        "kind": "issuer", "issuer": "https://login.example.com/", "audiences": [AUDIENCE],
        "jwks_url": "https://login.example.com/keys",
    });
    let with = |changes: Value| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        staff(&gateway, &acme, "POST", "/credentials", Some(&body))
    };
    with(json!({})).expect(201);
    let mut with_private = key_set(&[&SigningKey::rsa(0, "one")]);
    with_private["keys"][0]["d"] = json!("AQAB");
    let wrong = [
        (json!({ "issuer": "" }), "issuer"),
        (json!({ "audiences": [] }), "audiences"),
        (json!({ "jwks_url": null }), "jwks_url or jwks"),
        (json!({ "jwks_url": "http://127.0.0.1:1/keys" }), "https"),
        (json!({ "jwks_url": "https://name:word@login.example.com/" }), "jwks_url"),
        (json!({ "jwks_url": null, "jwks": { "keys": [] } }), "no public key"),
        (
            json!({ "jwks_url": null, "jwks": { "keys": [{ "kty": "oct", "kid": "a", "k": "AAAA" }] } }),
            "or a secret",
        ),
        (json!({ "jwks_url": null, "jwks": [] }), "no list keys"),
        (json!({ "jwks_url": null, "jwks": with_private }), "private key"),
        (json!({ "jwks_url": "https://[::1/keys" }), "no address"),
        (json!({ "jwks_url": "https://login.example.com:99999/keys" }), "no address"),
        (json!({ "for": "assertion", "client_id": "a b" }), "client_id is 1 to"),
        (json!({ "for": "assertion", "client_id": "a:b" }), "client_id is 1 to"),
        (json!({ "algorithms": [] }), "algorithms"),
        (json!({ "algorithms": ["HS256"] }), "HS256"),
        (json!({ "algorithms": ["none"] }), "none"),
        (json!({ "claims": { "aud": "x" } }), "claim aud"),
        (json!({ "client_id": "x" }), "client_id"),
        (json!({ "kind": "bearer" }), "issuer is for the kind issuer"),
    ];
    for (changes, told) in wrong {
        let refused = with(changes.clone()).expect(400);
        assert!(refused.text.contains(told), "{changes}: {}", refused.text);
    }
    let listed = said(&gateway, &acme, &["credential", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "nothing is half done: {listed}");
    let twice = [
        "credential",
        "add",
        "issuer",
        "--region",
        "ire",
        "--key",
        "acme",
        "--issuer",
        "x",
        "--audience",
        "y",
    ];
    let twice =
        [&twice[..], &["--jwks-url", "https://x.example/", "--claim", "a=1", "--claim", "a=2"]].concat();
    assert_eq!(gateway.cli(&twice).status.code(), Some(2));
}

#[test]
fn mc15_staff_are_told_what_of_a_token_does_not_fit() {
    let (gateway, key) = (trusting(), SigningKey::rsa(0, "one"));
    let [acme, other] = ["acme", "other"].map(|key| gateway.tenant("ire", key, None, None));
    let issuer = Issuer::start(&[&key]);
    trust(&gateway, &acme, &issuer, &["--claim", "tid=7"]);
    let of = |changes: Value| {
        let mut good = json!({ "tid": 7 });
        good.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        token(&key, &issuer, good)
    };
    let told = |key: &str, credential: &str| {
        let body = json!({ "region": "ire", "key": key, "credential": credential });
        let told = gateway.admin("POST", "/diagnose", Some(&body)).expect(200).body;
        assert!(text(&told, "sentence").ends_with('.') && !told.to_string().contains(credential), "{told}");
        text(&told, "credential").to_owned()
    };
    let stranger = SigningKey::rsa(1, "one").token(&claims(&issuer.name(), json!({ "tid": 7 })));
    let cases = [
        (&acme, of(json!({})), "ok"),
        (&acme, of(json!({ "iss": "https://elsewhere.example.com/" })), "untrusted_issuer"),
        (&acme, of(json!({ "tid": 8 })), "untrusted_issuer"),
        (&acme, of(json!({ "aud": "api://other" })), "wrong_audience"),
        (&acme, of(json!({ "exp": now() - 300 })), "expired"),
        (&acme, of(json!({ "nbf": now() + 300 })), "expired"),
        (&acme, stranger, "bad_signature"),
        (&other, of(json!({})), "other_tenant"),
        (&other, of(json!({ "tid": 8 })), "untrusted_issuer"),
    ];
    for (tenant, credential, verdict) in cases {
        assert_eq!(told(&tenant.key, &credential), verdict);
    }
    // An assertion that names another client than the trust is for is refused, and staff are told so.
    let proving = trust(&gateway, &other, &issuer, &["--for", "assertion", "--client-id", "entra"]);
    assert_eq!(told("other", &of(json!({ "sub": "entra" }))), "ok");
    assert_eq!(told("other", &of(json!({ "sub": "somebody" }))), "untrusted_issuer");
    said(&gateway, &other, &["credential", "revoke", text(&proving, "key_id")]);
    assert_eq!(told("other", &of(json!({ "sub": "entra" }))), "revoked");
}
