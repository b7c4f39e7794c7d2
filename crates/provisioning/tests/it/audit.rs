//! The audit says yes to what our own code leaves and names every fault that an operator's hand can plant.

use diesel::{RunQueryDsl, sql_query};
use provisioning::{ProvisioningError, audit};
use serde_json::json;
use store::StoreError;

use crate::support::{Done, Tenant, for_each_tenant, person};

/// A fault, and words that the audit must say of it.
const FAULTS: &[(&str, &str)] = &[
    (
        "UPDATE seat_pools SET used = used + 1 WHERE license = 'member'",
        "member: the ledger says 2, the counter 3",
    ),
    ("UPDATE seat_pools SET used = used - 1 WHERE license = 'member_lite'", "member_lite: the ledger says 1"),
    (
        "DELETE FROM seat_ledger WHERE license = 'member_lite'",
        "member_lite: the ledger says 0, the counter 1",
    ),
    ("UPDATE seat_ledger SET movement = -1 WHERE license = 'member'", "member: the ledger says -2"),
    ("UPDATE seats SET granted = 'member_lite' WHERE role = 'admin'", "and 2 users hold one"),
    ("DELETE FROM seats WHERE role = 'admin'", "has no seat record"),
    ("DELETE FROM seats WHERE state = 'suspended'", "has no seat record"),
    (
        "UPDATE users SET document = REPLACE(document, '\"active\":true', '\"active\":false') WHERE user_name_key = 'ann'",
        "has active=false but seat state granted",
    ),
    (
        "UPDATE users SET document = REPLACE(document, '\"active\":false', '\"active\":true') WHERE user_name_key = 'eve'",
        "has active=true but seat state suspended",
    ),
    ("DELETE FROM users WHERE user_name_key = 'bob'", "2 users are active, but 3 hold a seat"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_finds_every_planted_fault() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(2, 2).await;
        for (name, class) in [("ann", "admin"), ("bob", "member"), ("joe", "member"), ("eve", "member_lite")]
        {
            let id = tenant.create(person(name, class)).await.unwrap().view.record.id;
            if name == "eve" {
                tenant
                    .put(
                        &id,
                        json!({ "schemas": [scim_core::urn::USER], "userName": "eve", "active": false }),
                    )
                    .await
                    .unwrap();
            }
        }
        let report = tenant.audit().await;
        assert!(report.ok && report.problems.is_empty() && report.active_users == 3, "{report:?}");
        for (fault, words) in FAULTS {
            let seen: Done<()> = tenant
                .write(move |tx, rules| {
                    let planted = sql_query(*fault).execute(tx.connection()).map_err(StoreError::from)?;
                    assert!(planted > 0, "{fault} changed nothing");
                    let report = audit::run(tx, rules.product.licenses())?;
                    assert!(!report.ok, "{fault}");
                    let named = report.problems.iter().any(|problem| problem.contains(words));
                    assert!(named, "{fault}: {:?}", report.problems);
                    Err(StoreError::Busy.into())
                })
                .await;
            assert!(matches!(seen, Err(ProvisioningError::Store(StoreError::Busy))), "{fault}: {seen:?}");
        }
        tenant.assert_adds_up().await;
    })
    .await;
}
