//! `kill -9` and SIGTERM in a storm of writes.

use super::storm::Storm;
use crate::running::gateway;

const ROUNDS: usize = 20;

/// Few enough Member seats that the storm also falls back, waits and promotes.
const MEMBERS: Option<i64> = Some(5);

#[test]
fn after_kill_9_every_acknowledged_write_is_there_and_none_half_done() {
    let mut gateway = gateway();
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let tenant = gateway.tenant("ire", &format!("crash-{round}"), MEMBERS, None);
        let mut storm = Storm::over(tenant.clone());
        storm.rage(20 + 7 * round, || gateway.kill());
        gateway.start_again();
        storm.reckon();
        gateway.audit(&tenant);
        acknowledged += storm.acknowledged();
    }
    assert!(acknowledged >= ROUNDS * 20, "{acknowledged}");
}

#[test]
fn a_graceful_stop_under_load_loses_no_acknowledged_write_and_exits_with_0() {
    let mut gateway = gateway();
    for round in 0..3 {
        let tenant = gateway.tenant("ire", &format!("stop-{round}"), MEMBERS, None);
        let mut storm = Storm::over(tenant.clone());
        let code = storm.rage(100, || gateway.stop());
        assert_eq!(code, Some(0), "{}", gateway.log());
        gateway.start_again();
        storm.reckon();
        gateway.audit(&tenant);
    }
}
