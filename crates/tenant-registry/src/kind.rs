//! The kinds of credentials.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// How a caller proves who it is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CredentialKind {
    /// A token in the `Authorization` header.
    #[default]
    Bearer,
    /// A key and a secret by HTTP Basic (CX17).
    Basic,
    /// A client's secret, for access tokens (RFC 6749 §4.4).
    Oauth,
    /// Another issuer whose signed tokens are trusted.
    Issuer,
}

impl CredentialKind {
    /// The word, as it is stored and shown.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.into()
    }
}
