//! Fills a new store with the rows of a copy. The store first gets the migrations that the copied one had, then the rows, then the
//! migrations that the copied one lacked, so that each step meets the tables that it was written for.

use std::sync::Arc;

use diesel::RunQueryDsl;
use diesel::sql_types::Text;
use store::{Migration, Store, StoreConnection, StoreError, StoreLocation, Stores, WriteTx};

use crate::catalogue::{Table, tables};
use crate::error::TransferError;
use crate::rows::Batch;

/// A new store that is being filled.
pub struct Loading {
    stores: Stores,
    location: StoreLocation,
    known: &'static [Migration],
    store: Store,
    tables: Arc<Vec<Table>>,
    rows: u64,
}

impl Loading {
    /// Makes the store, which must not exist yet, with the migrations of the copied one, `versions`, and without rows. A caller that
    /// gives up destroys what is at the location.
    ///
    /// # Errors
    /// `Refused` for a copy of another program or a newer version; or the store's.
    pub async fn begin(
        stores: &Stores,
        location: &StoreLocation,
        known: &'static [Migration],
        versions: &[String],
    ) -> Result<Self, TransferError> {
        let migrations = matching(known, versions)?;
        let store = stores.create(location, migrations).await?;
        // Some steps write first rows, which the copy has too.
        let empty = |tx: &mut WriteTx<'_>| {
            let tables = tables(tx.connection())?;
            for table in tables.iter().rev() {
                diesel::sql_query(table.delete()).execute(tx.connection())?;
            }
            Ok::<_, StoreError>(tables)
        };
        let tables = Arc::new(store.write(empty).await?);
        Ok(Self { stores: stores.clone(), location: location.clone(), known, store, tables, rows: 0 })
    }

    /// Writes one batch, in a transaction of its own.
    ///
    /// # Errors
    /// `Refused` for a table that the store does not have; or the store's.
    pub async fn write(&mut self, batch: Batch) -> Result<(), TransferError> {
        let tables = Arc::clone(&self.tables);
        let expected = batch.rows.len();
        let written = self.store.write(move |tx: &mut WriteTx<'_>| insert(tx, &tables, &batch)).await?;
        if written != expected {
            return Err(TransferError::refused(format!("{expected} rows were read, but {written} written")));
        }
        self.rows += u64::try_from(written).unwrap_or_default();
        Ok(())
    }

    /// How many rows were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Closes the store and opens it as a complete one, which applies the migrations that it lacks.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish(self) -> Result<Store, TransferError> {
        drop(self.store);
        self.stores.close(&self.location).await;
        Ok(self.stores.open(&self.location, self.known).await?)
    }
}

/// The first of the known migrations, those that the copied store has.
fn matching(known: &'static [Migration], versions: &[String]) -> Result<&'static [Migration], TransferError> {
    if let Some(newer) = versions.iter().find(|version| !known.iter().any(|step| step.version == **version)) {
        let sentence =
            format!("it was made by a newer version of this program, which has the migration {newer}");
        return Err(TransferError::refused(sentence));
    }
    let migrations = known.get(..versions.len()).unwrap_or_default();
    let is_same = migrations.iter().map(|step| step.version).eq(versions.iter().map(String::as_str));
    if versions.is_empty() || !is_same {
        return Err(TransferError::refused("it does not name the migrations that its store had"));
    }
    Ok(migrations)
}

fn insert(tx: &mut WriteTx<'_>, tables: &[Table], batch: &Batch) -> Result<usize, TransferError> {
    let Some(table) = tables.iter().find(|table| table.name == batch.table) else {
        let sentence = format!("it has rows of {}, which is no table of a store", batch.table);
        return Err(TransferError::refused(sentence));
    };
    // Rows that are there count for nothing: the store is new.
    tx.go_beyond_limit();
    let query = diesel::sql_query(table.insert(tx.connection())).bind::<Text, _>(batch.as_list());
    Ok(match tx.connection() {
        StoreConnection::Sqlite(connection) => query.execute(connection)?,
        StoreConnection::Postgres(connection) => query.execute(connection)?,
    })
}
