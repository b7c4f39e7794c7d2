//! What service managers, containers and load balancers ask, on a listener of its own.

use std::{io, thread, time::Duration};

use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
    ports,
    wire::Connection,
};

use crate::running::{gateway_with, wait_for};

/// A gateway with few connections and one worker, and the URL of its probes.
fn probed(settings: &[(&str, &str)]) -> (Gateway, String) {
    let health = format!("127.0.0.1:{}", ports::claim());
    let own = [("USHER__HEALTH__LISTEN", health.as_str()), ("USHER__SERVER__WORKERS", "1")];
    let settings: Vec<_> = own.iter().chain(settings).copied().collect();
    (gateway_with(&settings), format!("http://{health}"))
}

fn ask(url: &str, method: &str, path: &str) -> io::Result<Answer> {
    Connection::open(url)?.ask(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

#[test]
fn probes_have_one_form_on_both_listeners_and_nothing_else_is_on_their_own() {
    let (gateway, probes) = probed(&[]);
    for url in [&gateway.url, &probes] {
        assert_eq!(ask(url, "GET", "/livez").unwrap().text, "ok\n");
        assert!(ask(url, "GET", "/readyz").unwrap().text.starts_with("ready\n"));
        // An answer to HEAD has no body, so it is read as bytes.
        for path in ["/livez", "/readyz"] {
            let mut head = Connection::open(url).unwrap();
            head.send(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).unwrap();
            assert_eq!(head.hear_all().statuses(), [200], "{url}{path}");
        }
    }
    for path in ["/", "/healthz", "/metrics", "/admin/v1/regions", "/ire/acme/scim/v2/Users", "/s/x"] {
        assert_eq!(ask(&probes, "GET", path).unwrap().status, 404, "{path}");
    }
}

#[test]
fn probes_are_answered_when_connections_are_at_their_bound_and_the_workers_busy() {
    let (gateway, probes) = probed(&[("USHER__SERVER__MAX_CONNECTIONS", "6")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let list = acme.as_written("GET", "/Users?count=1", "", "");
    let mut known = Vec::new();
    wait_for("everybody is known", || {
        let mut client = gateway.connect();
        if client.ask(&list).unwrap().status == 200 {
            known.push(client);
        }
        known.len() == 6
    });
    assert_eq!(gateway.connect().ask(&list).unwrap().status, 503, "there is no room");
    thread::scope(|scope| {
        for mut client in known {
            let acme = &acme;
            scope.spawn(move || keep_busy(&mut client, acme));
        }
        for _ in 0..20 {
            for path in ["/livez", "/readyz"] {
                assert_eq!(ask(&probes, "GET", path).unwrap().status, 200, "{path}");
            }
        }
    });
    // Probes that send nothing hold their connections for a moment only.
    let silent: Vec<_> = (0..8).map(|_| Connection::open(&probes).unwrap()).collect();
    let waited = wait_for("silent probes are sent away", || ask(&probes, "GET", "/livez").is_ok());
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    drop(silent);
}

/// Lists with a filter in memory, one after the other.
fn keep_busy(client: &mut Connection, tenant: &Tenant) {
    let list = tenant.as_written("GET", "/Users?filter=title%20co%20%22x%22", "", "");
    for _ in 0..200 {
        assert_eq!(client.ask(&list).unwrap().status, 200);
    }
}

#[test]
fn the_process_lives_throughout_a_stop_and_is_not_ready_from_its_first_moment() {
    let (mut gateway, probes) = probed(&[("USHER__SERVER__SHUTDOWN_LEAD_SECONDS", "1")]);
    gateway.tenant("ire", "acme", None, None);
    thread::scope(|scope| {
        let stopping = scope.spawn(|| gateway.stop());
        wait_for("it is not ready", || ask(&probes, "GET", "/readyz").unwrap().status == 503);
        let mut lived = 0;
        // The listener of the probes goes last, with the process.
        while let Ok(live) = ask(&probes, "GET", "/livez") {
            assert_eq!(live.status, 200);
            lived += 1;
            if let Ok(ready) = ask(&probes, "GET", "/readyz") {
                assert_eq!((ready.status, ready.text.lines().next()), (503, Some("stopping")));
            }
        }
        assert!(lived > 10, "{lived}");
        assert_eq!(stopping.join().unwrap(), Some(0));
    });
}

#[test]
fn a_health_check_of_a_container_says_in_one_sentence_whether_the_gateway_is_ready() {
    let (mut gateway, probes) = probed(&[]);
    let said = gateway.cli_ok(&["healthcheck"]);
    let host = probes.trim_start_matches("http://");
    assert_eq!(said.trim(), format!("The gateway at {host} is ready."));
    gateway.kill();
    let refused = gateway.cli(&["healthcheck"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("Nobody answers") && said.lines().count() == 1, "{said}");
    // Without a listener of their own the probes are beside SCIM.
    let gateway = gateway_with(&[]);
    assert_eq!(
        gateway.cli_ok(&["healthcheck"]).trim(),
        format!("The gateway at {} is ready.", gateway.host())
    );
}

#[test]
fn a_health_check_tells_that_a_region_is_missing() {
    let (mut gateway, _) = probed(&[("USHER__SERVE_REGIONS", "ire")]);
    gateway.tenant("ire", "acme", None, None);
    gateway.stop();
    std::fs::write(gateway.data_dir().join("ire/registry.db"), "").unwrap();
    gateway.start_again_unready();
    wait_for("the health check fails", || {
        let checked = gateway.cli(&["healthcheck"]);
        let said = String::from_utf8(checked.stderr).unwrap();
        checked.status.code() == Some(1) && said.contains("it answers 503, no region is served")
    });
}
