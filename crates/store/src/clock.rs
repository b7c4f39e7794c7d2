//! Time and ids for write transactions. The machine's clock is read here alone ([`Clock`]), and believed unless it is plainly
//! wrong; each store goes on from the newest time that it holds ([`StoreClock`]). No order depends on time or ids:
//! docs/decisions/0035-order-is-counted.md.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::{ContextV7, Timestamp, Uuid};

use crate::lock::lock;

/// The beginning of 2025 in UTC: no store is older, so a clock that says less was never set.
const FIRST_MS: i64 = 1_735_689_600_000;

/// How far a store may be ahead of the clock and yet wait for it: more than any mistake about the zone of a clock. Beyond it
/// the store's times are taken for those of a wrong clock.
const MOST_AHEAD_MS: i64 = 24 * 60 * 60 * 1000;

/// Stands for "no time is known"; so small that any sum with it stays below every time.
const NOTHING: i64 = i64::MIN;

/// The clock of one process, shared by all its stores. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

struct Inner {
    /// Milliseconds since 1970 in UTC.
    wall: Box<dyn Fn() -> i64 + Send + Sync>,
    /// How far the wall clock may be ahead of the newest known time.
    ahead_ms: i64,
    started: Instant,
    /// The newest known time, less the time since `started`; or [`NOTHING`].
    known_ms: AtomicI64,
    /// How far the wall clock is ahead of the expected time; 0 when it is believed.
    doubt_ms: AtomicI64,
}

impl Clock {
    /// How far ahead a clock is believed by default: a store may rest for a year.
    pub const AHEAD: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    /// The machine's clock. Further than `ahead` beyond the newest time that is known, from itself or from a store, it is not
    /// believed.
    #[must_use]
    pub fn system(ahead: Duration) -> Self {
        Self::reading(ahead, || {
            let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            millis(since_epoch)
        })
    }

    /// A clock of the caller's own, which gives milliseconds since 1970 in UTC.
    #[must_use]
    pub fn reading(ahead: Duration, wall: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            wall: Box::new(wall),
            ahead_ms: millis(ahead),
            started: Instant::now(),
            known_ms: AtomicI64::new(NOTHING),
            doubt_ms: AtomicI64::new(0),
        }))
    }

    /// Milliseconds since 1970 in UTC: the wall clock; or, when it is plainly wrong, the newest known time plus the time since
    /// then.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let inner = &*self.0;
        let (wall, passed) = (self.wall_ms(), millis(inner.started.elapsed()));
        let known = inner.known_ms.load(Ordering::Relaxed);
        let expected = known.saturating_add(passed);
        let is_set = wall >= FIRST_MS;
        if known != NOTHING && (!is_set || wall.saturating_sub(expected) > inner.ahead_ms) {
            inner.doubt(wall.saturating_sub(expected));
            return expected;
        }
        inner.believe();
        if is_set {
            inner.known_ms.fetch_max(wall.saturating_sub(passed), Ordering::Relaxed);
        }
        wall
    }

    /// The wall clock as it is, for records that are made before a store has given its newest time.
    pub(crate) fn wall_ms(&self) -> i64 {
        (self.0.wall)()
    }

    /// Whether the wall clock is not believed now.
    #[must_use]
    pub fn is_doubted(&self) -> bool {
        // Asked anew, so that the answer is right in an idle process too.
        let _now = self.now_ms();
        self.0.doubt_ms.load(Ordering::Relaxed) != 0
    }

    /// Takes a store's newest time for one that has been, unless a clock that was wrong seems to have given it.
    fn witness(&self, newest_ms: i64) {
        let inner = &*self.0;
        let wall = self.wall_ms();
        // A clock that was never set proves nothing about a store.
        let latest = if wall < FIRST_MS { i64::MAX } else { wall.saturating_add(MOST_AHEAD_MS) };
        if (FIRST_MS..=latest).contains(&newest_ms) {
            let passed = millis(inner.started.elapsed());
            inner.known_ms.fetch_max(newest_ms.saturating_sub(passed), Ordering::Relaxed);
        }
    }
}

impl Inner {
    fn doubt(&self, by_ms: i64) {
        if self.doubt_ms.swap(by_ms, Ordering::Relaxed) == 0 {
            let ahead_days = by_ms / (24 * 60 * 60 * 1000);
            tracing::error!(
                ahead_days,
                "the machine's clock is not believed; times go on from the newest known"
            );
        }
    }

    fn believe(&self) {
        if self.doubt_ms.load(Ordering::Relaxed) != 0 && self.doubt_ms.swap(0, Ordering::Relaxed) != 0 {
            tracing::warn!("the machine's clock is believed again");
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The time and the ids of one open store: they begin where the store ends, and only go forwards.
pub(crate) struct StoreClock {
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    /// The clock as of `time_ms`.
    clock_ms: i64,
    time_ms: i64,
    /// Counts on within a millisecond.
    ids: ContextV7,
}

impl StoreClock {
    pub(crate) fn new(clock: Clock) -> Self {
        // The clock is asked after the store has given its newest time.
        let state = State { clock_ms: i64::MAX, time_ms: 0, ids: ContextV7::new() };
        Self { clock, state: Mutex::new(state) }
    }

    /// As [`Clock::wall_ms`].
    pub(crate) fn wall_ms(&self) -> i64 {
        self.clock.wall_ms()
    }

    /// Goes on after the newest time that the store holds.
    pub(crate) fn start_after(&self, newest_ms: i64) {
        self.clock.witness(newest_ms);
        let mut state = lock(&self.state);
        // A later one, so that the ids of that millisecond stay behind too.
        state.time_ms = state.time_ms.max(newest_ms.saturating_add(1));
    }

    /// The time for a transaction that begins now; never less than an earlier answer, unless that was more than a day ahead of
    /// the clock.
    pub(crate) fn now_ms(&self) -> i64 {
        let mut state = lock(&self.state);
        let now = self.clock.now_ms();
        state.advance(now);
        state.time_ms
    }

    /// A UUIDv7 as text, of the latest time and greater than every earlier one of that time: new rows go to the end of the tree.
    pub(crate) fn new_id(&self) -> String {
        let state = lock(&self.state);
        let since = Duration::from_millis(u64::try_from(state.time_ms).unwrap_or_default());
        let id = Uuid::new_v7(Timestamp::from_unix(&state.ids, since.as_secs(), since.subsec_nanos()));
        drop(state);
        id.to_string()
    }
}

impl State {
    fn advance(&mut self, clock_ms: i64) {
        let ahead = self.time_ms.saturating_sub(clock_ms);
        if ahead > MOST_AHEAD_MS {
            let ahead_days = ahead / MOST_AHEAD_MS;
            tracing::warn!(
                ahead_days,
                "a store holds times far ahead of the clock; new ones follow the clock"
            );
            self.ids = ContextV7::new();
        }
        if ahead > MOST_AHEAD_MS || ahead <= 0 {
            (self.clock_ms, self.time_ms) = (clock_ms, clock_ms);
            return;
        }
        // At half the clock's pace until it has caught up: a later change still has a later time.
        let halves = clock_ms.saturating_sub(self.clock_ms).max(0) / 2;
        self.time_ms += halves;
        self.clock_ms = clock_ms.min(self.clock_ms + 2 * halves);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = MOST_AHEAD_MS;
    const YEAR: i64 = 365 * DAY;
    const START: i64 = FIRST_MS + YEAR;

    /// A clock that stands where it is put.
    fn settable() -> (Arc<AtomicI64>, Clock) {
        let wall = Arc::new(AtomicI64::new(START));
        let read = Arc::clone(&wall);
        (wall, Clock::reading(Clock::AHEAD, move || read.load(Ordering::Relaxed)))
    }

    /// The test itself takes time, in which a clock that is not believed goes on.
    fn about(now: i64, expected: i64) -> bool {
        (expected..expected + 60_000).contains(&now)
    }

    #[test]
    fn ids_and_time_only_go_forwards_also_when_the_clock_does_not() {
        let (wall, clock) = settable();
        let store = StoreClock::new(clock);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let (mut ms, mut id) = (store.now_ms(), store.new_id());
                    for step in 0..5_000 {
                        wall.fetch_add([7, -5, 0, 1][step % 4], Ordering::Relaxed);
                        let next = (store.now_ms(), store.new_id());
                        assert!(next.0 >= ms && next.1 > id);
                        (ms, id) = next;
                    }
                });
            }
        });
    }

    #[test]
    fn a_store_goes_on_from_its_newest_time_at_half_the_pace_until_the_clock_has_caught_up() {
        let (wall, clock) = settable();
        let store = StoreClock::new(clock);
        let (before, last) = (store.now_ms(), store.new_id());
        let reopened = StoreClock::new({
            wall.store(START - 5_000, Ordering::Relaxed);
            store.clock.clone()
        });
        reopened.start_after(before);
        assert_eq!(reopened.now_ms(), START + 1);
        assert!(reopened.new_id() > last);
        for (clock, time) in
            [(-4_999, 1), (-4_998, 2), (-4_000, 501), (-5_500, 501), (-5_400, 551), (552, 552)]
        {
            wall.store(START + clock, Ordering::Relaxed);
            assert_eq!(reopened.now_ms(), START + time, "at {clock}");
        }
    }

    #[test]
    fn one_stores_future_is_not_anothers() {
        let (_wall, clock) = settable();
        let (ahead, other) = (StoreClock::new(clock.clone()), StoreClock::new(clock));
        ahead.start_after(START + 5_000);
        assert_eq!((ahead.now_ms(), other.now_ms()), (START + 5_001, START));
    }

    #[test]
    fn a_store_from_a_wrong_future_follows_the_clock_again() {
        let (_wall, clock) = settable();
        let store = StoreClock::new(clock.clone());
        store.start_after(START + 9 * YEAR);
        let id = store.new_id();
        assert_eq!(store.now_ms(), START);
        assert!(store.new_id() < id, "ids go on from here");
        // Nor is that future taken for one that has been.
        assert!(!clock.is_doubted());
    }

    #[test]
    fn a_jump_forward_of_years_is_not_believed_until_the_clock_is_right_again() {
        let (wall, clock) = settable();
        let store = StoreClock::new(clock.clone());
        assert_eq!(store.now_ms(), START);
        wall.store(START + 9 * YEAR, Ordering::Relaxed);
        assert!(about(store.now_ms(), START) && clock.is_doubted());
        wall.store(START + 60_000, Ordering::Relaxed);
        assert!(about(store.now_ms(), START + 60_000) && !clock.is_doubted());
        // A month is believed: the machine may have slept.
        wall.store(START + 31 * DAY, Ordering::Relaxed);
        assert_eq!(store.now_ms(), START + 31 * DAY);
    }

    #[test]
    fn a_restart_under_a_clock_that_is_years_ahead_is_found_out_by_what_rests() {
        let (wall, clock) = settable();
        wall.store(START + 9 * YEAR, Ordering::Relaxed);
        let store = StoreClock::new(clock.clone());
        store.start_after(START);
        assert!(about(store.now_ms(), START) && clock.is_doubted());
        // Another store that was written lately makes the same clock a right one.
        StoreClock::new(clock.clone()).start_after(START + 9 * YEAR - DAY);
        assert_eq!(store.now_ms(), START + 9 * YEAR);
        assert!(!clock.is_doubted());
    }

    #[test]
    fn a_clock_that_was_never_set_is_believed_only_while_nothing_is_known() {
        let (wall, clock) = settable();
        wall.store(1_000, Ordering::Relaxed);
        let store = StoreClock::new(clock.clone());
        assert_eq!(store.now_ms(), 1_000);
        wall.store(START, Ordering::Relaxed);
        assert_eq!(store.now_ms(), START, "it is set later, by fifty years");
        wall.store(2_000, Ordering::Relaxed);
        assert!(about(store.now_ms(), START) && clock.is_doubted());
        let (wall, clock) = settable();
        wall.store(1_000, Ordering::Relaxed);
        let store = StoreClock::new(clock.clone());
        store.start_after(START);
        assert!(about(store.now_ms(), START) && clock.is_doubted(), "after a restart too");
    }
}
