//! The promises of this crate, through its public door, on both databases wherever it matters.

// Clippy knows `#[test]` functions only, not the helpers beside them.
#![allow(clippy::unwrap_used)]

mod at_rest;
mod cells;
mod descriptors;
mod faults;
mod group_commit;
mod identity;
mod lifecycle;
mod locations;
mod log_limit;
mod migrations;
mod outages;
mod pooler;
mod postgres;
mod presence;
mod room;
mod snapshots;
mod sqlite_build;
mod support;
mod tls;
mod transactions;
