//! Whose text is read: one check depends on it.

/// Whose text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A file, for any tenant.
    File,
    /// A file with the overrides of one tenant, which may name its groups by their ids.
    Tenant,
}
