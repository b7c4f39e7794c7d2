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

use super::leftovers::{self, Allowance};
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

/// An answer on its way in the place of the library's own.
pub(super) struct Refusal {
    answer: Vec<u8>,
    written: usize,
    is_ended: bool,
    /// Bytes of the refused request that were thrown away.
    thrown: usize,
    alarm: Pin<Box<Sleep>>,
}

impl Refusal {
    /// What the library writes before it, its status, and the length of the request line.
    pub(super) fn new(before: &[u8], status: u16, line: usize) -> Self {
        let answer = [before, &answer(status, line)].concat();
        Self { answer, written: 0, is_ended: false, thrown: 0, alarm: Box::pin(sleep(LINGER)) }
    }

    /// Writes the refusal, ends our side, and takes what still comes for a moment.
    pub(super) fn poll(
        &mut self,
        socket: &mut TcpStream,
        allowance: &Allowance,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.answer.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *socket).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        if !self.is_ended {
            ready!(Pin::new(&mut *socket).poll_shutdown(context))?;
            self.is_ended = true;
        }
        let mut unread = [0; 8192];
        while self.alarm.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut unread);
            let read = ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer));
            let bytes = buffer.filled().len();
            self.thrown = self.thrown.saturating_add(bytes);
            let is_too_much = self.thrown > leftovers::OF_ONE || !allowance.take(bytes);
            if read.is_err() || bytes == 0 || is_too_much {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Where in what the library writes its own refusal begins, and its status. Our own answers of these statuses have a body, and
/// what the library refuses is the last thing it writes.
pub(super) fn bare_refusal(bytes: &[u8]) -> Option<(usize, u16)> {
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
fn explained(status: u16, line: usize) -> (u16, &'static str, String) {
    if line > MAX_URL && matches!(status, 400 | 431) {
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

fn answer(status: u16, line: usize) -> Vec<u8> {
    let (status, reason, detail) = explained(status, line);
    let id = request_id::new();
    if TALLY.is_first(What::Unreadable, status, &detail) {
        tracing::info!(request_id = id, code = status, detail, "a request could not be read");
    }
    head_and_body(status, reason, &detail, &id, "")
}

/// Tells a newcomer that there is no room, and ends the connection. What it still sends is taken for a moment.
pub(super) async fn refuse_newcomer(mut stream: TcpStream) {
    let detail = "The service has too many connections; retry after a moment.";
    let answer = head_and_body(503, "Service Unavailable", detail, &request_id::new(), "retry-after: 1\r\n");
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

fn head_and_body(status: u16, reason: &str, detail: &str, id: &str, more: &str) -> Vec<u8> {
    let body = ScimError::new(status, None, detail).to_json().to_string();
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\n\
         connection: close\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\nx-request-id: {id}\r\n{more}\r\n{body}",
        body.len(),
    )
    .into_bytes()
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
    fn a_url_that_is_too_long_is_told_from_other_faults() {
        assert_eq!(explained(400, 70_000).0, 414);
        assert_eq!(explained(431, 20).0, 431);
    }
}
