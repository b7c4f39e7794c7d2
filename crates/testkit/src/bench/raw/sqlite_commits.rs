//! How many one-row transactions a second SQLite commits on this disk: WAL, `synchronous=FULL`, one thread, a
//! primary key, a unique name, a body. As in the baseline that the goal was taken from, the key is a random UUID. With ids in
//! the order of time, the kindest order for SQLite, it is shown besides.

use std::path::Path;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{Connection, ExpressionMethods, QueryableByName, RunQueryDsl, SqliteConnection};
use uuid::Uuid;

use self::schema::raw_rows;
use super::BODY;
use crate::bench::Result;
use crate::bench::record::Record;

/// The name of a commit in a record.
pub const COMMIT: &str = "commit";

const PREPARE: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE raw_rows (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
";

mod schema {
    diesel::table! {
        raw_rows (id) {
            id -> Binary,
            name -> Text,
            body -> Text,
        }
    }
}

/// Which ids the rows have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// UUIDv4.
    Random,
    /// UUIDv7.
    OfTime,
}

impl Ids {
    fn next(self) -> Uuid {
        match self {
            Self::Random => Uuid::new_v4(),
            Self::OfTime => Uuid::now_v7(),
        }
    }
}

/// A file that takes one row a transaction.
pub struct RawCommits {
    ids: Ids,
    connection: SqliteConnection,
    body: String,
    rows: u64,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

impl RawCommits {
    /// Makes the file, which must not be there.
    pub fn create(file: &Path, ids: Ids) -> Result<Self> {
        let mut connection = SqliteConnection::establish(&file.to_string_lossy())?;
        connection.batch_execute(PREPARE)?;
        Ok(Self { ids, connection, body: "u".repeat(BODY), rows: 0 })
    }

    /// The version of SQLite that is linked in, the same one as in the gateway.
    pub fn version(&mut self) -> Result<String> {
        let query = diesel::sql_query("SELECT sqlite_version() AS version");
        Ok(query.get_result::<Version>(&mut self.connection)?.version)
    }

    /// Commits one row after the other; the latencies and the whole time.
    pub fn run(&mut self, time: Duration) -> Result<(Record, Duration)> {
        let mut record = Record::default();
        let begun = Instant::now();
        while begun.elapsed() < time {
            let (id, name) = (self.ids.next(), format!("person.{:07}@bench.example.com", self.rows));
            let one = Instant::now();
            // Outside of a transaction each statement is its own.
            diesel::insert_into(raw_rows::table)
                .values((
                    raw_rows::id.eq(id.as_bytes().as_slice()),
                    raw_rows::name.eq(&name),
                    raw_rows::body.eq(&self.body),
                ))
                .execute(&mut self.connection)?;
            record.right(COMMIT, one.elapsed())?;
            self.rows += 1;
        }
        Ok((record, begun.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use diesel::QueryDsl;

    use super::*;

    #[test]
    fn every_commit_is_durable_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        for ids in [Ids::Random, Ids::OfTime] {
            let file = folder.path().join(format!("{ids:?}.db"));
            let mut raw = RawCommits::create(&file, ids).unwrap();
            let (record, _) = raw.run(Duration::from_millis(20)).unwrap();

            let mut other = SqliteConnection::establish(&file.to_string_lossy()).unwrap();
            let rows: i64 = raw_rows::table.count().get_result(&mut other).unwrap();
            assert_eq!(u64::try_from(rows).unwrap(), record.count(COMMIT));
            assert!(rows > 0);
            assert!(raw.version().unwrap().starts_with("3."));
        }
    }
}
