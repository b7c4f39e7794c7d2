//! Tenants come and go whole: one store and one row each, and after a deletion neither file nor row is left.

use diesel::{RunQueryDsl, sql_query};
use tenant_registry::{RegistryError, TenantMode, TenantState};

use crate::support::{Region, by, files_below, issue, key, new_tenant};

const CANARY: &str = "canary-7f3a91";

async fn write_canary(region: &Region, name: &str) {
    let tenant = region.registry.tenant(&key(name)).await.unwrap();
    let store = region.registry.store_of(&tenant).await.unwrap();
    let written = store.write(|tx| {
        sql_query("INSERT INTO notes (word) VALUES ('canary-7f3a91')").execute(tx.connection())?;
        Ok::<_, RegistryError>(())
    });
    written.await.unwrap();
}

fn holds_canary(region: &Region) -> bool {
    files_below(region.ground.directory.path()).iter().any(|file| {
        let bytes = std::fs::read(file).unwrap();
        bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_key_is_given_once_and_who_loses_the_race_leaves_no_file() {
    let region = Region::new().await;
    let all = futures_util::future::join_all((0..8).map(|_| region.create("acme"))).await;
    let (won, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for refused in lost {
        match refused {
            Err(RegistryError::KeyTaken(name)) => assert_eq!(name.to_string(), "acme in region ire"),
            other => panic!("{other:?}"),
        }
    }
    let databases = region.tenant_files().into_iter().filter(|f| f.extension().is_some_and(|e| e == "db"));
    assert_eq!(databases.count(), 1);
    assert_eq!(region.registry.page(None, i64::MAX).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_cannot_begin_as_asked_is_not_made() {
    let region = Region::new().await;
    let refused = region
        .registry
        .create(new_tenant("acme"), by(), |_| Err(RegistryError::Initialise("no".into())))
        .await;
    assert!(matches!(refused, Err(RegistryError::Initialise(_))));
    assert!(region.tenant_files().is_empty());
    assert!(matches!(region.registry.tenant(&key("acme")).await, Err(RegistryError::NoTenant { .. })));
    region.create("acme").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_7_a_store_is_named_by_the_tenants_own_id() {
    let region = Region::new().await;
    let tenant = region.create("acme").await.unwrap();
    for file in region.tenant_files() {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(tenant.id.as_str()) && !name.contains("acme"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_tenant_leaves_nothing_of_it() {
    let region = Region::new().await;
    let (acme, globex) = (region.create("acme").await.unwrap(), region.create("globex").await.unwrap());
    let token = issue(&region.registry, &key("acme"), None).await.token;
    write_canary(&region, "acme").await;
    assert!(holds_canary(&region));
    region.registry.delete(&key("acme"), by()).await.unwrap();
    assert!(!holds_canary(&region));
    let left = region.tenant_files();
    assert!(left.iter().all(|file| file.to_str().unwrap().contains(globex.id.as_str())), "{left:?}");
    assert_eq!(region.words("SELECT id AS word FROM tenants").await, [globex.id.to_string()]);
    assert_eq!(region.words("SELECT key_id AS word FROM credentials").await, <[String; 0]>::default());
    assert!(region.registry.verify(&token, 1).await.unwrap().is_none());
    assert!(region.registry.store_of(&acme).await.is_err(), "nothing opens the store anew");
    assert!(matches!(region.registry.delete(&key("acme"), by()).await, Err(RegistryError::NoTenant { .. })));
    // What staff did stays on record.
    let acts = region.words("SELECT act AS word FROM staff_acts ORDER BY id").await;
    assert_eq!(acts, ["tenant.created", "tenant.created", "credential.added", "tenant.deleted"]);
}

/// The process died between marking the tenant and removing its store, or between the store and the row.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_a_crash_interrupted_is_finished_at_the_next_start() {
    let region = Region::new().await;
    for name in ["acme", "initech", "globex"] {
        region.create(name).await.unwrap();
    }
    write_canary(&region, "acme").await;
    let without_file = region.registry.tenant(&key("initech")).await.unwrap();
    region.execute(&["UPDATE tenants SET state = 'deleting' WHERE company_key IN ('acme', 'initech')"]).await;
    let files = region.tenant_files();
    let gone = files.iter().filter(|file| file.to_str().unwrap().contains(without_file.id.as_str()));
    let gone: Vec<_> = gone.cloned().collect();
    let region = {
        region.stores.shutdown().await;
        for file in gone.iter().filter(|file| file.exists()) {
            std::fs::remove_file(file).unwrap();
        }
        region.reopened().await
    };
    let live = region.registry.page(None, i64::MAX).await.unwrap();
    assert_eq!(live.iter().map(|tenant| tenant.company_key.as_str()).collect::<Vec<_>>(), ["globex"]);
    assert!(!holds_canary(&region));
    let left = region.tenant_files();
    assert!(left.iter().all(|file| file.to_str().unwrap().contains(live[0].id.as_str())), "{left:?}");
    region.create("acme").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_set_is_there_after_a_restart() {
    let region = Region::new().await;
    region.create("acme").await.unwrap();
    let acme = key("acme");
    let token = issue(&region.registry, &acme, None).await.token;
    let settings = tenant_registry::TenantSettings {
        contact: Some("it's \"Å\"".into()),
        mode: TenantMode::Strict,
        unique_external_ids: true,
        ..Default::default()
    };
    let set = settings.clone();
    region.registry.change_settings(&acme, by(), move |settings| *settings = set).await.unwrap();
    region.registry.set_state(&acme, TenantState::Suspended, by()).await.unwrap();
    write_canary(&region, "acme").await;
    let region = region.reopened().await;
    let tenant = region.registry.verify(&token, 1).await.unwrap().unwrap().tenant().clone();
    assert_eq!((tenant.settings.clone(), tenant.state), (settings, TenantState::Suspended));
    assert!(holds_canary(&region));
    assert_eq!(region.registry.tenant(&acme).await.unwrap(), *tenant);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_over_tenants_meets_who_stays_once_whoever_comes_and_goes() {
    let region = Region::new().await;
    for name in ["b", "d", "f", "h"] {
        region.create(name).await.unwrap();
    }
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = region.registry.page(after.clone(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.company_key.clone());
        met.extend(page.iter().map(|tenant| tenant.company_key.to_string()));
        if met.len() == 2 {
            // What was met goes, something comes before and behind the place, and something that was not met goes.
            region.registry.delete(&key("d"), by()).await.unwrap();
            region.registry.delete(&key("h"), by()).await.unwrap();
            region.create("a").await.unwrap();
            region.create("g").await.unwrap();
        }
    }
    assert_eq!(met, ["b", "d", "f", "g"]);
}
