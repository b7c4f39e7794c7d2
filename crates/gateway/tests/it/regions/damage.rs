//! What is not a tenant's store is never read as one that is empty.

use std::fs;

use super::{assert_unreachable, beside, stores, two_regions};
use crate::running::gateway;

/// Puts something in the place of a tenant's file while the gateway is down; the tenant is then unreachable, the log says why, and
/// with its own file it is served again.
#[track_caller]
fn in_place_of_a_store(damage: impl FnOnce(&std::path::Path), cause: &str) {
    let (mut gateway, acme, other) = two_regions();
    let store = stores(&gateway, "ire").remove(0);
    let neighbour = gateway.tenant("ire", "neighbour", None, None);
    for tenant in [&acme, &neighbour, &other] {
        tenant.create_user("ada", "").expect(201);
    }
    assert_eq!(gateway.stop(), Some(0));
    let whole = fs::read(&store).unwrap();
    damage(&store);
    let damaged = fs::read(&store).unwrap();
    gateway.start_again();
    assert_unreachable(acme.get("/Users"));
    assert_unreachable(acme.create_user("bob", ""));
    assert!(gateway.log().contains("ERROR") && gateway.log().contains(cause), "{}", gateway.log());
    let shown = gateway.admin("GET", &acme.admin_path(), None).expect(200).body;
    assert!(
        shown["bytes_in_use"].is_null() && shown["store_error"].as_str().unwrap().contains(cause),
        "{shown}"
    );
    for tenant in [&neighbour, &other] {
        tenant.create_user("bob", "").expect(201);
        assert_eq!(tenant.get("/Users").expect(200).body["totalResults"], 2);
    }
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(fs::read(&store).unwrap(), damaged, "nothing was made in it");
    fs::write(&store, whole).unwrap();
    gateway.start_again();
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn a_store_of_no_bytes_is_not_a_tenant_without_users() {
    in_place_of_a_store(|store| fs::write(store, "").unwrap(), "holds no tables of this program");
}

#[test]
fn another_programs_database_is_not_a_tenant_without_users() {
    in_place_of_a_store(
        |store| {
            fs::remove_file(store).unwrap();
            crate::running::sql(store, "CREATE TABLE users (name TEXT); INSERT INTO users VALUES ('ada')");
        },
        "holds no tables of this program",
    );
}

#[test]
fn another_tenants_file_is_not_this_tenants() {
    in_place_of_a_store(
        |store| {
            let neighbours = store.parent().unwrap().read_dir().unwrap();
            let other = neighbours.map(|entry| entry.unwrap().path()).find(|path| path != store).unwrap();
            fs::copy(other, store).unwrap();
        },
        "is the file of another store",
    );
}

#[test]
fn a_backup_in_the_place_of_its_store_is_that_store() {
    let mut gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    acme.create_user("ada", "").expect(201);
    let store = stores(&gateway, "ire").remove(0);
    let backup = beside(&store, ".backup");
    crate::running::sql(&store, &format!("VACUUM INTO '{}'", backup.display()));
    acme.create_user("bob", "").expect(201);
    assert_eq!(gateway.stop(), Some(0));
    fs::rename(&backup, &store).unwrap();
    gateway.start_again();
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}
