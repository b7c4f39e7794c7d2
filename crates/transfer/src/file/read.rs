//! Reads the file of a copy: first the whole of it, to compare it with its checksum, then again, line by line.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::form::{End, Form};
use crate::error::TransferError;
use crate::rows::{Batch, Filling};

/// The longest line, in bytes: several times the longest row that a store can have.
const LONGEST: u64 = 64 << 20;

/// A file that is complete and undamaged.
pub struct Sealed<F, H> {
    file: F,
    header: H,
    /// Lines between the first and the last.
    lines: u64,
}

/// The lines between the first and the last, one after the other.
pub struct FileReader<F> {
    lines: BufReader<F>,
    left: u64,
    filling: Filling,
    /// A line that was read while rows before it waited.
    next: Option<Line>,
}

/// A line of the file.
#[derive(Debug)]
pub enum Line {
    /// A record that is no row of the store, by its kind.
    Record(String, Value),
    /// Some rows of the store.
    Rows(Batch),
}

impl<F: Read + Seek, H: Form> Sealed<F, H> {
    /// Reads the whole file.
    ///
    /// # Errors
    /// `Refused` for another program's file, one of a newer form, an incomplete one and a damaged one.
    pub fn check(mut file: F) -> Result<Self, TransferError> {
        file.seek(SeekFrom::Start(0))?;
        let mut lines = BufReader::new(&mut file);
        let (mut line, mut next) = (Vec::new(), Vec::new());
        read_line(&mut lines, &mut line)?;
        let header = header(&line)?;
        let (mut digest, mut count) = (Sha256::new(), 0_u64);
        while read_line(&mut lines, &mut next)? {
            digest.update(&line);
            count += 1;
            std::mem::swap(&mut line, &mut next);
        }
        let end: Option<End> = serde_json::from_slice(&line).ok().filter(|_| line.ends_with(b"\n"));
        let Some(end) = end else {
            return Err(TransferError::refused("it ends before its last line: it is incomplete"));
        };
        if end.sha256 != format!("{:x}", digest.finalize()) || end.lines != count.saturating_sub(1) {
            return Err(TransferError::refused("it is damaged: its content does not fit its checksum"));
        }
        Ok(Self { file, header, lines: end.lines })
    }

    /// The first line.
    pub fn header(&self) -> &H {
        &self.header
    }

    /// Begins to read what is between the first line and the last.
    ///
    /// # Errors
    /// Those of the file.
    pub fn read(self) -> Result<FileReader<F>, TransferError> {
        let Self { mut file, lines: left, .. } = self;
        file.seek(SeekFrom::Start(0))?;
        let mut lines = BufReader::new(file);
        read_line(&mut lines, &mut Vec::new())?;
        Ok(FileReader { lines, left, filling: Filling::default(), next: None })
    }
}

impl<F: Read> FileReader<F> {
    /// The next record or batch of rows; `None` at the end.
    ///
    /// # Errors
    /// `Refused` for a line that is neither.
    pub fn next_line(&mut self) -> Result<Option<Line>, TransferError> {
        if let Some(line) = self.next.take() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        while self.left > 0 {
            self.left -= 1;
            read_line(&mut self.lines, &mut bytes)?;
            let text = std::str::from_utf8(&bytes).map_err(|_| strange())?;
            if let Some((table, row)) = row(text.trim_end()) {
                if let Some(batch) = self.filling.add(table, row.to_owned()) {
                    return Ok(Some(Line::Rows(batch)));
                }
                continue;
            }
            let record = record(text)?;
            let Some(batch) = self.filling.rest() else { return Ok(Some(record)) };
            self.next = Some(record);
            return Ok(Some(Line::Rows(batch)));
        }
        Ok(self.filling.rest().map(Line::Rows))
    }
}

/// False at the end of the file.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, TransferError> {
    line.clear();
    let read = lines.take(LONGEST).read_until(b'\n', line)?;
    if u64::try_from(read).is_ok_and(|read| read >= LONGEST) {
        return Err(TransferError::refused("it has a line that is longer than any this program writes"));
    }
    Ok(read > 0)
}

fn header<H: Form>(line: &[u8]) -> Result<H, TransferError> {
    let header: Option<Value> = serde_json::from_slice(line).ok();
    let form = header.as_ref().and_then(|header| header.get(H::WORD)).and_then(Value::as_u64);
    match (header, form) {
        (Some(_), Some(newer)) if newer > H::NEWEST => Err(TransferError::refused(format!(
            "it was written by a newer version of this program: its form is {newer}, and {} is the newest known here",
            H::NEWEST
        ))),
        (Some(header), Some(_)) => serde_json::from_value(header)
            .map_err(|error| TransferError::refused(format!("its first line is damaged: {error}"))),
        _ => Err(TransferError::refused(format!("it is no {}: its first line does not say so", H::WHAT))),
    }
}

/// `{"table":"users","row":{…}}`, as the writer makes it. The database parses the row.
fn row(line: &str) -> Option<(&str, &str)> {
    let (table, row) = line.strip_prefix("{\"table\":\"")?.split_once("\",\"row\":")?;
    Some((table, row.strip_suffix('}')?))
}

fn record(line: &str) -> Result<Line, TransferError> {
    match serde_json::from_str(line) {
        Ok(Value::Object(members)) if members.len() == 1 => {
            let first = members.into_iter().next();
            first.map(|(kind, record)| Line::Record(kind, record)).ok_or_else(strange)
        }
        _ => Err(strange()),
    }
}

fn strange() -> TransferError {
    TransferError::refused("it has a line that is neither a record nor a row")
}
