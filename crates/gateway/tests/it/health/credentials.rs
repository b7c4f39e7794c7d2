//! Whether credentials work, and how long.

use testkit::gateway::Tenant;

use super::{by_a_clock, codes, health, sentence};
use crate::{
    credentials::{added, text},
    people::said,
    running::{replace, roomy},
};

const NONE: [&str; 0] = [];

#[test]
fn a_credential_is_told_of_two_weeks_before_it_expires() {
    let (gateway, acme) = roomy();
    acme.get("/Users").expect(200);
    added(&gateway, &acme, "bearer", &["--expires-in-days", "15"]);
    assert_eq!(codes(&gateway, &acme), NONE);
    let ending = added(&gateway, &acme, "bearer", &["--expires-in-days", "14"]);
    assert_eq!(codes(&gateway, &acme), ["credential_expiring"]);
    let told = sentence(&gateway, &acme, "credential_expiring");
    assert!(told.starts_with(&format!("The credential {} expires on ", text(&ending, "key_id"))), "{told}");
    said(&gateway, &acme, &["credential", "revoke", text(&ending, "key_id")]);
    assert_eq!(codes(&gateway, &acme), NONE);
}

#[test]
fn mo16_a_maker_who_left_is_told_and_said_to_be_never_the_cause() {
    let (gateway, acme) = roomy();
    let made = added(&gateway, &acme, "bearer", &["--made-by", "ada"]);
    acme.get("/Users").expect(200);
    // Nobody of this name was ever here.
    assert_eq!(codes(&gateway, &acme), NONE);
    let id = acme.create_user("ada", "user").expect(201).id();
    acme.patch(&format!("/Users/{id}"), &replace("userType", "member")).expect(200);
    assert_eq!(codes(&gateway, &acme), NONE, "a maker with another role is here");
    acme.patch(&format!("/Users/{id}"), &replace("active", false)).expect(200);
    assert_eq!(codes(&gateway, &acme), ["credential_maker_left"]);
    acme.delete(&format!("/Users/{id}")).expect(204);
    let told = sentence(&gateway, &acme, "credential_maker_left");
    let works = "has outlived its maker. It works on without: this is never why people are missing.";
    assert_eq!(told, format!("The credential {} {works}", text(&made, "key_id")));
    let held = Tenant { token: text(&made, "token").to_owned(), ..acme.clone() };
    held.create_user("eve", "user").expect(201);
}

#[test]
fn mo16_a_maker_of_the_staff_whose_token_is_revoked_is_told_too() {
    let (gateway, acme) = roomy();
    acme.get("/Users").expect(200);
    let token = gateway.cli_ok(&["admin-token", "add", "--name", "ann", "--region", "ire", "--json"]);
    let token: serde_json::Value = serde_json::from_str(&token).unwrap();
    let made = testkit::http::Request::new(
        "POST",
        &format!("{}/admin/v1{}/credentials", gateway.url, acme.admin_path()),
    )
    .bearer(text(&token, "token"))
    .json(&serde_json::json!({}))
    .send()
    .expect(201)
    .body;
    assert_eq!(codes(&gateway, &acme), NONE);
    gateway.cli_ok(&["admin-token", "revoke", "--name", "ann"]);
    assert_eq!(codes(&gateway, &acme), ["credential_maker_left"]);
    said(&gateway, &acme, &["credential", "revoke", text(&made, "key_id")]);
    assert_eq!(codes(&gateway, &acme), NONE);
}

#[test]
fn a_credential_that_gets_only_401_for_a_quarter_of_an_hour_is_told() {
    let (clock, gateway, acme) = by_a_clock();
    acme.get("/Users").expect(200);
    // The key id is right and the secret is not.
    let last = if acme.token.ends_with('x') { "y" } else { "x" };
    let wrong = Tenant { token: format!("{}{last}", &acme.token[..acme.token.len() - 1]), ..acme.clone() };
    // A time behind the last use, which is known to the minute.
    clock.set("+2m");
    wrong.get("/Users").expect(401);
    clock.set("+16m");
    wrong.get("/Users").expect(401);
    let told = health(&gateway, &acme);
    assert_eq!(told["findings"].as_array().unwrap().len(), 0, "{told}");
    assert_eq!(told["credentials"][0]["wrong_secrets"], 2);
    clock.set("+18m");
    wrong.get("/Users").expect(401);
    assert_eq!(codes(&gateway, &acme), ["credential_unauthorized"]);
    let told = sentence(&gateway, &acme, "credential_unauthorized");
    assert!(
        told.ends_with("the secret is another one, or the base URL is that of another tenant or region."),
        "{told}"
    );
    // One that is accepted ends it, and the next wrong one begins anew.
    acme.get("/Users").expect(200);
    crate::running::wait_for("the use is written", || codes(&gateway, &acme).is_empty());
    clock.set("+40m");
    wrong.get("/Users").expect(401);
    assert_eq!(codes(&gateway, &acme), NONE);
}

#[test]
fn a_credential_that_is_sent_to_another_region_only_is_told() {
    let (clock, gateway, acme) = by_a_clock();
    let elsewhere = Tenant { base_url: acme.base_url.replace("/ire/", "/us/"), ..acme.clone() };
    for at in ["+2m", "+10m", "+18m"] {
        clock.set(at);
        elsewhere.get("/Users").expect(401);
    }
    let told = sentence(&gateway, &acme, "credential_unauthorized");
    assert!(told.ends_with("or the base URL is that of another tenant or region."), "{told}");
}

#[test]
fn a_revoked_credential_that_is_still_tried_is_told() {
    let (clock, gateway, acme) = by_a_clock();
    acme.get("/Users").expect(200);
    let made = added(&gateway, &acme, "bearer", &[]);
    let old = Tenant { token: text(&made, "token").to_owned(), ..acme.clone() };
    said(&gateway, &acme, &["credential", "revoke", text(&made, "key_id")]);
    old.get("/Users").expect(401);
    clock.set("+15m");
    old.get("/Users").expect(401);
    clock.set("+16m");
    old.get("/Users").expect(401);
    let told = sentence(&gateway, &acme, "credential_unauthorized");
    assert!(told.ends_with("it is revoked."), "{told}");
    // Nobody tries it any more: it is in no identity provider by then.
    let is_told = || codes(&gateway, &acme).iter().any(|code| code == "credential_unauthorized");
    clock.set("+23h");
    assert!(is_told());
    clock.set("+25h");
    assert!(!is_told());
}
