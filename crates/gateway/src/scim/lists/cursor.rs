//! Cursors (RFC 9865 §2): a position and a direction, signed, so that a client cannot make or change one, or use it for another
//! query or another tenant. The reasons for keeping the key in the tenant's store: docs/decisions/0027-sorted-lists-and-cursors.md.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use directory::search::{Position, Side};
use hmac::{Hmac, Mac};
use scim_core::{ScimError, ScimType};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Longest cursor that is read, in bytes: a key of 576 bytes, each escaped, in base64.
const MAX_BYTES: usize = 8 * 1024;

/// Length of the signature, in bytes.
const SIGNATURE: usize = 32;

/// Where a list continues.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::scim) struct Continuation {
    pub(super) side: Side,
    /// `None`: at the beginning, or backwards from the end.
    pub(super) position: Option<Position>,
    /// The number of matches, if counting them for each page is expensive.
    pub(super) total: Option<u64>,
}

impl Continuation {
    /// The first page.
    pub(super) fn first() -> Self {
        Self { side: Side::After, position: None, total: None }
    }
}

/// The signed content of a cursor.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// Towards the beginning of the list.
    #[serde(default, rename = "b", skip_serializing_if = "std::ops::Not::not")]
    back: bool,
    #[serde(default, rename = "p", skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    #[serde(default, rename = "t", skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    /// When the cursor was issued, in milliseconds since 1970 UTC.
    #[serde(rename = "a")]
    at_ms: i64,
}

/// Signs and checks the cursors of one query of one tenant.
pub(in crate::scim) struct Signer {
    keyed: Hmac<Sha256>,
    timeout: Duration,
}

impl Signer {
    /// `secret` is the tenant's; `query` is the part of the request that must be the same for each page.
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104 §2)")]
    pub(super) fn new(secret: &str, query: &str, timeout: Duration) -> Self {
        let mut keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
        // The signed text begins with its purpose, so that no other use of the secret can pass as a cursor.
        keyed.update(b"usher cursor 1");
        keyed.update(&Sha256::digest(query.as_bytes()));
        Self { keyed, timeout }
    }

    /// The cursor for a continuation.
    pub(super) fn write(&self, continuation: &Continuation, now_ms: i64) -> String {
        let payload = Payload {
            back: continuation.side == Side::Before,
            position: continuation.position.clone(),
            total: continuation.total,
            at_ms: now_ms,
        };
        // Plain structs with string keys always serialise.
        let payload = serde_json::to_vec(&payload).unwrap_or_default();
        let mut signed = self.keyed.clone().chain_update(&payload).finalize().into_bytes().to_vec();
        signed.extend_from_slice(&payload);
        URL_SAFE_NO_PAD.encode(signed)
    }

    /// The continuation in a cursor of this query.
    ///
    /// # Errors
    /// 400 `invalidCursor` for each cursor that was not issued for this query; 400 `expiredCursor` (RFC 9865 §2.1).
    pub(super) fn read(&self, cursor: &str, now_ms: i64) -> Result<Continuation, ScimError> {
        let Payload { back, position, total, at_ms } = self.genuine(cursor).ok_or_else(|| {
            ScimError::bad_request(
                ScimType::InvalidCursor,
                "This query was given no such cursor; keep filter, sortBy and sortOrder from page to page, or begin \
                 again with an empty cursor.",
            )
        })?;
        // Both directions: the clock of another process may be behind, and a cursor from a wrong future must expire too.
        if u128::from(now_ms.abs_diff(at_ms)) > self.timeout.as_millis() {
            let seconds = self.timeout.as_secs();
            return Err(ScimError::bad_request(
                ScimType::ExpiredCursor,
                format!("The cursor is older than {seconds} seconds; begin again with an empty cursor."),
            ));
        }
        Ok(Continuation { side: if back { Side::Before } else { Side::After }, position, total })
    }

    fn genuine(&self, cursor: &str) -> Option<Payload> {
        let signed = URL_SAFE_NO_PAD.decode(Some(cursor).filter(|cursor| cursor.len() <= MAX_BYTES)?).ok()?;
        let (signature, payload) = signed.split_at_checked(SIGNATURE)?;
        self.keyed.clone().chain_update(payload).verify_slice(signature).ok()?;
        serde_json::from_slice(payload).ok()
    }
}

#[cfg(test)]
mod tests {
    use scim_core::{filter::Instant, sort::SortKey};

    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    fn signer(secret: &str, query: &str) -> Signer {
        Signer::new(secret, query, Duration::from_secs(60))
    }

    fn continuation() -> Continuation {
        let key = Some(SortKey::Text("o'neil \"x\" \u{1f600}\n".into()));
        Continuation { side: Side::After, position: Some(Position { key, id: "0190".into() }), total: None }
    }

    fn keyword(read: Result<Continuation, ScimError>) -> Option<&'static str> {
        read.err().and_then(|error| error.scim_type).map(ScimType::keyword)
    }

    #[test]
    fn every_step_comes_back_as_it_went() {
        let signer = signer("secret", "query");
        let keys = [
            None,
            continuation().position.unwrap().key,
            Some(SortKey::Boolean(true)),
            Some(SortKey::Instant(Instant::from_millis(-1))),
            Some(SortKey::Text(String::new())),
        ];
        for key in keys {
            for (side, total) in [(Side::After, None), (Side::Before, Some(u64::MAX))] {
                let position = Some(Position { key: key.clone(), id: "0190".into() });
                let sent = Continuation { side, position, total };
                assert_eq!(signer.read(&signer.write(&sent, NOW), NOW), Ok(sent));
            }
        }
        let from_the_end = Continuation { side: Side::Before, position: None, total: None };
        assert_eq!(signer.read(&signer.write(&from_the_end, NOW), NOW), Ok(from_the_end));
    }

    #[test]
    fn rfc_9865_a_cursor_is_of_unreserved_characters() {
        let cursor = signer("secret", "query").write(&continuation(), NOW);
        assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)), "{cursor}");
    }

    #[test]
    fn a_changed_cursor_and_one_of_another_query_or_tenant_are_none() {
        let own = signer("secret", "query");
        let cursor = own.write(&continuation(), NOW);
        for other in [signer("secret", "query2"), signer("secret2", "query"), signer("", "")] {
            assert_eq!(keyword(other.read(&cursor, NOW)), Some("invalidCursor"));
        }
        for at in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            // The last character holds bits that mean nothing; such a text is refused as well.
            assert_eq!(keyword(own.read(&changed, NOW)), Some("invalidCursor"), "at {at}");
            assert_eq!(keyword(own.read(&cursor[..at], NOW)), Some("invalidCursor"), "to {at}");
        }
        let long = "A".repeat(100_000);
        for nonsense in [
            "",
            "x",
            " ",
            "AAAA",
            "=",
            "\u{0}",
            "' OR 1=1",
            &long,
            &format!("{cursor}A"),
            &format!("{cursor}="),
        ] {
            assert_eq!(keyword(own.read(nonsense, NOW)), Some("invalidCursor"), "{nonsense:.40}");
        }
    }

    #[test]
    fn a_cursor_is_good_until_its_time_is_over() {
        let signer = signer("secret", "query");
        let cursor = signer.write(&continuation(), NOW);
        assert!(signer.read(&cursor, NOW + 60_000).is_ok());
        assert_eq!(keyword(signer.read(&cursor, NOW + 60_001)), Some("expiredCursor"));
        // The clock of another process may be behind; it may not have been in another year.
        assert!(signer.read(&cursor, NOW - 5_000).is_ok());
        assert_eq!(keyword(signer.read(&cursor, NOW - 60_001)), Some("expiredCursor"));
        // Who signs nothing learns nothing from the time.
        assert_eq!(keyword(self::signer("other", "query").read(&cursor, i64::MAX)), Some("invalidCursor"));
    }

    #[test]
    fn the_longest_key_has_a_cursor_that_is_read() {
        let signer = signer("secret", "query");
        let key = Some(SortKey::Text("\u{1}".repeat(576)));
        let sent = Continuation {
            side: Side::After,
            position: Some(Position { key, id: "x".repeat(36) }),
            total: Some(1),
        };
        assert_eq!(signer.read(&signer.write(&sent, NOW), NOW), Ok(sent));
    }
}
