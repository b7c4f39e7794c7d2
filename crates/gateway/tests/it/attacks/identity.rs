//! Identity and rights of a resource: the server gives ids, and no request can claim rights (rows 1 to 3, 26 to 29).

use serde_json::{Value, json};

use super::{NOBODY, gateway, group, operation, roomy, user};

#[test]
fn attack_1_an_external_id_is_never_an_id() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let made = acme.post("/Users", &user("ada", &json!({ "externalId": "1" }))).expect(201);
    assert_ne!(made.id(), "1");
    let nobody = acme.get(NOBODY).expect(404).text;
    assert_eq!(acme.get("/Users/1").expect(404).text, nobody);
    let nobody = acme.delete(NOBODY).expect(404).without_reference();
    assert_eq!(acme.put("/Users/1", &user("eve", &json!({}))).expect(404).without_reference(), nobody);
    assert_eq!(acme.delete("/Users/1").expect(404).without_reference(), nobody);
    assert_eq!(acme.get(&format!("/Users/{}", made.id())).expect(200).body["userName"], "ada");
}

#[test]
fn attack_2_id_and_meta_are_the_servers() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let wished = json!({
        "id": "x",
        "meta": { "created": "1999-01-01T00:00:00Z", "version": "W/\"99\"", "location": "https://evil.example", "resourceType": "Admin" },
    });
    for (path, body) in
        [("/Users", user("ada", &wished)), ("/Groups", super::merged(group("g", &[]), &wished))]
    {
        let made = acme.post(path, &body).expect(201);
        assert_ne!(made.id(), "x");
        assert_ne!(made.body["meta"]["version"], "W/\"99\"");
        assert!(!made.text.contains("1999-01-01") && !made.text.contains("evil.example"), "{}", made.text);
        let location = format!("{}{path}/{}", acme.base_url, made.id());
        assert_eq!(made.header("location"), Some(location.as_str()));
    }
    acme.get("/Users/x").expect(404);
}

#[test]
fn attack_3_the_id_in_a_body_moves_no_change_to_somebody_else() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let mine = acme.create_user("mine", "").expect(201).id();
    let victim = acme.create_user("victim", "").expect(201);
    let (mine, theirs) = (format!("/Users/{mine}"), format!("/Users/{}", victim.id()));
    let put = acme.put(&mine, &user("renamed", &json!({ "id": victim.id() })));
    assert!(matches!(put.status, 200 | 400), "{}", put.text);
    acme.patch(&mine, &json!([{ "op": "replace", "value": { "id": victim.id(), "title": "Boss" } }]))
        .expect(200);
    acme.patch(&mine, &operation("replace", "id", victim.id().into())).expect_error(400, "mutability");
    assert_eq!(acme.get(&theirs).expect(200).body, victim.body);
}

#[test]
fn attack_26_rights_and_inner_columns_cannot_be_assigned() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let wished = json!({
        "isAdmin": true, "is_admin": true, "tenantId": "t-canary", "seatType": "member", "passwordHash": "h-canary",
        "created_at": "c-canary", "version": 99, "user_name_key": "k-canary", "document": "d-canary",
    });
    let id = acme.post("/Users", &user("ada", &wished)).expect(201).id();
    let path = format!("/Users/{id}");
    acme.put(&path, &user("ada", &wished)).expect(200);
    acme.patch(
        &path,
        &json!([{ "op": "replace", "value": super::merged(wished.clone(), &json!({ "title": "Dr" })) }]),
    )
    .expect(200);
    let read = acme.get(&path).expect(200);
    for name in wished.as_object().unwrap().keys() {
        assert!(read.body.get(name).is_none(), "{name} in {}", read.text);
        acme.patch(&path, &operation("add", name, json!("x"))).expect_error(400, "invalidPath");
    }
    let stored = super::files_with(&gateway.data_dir(), "-canary");
    assert!(stored.is_empty(), "{stored:?}");
    assert_eq!(gateway.seats(&acme)["member"]["used"], 0, "no seat is claimed by a made-up name");
}

#[test]
fn attack_27_what_a_user_says_of_its_rights_opens_nothing() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let rights = json!({
        "userType": "admin",
        "roles": [{ "value": "admin", "primary": true }],
        "entitlements": [{ "value": "tenant:*" }],
    });
    let made = acme.post("/Users", &user("ada", &rights)).expect(201);
    acme.post("/Groups", &group("Admins", &[&made.id()])).expect(201);
    assert_eq!(made.body["entitlements"][0]["value"], "tenant:*", "kept as data");
    let staff = testkit::http::Request::new("GET", &format!("{}/admin/v1/regions", gateway.url));
    staff.bearer(&acme.token).send().expect(401);
}

#[test]
fn attack_28_membership_is_not_changed_through_the_user() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let club = acme.post("/Groups", &group("club", &[])).expect(201).id();
    let wished = json!({ "groups": [{ "value": club }] });
    let made = acme.post("/Users", &user("ada", &wished)).expect(201);
    let path = format!("/Users/{}", made.id());
    acme.put(&path, &user("ada", &wished)).expect(200);
    acme.patch(&path, &json!([{ "op": "add", "value": super::merged(wished, &json!({ "title": "Dr" })) }]))
        .expect(200);
    for (op, path_in) in
        [("add", "groups"), ("replace", "groups[value eq \"x\"].value"), ("remove", "groups")]
    {
        let value = if op == "remove" { Value::Null } else { json!([{ "value": club }]) };
        acme.patch(&path, &operation(op, path_in, value)).expect_error(400, "mutability");
    }
    let groups = &acme.get(&path).expect(200).body["groups"];
    assert!(groups.as_array().is_none_or(Vec::is_empty), "{groups}");
    let members = &acme.get(&format!("/Groups/{club}")).expect(200).body["members"];
    assert!(members.as_array().is_none_or(Vec::is_empty), "{members}");
}

#[test]
fn attack_29_what_is_read_only_or_immutable_stays() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let ada = acme.create_user("ada", "user").expect(201);
    let club = acme.post("/Groups", &group("club", &[&ada.id()])).expect(201);
    let seat = "urn:usher:params:scim:schemas:extension:seat:2.0:User";
    let of_users = [
        ("replace", "id".to_owned()),
        ("add", "meta.created".to_owned()),
        ("remove", "meta".to_owned()),
        ("replace", "groups".to_owned()),
        ("replace", format!("{seat}:grantedLicense")),
        ("add", seat.to_owned()),
    ];
    let path = format!("/Users/{}", ada.id());
    for (op, attribute) in of_users {
        let value = if op == "remove" { Value::Null } else { json!("x") };
        acme.patch(&path, &operation(op, &attribute, value)).expect_error(400, "mutability");
    }
    let club_path = format!("/Groups/{}", club.id());
    let member = format!("members[value eq \"{}\"].value", ada.id());
    acme.patch(&club_path, &operation("replace", &member, json!("x"))).expect_error(400, "mutability");
    assert_eq!(acme.get(&path).expect(200).body["meta"]["version"], ada.body["meta"]["version"]);
    assert_eq!(acme.get(&club_path).expect(200).body, club.body);
}
