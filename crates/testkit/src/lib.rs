//! Real stores and a real gateway for tests; the benchmark's HTTP driver.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "only tests and benchmarks use this crate: a panic is how they fail"
)]

pub mod at_once;
pub mod bench;
pub mod clocks;
pub mod collector;
pub mod database;
pub mod dice;
pub mod gateway;
pub mod hostile;
pub mod http;
pub mod ports;
pub mod prometheus;
pub mod proxy;
pub mod recordings;
pub mod redis;
pub mod signing;
pub mod small_disk;
pub mod stores;
pub mod table;
pub mod urn;
pub mod wire;
