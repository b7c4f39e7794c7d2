//! A key with its secret, by HTTP Basic (CX17, CX18).

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::gateway::{Gateway, Tenant};

use super::{added, asked, pair, text};
use crate::{
    attacks::face,
    running::{gateway_with, roomy, user_body},
};

/// A gateway, a tenant, and a pair of it.
fn keyed(settings: &[(&str, &str)]) -> (Gateway, Tenant, [String; 2]) {
    let gateway = gateway_with(settings);
    let acme = gateway.tenant("ire", "acme", None, None);
    let made = added(&gateway, &acme, "basic", &[]);
    let pair = ["key", "secret"].map(|name| text(&made, name).to_owned());
    (gateway, acme, pair)
}

#[test]
fn cx17_a_key_and_its_secret_are_shown_once_and_open_the_tenant_by_basic() {
    let (gateway, acme) = roomy();
    let made = added(&gateway, &acme, "basic", &[]);
    let (key, secret) = (text(&made, "key"), text(&made, "secret"));
    assert_eq!(key, format!("ushk_ire_{}", text(&made, "key_id")));
    assert_eq!((text(&made, "kind"), text(&made, "base_url")), ("basic", acme.base_url.as_str()));
    assert!(secret.len() == 32 && secret.bytes().all(|b| b.is_ascii_alphanumeric()), "{secret}");

    let right = pair(key, secret);
    asked(&acme, "GET", "/Users", &right).send().expect(200);
    let ada = user_body(&json!({ "userName": "ada" }));
    asked(&acme, "POST", "/Users", &right).json(&ada).send().expect(201);
    asked(&acme, "GET", "/Users", &right.replace("Basic", "bAsIC")).send().expect(200);
    // The bearer token lives beside it.
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);

    // Nothing shows the secret again, and no file has it.
    let listed = crate::people::said(&gateway, &acme, &["credential", "list"]).to_string();
    assert!(listed.contains(text(&made, "key_id")) && !listed.contains(secret), "{listed}");
    assert!(!gateway.log().contains(secret));
    if gateway.data_dir().join("ire").exists() {
        for file in crate::attacks::files(&gateway.data_dir()) {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(32).any(|window| window == secret.as_bytes()), "{}", file.display());
        }
    }
}

#[test]
fn cx18_a_right_pair_passes_the_test_and_a_wrong_secret_and_an_unknown_key_are_one_answer() {
    let (gateway, acme, [key, secret]) = keyed(&[]);
    asked(&acme, "GET", "/Users?count=1", &pair(&key, &secret)).send().expect(200);
    let unknown = asked(&acme, "GET", "/Users?count=1", &pair("ushk_ire_zzzzzzzzzzzz", &secret)).send();
    unknown.clone().expect_error(401, "");
    assert_eq!(unknown.header("www-authenticate"), Some("Bearer, Basic realm=\"usher\""));
    let other = gateway.tenant("ire", "other", None, None);
    let foreign = added(&gateway, &other, "basic", &[]);
    let elsewhere = gateway.tenant("us", "acme", None, None);
    let far = added(&gateway, &elsewhere, "basic", &[]);
    let zs = "z".repeat(32);
    let wrong = [
        pair(&key, &zs),
        pair(&key, &secret.to_lowercase()),
        pair(&key, ""),
        pair("", &secret),
        pair(&key, &acme.token),
        pair(&acme.token, ""),
        pair("admin", "admin"),
        pair(text(&foreign, "key"), text(&foreign, "secret")),
        pair(text(&far, "key"), &secret),
        format!("Basic {key}:{secret}"),
        format!("Bearer {key}:{secret}"),
        format!("Bearer {secret}"),
    ];
    for wrong in wrong {
        assert_eq!(face(&asked(&acme, "GET", "/Users?count=1", &wrong).send()), face(&unknown), "{wrong}");
    }
    let nobody = Tenant { base_url: acme.base_url.replace("/acme/", "/nobody/"), ..acme.clone() };
    assert_eq!(face(&asked(&nobody, "GET", "/Users", &pair(&key, &secret)).send()), face(&unknown));
    // A genuine pair of another region is told its own base URL, as a token is (MC5).
    let told = asked(&acme, "GET", "/Users", &pair(text(&far, "key"), text(&far, "secret"))).send();
    let told = told.expect_error(401, "");
    assert!(text(&told.body, "detail").contains(&elsewhere.base_url), "{}", told.text);
}

#[test]
fn cx18_an_unknown_key_takes_as_long_as_a_wrong_secret() {
    const TRIES: usize = 400;
    let (_gateway, acme, [key, _]) = keyed(&[("USHER__LIMITS__WRONG_SECRETS", "1000000")]);
    let zs = "z".repeat(32);
    let headers = [pair(&key, &zs), pair("ushk_ire_zzzzzzzzzzzz", &zs)];
    let mut times = [Vec::new(), Vec::new()];
    for nth in 0..2 * TRIES {
        let began = Instant::now();
        asked(&acme, "GET", "/Users", &headers[nth % 2]).send().expect(401);
        times[nth % 2].push(began.elapsed());
    }
    // What noise adds is above the lower quarter.
    let [wrong, unknown] = times.map(|mut times: Vec<Duration>| {
        times.sort();
        times[TRIES / 4].as_secs_f64()
    });
    let differ = (wrong - unknown).abs() / wrong.max(unknown);
    assert!(differ < 0.25, "wrong secret {wrong} s, unknown key {unknown} s");
}

#[test]
fn attack_21_wrong_secrets_of_a_key_are_counted_and_the_right_one_is_served() {
    let (gateway, acme, [key, secret]) = keyed(&[("USHER__LIMITS__WRONG_SECRETS", "10")]);
    let guess = |n: usize| asked(&acme, "GET", "/Users", &pair(&key, &format!("{n:032}"))).send().status;
    let statuses: Vec<u16> = (0..15).map(guess).collect();
    assert_eq!(statuses, [[401; 5], [401; 5], [429; 5]].concat());
    asked(&acme, "GET", "/Users", &pair(&key, &secret)).send().expect(200);
    // It opens no door of staff.
    let url = format!("{}/admin/v1/regions", gateway.url);
    let refused =
        testkit::http::Request::new("GET", &url).header("authorization", &pair(&key, &secret)).send();
    assert_eq!(refused.status, 429);
}

#[test]
fn attack_19_a_revoked_pair_ends_at_once_and_so_does_one_past_its_end() {
    let (gateway, acme, [key, secret]) = keyed(&[]);
    let right = pair(&key, &secret);
    asked(&acme, "GET", "/Users", &right).send().expect(200);
    let id = key.trim_start_matches("ushk_ire_");
    crate::people::said(&gateway, &acme, &["credential", "revoke", id]);
    asked(&acme, "GET", "/Users", &right).send().expect_error(401, "");
    acme.get("/Users").expect(200);
    let again = gateway.admin("DELETE", &format!("{}/credentials/{id}", acme.admin_path()), None);
    assert_eq!(again.expect(404).body["detail"], format!("the tenant has no live credential {id}."));
}

#[test]
fn service_provider_config_lists_the_kinds_that_the_tenant_has() {
    let (gateway, acme) = roomy();
    let kinds = |tenant: &Tenant| -> Vec<String> {
        let config = tenant.get("/ServiceProviderConfig").expect(200).body;
        let schemes = config["authenticationSchemes"].as_array().unwrap();
        schemes.iter().map(|scheme| text(scheme, "type").to_owned()).collect()
    };
    assert_eq!(kinds(&acme), ["oauthbearertoken"]);
    let made = added(&gateway, &acme, "basic", &["--expires-in-days", "1"]);
    assert_eq!(kinds(&acme), ["oauthbearertoken", "httpbasic"]);
    crate::people::said(&gateway, &acme, &["credential", "revoke", text(&made, "key_id")]);
    assert_eq!(kinds(&acme), ["oauthbearertoken"]);
}

#[test]
fn a_key_is_in_the_export_of_its_tenant() {
    let (gateway, acme, [key, secret]) = keyed(&[]);
    let right = pair(&key, &secret);
    let file = gateway.data_dir().join("acme.jsonl");
    let file = file.to_str().unwrap();
    gateway.cli_ok(&["tenant", "export", "--region", "ire", "--key", "acme", "--to", file]);
    gateway.cli_ok(&["tenant", "delete", "--region", "ire", "--key", "acme", "--yes"]);
    asked(&acme, "GET", "/Users", &right).send().expect_error(401, "");
    gateway.cli_ok(&["tenant", "import", "--region", "ire", "--from", file]);
    asked(&acme, "GET", "/Users", &right).send().expect(200);
}
