//! Two processes share a registry in PostgreSQL: what one does holds for the other, and what one leaves the other completes.

use std::time::{Duration, Instant};

use tenant_registry::{RegistryError, TenantState};

use crate::support::{Region, by, issue, key, new_tenant};

/// Longer than any wait here should take.
const PATIENCE: Duration = Duration::from_secs(20);

async fn two() -> (Region, Region) {
    let one = Region::in_database(&[("c1", true)]).await;
    let other = one.ground.open(&[("c1", true)]).await;
    (one, other)
}

/// Asks until the answer is yes.
async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !ask().await {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_key_is_given_once_by_both() {
    let (one, other) = two().await;
    for round in 0..5 {
        let name = format!("acme{round}");
        let results =
            tokio::join!(one.create(&name), other.create(&name), one.create(&name), other.create(&name));
        let results = [results.0, results.1, results.2, results.3];
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        for refused in results.into_iter().filter_map(Result::err) {
            assert!(matches!(refused, RegistryError::KeyTaken(_)), "{refused:?}");
        }
    }
    let schemas = "SELECT nspname::TEXT AS word FROM pg_namespace WHERE nspname LIKE 'tenant%'";
    assert_eq!(one.words(schemas).await.len(), 5, "the losers leave no schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_changes_the_other_serves_after_its_cache_time() {
    let (one, other) = two().await;
    other.registry.limit_cache_time(Some(Duration::from_millis(300)));
    one.create("acme").await.unwrap();
    let acme = key("acme");
    let token = issue(&one.registry, &acme, None).await.token;
    let state = async || other.registry.verify(&token, 1).await.unwrap().map(|grant| grant.tenant().state);
    assert_eq!(state().await, Some(TenantState::Active));
    one.registry.set_state(&acme, TenantState::Suspended, by()).await.unwrap();
    eventually("the suspension holds", async || state().await == Some(TenantState::Suspended)).await;
    one.registry.revoke_credential(&acme, token.key_id(), by()).await.unwrap();
    eventually("the revocation holds", async || state().await.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_process_forgets_for_the_other_is_read_at_once() {
    let (one, other) = two().await;
    let acme = one.create("acme").await.unwrap();
    let globex = one.create("globex").await.unwrap();
    let tokens = [
        issue(&one.registry, &acme.company_key, None).await.token,
        issue(&one.registry, &globex.company_key, None).await.token,
    ];
    let states = async || {
        let mut states = Vec::new();
        for token in &tokens {
            states.push(other.registry.verify(token, 1).await.unwrap().unwrap().tenant().state);
        }
        states
    };
    let (active, suspended) = (TenantState::Active, TenantState::Suspended);
    assert_eq!(states().await, [active, active]);
    for tenant in [&acme, &globex] {
        one.registry.set_state(&tenant.company_key, suspended, by()).await.unwrap();
    }
    assert_eq!(states().await, [active, active], "without a limit of time only messages make it read again");
    other.registry.forget(&acme.id);
    assert_eq!(states().await, [suspended, active]);
    other.registry.forget_all();
    assert_eq!(states().await, [suspended, suspended]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_whose_process_died_is_undone_by_another_when_its_lease_has_ended() {
    let (one, other) = two().await;
    let begun = one.registry.create(new_tenant("acme"), by(), |_| {
        // The process stays here for longer than any lease.
        std::thread::sleep(Duration::from_secs(1));
        Err(RegistryError::Initialise("killed".to_owned()))
    });
    let begun = tokio::time::timeout(Duration::from_millis(500), begun).await;
    assert!(begun.is_err(), "the caller is gone while the work runs");
    let refused = other.registry.delete(&key("acme"), by()).await;
    assert!(matches!(refused, Err(RegistryError::Occupied(_))), "{refused:?}");
    let refused = other.create("acme").await.map(drop);
    assert!(matches!(refused, Err(RegistryError::KeyTaken(_))), "{refused:?}");
    other.registry.complete_abandoned().await;
    assert_eq!(other.words("SELECT company_key AS word FROM tenants").await, ["acme"]);
    // What the clock would do in ten seconds.
    one.execute(&["UPDATE leases SET until_ms = 0"]).await;
    eventually("another process completes it", async || {
        other.registry.complete_abandoned().await;
        other.words("SELECT company_key AS word FROM tenants").await.is_empty()
    })
    .await;
    other.create("acme").await.unwrap();
}
