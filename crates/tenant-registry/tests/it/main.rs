//! The promises of this crate, through its public door.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod lifecycle;
mod support;
mod tokens;
