//! Microsoft Entra ID's dialect (idp-wire §4): look up, POST, then only PATCH, with capitals and booleans as strings.

use serde_json::{Value, json};
use testkit::http::Answer;

use crate::story::{Outcome, Story};
use testkit::urn::{ENTERPRISE, GROUP, PATCH_OP, USER};

/// §4.1: *Test connection* asks for a random user, and wants an empty list.
pub(crate) fn test_connection(story: &mut Story<'_>) {
    story.find_none(&look_up("6f1c7e52-0d4b-4c43-9f0e-3d1b8c2a9e77"));
}

fn look_up(user_name: &str) -> String {
    format!("/Users?filter=userName+eq+%22{}%22", user_name.replace('@', "%40"))
}

/// §4.2 and §4.3: one user of a cycle, with `userType` from an app role. A refused one comes again like this in the next cycle.
pub(crate) fn provision(story: &mut Story<'_>, name: &str, user_type: &str) -> Outcome {
    let (given, family) = name.split_once(' ').unwrap();
    let user_name = format!("{}@acme.example", given.to_lowercase());
    let user = json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": given.to_lowercase(),
        "userName": user_name,
        "active": true,
        "displayName": name,
        "emails": [{ "primary": true, "type": "work", "value": user_name }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": name, "familyName": family, "givenName": given },
        "userType": user_type,
        "roles": []
    });
    story.create_user(&look_up(&user_name), &user, user_type)
}

/// §4.2: groups come without members, after the users.
pub(crate) fn create_group(story: &mut Story<'_>, name: &str) -> String {
    let query = format!("/Groups?excludedAttributes=members&filter=displayName+eq+%22{name}%22");
    let external_id = format!("object-id-of-{name}");
    story.create_group(&query, &json!({ "schemas": [GROUP], "displayName": name, "externalId": external_id }))
}

/// §4.4: one PATCH for each member; `op` is `Add` or `Remove`.
pub(crate) fn membership(story: &mut Story<'_>, op: &str, group: &str, user: &str) -> Answer {
    let operation = json!({ "op": op, "path": "members", "value": [{ "value": user }] });
    patch(story, &format!("/Groups/{group}"), operation)
}

/// §4.5: the user left the scope; the boolean is a string.
pub(crate) fn deactivate(story: &mut Story<'_>, user: &str) -> Answer {
    let operation = json!({ "op": "Replace", "path": "active", "value": "False" });
    patch(story, &format!("/Users/{user}"), operation)
}

fn patch(story: &mut Story<'_>, path: &str, operation: Value) -> Answer {
    story.send("PATCH", path, Some(&json!({ "schemas": [PATCH_OP], "Operations": [operation] })))
}
