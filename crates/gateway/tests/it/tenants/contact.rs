//! Whom a tenant's administrators are told to ask.

use serde_json::json;
use testkit::{gateway::Gateway, gateway::Tenant};

use super::on;
use crate::running::gateway_with;

/// The contact of the settings, for tenants without one.
const OF_SETTINGS: &str = "help@usher.example";

fn gateway() -> Gateway {
    gateway_with(&[("USHER__SUPPORT__CONTACT", OF_SETTINGS)])
}

fn set_contact(gateway: &Gateway, tenant: &Tenant, contact: &str) {
    on(gateway, &["tenant", "set", "--contact", contact], tenant);
}

/// The details of a refusal of each kind that names a contact: no seat, no feature, no plan, a suspension.
fn details(gateway: &Gateway, tenant: &Tenant) -> Vec<String> {
    let detail = || {
        let answer = tenant.create_user("ada", "user").expect(403);
        answer.body["detail"].as_str().unwrap().to_owned()
    };
    let mut details = vec![detail()];
    on(gateway, &["tenant", "set", "--feature", "create=off"], tenant);
    details.push(detail());
    on(gateway, &["tenant", "plan", "--scim", "off"], tenant);
    details.push(detail());
    on(gateway, &["tenant", "suspend"], tenant);
    details.push(detail());
    details
}

#[test]
fn mo20_the_tenants_contact_is_a_field_and_in_the_detail_of_each_refusal() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(0), Some(0));
    set_contact(&gateway, &acme, "it@acme.example");
    assert_eq!(on(&gateway, &["tenant", "show"], &acme)["settings"]["contact"], "it@acme.example");
    for detail in details(&gateway, &acme) {
        assert!(detail.contains("it@acme.example") && !detail.contains(OF_SETTINGS), "{detail}");
    }
}

#[test]
fn mc20_without_a_contact_of_the_tenant_each_refusal_names_that_of_the_settings() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(0), Some(0));
    for detail in details(&gateway, &acme) {
        assert!(detail.contains(OF_SETTINGS), "{detail}");
    }
}

#[test]
fn me22_each_tenant_has_a_contact_of_its_own_and_without_one_that_of_the_settings() {
    let gateway = gateway();
    let [acme, globex, none] = ["acme", "globex", "none"].map(|key| {
        let body =
            json!({ "key": key, "name": key, "seats": {}, "settings": { "features_off": ["create"] } });
        gateway.onboard("ire", &body)
    });
    set_contact(&gateway, &acme, "it@acme.example");
    set_contact(&gateway, &globex, "it@globex.example");
    for (tenant, contact) in
        [(&acme, "it@acme.example"), (&globex, "it@globex.example"), (&none, OF_SETTINGS)]
    {
        let refused = tenant.create_user("ada", "").expect_error(403, "featureDisabled");
        assert!(refused.text.contains(&format!("Ask {contact}.")), "{}", refused.text);
    }
    // Taken away again, the one of the settings takes its place with the next request.
    set_contact(&gateway, &acme, "");
    let refused = acme.create_user("ada", "").expect_error(403, "featureDisabled");
    assert!(refused.text.contains(OF_SETTINGS), "{}", refused.text);
}
