//! IOMETE's guide for Okta.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{group, on_members};
use crate::{
    products::{create, named, of},
    running::{groups_of, members, replace},
};

fn iomete() -> (Gateway, Tenant) {
    of("iomete", &json!({}))
}

fn person(tenant: &Tenant, name: &str) -> String {
    create(tenant, name, &json!({})).expect(201).id()
}

#[test]
fn io1_an_application_of_any_kind_works_with_a_base_url_and_a_header_alone() {
    let (_gateway, iomete) = iomete();
    // An application of the wizard sends PUT, one of the catalogue PATCH; neither asks for discovery first.
    let [wizard, catalogue] = ["ada", "bob"].map(|name| person(&iomete, name));
    let title = json!({ "title": "Dr" });
    iomete.put(&format!("/Users/{wizard}"), &named("ada", &title)).expect(200);
    iomete.patch(&format!("/Users/{catalogue}"), &json!([{ "op": "replace", "value": title }])).expect(200);
    for id in [wizard, catalogue] {
        assert_eq!(iomete.get(&format!("/Users/{id}")).expect(200).body["title"], "Dr");
    }
}

#[test]
fn io2_the_connector_test_passes_and_each_action_that_can_be_ticked_works() {
    let (_gateway, iomete) = iomete();
    for probe in ["/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=2"] {
        assert_eq!(iomete.get(probe).expect(200).body["totalResults"], 0);
    }
    assert_eq!(iomete.find("/Users", "userName eq \"nobody\"").expect(200).body["totalResults"], 0);
    // Create.
    let ada = person(&iomete, "ada");
    let path = format!("/Users/{ada}");
    assert_eq!(
        iomete.find("/Users", "userName eq \"ada\"").expect(200).body["Resources"][0]["id"],
        json!(ada)
    );
    // Update.
    assert_eq!(iomete.put(&path, &named("ada", &json!({ "title": "Dr" }))).expect(200).body["title"], "Dr");
    // Push groups.
    let pushed = iomete.post("/Groups", &group("Engineers", &[&ada])).expect(201).id();
    iomete.patch(&format!("/Groups/{pushed}"), &replace("displayName", "Builders")).expect(204);
    assert_eq!(groups_of(&iomete, &ada), ["Builders"]);
    // Deactivate.
    let off = iomete.put(&path, &named("ada", &json!({ "active": false }))).expect(200);
    assert_eq!(off.body["active"], false);
    // Import.
    for (list, id) in [("/Users?startIndex=1&count=100", &ada), ("/Groups?startIndex=1&count=100", &pushed)] {
        let read = iomete.get(list).expect(200).body;
        assert_eq!((&read["totalResults"], &read["Resources"][0]["id"]), (&json!(1), &json!(id)));
    }
    iomete.delete(&format!("/Groups/{pushed}")).expect(204);
}

#[test]
fn io8_who_joins_a_group_in_okta_is_in_it_with_the_same_request() {
    let (_gateway, iomete) = iomete();
    let [ada, bob] = ["ada", "bob"].map(|name| person(&iomete, name));
    let engineers = iomete.post("/Groups", &group("Engineers", &[&ada])).expect(201).id();
    let added = json!([{ "op": "add", "path": "members", "value": [{ "value": bob, "display": "bob" }] }]);
    iomete.patch(&format!("/Groups/{engineers}"), &added).expect(204);
    assert_eq!(
        (groups_of(&iomete, &bob), members(&iomete, &engineers).len()),
        (vec!["Engineers".to_owned()], 2)
    );
}

#[test]
fn io15_a_group_whose_name_is_here_is_linked_or_refused_with_its_id_and_never_conflicts_with_itself() {
    let (_gateway, iomete) = iomete();
    let ada = person(&iomete, "ada");
    let here = iomete.post("/Groups", &group("Engineers", &[])).expect(201).id();
    // Okta looks the name up, finds the group and links it: its members are pushed into the one that is here.
    let found = iomete.find("/Groups", "displayName eq \"engineers\"").expect(200).body;
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&json!(1), &json!(here)));
    let path = format!("/Groups/{here}");
    iomete.put(&path, &group("Engineers", &[&ada])).expect(200);
    assert_eq!(members(&iomete, &here), vec![ada.clone()]);
    // A client that does not look is told which group it is, and how to link.
    let refused = iomete.post("/Groups", &group("ENGINEERS", &[])).expect_error(409, "uniqueness");
    let told = refused.body["detail"].as_str().unwrap();
    assert!(told.contains(&here) && told.contains("look it up with a filter and update it"), "{told}");
    assert_eq!(members(&iomete, &here), vec![ada.clone()], "nothing was changed");
    for name in ["Engineers", "engineers", "Engineers"] {
        iomete.put(&path, &group(name, &[&ada])).expect(200);
    }
    assert_eq!(iomete.get("/Groups").expect(200).body["totalResults"], 1);
}

#[test]
fn io16_a_start_index_of_0_is_taken_as_1() {
    let (_gateway, iomete) = iomete();
    for name in ["ada", "bob"] {
        person(&iomete, name);
    }
    for list in ["/Users", "/Groups"] {
        let of = |start: u8| iomete.get(&format!("{list}?startIndex={start}&count=2")).expect(200);
        assert_eq!((of(0).text, &of(0).body["startIndex"]), (of(1).text, &json!(1)), "{list}");
    }
}

#[test]
fn io19_members_of_a_create_and_of_a_put_are_the_whole_truth() {
    let (_gateway, iomete) = iomete();
    let [ada, bob, cid] = ["ada", "bob", "cid"].map(|name| person(&iomete, name));
    let made = iomete.post("/Groups", &group("Engineers", &[&ada, &bob])).expect(201).id();
    let path = format!("/Groups/{made}");
    let mut first = vec![ada.clone(), bob.clone()];
    first.sort();
    assert_eq!(members(&iomete, &made), first);
    iomete.put(&path, &group("Engineers", &[&cid])).expect(200);
    assert_eq!(members(&iomete, &made), vec![cid.clone()]);
    assert_eq!((groups_of(&iomete, &ada), groups_of(&iomete, &bob)), (Vec::new(), Vec::new()));
    iomete.patch(&path, &on_members("add", &[&ada])).expect(204);
    let emptied: Value = iomete.put(&path, &group("Engineers", &[])).expect(200).body;
    assert_eq!((emptied.get("members"), members(&iomete, &made)), (None, Vec::new()));
}
