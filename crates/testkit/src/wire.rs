//! One connection on which bytes are sent exactly as they are written, also those that no HTTP client would send. It never
//! retries and never opens a second connection.

use std::{
    io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::http::{Answer, Request};

/// Longest wait for a part of an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a connection may be silent while everything that comes is read.
const SILENCE: Duration = Duration::from_secs(10);

/// A connection to a gateway.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// Everything that came on a connection.
pub struct Heard {
    pub text: String,
    /// Whether the gateway closed the connection.
    pub closed: bool,
}

impl Heard {
    /// The status of each answer.
    pub fn statuses(&self) -> Vec<u16> {
        let heads = self.text.split("HTTP/1.").skip(1);
        heads.filter_map(|head| head.get(2..5)?.parse().ok()).filter(|status| *status != 100).collect()
    }
}

impl Connection {
    /// Connects to the host of a URL.
    ///
    /// # Errors
    /// When the connection is refused.
    pub fn open(url: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host_and_target(url).0)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the gateway has closed the connection, or takes nothing.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Reads one answer that says how long it is.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn hear(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
        self.stream.read_exact(&mut body)?;
        let text = String::from_utf8(body).map_err(|_| ErrorKind::InvalidData)?;
        Ok(Answer::new(status.ok_or(ErrorKind::InvalidData)?, headers, text))
    }

    /// Waits until an answer begins and leaves it unread.
    ///
    /// # Errors
    /// When none begins.
    pub fn wait_for_answer(&mut self) -> io::Result<()> {
        match self.stream.get_mut().peek(&mut [0])? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::hear`].
    pub fn ask(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.send(bytes)?;
        self.hear()
    }

    /// Reads until the gateway closes the connection, or is silent for too long.
    pub fn hear_all(&mut self) -> Heard {
        self.stream.get_mut().set_read_timeout(Some(SILENCE)).unwrap();
        let mut bytes = Vec::new();
        let closed = match self.stream.read_to_end(&mut bytes) {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        };
        Heard { text: String::from_utf8_lossy(&bytes).into_owned(), closed }
    }

    /// Sends the same bytes again and again until the gateway closes the connection, or for so long; everything that came.
    pub fn drip(mut self, bytes: &[u8], time: Duration) -> Heard {
        let began = Instant::now();
        self.stream.get_mut().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (mut heard, mut part, mut closed) = (Vec::new(), [0; 4096], false);
        while !closed && began.elapsed() < time {
            let _ = self.send(bytes);
            match self.stream.read(&mut part) {
                Ok(0) => closed = true,
                Ok(length) => heard.extend_from_slice(&part[..length]),
                Err(error) => closed = !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            }
        }
        Heard { text: String::from_utf8_lossy(&heard).into_owned(), closed }
    }

    /// Whether the gateway has ended its side already. Asked between an answer and the next request.
    pub fn is_ended(&mut self) -> bool {
        let stream = self.stream.get_mut();
        stream.set_nonblocking(true).unwrap();
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        match seen {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// Sends one request on a connection of its own and reads the answer. The part of its URL behind the host goes into the request
/// line unchanged.
///
/// # Errors
/// When there is no whole answer.
pub fn exchange(request: &Request) -> io::Result<Answer> {
    let (host, target) = host_and_target(&request.url);
    let mut head = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", request.method);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if request.has_length() {
        head.push_str(&format!("Content-Length: {}\r\n", request.body.len()));
    }
    let mut connection = Connection::open(&request.url)?;
    connection.ask([head.as_bytes(), b"\r\n", &request.body].concat())
}

/// `127.0.0.1:1234` and `/ire/acme/scim/v2`.
fn host_and_target(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url} is no http URL"));
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}
