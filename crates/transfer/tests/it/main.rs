//! A copy is exact, in both directions between the databases, and a file that is not whole is refused.

// Clippy knows `#[test]` functions only, not the helpers beside them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod exact;
mod files;
mod scratch;
mod support;
