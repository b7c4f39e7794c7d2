//! The SCIM side of HTTP. One handler takes every request that no other route wants, so that every answer, a wrong path
//! and a panic included, is SCIM JSON, and so that nobody is heard before the credential is checked.

mod authenticate;
mod body;
mod bulk;
mod caller;
mod conditions;
mod discovery;
mod dry_run;
mod endpoint;
mod entitlements;
mod entry;
mod lists;
pub(crate) mod openapi;
mod outcome;
mod query;
mod refusal;
mod resources;
mod response;
mod target;
mod write;

pub(crate) use authenticate::{count_reason, count_refusal, host, note_use, region_word, verify};
pub(crate) use entry::scim;
pub(crate) use outcome::{SCIM, known_method};
pub(crate) use refusal::explain;
