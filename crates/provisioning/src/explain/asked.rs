//! A question about a person.

/// Who asks about a person, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// A userName, an e-mail address, an externalId, an id, or the ref of a refusal.
    pub user: &'a str,
    /// Whom the tenant's administrators should ask.
    pub contact: &'a str,
    /// The options of the command line that name the tenant: `--region ire --key acme`.
    pub target: &'a str,
}
