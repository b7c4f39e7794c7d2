//! What one tenant says differently from its profile.

use serde_json::{Value, json};

use super::{overridden, tenant_of};
use crate::{
    people::{said, staff},
    products::{create, named, standing},
    running::{gateway, replace, user_body},
    staff::problem,
};

/// The row of a key.
fn row<'v>(profile: &'v Value, key: &str) -> &'v Value {
    let keys = profile["keys"].as_array().unwrap();
    keys.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no {key} in {profile}"))
}

#[test]
fn an_override_stands_beside_the_profile_is_recorded_and_can_be_taken_back() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({}), &[]);
    let said_differently = overridden(&gateway, &acme, &["leaving.deleted=archive", "refusal.status=429"]);
    assert_eq!((&said_differently["profile"], &said_differently["version"]), (&json!("default"), &json!(1)));
    let expected = json!({ "key": "leaving.deleted", "profile": "delete", "override": "archive", "in_force": "archive" });
    assert_eq!(row(&said_differently, "leaving.deleted"), &expected);
    assert_eq!(said(&gateway, &acme, &["tenant", "profile"]), said_differently);
    let acts = said(&gateway, &acme, &["tenant", "show"]);
    assert_eq!(acts["settings"]["overrides"]["refusal"]["status"], 429);
    let acts = staff(&gateway, &acme, "GET", "/acts", None).expect(200).body;
    assert_eq!((&acts[0]["act"], &acts[0]["actor"]), (&json!("tenant.profile"), &json!("root")));
    assert_eq!(acts[0]["detail"]["overrides"]["leaving"]["deleted"], "archive");

    let back = overridden(&gateway, &acme, &["--unset", "leaving.deleted"]);
    assert_eq!(row(&back, "leaving.deleted")["in_force"], "delete");
    assert_eq!(row(&back, "refusal.status")["in_force"], 429);
}

#[test]
fn the_faults_of_overrides_are_told_with_their_keys_and_nothing_changes() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({}), &[]);
    let words = ["tenant", "override", "--region", "ire", "--key", "acme"];
    let refused = gateway.cli(&[&words[..], &["refusal.status=418", "leaving.deleted=burn"]].concat());
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("refusal.status: ") && told.contains("leaving.deleted: "), "{told}");
    assert_eq!(told.lines().count(), 2, "{told}");
    // A word that cannot be read is told before anything is sent.
    assert_eq!(gateway.cli(&[&words[..], &["refusal"]].concat()).status.code(), Some(1));
    let answer = staff(&gateway, &acme, "PATCH", "/profile/overrides", Some(&json!({ "name": "x" })));
    problem(&answer, 400);
    assert_eq!(answer.body["errors"][0]["key"], "name");
    let profile = said(&gateway, &acme, &["tenant", "profile"]);
    assert!(profile["keys"].as_array().unwrap().iter().all(|row| row["override"].is_null()), "{profile}");
}

#[test]
fn a_refusal_of_status_429_says_when_to_come_back() {
    let gateway = gateway();
    let acme = tenant_of(
        &gateway,
        "default",
        &json!({ "member": 0, "member_lite": 0 }),
        &["refusal.status=429", "refusal.scim_type=noSeats"],
    );
    let refused = create(&acme, "ada", &json!({})).expect_error(429, "noSeats");
    assert!(refused.header("Retry-After").is_some(), "{}", refused.text);
}

#[test]
fn cx25_several_roles_of_one_license_and_a_default_level_of_the_tenant() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "cxone-expert", &json!({ "pro": 5 }), &[]);
    gateway.admin("POST", &format!("{}/activate", acme.admin_path()), None);
    // The tenant's staff say that a seated person is a contributor, and that there are authors above.
    let roles = "roles=[{key=\"author\", license=\"pro\", may_fall_back=true}, \
                 {key=\"contributor\", license=\"pro\", may_fall_back=true}, {key=\"community\", license=\"community\"}]";
    let sources = "sources=[{attribute=\"urn:usher:params:scim:schemas:extension:expert:2.0:User:seated\", \
                   values={true=\"contributor\", false=\"community\"}}, \
                   {attribute=\"seated\", values={true=\"contributor\", false=\"community\"}}]";
    overridden(&gateway, &acme, &[roles, sources]);
    let ada = create(&acme, "ada", &json!({ "seated": true })).expect(201);
    assert_eq!(standing(&ada), ["contributor", "pro", "granted"]);
    assert_eq!(
        standing(&create(&acme, "bob", &json!({})).expect(201)),
        ["community", "community", "granted"]
    );
    let chosen = said(&gateway, &acme, &["user", "set", "--user", "ada", "--role", "author"]);
    assert_eq!((&chosen["role"], &chosen["license"]["granted"]), (&json!("author"), &json!("pro")));
    // The identity provider still says whether.
    acme.patch(&format!("/Users/{}", ada.id()), &replace("seated", true)).expect(200);
    assert_eq!(said(&gateway, &acme, &["user", "show", "--user", "ada"])["role"], "author");
    gateway.audit(&acme);
}

#[test]
fn a_profile_or_an_override_that_lacks_what_people_have_is_refused() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "cxone-expert", &json!({ "pro": 5 }), &[]);
    gateway.admin("POST", &format!("{}/activate", acme.admin_path()), None);
    let set = |profile: &str| staff(&gateway, &acme, "PATCH", "", Some(&json!({ "profile": profile })));
    let ada = create(&acme, "ada", &json!({ "seated": false })).expect(201).id();
    let answer = set("metacompliance");
    problem(&answer, 409);
    assert!(answer.body["detail"].as_str().unwrap().contains("the license community"), "{}", answer.text);
    // Licenses of the same name, but without the attribute.
    let roles = "attributes=[]";
    let words = ["tenant", "override", "--region", "ire", "--key", "acme", roles, "sources=[]"];
    let refused = gateway.cli(&words);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("1 people have data of the attribute seated"), "{told}");
    assert_eq!(said(&gateway, &acme, &["tenant", "show"])["profile"], "cxone-expert");
    acme.patch(&format!("/Users/{ada}"), &json!([{ "op": "remove", "path": "seated" }])).expect(200);
    overridden(&gateway, &acme, &[roles, "sources=[]"]);
    // An empty directory takes any profile.
    let globex = gateway.onboard("ire", &json!({ "key": "globex", "name": "Globex" }));
    let moved = staff(&gateway, &globex, "PATCH", "", Some(&json!({ "profile": "iomete" }))).expect(200);
    assert_eq!(moved.body["profile"], "iomete");
    assert_eq!(standing(&create(&globex, "ada", &json!({})).expect(201)), ["user", "user", "granted"]);
    problem(&staff(&gateway, &globex, "PATCH", "", Some(&json!({ "profile": "none" }))), 400);
}

#[test]
fn discovery_of_both_kinds_shows_the_drafts_resources() {
    let gateway = gateway();
    let acme = tenant_of(
        &gateway,
        "default",
        &json!({ "member": 3, "member_lite": null }),
        &["discovery.okta_entitlements=true", "discovery.roles_and_entitlements=true"],
    );
    let types = acme.get("/ResourceTypes").expect(200).body;
    let names: Vec<&str> =
        types["Resources"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["User", "Group", "License", "Role", "Entitlement"]);
    create(&acme, "ada", &json!({ "userType": "user" })).expect(201);
    let entitlements = acme.get("/Entitlements").expect(200).body;
    let member = &entitlements["Resources"][0];
    assert_eq!(member["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:Entitlement"]));
    assert_eq!(
        (&member["totalAssignmentsPermitted"], &member["totalAssignmentsUsed"]),
        (&json!(3), &json!(1))
    );
    let role = &acme.get("/Roles").expect(200).body["Resources"][0];
    assert_eq!(role["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:Role"]));
    let provider = acme.get("/ServiceProviderConfig").expect(200).body;
    assert!(provider.to_string().contains("RolesAndEntitlements"), "{provider}");
    // Off again, there is nothing.
    overridden(
        &gateway,
        &acme,
        &["--unset", "discovery.okta_entitlements", "--unset", "discovery.roles_and_entitlements"],
    );
    acme.get("/Entitlements").expect_error(404, "");
}

#[test]
fn a_put_under_an_override_that_requires_a_name_is_refused_until_it_has_one() {
    let gateway = gateway();
    let acme = tenant_of(&gateway, "default", &json!({ "member": null, "member_lite": null }), &[]);
    let ada = create(&acme, "ada", &json!({})).expect(201).id();
    overridden(&gateway, &acme, &["required=[\"userName\", \"name.familyName\"]"]);
    let path = format!("/Users/{ada}");
    acme.put(&path, &named("ada", &json!({}))).expect_error(400, "invalidValue");
    acme.put(&path, &named("ada", &json!({ "name": { "familyName": "Lovelace" } }))).expect(200);
}

#[test]
fn what_a_product_does_not_want_is_refused_and_other_leniencies_are_tolerated() {
    let gateway = gateway();
    let seats = json!({ "member": 9, "member_lite": 9 });
    let refuse = r#"leniencies.refuse=["unknown_attribute", "boolean_as_string"]"#;
    let acme = tenant_of(&gateway, "default", &seats, &[refuse]);
    let create = |attributes: Value| acme.post("/Users", &user_body(&attributes));
    let unknown = create(json!({ "userName": "ann", "shoeSize": 42 })).expect(400);
    assert!(unknown.text.contains("shoeSize"), "{}", unknown.text);
    create(json!({ "userName": "ann", "active": "True" })).expect_error(400, "invalidValue");
    // An array of one is still taken.
    let ann = create(json!({ "userName": "ann", "title": ["Dr"] })).expect(201);
    assert_eq!(ann.body["title"], "Dr");
    // What a strict tenant tolerates too cannot be refused.
    let words = ["tenant", "override", "--region", "ire", "--key", "acme"];
    let refused = gateway.cli(&[&words[..], &[r#"leniencies.refuse=["second_primary"]"#]].concat());
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("\"second_primary\" is none of the leniencies that can be refused"), "{told}");
    overridden(&gateway, &acme, &["leniencies.refuse=[]"]);
    create(json!({ "userName": "bob", "shoeSize": 42, "active": "True" })).expect(201);
}
