//! The metrics of single tenants: who is shown, and for how long.

use serde_json::json;
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use super::{of_tenants, value};
use crate::{
    people::staff,
    running::{at, gateway_with, two_processes, wait_for},
    tick::under,
};

/// The id of a tenant that is shown.
fn id(gateway: &Gateway, tenant: &Tenant) -> String {
    let (text, key) = (of_tenants(gateway), format!("key=\"{}\"", tenant.key));
    let info = text.lines().find(|line| line.starts_with("usher_tenant_info{") && line.contains(&key));
    let (_, after) = info.and_then(|line| line.split_once("tenant=\"")).unwrap_or_else(|| panic!("{text}"));
    after.split('"').next().unwrap().to_owned()
}

/// Has the tenant looked at now instead of within a minute. What it finds is shown at once if nothing was in the minute before.
fn look(gateway: &Gateway, tenant: &Tenant) {
    gateway.cli(&["health", "--region", &tenant.region, "--key", &tenant.key]);
}

fn is_shown(gateway: &Gateway, tenant: &Tenant) -> bool {
    let key = format!("key=\"{}\"", tenant.key);
    of_tenants(gateway).lines().any(|line| line.starts_with("usher_tenant_info{") && line.contains(&key))
}

#[test]
fn a_tenant_at_risk_is_shown_with_its_figures_and_gone_when_it_is_deleted() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(4), Some(0));
    let calm = gateway.tenant("ire", "calm", Some(100), Some(100));
    for name in ["a", "b", "c", "d"] {
        acme.create_user(name, "user").expect(201);
    }
    calm.create_user("a", "user").expect(201);
    acme.create_user("e", "user").expect(403);
    clock.set("+2m");
    let sum = "usher_seats_used{license=\"member\",region=\"ire\"}";
    let has_refused = |line: &str| {
        line.starts_with("usher_tenant_seats_refused_total{license=\"member\",") && line.ends_with(" 1")
    };
    wait_for("the rows of both", || {
        of_tenants(&gateway).lines().any(has_refused) && value(&gateway.metrics(), sum) == Some(5.0)
    });
    assert!(is_shown(&gateway, &acme) && !is_shown(&gateway, &calm), "{}", of_tenants(&gateway));
    let id = id(&gateway, &acme);
    let text = of_tenants(&gateway);
    let of = |name: &str, labels: &str| {
        let series = format!("usher_tenant_{name}{{{labels}region=\"ire\",tenant=\"{id}\"}}");
        value(&text, &series).unwrap_or_else(|| panic!("{series}\n{text}"))
    };
    for (name, number) in
        [("seats_used", 4.0), ("seats_limit", 4.0), ("seats_waiting", 0.0), ("seats_refused_total", 1.0)]
    {
        assert_eq!(of(name, "license=\"member\","), number, "{name}");
    }
    assert_eq!(of("findings", "code=\"seats_full\","), 1.0);
    assert_eq!(of("auth_failures_total", ""), 0.0);
    // One refusal of five thousand.
    assert_eq!(of("quarantine_risk_ratio", ""), 0.0002);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let last = of("last_request_timestamp_seconds", "idp=\"other\",");
    assert!((now - 60.0..now + 1.0).contains(&last), "{last}");
    assert!(text.contains(&format!(
        "usher_tenant_info{{idp=\"other\",key=\"acme\",profile=\"default\",region=\"ire\",tenant=\"{id}\"}} 1"
    )), "{text}");
    // No credential ends, and the usual pause is not known yet.
    assert!(!text.contains("credential_expiry") && !text.contains("request_gap"), "{text}");
    // What was refused rests in the store.
    gateway.stop();
    gateway.start_again();
    let again = of_tenants(&gateway);
    let refused =
        format!("usher_tenant_seats_refused_total{{license=\"member\",region=\"ire\",tenant=\"{id}\"}}");
    assert_eq!(value(&again, &refused), Some(1.0), "{again}");
    // No store of a tenant was opened for that.
    assert_eq!(value(&gateway.metrics(), "usher_stores_open"), Some(5.0), "the registries of five regions");
    assert_eq!(value(&gateway.metrics(), sum), Some(5.0));
    staff(&gateway, &acme, "DELETE", "", None).expect(204);
    assert!(!of_tenants(&gateway).contains(&id));
    assert_eq!(value(&gateway.metrics(), sum), Some(1.0));
}

#[test]
fn the_setting_says_who_is_shown_and_how_many() {
    let with = |settings: &[(&str, &str)]| {
        let gateway = gateway_with(settings);
        let tenants = ["a", "b", "c"].map(|key| gateway.tenant("ire", key, Some(10), Some(10)));
        let shown: Vec<bool> = tenants.iter().map(|tenant| is_shown(&gateway, tenant)).collect();
        (shown, value(&of_tenants(&gateway), "usher_tenant_metrics_omitted{region=\"ire\"}"))
    };
    let tenants = "USHER__METRICS__TENANTS";
    assert_eq!(with(&[]), (vec![false; 3], Some(0.0)));
    assert_eq!(with(&[(tenants, "all")]), (vec![true; 3], Some(0.0)));
    assert_eq!(with(&[(tenants, "off")]), (vec![false; 3], None));
    let limited = [(tenants, "all"), ("USHER__METRICS__TENANT_LIMIT", "2")];
    assert_eq!(with(&limited), (vec![true, true, false], Some(1.0)));
    let listed = [(tenants, "list"), ("USHER__METRICS__TENANT_LIST", "ire/c,us/a")];
    assert_eq!(with(&listed), (vec![false, false, true], Some(0.0)));
}

#[test]
fn who_was_at_risk_is_shown_for_seven_days_more() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), None);
    acme.create_user("a", "user").expect(201);
    clock.set("+2m");
    wait_for("the row", || is_shown(&gateway, &acme));
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "quota": 100 } }))).expect(200);
    for (offset, shown) in [("+4m", true), ("+6d", true), ("+8d", false)] {
        clock.set(offset);
        assert_eq!(is_shown(&gateway, &acme), shown, "{offset}");
    }
    // A credential that will end brings it back, without a call or an act.
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    let made = gateway.cli_ok(&[
        "credential",
        "add",
        "bearer",
        "--region",
        "ire",
        "--key",
        "acme",
        "--expires-in-days",
        "30",
        "--json",
    ]);
    assert!(made.contains("key_id"), "{made}");
    look(&gateway, &acme);
    for (offset, shown) in [("+1d", false), ("+17d", true), ("+29d", true)] {
        clock.set(offset);
        assert_eq!(is_shown(&gateway, &acme), shown, "{offset}");
    }
    let expiry = "usher_tenant_credential_expiry_timestamp_seconds";
    assert!(!of_tenants(&gateway).contains(expiry), "another credential never ends");
    let first = &acme.token["ush_ire_".len()..][..12];
    gateway.cli_ok(&["credential", "revoke", "--region", "ire", "--key", "acme", first]);
    let text = of_tenants(&gateway);
    let ends =
        text.lines().find_map(|line| line.strip_prefix(expiry)?.rsplit_once(' ')?.1.parse::<f64>().ok());
    let days = (ends.unwrap() - std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64()) / 86_400.0;
    assert!((29.9..30.1).contains(&days), "{days}\n{text}");
}

#[test]
fn of_two_processes_one_tells_of_a_region_and_the_other_takes_over() {
    let mut processes = two_processes(&[("USHER__METRICS__TENANTS", "all")]);
    let acme = processes[0].tenant("ire", "acme", Some(5), None);
    at(&processes[1], &acme).create_user("a", "user").expect(201);
    look(&processes[1], &acme);
    let sums = "usher_seats_used{license=\"member\",region=\"ire\"}";
    wait_for("the row", || value(&processes[0].metrics(), sums) == Some(1.0));
    assert!(is_shown(&processes[0], &acme));
    for _ in 0..2 {
        assert!(!is_shown(&processes[1], &acme));
        assert_eq!(value(&processes[1].metrics(), sums), None);
    }
    // It gives its lease back when it ends.
    processes[0].stop();
    assert!(is_shown(&processes[1], &acme));
    assert_eq!(value(&processes[1].metrics(), sums), Some(1.0));
    processes[0].start_again();
    wait_for("it is ready", || !is_shown(&processes[0], &acme));
    assert_eq!(value(&processes[0].metrics(), sums), None);
}

#[test]
fn the_pace_of_four_weeks_tells_how_long_seats_last() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(20), None);
    for (week, offset) in ["+0s", "+8d", "+15d", "+22d"].into_iter().enumerate() {
        clock.set(offset);
        acme.create_user(&format!("a{week}"), "user").expect(201);
        acme.create_user(&format!("b{week}"), "user").expect(201);
    }
    // Four weeks have begun and three are over: six seats went in 21 days, and twelve are left.
    clock.set("+23d");
    look(&gateway, &acme);
    let text = gateway.metrics_at("/metrics/tenants");
    assert!(!text.contains("days_to_exhaustion"), "it is not at risk: {text}");
    staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "quota": 10 } }))).expect(200);
    clock.set("+24d");
    look(&gateway, &acme);
    let has_days =
        |line: &str| line.starts_with("usher_tenant_seats_days_to_exhaustion{") && line.ends_with(" 7");
    wait_for("the forecast", || of_tenants(&gateway).lines().any(has_days));
}

#[test]
fn s10_refusals_count_in_the_forecast_of_a_full_license_although_its_seats_do_not_grow() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(0));
    acme.create_user("a", "user").expect(201);
    let days_left = || {
        look(&gateway, &acme);
        let text = of_tenants(&gateway);
        let found = text.lines().find(|line| line.starts_with("usher_tenant_seats_days_to_exhaustion{"));
        found.map(|line| line.rsplit(' ').next().unwrap().to_owned())
    };
    clock.set("+40d");
    assert_eq!(days_left(), None);
    acme.create_user("b", "user").expect(403);
    crate::log::rows_when(&gateway, &acme, &["--result", "refused"], 1);
    clock.set("+961h");
    wait_for("the refusal", || days_left().as_deref() == Some("0"));
    clock.set("+42d");
    wait_for("its end", || days_left().is_none());
}
