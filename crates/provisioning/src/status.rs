//! The statuses of success.

use scim_core::{ResourceKind, bulk::Method, leniency::Mode};

/// The status of a write that was carried out (RFC 7644 §3.3, §3.5, §3.6).
pub(crate) fn status_of(method: Method, kind: ResourceKind, mode: Mode, names_attributes: bool) -> u16 {
    match method {
        Method::Post => 201,
        Method::Delete => 204,
        Method::Patch if kind == ResourceKind::Group && !mode.is_strict() && !names_attributes => 204,
        Method::Put | Method::Patch => 200,
    }
}
