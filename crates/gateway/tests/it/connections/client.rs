//! One connection that is kept alive, with nothing done behind the caller's back: no retry, no second connection.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use testkit::gateway::{Gateway, Tenant};

/// Longest wait for anything on a socket.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

/// An answer that came whole.
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Heard {
    /// Whether the server said that the connection ends with it.
    pub(crate) fn is_last(&self) -> bool {
        self.head.contains("connection: close")
    }
}

/// `GET /Users?count=1` and the like as bytes, with the tenant's token and these further header lines.
pub(crate) fn request(tenant: &Tenant, (method, path): (&str, &str), more: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!(
        "{method} /{}/{}/scim/v2{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{length}{more}\r\n{body}",
        tenant.region, tenant.key, tenant.token
    )
}

impl Client {
    pub(crate) fn try_connect(gateway_url: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(gateway_url.trim_start_matches("http://"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) fn connect(gateway: &Gateway) -> Self {
        Self::try_connect(&gateway.url).unwrap()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one answer to its end.
    pub(crate) fn hear(&mut self) -> io::Result<Heard> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body)?;
        let status = head.get(9..12).unwrap().parse().unwrap();
        Ok(Heard { status, head, body: String::from_utf8(body).unwrap() })
    }

    pub(crate) fn ask(&mut self, bytes: &str) -> io::Result<Heard> {
        self.send(bytes.as_bytes())?;
        self.hear()
    }

    /// Whether the server has ended its side already. Asked between an answer and the next request.
    pub(crate) fn is_ended(&mut self) -> bool {
        let stream = self.stream.get_mut();
        stream.set_nonblocking(true).unwrap();
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        match seen {
            Ok(bytes) => bytes == 0,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }
}
