//! What a tenant trusts another issuer for: whose tokens, for whom, by which keys, with which claims.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString, VariantNames};

use crate::error::RegistryError;

/// What its tokens are for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TrustedFor {
    /// They are sent with each request.
    #[default]
    Bearer,
    /// They prove a client to the token endpoint (RFC 7523 §2.2).
    Assertion,
}

/// An algorithm with a public key (RFC 7518 §3.1, RFC 8037 §3.1). Those with a shared secret, and none at all, have no word here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, VariantNames)]
#[allow(missing_docs)]
pub enum PublicKeyAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// The place of its public keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// At this address.
    Url(String),
    /// Here: a JSON Web Key Set (RFC 7517 §5).
    Set(Value),
}

/// One trust of one tenant. A token meets it, or opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The `iss` of its tokens, compared exactly.
    pub issuer: String,
    /// One of them must be in `aud`.
    pub audiences: Vec<String>,
    /// Where the keys are.
    pub keys: KeySource,
    /// What may sign.
    pub algorithms: Vec<PublicKeyAlgorithm>,
    /// Claims that must have these values.
    pub claims: BTreeMap<String, String>,
    /// What its tokens are for.
    #[serde(rename = "for")]
    pub purpose: TrustedFor,
}

impl Trust {
    /// As it is stored: empty for a credential of another kind.
    pub(crate) fn of_column(key_id: &str, text: &str) -> Result<Option<Self>, RegistryError> {
        if text.is_empty() {
            return Ok(None);
        }
        serde_json::from_str(text)
            .map(Some)
            .map_err(|error| RegistryError::Damaged(format!("the trust of the credential {key_id}: {error}")))
    }

    /// The columns `issuer` and `trust`.
    pub(crate) fn columns(trust: Option<&Self>) -> Result<(String, String), RegistryError> {
        let Some(trust) = trust else { return Ok(Default::default()) };
        let text = serde_json::to_string(trust)
            .map_err(|error| RegistryError::Damaged(format!("a trust cannot be written: {error}")))?;
        Ok((trust.issuer.clone(), text))
    }
}
