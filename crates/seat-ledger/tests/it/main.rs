//! The promises of this crate, through its public door, on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod concurrency;
mod model;
mod reference;
mod rules;
mod support;
