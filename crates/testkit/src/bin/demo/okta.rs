//! Okta's dialect for an app from its wizard (idp-wire §3): look up, POST, then GET and PUT of the whole object; groups are
//! pushed with PATCH.

use serde_json::{Value, json};
use testkit::http::Answer;

use crate::story::{Outcome, Story};
use testkit::urn::{GROUP, PATCH_OP, USER};

pub(crate) const USER_AGENT: &str = "Okta SCIM Client 1.0.0";

/// §3.1: *Test API Credentials*.
pub(crate) fn test_credentials(story: &mut Story<'_>) {
    story.find_none("/Users?startIndex=1&count=2");
}

/// §3.3: an assignment, and the same again when an administrator presses Retry. A password and empty groups are always there.
/// `asked` is how the table names what the product's own attributes ask for.
pub(crate) fn assign(story: &mut Story<'_>, name: &str, asked: &str, attributes: Value) -> Outcome {
    let (given, family) = name.split_once(' ').unwrap();
    let user_name = story.user_name(given);
    let filter = format!("userName%20eq%20%22{}%22", user_name.replace('@', "%40"));
    let mut user = json!({
        "schemas": [USER],
        "userName": user_name,
        "name": { "givenName": given, "familyName": family },
        "emails": [{ "primary": true, "value": user_name, "type": "work" }],
        "displayName": name,
        "locale": "en-US",
        "externalId": format!("00u-{}", given.to_lowercase()),
        "groups": [],
        "password": "a-placeholder-that-is-never-stored",
        "active": true
    });
    let own = attributes.as_object().cloned().unwrap_or_default();
    // What is null is not mapped.
    own.into_iter().for_each(|(name, value)| user[name] = value);
    if let Some(members) = user.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    story.create_user(&format!("/Users?filter={filter}&startIndex=1&count=100"), &user, asked)
}

/// §3.4: the user as it was read, with one attribute changed, sent back whole.
pub(crate) fn put_changed(story: &mut Story<'_>, user: &str, name: &str, value: Value) -> Answer {
    let path = format!("/Users/{user}");
    let mut body = story.get(&path).body;
    body[name] = value;
    story.send("PUT", &path, Some(&body))
}

/// §3.6: Group Push finds nothing, creates the group, and then sends its members.
pub(crate) fn push_group(story: &mut Story<'_>, name: &str) -> String {
    let filter = format!("displayName%20eq%20%22{name}%22");
    let group = json!({ "schemas": [GROUP], "displayName": name, "members": [] });
    story.create_group(&format!("/Groups?filter={filter}&startIndex=1&count=100"), &group)
}

/// §3.6: the rename that comes with every change of members, then the members that leave, then the new ones.
pub(crate) fn change_members(
    story: &mut Story<'_>,
    group: &str,
    name: &str,
    gone: &[String],
    come: &[String],
) -> Answer {
    let mut operations = vec![json!({ "op": "replace", "value": { "id": group, "displayName": name } })];
    let removal = |id: &String| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    operations.extend(gone.iter().map(removal));
    let come: Vec<_> = come.iter().map(|id| json!({ "value": id })).collect();
    operations.push(json!({ "op": "add", "path": "members", "value": come }));
    let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
    story.send("PATCH", &format!("/Groups/{group}"), Some(&body))
}
