//! One id from the proxy's log through ours: answer, log line, Ref, page of the Ref, change record, act of staff.

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
    urn::USER,
};

use super::with_message;
use crate::running::{gateway_with, wait_for};

const JSON: (&str, &str) = ("USHER__LOG__FORMAT", "json");
const BEHIND_PROXY: (&str, &str) = ("USHER__SERVER__TRUSTED_PROXIES", "127.0.0.0/8");

fn full(gateway: &Gateway) -> Tenant {
    gateway.tenant("ire", "acme", Some(1), Some(0))
}

fn create(acme: &Tenant, name: &str, id: &str) -> Answer {
    let body = json!({ "schemas": [USER], "userName": name, "userType": "user" });
    acme.request("POST", "/Users").header("x-request-id", id).json(&body).send()
}

fn rows(gateway: &Gateway, acme: &Tenant) -> Vec<Value> {
    let log = gateway.admin("GET", &format!("{}/log", acme.admin_path()), None).expect(200);
    log.body["rows"].as_array().unwrap().clone()
}

#[test]
fn an_id_of_a_trusted_proxy_leads_from_its_log_to_everything_of_the_request() {
    let gateway = gateway_with(&[JSON, BEHIND_PROXY, ("USHER__LOG__LEVEL", "debug")]);
    let acme = full(&gateway);
    let (made, refused) = ("proxy-id-of-ada-0001", "8f2c1a36-5b0e-4f2a-9a3c-0f8f4be1a001");
    let ada = create(&acme, "ada", made).expect(201);
    assert_eq!(ada.header("x-request-id"), Some(made));
    let ben = create(&acme, "ben", refused).expect_error(403, "seatLimitReached");
    assert_eq!(ben.header("x-request-id"), Some(refused));
    assert!(ben.body["detail"].as_str().unwrap().ends_with(&format!("Ref {refused}.")), "{}", ben.text);

    let line = |message: &str, id: &str| {
        let all = with_message(&gateway, message);
        let found: Vec<Value> = all.into_iter().filter(|line| line["request_id"] == id).collect();
        assert_eq!(found.len(), 1, "{message} {id}: {}", gateway.log());
        found[0].clone()
    };
    assert_eq!(line("a request was answered", made)["code"], 201);
    let told = line("a request was refused", refused);
    let fields = ["region", "tenant", "route", "method", "code", "idp", "scim_type"].map(|name| &told[name]);
    let expected = json!(["ire", "ire/acme", "/Users", "POST", 403, "other", "seatLimitReached"]);
    assert_eq!(json!(fields), expected, "{told}");
    assert!(told["ms"].is_f64() && told["credential"].is_string(), "{told}");

    let changes = gateway.admin("GET", &format!("{}/changes", acme.admin_path()), None).expect(200).body;
    assert!(changes.as_array().unwrap().iter().any(|change| change["request_id"] == made), "{changes}");
    wait_for("the refused write is in the log", || rows(&gateway, &acme).len() == 2);
    let ids: Vec<Value> = rows(&gateway, &acme).iter().map(|row| row["request_id"].clone()).collect();
    assert_eq!(ids, [refused, made]);
    let page = gateway_page(&gateway, refused);
    assert!(page.starts_with(&format!("Ref {refused}\n")) && page.contains("for acme"), "{page}");
}

fn gateway_page(gateway: &Gateway, reference: &str) -> String {
    testkit::http::Request::new("GET", &format!("{}/s/{reference}", gateway.url)).send().expect(200).text
}

#[test]
fn an_act_of_staff_has_the_id_of_their_proxy_too() {
    let gateway = gateway_with(&[BEHIND_PROXY]);
    let acme = full(&gateway);
    let token = std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let url = format!("{}/admin/v1{}/suspend", gateway.url, acme.admin_path());
    let request = testkit::http::Request::new("POST", &url).bearer(token.trim());
    let answer = request.header("x-request-id", "of-the-staff-proxy").send().expect(200);
    assert_eq!(answer.header("x-request-id"), Some("of-the-staff-proxy"));
    let acts = gateway.admin("GET", &format!("{}/acts", acme.admin_path()), None).expect(200).body;
    assert_eq!(acts[0]["request_id"], "of-the-staff-proxy", "{acts}");
}

#[test]
fn an_id_without_the_form_or_from_anybody_else_is_not_taken() {
    let behind = gateway_with(&[BEHIND_PROXY]);
    let acme = full(&behind);
    for wrong in ["short", "ada@example.com", "../../etc/passwd", "a b c d e f g h", &"x".repeat(65)] {
        let answer = acme.request("GET", "/Users").header("x-request-id", wrong).send().expect(200);
        assert_eq!(answer.header("x-request-id").unwrap().len(), 32, "{wrong}");
    }
    let twice = acme
        .request("GET", "/Users")
        .header("x-request-id", "first-of-two")
        .header("x-request-id", "second-of-two");
    assert_eq!(twice.send().expect(200).header("x-request-id").unwrap().len(), 32);
    let open = gateway_with(&[("USHER__SERVER__TRUSTED_PROXIES", "192.0.2.0/24")]);
    let acme = full(&open);
    let answer = create(&acme, "ada", "8f2c1a36-5b0e-4f2a-9a3c-0f8f4be1a001").expect(201);
    assert_ne!(answer.header("x-request-id"), Some("8f2c1a36-5b0e-4f2a-9a3c-0f8f4be1a001"));
}
