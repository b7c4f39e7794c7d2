//! Names in a schema document: the schema's URN and the names of attributes. A valid name needs no escapes in paths,
//! filters, keys and URLs, and has one meaning.

/// Longest URN, in bytes: keys of indexes hold it.
pub(super) const MAX_URN: usize = 200;
/// Longest name of an attribute, in bytes.
const MAX_ATTRIBUTE: usize = 64;

/// Namespaces reserved for their owners, each with a part that is open to all: Microsoft tells its customers to name
/// custom extensions under the IETF's.
const RESERVED: [(&str, Option<&str>); 3] = [
    ("urn:ietf:", Some("urn:ietf:params:scim:schemas:extension:")),
    ("urn:usher:", None),
    ("urn:okta:scim:", None),
];

/// The common attributes of every resource (RFC 7643 §3.1): no schema gives them another meaning.
const COMMON: [&str; 4] = ["id", "externalId", "schemas", "meta"];

/// Whether it is `urn:<nid>:<nss>` of RFC 8141, of letters that a path and a filter take without escapes, and not too long.
#[must_use]
pub fn is_urn(urn: &str) -> bool {
    let mut parts = urn.split(':');
    urn.len() <= MAX_URN
        && parts.next().is_some_and(|urn| urn.eq_ignore_ascii_case("urn"))
        && parts.next().is_some_and(is_nid)
        && urn.split(':').count() > 2
        && urn.split(':').all(|part| !part.is_empty() && part.bytes().all(is_urn_byte))
}

/// A URN by which staff may name a schema.
pub(super) fn check_urn(urn: &str) -> Result<(), String> {
    let shown = shown(urn);
    if !is_urn(urn) {
        return Err(format!(
            "id {shown} must be a URN such as urn:example:hr:2.0:User, of letters, digits, \"-\", \"_\", \".\" and \":\", \
             at most {MAX_URN} characters."
        ));
    }
    let lower = urn.to_ascii_lowercase();
    let is_reserved = |(space, but): &(&str, Option<&str>)| {
        lower.starts_with(space) && !but.is_some_and(|but| lower.starts_with(but))
    };
    if RESERVED.iter().any(is_reserved) {
        return Err(format!("id {shown} is in a namespace that is not yours to name schemas in."));
    }
    Ok(())
}

fn is_nid(nid: &str) -> bool {
    (2..=32).contains(&nid.len())
        && !nid.starts_with('-')
        && !nid.ends_with('-')
        && nid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_urn_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

/// `ATTRNAME = ALPHA *(nameChar)` of RFC 7643 §2.1, so `__proto__` is none; `$ref` is a sub-attribute alone (§2.4).
pub(super) fn check_attribute(name: &str, is_sub: bool) -> Result<(), String> {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|first| first.is_ascii_alphabetic());
    let follows_grammar = begins && bytes.all(|b| b.is_ascii_alphanumeric() || b"$-_".contains(&b));
    let is_ref = is_sub && name == "$ref";
    if !(follows_grammar || is_ref) {
        return Err(
            "a name begins with a letter and goes on with letters, digits, \"-\", \"_\" and \"$\"".into()
        );
    }
    if name.len() > MAX_ATTRIBUTE {
        return Err(format!("a name has at most {MAX_ATTRIBUTE} characters"));
    }
    if name.eq_ignore_ascii_case("password") {
        return Err("a secret is never kept here; every user has a password that is taken and dropped".into());
    }
    if !is_sub && COMMON.iter().any(|common| common.eq_ignore_ascii_case(name)) {
        return Err("every resource has a common attribute of this name".into());
    }
    Ok(())
}

/// As [`check_attribute`], of an attribute at the top of a schema.
///
/// # Errors
/// What is wrong with the name, without a full stop.
pub fn check_attribute_name(name: &str) -> Result<(), String> {
    check_attribute(name, false)
}

/// A name from outside, cut and without what would break a line.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(MAX_ATTRIBUTE).map(|c| if c.is_control() { '?' } else { c }).collect()
}
