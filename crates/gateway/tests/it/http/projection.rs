//! `attributes` and `excludedAttributes` (RFC 7644 §3.9) on every verb that answers a resource, for both resource types, with
//! the parameter and the attributes in any letter case, and with or without the URN.

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use crate::running::{ENTERPRISE, GROUP, USER, new_group, replace, roomy, user_body};

fn keys(resource: &Value) -> Vec<&str> {
    resource.as_object().unwrap().keys().map(String::as_str).collect()
}

fn whole_user(name: &str) -> Value {
    user_body(&json!({
        "userName": name, "title": "Countess", "name": { "givenName": "Ada", "familyName": "Lovelace" },
        "emails": [{ "value": "a@x.example", "type": "work" }],
        ENTERPRISE: { "department": "Engines", "costCenter": "7" },
    }))
}

fn patch(tenant: &Tenant, path: &str, operations: &Value) -> Value {
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    tenant.request("PATCH", path).json(&body).send().expect(200).body
}

/// The user as each verb answers it with this query.
fn users_by_every_verb(tenant: &Tenant, query: &str) -> Vec<(&'static str, Value)> {
    let made = tenant.post(&format!("/Users?{query}"), &whole_user("verbs")).expect(201);
    let path = format!("/Users/{}", made.id());
    let one = format!("{path}?{query}");
    let answers = vec![
        ("GET", tenant.get(&one).expect(200).body),
        ("PUT", tenant.put(&one, &whole_user("verbs")).expect(200).body),
        ("PATCH", patch(tenant, &one, &replace("nickName", "A"))),
        ("GET of a list", tenant.get(&format!("/Users?{query}")).expect(200).body["Resources"][0].clone()),
        ("POST", made.body),
    ];
    tenant.delete(&path).expect(204);
    answers
}

#[test]
fn named_attributes_are_told_by_every_verb_and_nothing_else_is() {
    let (_gateway, acme) = roomy();
    for query in [
        "attributes=userName,name.givenName".to_owned(),
        "ATTRIBUTES=USERNAME,Name.GivenName".to_owned(),
        "sort=x&attributes=userName,name.givenName&title".to_owned(),
        format!("attributes={USER}:userName,{USER}:name.givenName"),
        format!("Attributes={}:username,%20{USER}:name.givenname%20,nonsense", USER.to_uppercase()),
        "attributes=userName%2Cname.givenName".to_owned(),
    ] {
        for (verb, told) in users_by_every_verb(&acme, &query) {
            assert_eq!(told["userName"], "verbs", "{verb} {query}");
            assert_eq!(keys(&told), ["schemas", "id", "userName", "name"], "{verb} {query}");
            assert_eq!(told["name"], json!({ "givenName": "Ada" }), "{verb} {query}");
        }
    }
}

#[test]
fn excluded_attributes_are_left_out_by_every_verb_but_what_is_always_returned() {
    let (_gateway, acme) = roomy();
    for query in [
        "excludedAttributes=emails,name.familyName,id,schemas".to_owned(),
        "EXCLUDEDATTRIBUTES=Emails,NAME.familyname,ID".to_owned(),
        format!("excludedAttributes={USER}:emails,{USER}:name.familyName"),
    ] {
        for (verb, told) in users_by_every_verb(&acme, &query) {
            assert!(told.get("emails").is_none(), "{verb} {query}: {told}");
            assert_eq!(told["name"], json!({ "givenName": "Ada" }), "{verb} {query}");
            assert!(told["id"].is_string() && told["schemas"].is_array(), "{verb} {query}: {told}");
            assert_eq!(told[ENTERPRISE]["department"], "Engines", "{verb} {query}");
        }
    }
}

#[test]
fn an_extension_is_named_by_its_urn_whole_or_in_part() {
    let (_gateway, acme) = roomy();
    let upper = ENTERPRISE.to_uppercase();
    for (query, extension) in [
        (format!("attributes={ENTERPRISE}"), json!({ "costCenter": "7", "department": "Engines" })),
        (format!("attributes={upper}:DEPARTMENT"), json!({ "department": "Engines" })),
        (format!("excludedAttributes={ENTERPRISE}:costCenter"), json!({ "department": "Engines" })),
        (format!("excludedAttributes={upper}"), Value::Null),
    ] {
        for (verb, told) in users_by_every_verb(&acme, &query) {
            assert_eq!(told[ENTERPRISE], extension, "{verb} {query}");
        }
    }
}

#[test]
fn groups_are_projected_by_every_verb_too() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let body = json!({ "schemas": [GROUP], "displayName": "Crew", "members": [{ "value": ada }] });
    for (query, without) in [
        ("attributes=displayName".to_owned(), true),
        ("excludedattributes=MEMBERS".to_owned(), true),
        (format!("excludedAttributes={GROUP}:members"), true),
        ("attributes=members.value,DISPLAYNAME".to_owned(), false),
    ] {
        let made = acme.post(&format!("/Groups?{query}"), &body).expect(201);
        let path = format!("/Groups/{}", made.id());
        let one = format!("{path}?{query}");
        let answers = [
            ("POST", made.body),
            ("GET", acme.get(&one).expect(200).body),
            ("PUT", acme.put(&one, &body).expect(200).body),
            ("PATCH", patch(&acme, &one, &replace("externalId", "x"))),
            ("GET of a list", acme.get(&format!("/Groups?{query}")).expect(200).body["Resources"][0].clone()),
        ];
        for (verb, told) in answers {
            assert_eq!(told["displayName"], "Crew", "{verb} {query}");
            assert_eq!(told.get("members").is_none(), without, "{verb} {query}: {told}");
            if !without {
                assert_eq!(told["members"], json!([{ "value": ada }]), "{verb} {query}");
            }
        }
        acme.delete(&path).expect(204);
    }
}

#[test]
fn both_at_once_are_refused_before_anything_is_written() {
    let (_gateway, acme) = roomy();
    let crew = new_group(&acme, "Crew", &[]);
    let both = "attributes=userName&excludedAttributes=title";
    acme.post(&format!("/Users?{both}"), &whole_user("ada")).expect_error(400, "invalidValue");
    acme.get(&format!("/Users?{both}")).expect_error(400, "invalidValue");
    let path = format!("/Groups/{crew}?attributes=id&excludedAttributes=members");
    acme.patch(&path, &replace("displayName", "Team")).expect_error(400, "invalidValue");
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 0);
    assert_eq!(acme.get(&format!("/Groups/{crew}")).expect(200).body["displayName"], "Crew");
}
