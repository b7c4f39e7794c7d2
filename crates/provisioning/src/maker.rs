//! A person for whom a credential was made (MO10).

use scim_core::fold::fold;

/// A person for whom a live credential was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    /// The userName, folded.
    pub(crate) name: String,
    pub(crate) key_id: String,
    expires_ms: Option<i64>,
}

impl Maker {
    /// The person of this userName, with the credential.
    #[must_use]
    pub fn new(user_name: &str, key_id: &str, expires_ms: Option<i64>) -> Self {
        Self { name: fold(user_name).into_owned(), key_id: key_id.to_owned(), expires_ms }
    }

    /// Whether the credential has not expired.
    pub(crate) fn is_live(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|end| now_ms < end)
    }

    /// Whether it is the person of this userName, and the credential has not expired.
    pub(crate) fn is(&self, user_name: &str, now_ms: i64) -> bool {
        self.name == fold(user_name) && self.is_live(now_ms)
    }
}
