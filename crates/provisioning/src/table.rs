//! A table of people as an identity provider exports it (RFC 4180): a header of SCIM paths, then one person in each row.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    hash::{BuildHasher as _, RandomState},
    io::{self, Read},
};

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use scim_core::{ResourceKind, ScimError, column::Column, fold::user_name_key};

use crate::Rules;

/// Most columns: one operation of a PATCH each, and more than any export has.
const MOST_COLUMNS: usize = 200;

/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;

/// A table, read row by row.
pub struct Table<R> {
    reader: csv::Reader<Lines<R>>,
    columns: Vec<Column>,
    /// The place of `userName`.
    key: usize,
    record: ByteRecord,
    /// The row of each userName, by a hash that nobody outside can know.
    seen: HashMap<u64, u64>,
    hasher: RandomState,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// The line of the file in which it begins; the header is 1.
    pub number: u64,
    /// As it stands there; empty where it cannot be read.
    pub user_name: String,
    /// What stands in its cells, or what is wrong with the row as a whole.
    pub cells: Result<StringRecord, ScimError>,
}

impl<R: Read> Table<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// 400 for a header that is missing, or that does not name the userName and each attribute once; it names what is wrong.
    pub fn open(from: R, rules: &Rules) -> Result<Self, ScimError> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(PIECE)
            .from_reader(Lines { from, read: 0, line: 1, ends: VecDeque::new() });
        let mut record = ByteRecord::new();
        let is_there = reader.read_byte_record(&mut record).map_err(|_| bad("The file cannot be read."))?;
        let header = StringRecord::from_byte_record(record).map_err(|_| bad("The header is not UTF-8."))?;
        if !is_there {
            return Err(bad("The file is empty; its first line names the columns."));
        }
        if header.len() > MOST_COLUMNS {
            return Err(bad(format!("The header has more than {MOST_COLUMNS} columns.")));
        }
        let columns = columns(&header, rules)?;
        let key = columns.iter().position(|column| column.is_name("userName"));
        let key = key.ok_or_else(|| bad("The header has no column userName."))?;
        let (seen, hasher) = (HashMap::new(), RandomState::new());
        Ok(Self { reader, columns, key, record: ByteRecord::new(), seen, hasher })
    }

    /// The columns, in the order of the cells.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of `userName` among them.
    pub(crate) fn key(&self) -> usize {
        self.key
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        let start = self.reader.position().byte();
        if !self.reader.read_byte_record(&mut self.record)? {
            return Ok(None);
        }
        let number = self.reader.get_mut().line_at(start);
        Ok(Some(self.row(number)))
    }

    fn row(&mut self, number: u64) -> Row {
        let name = self.record.get(self.key).and_then(|name| std::str::from_utf8(name).ok());
        let user_name = name.unwrap_or_default().to_owned();
        let cells = self.cells(number, &user_name);
        Row { number, user_name, cells }
    }

    fn cells(&mut self, number: u64, user_name: &str) -> Result<StringRecord, ScimError> {
        let (has, wants) = (self.record.len(), self.columns.len());
        if has != wants {
            return Err(bad(format!("The row has {has} cells, and the header has {wants}.")));
        }
        let cells =
            StringRecord::from_byte_record(self.record.clone()).map_err(|_| bad("The row is not UTF-8."))?;
        if user_name.trim().is_empty() {
            return Err(bad("The row has no userName."));
        }
        match self.seen.entry(self.hasher.hash_one(user_name_key(user_name))) {
            Entry::Occupied(first) => {
                let detail =
                    format!("Row {} has this userName already; each person stands in one row.", first.get());
                Err(ScimError::new(409, None, detail))
            }
            Entry::Vacant(free) => {
                free.insert(number);
                Ok(cells)
            }
        }
    }
}

fn columns(header: &StringRecord, rules: &Rules) -> Result<Vec<Column>, ScimError> {
    let (rt, mut tolerance) = (rules.resource_type(ResourceKind::User), rules.tolerance());
    let mut columns: Vec<Column> = Vec::with_capacity(header.len());
    for text in header {
        let column = Column::parse(rt, text, &mut tolerance)?;
        if columns.iter().any(|other| other.is_of_the_same(&column)) {
            return Err(bad(format!("The header has the column {} twice.", column.text())));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn bad(detail: impl AsRef<str>) -> ScimError {
    ScimError::new(400, None, detail)
}

/// Knows in which line a byte stands that was read a moment ago. (The library counts the second half of a CRLF with the next record.)
struct Lines<R> {
    from: R,
    /// Bytes that were read.
    read: u64,
    /// The line of the last place that was asked for.
    line: u64,
    /// Where line breaks stand behind that place, and whether each ends a line: of a CRLF only the second byte does.
    ends: VecDeque<(u64, bool)>,
}

impl<R> Lines<R> {
    /// The line in which the record begins that the reader looks for from here on: behind line breaks that are left.
    fn line_at(&mut self, start: u64) -> u64 {
        let mut place = start;
        while let Some((at, ends)) = self.ends.front().copied().filter(|(at, _)| *at <= place) {
            self.ends.pop_front();
            self.line += u64::from(ends);
            if at == place {
                place += 1;
            }
        }
        self.line
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(buffer)?;
        for (byte, at) in buffer.iter().take(count).zip(self.read..) {
            match byte {
                b'\n' => self.ends.push_back((at, true)),
                b'\r' => self.ends.push_back((at, false)),
                _ => {}
            }
        }
        self.read += u64::try_from(count).unwrap_or_default();
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Product;

    fn rules() -> Rules {
        Rules::new(Product::built_in("default").unwrap())
    }

    fn open(text: &[u8]) -> Result<Table<&[u8]>, ScimError> {
        Table::open(text, &rules())
    }

    fn rows(text: &str) -> Vec<(u64, String, Result<Vec<String>, String>)> {
        let mut table = open(text.as_bytes()).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = table.next_row().unwrap() {
            let cells = row.cells.map(|cells| cells.iter().map(str::to_owned).collect());
            rows.push((row.number, row.user_name, cells.map_err(|error| error.detail)));
        }
        rows
    }

    fn lines(text: &str) -> Vec<(u64, String)> {
        rows(text).into_iter().map(|(number, name, _)| (number, name)).collect()
    }

    #[test]
    fn a_row_has_the_number_of_the_line_in_which_it_begins() {
        let lf = "userName,title\na,1\n\"b\",\"two\nlines \"\"quoted\"\"\"\n\n\nc,3\nd,4";
        let expected = [(2, "a"), (3, "b"), (7, "c"), (8, "d")].map(|(n, name)| (n, name.to_owned()));
        assert_eq!(lines(lf), expected);
        assert_eq!(lines(&lf.replace('\n', "\r\n")), expected);
        assert_eq!(lines(&format!("\u{feff}{lf}\n")), expected);
        assert_eq!(rows(lf)[1].2, Ok(vec!["b".to_owned(), "two\nlines \"quoted\"".to_owned()]));
        let long = format!(
            "userName,title\n{}",
            (0..20_000).map(|n| format!("p{n},\"x\n\"\r\n")).collect::<String>()
        );
        assert_eq!(lines(&long).last().unwrap(), &(2 + 2 * 19_999, "p19999".to_owned()));
    }

    #[test]
    fn what_is_wrong_with_a_row_is_told_and_the_next_one_is_read() {
        let found = rows("userName,title\na,1\nA,2\nb\n,3\nc,4,5\nd,6\n");
        let faults: Vec<_> =
            found.iter().map(|(n, _, cells)| (*n, cells.clone().err().unwrap_or_default())).collect();
        assert_eq!(
            faults,
            [
                (2, String::new()),
                (3, "Row 2 has this userName already; each person stands in one row.".to_owned()),
                (4, "The row has 1 cells, and the header has 2.".to_owned()),
                (5, "The row has no userName.".to_owned()),
                (6, "The row has 3 cells, and the header has 2.".to_owned()),
                (7, String::new()),
            ]
        );
        let mut table = open(b"userName,title\na,\xff\nb,1\n").unwrap();
        let row = table.next_row().unwrap().unwrap();
        assert_eq!(
            (row.user_name.as_str(), row.cells.unwrap_err().detail.as_str()),
            ("a", "The row is not UTF-8.")
        );
        assert!(table.next_row().unwrap().unwrap().cells.is_ok());
    }

    #[test]
    fn a_header_names_the_user_name_and_each_attribute_once() {
        for (header, why) in [
            ("", "The file is empty; its first line names the columns."),
            ("title\n", "The header has no column userName."),
            ("userName,USERNAME\n", "The header has the column USERNAME twice."),
            ("userName,shoeSize\n", "The path \"shoeSize\" names no attribute of a User."),
            ("userName,\n", "The path \"\" names no attribute of a User."),
        ] {
            assert_eq!(open(header.as_bytes()).err().unwrap().detail, why, "{header}");
        }
        assert_eq!(open(b"userName\xff\n").err().unwrap().detail, "The header is not UTF-8.");
        assert!(open("\u{feff}userName, active \r\n".as_bytes()).is_ok());
        assert!(open(b"userName,\"emails[type eq \"\"work\"\"].value\"\n").is_ok());
        let many = format!("userName{}\n", ",title".repeat(MOST_COLUMNS));
        assert_eq!(open(many.as_bytes()).err().unwrap().detail, "The header has more than 200 columns.");
    }
}
