//! All connections of the process: how many there may be, who makes room for a newcomer, and what each does at a stop.
//!
//! A connection on which no right credential was given yet is a stranger's. Strangers cost memory and a file descriptor each and
//! can be made by anybody, so they have a bound of their own, and the one that came first goes when another comes. Who has given
//! a right credential is never sent away for a newcomer.

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

/// At a stop a connection is closed after it was quiet for so long: whoever asks one thing after the other has asked again by
/// then, and was told to come back elsewhere.
pub(crate) const QUIET: Duration = Duration::from_secs(1);

/// Every newcomer has so long for its first request before it may be sent away for the next one.
const FIRST_REQUEST: Duration = Duration::from_millis(100);

/// A newcomer waits so long for somebody to leave.
const AT_THE_DOOR: Duration = Duration::from_millis(500);
const DOOR_RETRY: Duration = Duration::from_millis(5);

/// How often the log tells that connections are sent away.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) all: usize,
    /// Of these, strangers.
    pub(crate) strangers: usize,
}

/// The connections of all listeners. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    bounds: Bounds,
    crowd: Mutex<Crowd>,
    allowance: Allowance,
    /// When the stop began.
    stop: OnceLock<Instant>,
}

/// Who is there.
#[derive(Default)]
struct Crowd {
    arrivals: u64,
    present: BTreeMap<u64, Arc<Peer>>,
    /// In the order of their arrival.
    strangers: BTreeSet<u64>,
    /// Sent away or not let in since the log told it last, and when that was.
    sent_away: u64,
    told: Option<Instant>,
}

/// One connection, known to the stream below the HTTP library and to the services above it.
pub(crate) struct Peer {
    number: u64,
    arrived: Instant,
    connections: Connections,
    /// Counts requests heard and requests answered, so it is odd while one is being answered.
    turn: AtomicU32,
    is_known: AtomicBool,
    /// What still comes belongs to a request that was refused.
    leaves_rest: AtomicBool,
    is_sent_away: AtomicBool,
    waker: AtomicWaker,
}

impl Connections {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let (crowd, allowance) = (Mutex::default(), Allowance::default());
        Self(Arc::new(Shared { bounds, crowd, allowance, stop: OnceLock::new() }))
    }

    pub(crate) fn bounds(&self) -> Bounds {
        self.0.bounds
    }

    /// Lets a newcomer in, if need be in the place of the stranger that came first. `None` when nobody made room in time, because
    /// everybody present is known or being answered.
    pub(super) async fn enter(&self) -> Option<Visit> {
        let end = Instant::now() + AT_THE_DOOR;
        loop {
            let now = Instant::now();
            let visit = self.try_enter(now);
            if visit.is_some() || now >= end {
                return visit;
            }
            sleep(DOOR_RETRY).await;
        }
    }

    fn try_enter(&self, now: Instant) -> Option<Visit> {
        let mut crowd = self.crowd();
        let is_full = crowd.present.len() >= self.0.bounds.all;
        if is_full || crowd.strangers.len() >= self.0.bounds.strangers {
            match crowd.first_idle_stranger(now) {
                Some(first) => crowd.send_away(&first),
                None if is_full => return None,
                None => {}
            }
        }
        crowd.arrivals += 1;
        let peer = Arc::new(Peer::new(crowd.arrivals, now, self.clone()));
        crowd.present.insert(peer.number, Arc::clone(&peer));
        crowd.strangers.insert(peer.number);
        Some(Visit(peer))
    }

    /// Notes that a newcomer was told that there is no room.
    pub(super) fn note_refusal(&self) {
        self.crowd().tell_of_one_more();
    }

    /// From now on each answer ends its connection, and idle connections end when they were quiet.
    pub(crate) fn stop(&self) {
        self.0.stop.get_or_init(Instant::now);
        let present: Vec<_> = self.crowd().present.values().cloned().collect();
        for peer in present {
            peer.waker.wake();
        }
    }

    pub(super) fn is_anybody_present(&self) -> bool {
        !self.crowd().present.is_empty()
    }

    /// When the stop began, if it has.
    pub(super) fn stopping_since(&self) -> Option<Instant> {
        self.0.stop.get().copied()
    }

    /// What may be read and thrown away.
    pub(super) fn allowance(&self) -> &Allowance {
        &self.0.allowance
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.0.crowd.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crowd {
    /// One whose request is being answered, or is still on its way, may be about to become known.
    fn first_idle_stranger(&self, now: Instant) -> Option<Arc<Peer>> {
        let strangers = self.strangers.iter().filter_map(|number| self.present.get(number));
        let mut settled = strangers.take_while(|peer| now.duration_since(peer.arrived) >= FIRST_REQUEST);
        settled.find(|peer| !peer.is_being_answered()).cloned()
    }

    fn send_away(&mut self, peer: &Peer) {
        self.forget(peer.number);
        self.tell_of_one_more();
        peer.is_sent_away.store(true, Ordering::Release);
        peer.waker.wake();
    }

    fn forget(&mut self, number: u64) {
        self.present.remove(&number);
        self.strangers.remove(&number);
    }

    fn tell_of_one_more(&mut self) {
        self.sent_away += 1;
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            let (present, count) = (self.present.len(), std::mem::take(&mut self.sent_away));
            warn!(present, count, "connections are at their bound; strangers were sent away or not let in");
            self.told = Some(Instant::now());
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
            is_known: AtomicBool::new(false),
            leaves_rest: AtomicBool::new(false),
            is_sent_away: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// A right credential was given.
    pub(super) fn make_known(&self) {
        if !self.is_known.load(Ordering::Relaxed) {
            self.is_known.store(true, Ordering::Relaxed);
            self.connections.crowd().strangers.remove(&self.number);
        }
    }

    /// The head of a request was read; the request is being answered until what this returns is dropped.
    pub(super) fn hear(self: Arc<Self>) -> Exchange {
        self.leaves_rest.store(false, Ordering::Relaxed);
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

    pub(super) fn is_sent_away(&self) -> bool {
        self.is_sent_away.load(Ordering::Acquire)
    }

    /// Whom to wake when the connection is to end.
    pub(super) fn wake_later(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

/// A request that is being answered.
pub(super) struct Exchange(Arc<Peer>);

impl Exchange {
    /// It was refused before its body was read, or may have been.
    pub(super) fn leave_rest(&self) {
        self.0.leaves_rest.store(true, Ordering::Relaxed);
    }

    /// Whether the connection ends with its answer.
    pub(super) fn is_last(&self) -> bool {
        self.0.is_sent_away() || self.0.connections.stopping_since().is_some()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.turn.fetch_add(1, Ordering::Relaxed);
    }
}

/// The place of a connection among all: given back when it ends.
pub(super) struct Visit(Arc<Peer>);

impl Visit {
    pub(super) fn peer(&self) -> &Arc<Peer> {
        &self.0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.connections.crowd().forget(self.0.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(all: usize, strangers: usize) -> Connections {
        Connections::new(Bounds { all, strangers })
    }

    /// Lets newcomers in, each after the one before had its time.
    fn enter(connections: &Connections, count: u32) -> Vec<Option<Visit>> {
        let now = Instant::now();
        let came = connections.crowd().arrivals;
        let later = |n| FIRST_REQUEST * (u32::try_from(came).unwrap() + n);
        (0..count).map(|n| connections.try_enter(now + later(n))).collect()
    }

    fn away(visits: &[Option<Visit>]) -> Vec<bool> {
        visits.iter().map(|visit| visit.as_ref().unwrap().peer().is_sent_away()).collect()
    }

    fn peer(visits: &[Option<Visit>], number: usize) -> &Arc<Peer> {
        visits[number].as_ref().unwrap().peer()
    }

    #[test]
    fn the_first_idle_stranger_makes_room_and_who_is_known_or_being_answered_stays() {
        let connections = connections(4, 4);
        let visits = enter(&connections, 4);
        peer(&visits, 0).make_known();
        let _exchange = Arc::clone(peer(&visits, 1)).hear();
        let fifth = enter(&connections, 1);
        assert_eq!(away(&visits), [false, false, true, false]);
        peer(&fifth, 0).make_known();
        let _sixth = enter(&connections, 1);
        assert_eq!(away(&visits), [false, false, true, true]);
        assert_eq!(away(&fifth), [false]);
    }

    #[test]
    fn strangers_have_a_bound_of_their_own() {
        let connections = connections(4, 2);
        let visits = enter(&connections, 3);
        assert_eq!(away(&visits), [true, false, false]);
        peer(&visits, 1).make_known();
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
        visits.iter().flatten().for_each(|visit| visit.peer().make_known());
        assert!(enter(&connections, 1)[0].is_none());
        visits.pop();
        assert!(enter(&connections, 1)[0].is_some());
    }
}
