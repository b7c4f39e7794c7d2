//! A resource in a response (RFC 7643 §3): the stored document and the attributes that the server adds.

use serde_json::{Map, Value, json};

use super::Document;
use crate::ResourceType;

/// The parts of a resource.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The server's id.
    pub id: &'a str,
    /// What the client wrote.
    pub document: &'a Document,
    /// What the server adds: `groups`, `members`, and extensions under their URNs.
    pub computed: Vec<(&'static str, Value)>,
    /// What the server knows about the resource.
    pub meta: Meta<'a>,
}

/// RFC 7643 §3.1, `meta`; the resource type is known.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    /// When it was made, as a `dateTime`.
    pub created: &'a str,
    /// When it last changed, as a `dateTime`.
    pub last_modified: &'a str,
    /// The weak entity tag, `W/"3"`.
    pub version: &'a str,
    /// The resource's URI.
    pub location: &'a str,
}

/// `schemas`, `id`, the document, computed attributes, `meta`: the order of the RFC's examples.
#[must_use]
pub fn render(rt: &ResourceType, parts: Parts<'_>) -> Map<String, Value> {
    let mut resource = Map::with_capacity(parts.document.0.len() + parts.computed.len() + 3);
    resource.insert("schemas".into(), schemas(rt, &parts));
    resource.insert("id".into(), parts.id.into());
    resource.extend(parts.document.0.iter().map(|(name, value)| (name.clone(), value.clone())));
    resource.extend(parts.computed.into_iter().map(|(name, value)| (name.to_owned(), value)));
    resource.insert("meta".into(), meta(rt, parts.meta));
    resource
}

/// The registered URNs that are in use, whatever the client listed.
fn schemas(rt: &ResourceType, parts: &Parts<'_>) -> Value {
    let computed = parts.computed.iter().map(|(name, _)| *name).filter(|name| name.contains(':'));
    std::iter::once(rt.core.id.as_str()).chain(parts.document.extension_urns(rt)).chain(computed).collect()
}

fn meta(rt: &ResourceType, meta: Meta<'_>) -> Value {
    json!({
        "resourceType": rt.kind.name(),
        "created": meta.created,
        "lastModified": meta.last_modified,
        "location": meta.location,
        "version": meta.version,
    })
}
