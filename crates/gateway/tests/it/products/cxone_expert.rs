//! CXone Expert, by its guide for Okta.

use serde_json::{Value, json};

use super::{create, named, of, standing, used};
use crate::{
    people::said,
    running::{SEAT, USER, groups_of, new_group, onboarded, replace},
};

const EXPERT: &str = "urn:usher:params:scim:schemas:extension:expert:2.0:User";
const PRO: [&str; 3] = ["pro", "pro", "granted"];
const COMMUNITY: [&str; 3] = ["community", "community", "granted"];

fn seated(value: impl Into<Value>) -> Value {
    json!({ "seated": value.into() })
}

#[test]
fn cx11_seated_takes_a_pro_seat_at_core_and_under_the_urn_and_numbers_are_refused() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 9 }));
    let mut nth = 0;
    let mut create = |attributes: Value| {
        nth += 1;
        create(&expert, &format!("user{nth}"), &attributes)
    };
    for (value, expected) in [
        (json!(true), PRO),
        (json!("true"), PRO),
        (json!("True"), PRO),
        (json!(false), COMMUNITY),
        (json!("False"), COMMUNITY),
    ] {
        for attributes in [seated(value.clone()), json!({ EXPERT: { "seated": value } })] {
            let made = create(attributes.clone()).expect(201);
            assert_eq!(standing(&made), expected, "{attributes}");
            let shown = made.body.get("seated").or_else(|| made.body[EXPERT].get("seated"));
            assert_eq!(shown, Some(&json!(expected == PRO)), "{attributes}");
        }
    }
    for attributes in [seated(1), json!({ EXPERT: { "seated": 1 } }), seated("yes")] {
        create(attributes).expect_error(400, "invalidValue");
    }
    assert_eq!(used(&gateway, &expert, "pro"), 6);
    for urn in [USER, EXPERT] {
        let schema = expert.get(&format!("/Schemas/{urn}")).expect(200).body;
        let attributes = schema["attributes"].as_array().unwrap();
        let seated = attributes.iter().find(|attribute| attribute["name"] == "seated").unwrap();
        assert_eq!(
            (&seated["type"], &seated["mutability"]),
            (&json!("boolean"), &json!("readWrite")),
            "{urn}"
        );
    }
    gateway.audit(&expert);
}

#[test]
fn cx16_a_new_tenant_is_served_when_staff_have_activated_it() {
    let (gateway, expert) = onboarded(&json!({ "key": "acme", "name": "Acme", "profile": "cxone-expert" }));
    expert.get("/Users").expect_error(403, "provisioningNotActivated");
    create(&expert, "ada", &json!({})).expect_error(403, "provisioningNotActivated");
    gateway.admin("POST", &format!("{}/activate", expert.admin_path()), None).expect(200);
    assert_eq!(expert.get("/Users").expect(200).body["totalResults"], 0);
}

#[test]
fn cx12_without_seated_nobody_takes_a_pro_seat() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 9 }));
    let ada = create(&expert, "ada", &json!({})).expect(201);
    assert_eq!((standing(&ada), ada.body.get("seated")), (COMMUNITY, None));
    let path = format!("/Users/{}", ada.id());
    assert_eq!(standing(&expert.patch(&path, &replace("title", "Dr")).expect(200)), COMMUNITY);
    assert_eq!(used(&gateway, &expert, "pro"), 0);
}

#[test]
fn cx21_the_first_sync_that_carries_seated_moves_seats_up_to_the_quota_and_the_others_wait() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 3 }));
    let ids: Vec<String> =
        (0..5).map(|n| create(&expert, &format!("user{n}"), &json!({})).expect(201).id()).collect();
    let synced: Vec<_> = ids
        .iter()
        .map(|id| expert.patch(&format!("/Users/{id}"), &replace("seated", true)).expect(200))
        .collect();
    let waits = ["pro", "community", "fallback"];
    let told: Vec<_> = synced.iter().map(standing).collect();
    assert_eq!(told, [PRO, PRO, PRO, waits, waits]);
    assert_eq!(used(&gateway, &expert, "pro"), 3);
    let waiting = said(&gateway, &expert, &["seats", "waiting"]);
    let names: Vec<&Value> = waiting.as_array().unwrap().iter().map(|one| &one["user_name"]).collect();
    assert_eq!(names, ["user3", "user4"]);
    gateway.audit(&expert);
}

#[test]
fn cx22_deactivation_frees_the_pro_seat_at_once() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 1 }));
    let ada = create(&expert, "ada", &seated(true)).expect(201).id();
    let bob = create(&expert, "bob", &seated(true)).expect(201);
    assert_eq!(standing(&bob), ["pro", "community", "fallback"]);
    expert.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    let bob = expert.get(&format!("/Users/{}", bob.id())).expect(200);
    assert_eq!(standing(&bob), PRO, "the seat goes to the one who waits");
    assert_eq!(used(&gateway, &expert, "pro"), 1);
    gateway.audit(&expert);
}

#[test]
fn cx23_who_comes_back_has_the_free_role_and_the_old_groups_until_seated_again() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 1 }));
    let ada = create(&expert, "ada", &seated(true)).expect(201).id();
    new_group(&expert, "Authors", &[&ada]);
    let path = format!("/Users/{ada}");
    expert.patch(&path, &replace("active", false)).expect(200);

    let back = expert.patch(&path, &replace("active", true)).expect(200);
    assert_eq!(standing(&back), COMMUNITY);
    assert_eq!(back.body["seated"], true, "what was sent stays");
    assert!(back.body[SEAT]["reason"].as_str().unwrap().contains("reactivated"), "{}", back.text);
    assert_eq!(groups_of(&expert, &ada), ["Authors"]);
    // A change of something else seats nobody; the next write that carries the attribute does, with an equal value too.
    assert_eq!(standing(&expert.patch(&path, &replace("title", "Dr")).expect(200)), COMMUNITY);
    assert_eq!(standing(&expert.patch(&path, &replace("seated", true)).expect(200)), PRO);
    // Seated in the same write, the person comes back with the seat.
    expert.patch(&path, &replace("active", false)).expect(200);
    let both = json!([{ "op": "replace", "value": { "active": true, "seated": true } }]);
    assert_eq!(standing(&expert.patch(&path, &both).expect(200)), PRO);
    gateway.audit(&expert);
}

#[test]
fn cx24_who_is_deleted_is_kept_apart_and_the_same_user_name_gets_the_old_id_back() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 1 }));
    let ada = create(&expert, "ada", &seated(true)).expect(201).id();
    let path = format!("/Users/{ada}");
    expert.delete(&path).expect(204);
    expert.get(&path).expect_error(404, "");
    expert.delete(&path).expect_error(404, "");
    assert_eq!(expert.get("/Users").expect(200).body["totalResults"], 0);
    assert_eq!(used(&gateway, &expert, "pro"), 0);
    let again = create(&expert, "ADA", &json!({ "displayName": "Ada" })).expect(201);
    assert_eq!((again.id(), standing(&again)), (ada, COMMUNITY));
    gateway.audit(&expert);
}

#[test]
fn cx14_what_staff_choose_holds_until_they_release_the_person_and_what_is_sent_is_shown() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 1 }));
    let ada = create(&expert, "ada", &seated(false)).expect(201).id();
    let set = said(&gateway, &expert, &["user", "set", "--user", "ada", "--role", "pro"]);
    assert_eq!((&set["role"], &set["license"]["granted"]), (&json!("pro"), &json!("pro")));
    let path = format!("/Users/{ada}");
    for sent in [
        expert.patch(&path, &replace("seated", false)).expect(200),
        expert.put(&path, &named("ada", &seated(false))).expect(200),
    ] {
        assert_eq!((standing(&sent), &sent.body["seated"]), (PRO, &json!(false)));
        assert!(sent.body[SEAT]["reason"].as_str().unwrap().contains("release"), "{}", sent.text);
    }
    let shown = said(&gateway, &expert, &["user", "show", "--user", "ada"]);
    assert_eq!(
        (&shown["role"], &shown["role_from"], &shown["idp"]["role"]),
        (&json!("pro"), &json!("local"), &json!("community"))
    );
    let released = said(&gateway, &expert, &["user", "release", "--user", "ada"]);
    assert_eq!((&released["role"], &released["role_from"]), (&json!("community"), &json!("seated")));
    assert_eq!(standing(&expert.get(&path).expect(200)), COMMUNITY);
    gateway.audit(&expert);
}

#[test]
fn cx20_who_was_there_before_is_found_by_user_name_external_id_or_address() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 1 }));
    let add = |name: &str, more: &[&str]| {
        said(&gateway, &expert, &[&["user", "add", "--user-name", name][..], more].concat())["id"].clone()
    };
    let ann = add("ann", &[]);
    let bob = add("bob", &["--external-id", "00u-bob"]);
    let cid = add("cid", &["--email", "cid@acme.example"]);
    for (old, made) in [
        (ann, create(&expert, "ANN", &json!({}))),
        (bob, create(&expert, "robert", &json!({ "externalId": "00u-bob" }))),
        (cid, create(&expert, "cedric", &json!({ "emails": [{ "value": "CID@acme.example" }] }))),
    ] {
        assert_eq!(made.expect(201).body["id"], old);
    }
    assert_eq!(expert.get("/Users").expect(200).body["totalResults"], 3);
}

#[test]
fn a_refusal_advises_in_words_that_the_identity_provider_knows() {
    let (gateway, expert) = of("cxone-expert", &json!({ "pro": 0 }));
    said(&gateway, &expert, &["seats", "policy", "pro=refuse"]);
    let refused = create(&expert, "ada", &seated(true)).expect_error(403, "seatLimitReached");
    let told = refused.body["detail"].as_str().unwrap();
    assert!(told.contains("Pro Member") && told.contains("end seated false"), "{told}");
    assert!(!told.contains("userType") && !told.contains("Lite"), "{told}");
}
