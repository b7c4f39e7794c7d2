//! What identity providers and their users send beyond the RFC, by public reports of people who run such servers: it is taken
//! and counted, or refused, and never dropped in silence; a strict tenant refuses it.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{GROUP, SEARCH_REQUEST, USER, gateway, group, operation, roomy, user};
use testkit::urn::{BULK_REQUEST, ENTERPRISE, PATCH_OP};

const OWN: &str = "urn:example:params:scim:schemas:extension:own:2.0:User";

fn strict(gateway: &Gateway) -> Tenant {
    let seats = json!({ "member": null, "member_lite": null });
    let settings = json!({ "strict": true });
    gateway
        .onboard("ire", &json!({ "key": "strict", "name": "strict", "seats": seats, "settings": settings }))
}

fn both(gateway: &Gateway) -> (Tenant, Tenant) {
    (roomy(gateway, "ire", "acme"), strict(gateway))
}

/// A new user's path.
#[track_caller]
fn someone(tenant: &Tenant, name: &str, more: &Value) -> String {
    format!("/Users/{}", tenant.post("/Users", &user(name, more)).expect(201).id())
}

/// How often the gateway has met a leniency.
fn met(gateway: &Gateway, kind: &str) -> u64 {
    let metrics = gateway.metrics();
    let name = format!("usher_scim_leniency_total{{kind=\"{kind}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

#[test]
fn without_schemas_the_endpoint_decides_on_every_verb() {
    let gateway = gateway();
    let (acme, strict) = both(&gateway);
    let forms = [("absent", None), ("null", Some(json!(null))), ("empty", Some(json!([])))];
    for tenant in [&acme, &strict] {
        let path = someone(tenant, "ada", &json!({}));
        let club = format!("/Groups/{}", tenant.post("/Groups", &group("club", &[])).expect(201).id());
        for (form, schemas) in &forms {
            let operations = json!([{ "op": "replace", "value": { "displayName": form } }]);
            let made = json!({ "userName": format!("b {form}") });
            let bulk = json!([
                { "method": "POST", "path": "/Users", "bulkId": "b", "data": made },
                { "method": "PATCH", "path": path, "data": { "Operations": operations } },
            ]);
            for (method, place, mut body) in [
                ("POST", "/Users", json!({ "userName": format!("p {form}") })),
                ("POST", "/Groups", json!({ "displayName": format!("p {form}") })),
                ("PUT", path.as_str(), json!({ "userName": "ada" })),
                ("PUT", club.as_str(), json!({ "displayName": "club" })),
                ("PATCH", path.as_str(), json!({ "Operations": operations })),
                ("PATCH", club.as_str(), json!({ "Operations": operations })),
                ("POST", "/Users/.search", json!({ "filter": "userName pr" })),
                ("POST", "/Bulk", json!({ "Operations": bulk })),
            ] {
                if let Some(schemas) = schemas {
                    body["schemas"] = schemas.clone();
                }
                let answer = tenant.request(method, place).json(&body).send();
                if tenant.key == "acme" {
                    assert!(answer.status < 300, "{method} {place} {form}: {}", answer.text);
                    assert!(!answer.text.contains("\"status\":\"4"), "{}", answer.text);
                } else {
                    answer.expect_error(400, "invalidSyntax");
                }
            }
        }
    }
    // Eight requests in three forms, and two operations of each bulk.
    assert_eq!(met(&gateway, "missing_schemas"), 3 * (8 + 2));
    for tenant in [&acme, &strict] {
        let refused = |path: &str, body: Value| tenant.post(path, &body).expect_error(400, "invalidSyntax");
        refused("/Users", json!({ "schemas": "text", "userName": "x" }));
        refused("/Users", json!({ "schemas": [GROUP], "userName": "x" }));
        refused("/.search", json!({ "schemas": [PATCH_OP] }));
        refused("/Bulk", json!({ "schemas": [SEARCH_REQUEST], "Operations": [] }));
    }
}

#[test]
fn no_add_takes_a_persons_access_role_or_manager_away() {
    let gateway = gateway();
    let (acme, strict) = both(&gateway);
    let more = json!({
        "schemas": [USER, ENTERPRISE], "userType": "admin", "active": true, "title": "T",
        "emails": [{ "value": "w@x", "type": "work", "display": "d" }], ENTERPRISE: { "manager": { "value": "m" } },
    });
    for tenant in [&acme, &strict] {
        let path = someone(tenant, "ada", &more);
        let before = tenant.get(&path).expect(200).body;
        for name in [
            "active",
            "userType",
            "title",
            "emails",
            "emails[type eq \"work\"]",
            &format!("{ENTERPRISE}:manager"),
        ] {
            for nothing in [json!(null), json!(""), json!([])] {
                let add = json!([{ "op": "add", "path": name, "value": nothing }]);
                assert_eq!(tenant.patch(&path, &add).expect(200).body, before, "{add}");
            }
        }
        let hollow = json!([{ "op": "replace", "path": "active", "value": {} }]);
        tenant.patch(&path, &hollow).expect_error(400, "invalidValue");
        for name in ["name".to_owned(), format!("{ENTERPRISE}:manager")] {
            let hollow = json!([{ "op": "replace", "path": name, "value": {} }]);
            assert_eq!(tenant.patch(&path, &hollow).expect(200).body, before, "{hollow}");
        }
    }
}

#[test]
fn a_manager_given_by_its_ref_alone_is_kept_and_told() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let boss = acme.post("/Users", &user("boss", &json!({ "displayName": "Boss" }))).expect(201).body;
    let location = boss["meta"]["location"].clone();
    let sent = json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "manager": { "$ref": location } } });
    let path = someone(&acme, "ada", &sent);
    let told = json!({ "value": boss["id"], "$ref": location, "displayName": "Boss" });
    assert_eq!(acme.get(&path).body[ENTERPRISE]["manager"], told);
    let bare = someone(&acme, "bob", &json!({}));
    acme.patch(&bare, &operation("add", "manager", json!({ "$ref": location }))).expect(200);
    assert_eq!(acme.get(&bare).body[ENTERPRISE]["manager"], told);
    let lost = operation("replace", "manager", json!({ "$ref": "https://elsewhere.example.com/Groups/1" }));
    acme.patch(&bare, &lost).expect_error(400, "invalidValue");
}

#[test]
fn core_attributes_under_their_urn_are_core_attributes_on_every_verb() {
    let gateway = gateway();
    let (acme, strict) = both(&gateway);
    let block = user("ada", &json!({ USER: { "displayName": "D", "active": false } }));
    let flat = user("bob", &json!({ format!("{USER}:active"): false, format!("{USER}:displayName"): "D" }));
    for (body, name) in [(&block, "ada"), (&flat, "bob")] {
        strict.post("/Users", body).expect_error(400, "invalidSyntax");
        let made = acme.post("/Users", body).expect(201);
        assert_eq!(
            (&made.body["active"], &made.body["displayName"]),
            (&json!(false), &json!("D")),
            "{}",
            made.text
        );
        assert!(made.body.get(USER).is_none());
        let again = user(name, &json!({ USER: { "title": "T" } }));
        let put = acme.put(&format!("/Users/{}", made.id()), &again).expect(200);
        assert_eq!((&put.body["active"], &put.body["title"]), (&json!(false), &json!("T")));
    }
    let crew = json!({ "schemas": [GROUP], GROUP: { "displayName": "Crew" } });
    strict.post("/Groups", &crew).expect(400);
    assert_eq!(acme.post("/Groups", &crew).expect(201).body["displayName"], "Crew");
    acme.post("/Users", &user("eve", &json!({ "title": "A", USER: { "title": "B" } })))
        .expect_error(400, "invalidSyntax");
}

#[test]
fn one_member_takes_the_place_of_another_and_a_thousand_leave_at_once() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let ids: Vec<String> = ["a", "b", "c"].iter().map(|n| acme.create_user(n, "").expect(201).id()).collect();
    let crew = acme.post("/Groups", &group("Crew", &[&ids[0], &ids[2]])).expect(201).id();
    let crew = format!("/Groups/{crew}");
    let members = || -> Vec<String> {
        let body = acme.get(&crew).expect(200).body;
        let members = body["members"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> = members.iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    let chosen = format!("members[value eq \"{}\"]", ids[0].to_uppercase());
    let exchange = operation("replace", &chosen, json!({ "value": ids[1] }));
    acme.patch(&crew, &exchange).expect(204);
    assert_eq!(members(), [ids[1].clone(), ids[2].clone()]);
    acme.patch(&crew, &exchange).expect_error(400, "noTarget");
    let stranger =
        operation("replace", &format!("members[value eq \"{}\"]", ids[1]), json!({ "value": "No-One" }));
    assert!(acme.patch(&crew, &stranger).expect_error(400, "invalidValue").text.contains("No-One"));
    let hollow =
        operation("replace", &format!("members[value eq \"{}\"]", ids[1]), json!({ "display": null }));
    acme.patch(&crew, &hollow).expect_error(400, "invalidValue");
    assert_eq!(members(), [ids[1].clone(), ids[2].clone()]);
    for nobody in [json!({}), json!([{}])] {
        acme.patch(&crew, &operation("replace", "members", nobody)).expect(204);
    }
    assert_eq!(members().len(), 2);
    let others = (0..999).map(|n| format!("value eq \"00000000-0000-4000-8000-{n:012}\""));
    let all: Vec<String> = std::iter::once(format!("value eq \"{}\"", ids[1])).chain(others).collect();
    let path = format!("members[{}]", all.join(" or "));
    acme.patch(&crew, &operation("remove", &path, Value::Null)).expect(204);
    assert_eq!(members(), [ids[2].clone()]);
    let wide = format!("members[{} or value eq \"x\"]", all.join(" or "));
    acme.patch(&crew, &operation("remove", &wide, Value::Null)).expect_error(400, "invalidFilter");
}

#[test]
fn a_group_in_a_group_can_take_a_place_and_a_skipped_stranger_leaves_it_empty() {
    let gateway = gateway();
    let settings = json!({ "unknown_members": "skip" });
    let seats = json!({ "member": null, "member_lite": null });
    let acme = gateway
        .onboard("ire", &json!({ "key": "acme", "name": "Acme", "seats": seats, "settings": settings }));
    let ada = acme.create_user("ada", "").expect(201).id();
    let inner = acme.post("/Groups", &group("inner", &[])).expect(201).id();
    let outer = format!("/Groups/{}", acme.post("/Groups", &group("outer", &[&ada])).expect(201).id());
    let exchange =
        |path: &str, id: &str| acme.patch(&outer, &operation("replace", path, json!({ "value": id })));
    exchange("members[type eq \"User\"]", &inner).expect(204);
    let held = acme.get(&outer).body["members"].clone();
    assert_eq!(
        (&held[0]["value"], &held[0]["type"], held.as_array().unwrap().len()),
        (&json!(inner), &json!("Group"), 1)
    );
    exchange(&format!("members[value eq \"{inner}\"]"), "stranger").expect(204);
    assert!(acme.get(&outer).body.get("members").is_none());
    exchange("members[type eq \"User\"]", &ada).expect(204);
    assert_eq!(acme.get(&outer).body["members"][0]["value"], ada);
}

#[test]
fn a_bulk_takes_a_bare_list_of_operations_and_no_limit_of_errors() {
    let gateway = gateway();
    let (acme, strict) = both(&gateway);
    for tenant in [&acme, &strict] {
        let path = someone(tenant, "ada", &json!({ "nickName": "n" }));
        let data = json!([{ "op": "remove", "path": "nickName" }, { "op": "add", "path": "title", "value": "Dave" }]);
        let bare = json!({ "schemas": [BULK_REQUEST], "Operations": [{ "method": "PATCH", "path": path, "data": data }] });
        let status = tenant.post("/Bulk", &bare).expect(200).body["Operations"][0]["status"].clone();
        let title = tenant.get(&path).body["title"].clone();
        let none = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 0, "Operations": [{ "method": "DELETE", "path": path }] });
        let done = tenant.post("/Bulk", &none);
        if tenant.key == "acme" {
            assert_eq!((status, title), (json!("200"), json!("Dave")));
            assert_eq!(done.expect(200).body["Operations"][0]["status"], "204");
        } else {
            assert_eq!((status, title), (json!("400"), Value::Null));
            done.expect_error(400, "invalidSyntax");
        }
    }
}

#[test]
fn a_byte_order_mark_a_blank_and_a_bare_role_are_taken_and_counted() {
    let gateway = gateway();
    let (acme, strict) = both(&gateway);
    let marked = format!("\u{feff}{}", user("ada", &json!({ "roles": ["ADMIN"] })));
    let send = |tenant: &Tenant| {
        tenant
            .request("POST", "/Users")
            .header("content-type", "application/scim+json")
            .bytes(marked.as_bytes())
            .send()
    };
    send(&strict).expect_error(400, "invalidSyntax");
    let made = send(&acme).expect(201);
    assert_eq!(made.body["roles"], json!([{ "value": "ADMIN" }]));
    let path = format!("/Users/{}", made.id());
    let part = acme.get(&format!("{path}?attributes=userName%20roles")).expect(200);
    assert_eq!(
        (&part.body["userName"], part.body["roles"].is_array()),
        (&json!("ada"), true),
        "{}",
        part.text
    );
    let search = json!({ "schemas": [SEARCH_REQUEST], "attributes": ["userName roles"] });
    assert_eq!(acme.post("/Users/.search", &search).expect(200).body["Resources"][0]["userName"], "ada");
    for kind in ["byte_order_mark", "bare_value"] {
        assert_eq!(met(&gateway, kind), 1, "{kind}");
    }
    assert_eq!(met(&gateway, "blank_for_comma"), 2);
}

#[test]
fn values_in_a_text_an_array_or_an_object_are_what_they_say_or_refused() {
    let gateway = gateway();
    let (acme, strict) = both(&gateway);
    for tenant in [&acme, &strict] {
        let lenient = tenant.key == "acme";
        let more =
            json!({ "emails": [{ "value": "w@x", "type": "work" }, { "value": "h@x", "type": "home" }] });
        let path = someone(tenant, "ada", &more);
        for (operations, holds) in [
            (
                operation(
                    "replace",
                    "emails[type eq \"work\"]",
                    json!("{\"type\":\"work\",\"value\":\"n@x\"}"),
                ),
                "\"n@x\"",
            ),
            (operation("replace", "active", json!(["false"])), "\"active\":false"),
            (operation("replace", "active", json!({ "active": true })), "\"active\":true"),
            (operation("replace", "preferredLanguage", json!(["de"])), "\"de\""),
            (operation("add", "roles", json!(["ADMIN"])), "\"ADMIN\""),
        ] {
            let answer = tenant.patch(&path, &operations);
            if lenient {
                let text = answer.expect(200).text;
                assert!(text.contains(holds) && !text.contains("\\\"value"), "{operations}: {text}");
            } else {
                answer.expect_error(400, "invalidValue");
            }
        }
        let twice = tenant.post("/Users", &user("eve", &json!({ "title": ["a", "b"] })));
        twice.expect_error(400, "invalidValue");
        let one =
            tenant.post("/Users", &user("eve", &json!({ "title": ["a"], "name": [{ "givenName": "E" }] })));
        if lenient {
            assert_eq!(one.expect(201).body["title"], "a");
        } else {
            one.expect_error(400, "invalidValue");
        }
    }
}

#[test]
fn one_of_several_simple_values_is_found_and_removed_by_itself() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let tags = json!({ "name": "tags", "type": "string", "multiValued": true });
    let schema = json!({ "schema": { "id": OWN, "attributes": [tags] } });
    gateway.admin("POST", &format!("{}/schemas", acme.admin_path()), Some(&schema)).expect(201);
    let path = someone(&acme, "ada", &json!({ "schemas": [USER, OWN], OWN: { "tags": ["a", "b", "c"] } }));
    someone(&acme, "bob", &json!({ "schemas": [USER, OWN], OWN: { "tags": ["x"] } }));
    let found = acme.find("/Users", &format!("{OWN}:tags[value eq \"B\"]")).expect(200);
    assert_eq!(
        (&found.body["totalResults"], &found.body["Resources"][0]["userName"]),
        (&json!(1), &json!("ada"))
    );
    acme.patch(&path, &operation("remove", &format!("{OWN}:tags[value eq \"b\"]"), Value::Null)).expect(200);
    assert_eq!(acme.get(&path).body[OWN]["tags"], json!(["a", "c"]));
}
