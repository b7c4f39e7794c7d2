//! MetaCompliance, by its guides for Okta and Entra ID.

use serde_json::{Value, json};

use super::{create, of, standing};
use crate::running::USER;

#[test]
fn mc12_every_mandatory_attribute_that_is_missing_is_told_at_once_and_a_retry_passes() {
    let (gateway, tenant) = of("metacompliance", &json!({}));
    let refused =
        create(&tenant, "ada@acme.example", &json!({ "emails": [{ "value": "ada@acme.example" }] }))
            .expect_error(400, "invalidValue");
    let told = refused.body["detail"].as_str().unwrap();
    assert!(told.contains("name.givenName") && told.contains("name.familyName"), "{told}");
    assert!(!told.contains("emails"), "{told}");
    let bare = create(&tenant, "ada@acme.example", &json!({})).expect_error(400, "invalidValue");
    assert!(bare.body["detail"].as_str().unwrap().contains("emails"), "{}", bare.text);
    assert_eq!(tenant.get("/Users").expect(200).body["totalResults"], 0);
    let whole = json!({
        "name": { "givenName": "Ada", "familyName": "Lovelace" }, "emails": [{ "value": "ada@acme.example" }],
    });
    let made = create(&tenant, "ada@acme.example", &whole).expect(201);
    assert_eq!(standing(&made), ["user", "user", "granted"]);
    gateway.audit(&tenant);
}

#[test]
fn mc11_what_is_mandatory_is_marked_in_the_schema() {
    let (_gateway, tenant) = of("metacompliance", &json!({}));
    let schema = tenant.get(&format!("/Schemas/{USER}")).expect(200).body;
    let named = |attributes: &Value, name: &str| {
        attributes.as_array().unwrap().iter().find(|a| a["name"] == name).unwrap().clone()
    };
    let name = named(&schema["attributes"], "name");
    let required = [
        name["required"].clone(),
        named(&name["subAttributes"], "givenName")["required"].clone(),
        named(&name["subAttributes"], "familyName")["required"].clone(),
        named(&name["subAttributes"], "middleName")["required"].clone(),
        named(&schema["attributes"], "emails")["required"].clone(),
        named(&schema["attributes"], "displayName")["required"].clone(),
    ];
    assert_eq!(required, [true, true, true, false, true, false].map(Value::Bool));
}
