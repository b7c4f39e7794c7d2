//! One person explained: why missing, or without the license, and what to do.

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
};

use super::{from_okta, row_of, rows, rows_when};
use crate::running::{acme, gateway, replace, roomy, user_body};

/// What `usher explain --json` says of a person.
pub(super) fn explain(gateway: &Gateway, tenant: &Tenant, user: &str) -> Value {
    let words = ["explain", "--region", &tenant.region, "--key", &tenant.key, "--user", user, "--json"];
    serde_json::from_str(&gateway.cli_ok(&words)).unwrap()
}

/// The answer, which has a sentence and a step in any case.
#[track_caller]
pub(super) fn answer(told: &Value) -> &str {
    assert!(told["sentence"].as_str().is_some_and(|sentence| sentence.len() > 20), "{told}");
    assert!(told["do"].as_array().is_some_and(|steps| !steps.is_empty()), "{told}");
    assert!(told["contact"].as_str().is_some_and(|contact| !contact.is_empty()), "{told}");
    told["answer"].as_str().unwrap()
}

#[test]
fn mo17_a_search_by_user_name_tells_never_received_refused_waiting_suspended_or_present() {
    let (gateway, acme) = acme(Some(1), Some(0));
    let never = explain(&gateway, &acme, "nobody@example.com");
    assert_eq!(answer(&never), "never_received");
    assert_eq!(
        [&never["since"], &never["place"], &never["person"], &never["log"]],
        [&Value::Null, &Value::Null, &Value::Null, &json!([])]
    );

    let ada = acme.create_user("ada@example.com", "user").expect(201).id();
    let present = explain(&gateway, &acme, "ADA@example.com");
    assert_eq!(answer(&present), "present");
    assert_eq!(
        present["sentence"],
        "ada@example.com is here and active, with the license Member and the role member, which comes from userType."
    );
    assert_eq!(
        (&present["person"]["id"], &present["person"]["license"]["granted"]),
        (&json!(ada), &json!("member"))
    );
    assert_eq!(present["log"], json!(rows(&gateway, &acme, &[])));

    let refused = acme.create_user("ben@example.com", "user").expect(403);
    rows_when(&gateway, &acme, &["--user", "ben@example.com"], 1);
    let told = explain(&gateway, &acme, "ben@example.com");
    assert_eq!(answer(&told), "refused");
    let sentence = told["sentence"].as_str().unwrap();
    assert!(sentence.contains(refused.body["detail"].as_str().unwrap()), "{sentence}");
    assert_eq!(told["since"], told["log"][0]["at"]);

    let path = format!("{}/seats", acme.admin_path());
    gateway.admin("PATCH", &path, Some(&json!({ "member": { "policy": "hold" } }))).expect(200);
    for name in ["cy", "di"] {
        acme.create_user(name, "user").expect(201);
    }
    let waiting = explain(&gateway, &acme, "di");
    assert_eq!((answer(&waiting), &waiting["place"]), ("waiting", &json!(2)), "{waiting}");
    assert!(
        waiting["sentence"].as_str().unwrap().contains("waits for a Member seat, at place 2"),
        "{waiting}"
    );

    acme.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    let suspended = explain(&gateway, &acme, "ada@example.com");
    assert_eq!(answer(&suspended), "suspended");
    assert_eq!(suspended["person"]["active"], false);
    acme.delete(&format!("/Users/{ada}")).expect(204);
    let deleted = explain(&gateway, &acme, "ada@example.com");
    assert_eq!((answer(&deleted), &deleted["person"]), ("deleted", &Value::Null));
    assert_eq!(answer(&explain(&gateway, &acme, &ada)), "deleted");
}

#[test]
fn mo17_who_fell_back_waits_and_has_the_lesser_license() {
    let (gateway, acme) = acme(Some(1), Some(5));
    acme.create_user("ada", "user").expect(201);
    acme.create_user("ben", "user").expect(201);
    let ben = explain(&gateway, &acme, "ben");
    assert_eq!((answer(&ben), &ben["place"]), ("waiting", &json!(1)));
    assert_eq!(
        ben["person"]["license"],
        json!({ "requested": "member", "granted": "member_lite", "state": "fallback" })
    );
}

#[test]
fn s11_a_refusal_is_found_by_user_name_and_by_its_ref_within_a_second() {
    let (gateway, acme) = acme(Some(0), Some(0));
    let body = user_body(&json!({ "userName": "Ada@example.com", "userType": "user" }));
    let refused = from_okta(&acme, "POST", "/Users").json(&body).send().expect(403);
    let row = row_of(&gateway, &acme, &refused);
    let reference = refused.header("x-request-id").unwrap();
    assert!(refused.body["detail"].as_str().unwrap().ends_with(&format!(" Ref {reference}.")));
    let by_ref = explain(&gateway, &acme, reference);
    assert_eq!(by_ref["log"], json!([row]));
    let by_name = explain(&gateway, &acme, "ada@example.com");
    assert_eq!((&by_ref["log"], &by_ref["since"]), (&by_name["log"], &by_name["since"]));
    assert_eq!(answer(&by_ref), "refused");
    let steps: Vec<&str> =
        by_ref["do"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    assert_eq!(steps[2], "Okta: Dashboard → Tasks → Retry");
    assert!(steps[1].contains("usher seats set --region ire --key acme"), "{steps:?}");
}

#[test]
fn a_person_is_found_by_address_and_external_id_and_the_newest_refusal_is_told_of_who_is_here() {
    let (gateway, acme) = roomy();
    let body = user_body(&json!({
        "userName": "ada", "externalId": "00uADA", "emails": [{ "value": "Ada@Example.com", "type": "work" }],
    }));
    let ada = acme.post("/Users", &body).expect(201).id();
    for word in ["ada", "00uADA", "ada@example.com", &ada] {
        assert_eq!(explain(&gateway, &acme, word)["person"]["id"], ada, "{word}");
    }
    let refused = acme.patch(&format!("/Users/{ada}"), &replace("active", "perhaps")).expect(400);
    let row = row_of(&gateway, &acme, &refused);
    let told = explain(&gateway, &acme, "ada");
    assert_eq!(answer(&told), "present");
    let sentence = told["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("But the newest write") && sentence.contains(row["detail"].as_str().unwrap()),
        "{sentence}"
    );
}

#[test]
fn who_is_held_waits_for_staff_and_staff_are_told_the_command() {
    let gateway = gateway();
    let overrides = json!({ "protect": { "users": ["ada"] } });
    let acme = gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme", "seats": { "member": 5 } }));
    gateway.admin("PATCH", &format!("{}/profile/overrides", acme.admin_path()), Some(&overrides)).expect(200);
    let ada = acme.create_user("ada", "admin").expect(201).id();
    acme.patch(&format!("/Users/{ada}"), &replace("active", false)).expect(200);
    let held = explain(&gateway, &acme, "ada");
    assert_eq!(answer(&held), "held", "{held}");
    assert_eq!(held["do"], json!(["Staff: usher user release --region ire --key acme --user ada"]));
    assert_eq!(held["since"], rows(&gateway, &acme, &["--result", "held"])[0]["at"]);
}

#[test]
fn nobody_is_named_without_a_word() {
    let (gateway, acme) = roomy();
    let path = format!("{}/explain", acme.admin_path());
    gateway.admin("GET", &format!("{path}?user="), None).expect(400);
    gateway.admin("GET", &path, None).expect(400);
    gateway.admin("GET", &format!("{path}?name=ada"), None).expect(400);
}

#[test]
fn s11_the_page_of_a_ref_tells_what_the_refusal_means_and_whom_to_ask_and_never_who_it_is_about() {
    let gateway = gateway();
    let seats = json!({ "member": 0, "member_lite": 0 });
    let body = json!({ "key": "acme", "name": "Acme Ltd", "seats": seats, "settings": { "contact": "it@acme.example" } });
    let acme = gateway.onboard("ire", &body);
    let globex = gateway.tenant("ire", "globex", None, None);
    let ada = user_body(&json!({ "userName": "ada@example.com", "userType": "user" }));
    let refused = from_okta(&acme, "POST", "/Users").json(&ada).send().expect(403);
    row_of(&gateway, &acme, &refused);
    let reference = refused.header("x-request-id").unwrap().to_owned();
    let help = &refused.body["urn:usher:params:scim:api:messages:2.0:SeatError"]["help"];
    assert_eq!(help, &json!(format!("{}/s/{reference}", gateway.url)));
    let page = |reference: &str| {
        Request::new("GET", &format!("{}/s/{reference}", gateway.url)).send().expect(200).text
    };
    let told = page(&reference);
    for part in [
        &reference,
        "Acme Ltd",
        "Member",
        "no seat of the license was free",
        "it@acme.example",
        "Okta: Dashboard",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("ada") && !told.contains("usher "), "{told}");
    assert_eq!(page(&reference.to_uppercase()), told);
    // Of a Ref that nobody was given, and of a write that was carried out, nothing is known.
    let made = globex.create_user("ben", "user").expect(201);
    let unknown = page("x");
    // One digit makes it another request of the tenant, or one of a tenant that is not there.
    let of_the_tenant = format!("f{}", &reference[1..]);
    let of_another = format!("{}{}", &reference[..31], if reference.ends_with('0') { '1' } else { '0' });
    for reference in [made.header("x-request-id").unwrap(), &of_the_tenant, &of_another, &"0".repeat(32)] {
        assert_eq!(page(reference), unknown, "{reference}");
    }
    assert!(!unknown.contains("Acme") && unknown.contains("seat limit"), "{unknown}");
}
