//! Who acts, as the registry records it.

use provisioning::Act;
use tenant_registry::By;

/// An act as the registry records it.
#[must_use]
pub fn by(act: &Act) -> By {
    By { actor: act.actor.clone(), request_id: act.request_id.clone() }
}
