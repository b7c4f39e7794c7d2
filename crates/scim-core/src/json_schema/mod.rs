//! The schemas as JSON Schema (draft 2020-12, which OpenAPI 3.1 speaks): how responses hold a resource type, what a
//! client may send for it, and which operations a PATCH of it may hold. The same data decides requests, so that both
//! always agree.
//!
//! Response schemas set `additionalProperties: false`. Request schemas describe what a client should send; the dialects that
//! are tolerated besides are in [`crate::leniency`].

mod answered;
mod fragment;
mod operations;
mod sent;

pub use answered::{answered, answered_discovery};
pub use fragment::{ANYTHING, NOTHING, TEXT, anything, nothing};
pub use operations::operations;
pub use sent::{schemas_of, sent};

#[cfg(test)]
mod tests;
