//! The person in a write, as far as its body was read. The log's row of a refused write tells it too (MO12, MO17).

use profiles::Received;
use scim_core::{ResourceKind, bulk::Method, fold::user_name_key, resource::MAX_KEY};
use serde_json::Value;

use crate::product::Product;

/// The person in a write; nothing of a write of anything else.
#[derive(Clone, Debug, Default)]
pub struct SentPerson {
    /// The userName, where the person was to be made.
    pub user_name: Option<String>,
    /// What the write carries of the person's role; `None` where that was not read, and of a deletion.
    pub role_received: Option<Received>,
}

impl SentPerson {
    /// What a body tells before it is judged.
    pub(crate) fn of(product: &Product, kind: ResourceKind, method: Method, body: &Value) -> Self {
        if kind != ResourceKind::User {
            return Self::default();
        }
        let is_without_role = match method {
            Method::Post | Method::Put => product.carried(|name| is_in(body, name)).is_nothing(),
            Method::Patch | Method::Delete => false,
        };
        Self {
            user_name: if method == Method::Post { user_name(body) } else { None },
            role_received: is_without_role.then_some(Received::Absent),
        }
    }
}

/// The userName in the body of a creation; `None` of one that nobody can have.
#[must_use]
pub fn user_name(body: &Value) -> Option<String> {
    let (_, name) = body.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case("userName"))?;
    let name = name.as_str().filter(|name| name.chars().nth(MAX_KEY).is_none())?;
    (!user_name_key(name).is_empty()).then(|| name.to_owned())
}

/// Whether a body has this attribute, given by its full name, with or without a value.
pub(crate) fn is_in(body: &Value, name: &str) -> bool {
    body.as_object().is_some_and(|body| {
        body.iter().any(|(key, value)| match name.rsplit_once(':') {
            Some((urn, attribute)) if key.eq_ignore_ascii_case(urn) => is_in(value, attribute),
            _ => key.eq_ignore_ascii_case(name),
        })
    })
}
