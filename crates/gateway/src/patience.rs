//! A connection with the time limits that actix-http does not keep: it limits the head of a connection's first request only, reads
//! on for ever what is left of a chunked body that was refused, and waits for ever for a peer that takes no answer (attack 60).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::{
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long a peer is waited for.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// From the first byte of a request to the first byte of its answer, the work included.
    pub(crate) exchange: Duration,
    /// From one part of an answer that was taken to the next.
    pub(crate) write: Duration,
}

/// A stream that ends with `TimedOut` when its peer takes too long.
pub(crate) struct PatientStream {
    stream: TcpStream,
    patience: Patience,
    /// When the first byte came that nothing was answered to yet.
    asked: Option<Instant>,
    /// Goes off at the end of some exchange, perhaps of one that is over: it is set anew only then, not for every request.
    alarm: Pin<Box<Sleep>>,
    /// Runs while the peer takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl PatientStream {
    pub(crate) fn new(stream: TcpStream, patience: Patience) -> Self {
        let alarm = Box::pin(sleep(patience.exchange));
        Self { stream, patience, asked: None, alarm, stuck: None }
    }

    /// Ready when the exchange under way has lasted too long; else wakes the task then.
    fn poll_exchange_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(asked) = self.asked else { return Poll::Pending };
        let end = asked + self.patience.exchange;
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            if Instant::now() >= end {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.alarm.as_mut().reset(end);
        }
    }

    /// Ready when the peer has taken nothing for too long; else wakes the task then.
    fn poll_stuck(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let write = self.patience.write;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(write)));
        stuck.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before && self.asked.is_none() {
                    self.asked = Some(Instant::now());
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_exchange_over(cx).map(Err),
        }
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(written) => {
                (self.asked, self.stuck) = (None, None);
                Poll::Ready(written)
            }
            Poll::Pending => self.poll_stuck(cx).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
