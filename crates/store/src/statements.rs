//! Runs a statement directly on SQLite or PostgreSQL. The derived `StoreConnection` is a backend of its own to Diesel, which
//! makes the text of every statement anew, twice, though the statement is already prepared: that was half the price of a
//! look-up. Statements whose text never changes are run here, on the connection inside, and cost their binds.

use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::connection::Connection;
use diesel::dsl::Limit;
use diesel::expression::{
    AppearsOnTable, AsExpression, Expression, SelectableExpression, TypedExpressionType, ValidGrouping,
    is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AsChangeset, AstPass, IntoUpdateTarget, QueryFragment, QueryId, UpdateTarget};
use diesel::query_dsl::{LoadQuery, methods};
use diesel::query_source::{Column, QuerySource};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, SqlType};
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use crate::{ReadTx, StoreConnection, StoreError, WriteTx};

/// A statement that both databases understand.
pub trait Statement: QueryFragment<Sqlite> + QueryFragment<Pg> + QueryId {}

impl<Q: QueryFragment<Sqlite> + QueryFragment<Pg> + QueryId> Statement for Q {}

/// A query that gives the same rows on both databases.
pub trait Rows<'q, T>: LoadQuery<'q, SqliteConnection, T> + LoadQuery<'q, PgConnection, T> {}

impl<'q, T, Q> Rows<'q, T> for Q where Q: LoadQuery<'q, SqliteConnection, T> + LoadQuery<'q, PgConnection, T> {}

impl ReadTx<'_> {
    /// The one row of a query.
    ///
    /// # Errors
    /// `NotFound` when there is none, or what the database says.
    pub fn get_result<'q, T>(&mut self, query: impl Rows<'q, T>) -> QueryResult<T> {
        self.run(|connection| match connection {
            StoreConnection::Sqlite(inner) => RunQueryDsl::get_result(query, inner),
            StoreConnection::Postgres(inner) => RunQueryDsl::get_result(query, inner),
        })
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// What the database says.
    pub fn load<'q, T>(&mut self, query: impl Rows<'q, T>) -> QueryResult<Vec<T>> {
        self.run(|connection| match connection {
            StoreConnection::Sqlite(inner) => RunQueryDsl::load(query, inner),
            StoreConnection::Postgres(inner) => RunQueryDsl::load(query, inner),
        })
    }
}

impl ReadTx<'_> {
    /// The first rows of a query, so many at the most. PostgreSQL is told by a `LIMIT`. SQLite gives one row after the other, and
    /// would make its plan anew whenever the number of a `LIMIT` is bound, at several times the price of a look-up.
    ///
    /// # Errors
    /// What the database says.
    pub fn load_first<'q, T, Q>(&mut self, query: Q, most: usize) -> QueryResult<Vec<T>>
    where
        T: 'q,
        Q: LoadQuery<'q, SqliteConnection, T> + methods::LimitDsl + 'q,
        Limit<Q>: LoadQuery<'q, PgConnection, T>,
    {
        match self.connection() {
            StoreConnection::Sqlite(inner) => query.internal_load(inner)?.take(most).collect(),
            StoreConnection::Postgres(inner) => {
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                RunQueryDsl::load(methods::LimitDsl::limit(query, most), inner)
            }
        }
    }

    /// All rows of a query; of a read that must stay small, so many at the most.
    ///
    /// # Errors
    /// `LargeRead` when there are more, or what the database says.
    pub fn load_few<'q, T, Q>(&mut self, query: Q, most: usize) -> Result<Vec<T>, StoreError>
    where
        T: 'q,
        Q: Rows<'q, T> + methods::LimitDsl + 'q,
        Limit<Q>: LoadQuery<'q, PgConnection, T>,
    {
        if !self.is_small() {
            return Ok(self.load(query)?);
        }
        let rows = self.load_first(query, most.saturating_add(1))?;
        if rows.len() > most { Err(StoreError::LargeRead) } else { Ok(rows) }
    }
}

impl WriteTx<'_> {
    /// Runs an `INSERT` or a `DELETE`; how many rows it touched.
    ///
    /// # Errors
    /// What the database says.
    pub fn execute(&mut self, statement: impl Statement) -> QueryResult<usize> {
        let rows = self.run(|connection| match connection {
            StoreConnection::Sqlite(inner) => inner.execute_returning_count(&statement),
            StoreConnection::Postgres(inner) => inner.execute_returning_count(&statement),
        });
        self.note_changes(&rows);
        rows
    }

    /// Runs an `UPDATE` of the rows that `target` chooses; how many it touched. A struct that sets columns must set all of them
    /// (`treat_none_as_null`), because its type stands for the text of the statement.
    ///
    /// # Errors
    /// What the database says.
    pub fn update<T, C>(&mut self, target: T, changes: C) -> QueryResult<usize>
    where
        T: IntoUpdateTarget<Table: QuerySource>,
        C: AsChangeset<Target = T::Table>,
        Update<<T::Table as QuerySource>::FromClause, C::Changeset, T::WhereClause, C>: Statement,
    {
        let UpdateTarget { table, where_clause } = target.into_update_target();
        let (table, changes, id) = (table.from_clause(), changes.as_changeset(), PhantomData::<C>);
        self.execute(Update { table, changes, where_clause, id })
    }

    /// Adds to a counter of the rows that `target` chooses; how many it touched.
    ///
    /// # Errors
    /// What the database says.
    pub fn increase<T, C>(&mut self, target: T, _counter: C, by: i64) -> QueryResult<usize>
    where
        T: IntoUpdateTarget<Table: QuerySource>,
        C: Column<Table = T::Table, SqlType = BigInt>,
        Increase<<T::Table as QuerySource>::FromClause, C, T::WhereClause>: Statement,
    {
        let UpdateTarget { table, where_clause } = target.into_update_target();
        self.execute(Increase { table: table.from_clause(), column: PhantomData::<C>, by, where_clause })
    }
}

/// An `UPDATE` that stays prepared. Diesel prepares its own anew each time, because one with optional columns has many texts;
/// ours have one for each type of what they set, which has no optional columns, and by that type the prepared one is found.
#[derive(Debug)]
pub struct Update<T, C, W, I> {
    table: T,
    changes: C,
    where_clause: W,
    /// The changes before they became what is set, which Diesel gives no id.
    id: PhantomData<I>,
}

impl<DB, T, C, W, I> QueryFragment<DB> for Update<T, C, W, I>
where
    DB: Backend,
    T: QueryFragment<DB>,
    C: QueryFragment<DB>,
    W: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("UPDATE ");
        self.table.walk_ast(pass.reborrow())?;
        pass.push_sql(" SET ");
        self.changes.walk_ast(pass.reborrow())?;
        self.where_clause.walk_ast(pass)
    }
}

impl<T: 'static, C, W: QueryId, I: QueryId> QueryId for Update<T, C, W, I> {
    type QueryId = Update<T, (), W::QueryId, I::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = W::HAS_STATIC_QUERY_ID && I::HAS_STATIC_QUERY_ID;
}

/// An `UPDATE` that adds to a counter: it has one text for each column and `WHERE`, so the prepared one is found by its type.
#[derive(Debug)]
pub struct Increase<T, C, W> {
    table: T,
    column: PhantomData<C>,
    by: i64,
    where_clause: W,
}

impl<DB, T, C, W> QueryFragment<DB> for Increase<T, C, W>
where
    DB: Backend + HasSqlType<BigInt>,
    i64: ToSql<BigInt, DB>,
    T: QueryFragment<DB>,
    C: Column,
    W: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("UPDATE ");
        self.table.walk_ast(pass.reborrow())?;
        pass.push_sql(" SET ");
        pass.push_identifier(C::NAME)?;
        pass.push_sql(" = ");
        pass.push_identifier(C::NAME)?;
        pass.push_sql(" + ");
        pass.push_bind_param::<BigInt, _>(&self.by)?;
        self.where_clause.walk_ast(pass)
    }
}

impl<T: 'static, C: 'static, W: QueryId> QueryId for Increase<T, C, W> {
    type QueryId = Increase<T, C, W::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = W::HAS_STATIC_QUERY_ID;
}

/// Inserts one row whose values may be asked of its table. On PostgreSQL by `INSERT INTO … SELECT …`, because Citus takes no subquery among
/// `VALUES`; on SQLite by `VALUES`, because it keeps a journal of its own for each `INSERT` of what a `SELECT` gives.
#[macro_export]
macro_rules! insert_row {
    ($tx:expr, $table:path, $($column:path = $value:expr),+ $(,)?) => {{
        if $tx.has_rivals() {
            use $crate::Typed as _;
            let values = ($($column.value($value),)+);
            let row = diesel::Insertable::insert_into(diesel::select(values), $table);
            let row = row.into_columns(($($column,)+));
            $tx.execute(row)
        } else {
            use diesel::ExpressionMethods as _;
            let row = diesel::insert_into($table).values(($($column.eq($value),)+));
            $tx.execute(row)
        }
    }};
}

/// A column that gives a value its type.
pub trait Typed: Column + Sized {
    /// The value as an expression.
    fn value<V: AsExpression<Self::SqlType>>(self, value: V) -> V::Expression
    where
        Self::SqlType: SqlType + TypedExpressionType,
    {
        value.as_expression()
    }
}

impl<C: Column> Typed for C {}

/// One more than the greatest number in a column, and 1 where there is none: the place of a row that is inserted behind all
/// others. Two writers may not ask at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Next<T, C> {
    table: T,
    column: PhantomData<C>,
}

/// [`Next`] of this column, the first of its table's primary key.
pub fn next<C>(table: C::Table, _column: C) -> Next<<C::Table as QuerySource>::FromClause, C>
where
    C: Column<Table: QuerySource, SqlType = BigInt>,
{
    Next { table: table.from_clause(), column: PhantomData }
}

impl<T, C> Expression for Next<T, C> {
    type SqlType = BigInt;
}

impl<T, C, QS> AppearsOnTable<QS> for Next<T, C> {}

impl<T, C, QS> SelectableExpression<QS> for Next<T, C> {}

impl<T, C, G> ValidGrouping<G> for Next<T, C> {
    type IsAggregate = is_aggregate::Never;
}

impl<DB: Backend, T: QueryFragment<DB>, C: Column> QueryFragment<DB> for Next<T, C> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        pass.push_sql("COALESCE((SELECT MAX(");
        pass.push_identifier(C::NAME)?;
        pass.push_sql(") FROM ");
        self.table.walk_ast(pass.reborrow())?;
        pass.push_sql("), 0) + 1");
        Ok(())
    }
}

impl<T: 'static, C: 'static> QueryId for Next<T, C> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use diesel::connection::{InstrumentationEvent, SimpleConnection};
    use diesel::prelude::*;

    use super::*;
    use crate::clock::{Clock, StoreClock};

    diesel::table! {
        pools (name) {
            name -> Text,
            used -> BigInt,
        }
    }

    #[test]
    fn updates_and_a_query_with_a_limit_are_prepared_once() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let table =
            "CREATE TABLE pools (name TEXT PRIMARY KEY, used BIGINT); INSERT INTO pools VALUES ('a', 0)";
        connection.batch_execute(table).unwrap();
        let kept = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&kept);
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut connection = StoreConnection::Sqlite(connection);
        let clock = StoreClock::new(Clock::system(Clock::AHEAD));
        let mut tx = WriteTx::new(&mut connection, &clock);
        for by in 1..=3 {
            assert_eq!(tx.update(pools::table.find("a"), pools::used.eq(pools::used + by)), Ok(1));
            assert_eq!(tx.update(pools::table.find("b"), pools::used.eq(pools::used + by)), Ok(0));
        }
        assert_eq!(kept.swap(0, Ordering::Relaxed), 1);
        for (name, rows) in [("a", 1), ("b", 0), ("a", 1)] {
            assert_eq!(tx.increase(pools::table.find(name), pools::used, 2), Ok(rows));
            let left = pools::table.find(name).filter(pools::used.lt(10));
            assert_eq!(tx.increase(left, pools::used, -2), Ok(rows));
        }
        assert_eq!(kept.swap(0, Ordering::Relaxed), 2);
        for _ in 1..=3 {
            assert_eq!(tx.get_result(pools::table.select(pools::used).limit(1)), Ok(6_i64));
        }
        assert_eq!(kept.swap(0, Ordering::Relaxed), 1);
        tx.execute(diesel::insert_into(pools::table).values((pools::name.eq("b"), pools::used.eq(7))))
            .unwrap();
        kept.store(0, Ordering::Relaxed);
        for (most, found) in [(0, vec![]), (1, vec![6_i64]), (2, vec![6, 7]), (9, vec![6, 7])] {
            let rows = pools::table.select(pools::used).order(pools::name);
            assert_eq!(tx.load_first(rows, most), Ok(found));
        }
        assert_eq!(kept.swap(0, Ordering::Relaxed), 1);
    }

    diesel::table! {
        notes (id) {
            id -> BigInt,
            first -> Nullable<Text>,
            second -> Nullable<Text>,
        }
    }

    #[test]
    fn updates_of_the_same_types_set_what_each_names() {
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let table = "CREATE TABLE notes (id BIGINT PRIMARY KEY, first TEXT, second TEXT); INSERT INTO notes (id) VALUES (1), (2)";
        connection.batch_execute(table).unwrap();
        let mut connection = StoreConnection::Sqlite(connection);
        let clock = StoreClock::new(Clock::system(Clock::AHEAD));
        let mut tx = WriteTx::new(&mut connection, &clock);
        let row = |tx: &mut WriteTx<'_>, id: i64| {
            tx.get_result::<(Option<String>, Option<String>)>(
                notes::table.find(id).select((notes::first, notes::second)),
            )
            .unwrap()
        };
        let told =
            |first: Option<&str>, second: Option<&str>| (first.map(Into::into), second.map(Into::into));
        let of_first = |tx: &mut WriteTx<'_>, text| tx.update(notes::table.find(1), notes::first.eq(text));
        let of_second = |tx: &mut WriteTx<'_>, text| tx.update(notes::table.find(1), notes::second.eq(text));
        assert_eq!(of_first(&mut tx, Some("a")), Ok(1));
        assert_eq!(of_second(&mut tx, Some("b")), Ok(1));
        assert_eq!(row(&mut tx, 1), told(Some("a"), Some("b")));
        assert_eq!(of_first(&mut tx, None), Ok(1));
        assert_eq!(row(&mut tx, 1), told(None, Some("b")));
        let (first, second) = (notes::first.eq(Some("c")), notes::second.eq(None::<&str>));
        assert_eq!(tx.update(notes::table.find(1), (first, second)), Ok(1));
        assert_eq!(row(&mut tx, 1), told(Some("c"), None));
        assert_eq!(tx.update(notes::table.find(1), (second, first)), Ok(1));
        assert_eq!(tx.update(notes::table.filter(notes::first.is_null()), first), Ok(1));
        assert_eq!(row(&mut tx, 2), told(Some("c"), None));
    }
}
