//! When a connection ends because its client takes too long. actix-http limits the head of a connection's first request only, waits
//! for ever for what is left of a chunked body that was refused, and closes idle connections at a stop under a request that is on
//! its way. So time is kept here, for every request, and a client cannot hold a connection for nothing (attack 60).

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::time::{Instant, Sleep, sleep};

use super::connections::{Peer, QUIET};

/// From the first byte of a request that moves a whole tenant to its answer's: 100,000 users over a slow line.
const LONG_EXCHANGE: Duration = Duration::from_secs(3_600);

/// How long clients may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For the head of a request: from the beginning of the connection, or from the first byte after an answer.
    pub(crate) head: Duration,
    /// From a request's first byte to its answer's.
    pub(crate) exchange: Duration,
    /// From an answer to the first byte of the next request.
    pub(crate) idle: Duration,
    /// To take an answer.
    pub(crate) write: Duration,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first byte of all.
    First,
    /// The next request.
    Idle,
    /// The rest of a head, or of a body that was refused.
    Head,
    /// The answer.
    Exchange,
}

/// The time of one connection.
pub(super) struct Clock {
    timeouts: Timeouts,
    phase: Phase,
    /// When the head began, or the last answer was given.
    since: Instant,
    /// The peer's turn when it was looked at last.
    turn: u32,
    /// Goes off no later than the time is over, mostly sooner: it is set anew when it goes off, not for every request.
    alarm: Pin<Box<Sleep>>,
}

impl Clock {
    pub(super) fn new(timeouts: Timeouts) -> Self {
        let alarm = Box::pin(sleep(timeouts.head));
        Self { timeouts, phase: Phase::First, since: Instant::now(), turn: 0, alarm }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Notes what became of the request since this was called last; whether it was answered.
    pub(super) fn catch_up(&mut self, peer: &Peer) -> bool {
        let turn = peer.turn();
        if turn == self.turn {
            return false;
        }
        self.turn = turn;
        if peer.is_being_answered() {
            self.phase = Phase::Exchange;
            return false;
        }
        (self.phase, self.since) = (Phase::Idle, Instant::now());
        // Nothing may be read before then.
        self.bring_forward(peer);
        true
    }

    /// Notes that the peer has sent something.
    pub(super) fn hear(&mut self) {
        if self.is_quiet() {
            (self.phase, self.since) = (Phase::Head, Instant::now());
        }
    }

    /// Whether nothing was asked that is not answered.
    fn is_quiet(&self) -> bool {
        matches!(self.phase, Phase::First | Phase::Idle)
    }

    /// When the time is over.
    fn end(&self, peer: &Peer) -> Instant {
        let end = self.since
            + match self.phase {
                Phase::First | Phase::Head => self.timeouts.head,
                Phase::Idle => self.timeouts.idle,
                Phase::Exchange if peer.takes_long() => LONG_EXCHANGE,
                Phase::Exchange => self.timeouts.exchange,
            };
        match peer.connections().stopping_since() {
            Some(stop) if self.is_quiet() => end.min(self.since.max(stop) + QUIET),
            _ => end,
        }
    }

    /// Lets the alarm go off when the time is over, if it is set for later.
    fn bring_forward(&mut self, peer: &Peer) -> Instant {
        let end = self.end(peer);
        if self.alarm.deadline() > end {
            self.alarm.as_mut().reset(end);
        }
        end
    }

    /// Ready when the peer has taken too long; else wakes the task then.
    pub(super) fn poll_over(&mut self, peer: &Peer, context: &mut Context<'_>) -> Poll<()> {
        let end = self.bring_forward(peer);
        loop {
            ready!(self.alarm.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(end);
        }
    }
}
