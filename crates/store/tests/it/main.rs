//! The promises of this crate, through its public door, on both databases wherever it matters.

mod support;
mod transactions;
