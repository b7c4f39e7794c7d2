//! `version` of an operation is its `If-Match` (RFC 7644 §3.7).

use serde_json::json;

use super::{bulk, delete, new_user, patch, statuses};
use crate::running::{new_group, replace, roomy, user_body};

#[test]
fn each_operation_has_its_own_precondition_in_any_spelling() {
    let (_gateway, acme) = roomy();
    let ada = format!("/Users/{}", acme.create_user("ada", "").expect(201).id());
    let crew = format!("/Groups/{}", new_group(&acme, "Crew", &[]));
    let with = |mut operation: serde_json::Value, version: &str| {
        operation["version"] = version.into();
        operation
    };
    let title = |title: &str| patch(&ada, &replace("title", title));
    let ended = bulk(
        &acme,
        &json!([
            with(title("one"), "W/\"1\""),
            with(title("stale"), "W/\"1\""),
            with(title("two"), "\"2\""),
            with(title("three"), "W/\"7\", W/\"3\""),
            with(title("four"), "*"),
            with(title("no tag"), "5"),
            with(title("empty"), ""),
            with(patch(&crew, &replace("displayName", "Team")), "W/\"2\""),
            with(patch(&crew, &replace("displayName", "Team")), "W/\"1\""),
            with(delete(&crew), "W/\"1\""),
            with(
                json!({ "method": "PUT", "path": ada, "data": user_body(&json!({ "userName": "ada" })) }),
                "W/\"4\""
            ),
            with(new_user("eve", &json!({})), "W/\"9\""),
            with(delete(&ada), "W/\"5\""),
            with(delete(&ada), "*"),
        ]),
    );
    assert_eq!(
        statuses(&ended),
        ["200", "412", "200", "200", "200", "412", "412", "412", "204", "412", "412", "201", "204", "404"]
    );
    let versions: Vec<&str> = ended.iter().filter_map(|operation| operation["version"].as_str()).collect();
    assert_eq!(versions, ["W/\"2\"", "W/\"3\"", "W/\"4\"", "W/\"5\"", "W/\"2\"", "W/\"1\""]);
    let stale = &ended[1]["response"];
    assert!(stale["detail"].as_str().unwrap().contains("W/\"2\""), "{stale}");
    assert_eq!(acme.get(&crew).expect(200).header("etag"), Some("W/\"2\""));
}

#[test]
fn what_changes_nothing_keeps_its_version_in_a_bulk_too() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", ada.id());
    let ended = bulk(&acme, &json!([patch(&path, &replace("userName", "ada")), patch(&path, &json!([]))]));
    assert_eq!(statuses(&ended), ["200", "200"]);
    assert!(ended.iter().all(|operation| operation["version"] == "W/\"1\""), "{ended:?}");
    assert_eq!(acme.get(&path).expect(200).body, ada.body);
}
