//! All connections of the process: their limits, which one is closed to make room for another, and their end at a stop.
//!
//! A connection is unauthenticated until a request with a valid credential arrives on it. Such connections cost memory and a file
//! descriptor each and need no credential, so they have a limit of their own: at the limit the oldest idle one is closed for a new
//! one. An authenticated connection is never closed to make room.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Waker,
    time::Duration,
};

use actix_web::rt::time::{Instant, sleep};
use futures_util::task::AtomicWaker;
use tracing::warn;

use super::leftovers::Allowance;

/// At a stop an idle connection is closed after this time. A busy client sends its next request before, and the response to that
/// has `Connection: close`.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// A new connection has this time for its first request before it may be closed to make room.
const FIRST_REQUEST: Duration = Duration::from_millis(100);

/// How long a new connection waits for room.
const ENTRY_TIMEOUT: Duration = Duration::from_millis(500);
const ENTRY_RETRY: Duration = Duration::from_millis(5);

/// How often the log warns that connections are closed to make room.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The limits on connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) all: usize,
    /// Unauthenticated ones among them.
    pub(crate) unauthenticated: usize,
}

/// The connections of all listeners. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    bounds: Bounds,
    open: Mutex<OpenConnections>,
    allowance: Allowance,
    /// When the stop began.
    stop: OnceLock<Instant>,
}

/// The connections that are open.
#[derive(Default)]
struct OpenConnections {
    arrivals: u64,
    all: BTreeMap<u64, Arc<Peer>>,
    /// In the order of arrival.
    unauthenticated: BTreeSet<u64>,
    /// Connections closed to make room, or refused, since the last warning; and when that was.
    closed: u64,
    warned: Option<Instant>,
}

/// One connection, known to the stream below the HTTP library and to the services above it.
pub(crate) struct Peer {
    number: u64,
    arrived: Instant,
    connections: Connections,
    /// Counts the begin and the end of each exchange, so it is odd during one.
    turn: AtomicU32,
    is_authenticated: AtomicBool,
    /// Further bytes belong to a request that was refused.
    leaves_rest: AtomicBool,
    /// Its request moves a whole tenant.
    takes_long: AtomicBool,
    must_close: AtomicBool,
    waker: AtomicWaker,
}

impl Connections {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let (open, allowance) = (Mutex::default(), Allowance::default());
        Self(Arc::new(Shared { bounds, open, allowance, stop: OnceLock::new() }))
    }

    /// How many are open.
    pub(crate) fn count(&self) -> usize {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner).all.len()
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.0.bounds
    }

    /// Counts a new connection as open; at a limit, closes the oldest idle unauthenticated one. `None` if there was no room in time,
    /// because each connection is authenticated or in an exchange.
    pub(super) async fn enter(&self) -> Option<Visit> {
        let end = Instant::now() + ENTRY_TIMEOUT;
        loop {
            let now = Instant::now();
            let visit = self.try_enter(now);
            if visit.is_some() || now >= end {
                return visit;
            }
            sleep(ENTRY_RETRY).await;
        }
    }

    fn try_enter(&self, now: Instant) -> Option<Visit> {
        let mut open = self.open();
        let is_full = open.all.len() >= self.0.bounds.all;
        if is_full || open.unauthenticated.len() >= self.0.bounds.unauthenticated {
            match open.first_idle_unauthenticated(now) {
                Some(first) => open.close(&first),
                None if is_full => return None,
                None => {}
            }
        }
        open.arrivals += 1;
        let peer = Arc::new(Peer::new(open.arrivals, now, self.clone()));
        open.all.insert(peer.number, Arc::clone(&peer));
        open.unauthenticated.insert(peer.number);
        Some(Visit(peer))
    }

    /// Counts a connection that was refused because there was no room.
    pub(super) fn note_refusal(&self) {
        self.open().warn_of_closed();
    }

    /// From now on each response ends its connection, and idle connections end after [`QUIET`].
    pub(crate) fn stop(&self) {
        self.0.stop.get_or_init(Instant::now);
        let all: Vec<_> = self.open().all.values().cloned().collect();
        for peer in all {
            peer.waker.wake();
        }
    }

    pub(super) fn has_any(&self) -> bool {
        !self.open().all.is_empty()
    }

    /// When the stop began, if it has.
    pub(super) fn stopping_since(&self) -> Option<Instant> {
        self.0.stop.get().copied()
    }

    /// The limit on bytes of refused requests.
    pub(super) fn allowance(&self) -> &Allowance {
        &self.0.allowance
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    /// The oldest one, except during an exchange or before its first request can have arrived: it may be authenticated next.
    fn first_idle_unauthenticated(&self, now: Instant) -> Option<Arc<Peer>> {
        let unauthenticated = self.unauthenticated.iter().filter_map(|number| self.all.get(number));
        let mut settled =
            unauthenticated.take_while(|peer| now.duration_since(peer.arrived) >= FIRST_REQUEST);
        settled.find(|peer| !peer.is_being_answered()).cloned()
    }

    fn close(&mut self, peer: &Peer) {
        self.forget(peer.number);
        self.warn_of_closed();
        peer.must_close.store(true, Ordering::Release);
        peer.waker.wake();
    }

    fn forget(&mut self, number: u64) {
        self.all.remove(&number);
        self.unauthenticated.remove(&number);
    }

    fn warn_of_closed(&mut self) {
        self.closed += 1;
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARN_EVERY) {
            let (present, count) = (self.all.len(), std::mem::take(&mut self.closed));
            warn!(
                present,
                count, "connections are at their bound; unauthenticated ones were closed or refused"
            );
            self.warned = Some(Instant::now());
        }
    }
}

impl Peer {
    fn new(number: u64, arrived: Instant, connections: Connections) -> Self {
        Self {
            number,
            arrived,
            connections,
            turn: AtomicU32::new(0),
            is_authenticated: AtomicBool::new(false),
            leaves_rest: AtomicBool::new(false),
            takes_long: AtomicBool::new(false),
            must_close: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// A request had a valid credential.
    pub(super) fn authenticate(&self) {
        if !self.is_authenticated.load(Ordering::Relaxed) {
            self.is_authenticated.store(true, Ordering::Relaxed);
            self.connections.open().unauthenticated.remove(&self.number);
        }
    }

    /// The head of a request was read. The exchange lasts until the returned value is dropped.
    pub(super) fn hear(self: Arc<Self>) -> Exchange {
        self.leaves_rest.store(false, Ordering::Relaxed);
        self.takes_long.store(false, Ordering::Relaxed);
        self.turn.fetch_add(1, Ordering::Relaxed);
        Exchange(self)
    }

    pub(super) fn turn(&self) -> u32 {
        self.turn.load(Ordering::Relaxed)
    }

    pub(super) fn is_being_answered(&self) -> bool {
        self.turn() % 2 == 1
    }

    pub(super) fn leaves_rest(&self) -> bool {
        self.leaves_rest.load(Ordering::Relaxed)
    }

    /// The request that is being answered may take longer than others.
    pub(super) fn take_long(&self) {
        self.takes_long.store(true, Ordering::Relaxed);
    }

    pub(super) fn takes_long(&self) -> bool {
        self.takes_long.load(Ordering::Relaxed)
    }

    pub(super) fn must_close(&self) -> bool {
        self.must_close.load(Ordering::Acquire)
    }

    /// The task to wake when the connection must close.
    pub(super) fn wake_later(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

/// A request until its response.
pub(super) struct Exchange(Arc<Peer>);

impl Exchange {
    /// The request was refused, perhaps before its body was read.
    pub(super) fn leave_rest(&self) {
        self.0.leaves_rest.store(true, Ordering::Relaxed);
    }

    /// Whether its response is the last of the connection.
    pub(super) fn is_last(&self) -> bool {
        self.0.must_close() || self.0.connections.stopping_since().is_some()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.turn.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts a connection as open until this is dropped.
pub(super) struct Visit(Arc<Peer>);

impl Visit {
    pub(super) fn peer(&self) -> &Arc<Peer> {
        &self.0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.connections.open().forget(self.0.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(all: usize, unauthenticated: usize) -> Connections {
        Connections::new(Bounds { all, unauthenticated })
    }

    /// Opens connections, each after the previous one had its time.
    fn enter(connections: &Connections, count: u32) -> Vec<Option<Visit>> {
        let now = Instant::now();
        let came = connections.open().arrivals;
        let later = |n| FIRST_REQUEST * (u32::try_from(came).unwrap() + n);
        (0..count).map(|n| connections.try_enter(now + later(n))).collect()
    }

    fn away(visits: &[Option<Visit>]) -> Vec<bool> {
        visits.iter().map(|visit| visit.as_ref().unwrap().peer().must_close()).collect()
    }

    fn peer(visits: &[Option<Visit>], number: usize) -> &Arc<Peer> {
        visits[number].as_ref().unwrap().peer()
    }

    #[test]
    fn the_first_idle_stranger_makes_room_and_who_is_known_or_being_answered_stays() {
        let connections = connections(4, 4);
        let visits = enter(&connections, 4);
        peer(&visits, 0).authenticate();
        let _exchange = Arc::clone(peer(&visits, 1)).hear();
        let fifth = enter(&connections, 1);
        assert_eq!(away(&visits), [false, false, true, false]);
        peer(&fifth, 0).authenticate();
        let _sixth = enter(&connections, 1);
        assert_eq!(away(&visits), [false, false, true, true]);
        assert_eq!(away(&fifth), [false]);
    }

    #[test]
    fn strangers_have_a_bound_of_their_own() {
        let connections = connections(4, 2);
        let visits = enter(&connections, 3);
        assert_eq!(away(&visits), [true, false, false]);
        peer(&visits, 1).authenticate();
        let _fourth = enter(&connections, 1);
        assert_eq!(away(&visits), [true, false, false]);
    }

    #[test]
    fn nobody_is_sent_away_before_the_first_request_can_have_come() {
        let connections = connections(4, 2);
        let now = Instant::now();
        let mut visits: Vec<_> = (0..4).map(|_| connections.try_enter(now)).collect();
        assert_eq!(away(&visits), [false; 4]);
        assert!(connections.try_enter(now).is_none());
        visits.push(connections.try_enter(now + FIRST_REQUEST));
        assert_eq!(away(&visits), [true, false, false, false, false]);
    }

    #[test]
    fn nobody_is_let_in_where_everybody_is_known_until_one_leaves() {
        let connections = connections(2, 2);
        let mut visits = enter(&connections, 2);
        visits.iter().flatten().for_each(|visit| visit.peer().authenticate());
        assert!(enter(&connections, 1)[0].is_none());
        visits.pop();
        assert!(enter(&connections, 1)[0].is_some());
    }
}
