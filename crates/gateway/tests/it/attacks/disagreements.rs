//! Where suites and identity providers disagree, and what we answer over HTTP: statuses, types, headers, strict tenants.

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use super::{gateway, group, operation, roomy, user};
use testkit::urn::{ENTERPRISE, PATCH_OP, SEAT};

fn strict(gateway: &Gateway, key: &str) -> Tenant {
    let seats = json!({ "member": null, "member_lite": null });
    gateway
        .onboard("ire", &json!({ "key": key, "name": key, "seats": seats, "settings": { "strict": true } }))
}

fn new_user(tenant: &Tenant, name: &str) -> String {
    format!("/Users/{}", tenant.create_user(name, "").expect(201).id())
}

fn new_group(tenant: &Tenant, name: &str) -> String {
    format!("/Groups/{}", tenant.post("/Groups", &group(name, &[])).expect(201).id())
}

#[test]
fn discovery_needs_a_credential_refuses_filters_and_writes_and_ignores_paging() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let user_urn = format!("/Schemas/{}", super::USER);
    for path in
        ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", user_urn.as_str()]
    {
        Request::new("GET", &format!("{}{path}", acme.base_url)).send().expect_error(401, "");
        acme.get(&format!("{path}?filter=id%20pr")).expect_error(403, "");
        let whole = acme.get(path).expect(200);
        let paged =
            acme.get(&format!("{path}?startIndex=2&count=1&sortBy=id&sortOrder=descending")).expect(200);
        assert_eq!(paged.body, whole.body, "{path}");
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let refused = acme.request(method, path).json(&json!({})).send().expect_error(405, "");
            assert_eq!(refused.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
    acme.get("/Schemas/urn:none").expect_error(404, "");
    acme.get("/ResourceTypes/None").expect_error(404, "");
}

#[test]
fn unknown_paths_are_404_wrong_methods_405_with_allow_and_what_is_not_built_501() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let id = new_user(&acme, "ada");
    for path in ["/nothing", "/users", "/User", &format!("{id}/emails"), "/Schemas/a/b"] {
        let missing = acme.get(path).expect_error(404, "");
        assert!(missing.body["detail"].as_str().unwrap().contains(&acme.base_url), "MO15: {}", missing.text);
    }
    for (path, allow, methods) in [
        ("/Users", "GET, HEAD, POST", ["PUT", "PATCH", "DELETE"]),
        ("/Groups", "GET, HEAD, POST", ["PUT", "PATCH", "DELETE"]),
        ("/Bulk", "POST", ["GET", "PUT", "DELETE"]),
        ("", "GET, HEAD", ["POST", "PUT", "DELETE"]),
        ("/.search", "POST", ["GET", "PUT", "DELETE"]),
        ("/Groups/.search", "POST", ["GET", "PUT", "PATCH"]),
        (id.as_str(), "GET, HEAD, PUT, PATCH, DELETE", ["POST", "TRACE", "OPTIONS"]),
    ] {
        for method in methods {
            let refused = acme.request(method, path).json(&json!({})).send().expect_error(405, "");
            assert_eq!(refused.header("allow"), Some(allow), "{method} {path}");
        }
    }
    for path in ["/Me", "/Me/x", "/Me/.search"] {
        acme.get(path).expect_error(501, "");
        acme.post(path, &json!({})).expect_error(501, "");
    }
    let config = acme.get("/ServiceProviderConfig").expect(200).body;
    assert_eq!((&config["bulk"]["supported"], &config["sort"]["supported"]), (&json!(true), &json!(true)));
    assert!(config["bulk"]["maxOperations"].as_u64().is_some_and(|n| (100..5000).contains(&n)), "{config}");
}

#[test]
fn both_media_types_go_in_and_accept_chooses_the_one_that_comes_out() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let taken = [
        Some("application/scim+json"),
        Some("application/json"),
        Some("application/scim+json; charset=utf-8"),
        Some("Application/JSON;charset=UTF-8;x=y"),
        None,
    ];
    for (n, media) in taken.iter().enumerate() {
        let body = user(&format!("u{n}"), &json!({})).to_string();
        let request = acme.request("POST", "/Users").bytes(body.as_bytes());
        match media {
            Some(media) => request.header("content-type", media).send(),
            None => request.send(),
        }
        .expect(201);
    }
    for media in [
        "text/html",
        "application/xml",
        "application/x-www-form-urlencoded",
        "text/json",
        "multipart/form-data",
    ] {
        let body = user("never", &json!({})).to_string();
        acme.request("POST", "/Users")
            .header("content-type", media)
            .bytes(body.as_bytes())
            .send()
            .expect_error(415, "");
    }
    let (scim, plain) = ("application/scim+json; charset=utf-8", "application/json; charset=utf-8");
    for (accept, out) in [
        ("application/json", plain),
        ("application/json; charset=utf-8", plain),
        ("application/scim+json", scim),
        ("application/scim+json, application/json", scim),
        ("application/json, application/scim+json;q=0.1", scim),
        ("*/*", scim),
        ("text/html", scim),
        ("", scim),
    ] {
        let ok = acme.request("GET", "/Users").header("accept", accept).send().expect(200);
        assert_eq!(ok.header("content-type"), Some(out), "{accept}");
        let refused =
            acme.request("GET", super::NOBODY).header("accept", accept).send().expect_error(404, "");
        assert_eq!(refused.header("content-type"), Some(out), "{accept}");
    }
    assert_eq!(acme.get("/Users").header("content-type"), Some(scim));
}

#[test]
fn patch_of_a_user_is_200_of_a_group_204_unless_attributes_are_named() {
    let gateway = gateway();
    let (acme, strict) = (roomy(&gateway, "ire", "acme"), strict(&gateway, "strict"));
    let (ada, club) = (new_user(&acme, "ada"), new_group(&acme, "club"));
    let title = operation("replace", "title", "Dr".into());
    let rename = operation("replace", "displayName", "Club".into());
    assert_eq!(acme.patch(&ada, &title).expect(200).body["title"], "Dr");
    assert_eq!(acme.patch(&ada, &title).expect(200).body["title"], "Dr");
    let bare = acme.patch(&club, &rename).expect(204);
    assert_eq!((bare.text.as_str(), bare.header("content-type")), ("", None));
    assert_eq!(bare.header("etag"), acme.get(&club).header("etag"));
    let named = acme.patch(&format!("{club}?attributes=displayName"), &rename).expect(200);
    assert_eq!(named.body["displayName"], "Club");
    let without = acme.patch(&format!("{club}?excludedAttributes=members"), &rename).expect(200);
    assert!(without.body.get("members").is_none() && without.body["id"].is_string());
    let strict_club = new_group(&strict, "club");
    assert_eq!(strict.patch(&strict_club, &rename).expect(200).body["displayName"], "Club");
}

#[test]
fn empty_operations_change_nothing_and_absent_ones_are_refused() {
    let gateway = gateway();
    let (acme, strict) = (roomy(&gateway, "ire", "acme"), strict(&gateway, "strict"));
    let send = |tenant: &Tenant, path: &str, body: &Value| tenant.request("PATCH", path).json(body).send();
    let (ada, club) = (new_user(&acme, "ada"), new_group(&acme, "club"));
    let before = acme.get(&ada).body;
    assert_eq!(acme.patch(&ada, &json!([])).expect(200).body, before);
    acme.patch(&club, &json!([])).expect(204);
    strict.patch(&new_user(&strict, "ada"), &json!([])).expect_error(400, "invalidSyntax");
    for tenant in [&acme, &strict] {
        let ada = tenant.get("/Users").body["Resources"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/Users/{ada}");
        send(tenant, &path, &json!({ "schemas": [PATCH_OP] })).expect_error(400, "invalidSyntax");
        send(tenant, &path, &json!({ "schemas": [super::USER], "Operations": [] }))
            .expect_error(400, "invalidSyntax");
    }
}

/// What a lenient tenant takes and a strict one refuses with 400.
#[test]
fn a_strict_tenant_gets_the_letter_of_the_rfc() {
    let gateway = gateway();
    let (acme, strict) = (roomy(&gateway, "ire", "acme"), strict(&gateway, "strict"));
    let adscim = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User";
    let bodies = [
        json!({ "schemas": [super::USER, adscim], "userName": "u1" }),
        user("u2", &json!({ "unknownAttribute": "x" })),
        user("u3", &json!({ "name": { "unknownPart": "x" } })),
        user("u4", &json!({ "active": "True" })),
        user("u5", &json!({ ENTERPRISE: { "department": "D" } })),
        json!({ "schemas": [super::USER, ENTERPRISE], "userName": "u6", ENTERPRISE: { "manager": "42" } }),
    ];
    for body in &bodies {
        strict.post("/Users", body).expect(400);
        let made = acme.post("/Users", body).expect(201);
        assert!(!made.text.contains("unknown") && !made.text.contains("ADSCIM"), "{}", made.text);
        assert!(made.body["active"].is_boolean());
    }
    let (lenient_ada, strict_ada) = (new_user(&acme, "ada"), new_user(&strict, "ada"));
    let patches = [
        json!([{ "op": "replace", "value": { "name.givenName": "Ada" } }]),
        operation("replace", "emails[type eq \"work\"].value", "a@x.example".into()),
        operation("replace", "active", "False".into()),
        json!([{ "op": "replace", "value": { "title": "Dr", "unknownAttribute": 1 } }]),
        operation("Replace", "title", "Dr".into()),
        operation("remove", "title", "Dr".into()),
        operation("add", "manager", json!({ "value": "42" })),
        operation("add", "emails", json!({ "value": "b@x.example" })),
        json!([{ "op": "add", "path": null, "value": { "title": "Dr" } }]),
    ];
    for operations in &patches {
        strict.patch(&strict_ada, operations).expect(400);
        acme.patch(&lenient_ada, operations).expect(200);
    }
    for query in ["?count=", "?startIndex=", "?sortBy=&count=1"] {
        strict.get(&format!("/Users{query}")).expect_error(400, "invalidValue");
        acme.get(&format!("/Users{query}")).expect(200);
    }
    for filter in ["manager.value eq \"42\"", "emails[type eq \"work\"].value eq \"x\""] {
        strict.find("/Users", filter).expect_error(400, "invalidFilter");
        acme.find("/Users", filter).expect(200);
    }
    strict.find("/Groups", "members eq \"x\"").expect(200);
    for tenant in [&acme, &strict] {
        let ada = if std::ptr::eq(tenant, &acme) { &lenient_ada } else { &strict_ada };
        tenant.post("/Users", &json!({ "schemas": [super::GROUP], "userName": "g" })).expect(400);
        tenant.post("/Groups", &json!({ "schemas": [super::USER], "displayName": "g" })).expect(400);
        tenant
            .patch(ada, &operation("replace", "unknownAttribute", "x".into()))
            .expect_error(400, "invalidPath");
        tenant.patch(ada, &json!([{ "op": "replace", "value": { "unknownAttribute": 1 } }])).expect(400);
        tenant.patch(ada, &json!([{ "op": "remove" }])).expect_error(400, "noTarget");
        tenant
            .patch(ada, &operation("replace", "active", "perhaps".into()))
            .expect_error(400, "invalidValue");
        tenant.find("/Users", "userName eq unquoted").expect_error(400, "invalidFilter");
    }
    let switched = json!({ "settings": { "strict": false } });
    gateway.admin("PATCH", &strict.admin_path(), Some(&switched)).expect(200);
    strict.post("/Users", &bodies[0]).expect(201);
}

#[test]
fn extensions_are_taken_without_their_urn_and_listed_in_answers() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let made =
        acme.post("/Users", &user("ada", &json!({ ENTERPRISE: { "department": "Sums" } }))).expect(201);
    let schemas = made.body["schemas"].as_array().unwrap();
    assert!(schemas.contains(&json!(ENTERPRISE)) && schemas.contains(&json!(SEAT)), "{}", made.text);
    let path = format!("/Users/{}", made.id());
    for shape in [json!({ "value": "boss" }), json!("boss"), json!([{ "value": "boss" }])] {
        acme.patch(&path, &operation("replace", "manager", shape)).expect(200);
        assert_eq!(acme.get(&path).body[ENTERPRISE]["manager"], json!({ "value": "boss" }));
    }
    for nobody in [json!(""), json!({ "value": "" })] {
        acme.patch(&path, &operation("replace", "manager", "boss".into())).expect(200);
        acme.patch(&path, &operation("replace", "manager", nobody)).expect(200);
        assert!(acme.get(&path).body[ENTERPRISE].get("manager").is_none());
    }
    let top = acme.post("/Users", &user("bob", &json!({ "manager": "boss" }))).expect(201);
    assert!(!top.text.contains("boss"), "{}", top.text);
    for list in ["/Schemas", "/ResourceTypes"] {
        assert!(acme.get(list).text.contains(SEAT), "{list}");
    }
}

#[test]
fn put_clears_what_it_leaves_out_except_active_and_the_role() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let made = acme
        .post("/Users", &user("ada", &json!({ "title": "Dr", "userType": "user", "active": false })))
        .expect(201);
    let path = format!("/Users/{}", made.id());
    let put = acme.put(&path, &user("ada", &json!({ "emails": [], "nickName": "" }))).expect(200);
    assert_eq!((&put.body["active"], &put.body["userType"]), (&json!(false), &json!("user")));
    assert!(
        put.body.get("title").is_none()
            && put.body.get("emails").is_none()
            && put.body.get("nickName").is_none()
    );
    acme.put(&path, &user("ada", &json!({ "active": true }))).expect(200);
    for removal in [
        json!([{ "op": "remove", "path": "active" }]),
        operation("replace", "active", "".into()),
        json!([{ "op": "replace", "path": "active", "value": null }]),
    ] {
        let gone = acme.patch(&path, &removal).expect(200);
        assert!(gone.body.get("active").is_none(), "{}", gone.text);
        assert_eq!(gone.body[SEAT]["state"], "suspended");
        acme.patch(&path, &operation("replace", "active", true.into())).expect(200);
    }
}

#[test]
fn members_are_removed_by_value_and_unknown_ones_are_refused_or_skipped() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let skipping = gateway.onboard(
        "ire",
        &json!({ "key": "skips", "name": "Skips", "seats": { "member_lite": null }, "settings": { "unknown_members": "skip" } }),
    );
    let ids: Vec<String> = ["a", "b", "c"].iter().map(|n| acme.create_user(n, "").expect(201).id()).collect();
    let club = acme.post("/Groups", &group("club", &[&ids[0], &ids[1], &ids[2]])).expect(201).id();
    let club = format!("/Groups/{club}");
    let count = || acme.get(&club).body["members"].as_array().map_or(0, Vec::len);
    acme.patch(
        &club,
        &operation("remove", "members", json!([{ "value": ids[0] }, { "value": "never-seen" }])),
    )
    .expect(204);
    assert_eq!(count(), 2);
    acme.patch(&club, &operation("remove", "members", json!([]))).expect(204);
    assert_eq!(count(), 2);
    let refused = acme
        .patch(&club, &operation("add", "members", json!([{ "value": ids[0] }, { "value": "stranger" }])));
    assert!(refused.expect_error(400, "invalidValue").text.contains("stranger"));
    assert_eq!(count(), 2);
    acme.patch(&club, &operation("remove", "members", Value::Null)).expect(204);
    assert_eq!(count(), 0);
    let known = skipping.create_user("known", "").expect(201).id();
    let made = skipping.post("/Groups", &group("club", &["stranger", &known])).expect(201);
    assert_eq!(made.body["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&made.body["members"][0]["value"], &made.body["members"][0]["type"]),
        (&json!(known), &json!("User"))
    );
}

#[test]
fn group_names_and_external_ids_are_unique_as_the_tenant_says() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let seats = json!({ "member_lite": null });
    let settings = json!({ "unique_group_names": false, "unique_external_ids": true });
    let other = gateway
        .onboard("ire", &json!({ "key": "other", "name": "Other", "seats": seats, "settings": settings }));
    let club = new_group(&acme, "Club");
    acme.post("/Groups", &group("cLUB", &[])).expect_error(409, "uniqueness");
    acme.put(&club, &group("CLUB", &[])).expect(200);
    new_group(&other, "Club");
    new_group(&other, "club");
    let with = |external: &str, name: &str| user(name, &json!({ "externalId": external }));
    acme.post("/Users", &with("e", "a")).expect(201);
    acme.post("/Users", &with("e", "b")).expect(201);
    assert_eq!(acme.find("/Users", "externalId eq \"e\"").body["totalResults"], 2);
    assert_eq!(acme.find("/Users", "externalId eq \"E\"").body["totalResults"], 0);
    other.post("/Users", &with("e", "a")).expect(201);
    other.post("/Users", &with("e", "b")).expect_error(409, "uniqueness");
    other.post("/Users", &with("E", "b")).expect(201);
}

#[test]
fn entity_tags_are_weak_and_decide() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for (path, change) in [
        (new_user(&acme, "ada"), operation("replace", "title", "Dr".into())),
        (new_group(&acme, "club"), operation("replace", "displayName", "Club".into())),
    ] {
        let first = acme.get(&path).expect(200);
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        assert_eq!(first.body["meta"]["version"], tag);
        let with =
            |name: &str, value: &str| -> Answer { acme.request("GET", &path).header(name, value).send() };
        let unchanged = with("if-none-match", &tag).expect(304);
        assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", Some(tag.as_str())));
        with("if-none-match", &tag[2..]).expect(304);
        acme.patch(&path, &change);
        with("if-none-match", &tag).expect(200);
        let body = json!({ "schemas": [PATCH_OP], "Operations": change });
        acme.request("PATCH", &path).header("if-match", &tag).json(&body).send().expect_error(412, "");
        acme.request("DELETE", &path).header("if-match", &tag).send().expect_error(412, "");
        let now = acme.get(&path);
        acme.patch(&path, &change);
        assert_eq!(acme.get(&path).body, now.body, "a no-op keeps version and lastModified");
        acme.request("DELETE", &path).header("if-match", "*").send().expect(204);
    }
}

#[test]
fn a_suspended_tenant_is_403_and_a_wrong_region_is_told_its_base_url() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let elsewhere =
        Request::new("GET", &format!("{}/us/acme/scim/v2/Users", gateway.url)).bearer(&acme.token).send();
    assert!(elsewhere.expect_error(401, "").text.contains(&acme.base_url));
    gateway.admin("POST", &format!("{}/suspend", acme.admin_path()), None).expect(200);
    acme.get("/Users").expect_error(403, "");
}
