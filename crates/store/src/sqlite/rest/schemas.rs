//! Which files have the same schema: those in which all that decides it is the same, byte for byte: the pages that hold the
//! `CREATE` statements with the roots of their trees, and what the header says of the file's form.
//!
//! SQLite's file format: <https://sqlite.org/fileformat2.html>.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

use super::super::mark;
use crate::location::StoreFile;
use crate::lock::lock;

/// Bytes of a page: what SQLite takes by default, and the only length that is looked into here.
pub(super) const PAGE: usize = 4096;

/// Bytes before the tree in the first page.
const HEADER: usize = 100;

/// Kinds of trees' pages.
const INNER: u8 = 5;
const LEAF: u8 = 13;

/// The longest row of a leaf that goes into no other page.
const LONGEST_ROW: usize = PAGE - 35;

/// Schemas that are known at a time: those of this version and of some before it.
const MOST_SCHEMAS: usize = 64;

/// Leaves of a schema that is looked into.
const MOST_LEAVES: usize = 16;

/// Stands for a schema in place of its version. The first is 1.
pub(super) type SchemaNumber = u32;

/// The schemas that were met.
#[derive(Default)]
pub(super) struct Schemas(Mutex<Vec<Box<[u8]>>>);

impl Schemas {
    /// The number of a file's schema. `None` for a file that is not this store's, or not as this program makes them.
    pub(super) fn number_of(&self, file: &File, length: u64, store: &StoreFile) -> Option<SchemaNumber> {
        let schema = read(file, length, store)?;
        let mut known = lock(&self.0);
        let place = match known.iter().position(|known| **known == *schema) {
            Some(place) => place,
            None if known.len() >= MOST_SCHEMAS => return None,
            None => {
                known.push(schema.into_boxed_slice());
                known.len() - 1
            }
        };
        SchemaNumber::try_from(place + 1).ok()
    }
}

/// All that decides the schema.
fn read(file: &File, length: u64, store: &StoreFile) -> Option<Vec<u8>> {
    let mut first = [0; PAGE];
    file.read_exact_at(&mut first, 0).ok()?;
    let header = Header(first.first_chunk()?);
    if !header.is_of(store) || !header.is_long(length) {
        return None;
    }
    let mut schema = Vec::with_capacity(4 * PAGE);
    header.form()?.into_iter().for_each(|part| schema.extend_from_slice(part));
    let tree = first.get(HEADER..)?;
    schema.extend_from_slice(tree);
    match *tree.first()? {
        LEAF => require_rows_in(&first, HEADER)?,
        INNER => {
            for leaf in children(&first)? {
                let begin = schema.len();
                schema.resize(begin + PAGE, 0);
                let page = schema.get_mut(begin..)?;
                file.read_exact_at(page, u64::from(leaf.checked_sub(1)?) * u64::try_from(PAGE).ok()?).ok()?;
                if *page.first()? != LEAF {
                    return None;
                }
                require_rows_in(page, 0)?;
            }
        }
        _ => return None,
    }
    Some(schema)
}

/// The beginning of a file.
struct Header<'a>(&'a [u8; HEADER]);

impl Header<'_> {
    fn is_of(&self, store: &StoreFile) -> bool {
        let bytes = self.0;
        bytes.starts_with(b"SQLite format 3\0")
            && number(bytes, 16, 2).and_then(|length| usize::try_from(length).ok()) == Some(PAGE)
            && mark::is_mark_of(store, number(bytes, 68, 4), number(bytes, 60, 4))
    }

    /// Whether the header knows the file's length, and it is as long as it should be.
    fn is_long(&self, length: u64) -> bool {
        let pages = number(self.0, 28, 4).map(u64::from);
        number(self.0, 24, 4) == number(self.0, 92, 4)
            && pages.is_some_and(|pages| u64::try_from(PAGE).is_ok_and(|page| pages * page == length))
    }

    /// What it says of the form of the file: unused bytes in each page and fractions of rows, the forms of schema and text, and
    /// whether it shrinks by itself.
    fn form(&self) -> Option<[&[u8]; 3]> {
        Some([self.0.get(20..24)?, self.0.get(44..60)?, self.0.get(64..68)?])
    }
}

/// A number of so many bytes.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

/// The children of the inner page that is the first of the file.
fn children(first: &[u8; PAGE]) -> Option<Vec<u32>> {
    let cells = usize::try_from(number(first, HEADER + 3, 2)?).ok()?;
    if cells >= MOST_LEAVES {
        return None;
    }
    let mut children = Vec::with_capacity(cells + 1);
    for cell in 0..cells {
        let at = usize::try_from(number(first, HEADER + 12 + 2 * cell, 2)?).ok()?;
        children.push(number(first, at, 4)?);
    }
    children.push(number(first, HEADER + 8, 4)?);
    Some(children)
}

/// `None` when a row of this leaf goes on in a page that is not read.
fn require_rows_in(page: &[u8], begin: usize) -> Option<()> {
    let cells = usize::try_from(number(page, begin + 3, 2)?).ok()?;
    for cell in 0..cells {
        let at = usize::try_from(number(page, begin + 8 + 2 * cell, 2)?).ok()?;
        let length = match (page.get(at)?, page.get(at + 1)?) {
            (short @ 0..128, _) => usize::from(*short),
            (high, low @ 0..128) => usize::from(high & 127) << 7 | usize::from(*low),
            _ => return None,
        };
        if length > LONGEST_ROW {
            return None;
        }
    }
    Some(())
}
