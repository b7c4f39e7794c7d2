//! A deletion that fails can be repeated, and blocks only the company key.

use std::fs;

use serde_json::json;

use super::{beside, stores, two_regions};

#[test]
fn a_deletion_that_fails_can_be_said_again() {
    let (mut gateway, acme, other) = two_regions();
    acme.create_user("ada", "").expect(201);
    let store = stores(&gateway, "ire").remove(0);
    let neighbour = gateway.tenant("ire", "neighbour", None, None);
    // So that the store is closed; nobody opens it again before it is deleted.
    assert_eq!(gateway.stop(), Some(0));
    let in_the_way = beside(&store, "-wal");
    fs::create_dir(&in_the_way).unwrap();
    gateway.start_again();
    let key = json!({ "key": "acme", "name": "Acme" });
    for restarted in [false, true] {
        for _ in 0..2 {
            let told = gateway.admin("DELETE", &acme.admin_path(), None).expect(503);
            let sentence = told.body["detail"].as_str().unwrap();
            assert!(
                sentence.contains("directory") && sentence.contains("delete the tenant again"),
                "{sentence}"
            );
        }
        acme.get("/Users").expect_error(401, "");
        let taken = gateway.admin("POST", "/regions/ire/tenants", Some(&key)).expect(409);
        assert!(taken.text.contains("delete it again"), "{}", taken.text);
        gateway.admin("POST", &format!("{}/resume", acme.admin_path()), None).expect(409);
        let listed = gateway.cli_ok(&["tenant", "list", "--region", "ire"]);
        assert!(listed.contains("deleting"), "{listed}");
        for tenant in [&neighbour, &other] {
            tenant.create_user(&format!("after {restarted}"), "").expect(201);
        }
        if !restarted {
            // What cannot be removed keeps its region from nothing.
            assert_eq!(gateway.stop(), Some(0));
            gateway.start_again();
            assert!(gateway.log().contains("a deletion could not be ended"), "{}", gateway.log());
        }
    }
    fs::remove_dir(&in_the_way).unwrap();
    gateway.cli_ok(&["tenant", "delete", "--region", "ire", "--key", "acme", "--yes"]);
    gateway.admin("DELETE", &acme.admin_path(), None).expect(404);
    assert!(!store.exists());
    let again = gateway.tenant("ire", "acme", None, None);
    assert_eq!(again.get("/Users").expect(200).body["totalResults"], 0);
}
