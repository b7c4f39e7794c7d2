//! A PostgreSQL database that holds the schemas of many tenants. Its connections serve all of them, in lanes: each transaction
//! says in its first batch which schema it means, and forgets it at its end.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::background::blocking;
use crate::fitness::{self, check};
use crate::lane::Lane;
use crate::location::{PostgresUrl, SchemaName};
use crate::server::Server;
use crate::{StoreError, StoreSettings};

/// The connections to one PostgreSQL database, in lanes.
pub(crate) struct Cell {
    server: Arc<Server>,
    lanes: Vec<Arc<Lane>>,
}

/// The connections of a cell, counted now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CellStats {
    /// Connections that may be open.
    pub size: u32,
    /// Connections that are open.
    pub connections: u32,
    /// Those of them that serve no transaction.
    pub idle: u32,
    /// Whether the last attempt to open one failed.
    pub is_away: bool,
    /// Whether a pooler was seen before the server.
    pub is_behind_pooler: bool,
}

impl Cell {
    /// Opens nothing yet.
    pub(crate) fn new(url: &PostgresUrl, settings: &StoreSettings) -> Self {
        let server = Arc::new(Server::new(url, settings));
        let size = settings.postgres_pool_size.max(1);
        let count = settings.postgres_lanes.clamp(1, size);
        let lanes = (0..count).map(|lane| {
            // What does not divide evenly goes to the first lanes.
            let connections = size / count + u32::from(lane < size % count);
            Arc::new(Lane::new(&server, connections, settings))
        });
        Self { lanes: lanes.collect(), server }
    }

    /// The lane of a schema, always the same one.
    pub(crate) fn lane(&self, schema: &SchemaName) -> Result<&Arc<Lane>, StoreError> {
        let mut hasher = DefaultHasher::new();
        schema.hash(&mut hasher);
        let lanes = u64::try_from(self.lanes.len()).unwrap_or(u64::MAX).max(1);
        let index = usize::try_from(hasher.finish() % lanes).unwrap_or_default();
        self.lanes.get(index).ok_or_else(|| StoreError::Unavailable("the cell has no lanes".to_owned()))
    }

    /// The first batch of a transaction in a schema, so one round trip. LOCAL ends with the transaction: the next one to use the
    /// connection is never in a foreign schema, and behind a pooler nothing is left in a session that is not ours.
    pub(crate) fn begin_sql(&self, begin: &str, schema: &SchemaName) -> String {
        format!("{begin}; SET LOCAL search_path TO \"{}\"", schema.as_str())
    }

    /// `SET LOCAL …` of the time limits.
    pub(crate) fn limits_sql(&self) -> String {
        self.server.limits.of_transaction()
    }

    /// Checks that the database can hold stores of ours.
    ///
    /// # Errors
    /// `Unfit` with one sentence that says what to do; `Unavailable` or `Busy` when it cannot be reached.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        self.server.outage.allow_attempt()?;
        let server = Arc::clone(&self.server);
        blocking(move || check(&mut server.connect()?.connection)).await
    }

    /// What the server's clock says, in milliseconds since 1970 UTC.
    pub(crate) async fn now_ms(&self) -> Result<i64, StoreError> {
        self.server.outage.allow_attempt()?;
        let server = Arc::clone(&self.server);
        blocking(move || fitness::now_ms(&mut server.connect()?.connection)).await
    }

    pub(crate) fn stats(&self) -> CellStats {
        let all = CellStats {
            is_away: self.server.outage.is_on(),
            is_behind_pooler: self.server.is_behind_pooler(),
            ..CellStats::default()
        };
        self.lanes.iter().fold(all, |all, lane| {
            let of_lane = lane.stats();
            CellStats {
                size: all.size + lane.admission.size(),
                connections: all.connections + of_lane.connections,
                idle: all.idle + of_lane.idle,
                ..all
            }
        })
    }

    /// Lets running work end and closes all connections.
    pub(crate) async fn close(&self, patience: Duration) {
        for lane in &self.lanes {
            lane.admission.close(patience).await;
            let lane = Arc::clone(lane);
            let _closed: Result<(), StoreError> = blocking(move || {
                lane.close_idle();
                Ok(())
            })
            .await;
        }
    }
}
