//! The level of the log, raised for one region or tenant for a while.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::with_message;
use crate::running::gateway_with;

fn answered(gateway: &Gateway, tenant: &Tenant) -> usize {
    let name = format!("{}/{}", tenant.region, tenant.key);
    with_message(gateway, "a request was answered")
        .iter()
        .filter(|line| line["tenant"] == name.as_str())
        .count()
}

#[test]
fn a_level_is_raised_for_one_tenant_or_region_and_lowered_again_and_both_are_recorded() {
    let gateway = gateway_with(&[("USHER__LOG__FORMAT", "json")]);
    let tenants = [("ire", "acme"), ("ire", "globex"), ("us", "initech")];
    let [acme, globex, initech] = tenants.map(|(region, key)| gateway.tenant(region, key, None, None));
    let ask = || [&acme, &globex, &initech].map(|tenant| drop(tenant.get("/Users").expect(200)));
    let seen = || [&acme, &globex, &initech].map(|tenant| answered(&gateway, tenant));
    ask();
    assert_eq!(seen(), [0, 0, 0]);

    let of_acme = ["--region", "ire", "--key", "acme"];
    let set = |whose: &[&str], more: &[&str]| {
        gateway.cli_ok(&[&["log-level", "set", "--json"], whose, &["--level", "debug"], more].concat())
    };
    let raised: Value = serde_json::from_str(&set(&of_acme, &[])).unwrap();
    assert_eq!((&raised[0]["key"], &raised[0]["level"]), (&json!("acme"), &json!("debug")), "{raised}");
    ask();
    assert_eq!(seen(), [1, 0, 0]);
    set(&["--region", "us"], &["--minutes", "5"]);
    ask();
    assert_eq!(seen(), [2, 0, 1]);
    let shown = gateway.cli_ok(&["log-level", "show", "--region", "us"]);
    assert!(shown.contains("debug") && !shown.contains("acme"), "{shown}");
    gateway.cli_ok(&[&["log-level", "unset"], &of_acme[..]].concat());
    gateway.cli_ok(&["log-level", "unset", "--region", "us"]);
    ask();
    assert_eq!(seen(), [2, 0, 1]);

    let acts = gateway.admin("GET", "/acts", None).expect(200).body;
    let acts: Vec<Value> = acts
        .as_array()
        .unwrap()
        .iter()
        .filter(|act| act["act"].as_str().unwrap().starts_with("log_level."))
        .map(|act| json!([act["region"], act["tenant"], act["act"], act["detail"]["minutes"]]))
        .collect();
    let expected = [
        json!(["us", null, "log_level.lowered", null]),
        json!(["ire", "ire/acme", "log_level.lowered", null]),
        json!(["us", null, "log_level.raised", 5]),
        json!(["ire", "ire/acme", "log_level.raised", 60]),
    ];
    assert_eq!(acts, expected);
}

#[test]
fn what_is_no_level_or_lasts_too_long_is_refused() {
    let gateway = gateway_with(&[]);
    for body in [
        json!({ "level": "warn" }),
        json!({ "level": "debug", "minutes": 0 }),
        json!({ "level": "debug", "minutes": 1441 }),
    ] {
        gateway.admin("PUT", "/regions/ire/log-level", Some(&body)).expect(400);
    }
    gateway
        .admin("PUT", "/regions/ire/tenants/nobody/log-level", Some(&json!({ "level": "debug" })))
        .expect(404);
    assert_eq!(gateway.admin("GET", "/regions/ire/log-level", None).expect(200).body, json!([]));
}

#[test]
fn the_levels_of_a_tenant_are_shown_without_those_of_others() {
    let gateway = gateway_with(&[]);
    let paths = ["ire/acme", "ire/other", "us/acme"].map(|name| {
        let (region, key) = name.split_once('/').unwrap();
        gateway.tenant(region, key, None, None);
        format!("/regions/{region}/tenants/{key}/log-level")
    });
    for path in &paths {
        gateway.admin("PUT", path, Some(&json!({ "level": "debug" }))).expect(200);
    }
    let named = |method, path: &str| {
        let shown = gateway.admin(method, path, None).expect(200).body;
        let shown = shown.as_array().unwrap().iter();
        shown
            .map(|raised| format!("{}/{}", raised["region"], raised["key"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    assert_eq!(named("GET", &paths[0]), ["ire/acme"]);
    assert_eq!(named("GET", "/regions/ire/log-level"), ["ire/acme", "ire/other"]);
    assert!(named("DELETE", &paths[0]).is_empty());
    assert_eq!(named("GET", "/regions/ire/log-level"), ["ire/other"]);
    assert_eq!(named("GET", &paths[2]), ["us/acme"]);
}
