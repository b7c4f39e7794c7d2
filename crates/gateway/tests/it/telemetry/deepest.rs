//! The log at its deepest level: nothing in it that a customer, a person or a secret could be known by, and no field that is not documented.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
    urn::{ENTERPRISE, GROUP, USER},
};

use super::lines;
use crate::{
    credentials::of_every_kind,
    running::{gateway_with, replace},
};

/// Stands in every value that a caller makes up.
const MARK: &str = "zq7heron";

fn person(name: &str) -> Value {
    let marked = |what: &str| format!("{MARK} {what} {name}");
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": format!("{MARK}.{name}@example.com"),
        "userType": "user",
        "externalId": marked("external"),
        "password": marked("password"),
        "displayName": marked("display"),
        "title": marked("title"),
        "nickName": marked("nick"),
        "name": { "givenName": marked("given"), "familyName": marked("family") },
        "emails": [{ "value": format!("{MARK}@mail.example"), "type": "work" }],
        "phoneNumbers": [{ "value": marked("phone") }],
        "addresses": [{ "streetAddress": marked("street"), "locality": marked("town"), "type": "home" }],
        ENTERPRISE: { "employeeNumber": marked("number"), "department": marked("department") },
        "favouriteColour": marked("colour"),
    })
}

/// Requests of every kind, right and wrong; each value is marked.
fn a_day_of_an_identity_provider(acme: &Tenant) {
    let ada = acme.post("/Users", &person("ada")).expect(201).id();
    let path = format!("/Users/{ada}");
    acme.post("/Users", &person("ada")).expect(409);
    acme.put(&path, &person("ada")).expect(200);
    acme.patch(&path, &replace("name.familyName", MARK)).expect(200);
    acme.patch(&path, &replace(&format!("emails[value eq \"{MARK}\"].value"), MARK));
    acme.patch(&path, &replace(&format!("{MARK}.{MARK}"), MARK));
    acme.patch(&path, &replace("active", format!("{MARK} maybe")));
    acme.patch(&path, &json!([{ "op": MARK, "path": MARK, "value": MARK }]));
    acme.post("/Users", &person("ben"));
    acme.post(
        "/Users",
        &json!({ "schemas": [USER, "urn:example:unknown"], "userName": MARK, "unknown": { "below": [MARK] } }),
    );
    acme.request("POST", "/Users")
        .header("content-type", "application/scim+json")
        .bytes(format!("{{\"userName\": \"{MARK}").as_bytes())
        .send();
    acme.request("POST", "/Users")
        .header("content-type", &format!("text/{MARK}"))
        .bytes(MARK.as_bytes())
        .send();
    let filters = [
        "userName eq \"M\"",
        "unknown eq \"M\"",
        "userName eq 'M'",
        "title co \"M\" and emails[value sw \"M\"]",
        "userName zz \"M\"",
    ];
    for filter in filters {
        acme.find("/Users", &filter.replace('M', MARK));
        acme.post("/Users/.search", &json!({ "filter": filter.replace('M', MARK) }));
    }
    for query in ["sortBy", "attributes", "cursor", "startIndex", "unknown"] {
        acme.get(&format!("/Users?{query}={MARK}"));
    }
    for path in ["Users", "Groups", "Schemas", "ResourceTypes", ""] {
        acme.get(&format!("/{path}/{MARK}"));
        acme.request("PROPFIND", &format!("/{path}/{MARK}")).send();
    }
    let group = json!({ "schemas": [GROUP], "displayName": format!("{MARK} group"), "externalId": MARK, "members": [{ "value": ada, "display": MARK }] });
    let group = acme.post("/Groups", &group).expect(201).id();
    acme.patch(
        &format!("/Groups/{group}"),
        &json!([{ "op": "add", "path": "members", "value": [{ "value": MARK }] }]),
    );
    let operations = json!([
        { "method": "POST", "path": "/Users", "bulkId": MARK, "data": person("cleo") },
        { "method": "POST", "path": format!("/{MARK}"), "bulkId": "b", "data": { MARK: MARK } },
        { "method": "PATCH", "path": format!("/Users/{MARK}"), "data": { "Operations": [{ "op": "add", "path": MARK, "value": MARK }] } },
        { "method": MARK, "path": format!("/Users/bulkId:{MARK}") },
    ]);
    acme.post("/Bulk", &json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations }));
    acme.request("POST", "/Users").header("usher-dry-run", "true").json(&person("dora")).send();
    acme.request("GET", "/Users")
        .header("x-request-id", MARK)
        .header("user-agent", MARK)
        .header("if-none-match", MARK)
        .header("client-request-id", MARK)
        .send();
    acme.delete(&path).expect(204);
}

fn a_day_of_staff(gateway: &Gateway, acme: &Tenant) {
    let tenant = acme.admin_path();
    let admin = |method: &str, path: &str, body: Option<Value>| gateway.admin(method, path, body.as_ref());
    admin(
        "PATCH",
        &tenant,
        Some(
            json!({ "name": format!("{MARK} Ltd"), "settings": { "contact": format!("{MARK}@example.com") } }),
        ),
    );
    admin(
        "POST",
        &format!("{tenant}/users"),
        Some(
            json!({ "user_name": format!("{MARK}.staff@example.com"), "email": format!("{MARK}@x.example") }),
        ),
    );
    for list in ["users", "groups", "log", "changes", "acts", "dropped", "health", "seats/waiting", "export"]
    {
        admin("GET", &format!("{tenant}/{list}"), None);
    }
    admin("GET", &format!("{tenant}/explain?user={MARK}"), None);
    admin("GET", &format!("{tenant}/users/{MARK}"), None);
    admin("GET", &format!("/regions/ire/tenants/{MARK}"), None);
    admin("POST", "/regions/ire/tenants", Some(json!({ "key": MARK, "name": MARK, "profile": MARK })));
    admin("PATCH", &tenant, Some(json!({ MARK: MARK })));
    admin("GET", &format!("{tenant}/users?{MARK}={MARK}"), None);
    admin(
        "POST",
        "/diagnose",
        Some(json!({ "region": "ire", "key": MARK, "credential": format!("ush_ire_{MARK}") })),
    );
    let table = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(table.path(), format!("userName,{MARK}\n{MARK}.csv@example.com,{MARK}\n")).unwrap();
    let file = table.path().to_str().unwrap();
    gateway.cli(&["preview", "--region", "ire", "--key", "acme", "--file", file]);
    gateway.cli(&["reconcile", "--region", "ire", "--key", "acme", "--file", file]);
}

fn days_of_strangers(gateway: &Gateway, acme: &Tenant) {
    let url = format!("{}/Users", acme.base_url);
    let wrong =
        |authorization: &str| drop(Request::new("GET", &url).header("authorization", authorization).send());
    for authorization in
        [format!("Bearer {MARK}"), format!("Bearer ush_ire_{MARK}"), format!("Basic {MARK}"), MARK.to_owned()]
    {
        wrong(&authorization);
    }
    wrong(&format!("Bearer {}{MARK}", acme.token));
    Request::new("GET", &format!("{url}?access_token={MARK}")).send();
    Request::new("GET", &format!("{}/{MARK}/{MARK}/scim/v2/Users", gateway.url)).send();
    Request::new("GET", &format!("{}/s/{MARK}", gateway.url)).send();
    Request::new("GET", &format!("{}/admin/v1/regions", gateway.url)).bearer(MARK).send();
    let token_url = format!("{}/ire/acme/oauth/token", gateway.url);
    let form = format!("grant_type=client_credentials&client_id={MARK}&client_secret={MARK}&scope={MARK}");
    Request::new("POST", &token_url)
        .header("content-type", "application/x-www-form-urlencoded")
        .bytes(form.as_bytes())
        .send();
    gateway.talk(format!("GET /{MARK} HTTP/1.1\r\nHost: x\r\nBad Header: {MARK}\r\n\r\n"));
    gateway.talk(format!("{MARK} {MARK}\r\n\r\n"));
    gateway.talk(format!("GET /{MARK} HTTP/1.1\r\nHost: {MARK}\r\nHost: {MARK}\r\n\r\n"));
}

/// A tenant with credentials of every kind, its identity provider, staff and strangers; then the gateway is stopped in order. Returns the mark
/// and all secrets, none of which may be seen anywhere.
pub(crate) fn a_day_of_everybody(gateway: &mut Gateway) -> Vec<String> {
    let acme = gateway.tenant("ire", "acme", Some(2), Some(0));
    let held = of_every_kind(gateway, &acme);
    for held in &held {
        Request::new("GET", &format!("{}/Users", acme.base_url))
            .header("authorization", &held.authorization)
            .send();
    }
    a_day_of_an_identity_provider(&acme);
    a_day_of_staff(gateway, &acme);
    days_of_strangers(gateway, &acme);
    assert_eq!(gateway.stop(), Some(0));
    let admin_token = std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let mut secrets = vec![MARK.to_owned(), acme.token.clone(), admin_token.trim().to_owned()];
    secrets.extend(held.iter().map(|held| held.authorization.split(' ').next_back().unwrap().to_owned()));
    secrets
}

/// The names between backticks in the page.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../../../../docs/logging.md");
    page.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn attack_23_the_deepest_log_has_no_secret_name_address_or_body_and_only_documented_fields() {
    let settings = [
        ("USHER__LOG__LEVEL", "trace"),
        ("USHER__LOG__FORMAT", "json"),
        ("USHER__SERVER__TRUSTED_PROXIES", "192.0.2.0/24"),
        ("USHER__LIMITS__WRONG_SECRETS", "1000"),
    ];
    let mut gateway = gateway_with(&settings);
    let secrets = a_day_of_everybody(&mut gateway);
    let log = gateway.log();
    for secret in secrets {
        assert_eq!(log.lines().find(|line| line.contains(&secret)), None, "{secret} is in the log");
    }
    let all = lines(&gateway);
    let levels: BTreeSet<&str> = all.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert!(
        ["INFO", "DEBUG"].iter().all(|level| levels.contains(level)) && all.len() > 100,
        "{levels:?} {}",
        all.len()
    );
    let documented = documented();
    let fields: BTreeSet<&String> = all.iter().flat_map(|line| line.as_object().unwrap().keys()).collect();
    let untold: Vec<_> = fields.into_iter().filter(|field| !documented.contains(*field)).collect();
    assert!(untold.is_empty(), "docs/logging.md does not tell of the fields {untold:?}");
}
