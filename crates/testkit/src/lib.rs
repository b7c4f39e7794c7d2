//! Real stores and a real gateway for tests; the benchmark's HTTP driver.

pub mod bench;
