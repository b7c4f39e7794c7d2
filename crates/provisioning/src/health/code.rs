//! The codes of findings.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a tenant needs a hand for; the worst first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Code {
    /// A credential has been refused for a quarter of an hour, and was not accepted since.
    CredentialUnauthorized,
    /// An identity provider that called regularly does not call any more.
    Silent,
    /// The breaker on mass loss holds people.
    BreakerOpen,
    /// So many writes are refused that identity providers give the tenant up.
    NearQuarantine,
    /// People wait for seats.
    Waiting,
    /// Writes are refused because required attributes are missing.
    RequiredMissing,
    /// More seats are in use than there are.
    OverQuota,
    /// No seat of a license is free.
    SeatsFull,
    /// A change of a group waits, because it would take the seats of too many people.
    GroupWipeHeld,
    /// The identity provider looks people up and never creates one.
    CreatesNeverTried,
    /// The attribute that says the role was never sent.
    RoleNeverReceived,
    /// That attribute is sent when people are created and not when they change.
    RoleOnCreateOnly,
    /// Attributes are sent that no schema knows.
    UnknownAttribute,
    /// The role of a person changes again and again.
    RoleFlapping,
    /// Rows of the provisioning log were lost.
    LogLost,
    /// A credential ends within two weeks.
    CredentialExpiring,
    /// No identity provider has ever called.
    NeverCalled,
    /// A credential has outlived the person who made it, or for whom it was made.
    CredentialMakerLeft,
}

impl Code {
    /// Every code.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// One thing that a tenant needs a hand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// Since when, in milliseconds since 1970 UTC; `None` where only the first look at it can tell.
    pub since_ms: Option<i64>,
    /// It in words.
    pub sentence: String,
    /// What to do, one sentence each.
    pub steps: Vec<String>,
}
