//! Who sent a write.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The identity provider that a write is taken to come from. It is recognised by its traffic and never trusted.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
#[allow(missing_docs, reason = "the names of products")]
pub enum Idp {
    Okta,
    Entra,
    OneLogin,
    JumpCloud,
    Ping,
    Google,
    Authentik,
    /// Another one, or one that shows no sign.
    #[default]
    Other,
    /// Staff, through the admin API or the command line.
    Staff,
}

impl Idp {
    /// Every one.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// Who sent a write, as far as the request tells.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// The identity provider.
    pub idp: Idp,
    /// The id that the sender gave to the request (ME20): printable ASCII.
    pub client_request_id: Option<String>,
}

impl Sender {
    /// Staff, with the id that the caller of the admin API gave to the request.
    #[must_use]
    pub fn of_staff(client_request_id: Option<String>) -> Self {
        Self { idp: Idp::Staff, client_request_id }
    }
}
