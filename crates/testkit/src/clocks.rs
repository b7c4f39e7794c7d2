//! Wrong clocks, for tests of code that must not depend on the clock.

use std::{
    fs::File,
    os::unix::fs::FileExt,
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

/// The clock of a process of its own: a library that the process loads first makes it wrong. Debian's libfaketime does the same,
/// but its threads read a changed offset into one buffer, so that now and then one of them meets the right time.
pub struct MachineClock {
    directory: tempfile::TempDir,
}

impl MachineClock {
    /// Right, until it is set.
    #[allow(clippy::new_without_default, reason = "it needs a C compiler")]
    pub fn new() -> Self {
        let clock = Self { directory: tempfile::tempdir().unwrap() };
        let source = clock.directory.path().join("machine_clock.c");
        std::fs::write(&source, include_str!("machine_clock.c")).unwrap();
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([clock.library(), source])
            .output();
        let made = made.unwrap_or_else(|e| panic!("this test needs a C compiler, cc: {e}"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        clock.set("+0s");
        clock
    }

    fn library(&self) -> PathBuf {
        self.directory.path().join("machine_clock.so")
    }

    fn offset(&self) -> PathBuf {
        self.directory.path().join("offset")
    }

    /// The environment of a process that lives by this clock.
    pub fn environment(&self) -> [(&str, String); 2] {
        [
            ("LD_PRELOAD", self.library().display().to_string()),
            ("CLOCK_OFFSET_FILE", self.offset().display().to_string()),
        ]
    }

    /// Sets it to be off by so many seconds, minutes, hours, days or years, at once: `-5s`, `+10y`.
    pub fn set(&self, offset: &str) {
        let (number, unit) = offset.split_at(offset.len() - 1);
        let unit = match unit {
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3_600 * SECOND,
            "d" => DAY,
            "y" => 365 * DAY,
            _ => panic!("{offset} has no unit"),
        };
        let ms = number.parse::<i64>().unwrap() * unit;
        // Written over, because the processes have mapped the file.
        let file = File::options().create(true).write(true).truncate(false).open(self.offset()).unwrap();
        file.write_all_at(&ms.to_ne_bytes(), 0).unwrap();
    }
}
