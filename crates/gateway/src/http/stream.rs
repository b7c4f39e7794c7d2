//! A client's connection, below the HTTP library: request heads are changed ([`super::head`]), bare refusals get a body
//! ([`super::refusals`]), and the connection ends when its client is too slow ([`super::timeouts`]), sends too much of a refused
//! body, or must make room for another connection.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use actix_web::{rt::net::TcpStream, web::BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    connections::{Peer, Visit},
    head::Head,
    leftovers,
    refusals::{Refusal, bare_refusal},
    timeouts::{Clock, Phase, Timeouts},
};

/// One connection of a client.
pub(crate) struct ClientStream {
    socket: TcpStream,
    visit: Visit,
    head: Head,
    /// Bytes of requests that were sent before the last one was answered.
    held: BytesMut,
    clock: Clock,
    /// Bytes discarded since the last response.
    thrown: usize,
    /// The response that replaces the library's refusal; the last of the connection.
    refusal: Option<Refusal>,
}

impl ClientStream {
    pub(super) fn new(socket: TcpStream, visit: Visit, timeouts: Timeouts) -> Self {
        let (head, held) = (Head::new(), BytesMut::new());
        Self { socket, visit, head, held, clock: Clock::new(timeouts), thrown: 0, refusal: None }
    }

    pub(super) fn peer(&self) -> &Arc<Peer> {
        self.visit.peer()
    }

    fn catch_up(&mut self) {
        if self.clock.catch_up(self.visit.peer()) {
            self.thrown = 0;
        }
    }

    /// Counts received bytes.
    ///
    /// # Errors
    /// Too many bytes of a refused body.
    fn count(&mut self, bytes: usize) -> io::Result<()> {
        self.clock.hear();
        if self.peer().leaves_rest() {
            self.thrown = self.thrown.saturating_add(bytes);
            if self.thrown > leftovers::OF_ONE || !self.peer().connections().allowance().take(bytes) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        }
        Ok(())
    }

    /// Reads the next bytes of the request that is being read. Of a later one it reads nothing before this one is answered.
    fn poll_request(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.head.go_on(self.peer().turn());
        if !self.held.is_empty() {
            if self.head.is_whole() {
                return Poll::Pending;
            }
            let room = self.held.len().min(buffer.remaining());
            let length = self.head.read(self.held.get_mut(..room).unwrap_or_default());
            buffer.put_slice(&self.held.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        let bytes = buffer.filled_mut().get_mut(before..).unwrap_or_default();
        if bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let length = self.head.read(bytes);
        self.held.extend_from_slice(bytes.get(length..).unwrap_or_default());
        buffer.set_filled(before + length);
        if length == 0 { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Ends a connection whose time is over: in good order, with a response, or with an error.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_stopping = self.peer().connections().stopping_since().is_some();
        match self.clock.phase() {
            // Zero bytes read: the library treats it as closed by the client.
            Phase::Idle => return Poll::Ready(Ok(())),
            Phase::First if is_stopping => return Poll::Ready(Ok(())),
            // The library limits only the first request of a connection.
            Phase::First | Phase::Head if !self.peer().leaves_rest() => {
                let line = self.head.request_line();
                self.refusal.get_or_insert_with(|| Refusal::new(&[], 408, line));
                ready!(self.poll_refuse(context))?;
            }
            Phase::First | Phase::Head | Phase::Exchange => {}
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_refuse(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, visit, refusal, .. } = self;
        let allowance = visit.peer().connections().allowance();
        refusal.as_mut().map_or(Poll::Ready(Ok(())), |refusal| refusal.poll(socket, allowance, context))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.refusal.is_some() {
            return this.poll_end(context);
        }
        this.catch_up();
        let before = buffer.filled().len();
        let Poll::Ready(read) = this.poll_request(context, buffer) else {
            this.peer().wake_later(context.waker());
            if this.peer().must_close() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            ready!(this.clock.poll_over(this.visit.peer(), context));
            return this.poll_end(context);
        };
        let bytes = buffer.filled().len() - before;
        if bytes > 0 {
            this.count(bytes)?;
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.refusal.is_none()
            && let Some((at, status)) = bare_refusal(bytes)
        {
            let before = bytes.get(..at).unwrap_or_default();
            this.refusal = Some(Refusal::new(before, status, this.head.request_line()));
        }
        let written = if this.refusal.is_some() {
            // Reports all bytes as written once our response is sent: it is the last of the connection.
            this.poll_refuse(context).map_ok(|()| bytes.len())
        } else {
            Pin::new(&mut this.socket).poll_write(context, bytes)
        };
        match &written {
            // A connection that must make room does not stay open because its client reads no response.
            Poll::Pending if this.peer().must_close() => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            Poll::Pending => {}
            Poll::Ready(_) => {
                this.head.end();
                this.catch_up();
                if !this.held.is_empty() {
                    context.waker().wake_by_ref();
                }
            }
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
