//! Where a request's path points: `/{region}/{company_key}/scim/v2/…` on a shared host, `/{company_key}/scim/v2/…` on a
//! region's own host. Doubled slashes and a slash at the end do no harm; percent-encoding is decoded once.

/// A path, split. What callers sent is only ever compared, never used as a name (attack 7).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As sent; `None` where the host tells it.
    pub(super) region: Option<String>,
    /// As sent, without blanks at the ends (MC7).
    pub(super) company_key: String,
    /// What follows `scim/v2`.
    pub(super) rest: Vec<String>,
}

impl Target {
    /// `None` when the path is not of either form.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let segments: Vec<String> =
            path.split('/').filter(|s| !s.is_empty()).map(decode).collect::<Option<_>>()?;
        let words: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (region, key, rest) = match words.as_slice() {
            [key, "scim", "v2", rest @ ..] => (None, key, rest),
            [region, key, "scim", "v2", rest @ ..] => (Some((*region).to_owned()), key, rest),
            _ => return None,
        };
        Some(Self {
            region,
            company_key: key.trim().to_owned(),
            rest: rest.iter().map(|s| (*s).to_owned()).collect(),
        })
    }
}

/// Percent-decoding, once; `None` for what is not UTF-8 then.
fn decode(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' { hex(rest.next()?)? * 16 + hex(rest.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Option<(Option<String>, String, Vec<String>)> {
        Target::parse(path).map(|t| (t.region, t.company_key, t.rest))
    }

    #[test]
    fn me6_both_forms_with_doubled_slashes_and_a_slash_at_the_end() {
        let shared = Some((Some("ire".into()), "acme".into(), vec!["Users".to_owned()]));
        for path in
            ["/ire/acme/scim/v2/Users", "//ire/acme//scim/v2//Users/", "/ire/%20acme%20/scim/v2/Users"]
        {
            assert_eq!(parsed(path), shared, "{path}");
        }
        assert_eq!(
            parsed("/acme/scim/v2/Users/1"),
            Some((None, "acme".into(), vec!["Users".into(), "1".into()]))
        );
        assert_eq!(parsed("/acme/scim/v2"), Some((None, "acme".into(), vec![])));
    }

    #[test]
    fn percent_encoding_is_decoded_once() {
        assert_eq!(
            parsed("/acme/scim/v2/Users/a%252Fb").map(|t| t.2),
            Some(vec!["Users".into(), "a%2Fb".into()])
        );
        assert_eq!(parsed("/acme/scim/v2/Users/%2F").map(|t| t.2), Some(vec!["Users".into(), "/".into()]));
    }

    #[test]
    fn other_paths_are_no_targets() {
        for path in [
            "/",
            "/scim/v2",
            "/a/b/c/scim/v2/Users",
            "/ire/acme/scim/v1/Users",
            "/%ff/scim/v2/Users",
            "/%/scim/v2",
        ] {
            assert_eq!(parsed(path), None, "{path}");
        }
    }
}
