//! Pages of `docs/` that are held to the tests of the repository.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod behaviours;
mod conformance;
mod source;
