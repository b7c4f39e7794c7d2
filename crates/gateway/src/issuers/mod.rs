//! Tokens that other issuers sign: sent with each request, or to prove a client (RFC 7523). The signature is verified first; then the key of
//! the path chooses among the tenants whose trust the token meets, so a path opens nothing by itself (decision 0061).

mod addresses;
mod download;
mod fetching;
mod judged;
mod judgement;
mod key_set;
mod nobody;
mod path;
mod source;

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, dangerous::insecure_decode_claims, decode_header};
use prometheus::IntCounterVec;
use quick_cache::sync::Cache;
use serde_json::Value;
use store::StoreError;
use tenant_registry::{KeySource, RegionCode, Registry, TenantTrust, TrustedFor};

use self::{
    download::{Downloads, Reach},
    fetching::{Found, Keys},
    judgement::Claims,
    key_set::{KeySet, LONGEST_KID, PublicKey},
    nobody::Nobody,
};
pub(crate) use self::{judged::Judged, judgement::Judgement, path::NamedByPath};
use crate::{api_error::ApiError, oauth::Admitted, regions::Regions, settings::Auth};

/// Tokens that are known to meet a trust, at the same time.
const VERIFIED: usize = 20_000;

/// A token that met a trust.
struct Verified {
    region: RegionCode,
    key_id: String,
    exp: i64,
    /// The key that has signed it, and the address where the issuer may withdraw it; none of a set that came with the trust.
    withdrawable: Option<(Arc<str>, Arc<PublicKey>)>,
}

/// Whom tenants trust.
pub(crate) struct Issuers {
    keys: Keys,
    reach: Reach,
    /// Seconds that an assertion may live.
    longest_assertion: i64,
    /// By the hash of the token and of the tenant that the path names.
    verified: Cache<[u8; 32], Arc<Verified>>,
    nobody: Nobody,
}

impl Issuers {
    /// Starts the task that fetches keys.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn start(auth: &Auth, fetches: IntCounterVec) -> Result<Self, String> {
        Ok(Self {
            keys: Keys::start(Downloads::new(auth)?, auth.jwks_fetch_seconds.0, fetches),
            reach: Reach::new(auth),
            longest_assertion: i64::from(auth.assertion_minutes) * 60,
            verified: Cache::new(VERIFIED),
            nobody: Nobody::new()?,
        })
    }

    /// Whether keys can come from there.
    ///
    /// # Errors
    /// A sentence for staff.
    pub(crate) fn check_url(&self, url: &str) -> Result<(), String> {
        self.reach.check(url)
    }

    /// What is kept of a set of keys that staff give.
    ///
    /// # Errors
    /// A sentence for staff.
    pub(crate) fn set_to_keep(set: &Value) -> Result<Value, String> {
        KeySet::to_keep(set).map_err(|why| format!("jwks cannot be used: {why}."))
    }

    /// What a token opens at a path. `None` for one that meets no trust, or those of several tenants of which the path names none.
    ///
    /// # Errors
    /// 503 when a key cannot be known now, or a registry cannot be asked.
    pub(crate) async fn admit(
        &self,
        regions: &Regions,
        sent: &str,
        path: &NamedByPath<'_>,
    ) -> Result<Option<Admitted>, ApiError> {
        let hash = path.hash_with(sent);
        if let Some(verified) = self.recall(&hash).await? {
            if let Some(admitted) = admitted(regions, &verified).await? {
                return Ok(Some(admitted));
            }
            // It has expired, or its tenant has ended the trust or moved.
            self.verified.remove(&hash);
        }
        let mut judged = self.judge(regions, sent, TrustedFor::Bearer).await?;
        let met: Vec<&Judged> = judged.each.iter().filter(|judged| judged.is_met()).collect();
        let elsewhere = path.elsewhere(&met).and_then(Verified::of);
        if let Some(verified) = path.named(&met).and_then(Verified::of) {
            let verified = Arc::new(verified);
            if path.is_certain() {
                self.verified.insert(hash, Arc::clone(&verified));
            }
            return admitted(regions, &verified).await;
        }
        judged.check()?;
        match elsewhere {
            Some(verified) => admitted(regions, &verified).await,
            None => Ok(None),
        }
    }

    /// A token that met a trust before, unless its issuer has withdrawn the key since.
    async fn recall(&self, hash: &[u8; 32]) -> Result<Option<Arc<Verified>>, ApiError> {
        let Some(verified) = self.verified.get(hash) else { return Ok(None) };
        let Some((url, key)) = &verified.withdrawable else { return Ok(Some(verified)) };
        match self.keys.find_at(url, key.kid()).await {
            Found::Key(now) if now == *key => Ok(Some(verified)),
            Found::Key(_) | Found::No => {
                self.verified.remove(hash);
                Ok(None)
            }
            Found::Later(seconds) => Err(ApiError::IssuerDown { seconds }),
        }
    }

    /// The trusts of all tenants in the issuer that a token names, and how it meets them: those that have ended too, for staff. The same
    /// work for every token of the form: the registries are asked, and one signature is verified for each place of keys, or with nobody's
    /// key.
    ///
    /// # Errors
    /// 503 when a registry cannot be asked.
    pub(crate) async fn judge(
        &self,
        regions: &Regions,
        sent: &str,
        purpose: TrustedFor,
    ) -> Result<judged::Judgements, ApiError> {
        let said = insecure_decode_claims::<Claims>(sent).unwrap_or_default();
        let issuer = said.get("iss").and_then(Value::as_str).unwrap_or_default();
        let (mut trusts, mut unmet) = (Vec::new(), None);
        for registry in regions.registries() {
            match registry {
                Ok(registry) => {
                    let found = registry.trusts_in(issuer).await?;
                    let found = found.into_iter().filter(|whose| whose.trust.purpose == purpose);
                    trusts.extend(found.map(|whose| (Arc::clone(&registry), whose)));
                    if registry.is_trust_on_its_way(issuer).await? {
                        unmet = Some(StoreError::Busy.into());
                    }
                }
                Err(down) => unmet = Some(ApiError::RegionDown(down)),
            }
        }
        // Those with the most scopes first; of equal ones the newest.
        trusts.reverse();
        trusts.sort_by_key(|(_, whose)| Reverse(whose.scopes.iter().count()));
        let header = decode_header(sent).ok();
        let kid = header.as_ref().and_then(|header| header.kid.clone());
        // A token that names no key would be tried with all of them.
        let kid = kid.filter(|kid| (1..=LONGEST_KID).contains(&kid.len()));
        let longest = (purpose == TrustedFor::Assertion).then_some(self.longest_assertion);
        let end = |registry: &Registry| judgement::end(&said, registry.now_ms() / 1_000, longest);
        let algorithm = header.map(|header| header.alg);
        let mut signed = HashMap::new();
        if let (Some(kid), Some(algorithm)) = (&kid, algorithm) {
            let asked: HashMap<&str, &TenantTrust> = trusts
                .iter()
                .filter(|(registry, whose)| end(registry).is_some() && trusts_algorithm(whose, algorithm))
                .map(|(_, whose)| (place(whose), whose))
                .collect();
            let found = join_all(asked.into_values().map(async |whose| {
                (place(whose).to_owned(), self.verify(sent, algorithm, kid, whose).await)
            }));
            signed.extend(found.await);
        }
        if !signed.values().any(Signed::was_verified) {
            self.nobody.verify(sent, algorithm.unwrap_or(Algorithm::RS256));
        }
        let each = trusts.into_iter().map(|(registry, whose)| {
            let is_trusted = algorithm.is_some_and(|algorithm| trusts_algorithm(&whose, algorithm));
            let (judgement, signed) = match (end(&registry), signed.get(place(&whose)).filter(|_| is_trusted))
            {
                (None, _) => (Judgement::Untimely, None),
                (Some(exp), Some(Signed::By(key, claims))) => {
                    let judgement = judgement::judge(claims, &whose.trust, exp);
                    (judgement, Some((Arc::clone(key), claims.clone())))
                }
                (Some(_), Some(Signed::Later(seconds))) => (Judgement::Later { seconds: *seconds }, None),
                (Some(_), Some(Signed::Wrong | Signed::NoKey) | None) => (Judgement::BadSignature, None),
            };
            Judged { registry, whose, judgement, signed }
        });
        Ok(judged::Judgements { each: each.collect(), unmet })
    }

    async fn verify(&self, sent: &str, algorithm: Algorithm, kid: &str, whose: &TenantTrust) -> Signed {
        let key = match self.keys.find(whose, kid).await {
            Found::Key(key) => key,
            Found::No => return Signed::NoKey,
            Found::Later(seconds) => return Signed::Later(seconds),
        };
        let Some(decoding) = key.decoding(algorithm) else { return Signed::NoKey };
        let claims = judgement::verified(sent, algorithm, &decoding);
        claims.map_or(Signed::Wrong, |claims| Signed::By(key, claims))
    }
}

impl Verified {
    /// `None` for a trust that the token does not meet.
    fn of(judged: &Judged) -> Option<Self> {
        let (Judgement::Met { exp }, Some((key, _))) = (judged.judgement, &judged.signed) else {
            return None;
        };
        let withdrawable = match &judged.whose.trust.keys {
            KeySource::Url(url) => Some((url.as_str().into(), Arc::clone(key))),
            KeySource::Set(_) => None,
        };
        let (region, key_id) = (judged.registry.region().clone(), judged.whose.key_id.clone());
        Some(Self { region, key_id, exp, withdrawable })
    }
}

/// Names the place where the keys of a trust are.
fn place(whose: &TenantTrust) -> &str {
    match &whose.trust.keys {
        KeySource::Url(url) => url,
        KeySource::Set(_) => &whose.key_id,
    }
}

fn trusts_algorithm(whose: &TenantTrust, algorithm: Algorithm) -> bool {
    let name = format!("{algorithm:?}");
    whose.trust.algorithms.iter().any(|own| own.to_string() == name)
}

/// Whom a token names as its issuer, truly or not.
pub(crate) fn named_issuer(sent: &str) -> Option<String> {
    let claims = insecure_decode_claims::<Claims>(sent).ok()?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}

/// Whether a token is signed by a key of one place.
enum Signed {
    By(Arc<PublicKey>, Claims),
    Wrong,
    /// The place has no such key.
    NoKey,
    /// The key cannot be known for so many seconds.
    Later(u64),
}

impl Signed {
    fn was_verified(&self) -> bool {
        matches!(self, Self::By(..) | Self::Wrong)
    }
}

/// The live credential of a token that met its trust.
async fn admitted(regions: &Regions, verified: &Verified) -> Result<Option<Admitted>, ApiError> {
    let Some(registry) = regions.get(&verified.region) else { return Ok(None) };
    let registry = registry.map_err(ApiError::RegionDown)?;
    let now_ms = registry.now_ms();
    if now_ms / 1_000 >= verified.exp {
        return Ok(None);
    }
    let grant = registry.live(&verified.key_id, now_ms).await?;
    Ok(grant.map(|grant| Admitted { scopes: grant.scopes, grant }))
}
