//! What the HTTP library refuses by itself (a request line or headers it cannot read, or that are too long or too slow), it
//! answers with a bare status. A SCIM client shows its administrator the `detail` of an answer, so the stream puts one there
//! (RFC 7644 §3.12; attack 66), and takes what the client still sends, so that the answer is not lost in a reset connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::{
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};
use scim_core::ScimError;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::{connections::Connections, leftovers};
use crate::{
    request_id,
    telemetry::tally::{TALLY, What},
};

/// The longest URL that the library reads (`http::Uri`), in bytes.
const MAX_URL: usize = 65_534;

/// What it refuses with: malformed, too slow, too large.
const OWN: [u16; 3] = [400, 408, 431];

/// How long the rest of a refused request is taken, and thrown away.
const LINGER: Duration = Duration::from_secs(1);

/// A connection on which every refusal has a body.
pub(crate) struct Refusals<S> {
    inner: S,
    line: RequestLine,
    refusal: Option<Refusal>,
    connections: Connections,
}

/// The first line since something was answered, so that too long a URL is told from other faults.
#[derive(Clone, Copy, Debug, Default)]
struct RequestLine {
    length: usize,
    ended: bool,
}

/// An answer on its way in the place of the library's own.
struct Refusal {
    answer: Vec<u8>,
    written: usize,
    is_ended: bool,
    /// Bytes of the refused request that were thrown away.
    thrown: usize,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Refusals<S> {
    pub(super) fn new(inner: S, connections: Connections) -> Self {
        Self { inner, line: RequestLine::default(), refusal: None, connections }
    }

    /// Whether an answer is on its way in the place of the library's own.
    pub(super) fn is_refusing(&self) -> bool {
        self.refusal.is_some()
    }

    fn refuse(&mut self, before: &[u8], status: u16) {
        let answer = [before, &answer(status, self.line)].concat();
        let alarm = Box::pin(sleep(LINGER));
        self.refusal = Some(Refusal { answer, written: 0, is_ended: false, thrown: 0, alarm });
    }
}

impl RequestLine {
    fn read(&mut self, bytes: &[u8]) {
        if self.ended {
            return;
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        self.length = self.length.saturating_add(end.unwrap_or(bytes.len()));
        self.ended = end.is_some();
    }
}

/// Where in what the library writes its own refusal begins, and its status. Our own answers of these statuses have a body, and
/// what the library refuses is the last thing it writes.
fn bare_refusal(bytes: &[u8]) -> Option<(usize, u16)> {
    /// Longer than any of them.
    const LONGEST: usize = 512;
    bytes.strip_suffix(b"\r\n\r\n")?;
    let from = bytes.len().saturating_sub(LONGEST);
    let tail = bytes.get(from..)?;
    let at = tail.windows(10).rposition(|part| part.starts_with(b"HTTP/1.") && part.ends_with(b" 4"))?;
    let head = std::str::from_utf8(tail.get(at..)?).ok()?;
    let is_bare = head.find("\r\n\r\n") == Some(head.len() - 4) && head.contains("content-length: 0\r\n");
    let status = head.get(9..12)?.parse().ok()?;
    (is_bare && OWN.contains(&status)).then_some((from + at, status))
}

/// Status, reason and what the client is told.
fn explained(status: u16, line: RequestLine) -> (u16, &'static str, String) {
    if line.length > MAX_URL && matches!(status, 400 | 431) {
        let detail = format!("The URL is longer than {MAX_URL} bytes; ask for less at once.");
        return (414, "URI Too Long", detail);
    }
    let (reason, detail) = match status {
        408 => ("Request Timeout", "The request's headers did not arrive in time; send them again."),
        431 => {
            ("Request Header Fields Too Large", "The request's headers are too many or too long; send less.")
        }
        _ => ("Bad Request", "The request is not valid HTTP/1.1; percent-encode what its URL must not hold."),
    };
    (status, reason, detail.to_owned())
}

fn answer(status: u16, line: RequestLine) -> Vec<u8> {
    let (status, reason, detail) = explained(status, line);
    let id = request_id::new();
    if TALLY.is_first(What::Unreadable, status, &detail) {
        tracing::info!(request_id = id, status, detail, "a request could not be read");
    }
    head_and_body((status, reason), &detail, &id, "")
}

/// Tells a newcomer that there is no room, and ends the connection. What it still sends is taken for a moment.
pub(super) async fn refuse_newcomer(mut stream: TcpStream) {
    let status = (503, "Service Unavailable");
    let detail = "The service has too many connections; retry after a moment.";
    let answer = head_and_body(status, detail, &request_id::new(), "retry-after: 1\r\n");
    let telling = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        let mut unread = [0; 8192];
        for _ in 0..leftovers::OF_ONE / unread.len() {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        Ok::<(), io::Error>(())
    };
    // Whoever goes away, or does not listen, is not told.
    let _ = timeout(LINGER, telling).await;
}

fn head_and_body((status, reason): (u16, &str), detail: &str, id: &str, more: &str) -> Vec<u8> {
    let body = ScimError::new(status, None, detail).to_json().to_string();
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\n\
         connection: close\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\n{more}\r\n{body}",
        body.len(),
    )
    .into_bytes()
}

impl<S: AsyncRead + AsyncWrite + Unpin> Refusals<S> {
    /// Refuses a request whose headers do not arrive in time, as the library does for the first of a connection only.
    pub(super) fn poll_refuse_slow_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refusal.is_none() {
            self.refuse(&[], 408);
        }
        self.poll_refuse(context)
    }

    /// Writes the refusal, ends our side, and takes what still comes for a moment.
    fn poll_refuse(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(refusal) = &mut self.refusal else { return Poll::Ready(Ok(())) };
        while let Some(rest) = refusal.answer.get(refusal.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.inner).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => refusal.written += written,
            }
        }
        if !refusal.is_ended {
            ready!(Pin::new(&mut self.inner).poll_shutdown(context))?;
            refusal.is_ended = true;
        }
        let mut unread = [0; 8192];
        while refusal.alarm.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut unread);
            let read = ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer));
            let bytes = buffer.filled().len();
            refusal.thrown = refusal.thrown.saturating_add(bytes);
            let is_too_much = refusal.thrown > leftovers::OF_ONE || !self.connections.allowance().take(bytes);
            if read.is_err() || bytes == 0 || is_too_much {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusals<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        if let Some(bytes) = buffer.filled().get(before..) {
            this.line.read(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refusals<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.refusal.is_none()
            && let Some((at, status)) = bare_refusal(bytes)
        {
            this.refuse(bytes.get(..at).unwrap_or_default(), status);
        }
        if this.refusal.is_some() {
            // All of it counts as written when it is answered in our words: nothing comes after it.
            return this.poll_refuse(context).map_ok(|()| bytes.len());
        }
        this.line = RequestLine::default();
        Pin::new(&mut this.inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_last_answer_of_4xx_without_a_body_is_the_librarys_own() {
        let bare = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let full = "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(bare_refusal(bare.as_bytes()), Some((0, 400)));
        assert_eq!(bare_refusal(format!("{full}{bare}").as_bytes()), Some((full.len(), 400)));
        let long = format!("{}{bare}", "x".repeat(70_000));
        assert_eq!(bare_refusal(long.as_bytes()), Some((70_000, 400)));
        for other in [
            full,
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 20\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\n\r\n\r\n",
            "",
            "\r\n\r\n",
        ] {
            assert_eq!(bare_refusal(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_length_of_the_request_line_is_known_however_it_comes() {
        let mut line = RequestLine::default();
        for part in ["GET /", "abc HTTP/1.1\r", "\nHost: x\r\n", "\r\nbody\n"] {
            line.read(part.as_bytes());
        }
        assert_eq!((line.length, line.ended), (18, true));
        assert_eq!(explained(400, RequestLine { length: 70_000, ended: false }).0, 414);
        assert_eq!(explained(431, RequestLine { length: 20, ended: true }).0, 431);
    }
}
