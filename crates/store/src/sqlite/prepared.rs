//! Statements without values that SQLite prepares once for each connection. Diesel's own way has `BEGIN`, `COMMIT` and a `PRAGMA` prepared anew
//! each time, which is a twentieth of a look-up.

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

/// One statement, by its text. A connection keeps it until it is closed.
pub(crate) struct Prepared<'a>(pub(crate) &'a str);

impl QueryFragment<Sqlite> for Prepared<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        pass.push_sql(self.0);
        Ok(())
    }
}

impl QueryId for Prepared<'_> {
    type QueryId = ();

    // It is known by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Prepared<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<SqliteConnection> for Prepared<'_> {}
