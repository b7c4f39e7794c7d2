//! Schemas and resource types as data (RFC 7643 §7): `/Schemas` returns the JSON documents beside this file, and
//! validation, filters and PATCH read them. Rules of single attributes are there, not in code.

mod attribute;
mod block;
mod change;
mod definition;
pub mod document;
mod resource_type;
mod tenant;

pub use attribute::{Attribute, Mutability, Returned, Type, Uniqueness, alike};
pub use block::Block;
pub(crate) use definition::built_in;
pub use definition::{Schema, discovery};
pub use resource_type::{Extension, ResourceType, group, role_of_the_draft, user};

#[cfg(test)]
mod tests;
