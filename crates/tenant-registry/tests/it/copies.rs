//! A tenant is exported, made again of its export, and put back to it: in files and in a cell.

use diesel::{RunQueryDsl, sql_query, sql_types::Text};
use store::{StoreError, WriteTx};
use tenant_registry::{Export, RegistryError, Tenant};

use crate::support::{Region, Word, by, issue, key};

async fn each(body: impl AsyncFn(Region)) {
    body(Region::new().await).await;
    body(Region::in_database(&[("c1", true)]).await).await;
}

async fn note(region: &Region, tenant: &Tenant, word: &'static str) {
    let write = move |tx: &mut WriteTx<'_>| {
        sql_query("INSERT INTO notes (word) VALUES ($1)").bind::<Text, _>(word).execute(tx.connection())?;
        Ok::<_, StoreError>(())
    };
    region.registry.store_of(tenant).await.unwrap().write(write).await.unwrap();
}

async fn notes(region: &Region, tenant: &Tenant) -> Vec<String> {
    let read = |tx: &mut store::ReadTx<'_>| {
        Ok::<_, StoreError>(sql_query("SELECT word FROM notes ORDER BY word").load::<Word>(tx.connection())?)
    };
    let store = region.registry.store_of(tenant).await.unwrap();
    store.read(read).await.unwrap().into_iter().map(|row| row.word).collect()
}

async fn export(region: &Region) -> Export {
    let file = region.registry.export(&key("acme"), "then".to_owned()).await.unwrap();
    Export::check(file).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_put_back_to_its_export_and_keeps_its_tokens() {
    each(async |region: Region| {
        let acme = region.create("acme").await.unwrap();
        let (old, revoked) = (
            issue(&region.registry, &acme.company_key, None).await.token,
            issue(&region.registry, &acme.company_key, None).await.token,
        );
        note(&region, &acme, "before").await;
        let exports = (export(&region).await, export(&region).await);
        note(&region, &acme, "after").await;
        let new = issue(&region.registry, &acme.company_key, None).await.token;
        region.registry.revoke_credential(&acme.company_key, revoked.key_id(), by()).await.unwrap();

        let restored = region.registry.restore(exports.0, by()).await.unwrap();
        assert_eq!(restored.id, acme.id);
        assert_eq!(notes(&region, &restored).await, ["before"]);
        note(&region, &restored, "goes on").await;
        let opens = async |token| region.registry.verify(token, 1).await.unwrap().is_some();
        assert!(opens(&old).await && opens(&new).await && !opens(&revoked).await);

        region.registry.delete(&acme.company_key, by()).await.unwrap();
        let again = region.registry.restore(exports.1, by()).await.unwrap();
        assert_eq!(again.id, acme.id);
        assert_eq!(notes(&region, &again).await, ["before"]);
        assert!(opens(&old).await && !opens(&new).await && !opens(&revoked).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_cannot_be_leaves_nothing() {
    each(async |region: Region| {
        let acme = region.create("acme").await.unwrap();
        note(&region, &acme, "before").await;
        let other = region.registry.import(export(&region).await, Some(key("other")), None, by()).await;
        assert!(matches!(other, Err(RegistryError::Unfit(_))), "{other:?}");
        let same = region.registry.import(export(&region).await, None, None, by()).await;
        assert!(matches!(same, Err(RegistryError::KeyTaken(_))), "{same:?}");
        assert_eq!(region.registry.page(None, 10).await.unwrap(), std::slice::from_ref(&acme));
        assert_eq!(notes(&region, &acme).await, ["before"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_moves_from_a_file_into_a_cell_and_back_by_its_export() {
    let (files, cell) = (Region::in_files().await, Region::in_database(&[("c1", true)]).await);
    let acme = files.create("acme").await.unwrap();
    let token = issue(&files.registry, &acme.company_key, None).await.token;
    note(&files, &acme, "ÅSA \"quoted\" 😀").await;
    let there = cell.registry.import(export(&files).await, None, None, by()).await.unwrap();
    assert_eq!(notes(&cell, &there).await, notes(&files, &acme).await);
    assert!(cell.registry.verify(&token, 1).await.unwrap().is_some());
    files.registry.delete(&acme.company_key, by()).await.unwrap();
    let back = files.registry.import(export(&cell).await, None, None, by()).await.unwrap();
    assert_eq!(back, acme);
    assert_eq!(notes(&files, &back).await, ["ÅSA \"quoted\" 😀"]);
}
