//! How clients reach the shared host, or a region's own: scheme, host, and an optional path.

use std::fmt;

/// `https://scim.example.com`, `https://example.com/provisioning`; without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
    /// Without the port that its scheme implies.
    authority: String,
    default_port: &'static str,
    /// The segments of the path.
    prefix: Vec<String>,
}

impl BaseUrl {
    /// Reads a setting; an error is the rest of a sentence that begins with the key.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let form = "must be http(s)://host[:port][/path]";
        let text = text.trim().trim_end_matches('/');
        let (rest, default_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (rest, ":443"),
            (None, Some(rest)) => (rest, ":80"),
            (None, None) => return Err(form),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.is_empty() || authority.contains(['?', '#', '@', ' ', '\\']) {
            return Err(form);
        }
        let prefix: Vec<String> =
            if path.is_empty() { Vec::new() } else { path.split('/').map(str::to_owned).collect() };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if prefix.iter().any(|segment| segment.trim_matches('.').is_empty() || !segment.chars().all(plain)) {
            return Err("must have a path of letters, digits, - . _ and ~ between single slashes");
        }
        // `/scim/v2` in a path is always followed by a tenant's endpoint.
        if prefix.windows(2).any(|pair| pair == ["scim", "v2"]) {
            return Err("must end before /scim/v2, which every tenant's base URL has behind its company key");
        }
        if prefix.first().is_some_and(|first| first == "admin") {
            return Err("must not have a path below /admin, where the admin API is");
        }
        let authority = without(authority, default_port).to_owned();
        Ok(Self { text: text.to_owned(), authority, default_port, prefix })
    }

    /// Reads a setting that may be blank.
    pub(crate) fn optional(text: &str) -> Result<Option<Self>, &'static str> {
        Some(text).filter(|text| !text.trim().is_empty()).map(Self::parse).transpose()
    }

    /// Whether a `Host` header names this host: in any letter case, with the scheme's default port or without it
    /// (RFC 9110 §4.2.3).
    pub(crate) fn is_host(&self, host: &str) -> bool {
        without(host.trim(), self.default_port).eq_ignore_ascii_case(&self.authority)
    }

    /// The segments of the path, which a proxy may pass on or take away.
    pub(crate) fn prefix(&self) -> &[String] {
        &self.prefix
    }
}

fn without<'t>(authority: &'t str, port: &str) -> &'t str {
    authority.strip_suffix(port).unwrap_or(authority)
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_with_the_default_port_of_its_scheme_is_the_same_host() {
        for (url, host, same) in [
            ("https://uk.scim.example.com", "uk.scim.example.com", true),
            ("https://uk.scim.example.com", "UK.SCIM.example.com:443", true),
            ("https://uk.scim.example.com:443", "uk.scim.example.com", true),
            ("https://uk.scim.example.com", "uk.scim.example.com:80", false),
            ("https://uk.scim.example.com", "uk.scim.example.com:8443", false),
            ("https://uk.scim.example.com:8443/x", "uk.scim.example.com:8443", true),
            ("http://uk.scim.example.com", "uk.scim.example.com:80", true),
            ("http://[::1]:80", "[::1]", true),
            ("https://uk.scim.example.com", "uk.scim.example.com.evil", false),
            ("https://uk.scim.example.com", "", false),
        ] {
            assert_eq!(BaseUrl::parse(url).unwrap().is_host(host), same, "{url} {host}");
        }
    }

    #[test]
    fn a_path_is_kept_without_a_slash_at_its_end() {
        let url = BaseUrl::parse(" https://example.com/provisioning/eu/ ").unwrap();
        assert_eq!(url.to_string(), "https://example.com/provisioning/eu");
        assert_eq!(url.prefix(), ["provisioning", "eu"]);
        assert!(BaseUrl::parse("https://example.com/").unwrap().prefix().is_empty());
    }

    #[test]
    fn what_is_no_base_is_refused() {
        for text in [
            "example.com",
            "ftp://example.com",
            "https://",
            "https:///x",
            "https://a b",
            "https://user@example.com",
            "https://example.com?x",
            "https://example.com/a?b",
            "https://example.com/a//b",
            "https://example.com/../b",
            "https://example.com/a%20b",
            "https://example.com/scim/v2",
            "https://example.com/x/scim/v2/y",
            "https://example.com/admin/v1",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
