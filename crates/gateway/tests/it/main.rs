//! The gateway from outside: a real process, real stores, HTTP and the command line. Folders follow the URL table
//! (`users`, `groups`, `discovery`, `staff` for the admin API) and the subjects that cut across it (`seats`, `tenants`,
//! `addresses`, `http`, `process`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in tests a panic is how they fail")]
#![allow(clippy::print_stdout, reason = "some tests report figures")]

mod attacks;
#[path = "../idp/mod.rs"]
mod idp;

mod addresses;
mod black_box;
mod breaker;
mod bulk;
mod cluster;
mod connections;
mod copies;
mod credentials;
mod discovery;
mod drills;
mod dry_run;
mod entitlements;
mod errors;
mod first_contact;
mod groups;
mod guides;
mod health;
mod http;
mod interop;
mod issuers;
mod lists;
mod log;
mod metrics;
mod migrations;
mod model;
mod neighbours;
mod outages;
mod paging;
mod people;
mod preview;
mod process;
mod products;
mod profiles;
mod questions;
mod reconcile;
mod regions;
mod releases;
mod resources;
mod running;
mod schemas;
mod seats;
mod shared;
mod staff;
mod telemetry;
mod tenants;
mod tick;
#[cfg(feature = "otel")]
mod traces;
mod undo;
mod users;
mod versions;
