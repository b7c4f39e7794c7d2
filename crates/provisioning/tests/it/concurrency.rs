//! Concurrent use cases on one tenant: no update is lost, no seat is sold twice, nothing is left half done.

use futures_util::future::join_all;
use seat_ledger::State;
use serde_json::json;

use crate::support::{Tenant, for_each_tenant_at_any_time, is_busy, is_full, person};

#[tokio::test(flavor = "multi_thread")]
async fn attack_47_concurrent_patches_of_one_user_all_hold() {
    for_each_tenant_at_any_time(async |tenant: Tenant| {
        tenant.quotas(1, 1).await;
        let id = tenant.create(person("ann", "member")).await.unwrap().view.record.id;
        let patches = (0..16).map(|n| {
            let (tenant, id) = (tenant.clone(), id.clone());
            let role = json!([{ "op": "add", "path": "roles", "value": [{ "value": format!("r{n}") }] }]);
            tokio::spawn(async move { tenant.patch(&id, role).await })
        });
        for patched in join_all(patches).await {
            patched.unwrap().unwrap();
        }
        let view = tenant.get(&id).await;
        let roles = view.record.parse().unwrap().get("roles").unwrap().as_array().unwrap().len();
        assert_eq!((roles, view.record.version), (16, 17));
        let versions: Vec<i64> = tenant.changes(&id).await.iter().map(|change| change.version).collect();
        assert_eq!(versions, (1..=17).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_of_64_concurrent_creates_for_the_last_seat_one_is_granted_and_the_refused_leave_nothing() {
    for_each_tenant_at_any_time(async |tenant: Tenant| {
        tenant.quotas(1, 3).await;
        let creates = (0..64).map(|n| {
            let tenant = tenant.clone();
            tokio::spawn(async move { tenant.create(person(&format!("u{n}"), "member")).await })
        });
        let mut states = Vec::new();
        for created in join_all(creates).await {
            match created.unwrap() {
                Ok(written) => states.push(written.view.seat.unwrap().state),
                refused => assert!(is_full(&refused), "{refused:?}"),
            }
        }
        assert_eq!(states.iter().filter(|state| **state == State::Granted).count(), 1);
        assert_eq!(states.len(), 4, "one Member and three who wait on Lite seats");
        assert_eq!(tenant.audit().await.active_users, 4);
        tenant.assert_adds_up().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_use_cases_leaves_a_tenant_that_adds_up() {
    for_each_tenant_at_any_time(async |tenant: Tenant| {
        tenant.quotas(3, 4).await;
        let workers = (0..8_usize).map(|worker| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                let mut busy = 0;
                let mut own: Vec<String> = Vec::new();
                for round in 0..20 {
                    let dice = (worker * 7919 + round * 104_729) % 1009;
                    let class = ["member", "member", "admin", "member_lite"][dice % 4];
                    let active = json!([{ "op": "replace", "path": "active", "value": dice % 3 > 0 }]);
                    let kind = json!([{ "op": "replace", "path": "userType", "value": class }]);
                    let done = match own.last().cloned() {
                        None => tenant.create(person(&format!("u{worker}"), class)).await.map(|written| {
                            own.push(written.view.record.id);
                        }),
                        Some(id) if dice % 7 == 0 => tenant.delete(&id).await.map(|()| own.clear()),
                        Some(id) if dice % 2 == 0 => tenant.patch(&id, active).await.map(|_| ()),
                        Some(id) => tenant.patch(&id, kind).await.map(|_| ()),
                    };
                    busy += u32::from(is_busy(&done));
                    assert!(done.is_ok() || is_full(&done) || is_busy(&done), "{done:?}");
                }
                busy
            })
        });
        let mut busy = 0;
        for worker in join_all(workers).await {
            busy += worker.unwrap();
        }
        assert!(busy < 40, "{busy} of 160 were told to retry");
        tenant.assert_adds_up().await;
    })
    .await;
}
