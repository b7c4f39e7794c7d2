//! Clocks that are wrong or disagree: the change log is in the order of commits, and a conditional GET sees what came after.

use directory::changes::{self, ChangeRecord};
use futures_util::future::join_all;
use provisioning::{Preconditions, TENANT_MIGRATIONS};
use scim_core::projection::Projection;
use serde_json::json;
use store::{Clock, Stores};
use testkit::{
    clocks::{jumping, off_by, settings},
    stores::FreshStore,
};

use crate::support::{Tenant, is_busy, person};

const DAY: i64 = 86_400_000;

/// A second process on the same store.
async fn also(fresh: &FreshStore, clock: Clock) -> (Stores, Tenant) {
    let stores = Stores::new(settings(clock)).unwrap();
    let store = stores.open(&fresh.location, TENANT_MIGRATIONS).await.unwrap();
    (stores, Tenant::new(store, "default"))
}

/// The whole log, oldest first.
async fn log(tenant: &Tenant) -> Vec<ChangeRecord> {
    let newest_first = tenant.read(|tx| Ok(changes::newest(tx, 10_000)?)).await;
    newest_first.into_iter().rev().collect()
}

/// A conditional GET with this version of the user is answered as unchanged.
async fn is_304(tenant: &Tenant, id: &str) -> bool {
    let view = tenant.get(id).await;
    let has = Some(provisioning::version::etag(view.record.version));
    let conditions = Preconditions { if_none_match: has, if_match: None };
    view.is_unchanged_for(&conditions, &Projection::all(&tenant.rules.user))
}

fn title(title: &str) -> serde_json::Value {
    json!([{ "op": "replace", "path": "title", "value": title }])
}

/// Edits, then changes what the user's `groups` tell, under clocks that are off by so much.
async fn groups_are_seen(edits: &Tenant, regroups: &Tenant, name: &str) {
    let id = edits.create(person(name, "member_lite")).await.unwrap().view.record.id;
    assert!(is_304(regroups, &id).await, "{name}: nothing has happened");
    let group = regroups.group(name, &[&id]).await.view.record.id;
    assert!(!is_304(edits, &id).await, "{name}: it has entered a group");
    edits.patch(&id, title("a")).await.unwrap();
    assert!(is_304(regroups, &id).await, "{name}: the edit is newer than the group");
    regroups.rename(&group, &format!("renamed {name}")).await;
    assert!(!is_304(edits, &id).await, "{name}: the group has another name");
    edits.patch(&id, title("b")).await.unwrap();
    assert!(is_304(edits, &id).await);
    regroups.group(&format!("outer {name}"), &[&group]).await;
    assert!(!is_304(edits, &id).await, "{name}: its group has entered another");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_with_any_clock_the_newest_changes_come_first_and_a_conditional_get_sees_them() {
    for fresh in [FreshStore::sqlite(TENANT_MIGRATIONS).await, FreshStore::postgres(TENANT_MIGRATIONS).await]
    {
        let first = Tenant::new(fresh.store.clone(), "default");
        first.quotas(5, 50).await;
        let ann = first.create(person("ann", "member")).await.unwrap().view.record;
        for (n, off) in [-2_000, 10 * 365 * DAY, 0, -3 * DAY, -30 * 365 * DAY].into_iter().enumerate() {
            let (stores, tenant) = also(&fresh, off_by(off)).await;
            groups_are_seen(&first, &tenant, &format!("{n}a")).await;
            groups_are_seen(&tenant, &first, &format!("{n}b")).await;
            let before = tenant.get(&ann.id).await.record;
            let after = tenant.patch(&ann.id, title(&n.to_string())).await.unwrap().view.record;
            assert_eq!(after.version, before.version + 1);
            assert!(after.modified_ms >= before.modified_ms, "a time goes back");
            let newest = log(&tenant).await.pop().unwrap();
            assert_eq!((newest.resource_id, newest.version), (ann.id.clone(), after.version), "by {off}");
            // A clock of another decade has marked nothing for good.
            assert!((after.modified_ms - ann.modified_ms).abs() < DAY, "by {off}: {after:?}");
            drop(tenant);
            stores.shutdown().await;
        }
        let numbers: Vec<i64> = log(&first).await.iter().map(|change| change.number).collect();
        assert_eq!(numbers, Vec::from_iter(1..=i64::try_from(numbers.len()).unwrap()));
        first.assert_adds_up().await;
        drop(first);
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_clocks_five_seconds_apart_tell_one_story() {
    let fresh = FreshStore::postgres_with(TENANT_MIGRATIONS, settings(off_by(5_000))).await;
    let ahead = Tenant::new(fresh.store.clone(), "default");
    let (stores, behind) = also(&fresh, off_by(0)).await;
    ahead.quotas(5, 50).await;
    groups_are_seen(&ahead, &behind, "ann").await;
    groups_are_seen(&behind, &ahead, "bob").await;
    drop((ahead, behind));
    stores.shutdown().await;
    fresh.remove().await;
}

/// A reader that continues after the last number it has seen misses nothing, while eight clients write through two processes.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_what_came_after_the_last_misses_nothing_while_two_processes_write() {
    let fresh = FreshStore::postgres_with(TENANT_MIGRATIONS, settings(jumping())).await;
    let one = Tenant::new(fresh.store.clone(), "default");
    let (stores, other) = also(&fresh, jumping()).await;
    one.quotas(3, 50).await;
    let writers = (0..8_usize).map(|writer| {
        let tenant = if writer % 2 == 0 { one.clone() } else { other.clone() };
        tokio::spawn(async move {
            let Ok(made) = tenant.create(person(&format!("u{writer}"), "member")).await else { return };
            for round in 0..10 {
                // Some are refused and rolled back.
                let who = ["member", "admin", "member_lite"][(writer + round) % 3];
                let operations = json!([{ "op": "replace", "path": "userType", "value": who }]);
                let done = tenant.patch(&made.view.record.id, operations).await;
                assert!(done.is_ok() || crate::support::is_full(&done) || is_busy(&done), "{done:?}");
            }
        })
    });
    let writers = tokio::spawn(join_all(writers.collect::<Vec<_>>()));
    let (mut read, mut seen) = (0, Vec::new());
    loop {
        let ended = writers.is_finished();
        let fresh = log(&other).await.into_iter().filter(|change| change.number > read);
        seen.extend(fresh.map(|change| (change.number, change.resource_id, change.version)));
        read = seen.last().map_or(0, |(number, ..)| *number);
        if ended {
            break;
        }
    }
    writers.await.unwrap().into_iter().for_each(|writer| writer.unwrap());
    let all = log(&one).await.into_iter().map(|change| (change.number, change.resource_id, change.version));
    assert_eq!(seen, all.collect::<Vec<_>>());
    assert_eq!(seen.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), Vec::from_iter(1..=read));
    let mut versions = std::collections::HashMap::new();
    for (number, id, version) in seen.iter().filter(|(_, id, _)| !id.is_empty()) {
        let last = versions.insert(id, *version).unwrap_or(0);
        assert_eq!(*version, last + 1, "change {number} of {id}");
    }
    drop((one, other));
    stores.shutdown().await;
    fresh.remove().await;
}
