//! Closes a listener without cutting off a connection. When a listening socket closes, the kernel resets connections that completed
//! the handshake and were not accepted; when a worker of the library stops, it drops connections that it has not read yet. So first
//! a filter drops new handshakes, then waiting connections are accepted and served, and then the socket closes. A client that
//! connects meanwhile sends its SYN again and is refused after the close.
//!
//! A socket that the service manager holds too is not closed: nothing more is accepted, and new connections wait in the kernel for the
//! next process. A filter would stay on the socket and keep that one from its clients.

use std::{io, net::TcpListener, time::Duration};

use actix_web::rt::time::{Instant, sleep};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use socket2::{SockFilter, SockRef};

use super::connections::Connections;
use crate::listeners::Listener;

/// The listener closes when there was no connection for so long. A connection takes microseconds from the kernel to a worker; the
/// rest is for a busy machine.
const STILL: Duration = Duration::from_millis(200);

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A filter that drops the first packet of a handshake (SYN without ACK). The last packet of a begun handshake passes, because its
/// client already considers the connection established.
fn no_new_handshake() -> [SockFilter; 5] {
    /// The offset of the flags in a TCP header, and two of them (RFC 9293 §3.1).
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    // Instructions of classic BPF: load a byte, `and`, jump if equal, return the number of bytes of the packet to keep.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const SKIP_IF_NOT: u16 = 0x15;
    const RETURN: u16 = 0x06;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS_AT),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(SKIP_IF_NOT, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}

/// A second handle on a listening socket.
pub(super) struct Door {
    socket: TcpListener,
    is_inherited: bool,
}

impl Door {
    pub(super) fn of(listener: &Listener) -> io::Result<Self> {
        Ok(Self { socket: listener.socket.try_clone()?, is_inherited: listener.is_inherited })
    }

    /// Whether new connections stay in the kernel for the next process.
    pub(super) fn is_inherited(&self) -> bool {
        self.is_inherited
    }

    /// Drops new handshakes and waits until all connections have ended; false if some are left at `deadline`. An inherited socket must not
    /// be accepted from any more.
    pub(super) async fn close(self, connections: &Connections, deadline: Instant) -> bool {
        if !self.is_inherited
            && let Err(error) = SockRef::from(&self.socket).attach_filter(&no_new_handshake())
        {
            tracing::warn!(%error, "the listener closes without a filter; a connection made just now may be reset");
        }
        let mut seen = Instant::now();
        while seen.elapsed() < STILL {
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            if (!self.is_inherited && self.has_waiting()) || connections.has_any() {
                seen = now;
            }
            sleep(LOOK_EVERY).await;
        }
        true
    }

    /// Whether a connection waits to be accepted.
    fn has_waiting(&self) -> bool {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut listener = [PollFd::new(&self.socket, PollFlags::IN)];
        matches!(poll(&mut listener, Some(&at_once)), Ok(1..) | Err(Errno::INTR))
    }
}
