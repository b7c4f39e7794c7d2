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
        self.check_read(&current)?;
        if self.has(&current) { Err(ProvisioningError::PreconditionFailed { current }) } else { Ok(()) }
    }

    /// For a read: `If-Match` must name the tag (RFC 7232 §3.1).
    ///
    /// # Errors
    /// [`ProvisioningError::PreconditionFailed`].
    pub fn check_read(&self, tag: &str) -> Result<(), ProvisioningError> {
        let matched = self.if_match.as_deref().is_none_or(|list| names(list, tag));
        if matched { Ok(()) } else { Err(ProvisioningError::PreconditionFailed { current: tag.to_owned() }) }
    }

    /// For a read: whether the client already has this version.
    #[must_use]
    pub fn has_already(&self, version: i64) -> bool {
        // Most requests have no conditions, and a look-up then makes no tag for the comparison.
        self.if_none_match.is_some() && self.has(&etag(version))
    }

    /// Whether `If-None-Match` names every tag there can be.
    #[must_use]
    pub fn has_any(&self) -> bool {
        self.if_none_match.as_deref().is_some_and(is_any)
    }

    /// Whether `If-None-Match` names the tag.
    #[must_use]
    pub fn has(&self, tag: &str) -> bool {
        self.if_none_match.as_deref().is_some_and(|list| names(list, tag))
    }
}

/// Whether a list of entity tags, or `*`, names this one; `W/` makes no difference in a weak comparison.
fn names(list: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    is_any(list) || list.split(',').any(|tag| opaque(tag) == opaque(etag))
}

fn is_any(list: &str) -> bool {
    list.trim() == "*"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_compare_weakly_and_a_star_matches_any() {
        for list in ["W/\"3\"", "\"3\"", "\"1\", W/\"3\"", "W/\"1\",,\"3\" ,", "*", " * "] {
            assert!(names(list, "W/\"3\""), "{list}");
        }
        for list in ["W/\"4\"", "3", "", "W/\"33\"", "**", "\"*\"", "W/3", "\"3"] {
            assert!(!names(list, "W/\"3\""), "{list}");
        }
    }

    #[test]
    fn patch_on_stale_version_is_refused() {
        let conditions = Preconditions { if_match: Some("W/\"2\"".into()), if_none_match: None };
        assert!(conditions.check_write(2).is_ok());
        assert!(conditions.check_write(3).is_err());
    }

    #[test]
    fn a_write_is_barred_by_a_tag_that_must_not_match_and_a_read_only_by_one_that_must() {
        let unless = |list: &str| Preconditions { if_match: None, if_none_match: Some(list.to_owned()) };
        for list in ["*", "W/\"2\"", "\"2\""] {
            assert!(unless(list).check_write(2).is_err(), "{list}");
            assert!(unless(list).check_read("W/\"2\"").is_ok() && unless(list).has_already(2), "{list}");
        }
        assert!(unless("W/\"1\"").check_write(2).is_ok() && !unless("W/\"1\"").has_already(2));
        let only = |list: &str| Preconditions { if_match: Some(list.to_owned()), if_none_match: None };
        assert!(only("W/\"1\"").check_read("W/\"2\"").is_err() && only("*").check_read("W/\"2\"").is_ok());
    }
}
