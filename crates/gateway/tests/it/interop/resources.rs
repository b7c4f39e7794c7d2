//! Resources, discovery and filters by the profile.

use serde_json::{Value, json};

use super::{ada, body, interop, operation};
use crate::running::{USER, new_group};

#[test]
fn conformance_is_claimed_by_the_service_providers_configuration_and_nowhere_else() {
    let (_gateway, acme) = interop();
    let config = acme.get("/ServiceProviderConfig").expect(200).body;
    assert_eq!(config["interopProfileConformant"], true);
    for part in ["patch", "bulk", "filter"] {
        assert_eq!(config[part]["supported"], true, "{part}");
    }
    for path in ["/ResourceTypes", "/Schemas", "/Users"] {
        let text = acme.get(path).expect(200).text;
        assert!(!text.contains("interopProfileConformant"), "{path}");
    }
}

#[test]
fn the_id_of_each_resource_type_is_its_name_and_no_schema_has_a_secret() {
    let (_gateway, acme) = interop();
    let types = acme.get("/ResourceTypes").expect(200).body;
    for one in types["Resources"].as_array().unwrap() {
        assert_eq!(one["id"], one["name"]);
    }
    let schemas = acme.get("/Schemas").expect(200);
    assert!(
        !schemas.text.contains("\"password\"") && !schemas.text.contains("writeOnly"),
        "{}",
        schemas.text
    );
    acme.post("/Users", &body("eve", &json!({ "password": "s3cret" }))).expect_error(400, "invalidSyntax");
}

#[test]
fn every_type_has_canonical_values_and_keeps_to_them() {
    let (_gateway, acme) = interop();
    let schemas = acme.get("/Schemas").expect(200).body;
    let mut seen = 0;
    for schema in schemas["Resources"].as_array().unwrap() {
        for attribute in
            schema["attributes"].as_array().unwrap().iter().filter(|one| one["multiValued"] == true)
        {
            let parts = attribute["subAttributes"].as_array().cloned().unwrap_or_default();
            for kind in parts.iter().filter(|part| part["name"] == "type") {
                let values = kind["canonicalValues"].as_array().map_or(0, Vec::len);
                assert!(values > 0, "{}.type", attribute["name"]);
                seen += 1;
            }
        }
    }
    assert!(seen >= 9, "{seen}");
    for name in ["emails", "phoneNumbers", "ims", "photos", "roles", "entitlements"] {
        let more = json!({ name: [{ "value": "https://x.example", "type": "nonsense" }] });
        let refused = acme.post("/Users", &body("eve", &more));
        assert_eq!(
            (refused.status, refused.body["scimType"].as_str()),
            (400, Some("invalidValue")),
            "{name}: {}",
            refused.text
        );
    }
    let user = ada(&acme);
    let nonsense = json!([{ "value": "x@acme.example", "type": "nonsense" }]);
    operation(&acme, &user, "add", "emails", nonsense).expect_error(400, "invalidValue");
}

#[test]
fn what_no_schema_defines_is_invalid_syntax_in_a_post_and_a_put() {
    let (_gateway, acme) = interop();
    let path = ada(&acme);
    for more in [
        json!({ "shoeSize": "41" }),
        json!({ "name": { "nick": "x" } }),
        json!({ "emails": [{ "value": "x@acme.example", "colour": "red" }] }),
        json!({ "schemas": [USER, "urn:example:unknown:2.0:User"] }),
        json!({ "urn:example:unknown:2.0:User": { "desk": "1" } }),
    ] {
        for refused in [acme.post("/Users", &body("eve", &more)), acme.put(&path, &body("ada", &more))] {
            assert_eq!(
                (refused.status, refused.body["scimType"].as_str()),
                (400, Some("invalidSyntax")),
                "{more}: {}",
                refused.text
            );
        }
    }
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn a_delete_deletes_and_the_identifiers_are_free_again() {
    let (_gateway, acme) = interop();
    let with = json!({ "externalId": "00u1" });
    let first = acme.post("/Users", &body("ada", &with)).expect(201).id();
    acme.delete(&format!("/Users/{first}")).expect(204);
    acme.get(&format!("/Users/{first}")).expect_error(404, "");
    let second = acme.post("/Users", &body("ada", &with)).expect(201).id();
    assert_ne!(first, second);
}

#[test]
fn the_filters_of_the_profile_find_one_resource_each() {
    let (_gateway, acme) = interop();
    let emails = json!([{ "value": "ada@acme.example", "type": "work" }]);
    let id = acme
        .post("/Users", &body("ada", &json!({ "externalId": "00u1", "emails": emails })))
        .expect(201)
        .id();
    acme.post("/Users", &body("bob", &json!({}))).expect(201);
    let crew = new_group(&acme, "Crew", &[&id]);
    new_group(&acme, "Others", &[]);
    for (path, filter, found) in [
        ("/Users", "userName eq \"ada\"", &id),
        ("/Users", "externalId eq \"00u1\"", &id),
        ("/Users", "emails[value eq \"ada@acme.example\"]", &id),
        ("/Users", "emails[type eq \"work\" and value eq \"ada@acme.example\"]", &id),
        ("/Groups", &format!("members[value eq \"{id}\"]"), &crew),
    ] {
        let list = acme.find(path, filter).expect(200).body;
        assert_eq!(
            (&list["totalResults"], list["Resources"][0]["id"].as_str()),
            (&json!(1), Some(found.as_str())),
            "{filter}"
        );
    }
}

#[test]
fn twenty_five_requests_at_once_are_all_served() {
    let (_gateway, acme) = interop();
    let path = ada(&acme);
    let answers = testkit::at_once::at_once(25, |_| acme.get(&path).status);
    assert_eq!(answers, vec![200; 25]);
    let shown: Value = acme.get(&path).expect(200).body;
    assert_eq!(shown["title"], "Countess");
}
