//! Bytes on a socket, for requests that no HTTP client would send.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use testkit::gateway::Gateway;

/// Longest wait for anything on a socket.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came back.
pub(crate) struct Heard {
    pub(super) text: String,
    /// Whether the gateway closed the connection.
    pub(super) closed: bool,
}

impl Heard {
    /// The status of each answer.
    pub(crate) fn statuses(&self) -> Vec<u16> {
        let heads = self.text.split("HTTP/1.").skip(1);
        heads.filter_map(|head| head.get(2..5)?.parse().ok()).filter(|status| *status != 100).collect()
    }
}

/// The address of the gateway, as `Host` has it.
pub(super) fn host(gateway: &Gateway) -> &str {
    gateway.url.trim_start_matches("http://")
}

pub(super) fn connect(gateway: &Gateway) -> TcpStream {
    let stream = TcpStream::connect(host(gateway)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and reads until the gateway closes.
pub(crate) fn talk(gateway: &Gateway, bytes: &[u8]) -> Heard {
    let mut stream = connect(gateway);
    // The gateway may close before it has taken everything; what it said is read all the same.
    let _ = stream.write_all(bytes);
    listen(&mut stream)
}

/// Reads until the gateway closes, or is silent for too long.
pub(super) fn listen(stream: &mut TcpStream) -> Heard {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    let closed = loop {
        match stream.read(&mut part) {
            Ok(0) => break true,
            Ok(n) => bytes.extend_from_slice(part.get(..n).unwrap()),
            Err(error) => break error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    };
    Heard { text: String::from_utf8_lossy(&bytes).into_owned(), closed }
}
