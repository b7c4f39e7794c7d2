//! Stories that the newest row of a person does not tell alone: another name, a Ref of a group, a bulk or of nobody, a tenant that is not
//! served, and what falls due by itself.

use provisioning::explain::Answer;
use serde_json::{Value, json};
use testkit::urn::BULK_REQUEST;

use super::{
    explain::{answer, explain},
    from_okta,
    people::set,
    row_of, rows_when,
};
use crate::{
    credentials::scopes::scoped,
    running::{acme, gateway, new_group, replace, roomy, user_body, wait_for},
    seats::set_policy,
    tick::tick,
};

/// The sentence of an answer, which has a step in any case.
#[track_caller]
fn sentence(told: &Value) -> &str {
    answer(told);
    told["sentence"].as_str().unwrap()
}

#[test]
fn who_has_another_user_name_now_is_found_by_the_former_one_and_is_not_deleted() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "user").expect(201).id();
    acme.patch(&format!("/Users/{ada}"), &replace("userName", "ada.byron")).expect(200);
    let told = explain(&gateway, &acme, "ada");
    assert_eq!((answer(&told), &told["person"]["id"]), ("present", &json!(ada)), "{told}");
    assert!(sentence(&told).starts_with("ada is called ada.byron now. "), "{told}");
    assert_eq!(told["log"].as_array().unwrap().len(), 2);
    let by_name = explain(&gateway, &acme, "ada.byron");
    assert!(sentence(&by_name).starts_with("ada.byron is here"), "{by_name}");
    let refused = acme.patch(&format!("/Users/{ada}"), &replace("active", "perhaps")).expect(400);
    row_of(&gateway, &acme, &refused);
    acme.patch(&format!("/Users/{ada}"), &replace("userName", "countess")).expect(200);
    let by_ref = explain(&gateway, &acme, refused.header("x-request-id").unwrap());
    assert!(sentence(&by_ref).starts_with("ada.byron is called countess now. countess is here"), "{by_ref}");
    assert!(!sentence(&by_ref).contains("newest write"), "it was followed by another one: {by_ref}");
    let deleted = acme.delete(&format!("/Users/{ada}")).expect(204);
    for name in ["countess", "ada"] {
        let told = explain(&gateway, &acme, name);
        assert_eq!(answer(&told), "deleted");
        assert!(sentence(&told).contains("was here and was deleted on "), "{told}");
        assert_eq!(told["since"], row_of(&gateway, &acme, &deleted)["at"]);
    }
}

#[test]
fn s11_the_ref_of_a_refused_group_and_of_a_write_that_named_nobody_tells_that_refusal() {
    let (gateway, acme) = roomy();
    let group = new_group(&acme, "A", &[]);
    let of_group = acme.patch(&format!("/Groups/{group}"), &replace("displayName", true)).expect(400);
    let of_nobody = from_okta(&acme, "POST", "/Users").json(&user_body(&json!({ "title": "Dr" }))).send();
    let of_another = from_okta(&acme, "POST", "/Users").json(&user_body(&json!({ "title": 1 }))).send();
    for (refused, begins) in [
        (&of_group, "A write of a group, on "),
        (&of_nobody.expect(400), "A write of a person whom it did not name, on "),
        (&of_another.expect(400), "A write of a person whom it did not name, on "),
    ] {
        let row = row_of(&gateway, &acme, refused);
        let told = explain(&gateway, &acme, refused.header("x-request-id").unwrap());
        assert_eq!((answer(&told), &told["log"]), ("refused", &json!([row])), "{told}");
        assert!(sentence(&told).starts_with(begins), "{told}");
        assert_eq!(told["since"], row["at"]);
    }
    // Of somebody of whom nothing is known it is told that such writes came.
    let nobody = explain(&gateway, &acme, "ben@example.com");
    assert_eq!(answer(&nobody), "never_received");
    assert!(sentence(&nobody).contains("But a write that named nobody, on "), "{nobody}");
    assert!(nobody["do"][0].as_str().unwrap().contains("Okta"), "{nobody}");
}

#[test]
fn s11_the_ref_of_a_bulk_tells_a_refused_person_of_it_and_how_many_more_there_are() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let ada = acme.create_user("ada", "user").expect(201).id();
    let create = |name: &str| {
        let data = user_body(&json!({ "userName": name, "userType": "user" }));
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": data })
    };
    let same = json!({ "method": "PATCH", "path": format!("/Users/{ada}"), "data": {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": true }],
    } });
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": [create("ben"), create("cy"), same] });
    let bulk = acme.post("/Bulk", &body).expect(200);
    rows_when(&gateway, &acme, &["--result", "refused"], 2);
    let reference = bulk.header("x-request-id").unwrap();
    let told = explain(&gateway, &acme, reference);
    assert_eq!(answer(&told), "refused", "{told}");
    assert!(
        sentence(&told).contains("ben is not here") || sentence(&told).contains("cy is not here"),
        "{told}"
    );
    assert!(sentence(&told).ends_with(" 1 more of the same request were refused."), "{told}");
    let url = format!("{}/s/{reference}", gateway.url);
    let page = testkit::http::Request::new("GET", &url).send().expect(200).text;
    assert!(page.contains("no seat of the license was free"), "{page}");
}

#[test]
fn a_refusal_of_a_suspended_tenant_is_not_told_as_a_missing_scope() {
    let (gateway, acme) = roomy();
    gateway.cli_ok(&["tenant", "suspend", "--region", "ire", "--key", "acme"]);
    let refused = acme.create_user("ann@example.com", "").expect(403);
    let bulk = json!({ "schemas": [BULK_REQUEST], "Operations": [] });
    let whole = acme.post("/Bulk", &bulk).expect(403);
    for (refused, begins) in [(&refused, "ann@example.com is not here"), (&whole, "A bulk, on ")] {
        row_of(&gateway, &acme, refused);
        let reference = refused.header("x-request-id").unwrap();
        let told = explain(&gateway, &acme, reference);
        assert_eq!(answer(&told), "refused", "{told}");
        assert!(sentence(&told).starts_with(begins), "{told}");
        assert!(sentence(&told).contains("because provisioning is not on for this tenant"), "{told}");
        let url = format!("{}/s/{reference}", gateway.url);
        let page = testkit::http::Request::new("GET", &url).send().expect(200).text;
        assert!(page.contains("provisioning is not on for this tenant"), "{reference} {begins}: {page}");
    }
    let told = explain(&gateway, &acme, "ann@example.com");
    assert_eq!(answer(&told), "refused", "{told}");
}

#[test]
fn a_person_whom_a_credential_may_not_make_is_found_by_name() {
    let (gateway, acme) = roomy();
    let readers = scoped(&gateway, &acme, "read");
    readers.create_user("ann@example.com", "").expect(403);
    wait_for("the refusal", || answer(&explain(&gateway, &acme, "ann@example.com")) == "refused");
    let told = explain(&gateway, &acme, "ann@example.com");
    assert!(sentence(&told).starts_with("ann@example.com is not here"), "{told}");
}

#[test]
fn who_was_deleted_or_suspended_for_being_in_no_group_is_told_so() {
    let (gateway, acme) = roomy();
    set(&gateway, &acme, "leaving.groupless_after_minutes=0");
    let leave = |name: &str, what: &str| {
        set(&gateway, &acme, &format!("leaving.groupless={what}"));
        let id = from_okta(&acme, "POST", "/Users")
            .json(&user_body(&json!({ "userName": name })))
            .send()
            .expect(201)
            .id();
        let group = new_group(&acme, name, &[&id]);
        acme.patch(&format!("/Groups/{group}"), &json!([{ "op": "remove", "path": "members" }])).expect(204);
        assert_eq!(tick(&gateway)["people"], 1);
        explain(&gateway, &acme, name)
    };
    let ada = leave("ada", "suspend");
    assert_eq!(answer(&ada), "suspended", "{ada}");
    assert!(sentence(&ada).contains("the profile, because the person has left the last group"), "{ada}");
    assert!(ada["do"][0].as_str().unwrap().starts_with("Put the person into a group"), "{ada}");
    let ben = leave("ben", "delete");
    assert_eq!(answer(&ben), "deleted", "{ben}");
    assert!(sentence(&ben).contains("because the person had left the last group"), "{ben}");
    assert_ne!(ben["since"], ben["log"][0]["at"], "the row is of the create");
}

#[test]
fn who_is_deleted_stays_told_as_deleted_though_the_identity_provider_writes_once_more() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "user").expect(201).id();
    let path = format!("/Users/{ada}");
    for n in 0..12 {
        acme.patch(&path, &replace("title", n.to_string())).expect(200);
    }
    acme.delete(&path).expect(204);
    let told = explain(&gateway, &acme, "ada");
    assert_eq!(told["log"].as_array().unwrap().len(), 10, "{told}");
    let deleted = told["since"].clone();
    acme.delete(&path).expect(404);
    acme.patch(&path, &replace("title", "Dr")).expect(404);
    rows_when(&gateway, &acme, &["--result", "refused"], 2);
    for asked in ["ada", &ada] {
        let told = explain(&gateway, &acme, asked);
        assert_eq!((answer(&told), &told["since"]), ("deleted", &deleted), "{told}");
        assert!(sentence(&told).contains("was here and was deleted on "), "{told}");
        assert!(sentence(&told).contains(" The newest write, on "), "{told}");
        assert!(sentence(&told).contains("because no such resource is here"), "{told}");
    }
    // However often it writes.
    for _ in 0..9 {
        acme.delete(&path).expect(404);
    }
    rows_when(&gateway, &acme, &["--result", "refused"], 11);
    let told = explain(&gateway, &acme, &ada);
    assert_eq!((answer(&told), &told["since"]), ("deleted", &deleted), "{told}");
}

#[test]
fn s11_the_ref_of_a_bulk_tells_the_first_fault_and_not_what_followed_from_it() {
    let (gateway, acme) = acme(Some(0), Some(0));
    let person = user_body(&json!({ "userName": "ben", "userType": "user" }));
    let group = json!({ "displayName": "Crew", "members": [{ "value": "bulkId:b" }] });
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": "b", "data": person },
        { "method": "POST", "path": "/Groups", "bulkId": "g", "data": group },
    ]);
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    let bulk = acme.post("/Bulk", &body).expect(200);
    let statuses: Vec<&Value> =
        bulk.body["Operations"].as_array().unwrap().iter().map(|operation| &operation["status"]).collect();
    assert_eq!(statuses, ["403", "409"]);
    rows_when(&gateway, &acme, &["--result", "refused"], 2);
    let reference = bulk.header("x-request-id").unwrap();
    let told = explain(&gateway, &acme, reference);
    assert!(sentence(&told).contains("no seat of the license was free"), "{told}");
    let url = format!("{}/s/{reference}", gateway.url);
    let page = testkit::http::Request::new("GET", &url).send().expect(200).text;
    assert!(page.contains("no seat of the license was free"), "{page}");
    // A group in itself is the only fault.
    let circle = json!({ "displayName": "A", "members": [{ "value": "bulkId:a" }] });
    let operations = json!([{ "method": "POST", "path": "/Groups", "bulkId": "a", "data": circle }]);
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    let bulk = acme.post("/Bulk", &body).expect(200);
    assert_eq!(bulk.body["Operations"][0]["status"], "409");
    row_of(&gateway, &acme, &bulk);
    let told = explain(&gateway, &acme, bulk.header("x-request-id").unwrap());
    assert!(
        sentence(&told).contains("refers to an operation of the same bulk that failed, or to itself"),
        "{told}"
    );
}

#[test]
fn an_identity_provider_that_only_looks_people_up_is_told_the_steps_in_its_words() {
    let (gateway, acme) = roomy();
    from_okta(&acme, "GET", "/Users?filter=userName%20eq%20%22ada%22").send().expect(200);
    crate::running::wait_for("the call is written", || {
        let told = explain(&gateway, &acme, "ada");
        assert_eq!(answer(&told), "never_received");
        told["do"][0].as_str().unwrap().contains("Okta")
    });
}

#[test]
fn every_answer_is_given_with_a_sentence_and_a_step() {
    let gateway = gateway();
    let body = json!({ "key": "acme", "name": "Acme", "seats": { "member": 2, "member_lite": 0 } });
    let acme = gateway.onboard("ire", &body);
    set(&gateway, &acme, "protect.users=[\"held\"]");
    let id = |name: &str, role: &str| acme.create_user(name, role).expect(201).id();
    acme.patch(&format!("/Users/{}", id("held", "user")), &replace("active", false)).expect(200);
    id("present", "user");
    acme.create_user("refused", "user").expect(403);
    rows_when(&gateway, &acme, &["--result", "refused"], 1);
    set_policy(&gateway, &acme, "hold");
    id("waiting", "user");
    let suspended = user_body(&json!({ "userName": "suspended", "active": false }));
    acme.post("/Users", &suspended).expect(201);
    acme.delete(&format!("/Users/{}", id("deleted", "user"))).expect(204);
    for expected in Answer::ALL {
        let told = explain(&gateway, &acme, expected.word());
        assert_eq!(answer(&told), expected.word(), "{told}");
    }
}
