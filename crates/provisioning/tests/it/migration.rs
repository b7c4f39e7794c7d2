//! Stores that earlier versions wrote are opened. Before `0006_order`: the queue and the log keep their order, and nothing that
//! was told is taken for unchanged. Before `0007_licenses`: each seat stays as it was, and its pool goes on.

use diesel::connection::SimpleConnection;
use provisioning::{Preconditions, TENANT_MIGRATIONS};
use scim_core::projection::Projection;
use store::{Store, StoreError};
use testkit::stores::FreshStore;

use crate::support::{Tenant, act, group, license, lines, person, user};

/// Three waiting users, whose places were ids: given in another order than their names and rows. A clock had been set back, so
/// the times of the log say another order than its ids, by which it was read.
const WRITTEN_BEFORE: &str = r#"
INSERT INTO users (id, user_name_key, user_name_folded, document, version, created_ms, modified_ms, groups_changed_ms) VALUES
 ('019b0000-0000-7000-8000-00000000000a', 'seated', 'seated', '{"userName":"seated","userType":"user","active":true}', 1, 1795000000000, 1795000000000, 0),
 ('019b0000-0000-7000-8000-00000000000b', 'second', 'second', '{"userName":"second","userType":"user","active":true}', 2, 1795000000000, 1795000009000, 1795000003000),
 ('019b0000-0000-7000-8000-00000000000c', 'third', 'third', '{"userName":"third","userType":"user","active":true}', 1, 1795000000000, 1795000000000, 0),
 ('019b0000-0000-7000-8000-00000000000d', 'first', 'first', '{"userName":"first","userType":"user","active":true}', 1, 1795000000000, 1795000000000, 0);
UPDATE directory_totals SET total = 4 WHERE resource_type = 'User';
INSERT INTO groups (id, display_name_key, display_name_folded, document, version, created_ms, modified_ms, renamed_ms, moved_ms) VALUES
 ('019b0000-0000-7000-8000-0000000000aa', 'crew', 'crew', '{"displayName":"Crew"}', 2, 1795000000000, 1795000003000, 1795000000000, 0);
UPDATE directory_totals SET total = 1 WHERE resource_type = 'Group';
INSERT INTO memberships (group_id, user_id) VALUES ('019b0000-0000-7000-8000-0000000000aa', '019b0000-0000-7000-8000-00000000000b');
UPDATE seat_pools SET quota = 1, used = 1 WHERE license = 'member';
UPDATE seat_pools SET quota = 9, used = 3 WHERE license = 'member_lite';
INSERT INTO seats (user_id, role, requested, granted, state, since_ms, waiting_place) VALUES
 ('019b0000-0000-7000-8000-00000000000a', 'member', 'member', 'member', 'granted', 1795000000000, NULL),
 ('019b0000-0000-7000-8000-00000000000b', 'member', 'member', 'member_lite', 'fallback', 1795000002000, '019b0000-0002-7fff-bfff-ffffffffffff'),
 ('019b0000-0000-7000-8000-00000000000c', 'member', 'member', 'member_lite', 'fallback', 1795000001000, '019b0000-0003-7000-8000-000000000000'),
 ('019b0000-0000-7000-8000-00000000000d', 'member', 'member', 'member_lite', 'fallback', 1795000003000, '019b0000-0001-7abc-9abc-abcabcabcabc');
INSERT INTO seat_ledger (id, at_ms, user_id, license, movement, cause) VALUES
 ('019b0000-0000-7000-8000-000000000001', 1795000000000, '019b0000-0000-7000-8000-00000000000a', 'member', 1, 'granted'),
 ('019b0000-0004-7000-8000-000000000004', 1795000002000, '019b0000-0000-7000-8000-00000000000c', 'member_lite', 1, 'fallback'),
 ('019b0000-0003-7000-8000-000000000003', 1795000001000, '019b0000-0000-7000-8000-00000000000b', 'member_lite', 1, 'fallback'),
 ('019b0000-0002-7000-8000-000000000002', 1795000003000, '019b0000-0000-7000-8000-00000000000d', 'member_lite', 1, 'fallback');
INSERT INTO changes (id, at_ms, kind, resource_id, version, request_id, detail) VALUES
 ('019b0000-0004-7000-8000-000000000004', 1795000002000, 'user.created', '019b0000-0000-7000-8000-00000000000c', 1, 'r4', '{}'),
 ('019b0000-0001-7000-8000-000000000001', 1795000000000, 'user.created', '019b0000-0000-7000-8000-00000000000a', 1, 'r1', '{}'),
 ('019b0000-0003-7000-8000-000000000003', 1795000001000, 'user.created', '019b0000-0000-7000-8000-00000000000b', 1, 'r3', '{}'),
 ('019b0000-0002-7000-8000-000000000002', 1795000003000, 'user.created', '019b0000-0000-7000-8000-00000000000d', 1, 'r2', '{}');
"#;

async fn fill(fresh: &FreshStore, rows: &'static str) {
    let filled = fresh.store.write(move |tx| Ok::<_, StoreError>(tx.connection().batch_execute(rows)?));
    filled.await.unwrap();
}

/// Opens the store again, with every migration.
async fn migrate(fresh: &FreshStore) -> Store {
    fresh.stores.close(&fresh.location).await;
    fresh.stores.open(&fresh.location, TENANT_MIGRATIONS).await.unwrap()
}

async fn lines_of(store: &Store, query: &'static str) -> Vec<String> {
    store.read(move |tx| Ok::<_, StoreError>(lines(tx, query))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_schema_before_keeps_its_queue_and_its_log() {
    let old = TENANT_MIGRATIONS.split_at(5).0;
    for fresh in [FreshStore::sqlite(old).await, FreshStore::postgres(old).await] {
        fill(&fresh, WRITTEN_BEFORE).await;
        let store = migrate(&fresh).await;
        let tenant = Tenant::new(store, "default");
        tenant.assert_adds_up().await;
        let log = tenant.read(|tx| Ok(directory::changes::newest(tx, 9)?)).await;
        let log: Vec<_> = log.iter().map(|change| (change.number, change.request_id.as_str())).collect();
        assert_eq!(log, [(4, "r4"), (3, "r3"), (2, "r2"), (1, "r1")], "{}", fresh.database);

        // Who comes now waits behind those who wait.
        tenant.create(person("newcomer", "member")).await.unwrap();
        for name in ["first", "second", "third", "newcomer"] {
            let promoted = tenant.write(|tx, _| {
                let before = seat_ledger::pools::get(tx, &license("member"))?.quota.unwrap();
                provisioning::plan::set_quota(tx, &license("member"), Some(before + 1), &act())?;
                let change = directory::changes::newest(tx, 1)?.remove(0);
                Ok((change.number, change.kind, user(tx, &change.resource_id)?.record.parse()?))
            });
            let (number, kind, document) = promoted.await.unwrap();
            assert_eq!((kind.as_str(), document.str("userName")), ("user.promoted", Some(name)));
            assert!(number > 5);
        }
        tenant.assert_adds_up().await;

        // Nobody knows whether a group changed after its member did; from the next edit on it is known.
        let (second, crew) = ("019b0000-0000-7000-8000-00000000000b", "019b0000-0000-7000-8000-0000000000aa");
        let unchanged = async || {
            let view = tenant.get(second).await;
            let has = Some(provisioning::version::etag(view.record.version));
            let conditions = Preconditions { if_none_match: has, if_match: None };
            view.is_unchanged_for(&conditions, &Projection::all(&tenant.rules.user))
        };
        assert_eq!(tenant.read(move |tx| group(tx, crew)).await.members.unwrap().len(), 1);
        let title = serde_json::json!([{ "op": "replace", "path": "title", "value": "Dr" }]);
        tenant.patch(second, title).await.unwrap();
        assert!(unchanged().await, "{}", fresh.database);
        tenant.rename(crew, "Team").await;
        assert!(!unchanged().await, "{}", fresh.database);
        drop(tenant);
        fresh.remove().await;
    }
}

/// A store that the binary before `0007_licenses` wrote (see the head of the file): the same seats, counts and queue, on both databases.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_from_before_licenses_were_data_keeps_its_seats() {
    let old = TENANT_MIGRATIONS.split_at(6).0;
    let (sqlite, postgres) = (
        include_str!("stores/written_by_0006_sqlite.sql"),
        include_str!("stores/written_by_0006_postgres.sql"),
    );
    for (fresh, written) in
        [(FreshStore::sqlite(old).await, sqlite), (FreshStore::postgres(old).await, postgres)]
    {
        fill(&fresh, written).await;
        let told = async |store: &Store| {
            let query = "SELECT user_id || ' ' || role || ' ' || requested || ' ' || \
                COALESCE(granted, '-') || ' ' || state || ' ' || since_ms || ' ' || COALESCE(waiting_place, 0) AS line \
                FROM seats ORDER BY user_id";
            lines_of(store, query).await
        };
        let before = told(&fresh.store).await;
        assert_eq!(before.len(), 9, "{before:?}");
        let store = migrate(&fresh).await;
        assert_eq!(told(&store).await, before, "{}", fresh.database);
        let tenant = Tenant::new(store, "default");
        tenant.assert_adds_up().await;
        let pools = tenant.read(|tx| Ok(seat_ledger::pools::all(tx, license("member").all())?)).await;
        let facts: Vec<_> = pools.iter().map(|p| (p.quota, p.used, p.waiting, p.policy.key())).collect();
        assert_eq!(facts, [(Some(2), 3, 2, "fallback"), (Some(4), 4, 0, "refuse")], "{}", fresh.database);

        // A newcomer waits behind those who wait, and a quota that grows serves them in their order.
        let refused = tenant.create(person("late", "user")).await;
        assert!(crate::support::is_full(&refused), "{refused:?}");
        tenant.quotas(4, 5).await;
        let late = tenant.create(person("late", "user")).await.unwrap().view.seat.unwrap();
        assert_eq!(late.granted, Some(license("member_lite")), "hal waits before");
        for name in ["hal", "late"] {
            let (last, kind) = tenant
                .write(|tx, _| {
                    let before = seat_ledger::pools::get(tx, &license("member"))?.quota.unwrap();
                    provisioning::plan::set_quota(tx, &license("member"), Some(before + 1), &act())?;
                    let change = directory::changes::newest(tx, 1)?.remove(0);
                    Ok((user(tx, &change.resource_id)?.record.parse()?, change.kind))
                })
                .await
                .unwrap();
            assert_eq!((last.str("userName"), kind.as_str()), (Some(name), "user.promoted"));
        }
        tenant.assert_adds_up().await;
        drop(tenant);
        fresh.remove().await;
    }
}

/// Rows of the five tables that `0018_logs_in_order` makes anew.
const LOGGED_BEFORE: &str = "
INSERT INTO changes (number, at_ms, kind, resource_id, version, request_id, detail, actor, result, idp, user_key, user_name)
    VALUES (7, 3, 'user.created', 'u', 1, 'r7', '{}', 'ann', 'applied', 'okta', 'ada', 'Ada'),
           (3, 2, 'user.deleted', 'u', 2, 'r3', '{}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO attempts (number, at_ms, kind, resource_id, request_id, detail, result, idp, user_key, user_name)
    VALUES (9, 4, 'user.create', '', 'r9', '{}', 'refused', 'entra', 'bob', 'Bob'),
           (2, 5, 'user.create', 'v', 'r2', '{}', 'no_change', 'okta', NULL, NULL);
INSERT INTO before_images (number, at_ms, resource_id, image) VALUES (7, 3, 'u', '{\"a\":1}'), (3, 2, 'v', '{}');
INSERT INTO seat_ledger (number, at_ms, user_id, license, movement, cause)
    VALUES (8, 1, 'u', 'member', -1, 'deleted'), (4, 1, 'u', 'member', 1, 'granted');
INSERT INTO role_changes (number, at_ms, user_id) VALUES (5, 6, 'u'), (1, 7, 'v');
";

/// Every value of those rows, each row a line.
const LOGGED: &str = "
SELECT 'change ' || number || ' ' || at_ms || ' ' || kind || ' ' || resource_id || ' ' || version || ' ' || request_id || ' ' ||
    detail || ' ' || COALESCE(actor, '-') || ' ' || COALESCE(result, '-') || ' ' || COALESCE(idp, '-') || ' ' ||
    COALESCE(user_key, '-') || ' ' || COALESCE(user_name, '-') AS line FROM changes
UNION ALL SELECT 'attempt ' || number || ' ' || at_ms || ' ' || kind || ' ' || resource_id || ' ' || request_id || ' ' || detail ||
    ' ' || result || ' ' || idp || ' ' || COALESCE(user_key, '-') || ' ' || COALESCE(user_name, '-') FROM attempts
UNION ALL SELECT 'image ' || number || ' ' || at_ms || ' ' || resource_id || ' ' || image FROM before_images
UNION ALL SELECT 'movement ' || number || ' ' || at_ms || ' ' || user_id || ' ' || license || ' ' || movement || ' ' || cause
    FROM seat_ledger
UNION ALL SELECT 'role ' || number || ' ' || at_ms || ' ' || user_id FROM role_changes
ORDER BY line";

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_the_schema_before_keeps_every_row_of_its_logs() {
    let old = TENANT_MIGRATIONS.split_at(17).0;
    for fresh in [FreshStore::sqlite(old).await, FreshStore::postgres(old).await] {
        fill(&fresh, LOGGED_BEFORE).await;
        let before = lines_of(&fresh.store, LOGGED).await;
        assert_eq!(before.len(), 10, "{before:?}");
        let store = migrate(&fresh).await;
        assert_eq!(lines_of(&store, LOGGED).await, before, "{}", fresh.database);
        // The next number follows the greatest one.
        let next = store.write(|tx| {
            let new = directory::changes::NewRecord {
                kind: "plan.quota",
                resource_id: "",
                version: 0,
                request_id: "r",
                actor: None,
                detail: "{}",
                entry: None,
                person: None,
            };
            directory::changes::append(tx, &new)?;
            directory::changes::newest(tx, 1)
        });
        assert_eq!(next.await.unwrap().remove(0).number, 8, "{}", fresh.database);
        drop(store);
        fresh.remove().await;
    }
}
