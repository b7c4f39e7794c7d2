//! `usher diagnose`: which of region, company key and credential is wrong (MC15).

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
};

use super::{added, text};
use crate::{people::said, running::gateway};

/// Region, company key, credential, as staff are told.
#[track_caller]
fn told(gateway: &Gateway, region: &str, key: &str, credential: &str) -> [String; 3] {
    let body = json!({ "region": region, "key": key, "credential": credential });
    let told = gateway.admin("POST", "/diagnose", Some(&body)).expect(200).body;
    assert!(text(&told, "sentence").ends_with('.') && !told.to_string().contains(credential), "{told}");
    ["region", "key", "credential"].map(|name| text(&told, name).to_owned())
}

#[test]
fn mc15_one_call_tells_which_of_region_key_and_credential_is_wrong() {
    let gateway = gateway();
    let (acme, other) =
        (gateway.tenant("ire", "acme", None, None), gateway.tenant("us", "other", None, None));
    let basic = added(&gateway, &acme, "basic", &[]);
    let client = added(&gateway, &acme, "oauth", &[]);
    let pair = format!("{}:{}", text(&basic, "key"), text(&basic, "secret"));
    let secret = format!("{}:{}", text(&client, "client_id"), text(&client, "client_secret"));
    for right in [acme.token.as_str(), &pair, &secret, text(&client, "client_secret")] {
        assert_eq!(told(&gateway, "ire", "acme", right), ["ok", "ok", "ok"]);
        assert_eq!(told(&gateway, "IRE", " acme ", right), ["ok", "ok", "ok"]);
        assert_eq!(told(&gateway, "mars", "acme", right), ["unknown", "elsewhere", "other_tenant"]);
        assert_eq!(told(&gateway, "us", "acme", right), ["ok", "elsewhere", "other_tenant"]);
        assert_eq!(told(&gateway, "ire", "acmee", right), ["ok", "unknown", "other_tenant"]);
        assert_eq!(told(&gateway, "us", "other", right), ["ok", "ok", "other_tenant"]);
        let cut = &right[..right.len() - 1];
        assert_eq!(told(&gateway, "ire", "acme", cut), ["ok", "ok", "malformed"]);
        let last = if right.ends_with('a') { "b" } else { "a" };
        assert_eq!(told(&gateway, "ire", "acme", &format!("{cut}{last}")), ["ok", "ok", "wrong_secret"]);
    }
    let strange = format!("ush_ire_{}", "z".repeat(44));
    assert_eq!(told(&gateway, "ire", "acme", &strange), ["ok", "ok", "unknown"]);
    let wrong_client = format!("ushc_ire_zzzzzzzzzzzz:{}", text(&client, "client_secret"));
    assert_eq!(told(&gateway, "ire", "acme", &wrong_client), ["ok", "ok", "wrong_secret"]);
    assert_eq!(told(&gateway, "ire", "acme", "eyJhbGciOiJFZERTQSJ9.e30.x"), ["ok", "ok", "bad_signature"]);
    said(&gateway, &acme, &["credential", "revoke", text(&basic, "key_id")]);
    assert_eq!(told(&gateway, "ire", "acme", &pair), ["ok", "ok", "revoked"]);
    // Nothing of it counts as a try, and other tenants' tokens do not open it.
    let url = format!("{}/admin/v1/diagnose", gateway.url);
    Request::new("POST", &url).bearer(&other.token).json(&json!({})).send().expect(401);
    acme.get("/Users").expect(200);
}

#[test]
fn mc15_the_command_line_reads_the_credential_from_a_file_and_says_what_to_do() {
    let gateway = gateway();
    let acme: Tenant = gateway.tenant("ire", "acme", None, None);
    let file = gateway.data_dir().join("pasted");
    std::fs::write(&file, format!("{}\n", acme.token)).unwrap();
    let words =
        ["diagnose", "--region", "ire", "--key", "acme", "--token-file", file.to_str().unwrap(), "--json"];
    let right: Value = serde_json::from_str(&gateway.cli_ok(&words)).unwrap();
    assert_eq!((&right["credential"], &right["provisioning"]), (&json!("ok"), &json!("active")));
    assert_eq!(right["base_url"], acme.base_url);
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
    let suspended = gateway.cli(&words);
    assert_eq!(suspended.status.code(), Some(1));
    let suspended: Value = serde_json::from_slice(&suspended.stdout).unwrap();
    assert_eq!(suspended["provisioning"], "suspended");
    assert!(text(&suspended, "sentence").contains("suspended"), "{suspended}");
}
