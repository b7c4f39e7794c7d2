//! A credential does not depend on the person for whom it was made (MO10).

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{added, text};
use crate::{
    people::{said, staff},
    running::{replace, roomy},
};

/// A token that was made for this person; its id, and the tenant by it.
fn made_for(gateway: &Gateway, tenant: &Tenant, user_name: &str, words: &[&str]) -> (String, Tenant) {
    let made = added(gateway, tenant, "bearer", &[&["--made-by", user_name], words].concat());
    let held = Tenant { token: text(&made, "token").to_owned(), ..tenant.clone() };
    (text(&made, "key_id").to_owned(), held)
}

/// The records that say that a maker has left, oldest first: the person and the credential.
fn left(gateway: &Gateway, tenant: &Tenant) -> Vec<[Value; 2]> {
    let path = format!("{}/changes?limit=1000", tenant.admin_path());
    let changes = gateway.admin("GET", &path, None).expect(200).body;
    let left = changes.as_array().unwrap().iter().filter(|change| change["kind"] == "credential.maker_left");
    left.rev().map(|change| [change["resource_id"].clone(), change["detail"]["key_id"].clone()]).collect()
}

#[test]
fn mo10_a_token_lives_on_when_its_maker_is_deactivated_and_a_record_says_so() {
    let (gateway, acme) = roomy();
    // Made before the person was provisioned, in another spelling.
    let (key_id, held) = made_for(&gateway, &acme, "Ada@Acme.example", &[]);
    let (revoked, _) = made_for(&gateway, &acme, "ada@acme.example", &[]);
    said(&gateway, &acme, &["credential", "revoke", &revoked]);
    let ada = held.create_user("ada@acme.example", "").expect(201).id();
    let bob = held.create_user("bob@acme.example", "").expect(201).id();
    held.patch(&format!("/Users/{ada}"), &replace("title", "Dr")).expect(200);
    held.patch(&format!("/Users/{bob}"), &replace("active", false)).expect(200);
    assert_eq!(left(&gateway, &acme), Vec::<[Value; 2]>::new());

    held.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    let told = [json!(ada), json!(key_id)];
    assert_eq!(left(&gateway, &acme), std::slice::from_ref(&told));
    held.get("/Users").expect(200);
    // Once for each time that the person leaves.
    held.patch(&format!("/Users/{ada}"), &replace("title", "Mrs")).expect(200);
    assert_eq!(left(&gateway, &acme).len(), 1);
    held.patch(&format!("/Users/{ada}"), &replace("active", true)).expect(200);
    held.delete(&format!("/Users/{ada}")).expect(204);
    assert_eq!(left(&gateway, &acme), [told.clone(), told]);
    held.create_user("eve", "").expect(201);
    let listed = said(&gateway, &acme, &["credential", "list"]);
    assert_eq!(listed[1]["made_by"], "Ada@Acme.example");
    gateway.audit(&acme);
}

#[test]
fn mo10_an_act_of_staff_and_a_bulk_make_the_record_too() {
    let (gateway, acme) = roomy();
    let (key_id, held) = made_for(&gateway, &acme, "ada", &[]);
    let (other, _) = made_for(&gateway, &acme, "ada", &["--expires-in-days", "9"]);
    let ada = held.create_user("ada", "").expect(201).id();
    let path = format!("/users/{ada}");
    staff(&gateway, &acme, "PATCH", &path, Some(&json!({ "active": false }))).expect(200);
    assert_eq!(left(&gateway, &acme), [[json!(ada), json!(key_id)], [json!(ada), json!(other)]]);
    let changes = staff(&gateway, &acme, "GET", "/changes?limit=2", None).expect(200).body;
    assert_eq!(
        (&changes[0]["kind"], &changes[0]["actor"]),
        (&json!("credential.maker_left"), &json!("root"))
    );
    staff(&gateway, &acme, "PATCH", &path, Some(&json!({ "active": true }))).expect(200);
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{ "method": "DELETE", "path": format!("/Users/{ada}") }] });
    assert_eq!(held.post("/Bulk", &bulk).expect(200).body["Operations"][0]["status"], "204");
    assert_eq!(left(&gateway, &acme).len(), 4);
    held.get("/Users").expect(200);
}
