//! How often a second the disk acknowledges an append: the floor under every commit.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bench::Result;
use crate::bench::record::Record;

/// A page of a database.
const BLOCK: [u8; 4096] = [0x5A; 4096];
/// The name of a flush in a record.
pub const FLUSH: &str = "fdatasync";

/// Appends and flushes one block after the other; the latencies and the whole time.
pub fn flushes(file: &Path, time: Duration) -> Result<(Record, Duration)> {
    let mut out = OpenOptions::new().create(true).append(true).open(file)?;
    let mut record = Record::default();
    let begun = Instant::now();
    while begun.elapsed() < time {
        let one = Instant::now();
        out.write_all(&BLOCK)?;
        out.sync_data()?;
        record.right(FLUSH, one.elapsed())?;
    }
    let took = begun.elapsed();
    std::fs::remove_file(file)?;
    Ok((record, took))
}
