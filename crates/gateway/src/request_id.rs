//! Request ids: what an answer, a log line and a row of the log have in common. A trusted proxy may give a request its id, so that one id
//! leads from its log to ours.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use actix_web::{HttpRequest, http::header::HeaderMap};
use quick_cache::sync::Cache;
use tenant_registry::TenantId;
use uuid::Uuid;

/// A new id, time-ordered.
pub(crate) fn new() -> String {
    Uuid::now_v7().simple().to_string()
}

/// The id that a proxy gave, or a new one.
pub(crate) fn or_new(taken: Option<String>) -> String {
    match taken {
        Some(id) => id,
        None => new(),
    }
}

/// How long an id of a proxy may be.
const SHORTEST_TAKEN: usize = 8;
const LONGEST_TAKEN: usize = 64;

/// The id that a trusted proxy has given to a request in `X-Request-Id`: 8 to 64 letters, digits, `-` and `_`, so that it can stand in a sentence,
/// a URL and a log line. The caller has checked that the peer is such a proxy.
pub(crate) fn of_proxy(headers: &HeaderMap) -> Option<String> {
    let mut sent = headers.get_all("x-request-id");
    let (id, None) = (sent.next()?.to_str().ok()?, sent.next()) else { return None };
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_formed = (SHORTEST_TAKEN..=LONGEST_TAKEN).contains(&id.len()) && id.bytes().all(is_known);
    is_formed.then(|| id.to_owned())
}

/// Ids of proxies under which writes were refused, and what the ids of their tenants begin with: such an id does not lead to a tenant by
/// itself, as one of ours does.
pub(crate) struct TakenIds(Cache<String, String>);

impl Default for TakenIds {
    fn default() -> Self {
        /// Refusals that a page can still be asked for, some 200 bytes each.
        const REMEMBERED: usize = 10_000;
        Self(Cache::new(REMEMBERED))
    }
}

impl TakenIds {
    /// Remembers whose request it was.
    pub(crate) fn note(&self, request_id: &str, tenant: &TenantId) {
        if let Some(beginning) = tenant.as_str().get(..BEGINNING) {
            self.0.insert(request_id.to_owned(), beginning.to_owned());
        }
    }

    /// What the id of the tenant begins with.
    pub(crate) fn beginning_of_tenant(&self, request_id: &str) -> Option<String> {
        self.0.get(request_id)
    }
}

/// Characters of a tenant's id, with its hyphens, that its request ids have.
const BEGINNING: usize = OF_TENANT + 2;

/// Hexadecimal digits at the end of a tenant's request ids: those that its own id begins with.
const OF_TENANT: usize = 12;

/// What tells the request ids of one millisecond and one tenant apart.
static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(rand::random()));

/// An id of a tenant's request. It is a UUIDv7 like [`new`], and ends with the beginning of the tenant's id, so that whoever holds no more
/// than the Ref of a refusal is led to the tenant ([`beginning_of_tenant`]). The other random bits are counted, from a random one on.
pub(crate) fn of_tenant(tenant: &TenantId) -> String {
    let made = Uuid::now_v7().simple().to_string();
    let (time, _) = made.split_at_checked(12).unwrap_or_default();
    let digits = tenant.as_str().chars().filter(|c| *c != '-').take(OF_TENANT);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    // 12 bits behind the version, 14 behind the variant.
    let (high, low) = ((next >> 14) & 0xfff, 0x8000 | (next & 0x3fff));
    format!("{time}7{high:03x}{low:04x}{}", digits.collect::<String>())
}

/// What the id of a tenant begins with of which this is a request id.
pub(crate) fn beginning_of_tenant(request_id: &str) -> Option<String> {
    let is_id = request_id.len() == 32 && request_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = request_id.get(32 - OF_TENANT..).filter(|_| is_id)?.to_ascii_lowercase();
    let (first, second) = digits.split_at_checked(8)?;
    Some(format!("{first}-{second}-"))
}

/// Characters of a client's own id that are kept.
const LONGEST: usize = 128;

/// The id that a client gave to its request, by which its own log has it (ME20): printable ASCII, the rest is dropped.
pub(crate) fn of_client(request: &HttpRequest) -> Option<String> {
    let headers = request.headers();
    let in_header = |name: &str| {
        let printable = headers.get(name)?.as_bytes().iter().filter(|byte| (0x20..0x7f).contains(*byte));
        let id: String = printable.take(LONGEST).map(|byte| char::from(*byte)).collect();
        (!id.is_empty()).then_some(id)
    };
    in_header("client-request-id").or_else(|| in_header("x-request-id"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_of_a_proxy_is_taken_if_it_has_its_form_and_is_the_only_one() {
        let with = |ids: &[&str]| {
            let mut headers = HeaderMap::new();
            for id in ids {
                headers.append("x-request-id".parse().unwrap(), id.parse().unwrap());
            }
            of_proxy(&headers)
        };
        for id in [
            "8f2c1a36-5b0e-4f2a-9a3c-0f8f4be1a001",
            "abcdefgh",
            "0af7651916cd43dd8448eb211c80319c",
            &"x".repeat(64),
        ] {
            assert_eq!(with(&[id]).as_deref(), Some(id));
        }
        for wrong in [
            "",
            "short",
            &"x".repeat(65),
            "ada@example.com",
            "with blank",
            "quote\"quote",
            "../../etc",
            "Root=1-67891233",
        ] {
            assert_eq!(with(&[wrong]), None, "{wrong}");
        }
        assert_eq!((with(&[]), with(&["abcdefgh", "abcdefgh"])), (None, None));
    }

    #[test]
    fn a_taken_id_leads_to_its_tenant_as_one_of_ours_does() {
        let tenant = TenantId::new("01a22723-c7b1-7259-bec7-30fab19e39c1").unwrap();
        let taken = TakenIds::default();
        taken.note("of-a-proxy", &tenant);
        let ours = beginning_of_tenant(&of_tenant(&tenant));
        assert_eq!(
            (taken.beginning_of_tenant("of-a-proxy"), taken.beginning_of_tenant("another")),
            (ours, None)
        );
    }

    #[test]
    fn ids_of_a_tenants_requests_are_uuids_of_their_own_and_lead_to_the_tenant() {
        let tenant = TenantId::new("01a22723-c7b1-7259-bec7-30fab19e39c1").unwrap();
        let ids: BTreeSet<String> = (0..100_000).map(|_| of_tenant(&tenant)).collect();
        assert_eq!(ids.len(), 100_000);
        let (first, last) = (ids.first().unwrap(), ids.last().unwrap());
        for id in [first, last] {
            let id = Uuid::try_parse(id).unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        }
        assert_eq!(beginning_of_tenant(first).as_deref(), Some("01a22723-c7b1-"));
        for none in ["", "x", "01a2", &"z".repeat(32), &first[..31], &format!("{first}0")] {
            assert_eq!(beginning_of_tenant(none), None);
        }
    }
}
