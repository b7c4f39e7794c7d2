//! Where new tenants go, and who decides it.

use store::StoreError;
use tenant_registry::{CellName, Placement, RegistryError, TenantLocation};

use crate::support::{Region, by, key, new_tenant};

fn cell(name: &str) -> CellName {
    CellName::new(name).unwrap()
}

async fn create(region: &Region, name: &str, placement: Option<Placement>) -> Result<String, RegistryError> {
    let new = tenant_registry::NewTenant { placement, ..new_tenant(name) };
    let made = region.registry.create(new, by(), |_| Ok(())).await?;
    Ok(match made.location {
        TenantLocation::File => "file".to_owned(),
        TenantLocation::Cell { cell, schema } => {
            let id = made.id.as_str().replace('-', "");
            assert_eq!(schema, format!("tenant_ire_{id}"));
            cell.to_string()
        }
    })
}

async fn cells(region: &Region) -> Vec<(String, bool, i64)> {
    let cells = region.registry.cells().await.unwrap();
    cells.into_iter().map(|cell| (cell.name.to_string(), cell.open, cell.tenants)).collect()
}

fn state(name: &str, open: bool, tenants: i64) -> (String, bool, i64) {
    (name.to_owned(), open, tenants)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_tenant_goes_to_the_open_cell_with_the_fewest_tenants() {
    let region = Region::in_database(&[("c1", true), ("c2", true), ("big", false)]).await;
    let mut places = Vec::new();
    for name in ["a", "b", "c", "d"] {
        places.push(create(&region, name, None).await.unwrap());
    }
    assert_eq!(places, ["c1", "c2", "c1", "c2"]);
    assert_eq!(create(&region, "large", Some(Placement::Cell(cell("big")))).await.unwrap(), "big");
    region.registry.delete(&key("b"), by()).await.unwrap();
    assert_eq!(cells(&region).await, [state("big", false, 1), state("c1", true, 2), state("c2", true, 1)]);
    assert_eq!(create(&region, "e", None).await.unwrap(), "c2");
}

#[tokio::test(flavor = "multi_thread")]
async fn staffs_word_holds_after_a_restart_and_the_settings_word_for_a_new_cell() {
    let region = Region::in_database(&[("c1", true), ("c2", false)]).await;
    region.registry.open_cell(cell("c1"), false, by()).await.unwrap();
    assert!(region.registry.open_cell(cell("c2"), true, by()).await.unwrap().open);
    let ground = region.ground.clone();
    drop(region);
    let region = ground.open(&[("c1", true), ("c2", false), ("c3", false)]).await;
    assert_eq!(cells(&region).await, [state("c1", false, 0), state("c2", true, 0), state("c3", false, 0)]);
    assert_eq!(create(&region, "a", None).await.unwrap(), "c2");
    let acts = region.words("SELECT act AS word FROM staff_acts WHERE tenant_id = '' ORDER BY id").await;
    assert_eq!(acts, ["cell.closed", "cell.opened"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_does_not_exist_is_refused_and_nothing_is_made() {
    let region = Region::in_database(&[("c1", false)]).await;
    for (placement, word) in [
        (None, "no cell of region ire is open"),
        (Some(Placement::File), "keeps no files"),
        (Some(Placement::Cell(cell("c9"))), "no cell c9"),
    ] {
        match create(&region, "a", placement).await {
            Err(RegistryError::Placement(sentence)) => assert!(sentence.contains(word), "{sentence}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        region.registry.open_cell(cell("c9"), true, by()).await,
        Err(RegistryError::Placement(_))
    ));
    assert_eq!(region.registry.page(None, 9).await.unwrap(), []);
    assert_eq!(create(&region, "a", Some(Placement::Cell(cell("c1")))).await.unwrap(), "c1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_tenant_leaves_no_schema() {
    let region = Region::in_database(&[("c1", true)]).await;
    create(&region, "acme", None).await.unwrap();
    let schemas = "SELECT nspname::TEXT AS word FROM pg_namespace WHERE nspname LIKE 'tenant%'";
    assert_eq!(region.words(schemas).await.len(), 1);
    let acme = region.registry.tenant(&key("acme")).await.unwrap();
    region.registry.delete(&key("acme"), by()).await.unwrap();
    assert_eq!(region.words(schemas).await, <[String; 0]>::default());
    let refused = region.registry.store_of(&acme).await.map(drop);
    assert!(matches!(refused, Err(RegistryError::Store(StoreError::Missing))), "{refused:?}");
}

#[test]
fn a_cells_name_has_one_form() {
    for name in ["c1", "large-customer", "0"] {
        assert!(CellName::new(name).is_ok(), "{name}");
    }
    for name in ["", "file", "C1", "a b", "-a", "a/b"] {
        assert!(CellName::new(name).is_err(), "{name}");
    }
}
