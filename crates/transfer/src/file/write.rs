//! Writes the file of a copy.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::form::{End, Form};
use crate::rows::Batch;

/// Writes lines and counts them into the checksum.
pub struct FileWriter<W> {
    out: W,
    digest: Sha256,
    lines: u64,
}

impl<W: Write> FileWriter<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// Those of `out`, here and below.
    pub fn begin<H: Form>(out: W, header: &H) -> io::Result<Self> {
        let mut writer = Self { out, digest: Sha256::new(), lines: 0 };
        let mut first = Map::from_iter([
            (H::WORD.to_owned(), H::NEWEST.into()),
            ("program".to_owned(), env!("CARGO_PKG_VERSION").into()),
        ]);
        if let Value::Object(members) = serde_json::to_value(header)? {
            first.extend(members);
        }
        writer.line(&Value::Object(first).to_string())?;
        writer.lines = 0;
        Ok(writer)
    }

    /// Writes a line that is no row of the store: an object with one member of this name.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn record(&mut self, kind: &str, record: &impl Serialize) -> io::Result<()> {
        let line = Map::from_iter([(kind.to_owned(), serde_json::to_value(record)?)]);
        self.line(&Value::Object(line).to_string())
    }

    /// Writes a line for each row.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn rows(&mut self, batch: &Batch) -> io::Result<()> {
        batch
            .rows
            .iter()
            .try_for_each(|row| self.line(&format!("{{\"table\":\"{}\",\"row\":{row}}}", batch.table)))
    }

    /// Writes the last line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn end(self) -> io::Result<W> {
        let Self { mut out, digest, lines } = self;
        let end = End { lines, sha256: format!("{:x}", digest.finalize()) };
        writeln!(out, "{}", serde_json::to_string(&end)?)?;
        out.flush()?;
        Ok(out)
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        self.lines += 1;
        for part in [text.as_bytes(), b"\n"] {
            self.digest.update(part);
            self.out.write_all(part)?;
        }
        Ok(())
    }
}
