//! Access tokens: signed by a key of their region, short-lived, and only as good as the client's secret that they were given for. So a
//! revoked secret ends its tokens with the next request.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, encode};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use store::StoreError;
use tenant_registry::{Grant, RegionCode, Registry, Scopes};

use super::signing_keys::{SigningKeys, region_of};
use crate::{api_error::ApiError, regions::Regions};

/// Tokens whose signature is known to be right, at the same time.
const VERIFIED: usize = 20_000;
/// Moves of one tenant that a token follows.
const MOVES: usize = 8;

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    /// The metadata of the issuer begin with it (RFC 8414).
    iss: String,
    /// The client.
    sub: String,
    /// The base URL that it is for.
    aud: String,
    /// Seconds since 1970 UTC.
    iat: i64,
    exp: i64,
    scope: String,
    /// The key id of the client's secret.
    key: String,
}

/// What a token with a right signature says.
struct Verified {
    region: RegionCode,
    key_id: String,
    scopes: Scopes,
    exp: i64,
}

/// Makes and verifies them.
pub(crate) struct AccessTokens {
    pub(crate) keys: SigningKeys,
    /// Seconds that one lives.
    lifetime: i64,
    /// By the hash of the token: a client sends one for an hour.
    verified: Cache<[u8; 32], Arc<Verified>>,
}

/// What staff are told of an access token.
pub(crate) enum Signature {
    /// No key of ours has signed it.
    Wrong,
    /// One has, for the secret of this key id.
    Right {
        region: RegionCode,
        key_id: String,
        /// Whether it has expired.
        is_past: bool,
    },
}

/// A live credential, and what this use of it may do.
pub(crate) struct Admitted {
    pub(crate) grant: Arc<Grant>,
    pub(crate) scopes: Scopes,
}

impl AccessTokens {
    pub(crate) fn new(keys: SigningKeys, minutes: u32) -> Self {
        Self { keys, lifetime: i64::from(minutes) * 60, verified: Cache::new(VERIFIED) }
    }

    /// Seconds that a token lives.
    pub(super) fn lifetime(&self) -> i64 {
        self.lifetime
    }

    /// A new token; `None` where this process cannot sign.
    ///
    /// # Errors
    /// The registry's.
    pub(super) async fn issue(
        &self,
        registry: &Registry,
        grant: &Grant,
        scopes: Scopes,
        issuer: String,
        base_url: String,
    ) -> Result<Option<String>, ApiError> {
        let Some(key) = self.keys.newest(registry).await? else { return Ok(None) };
        let iat = registry.now_ms() / 1000;
        let claims = Claims {
            iss: issuer,
            sub: grant.client_id.clone(),
            aud: base_url,
            iat,
            exp: iat + self.lifetime,
            scope: scopes.to_string(),
            key: grant.key_id.clone(),
        };
        let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, &claims, &key.signs).ok())
    }

    /// What a token opens; `None` for one that is not signed here, has expired, or whose secret lives no more.
    ///
    /// # Errors
    /// 503 when a registry cannot be asked.
    pub(crate) async fn admit(&self, regions: &Regions, sent: &str) -> Result<Option<Admitted>, ApiError> {
        let Some(verified) = self.verify(regions, sent).await? else { return Ok(None) };
        let (mut region, mut on_its_way) = (verified.region.clone(), false);
        for _ in 0..=MOVES {
            let Some(registry) = regions.get(&region) else { return Ok(None) };
            let registry = registry.map_err(ApiError::RegionDown)?;
            let now_ms = registry.now_ms();
            if now_ms / 1000 >= verified.exp {
                return Ok(None);
            }
            if let Some(grant) = registry.live(&verified.key_id, now_ms).await? {
                let scopes = grant.scopes.and(verified.scopes);
                return Ok(scopes.map(|scopes| Admitted { grant, scopes }));
            }
            match registry.gone_with(&verified.key_id).await? {
                Some(gone) => (region, on_its_way) = (gone.to, gone.on_its_way),
                None if on_its_way => return Err(StoreError::Busy.into()),
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// What a token says, whatever it opens.
    ///
    /// # Errors
    /// 503 when a registry cannot be asked.
    pub(crate) async fn inspect(&self, regions: &Regions, sent: &str) -> Result<Signature, ApiError> {
        let Some(verified) = self.verify(regions, sent).await? else { return Ok(Signature::Wrong) };
        let (region, key_id) = (verified.region.clone(), verified.key_id.clone());
        let Some(Ok(registry)) = regions.get(&region) else { return Ok(Signature::Wrong) };
        Ok(Signature::Right { region, key_id, is_past: registry.now_ms() / 1000 >= verified.exp })
    }

    /// The same work for every token that names a key as ours are named: one signature, and the registry is asked for a key that is not
    /// known.
    async fn verify(&self, regions: &Regions, sent: &str) -> Result<Option<Arc<Verified>>, ApiError> {
        let hash: [u8; 32] = Sha256::digest(sent).into();
        if let Some(verified) = self.verified.get(&hash) {
            return Ok(Some(verified));
        }
        let header = decode_header(sent).ok();
        let kid = header.filter(|header| header.alg == Algorithm::EdDSA).and_then(|header| header.kid);
        let region = kid.as_deref().and_then(region_of);
        // It is another issuer's, whose signature is verified elsewhere.
        let (Some(kid), Some(region)) = (kid, region) else { return Ok(None) };
        let key = match regions.get(&region) {
            Some(registry) => {
                let registry = registry.map_err(ApiError::RegionDown)?;
                self.keys.named(&registry, &kid).await?
            }
            None => None,
        };
        let key = key.as_ref().map_or(self.keys.nobodys(), |key| &key.verifies);
        let Some(claims) = claims(sent, key) else { return Ok(None) };
        let Some(scopes) = Scopes::parse(&claims.scope) else { return Ok(None) };
        let verified = Arc::new(Verified { region, key_id: claims.key, scopes, exp: claims.exp });
        self.verified.insert(hash, Arc::clone(&verified));
        Ok(Some(verified))
    }
}

/// The claims of a token that this key has signed. Its end is judged by the region's clock.
fn claims(sent: &str, key: &DecodingKey) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "sub"]);
    decode::<Claims>(sent, key, &validation).ok().map(|data| data.claims)
}
