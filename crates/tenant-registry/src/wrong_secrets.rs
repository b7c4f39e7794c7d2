//! How often a credential was not accepted.

/// Requests that had a credential's key id and were not accepted, since it was last accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WrongSecrets {
    /// How many.
    pub number: i64,
    /// The first one and the last one.
    pub since_ms: i64,
    /// The last one.
    pub last_ms: i64,
}
