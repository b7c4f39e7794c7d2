//! `userName` and `externalId`: what identity providers match on.

use serde_json::{Value, json};
use testkit::at_once::at_once;

use crate::running::{ENTERPRISE, SEAT, groups_of, new_group, onboarded, replace, roomy, user_body};

#[test]
fn me8_a_changed_user_name_keeps_id_class_and_groups_and_is_found_without_case() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada@old.example", "user").expect(201);
    let path = format!("/Users/{}", ada.id());
    new_group(&acme, "Crew", &[&ada.id()]);
    let renamed = acme.patch(&path, &replace("userName", "Ada@New.Example")).expect(200);
    assert_eq!((renamed.id(), &renamed.body[SEAT]), (ada.id(), &ada.body[SEAT]));
    assert_eq!(groups_of(&acme, &ada.id()), ["Crew"]);
    for (name, total) in [("ADA@NEW.EXAMPLE", 1), ("ada@old.example", 0)] {
        let found = acme.find("/Users", &format!("userName eq \"{name}\"")).expect(200);
        assert_eq!(found.body["totalResults"], total, "{name}");
    }
    assert_eq!(acme.get(&path).expect(200).body["userName"], "Ada@New.Example");
    acme.create_user("ada@old.example", "").expect(201);
    gateway.audit(&acme);
}

#[test]
fn me10_the_four_kept_attributes_suffice() {
    let (_gateway, acme) = roomy();
    let four = json!({ "userName": "a@x.example", "active": true, "displayName": "A", "externalId": "a" });
    let made = acme.post("/Users", &user_body(&four)).expect(201);
    for (name, value) in four.as_object().unwrap() {
        assert_eq!(&made.body[name], value);
    }
    assert!(made.body.get("name").is_none() && made.body.get("emails").is_none(), "nothing is invented");
}

#[test]
fn me11_external_id_is_kept_byte_for_byte_compared_with_case_and_may_repeat() {
    let (_gateway, acme) = roomy();
    let odd = "00uX+/=\u{e9} a\"b\\c%41";
    let body = |name: &str, external: &str| user_body(&json!({ "userName": name, "externalId": external }));
    let made = acme.post("/Users", &body("ada", odd)).expect(201);
    assert_eq!(made.body["externalId"], odd);
    let filter = |external: &str| format!("externalId eq {}", Value::from(external));
    assert_eq!(acme.find("/Users", &filter(odd)).expect(200).body["Resources"][0]["id"], made.body["id"]);
    assert_eq!(acme.find("/Users", &filter(&odd.to_uppercase())).expect(200).body["totalResults"], 0);
    acme.post("/Users", &body("grace", odd)).expect(201);
    assert_eq!(acme.find("/Users", &filter(odd)).expect(200).body["totalResults"], 2);
}

#[test]
fn me11_external_id_is_unique_where_the_tenant_says_so() {
    let (_gateway, acme) = onboarded(&json!({
        "key": "acme", "name": "Acme", "seats": { "member": null, "member_lite": null },
        "settings": { "unique_external_ids": true },
    }));
    let body = |name: &str| user_body(&json!({ "userName": name, "externalId": "x-1" }));
    let ada = acme.post("/Users", &body("ada")).expect(201);
    let taken = acme.post("/Users", &body("grace")).expect_error(409, "uniqueness");
    assert!(taken.body["detail"].as_str().unwrap().contains(&ada.id()), "{}", taken.text);
    acme.put(&format!("/Users/{}", ada.id()), &body("ada")).expect(200);
    acme.delete(&format!("/Users/{}", ada.id())).expect(204);
    acme.post("/Users", &body("grace")).expect(201);
}

#[test]
fn me12_unknown_attributes_are_dropped_and_those_of_the_rfc_are_kept() {
    let (gateway, acme) = roomy();
    let sent = json!({
        "userName": "ada",
        "nickName": "A", "title": "Countess", "preferredLanguage": "en-GB", "profileUrl": "https://x.example/ada",
        "ims": [{ "value": "ada", "type": "xmpp" }],
        "entitlements": [{ "value": "e1" }],
        "x509Certificates": [{ "value": "TUlJ" }],
        "shoeSize": 37, "isAdmin": true,
        "name": { "givenName": "Ada", "maidenName": "Byron" },
        "urn:example:extension": { "costly": true },
        ENTERPRISE: { "department": "Engines", "badge": 7 },
    });
    let mut body = user_body(&sent);
    body["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:extension"]);
    let made = acme.post("/Users", &body).expect(201);
    for kept in
        ["nickName", "title", "preferredLanguage", "profileUrl", "ims", "entitlements", "x509Certificates"]
    {
        assert_eq!(made.body[kept], sent[kept], "{kept}");
    }
    assert_eq!(made.body["name"], json!({ "givenName": "Ada" }));
    assert_eq!(made.body[ENTERPRISE], json!({ "department": "Engines" }));
    for dropped in ["shoeSize", "isAdmin", "urn:example:extension"] {
        assert!(made.body.get(dropped).is_none(), "{dropped}");
    }
    let schemas = made.body["schemas"].as_array().unwrap();
    assert!(schemas.contains(&json!(ENTERPRISE)) && !schemas.contains(&json!("urn:example:extension")));
    let metrics = gateway.metrics();
    assert!(metrics.contains("unknown_attribute") && metrics.contains("unknown_schema"), "{metrics}");
}

#[test]
fn attack_46_of_twelve_equal_posts_at_once_one_is_made_and_eleven_conflict() {
    let (gateway, acme) = roomy();
    for round in 0..10 {
        let answers = at_once(12, |client| {
            // Another spelling of the same name is the same name.
            let name = format!("Ada-{round}");
            acme.create_user(&if client % 2 == 0 { name.to_uppercase() } else { name }, "user")
        });
        let (made, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status == 201);
        assert_eq!((made.len(), lost.len()), (1, 11));
        for answer in lost {
            let refused = answer.expect_error(409, "uniqueness");
            assert!(refused.body["detail"].as_str().unwrap().contains(&made[0].id()), "{}", refused.text);
        }
    }
    assert_eq!(gateway.seats(&acme)["member"]["used"], 10);
    gateway.audit(&acme);
}

#[test]
fn a_name_taken_by_an_update_is_409_and_changes_nothing() {
    let (_gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    let grace = acme.create_user("grace", "").expect(201);
    let path = format!("/Users/{}", grace.id());
    acme.patch(&path, &replace("userName", "ADA")).expect_error(409, "uniqueness");
    acme.put(&path, &user_body(&json!({ "userName": "Ada" }))).expect_error(409, "uniqueness");
    assert_eq!(acme.get(&path).expect(200).body, grace.body);
    acme.patch(&path, &replace("userName", "GRACE")).expect(200);
}
