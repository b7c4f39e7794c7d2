//! Whether the role comes, and stays.

use serde_json::json;
use testkit::gateway::Tenant;

use super::{codes, sentence};
use crate::{
    credentials::scopes::scoped,
    log::from_okta,
    people::said,
    running::{replace, roomy, user_body},
};

const NONE: [&str; 0] = [];

#[test]
fn mo12_a_role_that_is_never_received_is_found_after_fifty_writes_with_the_date() {
    let (gateway, acme) = roomy();
    for n in 0..49 {
        acme.create_user(&format!("user{n}"), "").expect(201);
    }
    assert_eq!(codes(&gateway, &acme), NONE);
    acme.create_user("user49", "").expect(201);
    assert_eq!(codes(&gateway, &acme), ["role_never_received"]);
    let told = sentence(&gateway, &acme, "role_never_received");
    assert!(
        told.starts_with(
            "The attributes userType, roles, entitlements, which say the role, were never received since 20"
        ),
        "{told}"
    );
    assert!(told.ends_with("in 50 writes: everybody has the role member_lite."), "{told}");
    // Once is enough, also without a value, and each write says which it was.
    let id = acme.create_user("ann", "").expect(201).id();
    acme.patch(&format!("/Users/{id}"), &replace("userType", "nobody")).expect(200);
    assert_eq!(codes(&gateway, &acme), NONE);
    let rows = said(&gateway, &acme, &["log", "--user", "ann"]);
    let received = |row: usize| rows["rows"][row]["role"]["received"].clone();
    assert_eq!([received(0), received(1)], ["unmapped", "absent"]);
}

#[test]
fn mo14_a_role_that_comes_on_create_only_is_found_after_twenty_replaces() {
    let (gateway, acme) = roomy();
    let id = acme.create_user("ann", "user").expect(201).id();
    let path = format!("/Users/{id}");
    let without = |title: String| acme.put(&path, &user_body(&json!({ "userName": "ann", "title": title })));
    for n in 0..19 {
        without(n.to_string()).expect(200);
        // A PATCH says nothing by what it leaves out.
        acme.patch(&path, &replace("nickName", n.to_string())).expect(200);
    }
    assert_eq!(codes(&gateway, &acme), NONE);
    without("x".to_owned()).expect(200);
    assert_eq!(codes(&gateway, &acme), ["role_on_create_only"]);
    let told = sentence(&gateway, &acme, "role_on_create_only");
    assert!(told.contains("the last 20 replaces had none"), "{told}");
    acme.patch(&path, &replace("userType", "member")).expect(200);
    assert_eq!(codes(&gateway, &acme), NONE);
}

/// A person whom Okta makes with a role; the path.
fn made_by_okta(tenant: &Tenant) -> String {
    let body = user_body(&json!({ "userName": "ann", "userType": "user" }));
    format!("/Users/{}", from_okta(tenant, "POST", "/Users").json(&body).send().expect(201).id())
}

/// Twenty replaces without a role.
fn replace_without_role(tenant: &Tenant, path: &str) {
    for n in 0..20 {
        let body = user_body(&json!({ "userName": "ann", "title": n.to_string() }));
        tenant.put(path, &body).expect(200);
    }
}

#[test]
fn what_one_identity_provider_leaves_out_is_not_made_good_by_another_one() {
    let (gateway, acme) = roomy();
    let hr = scoped(&gateway, &acme, "read,users");
    let ann = made_by_okta(&acme);
    replace_without_role(&acme, &ann);
    hr.patch(&ann, &replace("userType", "member_lite")).expect(200);
    assert_eq!(codes(&gateway, &acme), ["role_on_create_only"]);
}

#[test]
fn replaces_of_another_identity_provider_than_the_one_that_creates_say_nothing() {
    let (gateway, acme) = roomy();
    let hr = scoped(&gateway, &acme, "read,users");
    let ann = made_by_okta(&acme);
    replace_without_role(&hr, &ann);
    assert_eq!(codes(&gateway, &acme), NONE);
}

#[test]
fn mo19_a_role_that_changes_more_than_three_times_a_day_is_told_and_the_last_write_wins() {
    let (gateway, acme) = roomy();
    let id = acme.create_user("ann@acme.example", "user").expect(201).id();
    let path = format!("/Users/{id}");
    let become_ = |role: &str| drop(acme.patch(&path, &replace("userType", role)).expect(200));
    // A write that says the same is no change.
    ["member_lite", "member_lite", "user", "member_lite"].into_iter().for_each(become_);
    assert_eq!(codes(&gateway, &acme), NONE);
    become_("user");
    assert_eq!(codes(&gateway, &acme), ["role_flapping"]);
    let told = sentence(&gateway, &acme, "role_flapping");
    assert!(told.contains("ann@acme.example (4 times). The last write wins each time."), "{told}");
    // The roles before are kept in the history.
    let rows = said(&gateway, &acme, &["log", "--user", "ann@acme.example"]);
    let rows = rows["rows"].as_array().unwrap();
    let roles: Vec<_> = rows.iter().map(|row| row["role"]["after"].as_str().unwrap_or("")).collect();
    assert_eq!(roles, ["member", "member_lite", "member", "member_lite", "member_lite", "member"]);
}
