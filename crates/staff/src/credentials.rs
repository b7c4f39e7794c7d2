//! The bodies of credentials, the kinds that a profile allows, and what staff are told of a credential that ends soon.

use std::collections::BTreeMap;

use provisioning::Product;
use seat_ledger::DAY_MS;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenant_registry::{
    CredentialInfo, CredentialKind, NewCredential, Provisioning, PublicKeyAlgorithm, Scope, Scopes, Tenant,
    TrustedFor,
};

use crate::{StaffError, printable::line, trust::TrustRequest};

/// The life of a client's secret where nothing else is said, and the longest: one year and three.
const SECRET_DAYS: i64 = 365;
const MAX_SECRET_DAYS: i64 = 1_096;
/// Ten years.
pub const MAX_CREDENTIAL_DAYS: i64 = 3_660;
/// Longest note, in characters.
const MAX_NOTE: usize = 200;
/// Longest userName of a maker, in characters.
const MAX_MAKER: usize = 256;
/// Longest client id that staff choose, in characters.
const MAX_CLIENT: usize = 200;

/// A credential to be made; what is absent has its default.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialRequest {
    /// How it is used; `bearer` when it is absent.
    #[serde(default)]
    pub kind: CredentialKind,
    /// What it may do; everything when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// Days until it expires; absent: it lives until it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<i64>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The userName of the person of the tenant for whom it is made (MO10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// The OAuth client that gets one more secret, or that an issuer's assertions prove; absent: a new client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The `iss` of a trusted issuer; this and what follows is for the kind `issuer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// One of them must be in `aud`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// The place of its public keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// Its public keys: a JSON Web Key Set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// What may sign; RS256 when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithms: Option<Vec<PublicKeyAlgorithm>>,
    /// Claims that must have these values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claims: Option<BTreeMap<String, String>>,
    /// What its tokens are for; requests when it is absent.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub purpose: Option<TrustedFor>,
}

impl CredentialRequest {
    pub(crate) fn check(self, now_ms: i64) -> Result<NewCredential, StaffError> {
        let Self { kind, scopes, expires_in_days, note, made_by, client_id, .. } = self;
        let Self { issuer, audiences, jwks_url, jwks, algorithms, claims, purpose, .. } = self;
        let trust = TrustRequest { issuer, audiences, jwks_url, jwks, algorithms, claims, purpose };
        let trust = match (kind, trust.said()) {
            (CredentialKind::Issuer, _) => Some(trust.check().map_err(StaffError::BadRequest)?),
            (_, Some(name)) => {
                return Err(StaffError::BadRequest(format!("{name} is for the kind issuer")));
            }
            (_, None) => None,
        };
        let (expires_in_days, most) = match kind {
            CredentialKind::Oauth => (expires_in_days.or(Some(SECRET_DAYS)), MAX_SECRET_DAYS),
            CredentialKind::Bearer | CredentialKind::Basic | CredentialKind::Issuer => {
                (expires_in_days, MAX_CREDENTIAL_DAYS)
            }
        };
        if expires_in_days.is_some_and(|days| !(1..=most).contains(&days)) {
            return Err(StaffError::BadRequest(format!("expires_in_days is 1 to {most} for {kind}")));
        }
        let proves_client = trust.as_ref().is_some_and(|trust| trust.purpose == TrustedFor::Assertion);
        if client_id.is_some() && kind != CredentialKind::Oauth && !proves_client {
            return Err(StaffError::BadRequest(
                "client_id is for the kind oauth, and for an issuer of assertions".to_owned(),
            ));
        }
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~/@".contains(c);
        if client_id
            .as_ref()
            .is_some_and(|id| id.is_empty() || id.len() > MAX_CLIENT || !id.chars().all(fits))
        {
            return Err(StaffError::BadRequest(format!(
                "client_id is 1 to {MAX_CLIENT} letters, digits and any of - . _ ~ / @"
            )));
        }
        let no_scope =
            || StaffError::BadRequest("scopes names at least one of read, users and groups".into());
        let scopes = match scopes {
            Some(scopes) => Scopes::new(scopes).ok_or_else(no_scope)?,
            None => Scopes::ALL,
        };
        let checked = |what: &str, text: Option<String>, most: usize| {
            let text = text.filter(|text| !text.trim().is_empty());
            let text = text.map(|text| line(what, &text, most)).transpose();
            text.map(Option::unwrap_or_default).map_err(StaffError::BadRequest)
        };
        Ok(NewCredential {
            kind,
            scopes,
            expires_ms: expires_in_days.map(|days| now_ms + days * DAY_MS),
            note: checked("note", note, MAX_NOTE)?,
            made_by: checked("made_by", made_by, MAX_MAKER)?,
            client_id,
            trust,
        })
    }
}

/// Refuses a kind that the tenant's profile does not allow.
pub(crate) fn check_kind(product: &Product, kind: CredentialKind) -> Result<(), StaffError> {
    let allowed: Vec<&str> = product.profile.credentials.iter().map(|kind| kind.as_str()).collect();
    if allowed.contains(&kind.key()) {
        return Ok(());
    }
    Err(StaffError::BadRequest(format!(
        "The profile {} allows credentials of the kinds {}, not {kind}",
        product.profile.name,
        allowed.join(", ")
    )))
}

/// A warning of a live credential that has ended, or ends within 30, 14, 7 or 1 days.
#[must_use]
pub fn expiry_warning(info: &CredentialInfo, now_ms: i64) -> Option<&'static str> {
    let left = info.expires_ms.filter(|_| info.revoked_ms.is_none())?.saturating_sub(now_ms);
    let stages = [
        (0, "expired"),
        (1, "expires within 1 day"),
        (7, "expires within 7 days"),
        (14, "expires within 14 days"),
        (30, "expires within 30 days"),
    ];
    stages.into_iter().find(|(days, _)| left <= days * DAY_MS).map(|(_, warning)| warning)
}

/// `ok`, `revoked` or `expired`.
pub(crate) fn state(credential: &CredentialInfo, now_ms: i64) -> &'static str {
    match credential {
        CredentialInfo { revoked_ms: Some(_), .. } => "revoked",
        credential if credential.is_live(now_ms) => "ok",
        _ => "expired",
    }
}

/// Whether a credential would be accepted now.
#[derive(Clone, Debug)]
pub struct CredentialTest {
    /// The credential.
    pub info: CredentialInfo,
    /// `ok`, `revoked` or `expired`.
    pub credential: &'static str,
    /// Whether the tenant's requests are served.
    pub provisioning: Provisioning,
    /// Its tenant.
    pub tenant: Tenant,
}

impl CredentialTest {
    pub(crate) fn new(tenant: Tenant, info: CredentialInfo, now_ms: i64) -> Self {
        let credential = state(&info, now_ms);
        Self { credential, provisioning: tenant.provisioning(), info, tenant }
    }

    /// What staff do about it.
    #[must_use]
    pub fn sentence(&self) -> &'static str {
        match (self.credential, self.provisioning) {
            ("revoked", _) => {
                "The credential is revoked: make another one and enter it in the identity provider."
            }
            ("expired", _) => {
                "The credential has expired: make another one and enter it in the identity provider."
            }
            (_, Provisioning::Active) => "A request with this credential is served.",
            (_, Provisioning::Suspended) => {
                "The credential is valid, and the tenant is suspended: its requests get 403."
            }
            (_, Provisioning::NotActivated) => {
                "The credential is valid, and provisioning is not activated: requests get 403."
            }
            (_, Provisioning::NotInPlan) => {
                "The credential is valid, and provisioning is not in the plan: requests get 403."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tenant_registry::WrongSecrets;

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn ending(expires_ms: Option<i64>) -> CredentialInfo {
        CredentialInfo {
            key_id: "k".into(),
            kind: CredentialKind::Bearer,
            scopes: Scopes::ALL,
            client_id: String::new(),
            trust: None,
            note: String::new(),
            made_by: String::new(),
            created_ms: 0,
            expires_ms,
            revoked_ms: None,
            last_used_ms: None,
            wrong_secrets: WrongSecrets::default(),
        }
    }

    #[test]
    fn a_credential_is_warned_of_30_14_7_and_1_days_before_its_end() {
        let warning = |left: i64| expiry_warning(&ending(Some(NOW + left)), NOW);
        assert_eq!(warning(30 * DAY_MS + 1), None);
        assert_eq!(warning(30 * DAY_MS), Some("expires within 30 days"));
        assert_eq!(warning(14 * DAY_MS), Some("expires within 14 days"));
        assert_eq!(warning(14 * DAY_MS + 1), Some("expires within 30 days"));
        assert_eq!(warning(7 * DAY_MS), Some("expires within 7 days"));
        assert_eq!(warning(DAY_MS), Some("expires within 1 day"));
        assert_eq!(warning(0), Some("expired"));
        assert_eq!(expiry_warning(&ending(None), NOW), None);
        let revoked = CredentialInfo { revoked_ms: Some(1), ..ending(Some(NOW)) };
        assert_eq!(expiry_warning(&revoked, NOW), None);
    }

    #[test]
    fn a_kind_that_the_profile_does_not_name_is_refused_with_those_that_it_names() {
        let mut product = Product::built_in("default").unwrap();
        assert!(check_kind(&product, CredentialKind::Basic).is_ok());
        product.profile.credentials.retain(|kind| kind.as_str() == "bearer");
        assert!(check_kind(&product, CredentialKind::Bearer).is_ok());
        let refused = check_kind(&product, CredentialKind::Basic).unwrap_err().to_string();
        assert_eq!(refused, "The profile default allows credentials of the kinds bearer, not basic");
    }

    #[test]
    fn an_empty_list_of_scopes_is_refused_and_none_means_all() {
        let asked = |scopes| CredentialRequest { scopes, ..CredentialRequest::default() }.check(NOW);
        assert!(asked(Some(Vec::new())).is_err());
        assert_eq!(asked(None).unwrap().scopes, Scopes::ALL);
        assert_eq!(asked(Some(vec![Scope::Read])).unwrap().scopes.to_string(), "read");
    }
}
