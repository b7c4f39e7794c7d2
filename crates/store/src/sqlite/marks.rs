//! How long a write-ahead log may become, and what happens on the way there.

use crate::StoreSettings;

/// Bytes of the log's header.
const HEADER: u64 = 32;

/// Bytes of a page in the log: its header and the page.
const FRAME: u64 = 24 + 4096;

/// Lengths of one log. Each is less than the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    /// Pages from which checkpoints run, until the log starts again by itself.
    pub(crate) checkpoint: u32,
    /// Pages from which new reads wait until it does.
    pub(crate) hold: u32,
    /// Pages from which no transaction begins. The rest is for the transaction under way.
    pub(crate) full: u32,
    /// Bytes of the file from which a transaction under way is undone: what its connection still keeps in memory fits behind.
    pub(crate) cut_bytes: u64,
}

impl Marks {
    pub(crate) fn of(settings: &StoreSettings) -> Self {
        let limit = u64::from(settings.log_limit_mib) << 20;
        let cache = u64::from(settings.sqlite_cache_kib) << 10;
        let cut_bytes = limit.saturating_sub(2 * cache).max(limit / 4);
        let pages = |bytes: u64| u32::try_from(bytes.saturating_sub(HEADER) / FRAME).unwrap_or(u32::MAX);
        let full = pages(limit / 4 * 3).min(pages(cut_bytes));
        let hold = settings.wal_max_pages.min(full / 4 * 3);
        let checkpoint = settings.checkpoint_pages.min(hold / 3 * 2).max(1);
        Self { checkpoint, hold, full, cut_bytes }
    }

    /// Bytes that the file keeps when the log starts again: it is cut back to them then.
    pub(crate) fn kept_bytes(&self) -> u64 {
        u64::from(self.hold) * FRAME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_below_the_next_for_any_limit() {
        for log_limit_mib in StoreSettings::LOG_LIMIT_MIB {
            let marks = Marks::of(&StoreSettings { log_limit_mib, ..StoreSettings::default() });
            assert!(marks.checkpoint < marks.hold && marks.hold < marks.full, "{marks:?}");
            assert!(u64::from(marks.full) * FRAME < marks.cut_bytes, "{marks:?}");
            assert!(marks.cut_bytes < u64::from(log_limit_mib) << 20, "{marks:?}");
        }
    }

    #[test]
    fn the_default_limit_leaves_the_usual_numbers_as_they_are() {
        let settings = StoreSettings::default();
        let marks = Marks::of(&settings);
        assert_eq!((marks.checkpoint, marks.hold), (settings.checkpoint_pages, settings.wal_max_pages));
    }
}
