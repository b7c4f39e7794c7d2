//! What staff do with credentials: add, list, test, revoke; and what the profile allows.

use serde_json::{Value, json};

use super::{added, text};
use crate::{
    people::{said, staff},
    running::{gateway, roomy},
};

#[test]
fn the_command_line_makes_lists_tests_and_revokes_credentials() {
    let (gateway, acme) = roomy();
    let words = ["--note", "for Okta", "--made-by", "ada", "--expires-in-days", "400"];
    let bearer = added(&gateway, &acme, "bearer", &words);
    assert_eq!((text(&bearer, "kind"), text(&bearer, "base_url")), ("bearer", acme.base_url.as_str()));
    assert!(text(&bearer, "token").starts_with(&format!("ush_ire_{}", text(&bearer, "key_id"))));
    let basic = added(&gateway, &acme, "basic", &[]);
    let listed = said(&gateway, &acme, &["credential", "list"]);
    let names = [
        "key_id",
        "kind",
        "scopes",
        "made_by",
        "created",
        "expires",
        "revoked",
        "last_used",
        "warning",
        "client_id",
        "note",
    ];
    let told: Vec<&String> = listed[1].as_object().unwrap().keys().collect();
    assert_eq!(told, names);
    let kinds: Vec<&Value> = listed.as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["bearer", "bearer", "basic"]);
    assert_eq!((&listed[1]["made_by"], &listed[1]["note"]), (&json!("ada"), &json!("for Okta")));
    assert_eq!((&listed[2]["made_by"], &listed[2]["note"]), (&json!("root"), &Value::Null));
    assert_eq!(listed[1]["warning"], Value::Null);

    let id = text(&basic, "key_id");
    let tested = said(&gateway, &acme, &["credential", "test", id]);
    assert_eq!((&tested["credential"], &tested["provisioning"]), (&json!("ok"), &json!("active")));
    assert_eq!(said(&gateway, &acme, &["credential", "revoke", id])["revoked"], true);
    let tested = staff(&gateway, &acme, "POST", &format!("/credentials/{id}/test"), Some(&json!({})));
    assert_eq!(tested.expect(200).body["credential"], "revoked");
    let of = ["--region", "ire", "--key", "acme", "--json"];
    let refused = gateway.cli(&[&["credential", "test", id], of.as_slice()].concat());
    assert_eq!(refused.status.code(), Some(1));
    staff(&gateway, &acme, "POST", "/credentials/nobody/test", Some(&json!({}))).expect(404);
    let table = gateway.cli_ok(&["credential", "list", "--region", "ire", "--key", "acme"]);
    assert!(table.contains("read,users,groups") && table.contains("WARNING"), "{table}");
}

#[test]
fn token_is_the_short_word_for_bearer_tokens() {
    let (gateway, acme) = roomy();
    added(&gateway, &acme, "basic", &[]);
    let issued = said(&gateway, &acme, &["token", "issue"]);
    for name in ["base_url", "token", "key_id"] {
        text(&issued, name);
    }
    let listed = said(&gateway, &acme, &["token", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "the key is none");
    said(&gateway, &acme, &["token", "revoke", text(&issued, "key_id")]);
    // One is left, so it needs no id.
    said(&gateway, &acme, &["token", "revoke"]);
    acme.get("/Users").expect_error(401, "");
}

#[test]
fn a_credential_that_ends_soon_has_a_warning() {
    let (gateway, acme) = roomy();
    let added = |days: i64| added(&gateway, &acme, "bearer", &["--expires-in-days", &days.to_string()]);
    for days in [31, 30, 14, 7, 1] {
        added(days);
    }
    let listed = said(&gateway, &acme, &["credential", "list"]);
    let warnings: Vec<&Value> =
        listed.as_array().unwrap().iter().skip(1).map(|one| &one["warning"]).collect();
    let within = |days: &str| json!(format!("expires within {days}"));
    assert_eq!(
        warnings,
        [&Value::Null, &within("30 days"), &within("14 days"), &within("7 days"), &within("1 day")]
    );
}

#[test]
fn what_is_no_credential_is_refused() {
    let (gateway, acme) = roomy();
    let odd = json!({ "kind": "cookie" });
    let refused = staff(&gateway, &acme, "POST", "/credentials", Some(&odd)).expect(400);
    assert!(text(&refused.body, "detail").contains("cookie"), "{}", refused.text);
    for (name, value) in [("note", json!("a\u{202e}b")), ("made_by", json!("x".repeat(257)))] {
        let body = json!({ "kind": "bearer", name: value });
        staff(&gateway, &acme, "POST", "/credentials", Some(&body)).expect(400);
    }
}

#[test]
fn attack_19_a_credential_of_another_tenant_is_neither_tested_nor_revoked() {
    let gateway = gateway();
    let (a, b) = (gateway.tenant("ire", "a", None, None), gateway.tenant("ire", "b", None, None));
    let of_b = added(&gateway, &b, "basic", &[]);
    let id = text(&of_b, "key_id");
    staff(&gateway, &a, "POST", &format!("/credentials/{id}/test"), Some(&json!({}))).expect(404);
    staff(&gateway, &a, "DELETE", &format!("/credentials/{id}"), None).expect(404);
    assert_eq!(said(&gateway, &b, &["credential", "test", id])["credential"], "ok");
}
