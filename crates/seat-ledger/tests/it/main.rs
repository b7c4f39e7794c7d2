//! The promises of this crate, through its public door, on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod clocks;
mod concurrency;
mod model;
mod policies;
mod random;
mod reference;
mod rules;
mod support;
mod world;
