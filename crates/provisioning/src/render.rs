//! Responses: a stored document with its computed parts. A whole resource is put together as text, because a GET should be a
//! copy; where attributes are chosen it becomes a value first. A test compares the two.

use std::fmt::Write as _;

use directory::{
    DirectoryError, Standing,
    resources::Record,
    standing::{ChosenBy, ChosenRole, Held},
};
use profiles::choice::LocalWins;
use scim_core::{
    Document, ResourceKind,
    projection::Projection,
    resource::{self, Meta, Parts},
    urn,
};
use seat_ledger::{License, Seat};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Rules,
    roster::HELD,
    timestamp::iso,
    version::etag,
    view::{Manager, View, links_attribute},
};

/// The read-only extension: requested and granted license.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SeatExtension<'a> {
    requested_license: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    granted_license: Option<&'a str>,
    role: &'a str,
    state: &'static str,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    overage: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    borrowed_until: Option<String>,
}

/// The read-only extension: who the resource is of.
#[derive(Serialize)]
struct OriginExtension {
    origin: &'static str,
    since: String,
}

impl From<&Record> for OriginExtension {
    fn from(record: &Record) -> Self {
        Self { origin: record.origin.key(), since: iso(record.of_origin_since_ms()) }
    }
}

/// The URN of that extension.
fn origin_urn(kind: ResourceKind) -> &'static str {
    if kind == ResourceKind::Group { urn::GROUP_ORIGIN } else { urn::USER_ORIGIN }
}

impl<'a> SeatExtension<'a> {
    fn of(seat: &'a Seat, rules: &Rules, standing: &Standing) -> Self {
        Self {
            requested_license: seat.requested.key(),
            granted_license: seat.granted.as_ref().map(License::key),
            role: &seat.role,
            state: if standing.held.is_some() { HELD } else { seat.state.key() },
            since: iso(seat.since_ms),
            reason: reason(seat, rules, standing),
            overage: seat.is_overage().then_some(true),
            borrowed_until: seat.borrowed_until_ms.map(iso),
        }
    }
}

/// Why role and seat are not what the document says, if they are not.
fn reason(seat: &Seat, rules: &Rules, standing: &Standing) -> Option<String> {
    let sentence = match (standing.held, &standing.role, standing.active) {
        (Some(Held::Protected), ..) => "The user is protected: role and seat stay until staff release them.",
        (Some(Held::LastAdmin), ..) => {
            "The user is the last active admin: role and seat stay until there is another."
        }
        (Some(Held::GroupWipe), ..) => {
            "Too many users of a group would lose their seats: it waits for staff."
        }
        (None, Some(ChosenRole { by: ChosenBy::Reactivation, .. }), _) => {
            "The user was reactivated and has the free role until another one is sent."
        }
        (None, None, None) => return seat.reason(),
        _ if rules.profile().local.wins == LocalWins::Idp => {
            "Staff have changed the user; what is sent next takes its place."
        }
        _ => "Staff have changed the user; what is sent is kept and holds when staff release the user.",
    };
    let seat = seat.reason().map(|reason| format!(" {reason}")).unwrap_or_default();
    Some(format!("{sentence}{seat}"))
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

/// A whole resource as a value; without links where the view has none.
///
/// # Errors
/// When the stored document is damaged.
pub fn resource(rules: &Rules, view: &View) -> Result<Map<String, Value>, DirectoryError> {
    let (record, rt) = (&view.record, rules.resource_type(view.kind));
    let mut computed = Vec::new();
    computed.extend(links(rules, view).map(|links| (links_attribute(view.kind), links)));
    if let Some(seat) = &view.seat {
        computed.push((
            urn::SEAT,
            serde_json::to_value(SeatExtension::of(seat, rules, &record.standing)).unwrap_or_default(),
        ));
    }
    let origin = serde_json::to_value(OriginExtension::from(record)).unwrap_or_default();
    computed.push((origin_urn(view.kind), origin));
    let meta = Meta {
        created: &iso(record.created_ms),
        last_modified: &iso(record.modified_ms),
        version: &etag(record.version),
        location: &rules.base.location(rt, &record.id),
    };
    let mut document = record.parse()?;
    show_manager(rules, view, &mut document);
    Ok(resource::render(rt, Parts { id: &record.id, document: &document, computed, meta }))
}

/// A user's groups or a group's members, if there are any.
fn links(rules: &Rules, view: &View) -> Option<Value> {
    if view.links() == 0 {
        return None;
    }
    let url = rules.base.groups();
    let groups = view.groups.iter().map(|group| group.to_json(&url));
    let members = view.members.iter().flatten().map(|member| member.to_json(&rules.base.0));
    Some(groups.chain(members).collect())
}

/// Adds `$ref` and `displayName` of a manager who is a user here (RFC 7643 §4.3); both are computed, never stored.
fn show_manager(rules: &Rules, view: &View, document: &mut Document) {
    let Manager::Here { id, display_name, .. } = &view.manager else { return };
    let shown = document.0.get_mut(urn::ENTERPRISE_USER).and_then(|e| e.get_mut("manager")?.as_object_mut());
    let Some(shown) = shown else { return };
    shown.insert("$ref".into(), rules.base.location(&rules.user, id).into());
    if let Some(name) = display_name {
        shown.insert("displayName".into(), name.as_str().into());
    }
}

/// A resource as JSON text, projected.
///
/// # Errors
/// When the stored document is damaged.
pub fn text(rules: &Rules, view: &View, projection: &Projection) -> Result<String, DirectoryError> {
    // The computed parts of a manager are inside the document, so the text cannot be a copy.
    if projection.is_all() && !matches!(view.manager, Manager::Here { .. }) {
        return Ok(whole_text(rules, view));
    }
    let mut resource = resource(rules, view)?;
    if !projection.is_all() {
        projection.apply(rules.resource_type(view.kind), &mut resource);
    }
    Ok(Value::Object(resource).to_string())
}

/// The stored text, unparsed, with the computed parts around it.
fn whole_text(rules: &Rules, view: &View) -> String {
    let (record, rt) = (&view.record, rules.resource_type(view.kind));
    let mut text = String::with_capacity(record.document.len() + 900);
    text.push_str("{\"schemas\":[\"");
    text.push_str(&rt.core.id);
    let origin = origin_urn(view.kind);
    for extension in &rt.extensions {
        let urn = extension.schema.id.as_str();
        let computed = urn == origin || urn == urn::SEAT && view.seat.is_some();
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
    if let Some(links) = links(rules, view) {
        // Writing to a String cannot fail.
        let _ = write!(text, ",\"{}\":{links}", links_attribute(view.kind));
    }
    if let Some(seat) = &view.seat {
        text.push_str(",\"");
        text.push_str(urn::SEAT);
        text.push_str("\":");
        text.push_str(&text_of(&SeatExtension::of(seat, rules, &record.standing)));
    }
    text.push_str(",\"");
    text.push_str(origin);
    text.push_str("\":");
    text.push_str(&text_of(&OriginExtension::from(record)));
    let meta = MetaText {
        resource_type: rt.kind.name(),
        created: iso(record.created_ms),
        last_modified: iso(record.modified_ms),
        location: rules.base.location(rt, &record.id),
        version: etag(record.version),
    };
    text.push_str(",\"meta\":");
    text.push_str(&text_of(&meta));
    text.push('}');
    text
}

/// Whether the stored text has this member, looked for from the end, where extensions are. Quotes inside strings are escaped,
/// so `"key":` is only ever a key.
fn has_key(document: &str, key: &str) -> bool {
    document.rfind(&format!("\"{key}\":")).is_some()
}
