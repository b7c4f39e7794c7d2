//! One resource as a value: the body of a request becomes a [`Document`] that conforms to its schema, and a document
//! becomes the resource in a response. [`crate::patch`] makes single changes; other crates store documents.

mod document;
mod elements;
mod faults;
mod immutable;
mod intake;
mod limits;
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

pub use document::Document;
pub use faults::{missing_names, not_legal};
pub use intake::{create, keep, replace};
pub(crate) use limits::is_too_long;
pub use limits::{MAX_ELEMENTS, MAX_KEY, MAX_MEMBERS, MAX_RESOURCE, MAX_STRING};
pub use members::{Member, take_members};
pub(crate) use normalise::not_too_many;
pub use normalise::{normalise, normalise_element};
pub use normalise_document::put_in_form;
pub(crate) use packed::{json_in, unpack};
pub(crate) use reference::{is_reference_by_value, lone_ref};
pub use render::{Meta, Parts, render};

pub(crate) use elements::{is_bare_label, part};
pub(crate) use faults::{Faults, in_operation};
pub(crate) use immutable::cannot_change;
#[cfg(test)]
pub(crate) use normalise_document::normalise_document;
pub(crate) use normalise_document::normalise_patched;
pub(crate) use unseen::keep_in_value;

#[cfg(test)]
mod tests;
