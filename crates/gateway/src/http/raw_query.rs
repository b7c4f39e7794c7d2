//! Entra's validator sends `GET /Users?filter=userName eq "x"` with quotes and blanks as they are, which RFC 3986 does not
//! allow and the HTTP library refuses before any of our code runs. So the stream puts something of the same length in their
//! place: `+` for a blank, which a query may hold for one, and a stand-in for a quote, which [`restore`] takes back when the
//! query is read.
//!
//! Both are one byte for one byte: whatever part of a connection is read here, no length changes, so no framing can
//! (attack 59).

use std::{
    borrow::Cow,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Not allowed in a URI either, but let through by the library; clients percent-encode it.
const STAND_IN: u8 = b'`';

/// Where in a connection the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Where a request may begin: at the start, or after something was answered.
    Start,
    /// In the request line of a GET; whether its query has begun.
    RequestLine { in_query: bool },
    /// In anything else, which is left as it is.
    Elsewhere,
}

/// A connection whose GET request lines may hold raw quotes and blanks in their query.
pub(crate) struct RawQuery<S> {
    inner: S,
    place: Place,
}

impl<S> RawQuery<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, place: Place::Start }
    }
}

impl Place {
    /// Goes through bytes that were read, and puts something else where a quote or a blank stands in a query.
    fn read(self, mut bytes: &mut [u8]) -> Self {
        let mut in_query = match self {
            Self::Start if bytes.starts_with(b"GET ") => false,
            Self::RequestLine { in_query } => in_query,
            Self::Start | Self::Elsewhere => return Self::Elsewhere,
        };
        while let Some((byte, rest)) = bytes.split_first_mut() {
            match *byte {
                b'\r' | b'\n' => return Self::Elsewhere,
                b'?' => in_query = true,
                b'"' if in_query => *byte = STAND_IN,
                b' ' if in_query && !may_end_the_target(rest) => *byte = b'+',
                _ => {}
            }
            bytes = rest;
        }
        Self::RequestLine { in_query }
    }
}

/// Whether the version follows, and the line's end: then the blank before it ends the request target (RFC 9112 §3). Where the
/// bytes that were read end too soon to tell, it may.
fn may_end_the_target(rest: &[u8]) -> bool {
    let expected = b"HTTP/1.";
    let known = rest.len().min(expected.len());
    rest.get(..known) == expected.get(..known) && rest.get(8).is_none_or(|byte| matches!(byte, b'\r' | b'\n'))
}

/// The query as it was sent: a stand-in is a quote, unless the client encodes its quotes and so meant what it wrote.
pub(crate) fn restore(query: &str) -> Cow<'_, str> {
    let stand_in = char::from(STAND_IN);
    if query.contains(stand_in) && !query.contains("%22") {
        Cow::Owned(query.replace(stand_in, "%22"))
    } else {
        Cow::Borrowed(query)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RawQuery<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        if let Some(bytes) = buffer.filled_mut().get_mut(before..).filter(|bytes| !bytes.is_empty()) {
            this.place = this.place.read(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RawQuery<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.inner).poll_write(context, bytes))?;
        if this.place == Place::Elsewhere {
            this.place = Place::Start;
        }
        Poll::Ready(Ok(written))
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

    fn read(parts: &[&str]) -> String {
        let mut place = Place::Start;
        let mut seen = String::new();
        for part in parts {
            let mut bytes = part.as_bytes().to_vec();
            place = place.read(&mut bytes);
            seen.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        seen
    }

    #[test]
    fn quotes_in_the_query_of_a_get_are_stood_in_for() {
        let line = "GET /Users?filter=userName+eq+\"a\" HTTP/1.1\r\nx: \"y\"\r\n\r\n";
        assert_eq!(read(&[line]), "GET /Users?filter=userName+eq+`a` HTTP/1.1\r\nx: \"y\"\r\n\r\n");
        let (head, tail) = line.split_at(32);
        assert_eq!(read(&[head, tail]), read(&[line]), "also when it comes in two parts");
    }

    #[test]
    fn blanks_in_the_query_of_a_get_become_plus_but_the_one_before_the_version() {
        let line = "GET /Users?filter=userName eq \"a HTTP/1.1 b\" HTTP/1.1\r\nx: y z\r\n\r\n";
        let passed = "GET /Users?filter=userName+eq+`a+HTTP/1.1+b` HTTP/1.1\r\nx: y z\r\n\r\n";
        assert_eq!(read(&[line]), passed);
        let (head, tail) = line.split_at(25);
        assert_eq!(read(&[head, tail]), passed, "also when it comes in two parts");
        for cut in ["GET /?a ", "GET /?a HT", "GET /?a HTTP/1.", "GET /?a HTTP/1.1"] {
            assert_eq!(read(&[cut]), cut, "what cannot be told yet stays");
        }
    }

    #[test]
    fn nothing_else_is_touched() {
        for text in [
            "POST /Users?x=\"1 2\" HTTP/1.1\r\n",
            "GET /a\"b c HTTP/1.1\r\n",
            "{\"a\":\"GET /? x\"}",
            "GET /?a HTTP/1.0\r\n",
            "GET /?a HTTP/1.1\n",
        ] {
            assert_eq!(read(&[text]), text);
        }
    }

    #[test]
    fn a_client_that_encodes_its_quotes_means_what_it_writes() {
        assert_eq!(restore("filter=userName+eq+`a`"), "filter=userName+eq+%22a%22");
        assert_eq!(restore("filter=userName+eq+%22a`b%22"), "filter=userName+eq+%22a`b%22");
    }
}
