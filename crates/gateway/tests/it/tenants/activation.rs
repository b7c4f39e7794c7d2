//! Before staff activate a tenant, and while its plan lacks provisioning, every request gets one clear error.

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
};

use super::{newest_act, on, refusal};
use crate::running::{at, gateway, roomy, two_processes, user_body, wait_for};

const CONTACT: &str = "sales@acme.example";

/// A tenant that waits for staff, made by the command line, with a token.
fn waiting(gateway: &Gateway) -> Tenant {
    gateway.cli_ok(&[
        "tenant",
        "create",
        "--region",
        "ire",
        "--key",
        "acme",
        "--name",
        "Acme",
        "--seats",
        "member=unlimited",
        "--seats",
        "member_lite=unlimited",
        "--activation",
        "by-staff",
        "--contact",
        CONTACT,
    ]);
    let issued = gateway.admin("POST", "/regions/ire/tenants/acme/tokens", None).expect(201);
    let text = |name: &str| issued.body[name].as_str().unwrap().to_owned();
    Tenant { base_url: text("base_url"), token: text("token"), region: "ire".into(), key: "acme".into() }
}

/// Every kind of request is refused with this keyword and sentence.
#[track_caller]
fn assert_refused(tenant: &Tenant, scim_type: &str, sentence: &str) {
    let ada = user_body(&json!({ "userName": "ada" }));
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        { "method": "POST", "path": "/Users", "bulkId": "a", "data": ada },
    ] });
    let answers = [
        tenant.get("/ServiceProviderConfig"),
        tenant.get("/Schemas"),
        tenant.get("/Users"),
        tenant.get("/Users/1"),
        tenant.find("/Users", "userName eq \"ada\""),
        tenant.get("/nothing"),
        tenant.post("/Users", &ada),
        tenant.post("/Groups", &json!({ "displayName": "crew" })),
        tenant.post("/Bulk", &bulk),
        tenant.put("/Users/1", &ada),
        tenant.patch("/Users/1", &json!([{ "op": "replace", "path": "active", "value": false }])),
        tenant.delete("/Users/1"),
    ];
    for answer in answers {
        // That of a write ends with its Ref.
        let told = refusal(answer, scim_type);
        assert_eq!(told.split(" Ref ").next(), Some(sentence));
    }
}

/// How many users there are, and how many changes of the log are not by staff.
fn stored(gateway: &Gateway, tenant: &Tenant) -> (Value, usize) {
    let changes = gateway.admin("GET", &format!("{}/changes", tenant.admin_path()), None).expect(200);
    let by_clients =
        changes.body.as_array().unwrap().iter().filter(|change| change["actor"].is_null()).count();
    (tenant.get("/Users").expect(200).body["totalResults"].clone(), by_clients)
}

#[test]
fn cx16_mo7_before_activation_every_request_is_refused_and_activation_holds_for_the_next() {
    let gateway = gateway();
    let acme = waiting(&gateway);
    assert_eq!(on(&gateway, &["tenant", "show"], &acme)["provisioning"], "not_activated");
    let sentence = "Provisioning is not activated for this tenant; nothing was read or stored. Ask sales@acme.example to activate \
                    it.";
    assert_refused(&acme, "provisioningNotActivated", sentence);
    // Others learn nothing of it.
    let users = format!("{}/Users", acme.base_url);
    Request::new("GET", &users).bearer(&format!("{}x", acme.token)).send().expect_error(401, "");
    let lena =
        gateway.admin("POST", "/tokens", Some(&json!({ "name": "lena", "tenant": "ire/acme" }))).expect(201);
    let activate = Request::new("POST", &format!("{}/admin/v1{}/activate", gateway.url, acme.admin_path()));
    let activated = activate.bearer(lena.body["token"].as_str().unwrap()).send().expect(200);
    assert_eq!(activated.body["provisioning"], "active");
    assert_eq!(stored(&gateway, &acme), (json!(0), 0), "nothing was stored before");
    acme.create_user("ada", "").expect(201);
    assert_eq!(newest_act(&gateway, &acme), [json!("lena"), json!("tenant.activated"), json!({})]);
    // Said again it changes nothing, and nothing more is recorded.
    assert_eq!(on(&gateway, &["tenant", "activate"], &acme)["provisioning"], "active");
    assert_eq!(newest_act(&gateway, &acme)[0], "lena");
    let metrics = gateway.metrics();
    assert!(
        metrics.contains("usher_auth_failures_total{reason=\"not_activated\",region=\"ire\"} 12"),
        "{metrics}"
    );
}

#[test]
fn me3_mo7_without_scim_in_the_plan_every_request_is_refused_and_the_data_stays() {
    let (gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    gateway.cli_ok(&["tenant", "set", "--region", "ire", "--key", "acme", "--contact", CONTACT]);
    let off = on(&gateway, &["tenant", "plan", "--scim", "off"], &acme);
    assert_eq!((&off["provisioning"], &off["plan"]), (&json!("not_in_plan"), &json!({ "scim": false })));
    let before = gateway.seats(&acme);
    let sentence = "Provisioning is not in the plan of this tenant; nothing was read or stored. Ask sales@acme.example for it.";
    assert_refused(&acme, "provisioningNotInPlan", sentence);
    assert_eq!(gateway.seats(&acme), before);
    assert_eq!(newest_act(&gateway, &acme), [json!("root"), json!("tenant.plan"), json!({ "scim": false })]);
    let on_again = json!({ "plan": { "scim": true } });
    let shown = gateway.admin("PATCH", &acme.admin_path(), Some(&on_again)).expect(200);
    assert_eq!(shown.body["provisioning"], "active");
    assert_eq!(stored(&gateway, &acme), (json!(1), 1));
    for nonsense in [
        json!({}),
        json!({ "plan": {} }),
        json!({ "plan": { "scim": "on" } }),
        json!({ "plan": { "sso": true } }),
    ] {
        assert_eq!(gateway.admin("PATCH", &acme.admin_path(), Some(&nonsense)).status, 400, "{nonsense}");
    }
}

#[test]
fn mo7_what_staff_did_last_to_stop_a_tenant_is_told_first() {
    let gateway = gateway();
    let acme = waiting(&gateway);
    on(&gateway, &["tenant", "plan", "--scim", "off"], &acme);
    on(&gateway, &["tenant", "suspend"], &acme);
    let word = || on(&gateway, &["tenant", "show"], &acme)["provisioning"].as_str().unwrap().to_owned();
    let asked = || acme.get("/Users").body["scimType"].as_str().unwrap_or_default().to_owned();
    assert_eq!((word().as_str(), asked().as_str()), ("suspended", ""));
    let say =
        |act: &str| gateway.cli_ok(&["tenant", act, "--region", "ire", "--key", "acme"]).trim().to_owned();
    let resumed = say("resume");
    assert!(resumed.starts_with("ire/acme is not active yet: its plan lacks provisioning"), "{resumed}");
    assert_eq!((word().as_str(), asked().as_str()), ("not_in_plan", "provisioningNotInPlan"));
    on(&gateway, &["tenant", "plan", "--scim", "on"], &acme);
    assert_eq!((word().as_str(), asked().as_str()), ("not_activated", "provisioningNotActivated"));
    assert!(say("resume").contains("`usher tenant activate`"));
    assert_eq!(say("activate"), "ire/acme is active now.");
    acme.get("/Users").expect(200);
}

#[test]
fn cx16_an_activation_holds_at_every_process() {
    let [one, other] = two_processes(&[]);
    let there = at(&other, &waiting(&one));
    assert_eq!(there.get("/Users").status, 403);
    on(&one, &["tenant", "activate"], &there);
    wait_for("it is served there", || there.get("/Users").status == 200);
}

#[test]
fn mo15_the_test_of_a_credential_names_the_tenant() {
    let gateway = gateway();
    let acme = gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme" }));
    let config = acme.get("/ServiceProviderConfig").expect(200).body;
    let scheme = &config["authenticationSchemes"][0];
    assert_eq!(scheme["description"], "A bearer token of Acme (ire/acme) in the Authorization header.");
}
