//! `Upgrade` is ignored: the request is answered as if it were not there, which RFC 9110 §7.8 allows a server. The HTTP library
//! reads what follows such a head as a stream without an end where it names `websocket`, and ends the connection for any other
//! protocol. So the stream makes both headers say something else of the same length.
//!
//! One byte for one byte: no length changes, so no framing can (attack 59). What is taken for a head is what follows an answer;
//! should that be the rest of a body, no JSON has a line that begins with the name of one of the two headers.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The headers that speak of it, with the colon that ends a name.
const HEADERS: [&[u8]; 2] = [b"upgrade:", b"connection:"];

/// The option of `Connection` that goes with it.
const OPTION: &[u8] = b"upgrade";

/// Stands for what is not to be understood; a token character, so that the header stays well-formed.
const STAND_IN: u8 = b'x';

/// Where in a connection the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before a request, where empty lines are passed over.
    Start,
    /// In a line of a head that is none of ours.
    Line,
    /// At the beginning of a header's line, after so many bytes that the name of one of ours begins with.
    Name(usize, &'static [u8]),
    /// In the value of `Upgrade`.
    Protocol,
    /// In the value of `Connection`, after so many bytes of the option; `None` inside another option.
    Token(Option<usize>),
    /// In anything else, which is left as it is.
    Elsewhere,
}

/// A connection on which nobody asks for another protocol.
pub(super) struct NoUpgrade<S> {
    inner: S,
    place: Place,
}

impl<S> NoUpgrade<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, place: Place::Start }
    }
}

impl Place {
    /// Goes through bytes that were read.
    fn read(mut self, mut bytes: &mut [u8]) -> Self {
        while self != Self::Elsewhere {
            if self == Self::Line {
                // Most bytes are in such lines.
                let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return self };
                bytes = bytes.get_mut(end..).unwrap_or_default();
            }
            let Some((byte, rest)) = bytes.split_first_mut() else { return self };
            self = self.step(byte);
            bytes = rest;
        }
        self
    }

    fn step(self, byte: &mut u8) -> Self {
        const LINE_BEGINS: Place = Place::Name(0, b"");
        match (self, *byte) {
            (Self::Start, b'\r' | b'\n') => Self::Start,
            (Self::Start, _) => Self::Line,
            // An empty line ends the head.
            (Self::Name(0, _), b'\n') => Self::Elsewhere,
            (Self::Name(0, _), b'\r') => self,
            (_, b'\n') => LINE_BEGINS,
            (Self::Name(0, _), first) => {
                let header = HEADERS.into_iter().find(|name| begins(name, 0, first));
                header.map_or(Self::Line, |name| Self::Name(1, name))
            }
            (Self::Name(length, name), next) if begins(name, length, next) => match (length + 1, name) {
                (all, _) if all < name.len() => Self::Name(all, name),
                (_, b"upgrade:") => Self::Protocol,
                _ => Self::Token(Some(0)),
            },
            (Self::Protocol, value) => {
                if value.is_ascii_alphanumeric() {
                    *byte = STAND_IN;
                }
                self
            }
            (Self::Token(_), b',' | b' ' | b'\t') => Self::Token(Some(0)),
            (Self::Token(Some(length)), next) if begins(OPTION, length, next) => {
                if length + 1 == OPTION.len() {
                    *byte = STAND_IN;
                    return Self::Token(None);
                }
                Self::Token(Some(length + 1))
            }
            (Self::Token(_), _) => Self::Token(None),
            (Self::Name(..) | Self::Line, _) => Self::Line,
            (Self::Elsewhere, _) => self,
        }
    }
}

/// Whether this byte goes on with a text that is known up to here.
fn begins(text: &[u8], length: usize, next: u8) -> bool {
    text.get(length).is_some_and(|expected| expected.eq_ignore_ascii_case(&next))
}

impl<S: AsyncRead + Unpin> AsyncRead for NoUpgrade<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
        if let Some(bytes) = buffer.filled_mut().get_mut(before..) {
            this.place = this.place.read(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for NoUpgrade<S> {
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
    fn both_headers_say_something_else_however_the_head_comes() {
        let head = "\r\nPOST / HTTP/1.1\r\nHost: upgrade\r\nConnection: keep-alive, Upgrade, HTTP2-Settings\r\n\
                    uPgrade: h2c, websocket/13\r\nX-Upgrade: a\r\n\r\nupgrade: b";
        let passed = "\r\nPOST / HTTP/1.1\r\nHost: upgrade\r\nConnection: keep-alive, Upgradx, HTTP2-Settings\r\n\
                      uPgrade: xxx, xxxxxxxxx/xx\r\nX-Upgrade: a\r\n\r\nupgrade: b";
        assert_eq!(read(&[head]), passed);
        for cut in 1..head.len() {
            let (first, second) = head.split_at(cut);
            assert_eq!(read(&[first, second]), passed, "cut after {cut} bytes");
        }
    }

    #[test]
    fn nothing_else_is_touched() {
        for text in [
            "GET /upgrade HTTP/1.1\r\nConnection: keep-alive\r\nConnection-X: upgrade\r\nUpgraded: x\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\nConnection: close, upgrad\n\nUpgrade: websocket\n",
        ] {
            assert_eq!(read(&[text]), text);
        }
    }
}
