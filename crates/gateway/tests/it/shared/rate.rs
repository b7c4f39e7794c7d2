//! A tenant's rate: what staff set, what beyond it is refused, and that others are served.

use std::time::Instant;

use serde_json::{Value, json};
use testkit::{at_once::at_once, gateway::Tenant};

use super::{Pair, probe, set, wrong};
use crate::running::{USER, acme, gateway, roomy, wait_for};

/// The least rate that can be set.
const LEAST: (&str, &str) = ("25", "500");
const BURST: usize = 500;

/// Sends so many requests by several clients; how many were served, and how many may have been by a bucket of the least rate.
fn served(tenants: &[Tenant], requests: usize) -> (usize, usize) {
    let began = Instant::now();
    let clients = 4;
    let statuses = at_once(clients, |client| {
        let tenant = &tenants[client % tenants.len()];
        (0..requests / clients).map(|_| probe(tenant)).collect::<Vec<_>>()
    });
    let statuses: Vec<u16> = statuses.into_iter().flatten().collect();
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    let refilled = began.elapsed().as_millis() * 25 / 1_000 + 1;
    let served = statuses.iter().filter(|status| **status == 200).count();
    (served, BURST + usize::try_from(refilled).unwrap())
}

#[test]
fn a_tenant_beyond_its_rate_is_refused_for_a_moment_and_others_are_served() {
    let (gateway, acme) = roomy();
    let other = gateway.tenant("ire", "other", None, None);
    set(&gateway, &["--rate", "25"]);
    // Requests of strangers are not the tenant's.
    (0..30).for_each(|_| assert_eq!(wrong(&acme.base_url, &other.token), 401));
    let (served, most) = served(std::slice::from_ref(&acme), 800);
    assert!((BURST..=most).contains(&served), "{served} of at most {most} were served");

    // The body is not read: it is no JSON.
    let refused = loop {
        let answer = acme.request("POST", "/Users").bytes(b"{").send();
        if answer.status == 429 {
            break answer;
        }
    };
    let refused = refused.expect_error(429, "");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("This tenant may send 25 requests a second; retry after 1 s. Ref "),
        "{detail}"
    );
    assert_eq!(probe(&other), 200);
    let metrics = gateway.metrics();
    let count = metrics.lines().find_map(|line| {
        line.strip_prefix(r#"usher_rate_limited_total{region="ire",scope="tenant"} "#)?.parse::<usize>().ok()
    });
    assert!(count.unwrap() >= 800 - most, "{count:?}");
    assert!(!metrics.contains("usher_redis"), "{metrics}");
    // They are summed up in the log.
    let lines = gateway.log().lines().filter(|line| line.contains("requests a second of ire/acme")).count();
    assert!((1..=20).contains(&lines), "{lines} lines");

    set(&gateway, &["--rate", "off"]);
    (0..50).for_each(|_| assert_eq!(probe(&acme), 200));
}

#[test]
fn staff_set_a_rate_and_see_it() {
    let (gateway, _) = acme(None, None);
    let shown = |text: &str| serde_json::from_str::<Value>(text).unwrap()["rate"].clone();
    let show = || gateway.cli_ok(&["tenant", "show", "--region", "ire", "--key", "acme", "--json"]);
    assert_eq!(shown(&show()), Value::Null);
    assert_eq!(shown(&set(&gateway, &["--rate", "40"])), json!({ "per_second": 40, "burst": 500 }));
    set(&gateway, &["--rate", "30", "--burst", "900"]);
    assert_eq!(shown(&show()), json!({ "per_second": 30, "burst": 900 }));
    let text = gateway.cli_ok(&["tenant", "show", "--region", "ire", "--key", "acme"]);
    assert!(text.contains("30 requests a second, 900 at once"), "{text}");
    assert_eq!(shown(&set(&gateway, &["--strict"])), json!({ "per_second": 30, "burst": 900 }), "it stays");
    assert_eq!(shown(&set(&gateway, &["--rate", "off"])), Value::Null);

    for (rate, said) in [
        (json!({ "per_second": 24 }), "a rate is 25 to 1000000 requests a second, not 24"),
        (
            json!({ "per_second": 25, "burst": 499 }),
            "the burst of a rate is 500 to 1000000 requests, not 499",
        ),
        (json!({ "per_second": 25, "size": 5 }), "unknown field `size`"),
        (json!(25), "invalid type"),
    ] {
        let body = json!({ "settings": { "rate": rate } });
        let answer = gateway.admin("PATCH", "/regions/ire/tenants/acme", Some(&body)).expect(400);
        assert!(answer.body["detail"].as_str().unwrap().contains(said), "{}", answer.text);
    }
    for words in [["--rate", "24"], ["--burst", "600"]] {
        let all = ["tenant", "set", "--region", "ire", "--key", "acme"];
        assert_eq!(gateway.cli(&[&all[..], &words].concat()).status.code(), Some(2), "{words:?}");
    }
    assert_eq!(shown(&show()), Value::Null);
}

#[test]
fn a_new_tenant_can_have_a_rate_from_the_start() {
    let gateway = gateway();
    let words =
        ["tenant", "create", "--region", "ire", "--key", "acme", "--name", "Acme", "--json", "--rate", "50"];
    let made: Value = serde_json::from_str(&gateway.cli_ok(&words)).unwrap();
    assert_eq!(made["rate"], json!({ "per_second": 50, "burst": 500 }));
}

#[test]
fn me21_an_initial_cycle_at_the_least_rate_is_never_refused() {
    let (gateway, acme) = roomy();
    set(&gateway, &["--rate", LEAST.0, "--burst", LEAST.1]);
    // 500 at once are a page of an identity provider.
    for number in 0..BURST {
        let body = json!({ "schemas": [USER], "userName": format!("user{number}") });
        acme.post("/Users", &body).expect(201);
    }
}

#[test]
fn two_processes_share_a_tenants_bucket() {
    let pair = Pair::start(&[]);
    set(&pair.processes[0], &["--rate", LEAST.0, "--burst", LEAST.1]);
    let other = &pair.processes[1];
    wait_for("the other process knows of it", || {
        probe(&pair.tenants[1]);
        pair.redis.command(&["KEYS", "usher:bucket:*"]).starts_with("*1")
    });
    assert!(other.metrics().contains("usher_redis_up 1"));
    let (served, most) = served(&pair.tenants, 1_200);
    assert!((BURST..=most).contains(&served), "{served} of at most {most} were served");
    let refused = pair.processes.each_ref().map(|process| {
        let metrics = process.metrics();
        assert!(
            metrics.contains("usher_redis_up 1") && metrics.contains("usher_redis_errors_total 0"),
            "{metrics}"
        );
        metrics.contains("usher_rate_limited_total")
    });
    assert_eq!(refused, [true; 2], "each refuses what the other has let through");
    // The bucket is forgotten when it would be full again.
    let id = pair.redis.command(&["KEYS", "usher:bucket:*"]);
    assert!(id.starts_with("*1"), "{id}");
}
