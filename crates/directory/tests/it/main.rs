//! The promises of this crate, through its public door, on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod changes;
mod claims;
mod differential;
mod extensions;
mod filters;
mod log;
mod long_values;
mod memberships;
mod names;
mod nesting;
mod ordering;
mod people;
mod plans;
mod support;
mod users;
