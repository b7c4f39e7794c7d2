//! A store that takes no writes while it is copied elsewhere, and that nothing can use afterwards: a fence. One transaction does both,
//! so when its process dies, either nothing has happened or the fence stands.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use diesel::RunQueryDsl;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::postgres::FENCED_SCHEMA;
use crate::{ReadTx, Store, StoreConnection, StoreError, WriteTx};

/// How often the transaction shows the server that its process lives.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);

/// On PostgreSQL the transaction ends after so long without one. Then a machine that fell silent does not keep writes out for ever.
const SILENCE: Duration = Duration::from_secs(10);

/// What the names of a fenced file's tables begin with.
const FENCED_TABLE: &str = "moved_";

/// Keeps every other write out of a store until it is dropped.
pub struct Hold {
    fence: Sender<()>,
    transaction: JoinHandle<Result<(), StoreError>>,
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl Store {
    /// Waits until no other write runs, and then lets none begin; who waits for long is refused as `Busy`. Reads go on. On SQLite
    /// there is one writer anyway; on PostgreSQL `take_all_turns` locks what every writer of the store locks before it writes.
    ///
    /// # Errors
    /// `Busy` when other writes do not end; `Corrupt` when the store is fenced; or the database's.
    pub async fn hold(
        &self,
        take_all_turns: impl FnOnce(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Hold, StoreError> {
        let (fence, verdict) = mpsc::channel();
        let (held, holds) = oneshot::channel();
        let store = self.clone();
        let transaction = tokio::spawn(async move {
            let work = move |tx: &mut WriteTx<'_>| {
                tx.go_beyond_limit();
                begin(tx)?;
                take_all_turns(tx)?;
                let _caller_is_gone = held.send(());
                loop {
                    match verdict.recv_timeout(SIGN_OF_LIFE) {
                        Ok(()) => return fence_off(tx),
                        Err(RecvTimeoutError::Timeout) => show_life(tx)?,
                        Err(RecvTimeoutError::Disconnected) => return Err(let_go()),
                    }
                }
            };
            store.write_alone(work).await
        });
        match holds.await {
            Ok(()) => Ok(Hold { fence, transaction }),
            Err(_ended) => Err(ended(transaction.await).err().unwrap_or_else(let_go)),
        }
    }
}

impl Hold {
    /// Makes the store unusable for good and ends the hold.
    ///
    /// # Errors
    /// The database's; [`Stores::is_fenced`](crate::Stores::is_fenced) tells whether the fence stands all the same.
    pub async fn fence(self) -> Result<(), StoreError> {
        let _ended_before = self.fence.send(());
        ended(self.transaction.await)
    }

    /// Lets writes go on; returns when they can.
    pub async fn let_go(self) {
        drop(self.fence);
        let _refused = self.transaction.await;
    }
}

fn ended(transaction: Result<Result<(), StoreError>, tokio::task::JoinError>) -> Result<(), StoreError> {
    transaction.unwrap_or(Err(StoreError::Panicked))
}

fn let_go() -> StoreError {
    StoreError::Unavailable("the hold on the store was let go".to_owned())
}

/// Makes sure that a machine that falls silent does not keep writes out for ever, and that the store is one.
fn begin(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    if let StoreConnection::Postgres(connection) = tx.connection() {
        connection.batch_execute(&format!(
            "SET LOCAL idle_in_transaction_session_timeout = {}",
            SILENCE.as_millis()
        ))?;
    }
    tables(tx).map(drop)
}

/// The store's tables. None is what a fenced schema looks like from outside: its name leads nowhere.
fn tables(tx: &mut ReadTx<'_>) -> Result<Vec<String>, StoreError> {
    let sql = match tx.connection() {
        StoreConnection::Sqlite(_) => {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
        }
        StoreConnection::Postgres(_) => {
            "SELECT tablename::text AS name FROM pg_catalog.pg_tables WHERE schemaname = current_schema() ORDER BY 1"
        }
    };
    let tables: Vec<Name> = diesel::sql_query(sql).load(tx.connection())?;
    if tables.is_empty() || tables.iter().any(|table| table.name.starts_with(FENCED_TABLE)) {
        return Err(StoreError::Corrupt("the store was moved".to_owned()));
    }
    Ok(tables.into_iter().map(|table| table.name).collect())
}

fn show_life(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    if let StoreConnection::Postgres(connection) = tx.connection() {
        connection.batch_execute("SELECT 1")?;
    }
    Ok(())
}

/// Takes the names away by which everybody finds the rows. On PostgreSQL that is the schema's: renaming it waits for no reader, and
/// every statement, also one that waits for our locks, looks its tables up again. On SQLite it is each table's.
fn fence_off(tx: &mut WriteTx<'_>) -> Result<(), StoreError> {
    let tables = tables(tx)?;
    match tx.connection() {
        StoreConnection::Sqlite(connection) => {
            for table in &tables {
                let rename = format!("ALTER TABLE \"{table}\" RENAME TO \"{FENCED_TABLE}{table}\"");
                connection.batch_execute(&rename)?;
            }
        }
        StoreConnection::Postgres(connection) => {
            let schema: Name =
                diesel::sql_query("SELECT current_schema()::text AS name").get_result(connection)?;
            let schema = schema.name;
            connection
                .batch_execute(&format!("ALTER SCHEMA \"{schema}\" RENAME TO \"{schema}{FENCED_SCHEMA}\""))?;
        }
    }
    Ok(())
}

/// Whether a file's tables have a fence's names.
pub(crate) fn has_fenced_tables(connection: &mut StoreConnection) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, {}) = '{FENCED_TABLE}' LIMIT 1",
        FENCED_TABLE.len()
    );
    let found: Vec<Name> = diesel::sql_query(sql).load(connection)?;
    Ok(!found.is_empty())
}
