//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` tell the truth about this tenant.

use serde_json::{Value, json};

use crate::{
    entitlements::{ENTITLEMENT, ROLE},
    running::{ENTERPRISE, GROUP, GROUP_ORIGIN, SEAT, USER, USER_ORIGIN, entitled, gateway, roomy},
};

#[test]
fn what_is_announced_as_supported_is_and_what_is_not_is_501() {
    let (_gateway, acme) = roomy();
    let config = acme.get("/ServiceProviderConfig").expect(200).body;
    for (feature, supported) in [
        ("patch", true),
        ("filter", true),
        ("etag", true),
        ("bulk", true),
        ("sort", true),
        ("changePassword", false),
    ] {
        assert_eq!(config[feature]["supported"], Value::Bool(supported), "{feature}");
    }
    acme.get("/Users?sortBy=userName").expect(200);
    acme.get("/Users?cursor").expect(200);
    acme.get("/Me").expect_error(501, "");
    let most = config["bulk"]["maxOperations"].as_u64().unwrap();
    assert!((100..5000).contains(&most), "{most}");
}

#[test]
fn every_schema_and_type_that_is_listed_can_be_fetched_by_its_id_and_its_location() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", None, None);
    for (list, ids) in [
        ("/Schemas", vec![USER, ENTERPRISE, SEAT, USER_ORIGIN, GROUP, GROUP_ORIGIN, ENTITLEMENT, ROLE]),
        ("/ResourceTypes", vec!["User", "Group", "License", "Role"]),
    ] {
        let listed = acme.get(list).expect(200).body;
        let found: Vec<&str> =
            listed["Resources"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids);
        for resource in listed["Resources"].as_array().unwrap() {
            let one = acme.get(&format!("{list}/{}", resource["id"].as_str().unwrap())).expect(200).body;
            assert_eq!(&one, resource);
            let location = resource["meta"]["location"].as_str().unwrap();
            assert_eq!(location.strip_prefix(&acme.base_url).map(|path| acme.get(path).status), Some(200));
        }
    }
    acme.get("/Schemas/urn:nothing").expect_error(404, "");
}

#[test]
fn discovery_refuses_filters_ignores_paging_and_takes_no_writes() {
    let (_gateway, acme) = roomy();
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        acme.find(path, "id eq \"x\"").expect_error(403, "");
        acme.get(&format!("{path}?startIndex=2&count=1&sortBy=id")).expect(200);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let refused = acme.request(method, path).json(&json!({})).send().expect_error(405, "");
            assert_eq!(refused.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
}

#[test]
fn mc11_user_name_is_shown_as_required_and_the_seat_as_read_only() {
    let (_gateway, acme) = roomy();
    let attributes = |urn: &str| acme.get(&format!("/Schemas/{urn}")).expect(200).body["attributes"].clone();
    let user = attributes(USER);
    let named = |name: &str| user.as_array().unwrap().iter().find(|a| a["name"] == name).unwrap().clone();
    assert_eq!(
        (&named("userName")["required"], &named("displayName")["required"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(named("groups")["mutability"], "readOnly");
    let seat = attributes(SEAT);
    for attribute in seat.as_array().unwrap() {
        assert_eq!(attribute["mutability"], "readOnly", "{attribute}");
    }
    let mut names: Vec<&str> = seat.as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "borrowedUntil",
            "grantedLicense",
            "overage",
            "reason",
            "requestedLicense",
            "role",
            "since",
            "state"
        ]
    );
}
