//! Where a request's path points: `/{region}/{company_key}/scim/v2/…` on a shared host, `/{company_key}/scim/v2/…` on a
//! region's own host, either with the path of its base URL in front where a proxy passes that on. Doubled slashes and a slash
//! at the end do no harm; percent-encoding is decoded once.

use percent_encoding::percent_decode_str;

/// A path, split. What callers sent is only ever compared, never used as a name (attack 7).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// What stands before the company key, as sent: the region, unless the host tells it, perhaps behind a prefix.
    pub(super) before_key: Vec<String>,
    /// As sent, without blanks at the ends (MC7).
    pub(super) company_key: String,
    /// What follows `scim/v2`.
    pub(super) rest: Vec<String>,
}

impl Target {
    /// `None` when `scim/v2` is nowhere in the path. What stands before it may be anything: a region and a key that no tenant
    /// has are refused like any other, with a 401 (attack 7).
    pub(super) fn parse(path: &str) -> Option<Self> {
        let mut segments: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(decode).collect();
        let at = segments.windows(2).position(|pair| pair == ["scim", "v2"])?;
        let rest = segments.split_off(at + 2);
        segments.truncate(at);
        let key = segments.pop()?;
        Some(Self { before_key: segments, company_key: key.trim().to_owned(), rest })
    }
}

/// Percent-decoding, once. What is malformed stays as it is, and what is no UTF-8 becomes a text that equals no name.
fn decode(segment: &str) -> String {
    // Most are short words and ids, with nothing to decode.
    if !segment.contains('%') {
        return segment.to_owned();
    }
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Option<(String, String, Vec<String>)> {
        Target::parse(path).map(|t| (t.before_key.join("/"), t.company_key, t.rest))
    }

    #[test]
    fn me6_both_forms_with_doubled_slashes_and_a_slash_at_the_end() {
        let shared = Some(("ire".into(), "acme".into(), vec!["Users".to_owned()]));
        for path in
            ["/ire/acme/scim/v2/Users", "//ire/acme//scim/v2//Users/", "/ire/%20acme%20/scim/v2/Users"]
        {
            assert_eq!(parsed(path), shared, "{path}");
        }
        assert_eq!(
            parsed("/acme/scim/v2/Users/1"),
            Some(("".into(), "acme".into(), vec!["Users".into(), "1".into()]))
        );
        assert_eq!(parsed("/acme/scim/v2"), Some(("".into(), "acme".into(), vec![])));
        assert_eq!(parsed("/x/y/ire/acme/scim/v2").unwrap().0, "x/y/ire");
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
        for path in ["/", "/scim/v2", "/ire/acme/scim/v1/Users", "/Users"] {
            assert_eq!(parsed(path), None, "{path}");
        }
    }

    #[test]
    fn attack_7_what_is_no_company_key_is_a_target_that_no_tenant_has() {
        assert_eq!(parsed("/a/../b/scim/v2").unwrap().0, "a/..");
        for path in ["/ire/%ff/scim/v2", "/ire/%/scim/v2", "/ire/..%2f..%2fetc/scim/v2", "/ire/%00/scim/v2"] {
            let (_, key, _) = parsed(path).unwrap();
            assert!(tenant_registry::CompanyKey::new(&key).is_err(), "{path}");
        }
    }
}
