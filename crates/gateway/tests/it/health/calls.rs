//! Whether identity providers call, and what they look for.

use testkit::gateway::Tenant;

use super::{by_a_clock, codes, health, sentence};
use crate::{
    credentials::{added, text},
    log::from_okta,
    people::said,
    running::{roomy, user_body},
};

#[test]
fn never_called_until_the_first_request_with_a_right_credential() {
    let (gateway, acme) = roomy();
    let wrong = testkit::gateway::Tenant { token: "wrong".to_owned(), ..acme.clone() };
    wrong.get("/Users").expect(401);
    assert_eq!(codes(&gateway, &acme), ["never_called"]);
    acme.get("/ServiceProviderConfig").expect(200);
    assert_eq!(codes(&gateway, &acme), [""; 0]);
}

#[test]
fn a_tenant_that_is_suspended_is_not_expected_to_be_called() {
    let (gateway, acme) = roomy();
    gateway.cli_ok(&["tenant", "suspend", "--region", "ire", "--key", "acme"]);
    assert_eq!(codes(&gateway, &acme), [""; 0]);
}

#[test]
fn me15_an_identity_provider_is_silent_after_three_times_its_usual_gap() {
    let (clock, gateway, acme) = by_a_clock();
    for minutes in [0, 1, 40, 80, 120] {
        clock.set(&format!("+{minutes}m"));
        from_okta(&acme, "GET", "/Users?count=1").send().expect(200);
    }
    clock.set("+132m");
    let told = health(&gateway, &acme);
    assert_eq!(told["idps"][0]["name"], "okta");
    assert_eq!(told["idps"][0]["usual_gap_minutes"], 40);
    assert_eq!(told["idps"][0]["lookups_24h"], 5);
    assert_eq!(told["idps"][0]["sentence"], "Okta last called 12 min ago; usual gap 40 min");
    let words = gateway.cli_ok(&["health", "--region", "ire", "--key", "acme"]);
    assert!(words.contains("Okta last called 12 min ago; usual gap 40 min."), "{words}");
    clock.set("+239m");
    assert_eq!(codes(&gateway, &acme), [""; 0]);
    clock.set("+242m");
    assert_eq!(codes(&gateway, &acme), ["silent"]);
    let told = sentence(&gateway, &acme, "silent");
    assert_eq!(told, "Okta last called 2 h ago; usual gap 40 min, which is too long.");
    from_okta(&acme, "GET", "/Users?count=1").send().expect(200);
    assert_eq!(codes(&gateway, &acme), [""; 0]);
}

#[test]
fn who_took_the_place_of_another_identity_provider_is_silent_by_itself_and_the_other_one_is_not() {
    let (clock, gateway, acme) = by_a_clock();
    let made = added(&gateway, &acme, "bearer", &[]);
    let new = Tenant { token: text(&made, "token").to_owned(), ..acme.clone() };
    for minutes in [0, 40, 80, 120] {
        clock.set(&format!("+{minutes}m"));
        from_okta(&acme, "GET", "/Users?count=1").send().expect(200);
    }
    // The product that comes has no name of its own.
    let listed = said(&gateway, &acme, &["credential", "list"]);
    let mut key_ids = listed.as_array().unwrap().iter().map(|credential| text(credential, "key_id"));
    let old = key_ids.find(|key_id| acme.token.contains(key_id)).unwrap();
    said(&gateway, &acme, &["credential", "revoke", old]);
    for minutes in [160, 200, 240, 280] {
        clock.set(&format!("+{minutes}m"));
        new.get("/Users?count=1").expect(200);
    }
    clock.set("+390m");
    assert_eq!(codes(&gateway, &acme), [""; 0], "nobody misses the one that left");
    clock.set("+402m");
    assert_eq!(codes(&gateway, &acme), ["silent"]);
}

#[test]
fn mc16_creates_that_are_never_tried_are_told_from_creates_that_were_refused() {
    let (gateway, acme) = roomy();
    let look_up = |name: &str| drop(acme.find("/Users", &format!("userName eq \"{name}\"")).expect(200));
    (0..19).for_each(|n| look_up(&format!("user{n}")));
    assert_eq!(codes(&gateway, &acme), [""; 0]);
    look_up("one-more");
    assert_eq!(codes(&gateway, &acme), ["creates_never_tried"]);
    let told = sentence(&gateway, &acme, "creates_never_tried");
    assert!(told.contains("has looked people up 20 times and has never tried to create one"), "{told}");
    // The first try counts, whatever comes of it.
    acme.post("/Users", &user_body(&serde_json::json!({ "userName": 7 }))).expect(400);
    assert!(!codes(&gateway, &acme).contains(&"creates_never_tried".to_owned()));
}

#[test]
fn what_a_credential_was_recognised_as_holds_after_a_restart() {
    let (mut gateway, acme) = roomy();
    from_okta(&acme, "GET", "/Users?count=1").send().expect(200);
    let is_written = || {
        let told = gateway.admin("GET", &format!("{}/health", acme.admin_path()), None).expect(200).body;
        told["idps"][0]["name"] == "okta"
    };
    crate::running::wait_for("the sign", is_written);
    assert_eq!(gateway.stop(), Some(0));
    gateway.start_again();
    let acme = crate::running::at(&gateway, &acme);
    acme.create_user("ann", "").expect(201);
    let rows = crate::people::said(&gateway, &acme, &["log"]);
    assert_eq!(rows["rows"][0]["idp"], "okta");
    let told = health(&gateway, &acme);
    assert_eq!(told["idps"].as_array().unwrap().len(), 1);
    assert_eq!((&told["idps"][0]["creates_24h"], &told["idps"][0]["lookups_24h"]), (&1.into(), &1.into()));
}
