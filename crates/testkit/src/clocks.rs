//! Wrong clocks, for tests of code that must not depend on the clock.

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use store::{Clock, StoreSettings};

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;

/// How far a jumping clock is off, in turn: back and forth by little, by an hour, a day and years.
const JUMPS: [i64; 9] =
    [0, -2 * SECOND, 5 * SECOND, -3_600 * SECOND, DAY, -2 * DAY, 3 * 365 * DAY, -SECOND, -5 * 365 * DAY];

fn right() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A clock that is off by so many milliseconds.
pub fn off_by(ms: i64) -> Clock {
    Clock::reading(Clock::AHEAD, move || right() + ms)
}

/// A clock that says something else each time it is asked.
pub fn jumping() -> Clock {
    let asked = AtomicUsize::new(0);
    Clock::reading(Clock::AHEAD, move || right() + JUMPS[asked.fetch_add(1, Ordering::Relaxed) % JUMPS.len()])
}

/// Settings with this clock.
pub fn settings(clock: Clock) -> StoreSettings {
    StoreSettings { clock, ..StoreSettings::default() }
}

/// The clock of a process of its own, which libfaketime makes wrong: Debian's package `faketime`. The monotonic clock stays
/// right, as on a machine whose clock is set.
pub struct MachineClock {
    directory: tempfile::TempDir,
    library: String,
}

impl MachineClock {
    /// Right, until it is set.
    #[allow(clippy::new_without_default, reason = "it needs a program that may be missing")]
    pub fn new() -> Self {
        // The wrapper knows where its library lies.
        let told = Command::new("faketime").args(["-f", "+0", "sh", "-c", "echo $LD_PRELOAD"]).output();
        let told = told.unwrap_or_else(|e| panic!("this test needs the package faketime: {e}"));
        let library = String::from_utf8(told.stdout).unwrap().trim().to_owned();
        let clock = Self { directory: tempfile::tempdir().unwrap(), library };
        clock.set("+0");
        clock
    }

    fn offset(&self) -> PathBuf {
        self.directory.path().join("offset")
    }

    /// The environment of a process that lives by this clock.
    pub fn environment(&self) -> [(&str, String); 5] {
        [
            ("LD_PRELOAD", self.library.clone()),
            ("FAKETIME_TIMESTAMP_FILE", self.offset().display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ("NO_FAKE_STAT", "1".to_owned()),
        ]
    }

    /// Sets it to be off by so much, at once: `-5s`, `+10y`, `+0`.
    pub fn set(&self, offset: &str) {
        // Renamed into its place, because it is read all the time.
        let new = self.directory.path().join("new");
        std::fs::write(&new, offset).unwrap();
        std::fs::rename(new, self.offset()).unwrap();
    }
}
