//! `/Licenses` and `/Roles`: what Okta's entitlement discovery reads, with live counts.

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use crate::running::{entitled, gateway, onboarded, replace, user_body};

pub(crate) const ENTITLEMENT: &str = "urn:okta:scim:schemas:core:1.0:Entitlement";
pub(crate) const ROLE: &str = "urn:okta:scim:schemas:core:1.0:Role";

/// The description of every resource of an endpoint, by id.
#[track_caller]
fn descriptions(tenant: &Tenant, endpoint: &str) -> Vec<(String, String)> {
    let listed = tenant.get(endpoint).expect(200).body;
    let text = |resource: &Value, name: &str| resource[name].as_str().unwrap().to_owned();
    let resources = listed["Resources"].as_array().unwrap();
    resources.iter().map(|r| (text(r, "id"), text(r, "description"))).collect()
}

/// Okta reads `/ResourceTypes`, then `/Schemas`, then each endpoint whose schema it knows as a role or an entitlement.
#[test]
fn okta_finds_licenses_and_roles_by_following_the_resource_types() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", Some(5), Some(3));
    let types = acme.get("/ResourceTypes").expect(200).body;
    let schemas = acme.get("/Schemas").expect(200).body;
    let mut endpoints = Vec::new();
    for (urn, kind) in [(ENTITLEMENT, "License"), (ROLE, "Role")] {
        let rt = types["Resources"].as_array().unwrap().iter().find(|rt| rt["schema"] == urn).unwrap();
        assert_eq!((&rt["id"], &rt["name"]), (&json!(kind), &json!(kind)));
        let schema = schemas["Resources"].as_array().unwrap().iter().find(|s| s["id"] == urn).unwrap();
        let attributes = schema["attributes"].as_array().unwrap();
        assert!(attributes.iter().all(|attribute| attribute["mutability"] == "readOnly"), "{schema}");
        let names: Vec<&str> = attributes.iter().map(|a| a["name"].as_str().unwrap()).collect();
        let endpoint = rt["endpoint"].as_str().unwrap();
        let listed = acme.get(&format!("{endpoint}?startIndex=1&count=100")).expect(200).body;
        let resources = listed["Resources"].as_array().unwrap();
        assert_eq!(listed["totalResults"], resources.len());
        for resource in resources {
            assert_eq!((&resource["schemas"], &resource["type"]), (&json!([urn]), &json!(kind)));
            let description = resource["description"].as_str().unwrap();
            assert!(description.is_ascii() && (10..=1_000).contains(&description.len()), "{description}");
            let own = resource.as_object().unwrap().keys().map(String::as_str);
            let own: Vec<&str> = own.filter(|key| !["schemas", "id", "meta"].contains(key)).collect();
            assert_eq!(own, names);
            let location = resource["meta"]["location"].as_str().unwrap();
            assert_eq!(resource["meta"]["resourceType"], kind);
            let path = location.strip_prefix(&acme.base_url).unwrap();
            assert_eq!(acme.get(path).expect(200).body, *resource);
        }
        let titles: Vec<_> = resources.iter().map(|r| (r["id"].clone(), r["displayName"].clone())).collect();
        endpoints.push((endpoint.to_owned(), titles));
    }
    let pair = |id: &str, name: &str| (json!(id), json!(name));
    let licenses = vec![pair("member", "Member"), pair("member_lite", "Member Lite")];
    let roles = vec![pair("admin", "Admin"), pair("member", "Member"), pair("member_lite", "Member Lite")];
    assert_eq!(endpoints, [("/Licenses".to_owned(), licenses), ("/Roles".to_owned(), roles)]);
}

/// A product that does not sell to Okta's customers shows just what its identity provider needs.
#[test]
fn a_profile_without_them_has_neither_types_nor_schemas_nor_paths_of_them() {
    let (_gateway, tenant) = onboarded(&json!({ "key": "plain", "name": "Plain" }));
    let listed = |path: &str| tenant.get(path).expect(200).text;
    assert!(!listed("/ResourceTypes").contains("License") && !listed("/Schemas").contains(ENTITLEMENT));
    for path in ["/Licenses", "/Licenses/member", "/Roles", "/ResourceTypes/Role"] {
        tenant.get(path).expect_error(404, "");
    }
    tenant.get(&format!("/Schemas/{ROLE}")).expect_error(404, "");
    for path in ["/Licenses", "/Roles/.search"] {
        tenant.post(path, &json!({})).expect_error(404, "");
    }
}

#[test]
fn descriptions_tell_the_seats_of_this_moment() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", Some(1), None);
    let license = |id: &str| acme.get(&format!("/Licenses/{id}")).expect(200).body["description"].clone();
    assert_eq!(license("member"), "0 of 1 Member seats in use; 0 waiting.");
    assert_eq!(license("member_lite"), "0 Member Lite seats in use, without limit; 0 waiting.");
    let ada = acme.create_user("ada", "user").expect(201).id();
    acme.create_user("grace", "user").expect(201);
    assert_eq!(license("member"), "1 of 1 Member seats in use; 1 waiting.");
    assert_eq!(license("member_lite"), "1 Member Lite seats in use, without limit; 0 waiting.");
    for (_, told) in descriptions(&acme, "/Roles").into_iter().filter(|(id, _)| id != "member_lite") {
        assert!(told.contains("1 of 1 Member seats in use; 1 waiting."), "{told}");
    }
    acme.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    assert_eq!(license("member"), "1 of 1 Member seats in use; 0 waiting.", "who waited has it");
    let seats = json!({ "member": { "quota": 0 } });
    gateway.admin("PATCH", &format!("{}/seats", acme.admin_path()), Some(&seats)).expect(200);
    assert_eq!(license("member"), "1 of 0 Member seats in use; 0 waiting.");
}

#[test]
fn roles_are_those_of_the_tenants_profile_with_what_to_send_for_them() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", Some(5), Some(3));
    let roles = descriptions(&acme, "/Roles");
    let told = |id: &str| roles.iter().find(|(role, _)| role == id).unwrap().1.clone();
    assert!(told("admin").ends_with("Given by userType admin."), "{}", told("admin"));
    assert!(told("member").contains("or a Member Lite seat while none is free"), "{}", told("member"));
    assert!(told("member").ends_with("Given by userType member, user."), "{}", told("member"));
    assert!(told("member_lite").ends_with("Given by userType member_lite or by none."));
}

#[test]
fn lists_are_filtered_cut_and_projected_as_others_are() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", None, None);
    let ids = |path: &str| -> Vec<String> {
        let listed = acme.get(path).expect(200).body;
        let resources = listed["Resources"].as_array().unwrap();
        assert_eq!(listed["itemsPerPage"], resources.len());
        resources.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    };
    let found = |path: &str, filter: &str| acme.find(path, filter).expect(200).body["totalResults"].clone();
    assert_eq!(ids("/Roles?startIndex=2&count=1"), ["member"]);
    assert_eq!(ids("/Roles?startIndex=3"), ["member_lite"]);
    assert!(ids("/Roles?startIndex=4").is_empty() && ids("/Roles?count=0").is_empty());
    assert_eq!(acme.get("/Roles?startIndex=9").body["totalResults"], 3);
    assert_eq!(found("/Roles", "displayName eq \"member lite\""), 1);
    assert_eq!(found("/Roles", "id eq \"MEMBER\""), 0, "an id compares with its letter case");
    assert_eq!(found("/Licenses", "description co \"without limit\" and type eq \"license\""), 2);
    assert_eq!(found("/Licenses", "externalId pr or meta.created pr"), 0);
    acme.find("/Licenses", "userName eq \"x\"").expect_error(400, "invalidFilter");
    acme.get("/Licenses?count=x").expect_error(400, "invalidValue");
    let some = acme.get("/Licenses/member?attributes=displayName").expect(200).body;
    assert_eq!(some, json!({ "schemas": [ENTITLEMENT], "id": "member", "displayName": "Member" }));
    let urn = format!("/Licenses?excludedAttributes={ENTITLEMENT}:description,meta");
    let rest = acme.get(&urn).expect(200).body["Resources"][0].clone();
    assert_eq!(
        rest,
        json!({ "schemas": [ENTITLEMENT], "id": "member", "displayName": "Member", "type": "License" })
    );
}

#[test]
fn nobody_writes_them_and_unknown_ones_are_not_found() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", None, None);
    for path in ["/Licenses", "/Licenses/member", "/Roles", "/Roles/admin"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let refused = acme.request(method, path).json(&json!({})).send().expect_error(405, "");
            assert_eq!(
                refused.header("allow"),
                acme.request("POST", "/Schemas").send().header("allow"),
                "{path}"
            );
        }
    }
    for path in ["/Licenses/admin", "/Licenses/Member", "/Roles/owner", "/Roles/member/x", "/Licenses/%20"] {
        acme.get(path).expect_error(404, "");
    }
}

/// `okta-roles-and-entitlements-put`: values are data; the license follows the attribute that the profile names.
#[test]
fn what_okta_assigns_comes_back_as_sent_and_moves_no_seat() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", Some(1), Some(5));
    let given = json!({
        "userName": "ada", "userType": "member_lite",
        "roles": [{ "value": "admin", "display": "Admin" }],
        "entitlements": [{ "value": "member", "display": "Member", "type": "License" }],
    });
    let made = acme.post("/Users", &user_body(&given)).expect(201);
    let path = format!("/Users/{}", made.id());
    let read = acme.get(&path).expect(200).body;
    assert_eq!((&read["roles"], &read["entitlements"]), (&given["roles"], &given["entitlements"]));
    assert_eq!(gateway.seats(&acme)["member"]["used"], 0);
    let cleared = json!({ "userName": "ada", "userType": "member_lite", "roles": [], "entitlements": [] });
    let read = acme.put(&path, &user_body(&cleared)).expect(200).body;
    assert_eq!((read.get("roles"), read.get("entitlements")), (None, None));
    gateway.audit(&acme);
}
