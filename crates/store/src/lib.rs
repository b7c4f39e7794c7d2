//! One door to a database: SQLite files and PostgreSQL schemas behind one connection type.
//!
//! [`Stores`] opens a [`Store`] from a typed [`StoreLocation`]; [`Store::read`] and [`Store::write`] run a closure
//! in a transaction and are the only doors to its rows. One closure is one transaction is one job on a thread
//! that may block. Deliberately absent: SCIM words, and the names of anyone's tables.

mod admission;
mod background;
mod cell;
mod chunks;
mod clock;
mod connection;
mod descriptors;
mod error;
mod fitness;
mod gate;
mod hold;
mod inspection;
mod lane;
mod location;
mod lock;
mod memory;
mod migrate;
mod open;
mod outage;
mod pool;
mod postgres;
mod priority;
mod reserve;
mod room;
mod scratch;
mod server;
mod settings;
mod slots;
mod snapshot;
mod sqlite;
mod statements;
mod stats;
mod store;
mod stores;
mod transactions;
mod unique;
mod uptime;
mod watch;

pub use background::in_background;
pub use cell::CellStats;
pub use chunks::{for_chunks, in_chunks};
pub use clock::Clock;
pub use connection::{MultiBackend, StoreBackend, StoreConnection};
pub use error::{Failure, StoreError};
pub use hold::Hold;
pub use inspection::{Inspected, inspect};
pub use location::{LocationError, PostgresUrl, SchemaName, StoreFile, StoreLocation};
pub use migrate::Migration;
pub use reserve::{Need, Reserve, is_reserve_whole};
pub use scratch::Scratch;
pub use settings::StoreSettings;
pub use snapshot::Snapshot;
pub use statements::{Next, Rows, Statement, Typed, Update, next};
pub use stats::StoreStats;
pub use store::Store;
pub use stores::{Held, Stores};
pub use transactions::{Haste, ReadTx, WriteTx};
pub use unique::unique_violation;
pub use watch::{Ended, Mode, TRACES, Turn, Watch};

// Named only to choose how they are built: SQLite and libpq come with the program, from source.
use libsqlite3_sys as _;
use pq_sys as _;
