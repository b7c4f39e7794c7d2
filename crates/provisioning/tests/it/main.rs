//! The promises of this crate, through its public door, on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod audit;
mod bulk;
mod class;
mod clocks;
mod concurrency;
mod documents;
mod entitlements;
mod group_roles;
mod group_wipes;
mod health;
mod migration;
mod nesting;
mod people;
mod promises;
mod put_and_patch;
mod queries;
mod rendering;
mod schemas;
mod support;
mod trail;
mod walks;
