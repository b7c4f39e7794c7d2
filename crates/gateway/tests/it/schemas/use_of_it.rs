//! What an identity provider can do with a tenant's own schema: all that it can do with the built-in ones.

use serde_json::{Value, json};
use testkit::http::encode;

use super::{HR, add, add_example, document, person, schemas_path};
use crate::running::{GROUP, GROUP_ORIGIN, SEAT, USER, USER_ORIGIN, gateway, gateway_with, roomy};
use testkit::urn::BULK_REQUEST;

fn names(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_example_is_added_to_a_running_gateway_and_obeyed_at_once() {
    let (gateway, acme) = roomy();
    // Before: nobody knows the schema, and the gateway has its rules cached.
    let early = acme.post("/Users", &person("early", json!({ "badge": "E" }))).expect(201);
    assert!(early.body.get(HR).is_none() && !early.text.contains(HR), "{}", early.text);
    acme.find("/Users", &format!("{HR}:badge pr")).expect_error(400, "invalidFilter");
    acme.get(&format!("/Schemas/{HR}")).expect_error(404, "");

    let said = add_example(&gateway, &acme, &[]);
    assert_eq!(said.trim(), format!("Schema {HR} is added: it extends User in ire/acme."));

    let told = acme.get(&format!("/Schemas/{HR}")).expect(200).body;
    assert_eq!(
        names(&told["attributes"], "name"),
        ["badge", "hired", "level", "seated", "skills", "offices"]
    );
    assert_eq!(told["attributes"][0]["uniqueness"], "server");
    let listed = acme.get("/Schemas").expect(200).body;
    assert!(names(&listed["Resources"], "id").contains(&HR.to_owned()));
    let user_type = acme.get("/ResourceTypes/User").expect(200).body;
    assert!(
        user_type["schemaExtensions"]
            .as_array()
            .unwrap()
            .contains(&json!({ "schema": HR, "required": false }))
    );

    let block = json!({
        "badge": "A7", "hired": "2026-01-31T09:00:00Z", "level": 3, "seated": "True", "skills": ["rust", "Rust", "sql"],
        "offices": [{ "value": "Dublin", "floor": 2, "type": "main", "primary": true }, { "value": "Cork" }],
    });
    let ann = acme.post("/Users", &person("ann", block)).expect(201);
    assert_eq!(ann.body["schemas"], json!([USER, HR, SEAT, USER_ORIGIN]));
    let shown = json!({
        "badge": "A7", "hired": "2026-01-31T09:00:00Z", "seated": true, "skills": ["rust", "sql"],
        "offices": [{ "value": "Dublin", "floor": 2, "type": "main", "primary": true }, { "value": "Cork" }],
    });
    assert_eq!(ann.body[HR], shown, "level is answered on request only");
    let path = format!("/Users/{}", ann.id());
    assert_eq!(acme.get(&path).expect(200).body, ann.body);
    // Who has none of its data does not list its URN.
    assert_eq!(
        acme.get(&format!("/Users/{}", early.id())).expect(200).body["schemas"],
        json!([USER, SEAT, USER_ORIGIN])
    );

    // Validated, all faults at once, by their full names.
    let refused = acme.post(
        "/Users",
        &person("bob", json!({ "hired": "soon", "level": 1.5, "offices": [{ "floor": 1 }] })),
    );
    let detail = refused.expect_error(400, "invalidValue").body["detail"].as_str().unwrap().to_owned();
    for said in ["hired must be a dateTime", "level must be an integer", ":badge, ", ":offices.value."] {
        assert!(detail.contains(said), "{detail}");
    }
    assert!(detail.is_ascii() && detail.len() < 500);

    // Unique with its letter case, which the attribute says matters.
    let taken = acme.post("/Users", &person("bob", json!({ "badge": "A7" }))).expect_error(409, "uniqueness");
    let detail = taken.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("{HR}:badge is taken by the resource {}", ann.id())), "{detail}");
    let bob = acme
        .post("/Users", &person("bob", json!({ "badge": "a7", "level": 5, "skills": ["sql"] })))
        .expect(201);

    // Filtered.
    for (filter, found) in [
        ("badge eq \"A7\"", vec!["ann"]),
        ("badge eq \"a7\"", vec!["bob"]),
        ("level ge 3 and URN:badge pr", vec!["ann", "bob"]),
        ("level gt 3", vec!["bob"]),
        ("hired lt \"2026-01-31T10:00:00+01:00\"", vec![]),
        ("hired le \"2026-01-31T10:00:00+01:00\"", vec!["ann"]),
        ("skills eq \"SQL\"", vec!["ann", "bob"]),
        ("seated eq true", vec!["ann"]),
        ("offices[type eq \"main\" and floor gt 1]", vec!["ann"]),
        ("offices.value sw \"cor\"", vec!["ann"]),
    ] {
        let filter = format!("{HR}:{}", filter.replace("URN", HR));
        let answer = acme.find("/Users", &filter).expect(200).body;
        let mut users = names(&answer["Resources"], "userName");
        users.sort();
        assert_eq!(users, found, "{filter}");
    }

    // Projected.
    let only = |attributes: &str| {
        acme.get(&format!("{path}?attributes={HR}:{attributes}")).expect(200).body[HR].clone()
    };
    assert_eq!(only("level"), json!({ "level": 3 }));
    assert_eq!(only("offices.floor"), json!({ "offices": [{ "floor": 2 }] }));
    let without = acme.get(&format!("{path}?excludedAttributes={HR}:offices,{HR}:skills")).expect(200).body;
    assert_eq!(without[HR], json!({ "badge": "A7", "hired": "2026-01-31T09:00:00Z", "seated": true }));
    assert!(acme.get(&format!("{path}?excludedAttributes={HR}")).expect(200).body.get(HR).is_none());

    // Patched, by path, by URN and without a path.
    let patched = acme.patch(
        &path,
        &json!([
            { "op": "replace", "path": format!("{HR}:offices[type eq \"main\"].floor"), "value": 4 },
            { "op": "remove", "path": format!("{HR}:skills"), "value": ["RUST"] },
            { "op": "add", "path": HR, "value": { "level": 4 } },
            { "op": "replace", "value": { HR: { "seated": "false" }, format!("{HR}:hired"): "2026-02-01T09:00:00Z" } },
        ]),
    );
    let patched = patched.expect(200).body[HR].clone();
    assert_eq!(patched["offices"][0]["floor"], 4);
    assert_eq!((&patched["skills"], &patched["seated"]), (&json!(["sql"]), &json!(false)));
    assert_eq!(only("level"), json!({ "level": 4 }));
    for (operations, scim_type) in [
        (json!([{ "op": "replace", "path": format!("{HR}:badge"), "value": "B" }]), "mutability"),
        (json!([{ "op": "remove", "path": HR }]), "mutability"),
        (json!([{ "op": "replace", "path": format!("{HR}:level"), "value": "high" }]), "invalidValue"),
        (json!([{ "op": "add", "path": format!("{HR}:shoeSize"), "value": 1 }]), "invalidPath"),
        (
            json!([{ "op": "remove", "path": format!("{HR}:offices[value eq \"Dublin\"].value") }]),
            "mutability",
        ),
    ] {
        acme.patch(&path, &operations).expect_error(400, scim_type);
    }

    // What changes nothing, another order among it, is no change.
    let before = acme.get(&path).expect(200);
    let mut same = before.body.clone();
    same[HR]["offices"].as_array_mut().unwrap().reverse();
    let after = acme.put(&path, &same).expect(200);
    assert_eq!(after.body, before.body);
    assert_eq!(
        only("level"),
        json!({ "level": 4 }),
        "what was not shown is not cleared by who sends back what was"
    );

    // As long as somebody holds data the schema stays.
    let refused = gateway.cli(&super::words(&acme, &["remove", HR]));
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(said.lines().count(), 1);
    assert!(said.starts_with("there are 2 users of this tenant with data of"), "{said}");
    for id in [ann.id(), bob.id()] {
        acme.delete(&format!("/Users/{id}")).expect(204);
    }
    let said = gateway.cli_ok(&super::words(&acme, &["remove", HR]));
    assert_eq!(said.trim(), format!("Schema {HR} of ire/acme is removed."));
    acme.get(&format!("/Schemas/{HR}")).expect_error(404, "");
    let late = acme.post("/Users", &person("late", json!({ "badge": "L" }))).expect(201);
    assert!(!late.text.contains(HR), "{}", late.text);
    gateway.audit(&acme);
}

#[test]
fn a_list_is_sorted_by_a_tenants_own_attribute_and_walked_by_cursor() {
    let (gateway, acme) = roomy();
    add_example(&gateway, &acme, &[]);
    // Equal levels stay in the order of creation, a badge is compared with its letter case, and who has neither is last.
    for (name, block) in [
        ("ann", json!({ "badge": "b", "level": 10, "offices": [{ "value": "Cork" }] })),
        (
            "bob",
            json!({ "badge": "B", "level": 9, "offices": [{ "value": "Dublin", "primary": true }, { "value": "A" }] }),
        ),
        ("cid", json!({ "badge": "a", "level": 10, "hired": "2026-01-31T10:00:00+02:00" })),
        ("dan", json!({ "badge": "C", "hired": "2026-01-31T09:00:00Z" })),
        ("eve", json!({})),
    ] {
        acme.post("/Users", &person(name, block)).expect(201);
    }
    let told = |page: &Value| names(&page["Resources"], "userName");
    for (attribute, expected) in [
        ("badge", ["bob", "dan", "cid", "ann", "eve"]),
        ("level", ["bob", "ann", "cid", "dan", "eve"]),
        ("hired", ["cid", "dan", "ann", "bob", "eve"]),
        ("offices", ["ann", "bob", "cid", "dan", "eve"]),
        ("offices[primary eq true].value", ["bob", "ann", "cid", "dan", "eve"]),
    ] {
        let path = format!("/Users?sortBy={}", encode(&format!("{HR}:{attribute}")));
        let sorted = acme.get(&path).expect(200).body;
        // Whatever is answered on request only is ordered by all the same: who asks may ask for it.
        assert_eq!(told(&sorted), expected, "{attribute}");
        let page = |cursor: &str| acme.get(&format!("{path}&count=2&cursor={cursor}")).expect(200).body;
        let mut current = page("");
        let mut walked = told(&current);
        while let Some(next) = current.get("nextCursor") {
            current = page(next.as_str().unwrap());
            walked.extend(told(&current));
        }
        assert_eq!(walked, expected, "{attribute} by cursor");
        let mut back = told(&current);
        while let Some(previous) = current.get("previousCursor") {
            current = page(previous.as_str().unwrap());
            back = [told(&current), back].concat();
        }
        assert_eq!(back, expected, "{attribute} by cursor, back");
    }
    let descending = acme.get(&format!("/Users?sortBy={HR}:level&sortOrder=descending")).expect(200).body;
    assert_eq!(told(&descending), ["dan", "eve", "ann", "cid", "bob"]);
    acme.get(&format!("/Users?sortBy={HR}:shoeSize")).expect_error(400, "invalidPath");
}

#[test]
fn attack_12_another_tenant_sees_nothing_of_a_tenants_own_schema() {
    let gateway = gateway();
    let (acme, globex) =
        (gateway.tenant("ire", "acme", None, None), gateway.tenant("ire", "globex", None, None));
    let far = gateway.tenant("us", "acme", None, None);
    add_example(&gateway, &acme, &["--required"]);
    acme.post("/Users", &person("ann", json!({ "badge": "7" }))).expect(201);
    for other in [&globex, &far] {
        for path in ["/Schemas", "/ResourceTypes", "/ResourceTypes/User", "/Users"] {
            let answer = other.get(path).expect(200);
            assert!(!answer.text.contains(HR), "{path}: {}", answer.text);
        }
        other.get(&format!("/Schemas/{HR}")).expect_error(404, "");
        other.find("/Users", &format!("{HR}:badge eq \"7\"")).expect_error(400, "invalidFilter");
        // The same badge, and none of it is kept; nor is the extension demanded.
        let made = other.post("/Users", &person("ann", json!({ "badge": "7" }))).expect(201);
        assert!(!made.text.contains(HR), "{}", made.text);
        let path = format!("{HR}:badge");
        let patch = json!([{ "op": "add", "path": path, "value": "8" }]);
        other.patch(&format!("/Users/{}", made.id()), &patch).expect_error(400, "invalidPath");
        assert_eq!(gateway.admin("GET", &schemas_path(other), None).expect(200).body, json!([]));
        let strict = json!({ "settings": { "strict": true } });
        gateway.admin("PATCH", &other.admin_path(), Some(&strict)).expect(200);
        other.post("/Users", &person("bob", json!({ "badge": "9" }))).expect_error(400, "invalidSyntax");
    }
}

#[test]
fn a_required_extension_is_told_and_demanded_and_keeps_nobody_from_being_switched_off() {
    let (gateway, acme) = roomy();
    let early = acme.create_user("early", "").expect(201).id();
    add_example(&gateway, &acme, &["--required"]);
    let user_type = acme.get("/ResourceTypes/User").expect(200).body;
    assert!(
        user_type["schemaExtensions"]
            .as_array()
            .unwrap()
            .contains(&json!({ "schema": HR, "required": true }))
    );
    let missing = format!("The required attribute {HR}:badge is missing.");
    let path = format!("/Users/{early}");
    for refused in [
        acme.create_user("ann", ""),
        acme.post("/Users", &person("ann", json!({}))),
        acme.put(&path, &json!({ "schemas": [USER], "userName": "early", "displayName": "E" })),
    ] {
        let refused = refused.expect_error(400, "invalidValue");
        let detail = refused.body["detail"].as_str().unwrap();
        assert_eq!(detail.rsplit_once(" Ref ").unwrap().0, missing);
    }
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(acme.patch(&path, &off).expect(200).body["active"], false);
    acme.put(&path, &person("early", json!({ "badge": "E" }))).expect(200);
    acme.post("/Users", &person("ann", json!({ "badge": "A" }))).expect(201);
}

#[test]
fn groups_have_extensions_of_their_own() {
    let (gateway, acme) = roomy();
    let urn = "urn:example:teams:1.0:Group";
    let attributes = json!([
        { "name": "costCentre", "uniqueness": "server" }, { "name": "size", "type": "integer" }, { "name": "note", "returned": "request" },
    ]);
    let body = json!({ "schema": document(urn, attributes), "resource": "Group" });
    gateway.admin("POST", &schemas_path(&acme), Some(&body)).expect(201);
    let user = acme.create_user("ann", "").expect(201).id();
    let group = |name: &str, block: Value| json!({ "schemas": [GROUP, urn], "displayName": name, "members": [{ "value": user }], urn: block });
    let made =
        acme.post("/Groups", &group("a", json!({ "costCentre": "C1", "size": 3, "note": "n" }))).expect(201);
    assert_eq!(made.body["schemas"], json!([GROUP, urn, GROUP_ORIGIN]));
    assert_eq!(made.body[urn], json!({ "costCentre": "C1", "size": 3 }));
    let path = format!("/Groups/{}", made.id());
    assert_eq!(acme.get(&path).expect(200).body, made.body);
    let noted = acme.get(&format!("{path}?attributes={urn}:note")).expect(200).body;
    assert_eq!(noted[urn], json!({ "note": "n" }));
    acme.post("/Groups", &group("b", json!({ "costCentre": "c1" }))).expect_error(409, "uniqueness");
    assert_eq!(acme.find("/Groups", &format!("{urn}:size eq 3")).expect(200).body["totalResults"], 1);
    acme.patch(&path, &json!([{ "op": "replace", "path": format!("{urn}:size"), "value": 4 }])).expect(204);
    assert_eq!(acme.get(&path).expect(200).body[urn]["size"], 4);
    // Of groups alone.
    let person = json!({ "schemas": [USER], "userName": "bob", urn: { "size": 1 } });
    assert!(!acme.post("/Users", &person).expect(201).text.contains(urn));
    acme.patch(&path, &json!([{ "op": "remove", "path": urn }])).expect(204);
    assert_eq!(acme.get(&path).expect(200).body["schemas"], json!([GROUP, GROUP_ORIGIN]));
    gateway.admin("DELETE", &format!("{}/{urn}", schemas_path(&acme)), None).expect(204);
}

#[test]
fn attack_26_names_of_the_product_are_data_under_their_own_urn_and_nothing_else() {
    let (gateway, acme) = roomy();
    let urn = "urn:example:grab:1.0:User";
    let names = ["isAdmin", "tenantId", "seatType", "grantedLicense", "active", "userName", "groups"];
    let attributes = |names: &[&str]| names.iter().map(|name| json!({ "name": name })).collect();
    // A secret rests under no URN.
    add(&gateway, &acme, &document(urn, attributes(&["password"]))).expect(400);
    add(&gateway, &acme, &document(urn, attributes(&names))).expect(201);
    let block: Value = names.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
    let body = json!({ "schemas": [USER, urn], "userName": "ann", urn: block });
    let ann = acme.post("/Users", &body).expect(201);
    assert_eq!(ann.body[urn], body[urn]);
    assert_eq!((&ann.body["userName"], &ann.body["active"]), (&json!("ann"), &json!(true)));
    assert_eq!(ann.body[SEAT]["grantedLicense"], "member_lite");
    assert!(ann.body.get("isAdmin").is_none() && ann.body.get("groups").is_none());
    // Without the URN the names mean what they mean everywhere.
    acme.find("/Users", "isAdmin eq \"x\"").expect_error(400, "invalidFilter");
    assert_eq!(acme.find("/Users", "userName eq \"x\"").expect(200).body["totalResults"], 0);
    assert_eq!(acme.find("/Users", &format!("{urn}:userName eq \"X\"")).expect(200).body["totalResults"], 1);
    acme.find("/Users", "password eq \"x\"").expect_error(400, "invalidFilter");
    acme.patch(&format!("/Users/{}", ann.id()), &json!([{ "op": "add", "path": "isAdmin", "value": "x" }]))
        .expect_error(400, "invalidPath");
}

#[test]
fn every_change_holds_for_the_very_next_request() {
    let (gateway, acme) = roomy();
    for round in 0..20 {
        add_example(&gateway, &acme, &[]);
        let made = acme.post("/Users", &person(&format!("u{round}"), json!({ "badge": "B" }))).expect(201);
        assert_eq!(made.body[HR], json!({ "badge": "B" }), "round {round}");
        acme.delete(&format!("/Users/{}", made.id())).expect(204);
        gateway.admin("DELETE", &format!("{}/{HR}", schemas_path(&acme)), None).expect(204);
        let made = acme.post("/Users", &person(&format!("v{round}"), json!({ "badge": "B" }))).expect(201);
        assert!(!made.text.contains(HR), "round {round}: {}", made.text);
    }
}

#[test]
fn attack_68_schemas_and_their_data_outlive_a_restart_and_end_with_their_tenant() {
    let (mut gateway, acme) = roomy();
    add_example(&gateway, &acme, &[]);
    let ann = acme.post("/Users", &person("ann", json!({ "badge": "7" }))).expect(201);
    gateway.kill();
    gateway.start_again();
    assert_eq!(acme.get(&format!("/Users/{}", ann.id())).expect(200).body, ann.body);
    acme.post("/Users", &person("bob", json!({ "badge": "7" }))).expect_error(409, "uniqueness");
    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    let again = gateway.tenant("ire", "acme", None, None);
    assert_eq!(gateway.admin("GET", &schemas_path(&again), None).expect(200).body, json!([]));
    assert!(!again.get("/Schemas").expect(200).text.contains(HR));
    let ann = again.post("/Users", &person("ann", json!({ "badge": "7" }))).expect(201);
    assert!(!ann.text.contains(HR));
}

/// Staff add a schema while a bulk runs; what is left of it is done under the new one.
#[test]
fn a_bulk_goes_on_when_a_schema_is_added_meanwhile() {
    let gateway = gateway_with(&[("USHER__LIMITS__BULK_SECONDS", "300")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let total = || acme.get("/Users?count=0").expect(200).body["totalResults"].as_u64().unwrap();
    let names = |round: usize| (0..1000).map(move |n| format!("r{round}n{n}"));
    // The tenant's first schema, and one more.
    for round in 0..2_usize {
        let urn = format!("urn:example:round{round}:2.0:User");
        let block = |name: &str| json!({ "schemas": [USER], "userName": name, &urn: { "badge": name } });
        let post = |name: String| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": block(&name) });
        let operations: Vec<Value> = names(round).map(post).collect();
        let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
        let before = total();
        let answer = std::thread::scope(|scope| {
            let bulk = scope.spawn(|| acme.post("/Bulk", &body).expect(200));
            while total() == before {}
            let badge = json!([{ "name": "badge", "uniqueness": "server" }]);
            add(&gateway, &acme, &document(&urn, badge)).expect(201);
            assert!(total() < before + 1000, "this machine is too fast for this test");
            bulk.join().unwrap()
        });
        for ended in answer.body["Operations"].as_array().unwrap() {
            assert_eq!(ended["status"], "201", "{ended}");
        }
        let found = acme.find("/Users", &format!("userName eq \"r{round}n999\"")).expect(200).body;
        let last = &found["Resources"][0];
        assert_eq!(last[&urn]["badge"], format!("r{round}n999"), "{last}");
    }
    gateway.audit(&acme);
}
