//! How large one resource may be.

/// Most elements of one multi-valued attribute; a person has a handful of addresses.
pub const MAX_ELEMENTS: usize = 2_000;
/// Most members in one request: a push of a whole group by Okta or Keycloak.
pub const MAX_MEMBERS: usize = 100_000;
/// Longest string value, in bytes: a picture belongs behind a URI.
pub const MAX_STRING: usize = 64 * 1024;
/// Longest `userName`, `externalId` and group `displayName`, in characters: unique indexes hold these. Also the longest
/// text of a member, because a group has many.
pub const MAX_KEY: usize = 1_024;
/// Longest resource without its members, in bytes: a page may hold a thousand of them, and a filter or a PATCH looks
/// into them. A person with every attribute and a dozen certificates has 50 KiB.
pub const MAX_RESOURCE: usize = 1 << 20;

/// Whether a text of a member is too long: every response with the group repeats the texts of up to a hundred thousand
/// members.
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > MAX_KEY && text.chars().count() > MAX_KEY
}
