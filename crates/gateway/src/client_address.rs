//! The address of a client behind proxies that staff trust: the nearest one in `Forwarded` (RFC 7239) or `X-Forwarded-For` that is no
//! proxy's. Anybody can write these headers, so they count only behind a trusted proxy, and only what the proxies themselves have added:
//! they are read from their end. Where that is not a plain address, or the two headers disagree, the client is the peer.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::{
    HttpRequest,
    http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue, X_FORWARDED_FOR},
};
use ipnet::IpNet;
use serde::Deserialize;

use crate::request_id;

/// `server.trusted_proxies`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TryFrom<Vec<String>> for TrustedProxies {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        let network = |text: String| {
            let text = text.trim();
            let parsed = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            parsed.map_err(|_| format!("must be addresses or networks, such as 10.0.0.0/8, not {text:?}"))
        };
        texts.into_iter().map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    /// The address that a request comes from.
    pub(crate) fn client_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        request.peer_addr().map(|peer| self.client(peer.ip(), request.headers()))
    }

    /// Whether one of these sent a request.
    pub(crate) fn sent(&self, request: &HttpRequest) -> bool {
        request.peer_addr().is_some_and(|peer| self.contain(peer.ip().to_canonical()))
    }

    /// The id that the proxy in front has given to a request, if it is one of these.
    pub(crate) fn request_id_of(&self, request: &HttpRequest) -> Option<String> {
        if self.sent(request) { request_id::of_proxy(request.headers()) } else { None }
    }

    /// The same, by the peer of its connection and its headers.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contain(peer) {
            return peer;
        }
        let said = |name: &HeaderName, hops: fn(&str) -> Vec<Option<IpAddr>>| {
            headers.contains_key(name).then(|| self.nearest(lines(headers, name).flat_map(hops)))
        };
        match (said(&FORWARDED, forwarded_hops), said(&X_FORWARDED_FOR, x_forwarded_for_hops)) {
            (Some(one), Some(other)) if one == other => one,
            (Some(one), None) | (None, Some(one)) => one,
            // A proxy that knows one header passes the other on as the client wrote it.
            (Some(_), Some(_)) | (None, None) => None,
        }
        .unwrap_or(peer)
    }

    /// The first hop that is no trusted proxy, or the last one of all; `None` if it is not an address.
    fn nearest(&self, hops: impl Iterator<Item = Option<IpAddr>>) -> Option<IpAddr> {
        let mut last = None;
        for hop in hops {
            let address = hop?.to_canonical();
            if !self.contain(address) {
                return Some(address);
            }
            last = Some(address);
        }
        last
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The header's lines, the last one first. One that is not ASCII is as good as none.
fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let lines: Vec<&HeaderValue> = headers.get_all(name).collect();
    lines.into_iter().rev().map(|line| line.to_str().unwrap_or_default())
}

/// The addresses of a line, the nearest first; `None` for what is no address.
fn x_forwarded_for_hops(line: &str) -> Vec<Option<IpAddr>> {
    line.rsplit(',').map(|element| x_forwarded_for(trim(element))).collect()
}

/// An address, perhaps with a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn x_forwarded_for(text: &str) -> Option<IpAddr> {
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(bracketed).or_else(with_port)
}

/// The `for` of each element of a line, the nearest first; `None` for what is no address.
fn forwarded_hops(line: &str) -> Vec<Option<IpAddr>> {
    match split(line, ',') {
        Some(elements) => elements.into_iter().rev().map(forwarded_for).collect(),
        None => vec![None],
    }
}

/// The `for` of one element: `for=192.0.2.1;proto=https`, `For="[2001:db8::1]:80"`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in split(element, ';')? {
        let (name, value) = trim(pair).split_once('=')?;
        let value = unquoted(value)?;
        if !is_token(name) || (name.eq_ignore_ascii_case("for") && found.replace(value).is_some()) {
            return None;
        }
    }
    node(found?)
}

/// RFC 7239 §6: an IPv6 address has brackets; both kinds may have a port.
fn node(text: &str) -> Option<IpAddr> {
    let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let (name, port) = match text.get(end..)?.split_once(':') {
        Some((rest, port)) => (text.get(..end + rest.len())?, Some(port)),
        None => (text, None),
    };
    if !port.is_none_or(is_port) {
        return None;
    }
    match name.strip_prefix('[') {
        Some(name) => name.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => name.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::from),
    }
}

/// A port, or an obfuscated one.
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(name) => {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        }
        None => (1..=5).contains(&text.len()) && text.parse::<u16>().is_ok(),
    }
}

/// The value of a pair: a token, or a quoted string without escapes, which no address has.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => Some(value).filter(|value| is_token(value)),
    }
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// The parts between separators that stand outside quoted strings; `None` when a quoted string does not end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let outside = |character: char| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        match character {
            '\\' if is_quoted && !was_escaped => is_escaped = true,
            '"' if !was_escaped => is_quoted = !is_quoted,
            _ => {}
        }
        character == separator && !is_quoted
    };
    let parts = text.split(outside).collect();
    if is_quoted { None } else { Some(parts) }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.9";

    fn trusted(networks: &[&str]) -> TrustedProxies {
        networks.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().try_into().unwrap()
    }

    /// Who is the client of a request with these header lines that comes from this peer.
    fn client(peer: &str, lines: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.parse().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let proxies = trusted(&["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"]);
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    fn x_forwarded_for(value: &str) -> String {
        client(PROXY, &[("X-Forwarded-For", value)])
    }

    fn forwarded(value: &str) -> String {
        client(PROXY, &[("Forwarded", value)])
    }

    #[test]
    fn the_client_is_the_nearest_that_is_no_trusted_proxy() {
        for (value, address) in [
            ("198.51.100.1", "198.51.100.1"),
            ("198.51.100.1, 203.0.113.5", "203.0.113.5"),
            ("198.51.100.1,203.0.113.5 ,\t10.1.1.1, 192.0.2.7", "203.0.113.5"),
            ("203.0.113.5:4711", "203.0.113.5"),
            ("2001:db8::5", "2001:db8::5"),
            ("[2001:db8::5]", "2001:db8::5"),
            ("[2001:db8::5]:4711, 2001:db8:1::1", "2001:db8::5"),
            ("::ffff:203.0.113.5", "203.0.113.5"),
            // All are trusted: the farthest one is a client of ours.
            ("10.1.1.2, 10.1.1.1", "10.1.1.2"),
        ] {
            assert_eq!(x_forwarded_for(value), address, "{value}");
        }
        for (value, address) in [
            ("for=203.0.113.5", "203.0.113.5"),
            ("For=198.51.100.1, FOR=203.0.113.5;proto=https;by=10.0.0.1", "203.0.113.5"),
            (r#"for="203.0.113.5:4711", for=10.0.0.1"#, "203.0.113.5"),
            (r#"for="[2001:db8::5]""#, "2001:db8::5"),
            (r#"for="[2001:db8::5]:4711";host="a,b;c""#, "2001:db8::5"),
            (r#"for="[2001:db8::5]:_port""#, "2001:db8::5"),
            (r#"proto=http;host="a\",for=x";for=203.0.113.5"#, "203.0.113.5"),
        ] {
            assert_eq!(forwarded(value), address, "{value}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [("X-Forwarded-For", "203.0.113.5"), ("x-forwarded-for", "10.0.0.1, 10.0.0.2")];
        assert_eq!(client(PROXY, &lines), "203.0.113.5");
        let lines = [("Forwarded", r#"for="unended"#), ("Forwarded", "for=203.0.113.5")];
        assert_eq!(client(PROXY, &lines), "203.0.113.5");
        let lines = [("Forwarded", "for=203.0.113.5"), ("Forwarded", r#"for="unended"#)];
        assert_eq!(client(PROXY, &lines), PROXY);
    }

    #[test]
    fn what_a_client_writes_in_front_changes_nothing() {
        for invented in
            ["10.0.0.1", "127.0.0.1", "unknown", "_hidden", "\"", "x,,y", &"1.1.1.1,".repeat(1_250)]
        {
            assert_eq!(x_forwarded_for(&format!("{invented}, 203.0.113.5")), "203.0.113.5", "{invented}");
        }
        for invented in ["for=10.0.0.1", "for=unknown", "for=_hidden", "x", &"for=1.1.1.1,".repeat(850)] {
            assert_eq!(forwarded(&format!("{invented}, for=203.0.113.5")), "203.0.113.5", "{invented}");
        }
    }

    #[test]
    fn from_anyone_else_the_headers_say_nothing() {
        for peer in ["203.0.113.9", "192.0.2.8", "2001:db8:2::1"] {
            let lines = [("X-Forwarded-For", "198.51.100.1"), ("Forwarded", "for=198.51.100.1")];
            assert_eq!(client(peer, &lines), peer);
        }
        let none = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.1"));
        assert_eq!(none.client(PROXY.parse().unwrap(), &headers).to_string(), PROXY);
    }

    #[test]
    fn what_is_no_address_leaves_the_peer() {
        let long = "9".repeat(10_000);
        for value in [
            "",
            " ",
            ",",
            "203.0.113.5,",
            "unknown",
            "_hidden",
            "localhost",
            "203.0.113",
            "203.0.113.5.6",
            "203.0.113.05",
            "0x7f.1",
            "203.0.113.5:",
            "203.0.113.5:65536",
            "[2001:db8::5",
            "2001:db8::5]",
            "[203.0.113.5]",
            "fe80::1%eth0",
            "203.0.113.5; x",
            "203.0.113.5 198.51.100.1",
            "\"203.0.113.5\"",
            "198.51.100.1, unknown, 10.0.0.1",
            "\u{e9}",
            &long,
        ] {
            assert_eq!(x_forwarded_for(value), PROXY, "{value}");
        }
        for value in [
            "",
            "203.0.113.5",
            "for=",
            "for",
            "for=unknown",
            "for=_hidden",
            r#"for="_hidden:80""#,
            "proto=https",
            "for=203.0.113.5:80",
            "for=[2001:db8::5]",
            r#"for="2001:db8::5""#,
            r#"for="[2001:db8::5]x""#,
            r#"for="[2001:db8::5]:99999""#,
            r#"for="203.0.113.5"#,
            r#"for=203.0.113.5""#,
            "for=203.0.113.5;for=198.51.100.1",
            "for=203.0.113.5;",
            "for =203.0.113.5",
            "for=198.51.100.1, for=unknown",
            "for=198.51.100.1,",
            "\u{e9}",
            &format!("for={long}"),
            &format!("for=\"{long}\""),
        ] {
            assert_eq!(forwarded(value), PROXY, "{value}");
        }
    }

    #[test]
    fn two_headers_that_disagree_leave_the_peer() {
        let both = |one, other| client(PROXY, &[("Forwarded", one), ("X-Forwarded-For", other)]);
        assert_eq!(both("for=198.51.100.1", "203.0.113.5"), PROXY);
        assert_eq!(both("for=unknown", "203.0.113.5"), PROXY);
        assert_eq!(both("for=203.0.113.5", "198.51.100.1, 203.0.113.5"), "203.0.113.5");
    }

    #[test]
    fn a_network_that_is_none_is_named() {
        for wrong in ["", "10.0.0.0/33", "proxy.example", "10.0.0.0-10.0.0.9"] {
            let error = TrustedProxies::try_from(vec![wrong.to_owned()]).unwrap_err();
            assert!(error.contains(&format!("{wrong:?}")), "{error}");
        }
    }
}
