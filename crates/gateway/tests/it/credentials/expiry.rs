//! What operators are told of credentials that expire soon: a line in the log of one process, and a gauge of each.

use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use super::{added, text};
use crate::{
    people::said,
    running::two_processes,
    tick::{tick, under},
};

/// How often the log of this process tells that a credential ends within so many days.
fn told(gateway: &Gateway, key_id: &str, within_days: u32) -> usize {
    let stage = format!("within_days={within_days}");
    let told = |line: &&str| {
        line.contains("a credential expires soon") && line.contains(key_id) && line.ends_with(&stage)
    };
    gateway.log().lines().filter(told).count()
}

/// The gauges of 1, 7, 14 and 30 days.
fn gauges(gateway: &Gateway) -> [Option<u32>; 4] {
    let metrics = gateway.metrics();
    [1, 7, 14, 30].map(|days| {
        let name = format!("usher_credentials_expiring{{region=\"ire\",within_days=\"{days}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
    })
}

fn ending(gateway: &Gateway, tenant: &Tenant, kind: &str, days: &str) -> String {
    text(&added(gateway, tenant, kind, &["--expires-in-days", days]), "key_id").to_owned()
}

#[test]
fn a_credential_is_told_of_once_30_14_7_and_1_days_before_its_end() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    assert_eq!(gauges(&gateway), [None; 4]);
    let [bearer, basic] = ["bearer", "basic"].map(|kind| ending(&gateway, &acme, kind, "31"));
    let client = added(&gateway, &acme, "oauth", &[]);
    tick(&gateway);
    assert_eq!(gauges(&gateway), [Some(0); 4]);
    assert!(!gateway.log().contains("a credential expires soon"));
    let stages = [
        ("+36h", 30, [0, 0, 0, 2]),
        ("+420h", 14, [0, 0, 2, 2]),
        ("+580h", 7, [0, 2, 2, 2]),
        ("+732h", 1, [2, 2, 2, 2]),
    ];
    for (offset, days, within) in stages {
        clock.set(offset);
        for _ in 0..2 {
            tick(&gateway);
            assert_eq!(gauges(&gateway), within.map(Some), "{offset}");
            assert_eq!([&bearer, &basic].map(|id| told(&gateway, id, days)), [1, 1], "{}", gateway.log());
        }
    }
    // A restart repeats nothing; what is made meanwhile is told of, and what is revoked or has ended is not.
    gateway.kill();
    gateway.start_again();
    let late = ending(&gateway, &acme, "bearer", "3");
    said(&gateway, &acme, &["credential", "revoke", &basic]);
    tick(&gateway);
    assert_eq!(gauges(&gateway), [1, 2, 2, 2].map(Some));
    assert_eq!([&bearer, &basic].map(|id| told(&gateway, id, 1)), [1, 1], "{}", gateway.log());
    assert_eq!(told(&gateway, &late, 7), 1);
    clock.set("+745h");
    tick(&gateway);
    assert_eq!(gauges(&gateway), [0, 1, 1, 1].map(Some));
    let log = gateway.log();
    assert!(!log.contains(text(&client, "client_secret")) && !log.contains(text(&client, "key_id")));
    let line = log.lines().find(|line| line.contains(&bearer)).unwrap();
    assert!(line.contains("tenant=\"ire/acme\"") && line.contains("kind=\"bearer\""), "{line}");
    assert!(line.contains("expires=\"20"), "{line}");
}

#[test]
fn of_two_processes_one_tells_of_a_credential_and_both_count_it() {
    let processes = two_processes(&[]);
    let acme = processes[0].tenant("ire", "acme", None, None);
    let ending = ending(&processes[0], &acme, "bearer", "10");
    for process in processes.iter().chain(&processes) {
        tick(process);
    }
    for process in &processes {
        assert_eq!(gauges(process), [0, 0, 1, 1].map(Some));
    }
    let told: usize = processes.iter().map(|process| told(process, &ending, 14)).sum();
    assert_eq!(told, 1);
}
