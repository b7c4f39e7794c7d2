//! Low limits of open files: the limit is raised and shared out, what does not fit is refused, and where descriptors run out all
//! the same, every tenant is answered.

use std::{fs, process::Command, thread};

use crate::running::{BINARY, gateway_with};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use testkit::gateway::{Gateway, Setup, Tenant};

const ONE_REGION: (&str, &str) = ("USHER__SERVE_REGIONS", "ire");
const TWO_WORKERS: (&str, &str) = ("USHER__SERVER__WORKERS", "2");

fn tenants(gateway: &Gateway, count: usize) -> Vec<Tenant> {
    (0..count).map(|n| gateway.tenant("ire", &format!("t{n}"), None, None)).collect()
}

/// Writes and reads in each tenant, four at a time; each answer must be right.
fn use_all(tenants: &[Tenant], round: usize) {
    thread::scope(|scope| {
        for part in tenants.chunks(tenants.len().div_ceil(4)) {
            scope.spawn(move || {
                for tenant in part {
                    tenant.create_user(&format!("ada-{round}"), "").expect(201);
                    // A look-up, and a search that memory decides.
                    let found = tenant.find("/Users", &format!("userName eq \"ada-{round}\"")).expect(200);
                    assert_eq!(found.body["totalResults"], 1);
                    let found = tenant.find("/Users", "displayName co \"x\"").expect(200);
                    assert_eq!(found.body["totalResults"], 0);
                }
            });
        }
    });
}

#[test]
fn more_tenants_than_file_descriptors_are_all_served() {
    for (limit, settings) in
        [(64, vec![TWO_WORKERS, ONE_REGION]), (128, vec![TWO_WORKERS]), (256, vec![TWO_WORKERS])]
    {
        let gateway = Gateway::set_up(
            BINARY,
            Setup { open_files: Some((limit, limit)), settings: &settings, ..Setup::default() },
        );
        let tenants = tenants(&gateway, 20);
        for round in 0..2 {
            use_all(&tenants, round);
        }
        assert!(gateway.open_files() <= limit);
        let log = gateway.log();
        assert!(!log.contains("Too many open files"), "{log}");
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[test]
fn where_the_limit_falls_below_what_is_open_every_tenant_is_answered_all_the_same() {
    // Room for a connection is waited for as long as a busy machine may take to close another store.
    let patient = ("USHER__STORE__ADMISSION_DEADLINE_MS", "30000");
    let gateway = gateway_with(&[ONE_REGION, patient]);
    let tenants = tenants(&gateway, 30);
    use_all(&tenants, 0);
    // What a store may open more is gone, as where others on the machine take the last descriptors.
    let now = Some(gateway.open_files() + 4);
    let pid = Pid::from_raw(i32::try_from(gateway.pid()).unwrap());
    prlimit(pid, Resource::Nofile, Rlimit { current: now, maximum: now }).unwrap();
    let more: Vec<Tenant> = (0..10).map(|n| gateway.tenant("ire", &format!("new{n}"), None, None)).collect();
    use_all(&more, 0);
    use_all(&tenants, 1);
}

#[test]
fn the_limit_is_raised_as_far_as_it_may_be_and_shared_out_in_words() {
    let gateway = Gateway::set_up(BINARY, Setup { open_files: Some((64, 2000)), ..Setup::default() });
    let limits = fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).unwrap();
    let open_files: Vec<&str> =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().collect();
    assert_eq!(open_files[3..5], ["2000", "2000"]);
    let log = gateway.log();
    for told in ["file descriptors are shared out", "open_files=2000", "max_open=", "max_connections="] {
        assert!(log.contains(told), "{log}");
    }
}

#[test]
fn a_configuration_that_cannot_fit_is_refused_in_one_sentence() {
    let data = tempfile::tempdir().unwrap();
    for (limit, key, value) in [
        ("1024", "USHER__STORE__MAX_OPEN", "512"),
        ("1024", "USHER__SERVER__MAX_CONNECTIONS", "1000"),
        ("64", "USHER__SERVE_REGIONS", "ire,us,nl,uk,ca"),
    ] {
        let refused = Command::new("sh")
            .args(["-c", "ulimit -n $0 && exec \"$1\" serve", limit, BINARY])
            .env("USHER__DATA_DIR", data.path().join("data"))
            .env("USHER__SERVER__LISTEN", "127.0.0.1:0")
            .env("USHER__SERVER__WORKERS", "2")
            .env("USHER__METRICS__LISTEN", "")
            .env(key, value)
            .output()
            .unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{key}: {said}");
        for named in ["store.max_open", "server.max_connections", limit, "LimitNOFILE"] {
            assert!(said.contains(named), "{key}: {said}");
        }
        assert!(!data.path().join("data").exists(), "nothing was made");
    }
}

#[test]
fn what_the_gateway_takes_at_its_start_is_within_what_it_keeps_for_itself() {
    let gateway = gateway_with(&[ONE_REGION, TWO_WORKERS]);
    // 28 and three for each worker; one registry at rest, and the connection that asked whether it is ready.
    assert!(gateway.open_files() <= 28 + 2 * 3 + 3 + 1, "{}", gateway.open_files());
}
