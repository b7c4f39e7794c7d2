//! How many series there are, whatever clients send.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::json;
use testkit::{
    at_once::at_once,
    dice::Dice,
    gateway::{Gateway, Tenant},
    http::Request,
};

use super::{of_tenants, series};
use crate::running::{gateway_with, replace};

const REGIONS: [&str; 5] = ["ire", "us", "nl", "uk", "ca"];

/// The most series of one process with five regions.
const MOST: usize = 3_000;

/// Every route with every method, by a right credential and by a wrong one.
fn walk(tenant: &Tenant) {
    let person = tenant.create_user("ada", "user").expect(201).id();
    let group = tenant.post("/Groups", &json!({ "displayName": "Crew" })).expect(201).id();
    let paths = [
        "/Users".to_owned(),
        format!("/Users/{person}"),
        "/Users/nobody".to_owned(),
        "/Groups".to_owned(),
        format!("/Groups/{group}"),
        "/Bulk".to_owned(),
        "/.search".to_owned(),
        "/Users/.search".to_owned(),
        "/ServiceProviderConfig".to_owned(),
        "/ResourceTypes".to_owned(),
        "/ResourceTypes/User".to_owned(),
        "/Schemas".to_owned(),
        "/Me".to_owned(),
        String::new(),
        "/nowhere".to_owned(),
    ];
    tenant.patch(&format!("/Users/{person}"), &replace("title", "Countess")).expect(200);
    for path in &paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW"] {
            tenant.request(method, path).json(&json!({})).send();
            let url = format!("{}{path}", tenant.base_url);
            Request::new(method, &url).bearer("wrong").json(&json!({})).send();
        }
    }
}

/// Every route of staff that changes nothing, and some that do.
fn walk_as_staff(gateway: &Gateway, tenant: &Tenant) {
    let of_tenant = [
        "",
        "/credentials",
        "/seats",
        "/seats/audit",
        "/users",
        "/groups",
        "/log",
        "/health",
        "/acts",
        "/changes",
        "/nowhere",
    ];
    for path in of_tenant {
        gateway.admin("GET", &format!("{}{path}", tenant.admin_path()), None);
        gateway.admin("PATCH", &format!("{}{path}", tenant.admin_path()), Some(&json!({})));
    }
}

#[test]
fn attack_25_ten_thousand_random_tenants_and_paths_add_no_series_and_five_regions_have_few() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "1000000")]);
    for region in REGIONS {
        let tenant = gateway.tenant(region, "acme", Some(10), Some(10));
        walk(&tenant);
        walk_as_staff(&gateway, &tenant);
        gateway.cli(&["health", "--region", region, "--key", "acme"]);
    }
    // What is counted now and then, and not with a request.
    crate::tick::tick(&gateway);
    // Reasons of wrong credentials are counted beside the requests.
    let random = |n: u64| {
        let mut dice = Dice::new(n);
        for _ in 0..1_250 {
            let (key, path) = (dice.below(1 << 40), dice.below(1 << 40));
            let region = REGIONS[dice.index(REGIONS.len())];
            let url = match dice.below(3) {
                0 => format!("{}/{region}/key{key}/scim/v2/Users/{path}", gateway.url),
                1 => format!("{}/region{key}/key{key}/scim/v2/{path}", gateway.url),
                _ => format!("{}/{key}/{path}", gateway.url),
            };
            let token = format!("ush_{region}_{key:012}{path:032}");
            Request::new("GET", &url).bearer(&token).send();
        }
    };
    random(0);
    let settled = || {
        crate::running::wait_for("reasons are counted", || {
            let text = gateway.metrics();
            let is_there = |series: &str| text.contains(series);
            ["reason=\"unknown\"", "reason=\"malformed\"", "usher_store_migrations_behind{"]
                .into_iter()
                .all(is_there)
        });
        gateway.metrics()
    };
    let before = settled();
    at_once(8, |n| random(u64::try_from(n).unwrap() + 1));
    let after = settled();
    let (few, many) = (series(&before).count(), series(&after).count());
    eprintln!("{many} series with five regions");
    let names = |text: &str| -> Vec<String> {
        series(text).map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    let added: Vec<String> =
        names(&after).into_iter().filter(|name| !names(&before).contains(name)).collect();
    assert!(added.is_empty(), "{added:#?}");
    assert_eq!(many, few);
    assert!(many < MOST, "{many} series");
    assert!(!after.contains("acme") && !after.contains("Countess"), "{after}");
    assert_sound(&after);
    assert_sound(&of_tenants(&gateway));
}

/// Has Prometheus' own tool judge the text.
#[track_caller]
fn assert_sound(text: &str) {
    let judge = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut judge =
        judge.unwrap_or_else(|e| panic!("this test needs promtool, of Debian's package prometheus: {e}"));
    judge.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let judged = judge.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&judged.stderr);
    assert!(
        judged.status.success() && told.is_empty(),
        "{told}{}\n{text}",
        String::from_utf8_lossy(&judged.stdout)
    );
}
