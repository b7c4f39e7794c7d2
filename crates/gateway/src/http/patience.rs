//! A connection that always ends. actix-http limits the head of a connection's first request only, waits for ever for what is
//! left of a chunked body that was refused, and closes idle connections at a stop under a request that is on its way; so time
//! is kept here, for every request, and a client cannot hold a connection for nothing (attack 60).

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::time::{Instant, Sleep, sleep};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    connections::{Peer, QUIET, Visit},
    leftovers,
    refusals::Refusals,
};

/// How long a stream waits for its peer.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// For the head of a request: from the beginning of the connection, or from the first byte after an answer.
    pub(crate) head: Duration,
    /// From there to the answer.
    pub(crate) exchange: Duration,
    /// From an answer to the first byte of the next request.
    pub(crate) idle: Duration,
}

/// What the connection waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of all.
    First,
    /// The next request.
    Idle,
    /// The rest of a head, or of a body that was refused.
    Head,
    /// The answer.
    Exchange,
}

/// A stream that ends when its peer takes too long, sends too much in vain, or is sent away.
pub(crate) struct Patient<S> {
    inner: Refusals<S>,
    visit: Visit,
    patience: Patience,
    phase: Phase,
    /// When the head began, or the last answer was given.
    since: Instant,
    /// The peer's turn when it was looked at last.
    turn: u32,
    /// Bytes thrown away since the last answer.
    thrown: usize,
    /// Goes off no later than patience ends, mostly sooner: it is set anew when it goes off, not for every request.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    pub(super) fn new(inner: Refusals<S>, visit: Visit, patience: Patience) -> Self {
        let alarm = Box::pin(sleep(patience.head));
        let (phase, since) = (Phase::First, Instant::now());
        Self { inner, visit, patience, phase, since, turn: 0, thrown: 0, alarm }
    }

    pub(super) fn peer(&self) -> &Arc<Peer> {
        self.visit.peer()
    }

    /// Notes what became of the request since this was called last.
    fn catch_up(&mut self) {
        let turn = self.peer().turn();
        if turn != self.turn {
            self.turn = turn;
            if self.peer().is_being_answered() {
                self.phase = Phase::Exchange;
            } else {
                (self.phase, self.since, self.thrown) = (Phase::Idle, Instant::now(), 0);
                // Nothing may be read before then.
                let end = self.end();
                if self.alarm.deadline() > end {
                    self.alarm.as_mut().reset(end);
                }
            }
        }
    }

    /// Notes bytes of the peer.
    ///
    /// # Errors
    /// When they are too many of a body that was refused.
    fn take(&mut self, bytes: usize) -> io::Result<()> {
        if matches!(self.phase, Phase::First | Phase::Idle) {
            (self.phase, self.since) = (Phase::Head, Instant::now());
        }
        if self.peer().leaves_rest() {
            self.thrown = self.thrown.saturating_add(bytes);
            if self.thrown > leftovers::OF_ONE || !self.peer().connections().allowance().take(bytes) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
        Ok(())
    }

    /// When patience ends.
    fn end(&self) -> Instant {
        let end = self.since
            + match self.phase {
                Phase::First | Phase::Head => self.patience.head,
                Phase::Idle => self.patience.idle,
                Phase::Exchange => self.patience.exchange,
            };
        match self.peer().connections().stopping_since() {
            Some(stop) if self.is_quiet() => end.min(self.since.max(stop) + QUIET),
            _ => end,
        }
    }

    /// Whether nothing was asked that is not answered.
    fn is_quiet(&self) -> bool {
        matches!(self.phase, Phase::First | Phase::Idle)
    }

    /// Ready when the peer has taken too long; else wakes the task then.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let end = self.end();
        if self.alarm.deadline() > end {
            self.alarm.as_mut().reset(end);
        }
        loop {
            ready!(self.alarm.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(end);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Patient<S> {
    /// What a connection ends with whose time is over: an end in good order, an answer, or nothing.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_stopping = self.peer().connections().stopping_since().is_some();
        match self.phase {
            // Nothing was read: that ends the connection as if the peer had.
            Phase::Idle => Poll::Ready(Ok(())),
            Phase::First if is_stopping => Poll::Ready(Ok(())),
            Phase::First | Phase::Head if !self.peer().leaves_rest() => {
                ready!(self.inner.poll_refuse_slow_head(context))?;
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Phase::First | Phase::Head | Phase::Exchange => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.inner.is_refusing() {
            return this.poll_end(context);
        }
        this.catch_up();
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(context, buffer) else {
            this.peer().wake_later(context.waker());
            if this.peer().is_sent_away() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            ready!(this.poll_over(context));
            return this.poll_end(context);
        };
        let bytes = buffer.filled().len() - before;
        if bytes > 0 {
            this.take(bytes)?;
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_write(context, bytes) {
            // An answer that is not taken keeps nobody who is to go.
            Poll::Pending if this.peer().is_sent_away() => {
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(written) => {
                this.catch_up();
                Poll::Ready(written)
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}
