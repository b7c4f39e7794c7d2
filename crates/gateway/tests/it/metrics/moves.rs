//! Each metric moves when what it counts happens. A test of the testkit holds this file, and its neighbours, to the list of metrics.

use serde_json::json;
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Setup, Tenant},
    http::Request,
};

use super::{series, value};
use crate::{
    people::{said, staff},
    running::{BINARY, acme, gateway_with, replace, two_processes, wait_for},
    tick::under,
};

/// The value of a series now; 0 where there is none.
fn now(gateway: &Gateway, series: &str) -> f64 {
    value(&gateway.metrics(), series).unwrap_or_default()
}

fn look(gateway: &Gateway, tenant: &Tenant) {
    gateway.cli(&["health", "--region", &tenant.region, "--key", &tenant.key]);
}

#[test]
fn a_request_counts_by_route_operation_and_outcome() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let ada = acme.create_user("ada", "user").expect(201).id();
    let path = format!("/Users/{ada}");
    acme.get(&path).expect(200);
    acme.get("/Users").expect(200);
    acme.patch(&path, &replace("title", "Countess")).expect(200);
    acme.patch(&path, &replace("title", "Countess")).expect(200);
    acme.create_user("ada", "").expect(409);
    acme.create_user("bob", "user").expect(403);
    acme.post("/Users", &json!({})).expect(400);
    let group = acme.post("/Groups", &json!({ "displayName": "Crew" })).expect(201).id();
    acme.patch(&format!("/Groups/{group}"), &replace("displayName", "Team")).expect(204);
    acme.get("/Schemas").expect(200);
    acme.delete(&path).expect(204);
    let text = gateway.metrics();
    for (operation, outcome, resource, number) in [
        ("create", "ok", "User", 1.0),
        ("read", "ok", "User", 1.0),
        ("list", "ok", "User", 1.0),
        ("update", "ok", "User", 1.0),
        ("update", "noop", "User", 1.0),
        ("create", "conflict", "User", 1.0),
        ("create", "refused", "User", 1.0),
        ("create", "invalid", "User", 1.0),
        ("create", "ok", "Group", 1.0),
        ("update", "ok", "Group", 1.0),
        ("delete", "ok", "User", 1.0),
    ] {
        let series = format!(
            "usher_scim_operations_total{{operation=\"{operation}\",outcome=\"{outcome}\",region=\"ire\",resource=\"{resource}\"}}"
        );
        assert_eq!(value(&text, &series), Some(number), "{series}\n{text}");
    }
    for (operation, number) in [
        ("create", 5.0),
        ("read", 1.0),
        ("list", 1.0),
        ("change", 2.0),
        ("group_change", 1.0),
        ("delete", 1.0),
        ("discovery", 1.0),
    ] {
        let series = format!(
            "usher_http_request_duration_seconds_count{{listener=\"scim\",operation=\"{operation}\",region=\"ire\"}}"
        );
        assert_eq!(value(&text, &series), Some(number), "{series}\n{text}");
    }
    let created = "usher_http_requests_total{code=\"201\",listener=\"scim\",method=\"POST\",region=\"ire\",route=\"/Users\"}";
    assert_eq!(value(&text, created), Some(1.0));
    assert!(value(&text, "usher_http_request_body_bytes_count{listener=\"scim\"}").unwrap() >= 8.0);
    assert_eq!(value(&text, "usher_http_requests_in_flight{listener=\"scim\"}"), Some(0.0));
    // The license that it falls back to has no seat either.
    let refused = "usher_seats_refused_total{license=\"member\",policy=\"fallback\",region=\"ire\"}";
    assert_eq!(value(&text, refused), Some(1.0));
    // A request whose body does not come is in flight.
    let mut slow = std::net::TcpStream::connect(gateway.url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /ire/acme/scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 10\r\n\r\n",
        acme.token
    );
    std::io::Write::write_all(&mut slow, head.as_bytes()).unwrap();
    wait_for("it is in flight", || now(&gateway, "usher_http_requests_in_flight{listener=\"scim\"}") == 1.0);
    drop(slow);
    wait_for("it has ended", || now(&gateway, "usher_http_requests_in_flight{listener=\"scim\"}") == 0.0);
    // What staff do has the listener admin.
    let act = "usher_admin_actions_total{act=\"PATCH /regions/{region}/tenants/{key}/seats\",outcome=\"ok\"}";
    let before = now(&gateway, act);
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "quota": 5 } }))).expect(200);
    assert_eq!(now(&gateway, act), before + 1.0);
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "quota": "x" } }))).expect(400);
    assert_eq!(now(&gateway, &act.replace("\"ok\"", "\"refused\"")), 1.0);
}

#[test]
fn a_wrong_credential_counts_by_its_reason() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let other = gateway.tenant("ire", "other", None, None);
    let abroad = gateway.tenant("us", "abroad", None, None);
    let add = |days: &str| said(&gateway, &acme, &["credential", "add", "bearer", "--expires-in-days", days]);
    let (revoked, expired) = (add("9"), add("1"));
    said(&gateway, &acme, &["credential", "revoke", revoked["key_id"].as_str().unwrap()]);
    clock.set("+2d");
    let users = format!("{}/Users", acme.base_url);
    let token = |made: &serde_json::Value| made["token"].as_str().unwrap().to_owned();
    let wrong_secret = format!("{}{}", &acme.token[..acme.token.len() - 4], "0000");
    let signed = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln";
    for (bearer, reason) in [
        (wrong_secret.as_str(), "secret"),
        (&token(&revoked), "revoked"),
        (&token(&expired), "expired"),
        ("ush_ire_000000000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "unknown"),
        ("nothing of ours", "malformed"),
        (signed, "jwt"),
        (&other.token, "tenant"),
        (&abroad.token, "region"),
    ] {
        let series = format!("usher_auth_failures_total{{reason=\"{reason}\",region=\"ire\"}}");
        let series = if reason == "region" { series.replace("\"ire\"", "\"us\"") } else { series };
        let before = now(&gateway, &series);
        Request::new("GET", &users).bearer(bearer).send().expect(401);
        wait_for(reason, || now(&gateway, &series) == before + 1.0);
    }
    Request::new("GET", &users).send().expect(401);
    assert_eq!(now(&gateway, "usher_auth_failures_total{reason=\"missing\",region=\"ire\"}"), 1.0);
    assert!(now(&gateway, "usher_log_lines_dropped_total") > 0.0, "of many refusals most lines are counted");
}

#[test]
fn seats_count_in_sums_and_in_movements() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(5));
    let of = |text: &str, name: &str, license: &str| {
        value(text, &format!("usher_seats_{name}{{license=\"{license}\",region=\"ire\"}}"))
    };
    let first = acme.create_user("a", "user").expect(201).id();
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "policy": "fallback" } })))
        .expect(200);
    acme.create_user("b", "user").expect(201);
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "policy": "hold" } }))).expect(200);
    acme.create_user("c", "user").expect(201);
    // The row that the sums are read from is written at most once a minute.
    clock.set("+2m");
    wait_for("the row", || of(&gateway.metrics(), "waiting", "member") == Some(2.0));
    let text = gateway.metrics();
    assert_eq!(of(&text, "used", "member"), Some(1.0), "{text}");
    assert_eq!(of(&text, "limit", "member"), Some(1.0));
    assert_eq!(of(&text, "used", "member_lite"), Some(1.0));
    acme.delete(&format!("/Users/{first}")).expect(204);
    let gone = acme.create_user("d", "").expect(201).id();
    acme.patch(&format!("/Users/{gone}"), &replace("active", false)).expect(200);
    let text = gateway.metrics();
    for kind in ["claim", "fallback", "wait", "promote", "release"] {
        let moved = series(&text).any(|line| {
            line.starts_with("usher_seat_movements_total{") && line.contains(&format!("kind=\"{kind}\""))
        });
        assert!(moved, "{kind}\n{text}");
    }
    // Seats are recounted once an hour.
    let imbalanced = "usher_seat_ledger_imbalanced_tenants{region=\"ire\"}";
    assert_eq!(value(&text, imbalanced), Some(0.0));
    let audited = now(&gateway, "usher_seat_audit_timestamp_seconds{region=\"ire\"}");
    let there = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64() + 120.0;
    assert!((there - audited).abs() < 60.0, "{audited}");
}

#[test]
fn a_ledger_that_does_not_add_up_counts_with_the_next_recount() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(5), None);
    acme.create_user("a", "user").expect(201);
    look(&gateway, &acme);
    let imbalanced = "usher_seat_ledger_imbalanced_tenants{region=\"ire\"}";
    assert_eq!(now(&gateway, imbalanced), 0.0);
    gateway.stop();
    let file = std::fs::read_dir(gateway.data_dir().join("ire/tenants")).unwrap();
    let file =
        file.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some_and(|e| e == "db"));
    let broken = std::process::Command::new("sqlite3")
        .arg(file.unwrap())
        .arg("UPDATE seat_pools SET used = used + 1 WHERE license = 'member'")
        .status();
    assert!(broken.unwrap().success());
    gateway.start_again();
    look(&gateway, &acme);
    assert_eq!(now(&gateway, imbalanced), 0.0, "an hour has not passed");
    clock.set("+61m");
    look(&gateway, &acme);
    assert_eq!(now(&gateway, imbalanced), 1.0);
}

#[test]
fn stores_tell_what_they_do() {
    let mut gateway = gateway_with(&[("USHER__STORE__MAX_OPEN", "8"), ("USHER__SERVE_REGIONS", "ire,us")]);
    let tenants: Vec<Tenant> = (0..12).map(|n| gateway.tenant("ire", &format!("t{n}"), None, None)).collect();
    for tenant in &tenants {
        tenant.create_user("a", "").expect(201);
    }
    let text = gateway.metrics();
    let at_least = |series: &str, least: f64| {
        let found = value(&text, series).unwrap_or_else(|| panic!("{series}\n{text}"));
        assert!(found >= least, "{series} {found}\n{text}");
    };
    at_least("usher_stores_open", 3.0);
    at_least("usher_store_opens_total", 14.0);
    at_least("usher_store_evictions_total", 4.0);
    at_least("usher_store_transactions_total{kind=\"tenant\",mode=\"write\",outcome=\"ok\"}", 12.0);
    at_least("usher_store_transactions_total{kind=\"registry\",mode=\"read\",outcome=\"ok\"}", 2.0);
    at_least("usher_store_transaction_duration_seconds_count{kind=\"tenant\",mode=\"write\"}", 12.0);
    at_least("usher_store_commit_group_size_count", 12.0);
    at_least("usher_store_permit_wait_seconds_count{kind=\"write\"}", 12.0);
    at_least("usher_store_permit_wait_seconds_count{kind=\"read\"}", 1.0);
    at_least("usher_store_permits_limit{kind=\"background\"}", 4.0);
    at_least("usher_store_permits_limit{kind=\"connection\"}", 10.0);
    at_least("usher_store_permits_in_use{kind=\"background\"}", 0.0);
    at_least("usher_data_dir_size_bytes{region=\"ire\"}", 1e6);
    at_least("usher_data_dir_free_bytes{region=\"us\"}", 1e6);
    at_least("usher_registry_cache_requests_total{region=\"ire\",result=\"miss\"}", 1.0);
    at_least("usher_registry_invalidations_total{region=\"ire\"}", 0.0);
    at_least("process_resident_memory_bytes", 1e6);
    at_least("usher_build_info{commit=\"unknown\",version=\"0.1.0\"}", 1.0);
    wait_for("stores behind are counted", || {
        value(&gateway.metrics(), "usher_store_migrations_behind{region=\"ire\"}") == Some(0.0)
    });
    assert_eq!(value(&text, "usher_stores_unavailable{region=\"ire\"}"), Some(0.0));
    let invalidations = value(&text, "usher_registry_invalidations_total{region=\"ire\"}").unwrap();
    staff(&gateway, &tenants[0], "PATCH", "", Some(&json!({ "settings": { "contact": "it@acme.example" } })))
        .expect(200);
    tenants[0].get("/Users").expect(200);
    tenants[0].get("/Users").expect(200);
    assert!(now(&gateway, "usher_registry_invalidations_total{region=\"ire\"}") > invalidations);
    assert!(now(&gateway, "usher_registry_cache_requests_total{region=\"ire\",result=\"hit\"}") >= 1.0);
    // A store whose file is gone is unavailable from the first request on that meets it.
    gateway.stop();
    for entry in std::fs::read_dir(gateway.data_dir().join("ire/tenants")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    gateway.start_again();
    tenants[0].get("/Users").expect(503);
    tenants[1].get("/Users").expect(503);
    assert_eq!(now(&gateway, "usher_stores_unavailable{region=\"ire\"}"), 2.0);
}

#[test]
fn a_turn_that_does_not_come_counts_as_a_timeout() {
    let gateway = gateway_with(&[
        ("USHER__STORE__MAX_WAITING_WRITES", "1"),
        ("USHER__STORE__ADMISSION_DEADLINE_MS", "100"),
    ]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let timeouts = "usher_store_permit_timeouts_total{kind=\"write\"}";
    assert_eq!(now(&gateway, timeouts), 0.0);
    let met = testkit::at_once::at_once(16, |client| {
        (0..40).any(|n| acme.create_user(&format!("u{client}-{n}"), "").status == 503)
    });
    assert!(met.contains(&true), "somebody was turned away");
    assert!(now(&gateway, timeouts) >= 1.0);
}

#[test]
fn the_connections_to_each_cell_are_told() {
    let processes = two_processes(&[]);
    let [one, _] = &processes;
    let acme = one.tenant("ire", "acme", None, None);
    acme.create_user("a", "").expect(201);
    let text = one.metrics();
    for (cell, least) in [("registry", 1.0), ("c1", 1.0)] {
        let open: f64 = ["idle", "in_use"]
            .map(|state| {
                let series = format!(
                    "usher_store_pool_connections{{cell=\"{cell}\",region=\"ire\",state=\"{state}\"}}"
                );
                value(&text, &series).unwrap_or_else(|| panic!("{series}\n{text}"))
            })
            .iter()
            .sum();
        assert!(open >= least, "{cell}: {open}\n{text}");
    }
    assert!(value(&text, "usher_store_permits_limit{kind=\"cell\"}").unwrap() >= 16.0);
    assert!(value(&text, "usher_store_permit_wait_seconds_count{kind=\"cell\"}").unwrap() >= 1.0);
}

#[test]
fn a_call_of_redis_is_timed() {
    let redis = testkit::redis::Redis::start();
    let url = redis.url();
    let settings = [("USHER__REDIS__URL", url.as_str())];
    let gateway = Gateway::set_up(BINARY, Setup { settings: &settings, ..Setup::default() });
    wait_for("redis is up", || now(&gateway, "usher_redis_up") == 1.0);
    let acme = gateway.tenant("ire", "acme", None, None);
    gateway.cli_ok(&["tenant", "set", "--region", "ire", "--key", "acme", "--rate", "100", "--burst", "500"]);
    acme.get("/Users").expect(200);
    wait_for("it is timed", || now(&gateway, "usher_redis_command_duration_seconds_count") >= 1.0);
    assert_eq!(now(&gateway, "usher_redis_fallback_active"), 0.0);
    assert_eq!(now(&gateway, "usher_redis_errors_total"), 0.0);
}
