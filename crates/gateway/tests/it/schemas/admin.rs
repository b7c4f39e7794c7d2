//! What staff can do with a tenant's own schemas, by the admin API and by the command line.

use serde_json::{Value, json};
use testkit::http::Request;

use super::{HR, add, add_example, document, example, person, schemas_path, words};
use crate::running::roomy;

const URN: &str = "urn:example:a:1.0:User";

#[test]
fn schemas_are_listed_shown_replaced_and_removed() {
    let (gateway, acme) = roomy();
    let path = schemas_path(&acme);
    assert_eq!(gateway.admin("GET", &path, None).expect(200).body, json!([]));
    let file: Value = serde_json::from_slice(&std::fs::read(example()).unwrap()).unwrap();
    let added = add(&gateway, &acme, &file).expect(201).body;
    assert_eq!(
        (&added["urn"], &added["resource"], &added["required"]),
        (&json!(HR), &json!("User"), &json!(false))
    );
    assert_eq!(add(&gateway, &acme, &file).expect(200).body["outcome"], "unchanged");
    acme.post("/Users", &person("ann", json!({ "badge": "1" }))).expect(201);

    let one = gateway.admin("GET", &format!("{path}/{}", HR.to_uppercase()), None).expect(200).body;
    assert_eq!((&one["holders"], &one["schema"]["attributes"][0]["name"]), (&json!(1), &json!("badge")));
    assert_eq!(
        one["schema"]["attributes"],
        acme.get(&format!("/Schemas/{HR}")).expect(200).body["attributes"]
    );
    let listed = gateway.admin("GET", &path, None).expect(200).body;
    assert_eq!(listed.as_array().unwrap().len(), 1);

    // PUT: the URN of the path; what the body leaves out stays.
    let mut wider = file.clone();
    wider["attributes"].as_array_mut().unwrap().push(json!({ "name": "nickname" }));
    let body = json!({ "schema": wider, "required": true });
    let replaced = gateway.admin("PUT", &format!("{path}/{HR}"), Some(&body)).expect(200).body;
    assert_eq!((&replaced["outcome"], &replaced["required"]), (&json!("replaced"), &json!(true)));
    let elsewhere = gateway.admin("PUT", &format!("{path}/{URN}"), Some(&body)).expect(400);
    assert!(elsewhere.body["detail"].as_str().unwrap().contains("the path names"), "{}", elsewhere.text);

    // A change that resting data would not survive names the attribute and the user.
    let narrower = document(HR, json!([{ "name": "badge", "type": "integer" }]));
    let refused = add(&gateway, &acme, &narrower).expect(409);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("does not take: {HR}:badge")), "{detail}");
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));

    let other = document(URN, json!([{ "name": "a" }]));
    gateway.admin("PUT", &format!("{path}/{URN}"), Some(&json!({ "schema": other }))).expect(201);
    gateway.admin("DELETE", &format!("{path}/{URN}"), None).expect(204);
    gateway.admin("DELETE", &format!("{path}/{URN}"), None).expect(404);
    gateway.admin("GET", &format!("{path}/{URN}"), None).expect(404);
    gateway.admin("GET", "/regions/ire/tenants/nobody/schemas", None).expect(404);
    gateway
        .admin("POST", "/regions/ire/tenants/nobody/schemas", Some(&json!({ "schema": other })))
        .expect(404);
    gateway.admin("PATCH", &format!("{path}/{HR}"), Some(&body)).expect(404);

    // Attack 58: each act has its record, with the id of the request that did it.
    let changes = gateway.admin("GET", &format!("{}/changes", acme.admin_path()), None).expect(200).body;
    let kinds: Vec<&str> = changes.as_array().unwrap().iter().filter_map(|c| c["kind"].as_str()).collect();
    let of_schemas: Vec<&&str> = kinds.iter().filter(|kind| kind.starts_with("schema.")).collect();
    assert_eq!(of_schemas, [&"schema.removed", &"schema.added", &"schema.replaced", &"schema.added"]);
}

#[test]
fn attack_70_every_fault_of_a_document_is_told_at_once() {
    let (gateway, acme) = roomy();
    let bad = json!({
        "id": "urn:ietf:params:scim:schemas:core:2.0:User",
        "attributes": [
            { "name": "id" }, { "name": "schemas" }, { "name": "meta" }, { "name": "externalId" }, { "name": "__proto__" },
            { "name": "$ref" }, { "name": "a", "type": "text" }, { "name": "b", "type": "complex" },
            { "name": "c", "multiValued": true, "uniqueness": "server" }, { "name": "d", "colour": "red" },
        ],
    });
    let refused = add(&gateway, &acme, &bad).expect(400);
    let errors = refused.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 11, "{}", refused.text);
    assert!(refused.body["detail"].as_str().unwrap().ends_with("And 1 more; \"errors\" has them all."));
    for body in [
        json!([]),
        json!({}),
        json!({ "schema": 1 }),
        json!({ "schema": document(URN, json!([])) }),
        json!({ "schema": document(URN, json!([{ "name": "a" }])), "resource": "Device" }),
        json!({ "schema": document(URN, json!([{ "name": "a" }])), "required": "yes" }),
        json!({ "schema": document(URN, json!([{ "name": "a" }])), "color": 1 }),
        document(URN, json!([{ "name": "a" }])),
    ] {
        let refused = gateway.admin("POST", &schemas_path(&acme), Some(&body)).expect(400);
        assert!(refused.body["detail"].is_string(), "{body}");
    }
    let many: Value = (0..10_000).map(|n| json!({ "name": format!("a{n}") })).collect();
    let detail = add(&gateway, &acme, &document(URN, many)).expect(400).body["detail"].clone();
    assert!(detail.as_str().unwrap().contains("at most 200 attributes"), "{detail}");
    let long = json!([{ "name": "a", "description": "x".repeat(300 * 1024) }]);
    let refused = add(&gateway, &acme, &document(URN, long)).expect(413);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let token = std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let twice =
        format!("{{\"schema\":{{\"id\":\"{URN}\",\"ID\":\"{URN}\",\"attributes\":[{{\"name\":\"a\"}}]}}}}");
    let url = format!("{}/admin/v1{}", gateway.url, schemas_path(&acme));
    Request::new("POST", &url).bearer(token.trim()).bytes(twice.as_bytes()).send().expect(400);
    assert_eq!(gateway.admin("GET", &schemas_path(&acme), None).expect(200).body, json!([]));
}

#[test]
fn the_command_line_tells_what_it_did_and_one_sentence_of_what_it_could_not() {
    let (gateway, acme) = roomy();
    let added: Value = serde_json::from_str(&add_example(&gateway, &acme, &["--json"])).unwrap();
    assert_eq!((&added["urn"], &added["outcome"]), (&json!(HR), &json!("added")));
    assert!(add_example(&gateway, &acme, &[]).contains("was there as it is"));
    assert!(add_example(&gateway, &acme, &["--required"]).contains("is replaced"));

    let table = gateway.cli_ok(&words(&acme, &["list"]));
    assert!(table.starts_with("URN ") && table.contains(HR) && table.contains("true"), "{table}");
    let listed: Value = serde_json::from_str(&gateway.cli_ok(&words(&acme, &["list", "--json"]))).unwrap();
    assert_eq!(listed[0]["required"], true);
    let shown = gateway.cli_ok(&words(&acme, &["show", HR]));
    for said in ["holders", "offices.floor", "string[]", "immutable", "server", "request"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let json: Value = serde_json::from_str(&gateway.cli_ok(&words(&acme, &["show", HR, "--json"]))).unwrap();
    assert_eq!(json["holders"], 0);

    let directory = tempfile::tempdir().unwrap();
    let broken = directory.path().join("broken.json");
    std::fs::write(
        &broken,
        "{\"id\": \"urn:example:x\", \"attributes\": [{\"name\": \"1\"}, {\"name\": \"id\"}]}",
    )
    .unwrap();
    let broken = broken.display().to_string();
    let not_there = directory.path().join("none.json").display().to_string();
    for (line, said) in [
        (vec!["add", "--file", broken.as_str()], "attribute 1 (1): a name begins with a letter"),
        (vec!["add", "--file", broken.as_str()], "attribute 2 (id): every resource has a common attribute"),
        (vec!["add", "--file", not_there.as_str()], "cannot be read"),
        (vec!["show", "urn:example:none"], "has no schema urn:example:none of its own"),
        (vec!["remove", "urn:example:none"], "has no schema urn:example:none of its own"),
    ] {
        let output = gateway.cli(&words(&acme, &line));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{line:?}: {stderr}");
        assert!(stderr.contains(said) && output.stdout.is_empty(), "{line:?}: {stderr}");
    }
    let removed: Value =
        serde_json::from_str(&gateway.cli_ok(&words(&acme, &["remove", HR, "--json"]))).unwrap();
    assert_eq!(removed, json!({ "urn": HR, "removed": true }));
}
