//! Ports for the processes of a test. Tests run side by side and open thousands of connections, so a port that was free
//! when it was looked for need not be free when the process takes it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Below the ports of outgoing connections (RFC 6335 §6 from 49152, Linux from 32768): no client takes one.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A free loopback port, kept for this process: no other call returns it before this process ends.
///
/// # Panics
///
/// When all of them are taken.
pub fn claim() -> u16 {
    // Beginning anywhere, so that neighbours seldom try the same ones.
    let begin = rand::random::<u16>() % COUNT;
    let claimed = (0..COUNT).map(|step| FIRST + (begin + step) % COUNT).find(|&port| is_claimed(port));
    claimed.expect("a free port")
}

/// The UDP port of the same number is the token: one holder at a time, and the system takes it back with the process.
fn is_claimed(port: u16) -> bool {
    let Ok(token) = UdpSocket::bind(address(port)) else { return false };
    let is_free = TcpListener::bind(address(port)).is_ok();
    if is_free {
        std::mem::forget(token);
    }
    is_free
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_port_is_given_once_and_can_be_listened_on() {
        let ports: std::collections::BTreeSet<u16> = (0..50).map(|_| claim()).collect();
        assert_eq!(ports.len(), 50);
        for port in ports {
            TcpListener::bind(address(port)).unwrap();
        }
    }
}
