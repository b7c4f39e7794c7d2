//! Rows on their way: some rows of one table, each a JSON object with a member for each column.

/// Rows in a batch, at most. Each batch is one transaction of the target.
const ROWS: usize = 1_000;

/// Bytes of rows after which a batch is full: a copy holds few batches at a time.
const BYTES: usize = 512 << 10;

/// Some rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The table.
    pub table: String,
    /// Each row as the text of a JSON object.
    pub rows: Vec<String>,
}

impl Batch {
    pub(crate) fn of(table: &str) -> Self {
        Self { table: table.to_owned(), rows: Vec::new() }
    }

    /// Bytes of the rows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(String::len).sum()
    }

    /// The rows as one JSON list.
    pub(crate) fn as_list(&self) -> String {
        format!("[{}]", self.rows.join(","))
    }
}

/// Fills batches with rows.
#[derive(Default)]
pub(crate) struct Filling {
    batch: Batch,
    bytes: usize,
}

impl Filling {
    /// Adds a row; returns the batch that is full by it, or that another table's row ends.
    pub(crate) fn add(&mut self, table: &str, row: String) -> Option<Batch> {
        let before = if self.batch.table == table { None } else { self.take(table) };
        self.bytes += row.len();
        self.batch.rows.push(row);
        let is_full = self.batch.rows.len() >= ROWS || self.bytes >= BYTES;
        if before.is_none() && is_full { self.take(table) } else { before }
    }

    /// The rows that are left.
    pub(crate) fn rest(&mut self) -> Option<Batch> {
        self.take("")
    }

    fn take(&mut self, next: &str) -> Option<Batch> {
        self.bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Batch::of(next));
        Some(batch).filter(|batch| !batch.rows.is_empty())
    }
}
