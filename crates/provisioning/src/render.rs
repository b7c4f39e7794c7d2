//! Answers: a stored document with what is computed for it. A whole user is put together as text, because a GET should be
//! a copy; where attributes are chosen it becomes a value first. A test holds both to the same answer.

use std::fmt::Write as _;

use directory::DirectoryError;
use scim_core::{
    Document, ResourceType,
    projection::Projection,
    resource::{self, Meta, Parts},
    urn,
};
use seat_ledger::Seat;
use serde_json::{Map, Value, json};

use crate::{Rules, groups::GroupView, timestamp::iso, users::UserView, version::etag};

/// A tenant's SCIM base URL, such as `https://scim.example.com/ire/acme/scim/v2`: from the settings, never from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(pub String);

impl Base {
    fn users(&self) -> String {
        format!("{}/Users", self.0)
    }

    fn groups(&self) -> String {
        format!("{}/Groups", self.0)
    }

    /// `meta.location` of a resource.
    #[must_use]
    pub fn location(&self, resource_type: &ResourceType, id: &str) -> String {
        format!("{}{}/{id}", self.0, resource_type.endpoint)
    }
}

/// The read-only extension: what was asked for and what was given.
fn seat_json(seat: &Seat) -> Value {
    let mut extension = Map::new();
    extension.insert("requestedLicense".into(), seat.requested.key().into());
    if let Some(granted) = seat.granted {
        extension.insert("grantedLicense".into(), granted.key().into());
    }
    extension.insert("role".into(), seat.role.as_str().into());
    extension.insert("state".into(), seat.state.key().into());
    extension.insert("since".into(), iso(seat.since_ms).into());
    if let Some(reason) = seat.reason() {
        extension.insert("reason".into(), reason.into());
    }
    Value::Object(extension)
}

/// A whole user as a value.
///
/// # Errors
/// When what rests is damaged.
pub fn user(rules: &Rules, base: &Base, view: &UserView) -> Result<Map<String, Value>, DirectoryError> {
    let record = &view.record;
    let mut computed = Vec::new();
    if !view.groups.is_empty() {
        let url = base.groups();
        let groups: Vec<Value> = view.groups.iter().map(|g| g.to_json(&url)).collect();
        computed.push(("groups", groups.into()));
    }
    if let Some(seat) = &view.seat {
        computed.push((urn::SEAT, seat_json(seat)));
    }
    let meta = Meta {
        created: &iso(record.created_ms),
        last_modified: &iso(record.modified_ms),
        version: &etag(record.version),
        location: &base.location(&rules.user, &record.id),
    };
    let mut document = record.parse()?;
    tell_manager(base, view, &mut document);
    Ok(resource::render(&rules.user, Parts { id: &record.id, document: &document, computed, meta }))
}

/// `$ref` and `displayName` of a manager who is a user here (RFC 7643 §4.3); both are computed, never stored.
fn tell_manager(base: &Base, view: &UserView, document: &mut Document) {
    let Some(manager) = &view.manager else { return };
    let told = document.0.get_mut(urn::ENTERPRISE_USER).and_then(|e| e.get_mut("manager")?.as_object_mut());
    let Some(told) = told else { return };
    told.insert("$ref".into(), format!("{}/{}", base.users(), manager.id).into());
    if let Some(name) = &manager.display_name {
        told.insert("displayName".into(), name.as_str().into());
    }
}

/// A group as a value; without members where the view has none.
///
/// # Errors
/// When what rests is damaged.
pub fn group(rules: &Rules, base: &Base, view: &GroupView) -> Result<Map<String, Value>, DirectoryError> {
    let record = &view.record;
    let mut computed = Vec::new();
    if let Some(members) = view.members.as_ref().filter(|m| !m.is_empty()) {
        let url = base.users();
        let members: Vec<Value> = members.iter().map(|m| m.to_json(&url)).collect();
        computed.push(("members", members.into()));
    }
    let meta = Meta {
        created: &iso(record.created_ms),
        last_modified: &iso(record.modified_ms),
        version: &etag(record.version),
        location: &base.location(&rules.group, &record.id),
    };
    let document = record.parse()?;
    Ok(resource::render(&rules.group, Parts { id: &record.id, document: &document, computed, meta }))
}

/// A user as JSON text, projected.
///
/// # Errors
/// When what rests is damaged.
pub fn user_text(
    rules: &Rules,
    base: &Base,
    view: &UserView,
    projection: &Projection,
) -> Result<String, DirectoryError> {
    // What is told of a manager stands inside the stored text, so that text is no copy then.
    if projection.is_all() && view.manager.is_none() {
        return Ok(whole_user_text(rules, base, view));
    }
    let mut resource = user(rules, base, view)?;
    if !projection.is_all() {
        projection.apply(&rules.user, &mut resource);
    }
    Ok(Value::Object(resource).to_string())
}

/// A group as JSON text, projected.
///
/// # Errors
/// When what rests is damaged.
pub fn group_text(
    rules: &Rules,
    base: &Base,
    view: &GroupView,
    projection: &Projection,
) -> Result<String, DirectoryError> {
    let mut resource = group(rules, base, view)?;
    if !projection.is_all() {
        projection.apply(&rules.group, &mut resource);
    }
    Ok(Value::Object(resource).to_string())
}

/// The stored text with the computed parts around it: nothing is parsed.
fn whole_user_text(rules: &Rules, base: &Base, view: &UserView) -> String {
    let record = &view.record;
    let mut text = String::with_capacity(record.document.len() + 900);
    text.push_str("{\"schemas\":[\"");
    text.push_str(&rules.user.core.id);
    for extension in &rules.user.extensions {
        let computed = extension.id == urn::SEAT && view.seat.is_some();
        if computed || has_key(&record.document, &extension.id) {
            text.push_str("\",\"");
            text.push_str(&extension.id);
        }
    }
    // Writing to a String cannot fail, here and below.
    let _ = write!(text, "\"],\"id\":\"{}\"", record.id);
    let inner = record.document.trim().trim_start_matches('{');
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    if !inner.is_empty() {
        text.push(',');
        text.push_str(inner);
    }
    if !view.groups.is_empty() {
        let url = base.groups();
        let groups: Vec<Value> = view.groups.iter().map(|g| g.to_json(&url)).collect();
        let _ = write!(text, ",\"groups\":{}", Value::Array(groups));
    }
    if let Some(seat) = &view.seat {
        let _ = write!(text, ",\"{}\":{}", urn::SEAT, seat_json(seat));
    }
    let _ = write!(text, ",\"meta\":{}}}", meta_json(&rules.user, base, record));
    text
}

/// Whether the stored text has this member. Quotes inside strings are escaped, so `"key":` is only ever a key.
fn has_key(document: &str, key: &str) -> bool {
    document.contains(&format!("\"{key}\":"))
}

fn meta_json(rt: &ResourceType, base: &Base, record: &directory::users::UserRecord) -> Value {
    json!({
        "resourceType": rt.name,
        "created": iso(record.created_ms),
        "lastModified": iso(record.modified_ms),
        "location": base.location(rt, &record.id),
        "version": etag(record.version),
    })
}
