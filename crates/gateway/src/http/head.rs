//! Changes the heads of requests before the HTTP library reads them. One byte replaces one byte, so that the framing stays the
//! same (attack 59).
//!
//! - Entra's validator sends `GET /Users?filter=userName eq "x"` with quotes and blanks as they are. RFC 3986 does not allow that,
//!   and the library refuses it. A blank in a query becomes `+`, which means a blank there; a quote becomes a backtick, which
//!   [`restore`] turns into a quote when the query is read.
//! - `Upgrade` is ignored, as RFC 9110 §7.8 allows. After `Upgrade: websocket` the library would read an endless stream, and for any
//!   other protocol it would close the connection. So the value of `Upgrade` and the option `upgrade` of `Connection` are
//!   overwritten.
//!
//! - The library keeps for a whole connection what it must know of one request: whether it is a HEAD, its version, and whether it
//!   is the last. It learns that of the head that it reads last, and takes it for the answer that it writes next. So a request
//!   that was sent before the answer to the one before it is held back until then ([`Head::read`] says where one ends). After a
//!   body without `Content-Length` none is: then the bytes after each response are read as a head. If they are the rest of a body,
//!   nothing changes: no line of JSON begins with `GET `, `Upgrade:` or `Connection:`.

use std::borrow::Cow;

/// Replaces a quote in a query. The library accepts it although a URI must not contain it; clients percent-encode their own.
const QUOTE: u8 = b'`';

/// Overwrites values that the library must not understand; a token character, so that the header stays valid.
const STAND_IN: u8 = b'x';

/// The beginning of the request lines whose query is changed.
const GET: &[u8] = b"GET ";

const UPGRADE: &[u8] = b"upgrade:";
const CONNECTION: &[u8] = b"connection:";
const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";

/// The option of `Connection` that goes with `Upgrade`.
const OPTION: &[u8] = b"upgrade";

/// The position of the next byte of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a request, where empty lines are skipped.
    Start,
    /// At the beginning of a request line, after so many bytes of `GET `.
    Method(usize),
    /// In the target of a GET, before its query.
    Target,
    /// In the query of a GET.
    Query,
    /// In the rest of a request line.
    RequestLine,
    /// In a header line that stays as it is.
    Line,
    /// At the beginning of a header line, after so many bytes of this name.
    Name(usize, &'static [u8]),
    /// In the value of `Upgrade`.
    Protocol,
    /// In the value of `Connection`, after so many bytes of the option; `None` inside another option.
    Token(Option<usize>),
    /// In the value of `Content-Length`.
    Length,
    /// After a head, until the next request.
    Body,
}

/// The request that a connection is reading, above all its head.
#[derive(Debug)]
pub(super) struct Head {
    state: State,
    /// Bytes of the request line read so far.
    line: usize,
    /// Bytes that are missing of the body; `None` once a body did not say how long it is.
    missing: Option<u64>,
    /// Heads that were read to their end.
    count: u32,
}

impl Head {
    pub(super) fn new() -> Self {
        Self { state: State::Start, line: 0, missing: Some(0), count: 0 }
    }

    /// The bytes of the request line read so far.
    pub(super) fn request_line(&self) -> usize {
        self.line
    }

    /// Whether the request was read to its end, so that the next bytes are of another one.
    pub(super) fn is_whole(&self) -> bool {
        self.state == State::Body && self.missing == Some(0)
    }

    /// Begins the next request if `turns` have begun and ended, two for each answer, so that this one was answered.
    pub(super) fn go_on(&mut self, turns: u32) {
        if self.is_whole() && turns == self.count.wrapping_mul(2) {
            self.state = State::Start;
        }
    }

    /// Reads the next bytes and changes them in place, up to the end of the request. Returns how many they were.
    pub(super) fn read(&mut self, mut bytes: &mut [u8]) -> usize {
        let all = bytes.len();
        while self.state != State::Body {
            // Most bytes change nothing and are passed over together.
            let next = match self.state {
                State::Line | State::RequestLine => bytes.iter().position(|byte| *byte == b'\n'),
                State::Target => bytes.iter().position(|byte| matches!(byte, b'?' | b'\r' | b'\n')),
                State::Query => bytes.iter().position(|byte| matches!(byte, b'"' | b' ' | b'\r' | b'\n')),
                _ => Some(0),
            };
            let skipped = next.unwrap_or(bytes.len());
            if self.state != State::Line {
                self.line = self.line.saturating_add(skipped);
            }
            bytes = bytes.get_mut(skipped..).unwrap_or_default();
            let Some((byte, rest)) = bytes.split_first_mut() else { return all };
            if matches!(self.state, State::Method(_) | State::Target | State::Query) && *byte != b'\n' {
                self.line = self.line.saturating_add(1);
            }
            self.step(byte, rest);
            bytes = rest;
        }
        let Some(missing) = &mut self.missing else { return all };
        let of_body = usize::try_from(*missing).unwrap_or(usize::MAX).min(bytes.len());
        *missing = missing.saturating_sub(u64::try_from(of_body).unwrap_or(u64::MAX));
        all - bytes.len() + of_body
    }

    fn step(&mut self, byte: &mut u8, rest: &[u8]) {
        self.state =
            match (self.state, *byte) {
                (State::Start, b'\r' | b'\n') => State::Start,
                (State::Start, first) => {
                    self.line = 1;
                    if first == b'G' { State::Method(1) } else { State::RequestLine }
                }
                // An empty line ends the head.
                (State::Name(0, _), b'\n') => {
                    self.count = self.count.wrapping_add(1);
                    State::Body
                }
                (state @ State::Name(0, _), b'\r') => state,
                (_, b'\n') => State::Name(0, b""),
                (State::Method(length), next) if GET.get(length) == Some(&next) => {
                    if length + 1 == GET.len() { State::Target } else { State::Method(length + 1) }
                }
                (State::Target, b'?') => State::Query,
                (State::Method(_) | State::Target | State::Query, b'\r') | (State::Method(_), _) => {
                    State::RequestLine
                }
                (State::Query, b'"') => {
                    *byte = QUOTE;
                    State::Query
                }
                (State::Query, b' ') if !may_end_the_target(rest) => {
                    *byte = b'+';
                    State::Query
                }
                (State::Name(0, _), first) => match first.to_ascii_lowercase() {
                    b'u' => State::Name(1, UPGRADE),
                    b'c' => State::Name(1, CONNECTION),
                    b't' => State::Name(1, TRANSFER_ENCODING),
                    _ => State::Line,
                },
                // Two names begin alike.
                (State::Name(3, CONNECTION), b't' | b'T') => State::Name(4, CONTENT_LENGTH),
                (State::Name(length, name), next) if continues(name, length, next) => {
                    match (length + 1, name) {
                        (length, name) if length < name.len() => State::Name(length, name),
                        (_, UPGRADE) => State::Protocol,
                        (_, CONTENT_LENGTH) => State::Length,
                        (_, TRANSFER_ENCODING) => {
                            self.missing = None;
                            State::Line
                        }
                        _ => State::Token(Some(0)),
                    }
                }
                (State::Protocol, value) => {
                    if value.is_ascii_alphanumeric() {
                        *byte = STAND_IN;
                    }
                    State::Protocol
                }
                (State::Length, b' ' | b'\t' | b'\r') => State::Length,
                (State::Length, digit) => {
                    self.missing = self.missing.and_then(|length| with_digit(length, digit));
                    State::Length
                }
                (State::Token(_), b',' | b' ' | b'\t') => State::Token(Some(0)),
                (State::Token(Some(length)), next) if continues(OPTION, length, next) => {
                    if length + 1 == OPTION.len() {
                        *byte = STAND_IN;
                        State::Token(None)
                    } else {
                        State::Token(Some(length + 1))
                    }
                }
                (State::Token(_), _) => State::Token(None),
                (State::Name(..), _) => State::Line,
                (state, _) => state,
            };
    }

    /// After a response to a body of unknown length: the next bytes begin a request.
    pub(super) fn end(&mut self) {
        if self.state == State::Body && self.missing.is_none() {
            self.state = State::Start;
        }
    }
}

/// A decimal number with one digit more.
fn with_digit(number: u64, digit: u8) -> Option<u64> {
    let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
    number.checked_mul(10)?.checked_add(digit)
}

/// Whether `next` is the byte of `text` after the first `length`, in any letter case.
fn continues(text: &[u8], length: usize, next: u8) -> bool {
    text.get(length).is_some_and(|expected| expected.eq_ignore_ascii_case(&next))
}

/// Whether the HTTP version and the end of the line follow: then the blank before it ends the request target (RFC 9112 §3). True
/// as well if the received bytes end too early to decide.
fn may_end_the_target(rest: &[u8]) -> bool {
    let expected = b"HTTP/1.";
    let known = rest.len().min(expected.len());
    rest.get(..known) == expected.get(..known) && rest.get(8).is_none_or(|byte| matches!(byte, b'\r' | b'\n'))
}

/// The query as the client sent it: a backtick was a quote, unless the client encodes its quotes and so sent the backtick itself.
pub(crate) fn restore(query: &str) -> Cow<'_, str> {
    let quote = char::from(QUOTE);
    if query.contains(quote) && !query.contains("%22") {
        Cow::Owned(query.replace(quote, "%22"))
    } else {
        Cow::Borrowed(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&str]) -> String {
        let mut head = Head::new();
        let mut seen = String::new();
        for part in parts {
            let mut bytes = part.as_bytes().to_vec();
            head.read(&mut bytes);
            seen.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        seen
    }

    /// Asserts what a head becomes, however it comes.
    fn assert_becomes(head: &str, expected: &str, cuts: impl Iterator<Item = usize>) {
        assert_eq!(read(&[head]), expected);
        for cut in cuts {
            let (first, second) = head.split_at(cut);
            assert_eq!(read(&[first, second]), expected, "cut after {cut} bytes");
        }
    }

    #[test]
    fn quotes_in_the_query_of_a_get_are_stood_in_for() {
        let head = "GET /Users?filter=userName+eq+\"a\" HTTP/1.1\r\nx: \"y\"\r\n\r\n";
        let expected = "GET /Users?filter=userName+eq+`a` HTTP/1.1\r\nx: \"y\"\r\n\r\n";
        assert_becomes(head, expected, 1..head.len());
    }

    #[test]
    fn blanks_in_the_query_of_a_get_become_plus_but_the_one_before_the_version() {
        let head = "\r\nGET /Users?filter=userName eq \"a HTTP/1.1 b\" HTTP/1.1\r\nx: y z\r\n\r\n";
        let expected = "\r\nGET /Users?filter=userName+eq+`a+HTTP/1.1+b` HTTP/1.1\r\nx: y z\r\n\r\n";
        assert_becomes(head, expected, 1..28);
        for cut in ["GET /?a ", "GET /?a HT", "GET /?a HTTP/1.", "GET /?a HTTP/1.1"] {
            assert_eq!(read(&[cut]), cut, "what cannot be told yet stays");
        }
    }

    #[test]
    fn upgrade_and_its_option_say_something_else_however_the_head_comes() {
        let head = "\r\nPOST / HTTP/1.1\r\nHost: upgrade\r\nConnection: keep-alive, Upgrade, HTTP2-Settings\r\n\
                    uPgrade: h2c, websocket/13\r\nX-Upgrade: a\r\n\r\nupgrade: b";
        let expected = "\r\nPOST / HTTP/1.1\r\nHost: upgrade\r\nConnection: keep-alive, Upgradx, HTTP2-Settings\r\n\
                        uPgrade: xxx, xxxxxxxxx/xx\r\nX-Upgrade: a\r\n\r\nupgrade: b";
        assert_becomes(head, expected, 1..head.len());
    }

    #[test]
    fn nothing_else_is_touched() {
        for text in [
            "POST /Users?x=\"1 2\" HTTP/1.1\r\n",
            "GET /a\"b c HTTP/1.1\r\n",
            "GETS /?\"a\" HTTP/1.1\r\n",
            "{\"a\":\"GET /? x\"}",
            "GET /?a HTTP/1.0\r\n",
            "GET /?a HTTP/1.1\n",
            "GET /upgrade HTTP/1.1\r\nConnection: keep-alive\r\nConnection-X: upgrade\r\nUpgraded: x\r\n\r\n",
            "GET / HTTP/1.1\nHost: x\nConnection: close, upgrad\n\nUpgrade: websocket\n",
        ] {
            assert_eq!(read(&[text]), text);
        }
    }

    /// Reads requests as they come; what is read before each answer.
    fn answered(parts: &[&str]) -> Vec<String> {
        let (mut head, mut turns, mut held) = (Head::new(), 0, Vec::new());
        let mut requests = vec![String::new()];
        for part in parts {
            held.extend_from_slice(part.as_bytes());
            while !held.is_empty() {
                let length = head.read(&mut held);
                let read: Vec<u8> = held.drain(..length).collect();
                requests.last_mut().unwrap().push_str(std::str::from_utf8(&read).unwrap());
                if head.is_whole() {
                    assert_eq!(head.read(&mut [b'x']), 0, "nothing is read before the answer");
                    turns += 2;
                    requests.push(String::new());
                }
                head.go_on(turns);
            }
        }
        requests
    }

    #[test]
    fn a_request_is_read_to_its_end_and_the_next_one_after_the_answer() {
        let requests = [
            "HEAD /?\"a\" HTTP/1.1\r\ncontent-type: x\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 11 \r\n\r\n{\"a\":\"b\"}\r\n",
            "\r\nPUT / HTTP/1.1\nCONTENT-LENGTH:0\n\n",
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            "",
        ];
        let all = requests.concat();
        assert_eq!(answered(&[&all]), requests);
        for cut in 1..all.len() {
            let (first, second) = all.split_at(cut);
            assert_eq!(answered(&[first, second]), requests, "cut after {cut} bytes");
        }
    }

    #[test]
    fn after_a_body_of_unknown_length_nothing_is_held_back() {
        for header in ["Transfer-Encoding: chunked", "transfer-encoding:x", "Content-Length: 1, 1"] {
            let all = format!("POST / HTTP/1.1\r\n{header}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\nGET ");
            assert_eq!(answered(&[&all]), [all]);
        }
    }

    #[test]
    fn the_length_of_the_request_line_is_known_however_it_comes() {
        for (line, parts) in [
            (18, ["GET /", "abc HTTP/1.1\r", "\nHost: x\r\n\r\n", "body\n"]),
            (20, ["GE", "T /?abc HTTP/1.1 \r", "\nHost: x\r\n\r\n", "body\n"]),
            (19, ["P", "OST /abc HTTP/1.1\r", "\nHost: x\r\n\r\n", "body\n"]),
        ] {
            let mut head = Head::new();
            for part in parts {
                head.read(&mut part.as_bytes().to_vec());
            }
            assert_eq!(head.request_line(), line, "{parts:?}");
        }
    }

    #[test]
    fn a_client_that_encodes_its_quotes_means_what_it_writes() {
        assert_eq!(restore("filter=userName+eq+`a`"), "filter=userName+eq+%22a%22");
        assert_eq!(restore("filter=userName+eq+%22a`b%22"), "filter=userName+eq+%22a`b%22");
    }
}
