//! What staff did holds for the very next request, whatever was cached, whoever was reading meanwhile, and also when the
//! request that did it was given up by its caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tenant_registry::{Grant, TenantSettings, TenantState, Token};

use crate::support::{Region, by, issue, key};

async fn grant(region: &Region, token: &Token) -> Option<Arc<Grant>> {
    region.registry.verify(token, 1).await.unwrap()
}

/// Readers that fill the cache as fast as they can, until they are dropped.
struct Hammer {
    stop: Arc<AtomicBool>,
    readers: Vec<tokio::task::JoinHandle<()>>,
}

impl Hammer {
    fn on(region: &Arc<Region>, token: &Token) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let readers = (0..4).map(|_| {
            let (region, token, stop) = (Arc::clone(region), token.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let _either = grant(&region, &token).await;
                    tokio::task::yield_now().await;
                }
            })
        });
        Self { readers: readers.collect(), stop }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        for reader in self.readers {
            reader.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_19_nothing_stale_is_served_after_suspend_settings_and_revoke() {
    let region = Arc::new(Region::new().await);
    region.create("acme").await.unwrap();
    let acme = key("acme");
    let token = issue(&region.registry, &acme, None).await.token;
    let hammer = Hammer::on(&region, &token);
    for round in 0..40 {
        for state in [TenantState::Suspended, TenantState::Active] {
            region.registry.set_state(&acme, state, by()).await.unwrap();
            for _ in 0..4 {
                assert_eq!(grant(&region, &token).await.unwrap().tenant().state, state, "round {round}");
                tokio::task::yield_now().await;
            }
        }
        let settings = TenantSettings { contact: Some(format!("{round}@x")), ..TenantSettings::default() };
        let set = settings.clone();
        region.registry.change_settings(&acme, by(), move |settings| *settings = set).await.unwrap();
        assert_eq!(grant(&region, &token).await.unwrap().tenant().settings, settings, "round {round}");
        let brief = issue(&region.registry, &acme, None).await.token;
        let also = Hammer::on(&region, &brief);
        assert!(grant(&region, &brief).await.is_some());
        region.registry.revoke_credential(&acme, brief.key_id(), by()).await.unwrap();
        for _ in 0..4 {
            assert!(grant(&region, &brief).await.is_none(), "round {round}");
            tokio::task::yield_now().await;
        }
        also.end().await;
    }
    region.registry.delete(&acme, by()).await.unwrap();
    assert!(grant(&region, &token).await.is_none());
    hammer.end().await;
    assert!(grant(&region, &token).await.is_none());
}

/// A token that was tried before it was made is remembered as unknown, but not for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_made_anew_under_an_old_key_is_another_tenant() {
    let region = Region::new().await;
    let first = region.create("acme").await.unwrap();
    let old = issue(&region.registry, &key("acme"), None).await.token;
    assert!(grant(&region, &old).await.is_some());
    region.registry.delete(&key("acme"), by()).await.unwrap();
    let second = region.create("acme").await.unwrap();
    assert_ne!(first.id, second.id);
    assert!(grant(&region, &old).await.is_none());
    let new = issue(&region.registry, &key("acme"), None).await.token;
    assert_eq!(grant(&region, &new).await.unwrap().tenant().id, second.id);
}

/// Once begun, a write runs to its end; so must what makes it known. The caller goes away after its first step.
#[tokio::test(flavor = "multi_thread")]
async fn attack_19_a_revocation_whose_caller_went_away_holds_too() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let acme = key("acme");
    let mut done_though_given_up = 0;
    for round in 0..50 {
        let token = issue(&region.registry, &acme, None).await.token;
        assert!(grant(&region, &token).await.is_some());
        let given_up = tokio::time::timeout(
            Duration::ZERO,
            region.registry.revoke_credential(&acme, token.key_id(), by()),
        )
        .await;
        let mut revoked = false;
        for _ in 0..20 {
            let tokens = region.registry.credentials(&acme, None, None, 100).await.unwrap();
            revoked = tokens.iter().any(|info| info.key_id == token.key_id() && info.revoked_ms.is_some());
            if revoked {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        if revoked {
            done_though_given_up += u32::from(given_up.is_err());
            // Between the commit and the news of it lies a moment; it must pass.
            let mut open = grant(&region, &token).await.is_some();
            for _ in 0..50 {
                if !open {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
                open = grant(&region, &token).await.is_some();
            }
            assert!(!open, "round {round}: the revoked token still opens the tenant");
        }
    }
    assert!(done_though_given_up > 0, "no caller went away in time");
}
