//! Microsoft Entra ID's dialect (idp-wire §4): look up, POST, then only PATCH, with capitals and booleans as strings.

use serde_json::{Value, json};

use crate::{
    idp::{Answer, Idp},
    story::{Outcome, Story, Wrong},
};

const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// §4.1: asks for a random user, and wants an empty list.
pub(crate) fn test_connection(idp: &Idp, story: &mut Story<'_>) -> Result<Answer, Wrong> {
    look_up(idp, story, "6f1c7e52-0d4b-4c43-9f0e-3d1b8c2a9e77")
}

fn look_up(idp: &Idp, story: &mut Story<'_>, user_name: &str) -> Result<Answer, Wrong> {
    idp.get(story, &format!("/Users?filter=userName+eq+%22{}%22", user_name.replace('@', "%40")))
}

/// §4.2: one user of a cycle, looked up and then created. A refused one comes again like this in the next cycle.
pub(crate) fn provision(
    idp: &Idp,
    story: &mut Story<'_>,
    (given, family): (&str, &str),
    user_type: &str,
) -> Result<Outcome, Wrong> {
    let user_name = format!("{}@acme.example", given.to_lowercase());
    let found = look_up(idp, story, &user_name)?;
    story.expect(
        found.found_none(),
        &format!("{user_name} is new, but the look-up answered {}.", found.status),
    )?;
    let answer = idp.post(story, "/Users", &user(&user_name, given, family, user_type))?;
    let what = format!("POST /Users {user_name} asks for {user_type}");
    Ok(story.note(&what, &user_name, user_type, &answer))
}

/// §4.3, with `userType` from an app role.
fn user(user_name: &str, given: &str, family: &str, user_type: &str) -> Value {
    json!({
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "externalId": given.to_lowercase(),
        "userName": user_name,
        "active": true,
        "displayName": format!("{given} {family}"),
        "emails": [{ "primary": true, "type": "work", "value": user_name }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": format!("{given} {family}"), "familyName": family, "givenName": given },
        "userType": user_type,
        "roles": []
    })
}

/// §4.2: groups come without members, after the users.
pub(crate) fn create_group(idp: &Idp, story: &mut Story<'_>, name: &str) -> Result<Answer, Wrong> {
    let query = format!("/Groups?excludedAttributes=members&filter=displayName+eq+%22{name}%22");
    let found = idp.get(story, &query)?;
    story.expect(
        found.found_none(),
        &format!("group {name} is new, but the look-up answered {}.", found.status),
    )?;
    idp.post(
        story,
        "/Groups",
        &json!({ "schemas": [GROUP], "displayName": name, "externalId": format!("object-id-of-{name}") }),
    )
}

/// §4.4: one PATCH for each member; `op` is `Add` or `Remove`.
pub(crate) fn membership(
    idp: &Idp,
    story: &mut Story<'_>,
    op: &str,
    group: &str,
    user: &str,
) -> Result<Answer, Wrong> {
    let operation = json!({ "op": op, "path": "members", "value": [{ "value": user }] });
    idp.patch(
        story,
        &format!("/Groups/{group}"),
        &json!({ "schemas": [PATCH_OP], "Operations": [operation] }),
    )
}

/// §4.5: the user left the scope; the boolean is a string.
pub(crate) fn deactivate(idp: &Idp, story: &mut Story<'_>, user: &str) -> Result<Answer, Wrong> {
    let operation = json!({ "op": "Replace", "path": "active", "value": "False" });
    idp.patch(story, &format!("/Users/{user}"), &json!({ "schemas": [PATCH_OP], "Operations": [operation] }))
}
