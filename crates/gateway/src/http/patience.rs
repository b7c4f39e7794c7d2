//! A connection that always ends. actix-http limits the head of a connection's first request only, and waits for ever for what is
//! left of a chunked body that was refused; a client could hold a connection for nothing (attack 60).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::time::{Instant, Sleep, sleep};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a stream waits for its peer.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// From the first byte of a request to the first byte of its answer.
    pub(crate) exchange: Duration,
    /// From an answer to the first byte of the next request.
    pub(crate) idle: Duration,
}

/// A stream that ends with `TimedOut` when its peer takes too long.
pub(crate) struct Patient<S> {
    inner: S,
    patience: Patience,
    /// Whether a byte came that nothing was answered to yet.
    asked: bool,
    /// When that changed last.
    since: Instant,
    /// Goes off no later than patience ends, mostly sooner: it is set anew when it goes off, not for every request.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    pub(crate) fn new(inner: S, patience: Patience) -> Self {
        let alarm = Box::pin(sleep(patience.exchange));
        Self { inner, patience, asked: false, since: Instant::now(), alarm }
    }

    /// Notes that a request begins, or that one is answered.
    fn turn(&mut self, asked: bool) {
        if asked != self.asked {
            (self.asked, self.since) = (asked, Instant::now());
        }
    }

    /// Ready when the peer has taken too long; else wakes the task then.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let end = self.since + if self.asked { self.patience.exchange } else { self.patience.idle };
        if self.alarm.deadline() > end {
            self.alarm.as_mut().reset(end);
        }
        loop {
            ready!(self.alarm.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.alarm.as_mut().reset(end);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(context, buffer) else {
            return this.poll_over(context).map(Err);
        };
        if buffer.filled().len() > before {
            this.turn(true);
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.inner).poll_write(context, bytes))?;
        this.turn(false);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}
