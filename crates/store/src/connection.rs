//! The one connection type. Ordinary functions take `&mut StoreConnection` and run on both databases; how a
//! connection is opened is in `open`, when it is in a transaction in `transactions`.

// The derive makes public items without documentation.
#![allow(missing_docs)]

use diesel::connection::TransactionManager;

/// A connection to a tenant's store, whichever database it lives in.
///
/// Never made with `establish(url)`: the derive tries its variants in turn, and a mistyped PostgreSQL URL
/// silently becomes a SQLite file of that name. Only this crate opens connections, from a typed location.
#[derive(diesel::MultiConnection)]
pub enum StoreConnection {
    /// One SQLite file.
    Sqlite(diesel::SqliteConnection),
    /// One PostgreSQL session; the schema is chosen anew by each transaction.
    Postgres(diesel::PgConnection),
}

/// What boxed predicates and hand-written query fragments are generic over.
pub type StoreBackend = <StoreConnection as diesel::Connection>::Backend;

/// How many transactions are open on this connection: 0 none, 1 a transaction, 2 and more savepoints in it.
///
/// # Errors
/// When Diesel has given the connection up; such a connection is closed, never reused.
pub(crate) fn depth(connection: &mut StoreConnection) -> diesel::QueryResult<u32> {
    let status = StoreConnection::transaction_manager_status_mut(connection);
    Ok(status.transaction_depth()?.map_or(0, |depth| depth.get()))
}
