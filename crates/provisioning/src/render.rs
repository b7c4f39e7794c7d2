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
use seat_ledger::{License, Seat};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Rules,
    groups::GroupView,
    timestamp::iso,
    users::{Manager, UserView},
    version::etag,
};

/// A tenant's SCIM base URL, such as `https://scim.example.com/ire/acme/scim/v2`: from the settings, never from a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
        format!("{}{}/{id}", self.0, resource_type.kind.endpoint())
    }
}

/// The read-only extension: what was asked for and what was given.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeatExtension<'a> {
    requested_license: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    granted_license: Option<&'static str>,
    role: &'a str,
    state: &'static str,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl<'a> From<&'a Seat> for SeatExtension<'a> {
    fn from(seat: &'a Seat) -> Self {
        Self {
            requested_license: seat.requested.key(),
            granted_license: seat.granted.map(License::key),
            role: &seat.role,
            state: seat.state.key(),
            since: iso(seat.since_ms),
            reason: seat.reason(),
        }
    }
}

/// `meta` of RFC 7643 §3.1, as [`resource::render`] writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetaText<'a> {
    resource_type: &'a str,
    created: String,
    last_modified: String,
    location: String,
    version: String,
}

/// JSON text of a value whose serialisation cannot fail: its keys are names.
fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
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
        computed.push((urn::SEAT, serde_json::to_value(SeatExtension::from(seat)).unwrap_or_default()));
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
    let Manager::Here { id, display_name, .. } = &view.manager else { return };
    let told = document.0.get_mut(urn::ENTERPRISE_USER).and_then(|e| e.get_mut("manager")?.as_object_mut());
    let Some(told) = told else { return };
    told.insert("$ref".into(), format!("{}/{}", base.users(), id).into());
    if let Some(name) = display_name {
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
        let members: Vec<Value> = members.iter().map(|m| m.to_json(&base.0)).collect();
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
    if projection.is_all() && !matches!(view.manager, Manager::Here { .. }) {
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
        let computed = extension.schema.id == urn::SEAT && view.seat.is_some();
        if computed || has_key(&record.document, &extension.schema.id) {
            text.push_str("\",\"");
            text.push_str(&extension.schema.id);
        }
    }
    text.push_str("\"],\"id\":\"");
    text.push_str(&record.id);
    text.push('"');
    let inner = record.document.trim().trim_start_matches('{');
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    if !inner.is_empty() {
        text.push(',');
        text.push_str(inner);
    }
    if !view.groups.is_empty() {
        let url = base.groups();
        let groups: Vec<Value> = view.groups.iter().map(|g| g.to_json(&url)).collect();
        // Writing to a String cannot fail.
        let _ = write!(text, ",\"groups\":{}", Value::Array(groups));
    }
    if let Some(seat) = &view.seat {
        text.push_str(",\"");
        text.push_str(urn::SEAT);
        text.push_str("\":");
        text.push_str(&text_of(&SeatExtension::from(seat)));
    }
    let meta = MetaText {
        resource_type: rules.user.kind.name(),
        created: iso(record.created_ms),
        last_modified: iso(record.modified_ms),
        location: base.location(&rules.user, &record.id),
        version: etag(record.version),
    };
    text.push_str(",\"meta\":");
    text.push_str(&text_of(&meta));
    text.push('}');
    text
}

/// Whether the stored text has this member, looked for from the end, where extensions stand. Quotes inside strings are
/// escaped, so `"key":` is only ever a key.
fn has_key(document: &str, key: &str) -> bool {
    document.rfind(&format!("\"{key}\":")).is_some()
}
