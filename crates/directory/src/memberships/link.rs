//! A link from one resource to another, as both sides show it: a member of a group (RFC 7643 §4.2), a group of a user (§4.1.2).

use scim_core::{ResourceKind, object_text::ObjectText};
use serde_json::{Map, Value};

/// A link to a resource.
pub(super) struct Link<'a> {
    /// The resource.
    pub(super) id: &'a str,
    /// The kind of the resource, which decides its URL.
    pub(super) of: ResourceKind,
    /// Its name, where there is one to show.
    pub(super) display: Option<&'a str>,
    /// The `type` of the link.
    pub(super) kind: &'static str,
}

impl Link<'_> {
    /// Adds its JSON text; `base` is the tenant's base URL.
    pub(super) fn write(&self, text: &mut String, base: &str) {
        let mut link = ObjectText::begin(text);
        link.string("value", self.id);
        link.joined("$ref", [base, self.of.endpoint(), "/", self.id]);
        if let Some(display) = self.display {
            link.string("display", display);
        }
        link.string("type", self.kind);
        link.end();
    }

    /// Its attributes, as a filter such as `members[type eq "User"]` sees them.
    pub(super) fn to_map(&self, base: &str) -> Map<String, Value> {
        let mut link = Map::new();
        link.insert("value".into(), self.id.into());
        link.insert("$ref".into(), format!("{base}{}/{}", self.of.endpoint(), self.id).into());
        if let Some(display) = self.display {
            link.insert("display".into(), display.into());
        }
        link.insert("type".into(), self.kind.into());
        link
    }
}
