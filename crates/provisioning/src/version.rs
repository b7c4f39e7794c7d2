//! Entity tags (RFC 7644 §3.14, RFC 7232): weak, equal to `meta.version`, compared weakly.

use crate::ProvisioningError;

/// The entity tag of a version.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The conditions of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// `If-Match`, as sent.
    pub if_match: Option<String>,
    /// `If-None-Match`, as sent.
    pub if_none_match: Option<String>,
}

impl Preconditions {
    /// For a write: `If-Match` must name the version, `If-None-Match` must not.
    ///
    /// # Errors
    /// [`ProvisioningError::PreconditionFailed`].
    pub(crate) fn check_write(&self, version: i64) -> Result<(), ProvisioningError> {
        let current = etag(version);
        let matched = self.if_match.as_deref().is_none_or(|list| names(list, &current));
        let barred = self.if_none_match.as_deref().is_some_and(|list| names(list, &current));
        if matched && !barred { Ok(()) } else { Err(ProvisioningError::PreconditionFailed { current }) }
    }

    /// For a read: whether the client already has this version.
    #[must_use]
    pub fn has_already(&self, version: i64) -> bool {
        self.if_none_match.as_deref().is_some_and(|list| names(list, &etag(version)))
    }
}

/// Whether a list of entity tags, or `*`, names this one; `W/` makes no difference in a weak comparison.
fn names(list: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    list.trim() == "*" || list.split(',').any(|tag| opaque(tag) == opaque(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_compare_weakly_and_a_star_matches_any() {
        for list in ["W/\"3\"", "\"3\"", "\"1\", W/\"3\"", "*", " * "] {
            assert!(names(list, "W/\"3\""), "{list}");
        }
        for list in ["W/\"4\"", "3", "", "W/\"33\""] {
            assert!(!names(list, "W/\"3\""), "{list}");
        }
    }

    #[test]
    fn patch_on_stale_version_is_refused() {
        let conditions = Preconditions { if_match: Some("W/\"2\"".into()), if_none_match: None };
        assert!(conditions.check_write(2).is_ok());
        assert!(conditions.check_write(3).is_err());
    }
}
