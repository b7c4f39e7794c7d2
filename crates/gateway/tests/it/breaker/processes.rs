//! Many writers at once, and two processes: one window, and never a loss more than its bound.

use serde_json::json;
use testkit::{at_once::at_once, gateway::Tenant};

use super::{held, on, path, people, show, used};
use crate::{
    people::said,
    running::{at, replace, roomy, two_processes},
};

#[test]
fn of_many_writers_at_once_no_more_lose_their_access_than_the_bound() {
    let (gateway, acme) = roomy();
    let ids = people(&acme, 40);
    on(&gateway, &acme, 5, 20);
    let answers = at_once(40, |n| match n % 2 {
        0 => acme.delete(&path(&ids[n])).status,
        _ => acme.patch(&path(&ids[n]), &replace("active", false)).status,
    });
    let done = answers.iter().filter(|status| matches!(status, 200 | 204)).count();
    assert!(answers.iter().all(|status| [200, 204, 503].contains(status)), "{answers:?}");
    assert!(done > 8, "{answers:?}");
    // A fifth of forty.
    assert_eq!(show(&gateway, &acme)["window"]["lost"], 8);
    assert_eq!(used(&gateway, &acme), 32);
    assert_eq!(held(&gateway, &acme), i64::try_from(done).unwrap() - 8);
}

/// Deletes a person. A process that knows the tenant as it was before an act that another one has done says so once.
#[track_caller]
fn delete(tenant: &Tenant, id: &str) {
    let answer = tenant.delete(&path(id));
    if answer.status == 503 {
        tenant.delete(&path(id)).expect(204);
    } else {
        answer.expect(204);
    }
}

#[test]
fn two_processes_share_limits_and_window() {
    let processes = two_processes(&[]);
    let tenant = processes[0].tenant("ire", "acme", None, None);
    let tenants = processes.each_ref().map(|process| at(process, &tenant));
    let ids = people(&tenants[0], 60);
    // Both have served the tenant with the breaker off.
    for (n, tenant) in tenants.iter().enumerate() {
        tenant.delete(&path(&ids[58 + n])).expect(204);
    }
    on(&processes[0], &tenants[0], 6, 0);
    let answers = at_once(30, |n| tenants[n % 2].delete(&path(&ids[n])).status);
    assert!(answers.iter().all(|status| [204, 503].contains(status)), "{answers:?}");
    let done = i64::try_from(answers.iter().filter(|status| **status == 204).count()).unwrap();
    assert!(done > 6, "{answers:?}");
    for process in &processes {
        let shown = show(process, &tenant);
        assert_eq!((&shown["window"]["lost"], &shown["held"]["people"]), (&json!(6), &json!(done - 6)));
        assert_eq!(used(process, &tenant), 52);
    }
    // What one process sets holds for the next write of the other, and so does what it releases.
    on(&processes[1], &tenants[1], 7, 0);
    delete(&tenants[0], &ids[40]);
    assert_eq!((used(&processes[0], &tenant), held(&processes[1], &tenant)), (51, done - 6));
    assert_eq!(said(&processes[1], &tenant, &["breaker", "release"])["released"], done - 6);
    delete(&tenants[0], &ids[41]);
    assert_eq!(held(&processes[1], &tenant), 1);
    said(&processes[1], &tenant, &["breaker", "off"]);
    delete(&tenants[0], &ids[42]);
    assert_eq!(held(&processes[0], &tenant), 1);
}
