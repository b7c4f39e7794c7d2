//! IOMETE, by its guide for Okta and its release notes.

use serde_json::json;

use super::{create, named, of, standing};
use crate::{
    people::said,
    running::{GROUP, groups_of, members, new_group},
};

const USER: [&str; 3] = ["user", "user", "granted"];

#[test]
fn io17_unknown_members_and_members_of_staff_are_skipped_and_logged_and_the_rest_is_applied() {
    let (gateway, iomete) = of("iomete", &json!({}));
    let ada = create(&iomete, "ada", &json!({})).expect(201);
    assert_eq!(standing(&ada), USER);
    let bob = create(&iomete, "bob", &json!({})).expect(201).id();
    let local = said(&gateway, &iomete, &["user", "add", "--user-name", "root"])["id"].clone();
    let unknown = "01a2222d-e50c-7082-a0fb-89a631a3f8bc";
    let crew = new_group(&iomete, "Crew", &[&ada.id(), unknown, local.as_str().unwrap()]);
    assert_eq!(members(&iomete, &crew), [ada.id()]);
    let add = json!([{ "op": "add", "path": "members", "value": [
        { "value": bob }, { "value": unknown }, { "value": local },
    ] }]);
    iomete.patch(&format!("/Groups/{crew}"), &add).expect(204);
    let mut both = vec![ada.id(), bob];
    both.sort();
    assert_eq!(members(&iomete, &crew), both);
    let log = gateway.log();
    let skipped: Vec<&str> = log.lines().filter(|line| line.contains("were skipped")).collect();
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    assert!(skipped.iter().all(|line| line.contains(unknown)), "{skipped:?}");
}

#[test]
fn io18_who_is_deleted_is_archived_and_the_same_user_name_revives_the_record() {
    let (gateway, iomete) = of("iomete", &json!({}));
    let ada = create(&iomete, "ada@acme.example", &json!({ "displayName": "Ada" })).expect(201).id();
    let path = format!("/Users/{ada}");
    iomete.delete(&path).expect(204);
    iomete.get(&path).expect_error(404, "");
    let found = iomete.find("/Users", "userName eq \"ada@acme.example\"").expect(200).body;
    assert_eq!(found["totalResults"], 0);
    let again = create(&iomete, "Ada@acme.example", &json!({ "displayName": "Ada L." })).expect(201);
    assert_eq!((again.id(), &again.body["displayName"], standing(&again)), (ada, &json!("Ada L."), USER));
    create(&iomete, "ada@acme.example", &json!({})).expect_error(409, "uniqueness");
    gateway.audit(&iomete);
}

#[test]
fn io5_a_pushed_group_is_of_the_identity_provider_and_so_are_its_members() {
    let (gateway, iomete) = of("iomete", &json!({}));
    let ada = create(&iomete, "ada", &json!({})).expect(201).id();
    let pushed = json!({ "schemas": [GROUP], "displayName": "Crew", "members": [{ "value": ada }] });
    let crew = iomete.post("/Groups", &pushed).expect(201);
    assert_eq!(crew.body["urn:usher:params:scim:schemas:extension:origin:2.0:Group"]["origin"], "IDP");
    let shown = said(&gateway, &iomete, &["group", "show", "--group", &crew.id()]);
    assert_eq!(shown["origin"], "IDP");
    assert_eq!(
        (&shown["members"][0]["user_name"], &shown["members"][0]["origin"]),
        (&json!("ada"), &json!("IDP"))
    );
    // Pushed again as a whole, it is what was sent.
    let empty = json!({ "schemas": [GROUP], "displayName": "Crew", "members": [] });
    iomete.put(&format!("/Groups/{}", crew.id()), &empty).expect(200);
    assert!(groups_of(&iomete, &ada).is_empty());
    iomete.put(&format!("/Users/{ada}"), &named("ada", &json!({ "title": "Dr" }))).expect(200);
}
