//! Request ids: what an answer, a log line and a row of the log have in common.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use actix_web::HttpRequest;
use tenant_registry::TenantId;
use uuid::Uuid;

/// A new id, time-ordered.
pub(crate) fn new() -> String {
    Uuid::now_v7().simple().to_string()
}

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
    let value = headers.get("client-request-id").or_else(|| headers.get("x-request-id"))?;
    let printable = value.as_bytes().iter().filter(|byte| (0x20..0x7f).contains(*byte));
    let id: String = printable.take(LONGEST).map(|byte| char::from(*byte)).collect();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
