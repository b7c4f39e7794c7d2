//! The project's own benchmark: one closed-loop HTTP driver that plays an identity provider against a release
//! build of the gateway, and takes the raw limits of the machine in the same run, so that every ratio it prints
//! compares two figures of one afternoon. Every answer is checked; a fast wrong answer is a fault, not a figure.
//!
//! - [`plan`]: the whole run in order, and what its figures are held against
//! - [`multiply`]: many tenants and users of one
//! - [`workloads`]: what an identity provider does; [`people`]: who it provisions
//! - [`closed_loop`], [`connection`], [`record`]: workers, their connections, what they saw
//! - [`process`]: what the server under test takes; [`raw`]: what the machine could do
//! - [`report`], [`goals`], [`machine`]: the tables

#![allow(clippy::as_conversions, reason = "figures for people: a rounded count costs nobody anything")]

pub mod closed_loop;
pub mod connection;
pub mod goals;
pub mod machine;
pub mod multiply;
pub mod people;
pub mod plan;
pub mod process;
pub mod raw;
pub mod record;
pub mod report;
pub mod workloads;

/// An error that ends a run at once: the server cannot be reached. A wrong answer is a fault of the [`record::Record`] instead,
/// so that the run goes on and shows all of them.
pub type Fatal = Box<dyn std::error::Error + Send + Sync>;

/// A result of the benchmark.
pub type Result<T> = std::result::Result<T, Fatal>;
