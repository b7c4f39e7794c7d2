//! A token against all trusts in its issuer.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tenant_registry::{Registry, RegistryError, TenantTrust};

use super::{
    judgement::{self, Claims, Judgement},
    key_set::PublicKey,
};
use crate::api_error::ApiError;

/// One trust in the token's issuer, and how the token meets it.
pub(crate) struct Judged {
    pub(crate) registry: Arc<Registry>,
    pub(crate) whose: TenantTrust,
    pub(crate) judgement: Judgement,
    /// The key that has signed the token, and what is signed.
    pub(super) signed: Option<(Arc<PublicKey>, Claims)>,
}

impl Judged {
    /// Whether the token meets the trust, which still holds.
    pub(crate) fn is_met(&self) -> bool {
        matches!(self.judgement, Judgement::Met { .. }) && self.whose.ended.is_none()
    }

    /// Whether the assertion proves this client; without a name, whether it proves its own.
    pub(crate) fn proves(&self, client_id: Option<&str>) -> bool {
        let own = &self.whose.client_id;
        self.is_met() && client_id.is_none_or(|named| named == own) && self.names_its_client()
    }

    /// Whether what is signed names the client that the trust is for.
    pub(crate) fn names_its_client(&self) -> bool {
        let claims = self.signed.as_ref().map(|(_, claims)| claims);
        claims.is_some_and(|claims| judgement::proves(claims, &self.whose.trust, &self.whose.client_id))
    }

    /// Uses an assertion up; false when it was used before. One without a `jti` can be used until it expires, as Entra's.
    ///
    /// # Errors
    /// The registry's.
    pub(crate) async fn use_up(&self) -> Result<bool, RegistryError> {
        let jti = self.signed.as_ref().and_then(|(_, claims)| claims.get("jti"));
        let (Judgement::Met { exp }, Some(jti)) = (self.judgement, jti) else { return Ok(true) };
        let trust = &self.whose.trust;
        // Another place of keys is another issuer, whatever it calls itself.
        let place = serde_json::to_value(&trust.keys).unwrap_or_default();
        let id =
            Sha256::digest(Value::from(vec![trust.issuer.clone().into(), place, jti.clone()]).to_string());
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        self.registry.use_assertion(id, exp.saturating_mul(1_000)).await
    }
}

/// How a token meets the trusts in its issuer; the best trust of a tenant first.
pub(crate) struct Judgements {
    pub(crate) each: Vec<Judged>,
    /// Why a trust that it would meet may be unknown here.
    pub(super) unmet: Option<ApiError>,
}

impl Judgements {
    /// For a token that meets no trust that counts.
    ///
    /// # Errors
    /// 503 where it may meet one that cannot be judged now.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        let live = self.each.iter().filter(|judged| judged.whose.ended.is_none());
        let wait = live.filter_map(|judged| match judged.judgement {
            Judgement::Later { seconds } => Some(seconds),
            _ => None,
        });
        match (wait.min(), self.unmet.take()) {
            (Some(seconds), _) => Err(ApiError::IssuerDown { seconds }),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(()),
        }
    }
}
