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
    Document, ResourceKind, ResourceType,
    object_text::ObjectText,
    projection::Projection,
    resource::{self, Meta, Parts},
    urn,
};
use seat_ledger::Seat;
use serde_json::{Map, Value};

use crate::{
    Rules,
    roster::HELD,
    timestamp::{iso, push_iso},
    version::etag,
    view::{Manager, View, links_attribute},
};

/// The URN of the read-only extension that says who a resource is of.
fn origin_urn(kind: ResourceKind) -> &'static str {
    if kind == ResourceKind::Group { urn::GROUP_ORIGIN } else { urn::USER_ORIGIN }
}

/// The read-only extension that says who the resource is of.
fn write_origin(text: &mut String, record: &Record) {
    let mut origin = ObjectText::begin(text);
    origin.string("origin", record.origin.key());
    write_time(&mut origin, "since", record.of_origin_since_ms());
    origin.end();
}

/// The read-only extension that shows requested and granted license.
fn write_seat(text: &mut String, seat: &Seat, rules: &Rules, standing: &Standing) {
    let mut shown = ObjectText::begin(text);
    shown.string("requestedLicense", seat.requested.key());
    if let Some(granted) = &seat.granted {
        shown.string("grantedLicense", granted.key());
    }
    shown.string("role", &seat.role);
    shown.string("state", if standing.held.is_some() { HELD } else { seat.state.key() });
    write_time(&mut shown, "since", seat.since_ms);
    if let Some(reason) = reason(seat, rules, standing) {
        shown.string("reason", &reason);
    }
    if seat.is_overage() {
        shown.written("overage", |text| text.push_str("true"));
    }
    if let Some(until_ms) = seat.borrowed_until_ms {
        write_time(&mut shown, "borrowedUntil", until_ms);
    }
    shown.end();
}

/// A user's groups or a group's members.
fn write_links(text: &mut String, rules: &Rules, view: &View) {
    let base = &rules.base.0;
    text.push('[');
    let mut between = "";
    for group in &view.groups {
        text.push_str(std::mem::replace(&mut between, ","));
        group.write(text, base);
    }
    for member in view.members.iter().flatten() {
        text.push_str(std::mem::replace(&mut between, ","));
        member.write(text, base);
    }
    text.push(']');
}

fn write_time(object: &mut ObjectText<'_>, name: &'static str, ms: i64) {
    object.written(name, |text| {
        text.push('"');
        push_iso(text, ms);
        text.push('"');
    });
}

/// `meta` of RFC 7643 §3.1, as [`resource::render`] writes it.
fn write_meta(text: &mut String, rules: &Rules, rt: &ResourceType, record: &Record) {
    let mut meta = ObjectText::begin(text);
    meta.string("resourceType", rt.kind.name());
    write_time(&mut meta, "created", record.created_ms);
    write_time(&mut meta, "lastModified", record.modified_ms);
    meta.joined("location", rules.base.location_parts(rt, &record.id));
    meta.written("version", |text| {
        // An entity tag has quotation marks of its own. Writing to a String cannot fail.
        let _ = write!(text, "\"W/\\\"{}\\\"\"", record.version);
    });
    meta.end();
}

/// The value of a JSON text that was written here.
fn value(write: impl FnOnce(&mut String)) -> Value {
    let mut text = String::new();
    write(&mut text);
    serde_json::from_str(&text).unwrap_or_default()
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
        (Some(Held::Breaker), ..) => {
            "Too many users have lost their access in a short time: role and seat stay until staff decide."
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

/// A whole resource as a value; without links where the view has none.
///
/// # Errors
/// When the stored document is damaged.
pub fn resource(rules: &Rules, view: &View) -> Result<Map<String, Value>, DirectoryError> {
    let (record, rt) = (&view.record, rules.resource_type(view.kind));
    let mut computed = Vec::new();
    if view.links() > 0 {
        computed.push((links_attribute(view.kind), value(|text| write_links(text, rules, view))));
    }
    if let Some(seat) = &view.seat {
        computed.push((urn::SEAT, value(|text| write_seat(text, seat, rules, &record.standing))));
    }
    computed.push((origin_urn(view.kind), value(|text| write_origin(text, record))));
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
    /// Room for the computed parts of most users.
    const COMPUTED: usize = 900;
    let (record, rt) = (&view.record, rules.resource_type(view.kind));
    let mut text = String::with_capacity(record.document.len() + COMPUTED);
    text.push_str("{\"schemas\":[\"");
    text.push_str(&rt.core.id);
    let origin = origin_urn(view.kind);
    for extension in &rt.extensions {
        let urn = extension.schema.id.as_str();
        let computed = urn == origin || urn == urn::SEAT && view.seat.is_some();
        if computed || has_extension(&record.document, urn) {
            text.push_str("\",\"");
            text.push_str(urn);
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
    if view.links() > 0 {
        push_name(&mut text, links_attribute(view.kind));
        write_links(&mut text, rules, view);
    }
    if let Some(seat) = &view.seat {
        push_name(&mut text, urn::SEAT);
        write_seat(&mut text, seat, rules, &record.standing);
    }
    push_name(&mut text, origin);
    write_origin(&mut text, record);
    push_name(&mut text, "meta");
    write_meta(&mut text, rules, rt, record);
    text.push('}');
    text
}

fn push_name(text: &mut String, name: &str) {
    text.push_str(",\"");
    text.push_str(name);
    text.push_str("\":");
}

/// Whether the stored text has the block of this extension, which is an object, looked for from the end, where extensions are.
/// Quotes inside strings are escaped, so `"key":` is only ever a key. There are fewer braces than places where the key could
/// begin, so it is compared behind these.
fn has_extension(document: &str, urn: &str) -> bool {
    document.rmatch_indices('{').any(|(at, _)| {
        let before = document.get(..at).and_then(|before| before.strip_suffix("\":")?.strip_suffix(urn));
        before.is_some_and(|before| before.ends_with('"'))
    })
}
