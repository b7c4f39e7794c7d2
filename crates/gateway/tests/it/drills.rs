//! What is wrong reaches the one who is called: a real gateway, a real Prometheus and the project's rules, a minute of theirs a second. Each
//! alert fires while something is wrong, and ends when it is right again. Each test prints how long both took.

use std::{cell::Cell, path::Path, sync::Arc};

use serde_json::json;
use testkit::{
    clocks::MachineClock,
    database::Database,
    gateway::{Gateway, Setup, Tenant},
    http::Request,
    prometheus::Prometheus,
    redis::Redis,
    stores::PostgresServer,
};

use crate::{
    people::staff,
    running::{BINARY, gateway, wait_for},
    tick::under,
};

fn rules() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/prometheus/rules.yml")
}

fn watch(gateway: &Gateway) -> Prometheus {
    Prometheus::watching(&[gateway], &rules())
}

/// Asserts that the alert fires and ends; `wrong` and `right` are done again and again meanwhile.
#[track_caller]
fn drill(
    prometheus: &Prometheus,
    alert: &str,
    labels: &[(&str, &str)],
    wrong: impl FnMut(),
    right: impl FnMut(),
) {
    assert!(!prometheus.fires(alert, &[]), "{alert} fires before anything is wrong");
    let fired = prometheus.wait_until_fires(alert, labels, wrong);
    let ended = prometheus.wait_until_ends(alert, right);
    println!("{alert}: fired after {:.1} s, ended after {:.1} s", fired.as_secs_f64(), ended.as_secs_f64());
}

/// Sets the clock two minutes on each time: the row of a tenant that its metrics are read from is written at most once a minute.
fn minutes_pass(clock: &MachineClock) -> impl Fn() {
    let minutes = Cell::new(0);
    move || {
        minutes.set(minutes.get() + 2);
        clock.set(&format!("+{}m", minutes.get()));
    }
}

fn ask(tenant: &Tenant) -> u16 {
    tenant.get("/Users?count=1").status
}

#[test]
fn a_storm_of_401_is_told_and_ends() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let prometheus = watch(&gateway);
    let guess = || {
        for _ in 0..4 {
            Request::new("GET", &format!("{}/Users", acme.base_url)).bearer("wrong").send().expect(401);
        }
    };
    drill(&prometheus, "UsherAuthFailureStorm", &[("region", "ire")], guess, || {
        ask(&acme);
    });
}

#[test]
fn seats_that_run_out_are_told_by_the_tenants_key_and_it_ends_with_more_of_them() {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let minutes_pass = minutes_pass(&clock);
    let acme = gateway.tenant("ire", "acme", Some(2), Some(0));
    for name in ["a", "b"] {
        acme.create_user(name, "user").expect(201);
    }
    let prometheus = watch(&gateway);
    let mut n = 0;
    let refuse = || {
        n += 1;
        acme.create_user(&format!("n{n}"), "user").expect(403);
        minutes_pass();
        gateway.cli(&["health", "--region", "ire", "--key", "acme"]);
    };
    let labels = [("key", "acme"), ("license", "member")];
    let mut given = false;
    drill(&prometheus, "UsherSeatsExhausted", &labels, refuse, || {
        minutes_pass();
        if !std::mem::replace(&mut given, true) {
            staff(&gateway, &acme, "PATCH", "/seats", Some(&json!({ "member": { "quota": 9 } }))).expect(200);
        }
    });
}

#[test]
fn a_silent_identity_provider_is_told_and_ends_with_its_next_call() {
    let clock = MachineClock::new();
    clock.set("-11h");
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    // Six calls with ten minutes between them, ten hours ago.
    for minutes in 0..6 {
        clock.set(&format!("-{}m", 660 - 10 * minutes));
        assert_eq!(ask(&acme), 200);
        gateway.cli(&["health", "--region", "ire", "--key", "acme"]);
    }
    let prometheus = watch(&gateway);
    clock.set("+0s");
    let minutes_pass = minutes_pass(&clock);
    wait_for("its usual pause is known", || {
        prometheus.query("usher_tenant_request_gap_seconds").is_some_and(|gap| (600.0..660.0).contains(&gap))
    });
    drill(
        &prometheus,
        "UsherTenantSilent",
        &[("key", "acme")],
        || {},
        || {
            minutes_pass();
            assert_eq!(ask(&acme), 200);
            gateway.cli(&["health", "--region", "ire", "--key", "acme"]);
        },
    );
}

#[test]
fn a_postgresql_that_is_gone_burns_the_error_budget_until_it_is_back() {
    let server = PostgresServer::start();
    let database = Some(Arc::new(Database::on(server.url(), server.url())));
    let gateway = Gateway::set_up(BINARY, Setup { database, ..Setup::default() });
    let acme = gateway.tenant("ire", "acme", None, None);
    let prometheus = watch(&gateway);
    wait_for("requests are counted", || {
        ask(&acme);
        prometheus.query("region:usher_http_requests:rate5m{region=\"ire\"}").is_some_and(|rate| rate > 1.0)
    });
    let fired = {
        server.stop("fast");
        prometheus.wait_until_fires("UsherErrorBudgetBurnFast", &[("region", "ire")], || {
            assert_eq!(ask(&acme), 503);
        })
    };
    server.start_again();
    let ended = prometheus.wait_until_ends("UsherErrorBudgetBurnFast", || {
        for _ in 0..20 {
            ask(&acme);
        }
    });
    println!("PostgreSQL gone: fired after {fired:?}, ended after {ended:?}");
    // Before its server.
    drop(gateway);
}

#[test]
fn a_redis_that_is_gone_is_told_until_it_is_back() {
    let mut redis = Redis::start();
    let url = redis.url();
    let settings = [("USHER__REDIS__URL", url.as_str())];
    let gateway = Gateway::set_up(BINARY, Setup { settings: &settings, ..Setup::default() });
    let prometheus = watch(&gateway);
    wait_for("redis is reached", || prometheus.query("usher_redis_up") == Some(1.0));
    assert!(!prometheus.fires("UsherRedisDown", &[]));
    redis.kill();
    let fired = prometheus.wait_until_fires("UsherRedisDown", &[], || {});
    redis.start_again();
    let ended = prometheus.wait_until_ends("UsherRedisDown", || {});
    println!("Redis gone: fired after {fired:?}, ended after {ended:?}");
}

#[test]
fn a_disk_that_fills_is_told_before_it_is_full_and_ends_with_room() {
    let gateway = Gateway::set_up(BINARY, Setup { disk_mib: Some(400), ..Setup::default() });
    let prometheus = watch(&gateway);
    let filler = gateway.data_dir().join("filler");
    let mut fill = File::new(&filler);
    fill.grow(300 << 20);
    // 64 KiB ten times a second at the most, from less than a quarter free on: it would take more than two minutes to be full.
    drill(
        &prometheus,
        "UsherDiskFilling",
        &[("region", "ire")],
        || fill.grow(64 << 10),
        || {
            File::new(&filler);
        },
    );
    let mut fill = File::new(&filler);
    drill(
        &prometheus,
        "UsherDiskNearlyFull",
        &[("region", "ire")],
        || {
            // The regions' reserves take five times 4 MiB; so less than 20 of 400 are left.
            if fill.length == 0 {
                fill.grow(364 << 20);
            }
        },
        || {
            File::new(&filler);
        },
    );
}

/// A file that takes room.
struct File {
    file: std::fs::File,
    length: usize,
}

impl File {
    /// An empty one; what was there gives its room back.
    fn new(path: &Path) -> Self {
        Self { file: std::fs::File::create(path).unwrap(), length: 0 }
    }

    fn grow(&mut self, bytes: usize) {
        std::io::Write::write_all(&mut self.file, &vec![1; bytes]).unwrap();
        self.length += bytes;
    }
}

#[test]
fn errors_of_one_tenant_burn_the_budget_and_its_store_is_named() {
    let mut gateway = gateway();
    let [acme, other] = ["acme", "other"].map(|key| gateway.tenant("ire", key, None, None));
    acme.create_user("a", "").expect(201);
    gateway.stop();
    let files = std::fs::read_dir(gateway.data_dir().join("ire/tenants")).unwrap();
    let files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    let away = tempfile::tempdir().unwrap();
    // The file of the tenant that was written last.
    let newest = files.iter().max_by_key(|path| path.metadata().unwrap().modified().unwrap()).unwrap();
    let kept = away.path().join("kept.db");
    std::fs::copy(newest, &kept).unwrap();
    std::fs::remove_file(newest).unwrap();
    gateway.start_again();
    let prometheus = watch(&gateway);
    let statuses = || [ask(&acme), ask(&other)];
    let bad = statuses();
    assert!(bad.contains(&503) && bad.contains(&200), "{bad:?}");
    let fired = prometheus.wait_until_fires("UsherStoresUnavailable", &[("region", "ire")], || {
        statuses();
    });
    let burned = prometheus.wait_until_fires("UsherErrorBudgetBurnFast", &[("region", "ire")], || {
        statuses();
    });
    std::fs::copy(&kept, newest).unwrap();
    let ended = prometheus.wait_until_ends("UsherStoresUnavailable", || {
        statuses();
    });
    prometheus.wait_until_ends("UsherErrorBudgetBurnFast", || {
        statuses();
    });
    println!("a store gone: told after {fired:?}, budget after {burned:?}, ended after {ended:?}");
}
