//! What was deleted is not in the files any more: neither in the tenant's store nor in what lies beside it.

use serde_json::json;

use super::{GROUP, files_with, operation, roomy, user};
use crate::tick::under;
use testkit::{clocks::MachineClock, urn::ENTERPRISE};

/// A person who bears the mark everywhere.
fn marked(mark: &str) -> serde_json::Value {
    let more = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": format!("{mark}-external"),
        "displayName": format!("{mark} display"),
        "title": format!("{mark} {}", "long ".repeat(1_500)),
        "name": { "givenName": format!("{mark} given"), "familyName": format!("{mark} family") },
        "emails": [{ "value": format!("{mark}@mail.example"), "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": format!("+44 {mark}"), "type": "mobile" }],
        "addresses": [{ "streetAddress": format!("{mark} street"), "type": "home" }],
        ENTERPRISE: { "employeeNumber": format!("{mark}-number"), "department": format!("{mark} department") },
    });
    user(&format!("{mark}@user.example"), &more)
}

#[test]
fn attack_68_nothing_of_a_deleted_person_stays_in_the_files_after_an_orderly_stop() {
    let clock = MachineClock::new();
    let mut gateway = under(&clock);
    let acme = roomy(&gateway, "ire", "acme");
    // Else the provisioning log has the names for as long as the profile says.
    let ids = json!({ "log": { "people": "ids" } });
    gateway.admin("PATCH", &format!("{}/profile/overrides", acme.admin_path()), Some(&ids)).expect(200);
    let create = |mark: &str| {
        let id = acme.post("/Users", &marked(mark)).expect(201).body["id"].as_str().unwrap().to_owned();
        format!("/Users/{id}")
    };
    // Among others, who stay.
    let all: Vec<(String, String)> = (0..60)
        .map(|n| {
            let mark = format!("{}{n:02}", if n % 2 == 0 { "canary" } else { "sparrow" });
            (create(&mark), mark)
        })
        .collect();
    let members: Vec<_> = all
        .iter()
        .map(|(path, mark)| json!({ "value": path.trim_start_matches("/Users/"), "display": format!("{mark} member") }))
        .collect();
    let group = json!({ "schemas": [GROUP], "displayName": "everybody", "members": members });
    acme.post("/Groups", &group).expect(201);
    for (path, mark) in &all {
        if mark.starts_with("canary") {
            acme.delete(path).expect(204);
        }
    }
    // Values that are replaced or taken away are gone as well, though the person stays, when an undo may not want them any more.
    let replaced = create("oldname");
    acme.put(&replaced, &user("newname@user.example", &json!({}))).expect(200);
    let patched = acme.post("/Users", &user("stays", &json!({ "phoneNumbers": [{ "value": "oldphone" }] })));
    let patched = format!("/Users/{}", patched.expect(201).body["id"].as_str().unwrap());
    acme.patch(&patched, &operation("remove", "phoneNumbers", json!(null)));

    assert_eq!(gateway.stop(), Some(0));
    let nowhere = Vec::<std::path::PathBuf>::new();
    assert_eq!(files_with(&gateway.data_dir(), "canary"), nowhere);
    gateway.start_again();
    clock.set("+8d");
    gateway.admin("POST", "/tick", None).expect(200);
    assert_eq!(gateway.stop(), Some(0));
    for gone in ["canary", "oldname", "oldphone"] {
        assert_eq!(files_with(&gateway.data_dir(), gone), nowhere, "{gone}");
    }
    assert_eq!(files_with(&gateway.data_dir(), "sparrow01").len(), 1, "the search finds what is there");
    gateway.start_again();
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 32);
}
