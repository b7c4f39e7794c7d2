//! All that one SQLite store is opened with, and what outlives its connections.

use std::sync::Arc;

use crate::migrate::Migration;
use crate::open::Opener;
use crate::priority::Priority;
use crate::room::Limit;
use crate::stats::Instruments;

/// What one SQLite store works with, open or at rest.
#[derive(Clone)]
pub(crate) struct SqliteContext {
    pub(crate) opener: Opener,
    pub(crate) migrations: &'static [Migration],
    pub(crate) priority: Arc<Priority>,
    pub(crate) instruments: Instruments,
    pub(crate) limit: Arc<Limit>,
}

impl SqliteContext {
    pub(crate) fn new(opener: Opener, migrations: &'static [Migration], priority: &Arc<Priority>) -> Self {
        let instruments = Instruments::new(&opener.settings.clock);
        Self { opener, migrations, priority: Arc::clone(priority), instruments, limit: Arc::default() }
    }
}
