//! The promises of this crate, through its public door.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cache;
mod cells;
mod copies;
mod lifecycle;
mod support;
mod tokens;
mod two_processes;
