//! The one error of this crate and the body it becomes (RFC 7644 §3.12).

use serde_json::{Map, Value, json};
use strum::{IntoStaticStr, VariantArray};

use crate::urn;

/// The detail error keywords of RFC 7644 §3.12, table 9, those of RFC 9865 §2.1, and Usher's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "camelCase")]
pub enum ScimType {
    /// The filter is malformed or names what cannot be filtered.
    InvalidFilter,
    /// The request asks for more than the server is willing to compute.
    TooMany,
    /// An attribute that must be unique is taken.
    Uniqueness,
    /// The attribute is read-only or immutable.
    Mutability,
    /// The body is not what the request needs.
    InvalidSyntax,
    /// A PATCH path is malformed or names nothing.
    InvalidPath,
    /// A PATCH path matched no element.
    NoTarget,
    /// A value is missing or not of its attribute's type.
    InvalidValue,
    /// The cursor is none that this query was given (RFC 9865).
    InvalidCursor,
    /// The cursor was genuine and is too old (RFC 9865).
    ExpiredCursor,
    /// A page by cursor cannot be of this length (RFC 9865).
    InvalidCount,
    /// Usher's own: no seat of the license is left.
    SeatLimitReached,
    /// Usher's own: the profile protects this user.
    ProtectedUser,
    /// Usher's own: there would be no active admin.
    LastAdmin,
    /// Usher's own: staff have not activated provisioning for the tenant.
    ProvisioningNotActivated,
    /// Usher's own: the tenant's plan does not have provisioning.
    ProvisioningNotInPlan,
    /// Usher's own: staff have switched off what the request asks for.
    FeatureDisabled,
}

impl ScimType {
    /// Every keyword.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The keyword as it is written in an error body.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        self.into()
    }
}

/// The error that a SCIM client receives: a status, a keyword where RFC 7644 has one, and one line that says what to
/// change.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{status} {detail}")]
pub struct ScimError {
    /// The HTTP status.
    pub status: u16,
    /// The detail error keyword.
    pub scim_type: Option<ScimType>,
    /// The keyword that a profile has in its place.
    pub own_type: Option<Box<str>>,
    /// One line of plain ASCII, under 500 characters.
    pub detail: String,
    /// A further message schema and its object, beside the RFC's members.
    pub extension: Option<Box<(&'static str, Value)>>,
}

impl ScimError {
    /// Longest `detail` that is sent, in characters: Okta and Entra show it to an administrator as one line.
    pub const MAX_DETAIL: usize = 499;

    /// Characters that [`ScimError::with_reference`] adds: a list of sentences leaves room for them.
    pub const REFERENCE: usize = " Ref .".len() + 32;

    /// An error with a keyword; `detail` is made plain and short here, so that no caller can forget it.
    #[must_use]
    pub fn new(status: u16, scim_type: Option<ScimType>, detail: impl AsRef<str>) -> Self {
        Self { status, scim_type, own_type: None, detail: one_plain_line(detail.as_ref()), extension: None }
    }

    /// 400 with a keyword of RFC 7644 §3.12.
    #[must_use]
    pub fn bad_request(scim_type: ScimType, detail: impl AsRef<str>) -> Self {
        Self::new(400, Some(scim_type), detail)
    }

    /// 400 `invalidValue`.
    #[must_use]
    pub fn invalid_value(detail: impl AsRef<str>) -> Self {
        Self::bad_request(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`.
    #[must_use]
    pub fn invalid_syntax(detail: impl AsRef<str>) -> Self {
        Self::bad_request(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidPath`.
    #[must_use]
    pub fn invalid_path(detail: impl AsRef<str>) -> Self {
        Self::bad_request(ScimType::InvalidPath, detail)
    }

    /// 400 `invalidFilter`.
    #[must_use]
    pub fn invalid_filter(detail: impl AsRef<str>) -> Self {
        Self::bad_request(ScimType::InvalidFilter, detail)
    }

    /// 400 `mutability`.
    #[must_use]
    pub fn mutability(detail: impl AsRef<str>) -> Self {
        Self::bad_request(ScimType::Mutability, detail)
    }

    /// 404 for a resource that is not in this tenant.
    #[must_use]
    pub fn not_found(kind: &str) -> Self {
        Self::new(404, None, format!("No {kind} with this id."))
    }

    /// 413 that names the limit (RFC 7644 §3.7.4 and §3.12, table 8).
    #[must_use]
    pub fn too_many_operations(limit: usize) -> Self {
        let detail = format!(
            "The number of operations exceeds maxOperations ({limit}); send the rest in a further request."
        );
        Self::new(413, None, detail)
    }

    /// The `scimType` of the response.
    #[must_use]
    pub fn keyword(&self) -> Option<&str> {
        self.own_type.as_deref().or(self.scim_type.map(ScimType::keyword))
    }

    /// The same with what support finds the request by at the end of its detail, of which it takes the last characters if need be.
    #[must_use]
    pub fn with_reference(mut self, request_id: &str) -> Self {
        let reference = format!("Ref {request_id}.");
        if !self.detail.ends_with(&reference) {
            self.detail = self.detail.chars().take(Self::MAX_DETAIL - reference.len() - 1).collect();
            self.detail.push(' ');
            self.detail.push_str(&reference);
        }
        self
    }

    /// The body of RFC 7644 §3.12: `status` is a string there.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = Map::new();
        let schemas = match &self.extension {
            Some(extension) => json!([urn::ERROR, extension.0]),
            None => json!([urn::ERROR]),
        };
        body.insert("schemas".into(), schemas);
        body.insert("status".into(), self.status.to_string().into());
        if let Some(keyword) = self.keyword() {
            body.insert("scimType".into(), keyword.into());
        }
        body.insert("detail".into(), self.detail.clone().into());
        if let Some((urn, value)) = self.extension.as_deref() {
            body.insert((*urn).into(), value.clone());
        }
        Value::Object(body)
    }
}

/// S12: plain ASCII, one line, short; a caller's text in it must not break the line.
fn one_plain_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(ScimError::MAX_DETAIL)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s12_detail_is_one_short_line_of_ascii() {
        let error = ScimError::invalid_value(format!("a\r\nb\u{e9}{}", "x".repeat(600)));
        assert!(error.detail.starts_with("a??b?x"));
        assert_eq!(error.detail.len(), ScimError::MAX_DETAIL);
    }

    #[test]
    fn status_is_a_string_as_rfc_7644_section_3_12_shows_it() {
        let body = ScimError::not_found("User").to_json();
        assert_eq!(body["status"], "404");
        assert_eq!(body["schemas"][0], urn::ERROR);
        assert!(body.get("scimType").is_none());
    }
}
