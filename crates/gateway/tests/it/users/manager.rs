//! The manager of a user: kept as sent, and described when it is a user of the same tenant.

use crate::running::gateway;
use serde_json::json;
use testkit::urn::ENTERPRISE;

#[test]
fn a_manager_who_is_a_user_here_is_told_of_and_any_other_is_kept_as_sent() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(5), Some(5));
    let boss = acme.create_user("boss@example.com", "user").expect(201).id();
    let ada = acme.create_user("ada@example.com", "user").expect(201).id();
    let path = format!("/Users/{ada}");
    let manage = |id: &str| json!([{ "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": id }]);
    acme.patch(&path, &manage(&boss)).expect(200);
    acme.patch(&format!("/Users/{boss}"), &json!([{ "op": "add", "value": { "displayName": "The Boss" } }]))
        .expect(200);
    for answer in [acme.get(&path), acme.find("/Users", "userName eq \"ada@example.com\"")] {
        let user =
            if answer.body["Resources"].is_array() { &answer.body["Resources"][0] } else { &answer.body };
        let due = json!({ "value": boss, "$ref": format!("{}/Users/{boss}", acme.base_url), "displayName": "The Boss" });
        assert_eq!(user[ENTERPRISE]["manager"], due, "{}", answer.text);
    }
    let version = acme.get(&path).body["meta"]["version"].clone();
    acme.put(&path, &acme.get(&path).body).expect(200);
    assert_eq!(
        acme.get(&path).body["meta"]["version"],
        version,
        "what is computed is ignored when it comes back"
    );
    acme.patch(&path, &manage("somebody-elsewhere")).expect(200);
    assert_eq!(acme.get(&path).body[ENTERPRISE]["manager"], json!({ "value": "somebody-elsewhere" }));
}

#[test]
fn a_conditional_get_sees_a_manager_change_and_go() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", Some(5), Some(5));
    let boss = format!("/Users/{}", acme.create_user("boss", "user").expect(201).id());
    let made = acme.create_user("ada", "user").expect(201);
    let path = format!("/Users/{}", made.id());
    let manager = json!({ "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": boss.trim_start_matches("/Users/") });
    let tag = acme.patch(&path, &json!([manager])).expect(200).header("etag").unwrap().to_owned();
    let get = || acme.request("GET", &path).header("if-none-match", &tag).send();
    get().expect(304);
    acme.patch(&boss, &json!([{ "op": "add", "value": { "displayName": "The Boss" } }])).expect(200);
    assert_eq!(get().expect(200).body[ENTERPRISE]["manager"]["displayName"], "The Boss");
    acme.delete(&boss).expect(204);
    let told = get().expect(200).body;
    assert_eq!(told[ENTERPRISE]["manager"], json!({ "value": boss.trim_start_matches("/Users/") }));
}
