//! Closing a listener so that nobody is cut off. When a listening socket closes, the kernel resets the connections that it has
//! finished the handshake of and nobody has accepted. So first a filter lets no further handshake begin, what waits is accepted,
//! and only then it closes. Whoever tries meanwhile tries again by itself, and is refused then.

use std::{io, net::TcpListener, time::Duration};

use actix_web::rt::time::sleep;
use socket2::{SockFilter, SockRef};

/// The accepting thread takes what waits within microseconds; this is for a busy machine.
const DRAIN: Duration = Duration::from_millis(100);

/// `BPF_RET | BPF_K`: the one instruction of a program that gives an answer at once.
const RETURN: u16 = 0x06;

/// A second handle on a listening socket.
pub(super) struct Door(TcpListener);

impl Door {
    pub(super) fn of(listener: &TcpListener) -> io::Result<Self> {
        listener.try_clone().map(Self)
    }

    /// Lets nobody in any more, and waits until all who were let in have been accepted.
    pub(super) async fn close(self) {
        let drop_every_packet = [SockFilter::new(RETURN, 0, 0, 0)];
        if let Err(error) = SockRef::from(&self.0).attach_filter(&drop_every_packet) {
            tracing::warn!(%error, "the listener closes without a filter; a connection made just now may be reset");
        }
        sleep(DRAIN).await;
    }
}
