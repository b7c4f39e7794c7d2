//! Closing a listener so that nobody is cut off. When a listening socket closes, the kernel resets the connections that it has
//! finished the handshake of and nobody has accepted; when a worker of the library stops, it drops those that it has not looked at
//! yet. So first a filter lets no further handshake begin, what waits is accepted and served to its end, and only then it closes.
//! Whoever tries meanwhile tries again by itself, and is refused then.

use std::{io, net::TcpListener, time::Duration};

use actix_web::rt::time::{Instant, sleep};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use socket2::{SockFilter, SockRef};

use super::connections::Connections;

/// Nobody may be seen for so long before nobody is thought to be on the way from the kernel to a worker: that takes microseconds,
/// and this is for a busy machine.
const STILL: Duration = Duration::from_millis(200);

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Lets every packet pass but the first of a handshake (SYN without ACK), which it drops. The last of one that has begun passes:
/// its client takes the connection for made.
fn no_new_handshake() -> [SockFilter; 5] {
    /// Where the flags stand in a TCP header, and two of them (RFC 9293 §3.1).
    const FLAGS_AT: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    // Instructions of the classic BPF: load a byte, `and`, jump if equal, return how much of the packet is kept.
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
pub(super) struct Door(TcpListener);

impl Door {
    pub(super) fn of(listener: &TcpListener) -> io::Result<Self> {
        listener.try_clone().map(Self)
    }

    /// Lets nobody in any more, and waits until all who were let in have been served and are gone; false when they were not at
    /// `deadline`.
    pub(super) async fn close(self, connections: &Connections, deadline: Instant) -> bool {
        if let Err(error) = SockRef::from(&self.0).attach_filter(&no_new_handshake()) {
            tracing::warn!(%error, "the listener closes without a filter; a connection made just now may be reset");
        }
        let mut seen = Instant::now();
        while seen.elapsed() < STILL {
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            if self.somebody_waits() || connections.is_anybody_present() {
                seen = now;
            }
            sleep(LOOK_EVERY).await;
        }
        true
    }

    /// Whether a connection is made that nobody has accepted yet.
    fn somebody_waits(&self) -> bool {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut listener = [PollFd::new(&self.0, PollFlags::IN)];
        matches!(poll(&mut listener, Some(&at_once)), Ok(1..) | Err(Errno::INTR))
    }
}
