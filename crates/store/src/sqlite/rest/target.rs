//! The file that a shared connection reads now, and what SQLite is shown of its header.
//!
//! Two tenants' pages must never meet. A file cannot be exchanged while a transaction reads; each file that is pointed at has a
//! number of its own in place of the counter by which SQLite knows that its pages are still good; and files have the same number
//! in place of the schema's version only when their schemas are the same bytes, so that no statement reads by another's roots.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use super::schemas::SchemaNumber;
use crate::StoreError;
use crate::lock::lock;

/// A file that nobody writes, with its length and the number of its schema.
pub(super) struct Image {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) schema: SchemaNumber,
}

/// What one shared connection reads.
#[derive(Default)]
pub(super) struct Target(Mutex<State>);

#[derive(Default)]
struct State {
    image: Option<Image>,
    /// Counts the files that were pointed at.
    number: u32,
    /// Whether SQLite is in a transaction.
    is_reading: bool,
}

/// Why SQLite is given no bytes.
pub(super) enum ReadError {
    BehindTheEnd,
    Failed,
}

impl Target {
    /// Points at another file.
    ///
    /// # Errors
    /// When a transaction still reads. Close the connection then.
    pub(super) fn point_at(&self, image: Image) -> Result<(), StoreError> {
        let mut state = lock(&self.0);
        if state.is_reading {
            return Err(StoreError::Unavailable("a read has not ended".to_owned()));
        }
        state.number = state.number.wrapping_add(1);
        state.image = Some(image);
        Ok(())
    }

    /// Points at nothing: whatever is read from now on fails. False when a transaction still reads.
    pub(super) fn leave(&self) -> bool {
        let mut state = lock(&self.0);
        let image = state.image.take();
        let has_ended = !state.is_reading;
        drop(state);
        drop(image);
        has_ended
    }

    pub(super) fn note_reading(&self, is_reading: bool) {
        lock(&self.0).is_reading = is_reading;
    }

    pub(super) fn length(&self) -> Option<u64> {
        lock(&self.0).image.as_ref().map(|image| image.length)
    }

    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), ReadError> {
        let state = lock(&self.0);
        let Some(image) = &state.image else { return Err(ReadError::Failed) };
        image.file.read_exact_at(buffer, offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => ReadError::BehindTheEnd,
            _ => ReadError::Failed,
        })?;
        let number = state.number.to_be_bytes();
        // Not a file with a log (1, not 2): there is none.
        show(buffer, offset, 18, &[1, 1]);
        show(buffer, offset, 24, &number);
        show(buffer, offset, 40, &image.schema.to_be_bytes());
        // The counter again, as of the last change of the file's length.
        show(buffer, offset, 92, &number);
        Ok(())
    }
}

/// Puts bytes of the header in place of those that were read, as far as they were.
fn show(buffer: &mut [u8], offset: u64, at: u64, bytes: &[u8]) {
    for (at, byte) in (at..).zip(bytes) {
        let index = at.checked_sub(offset).and_then(|index| usize::try_from(index).ok());
        if let Some(place) = index.and_then(|index| buffer.get_mut(index)) {
            *place = *byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_shown_in_whatever_pieces_it_is_read() {
        let mut file = vec![7_u8; 200];
        show(&mut file, 0, 24, &[1, 2, 3, 4]);
        assert_eq!(file[23..29], [7, 1, 2, 3, 4, 7]);
        let mut piece = vec![7_u8; 3];
        show(&mut piece, 26, 24, &[1, 2, 3, 4]);
        assert_eq!(piece, [3, 4, 7]);
        let mut elsewhere = vec![7_u8; 3];
        show(&mut elsewhere, 4096, 24, &[1, 2, 3, 4]);
        assert_eq!(elsewhere, [7, 7, 7]);
    }
}
