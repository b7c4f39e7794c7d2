//! Copies rows from PostgreSQL into SQLite as texts, at half the cost of JSON. SQLite makes a number of a text again where the column
//! holds numbers.

use diesel::backend::Backend;
use diesel::pg::PgRowByRowLoadingMode;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, HasSqlType, Nullable, Text};
use diesel::{PgConnection, QueryResult, RunQueryDsl};
use store::{StoreError, WriteTx};

use crate::catalogue::Table;

/// The values of one row.
#[derive(diesel::QueryableByName)]
struct Texts {
    #[diesel(sql_type = Array<Nullable<Text>>)]
    texts: Vec<Option<String>>,
}

/// The statement that writes one row of any table. Its SQL is the same for all rows of a table, so it stays prepared.
struct InsertTexts<'a> {
    /// The SQL before the values.
    insert: &'a str,
    values: &'a [Option<String>],
}

impl QueryId for InsertTexts<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend + HasSqlType<Text>> QueryFragment<DB> for InsertTexts<'_>
where
    Option<String>: ToSql<Nullable<Text>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.insert);
        for (place, value) in self.values.iter().enumerate() {
            out.push_sql(if place == 0 { " (" } else { ", " });
            out.push_bind_param::<Nullable<Text>, _>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Copies a table of PostgreSQL into the table of the same name.
///
/// # Errors
/// What either database says.
pub(crate) fn copy_rows(
    source: &mut PgConnection,
    scratch: &mut WriteTx<'_>,
    table: &Table,
) -> Result<(), StoreError> {
    let insert = table.insert_values();
    let rows = diesel::sql_query(table.select_texts());
    for row in rows.load_iter::<Texts, PgRowByRowLoadingMode>(source)? {
        let Texts { texts } = row?;
        scratch.execute(InsertTexts { insert: &insert, values: &texts })?;
    }
    Ok(())
}
