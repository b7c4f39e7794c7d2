//! How much a store may hold. The limit is on the pages in use, as the database counts them: pages that a deletion frees inside
//! the file count as free, and the log, which has a bound of its own, does not count.

use std::sync::atomic::{AtomicU64, Ordering};

use diesel::RunQueryDsl;
use diesel::sql_types::BigInt;

use crate::{StoreConnection, StoreError};

/// A store's limit, which staff may change while it is open.
#[derive(Default)]
pub(crate) struct Limit(AtomicU64);

impl Limit {
    /// `None`: no limit.
    pub(crate) fn set(&self, bytes: Option<u64>) {
        let bytes = bytes.unwrap_or(0);
        // Every request sets its tenant's limit, which hardly ever changes.
        if self.0.load(Ordering::Relaxed) != bytes {
            self.0.store(bytes, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }
}

#[derive(diesel::QueryableByName)]
struct InUse {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// Bytes in use, as the open transaction sees it.
pub(crate) fn bytes_in_use(connection: &mut StoreConnection) -> Result<u64, StoreError> {
    let query = match connection {
        StoreConnection::Sqlite(_) => {
            "SELECT (page_count - freelist_count) * page_size AS bytes \
             FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        }
        StoreConnection::Postgres(_) => {
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = current_schema() AND c.relkind = 'r'"
        }
    };
    let found: InUse = diesel::sql_query(query).get_result(connection)?;
    Ok(u64::try_from(found.bytes).unwrap_or(0))
}
