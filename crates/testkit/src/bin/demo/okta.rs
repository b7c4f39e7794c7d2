//! Okta's dialect for an app from its wizard (idp-wire §3): look up, POST, then GET and PUT of the whole object; groups are
//! pushed with PATCH.

use serde_json::{Value, json};

use crate::{
    idp::{Answer, Idp},
    story::{Outcome, Story, Wrong},
};

const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// §3.1.
pub(crate) fn test_credentials(idp: &Idp, story: &mut Story<'_>) -> Result<Answer, Wrong> {
    idp.get(story, "/Users?startIndex=1&count=2")
}

/// §3.3: an assignment, and the same again when an administrator presses Retry.
pub(crate) fn assign(
    idp: &Idp,
    story: &mut Story<'_>,
    (given, family): (&str, &str),
    user_type: &str,
) -> Result<Outcome, Wrong> {
    let user_name = format!("{}@globex.example", given.to_lowercase());
    let filter = format!("userName%20eq%20%22{}%22", user_name.replace('@', "%40"));
    let found = idp.get(story, &format!("/Users?filter={filter}&startIndex=1&count=100"))?;
    story.expect(
        found.found_none(),
        &format!("{user_name} is new, but the look-up answered {}.", found.status),
    )?;
    let answer = idp.post(story, "/Users", &user(&user_name, given, family, user_type))?;
    let what = format!("POST /Users {user_name} asks for {user_type}");
    Ok(story.note(&what, &user_name, user_type, &answer))
}

/// §3.3: a password and empty groups are always there.
fn user(user_name: &str, given: &str, family: &str, user_type: &str) -> Value {
    json!({
        "schemas": [CORE_USER],
        "userName": user_name,
        "name": { "givenName": given, "familyName": family },
        "emails": [{ "primary": true, "value": user_name, "type": "work" }],
        "displayName": format!("{given} {family}"),
        "locale": "en-US",
        "externalId": format!("00u-{}", given.to_lowercase()),
        "userType": user_type,
        "groups": [],
        "password": "a-placeholder-that-is-never-stored",
        "active": true
    })
}

/// §3.4: what was read, with one attribute changed, sent back whole.
pub(crate) fn put_changed(
    idp: &Idp,
    story: &mut Story<'_>,
    user: &str,
    name: &str,
    value: Value,
) -> Result<Answer, Wrong> {
    let path = format!("/Users/{user}");
    let mut body = idp.get(story, &path)?.body;
    if let Some(members) = body.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    idp.put(story, &path, &body)
}

/// §3.6: Group Push finds nothing, creates the group, and then sends its members.
pub(crate) fn push_group(idp: &Idp, story: &mut Story<'_>, name: &str) -> Result<Answer, Wrong> {
    let filter = format!("displayName%20eq%20%22{name}%22");
    let found = idp.get(story, &format!("/Groups?filter={filter}&startIndex=1&count=100"))?;
    story.expect(
        found.found_none(),
        &format!("group {name} is new, but the look-up answered {}.", found.status),
    )?;
    idp.post(story, "/Groups", &json!({ "schemas": [GROUP], "displayName": name, "members": [] }))
}

/// §3.6: the rename that comes with every change of members, then who goes, then who comes.
pub(crate) fn change_members(
    idp: &Idp,
    story: &mut Story<'_>,
    (group, name): (&str, &str),
    gone: Option<&str>,
    come: &[String],
) -> Result<Answer, Wrong> {
    let mut operations = vec![json!({ "op": "replace", "value": { "id": group, "displayName": name } })];
    operations
        .extend(gone.map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })));
    if !come.is_empty() {
        let come: Vec<_> = come.iter().map(|id| json!({ "value": id })).collect();
        operations.push(json!({ "op": "add", "path": "members", "value": come }));
    }
    idp.patch(story, &format!("/Groups/{group}"), &json!({ "schemas": [PATCH_OP], "Operations": operations }))
}
