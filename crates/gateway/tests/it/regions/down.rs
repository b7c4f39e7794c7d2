//! A region that cannot be opened: the others start and serve, it answers 503 to everything and says to staff why, and it is served
//! again when what is wrong with it is mended, without a restart.

use std::{fs, path::Path};

use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
};

use super::{assert_unreachable, beside, ready, stores, two_regions};
use crate::running::{gateway, gateway_with, wait_for};

/// Every kind of request to the region of this tenant is 503, with any credential, and staff read the cause.
#[track_caller]
fn assert_down(gateway: &Gateway, tenant: &Tenant, other: &Tenant, cause: &str) {
    let to = |path: &str| format!("{}{path}", tenant.base_url);
    assert_unreachable(tenant.get("/Users"));
    assert_unreachable(tenant.create_user("bob", ""));
    assert_unreachable(Request::new("GET", &to("/Users")).send());
    assert_unreachable(Request::new("GET", &to("/Users")).bearer("nonsense").send());
    assert_unreachable(Request::new("GET", &to("/Users")).bearer(&other.token).send());
    assert_unreachable(
        Request::new("GET", &format!("{}/{}/nobody/scim/v2/Users", gateway.url, tenant.region)).send(),
    );
    for (method, path) in [("GET", ""), ("POST", "/suspend"), ("GET", "/tokens"), ("DELETE", "")] {
        let told = gateway.admin(method, &format!("{}{path}", tenant.admin_path()), None).expect(503);
        assert!(told.header("retry-after").is_some());
        let sentence = told.body["detail"].as_str().unwrap();
        assert!(sentence.contains(&tenant.region) && sentence.contains(cause), "{sentence}");
    }
    let shown = gateway.cli(&["tenant", "show", "--region", &tenant.region, "--key", &tenant.key]);
    let sentence = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert!(shown.status.code() == Some(1) && sentence.contains(cause), "{sentence}");
    let listed = gateway.cli(&["tenant", "list"]);
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains(&other.key),
        "the others are shown all the same"
    );
    assert!(String::from_utf8_lossy(&listed.stderr).contains(cause));
    let regions = gateway.admin("GET", "/regions", None).expect(200).body;
    let region = regions.as_array().unwrap().iter().find(|r| r["code"] == tenant.region).unwrap();
    assert!(region["served"] == false && region["why"].as_str().unwrap().contains(cause), "{region}");
    let (status, states) = ready(gateway);
    assert_eq!(status, 200, "the others can be served");
    assert!(states.contains(&format!("{} down", tenant.region)), "{states}");
    assert!(states.contains(&format!("{} served", other.region)), "{states}");
    assert!(gateway.metrics().contains(&format!("usher_region_served{{region=\"{}\"}} 0", tenant.region)));
    assert!(
        gateway.log().contains("a region is not served") && gateway.log().contains(cause),
        "{}",
        gateway.log()
    );
}

#[track_caller]
fn assert_served(gateway: &Gateway, tenant: &Tenant) {
    wait_for("the region is served again", || {
        ready(gateway).1.contains(&format!("{} served", tenant.region))
    });
    assert_eq!(tenant.get("/Users").expect(200).body["totalResults"], 1);
    tenant.create_user("later", "").expect(201);
    assert!(gateway.metrics().contains(&format!("usher_region_served{{region=\"{}\"}} 1", tenant.region)));
}

/// Damages the registry of one of two regions while the gateway is down, then mends it while it runs.
#[track_caller]
fn a_registry_that(damage: impl FnOnce(&Path), cause: &str) {
    let (mut gateway, acme, other) = two_regions();
    acme.create_user("ada", "").expect(201);
    other.create_user("ada", "").expect(201);
    assert_eq!(gateway.stop(), Some(0));
    let registry = gateway.data_dir().join("ire").join("registry.db");
    let whole = fs::read(&registry).unwrap();
    damage(&registry);
    gateway.start_again();
    assert_down(&gateway, &acme, &other, cause);
    other.create_user("bob", "").expect(201);
    assert_eq!(other.get("/Users").expect(200).body["totalResults"], 2);
    // As an operator does it: the copy is whole when it is in its place.
    let copy = beside(&registry, ".copy");
    fs::write(&copy, whole).unwrap();
    fs::rename(copy, &registry).unwrap();
    assert_served(&gateway, &acme);
    other.get("/Users").expect(200);
}

#[test]
fn a_registry_that_is_empty_beside_tenants_takes_its_region_down_and_no_other() {
    a_registry_that(|registry| fs::write(registry, "").unwrap(), "restore it from");
}

#[test]
fn a_registry_that_is_missing_beside_tenants_takes_its_region_down_and_no_other() {
    a_registry_that(|registry| fs::remove_file(registry).unwrap(), "restore registry.db from its backup");
}

#[test]
fn a_registry_that_knows_no_tenant_beside_tenants_takes_its_region_down_and_no_other() {
    a_registry_that(
        |registry| {
            let delete = "DELETE FROM credentials; DELETE FROM tenants";
            crate::running::sql(registry, delete);
        },
        "restore registry.db from its backup",
    );
}

#[test]
fn a_registry_with_flipped_bytes_takes_its_region_down_and_no_other() {
    a_registry_that(
        |registry| {
            let mut bytes = fs::read(registry).unwrap();
            bytes.iter_mut().skip(4096).for_each(|byte| *byte ^= 0x5A);
            fs::write(registry, bytes).unwrap();
        },
        "registry.db is damaged",
    );
}

#[test]
fn a_registry_that_was_cut_takes_its_region_down_and_no_other() {
    a_registry_that(
        |registry| {
            let bytes = fs::read(registry).unwrap();
            fs::write(registry, &bytes[..bytes.len() / 2]).unwrap();
        },
        "registry.db is damaged",
    );
}

#[test]
fn another_regions_registry_takes_its_region_down_and_no_other() {
    a_registry_that(
        |registry| {
            let others = registry.parent().unwrap().parent().unwrap().join("us").join("registry.db");
            fs::copy(others, registry).unwrap();
        },
        "is that of region us",
    );
}

#[test]
fn a_region_whose_directory_is_none_takes_nobody_else_down() {
    let (mut gateway, acme, other) = two_regions();
    acme.create_user("ada", "").expect(201);
    assert_eq!(gateway.stop(), Some(0));
    let directory = gateway.data_dir().join("ire");
    fs::rename(&directory, beside(&directory, "-away")).unwrap();
    fs::write(&directory, "no directory").unwrap();
    gateway.start_again();
    assert_down(&gateway, &acme, &other, "ot a directory");
    other.create_user("ada", "").expect(201);
    fs::remove_file(&directory).unwrap();
    fs::rename(beside(&directory, "-away"), &directory).unwrap();
    assert_served(&gateway, &acme);
}

#[test]
fn a_registry_that_is_removed_while_it_is_served_takes_its_region_down_until_a_copy_is_in_its_place() {
    let (gateway, acme, other) = two_regions();
    acme.create_user("ada", "").expect(201);
    let registry = gateway.data_dir().join("ire").join("registry.db");
    let copy = beside(&registry, ".copy");
    crate::running::sql(&registry, &format!("VACUUM INTO '{}'", copy.display()));
    fs::remove_file(&registry).unwrap();
    wait_for("the region is down", || ready(&gateway).1.contains("ire down"));
    assert_down(&gateway, &acme, &other, "restore registry.db from its backup");
    // What is left of it is not the copy's: SQLite leaves the log of a file that is gone where it is.
    let _ = (fs::remove_file(beside(&registry, "-wal")), fs::remove_file(beside(&registry, "-shm")));
    fs::rename(&copy, &registry).unwrap();
    assert_served(&gateway, &acme);
    other.create_user("ada", "").expect(201);
}

#[test]
fn with_no_region_to_serve_the_process_stays_and_is_not_ready_until_one_is_mended() {
    let mut gateway = gateway_with(&[("USHER__SERVE_REGIONS", "ire")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    acme.create_user("ada", "").expect(201);
    assert_eq!(gateway.stop(), Some(0));
    let registry = gateway.data_dir().join("ire").join("registry.db");
    let away = beside(&registry, ".away");
    fs::rename(&registry, &away).unwrap();
    gateway.start_again_unready();
    assert_eq!(ready(&gateway), (503, "no region is served\nire down\n".to_owned()));
    assert_unreachable(acme.get("/Users"));
    assert!(!registry.exists(), "nothing was made in its place");
    fs::rename(&away, &registry).unwrap();
    assert_served(&gateway, &acme);
    assert_eq!(ready(&gateway).0, 200);
}

/// The process died between making a file and making its tables.
#[test]
fn a_first_start_that_was_interrupted_is_ended_by_the_next() {
    let mut gateway = gateway();
    assert_eq!(gateway.stop(), Some(0));
    let registry = gateway.data_dir().join("ire").join("registry.db");
    fs::write(&registry, "").unwrap();
    let half_made = gateway.data_dir().join("us").join("registry.db");
    fs::remove_file(&half_made).unwrap();
    crate::running::sql(&half_made, "PRAGMA journal_mode=WAL");
    assert!(fs::metadata(&half_made).unwrap().len() > 0);
    gateway.start_again();
    for region in ["ire", "us"] {
        gateway.tenant(region, "acme", None, None).create_user("ada", "").expect(201);
    }
}

/// The process died while it made a tenant: with its row and perhaps an empty file.
#[test]
fn a_creation_that_was_interrupted_is_undone_by_the_next_start() {
    let (mut gateway, acme, _) = two_regions();
    acme.create_user("ada", "").expect(201);
    gateway.kill();
    let registry = gateway.data_dir().join("ire").join("registry.db");
    let id = "00000000-0000-7000-8000-000000000000";
    let row = format!("'{id}', 'half', 'Half', 'deleting', 'default', '{{}}', 0");
    crate::running::sql(
        &registry,
        &format!(
            "INSERT INTO tenants (id, company_key, name, state, profile, settings, created_ms) VALUES ({row})"
        ),
    );
    let half_made = gateway.data_dir().join("ire").join("tenants").join(format!("{id}.db"));
    fs::write(&half_made, "").unwrap();
    gateway.start_again();
    assert!(!half_made.exists());
    assert_eq!(stores(&gateway, "ire").len(), 1);
    gateway.tenant("ire", "half", None, None).create_user("ada", "").expect(201);
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn me2_a_named_admin_token_fails_with_the_region_it_rests_in_and_the_others_and_the_root_go_on() {
    let mut gateway = gateway();
    let add = |body: serde_json::Value| {
        let added = gateway.admin("POST", "/tokens", Some(&body)).expect(201);
        added.body["token"].as_str().unwrap().to_owned()
    };
    // What reaches everything rests in the first region.
    let (of_all, of_ire) = (
        add(serde_json::json!({ "name": "all" })),
        add(serde_json::json!({ "name": "ire", "region": "ire" })),
    );
    assert!(of_all.starts_with("ush_admin_ca_") && of_ire.starts_with("ush_admin_ire_"));
    gateway.stop();
    let registry = gateway.data_dir().join("ca").join("registry.db");
    let _ = fs::remove_file(beside(&registry, "-wal"));
    fs::write(&registry, [7; 8192]).unwrap();
    gateway.start_again();
    let with = |token: &str, path: &str| {
        Request::new("GET", &format!("{}/admin/v1{path}", gateway.url)).bearer(token).send()
    };
    let told = with(&of_all, "/regions").expect(503);
    assert!(told.body["detail"].as_str().unwrap().contains("region ca"), "{}", told.text);
    with(&of_ire, "/regions/ire/tenants").expect(200);
    gateway.admin("GET", "/regions", None).expect(200);
    // What cannot be known is not told as if it were.
    gateway.admin("GET", "/tokens", None).expect(503);
    gateway.admin("GET", "/acts", None).expect(503);
    gateway.admin("GET", "/regions/ire/acts", None).expect(200);
    gateway.admin("DELETE", "/tokens/all", None).expect(503);
    gateway.admin("POST", "/tokens", Some(&serde_json::json!({ "name": "new" }))).expect(503);
    gateway.admin("DELETE", "/tokens/ire", None).expect(204);
    with(&of_ire, "/regions/ire/tenants").expect(401);
}
