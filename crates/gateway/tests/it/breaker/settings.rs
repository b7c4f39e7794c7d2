//! What staff set of the breaker, and who may.

use serde_json::json;
use testkit::http::Request;

use super::{acts, on, people, show, suspend};
use crate::{
    people::{said, staff},
    running::{SEAT, roomy},
};

#[test]
fn limits_are_set_by_a_command_each_may_be_changed_alone_and_the_act_is_recorded() {
    let (gateway, acme) = roomy();
    let words = ["breaker", "set", "--people", "20", "--percent", "25", "--minutes", "60"];
    let set = said(&gateway, &acme, &words);
    assert_eq!(
        (&set["on"], &set["people"], &set["percent"], &set["minutes"]),
        (&json!(true), &json!(20), &json!(25), &json!(60))
    );
    assert_eq!(show(&gateway, &acme), set);
    let changed = said(&gateway, &acme, &["breaker", "set", "--people", "5"]);
    assert_eq!((&changed["people"], &changed["percent"]), (&json!(5), &json!(25)));
    assert_eq!(said(&gateway, &acme, &["breaker", "off"])["on"], false);
    let acts = acts(&gateway, &acme);
    let details: Vec<_> =
        acts.iter().filter(|act| act["act"] == "breaker.set").map(|act| act["detail"].clone()).collect();
    assert_eq!(
        details,
        [
            json!({ "off": true }),
            json!({ "people": 5, "percent": 25, "minutes": 60 }),
            json!({ "people": 20, "percent": 25, "minutes": 60 }),
        ]
    );
    let words = gateway.cli_ok(&["breaker", "show", "--region", "ire", "--key", "acme"]);
    assert_eq!(words.trim(), "Off.");
}

#[test]
fn limits_that_are_raised_while_it_is_open_close_it_until_they_are_reached_again() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 4);
    on(&gateway, &acme, 1, 0);
    for id in &ids[..2] {
        suspend(&acme, id);
    }
    assert_eq!(show(&gateway, &acme)["open"], true);
    let raised = said(&gateway, &acme, &["breaker", "set", "--people", "2"]);
    assert_eq!((&raised["open"], &raised["held"]["people"]), (&json!(true), &json!(1)), "somebody waits");
    said(&gateway, &acme, &["breaker", "release"]);
    assert_eq!(show(&gateway, &acme)["open"], false);
    assert_eq!(suspend(&acme, &ids[2]).body[SEAT]["state"], "suspended");
    assert_eq!(show(&gateway, &acme)["open"], true, "nobody waits, and the next one would");
    assert_eq!(suspend(&acme, &ids[3]).body[SEAT]["state"], "held");
}

#[test]
fn limits_that_are_none_and_unknown_words_are_400() {
    let (gateway, acme) = roomy();
    let patch = |body: &serde_json::Value| staff(&gateway, &acme, "PATCH", "/breaker", Some(body));
    for wrong in [
        json!({}),
        json!({ "people": 20 }),
        json!({ "people": 20, "percent": 20 }),
        json!({ "people": -1, "percent": 20, "minutes": 60 }),
        json!({ "people": 20, "percent": 101, "minutes": 60 }),
        json!({ "people": 20, "percent": 20, "minutes": 0 }),
        json!({ "people": 20, "percent": 20, "minutes": 10_081 }),
        json!({ "people": "20", "percent": 20, "minutes": 60 }),
        json!({ "people": 20, "percent": 20, "minutes": 60, "hours": 1 }),
        json!({ "off": false }),
        json!({ "off": true, "people": 20 }),
    ] {
        patch(&wrong).expect(400);
    }
    assert_eq!(show(&gateway, &acme)["on"], false);
    on(&gateway, &acme, 20, 20);
    patch(&json!({})).expect(400);
    staff(&gateway, &acme, "GET", "/breaker?all=1", None).expect(400);
    for act in ["release", "rollback"] {
        staff(&gateway, &acme, "POST", &format!("/breaker/{act}?now=1"), None).expect(400);
        staff(&gateway, &acme, "POST", &format!("/breaker/{act}"), Some(&json!({ "all": true }))).expect(400);
        staff(&gateway, &acme, "POST", &format!("/breaker/{act}"), Some(&json!({}))).expect(200);
    }
    let both = ["breaker", "set", "off", "--people", "3", "--region", "ire", "--key", "acme"];
    assert_eq!(gateway.cli(&both).status.code(), Some(2));
    assert_eq!(show(&gateway, &acme)["people"], 20);
}

#[test]
fn tokens_of_tenants_and_of_staff_of_another_tenant_reach_nothing() {
    let (gateway, acme) = roomy();
    let other = gateway.tenant("ire", "other", None, None);
    let words = ["admin-token", "add", "--name", "lena", "--tenant", "ire/other", "--json"];
    let lena: serde_json::Value = serde_json::from_str(&gateway.cli_ok(&words)).unwrap();
    let lena = lena["token"].as_str().unwrap().to_owned();
    for (method, path) in [("GET", ""), ("PATCH", ""), ("POST", "/release"), ("POST", "/rollback")] {
        let url = format!("{}/admin/v1{}/breaker{path}", gateway.url, acme.admin_path());
        let send =
            |token: &str| Request::new(method, &url).bearer(token).json(&json!({ "off": true })).send();
        assert_eq!(send(&acme.token).status, 401);
        assert_eq!(send(&other.token).status, 401);
        assert_eq!(send(&lena).status, 403);
    }
}
