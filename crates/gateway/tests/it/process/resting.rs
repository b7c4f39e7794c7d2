//! Stores at rest: who only reads costs no connections of a store, also after what came was written down.

use crate::{
    metrics::value,
    running::{gateway, wait_for},
};

#[test]
fn the_health_of_who_only_reads_leaves_no_store_open() {
    let mut gateway = gateway();
    let tenants = ["a", "b", "c"].map(|key| gateway.tenant("ire", key, None, None));
    gateway.stop();
    // A store that changed just now is not read at rest.
    gateway.age_stores();
    gateway.start_again();
    let registries = value(&gateway.metrics(), "usher_stores_open");
    assert_eq!(registries, Some(5.0));
    for tenant in &tenants {
        tenant.get("/Users?filter=userName%20eq%20%22x%22").expect(200);
        let health = gateway.admin("GET", &format!("{}/health", tenant.admin_path()), None).expect(200).body;
        assert!(health["idps"][0]["lookups_24h"] == 1, "{health}");
    }
    wait_for("all tenants' stores are at rest", || {
        value(&gateway.metrics(), "usher_stores_open") == registries
    });
    assert!(tenants.iter().all(|tenant| tenant.get("/Users").status == 200));
}
