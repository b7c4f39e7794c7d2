//! One resource as a value: what a client sends becomes a [`Document`] that has passed its schema, and a document
//! becomes the resource that is answered. Single changes are [`crate::patch`]'s; storing is done elsewhere.

mod document;
mod elements;
mod faults;
mod immutable;
mod intake;
mod members;
mod normalise;
mod normalise_document;
mod order;
mod packed;
mod reference;
mod render;
mod required;
mod schemas;
mod sent;
mod simple;
mod unfolded;
mod unseen;

pub(crate) use crate::value::{member, value_alone};
pub use document::Document;
pub use intake::{create, replace};
pub(crate) use members::is_too_long;
pub use members::{Member, take_members};
pub(crate) use normalise::is_reference_by_value;
pub use normalise::{normalise, normalise_element};
pub(crate) use packed::{json_in, unpack};
pub(crate) use reference::lone_ref;
pub use render::{Meta, Parts, render};

pub(crate) use elements::is_bare_label;
pub(crate) use faults::{Faults, in_operation};
pub(crate) use immutable::cannot_change;
#[cfg(test)]
pub(crate) use normalise_document::normalise_document;
pub(crate) use normalise_document::normalise_patched;
pub(crate) use unseen::keep_in_value;

#[cfg(test)]
mod tests;

/// Most elements of one multi-valued attribute; a person has a handful of addresses.
pub const MAX_ELEMENTS: usize = 2_000;
/// Most members in one request: a push of a whole group by Okta or Keycloak.
pub const MAX_MEMBERS: usize = 100_000;
/// Longest string value, in bytes: a picture belongs behind a URI.
pub const MAX_STRING: usize = 64 * 1024;
/// Longest `userName`, `externalId` and group `displayName`, in characters: these stand in unique indexes. And longest text of
/// a member, of which a group has many.
pub const MAX_KEY: usize = 1_024;
/// Longest resource without its members, in bytes: a page may hold a thousand of them, and a filter or a PATCH looks
/// into them. A person with every attribute and a dozen certificates has 50 KiB.
pub const MAX_RESOURCE: usize = 1 << 20;
