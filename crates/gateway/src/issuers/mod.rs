//! Tokens that other issuers sign: sent with each request, or to prove a client (RFC 7523). The signature is verified first; then the key of
//! the path chooses among the tenants whose trust the token meets, so a path opens nothing by itself (decision 0061).

mod addresses;
mod download;
mod fetching;
mod judgement;
mod key_set;
mod source;

use std::{collections::HashMap, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey, Header, dangerous::insecure_decode_claims, decode_header};
use prometheus::IntCounterVec;
use quick_cache::sync::Cache;
use rand::RngExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use store::StoreError;
use tenant_registry::{KeySource, RegionCode, Registry, TenantTrust, Trust, TrustedFor};

pub(crate) use self::judgement::Judgement;
use self::{
    download::{Downloads, Reach},
    fetching::{Found, Keys},
    judgement::Claims,
    key_set::{KeySet, PublicKey},
};
use crate::{api_error::ApiError, oauth::Admitted, regions::Regions, settings::Auth};

/// Tokens that are known to meet a trust, at the same time.
const VERIFIED: usize = 20_000;

/// A token that met a trust.
struct Verified {
    region: RegionCode,
    key_id: String,
    exp: i64,
    keys: KeySource,
    kid: String,
    key: Arc<PublicKey>,
}

/// One trust in the token's issuer, and how the token meets it.
pub(crate) struct Judged {
    pub(crate) registry: Arc<Registry>,
    pub(crate) whose: TenantTrust,
    pub(crate) judgement: Judgement,
    kid: String,
    /// The key that has signed the token, and what is signed.
    signed: Option<(Arc<PublicKey>, Claims)>,
}

/// How a token meets the trusts in its issuer.
pub(crate) struct Judgements {
    pub(crate) each: Vec<Judged>,
    /// Why a trust that it would meet may be unknown here.
    unmet: Option<ApiError>,
}

impl Judgements {
    /// For a token that meets no trust that counts.
    ///
    /// # Errors
    /// 503 where it may meet one that cannot be judged now.
    pub(crate) fn check(&mut self) -> Result<(), ApiError> {
        let wait = |judged: &Judged| match judged.judgement {
            Judgement::Later { seconds } => Some(seconds),
            _ => None,
        };
        match (self.each.iter().filter_map(wait).min(), self.unmet.take()) {
            (Some(seconds), _) => Err(ApiError::IssuerDown { seconds }),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(()),
        }
    }
}

impl Judged {
    pub(crate) fn is_met(&self) -> bool {
        matches!(self.judgement, Judgement::Met { .. })
    }

    /// Whether the assertion proves this client; without a name, whether it proves its own.
    pub(crate) fn proves(&self, client_id: Option<&str>) -> bool {
        let own = &self.whose.client_id;
        let Some((_, claims)) = &self.signed else { return false };
        self.is_met()
            && client_id.is_none_or(|named| named == own)
            && judgement::proves(claims, &self.whose.trust, own)
    }

    /// Uses an assertion up; false when it was used before. One without a `jti` can be used until it expires, as Entra's.
    ///
    /// # Errors
    /// The registry's.
    pub(crate) async fn use_up(&self) -> Result<bool, ApiError> {
        let jti = self.signed.as_ref().and_then(|(_, claims)| claims.get("jti"));
        let (Judgement::Met { exp }, Some(jti)) = (self.judgement, jti) else { return Ok(true) };
        let id = Sha256::digest(
            Value::from(vec![self.whose.trust.issuer.clone().into(), jti.clone()]).to_string(),
        );
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(self.registry.use_assertion(id, exp.saturating_mul(1_000)).await?)
    }
}

/// The tenant that a path names, whether there is one or not.
pub(crate) struct NamedByPath<'p> {
    /// `None` where the path names none that is served.
    pub(crate) region: Option<&'p RegionCode>,
    pub(crate) company_key: &'p str,
}

impl NamedByPath<'_> {
    fn hash_with(&self, sent: &str) -> [u8; 32] {
        let region = self.region.map_or("", RegionCode::as_str);
        let mut hash = Sha256::new_with_prefix(region);
        hash.update([0]);
        hash.update(self.company_key.to_lowercase());
        hash.update([0]);
        hash.chain_update(sent).finalize().into()
    }

    /// The tenant that is named. Else the only one of its key, else the only one at all: a holder at a wrong place is told the base URL.
    fn chosen<'j>(&self, met: &[&'j Judged]) -> Option<&'j Judged> {
        let of_key = met.iter().copied().filter(|judged| judged.whose.company_key.is(self.company_key));
        let of_key: Vec<&Judged> = of_key.collect();
        let named = of_key.iter().find(|judged| Some(judged.registry.region()) == self.region);
        named.copied().or_else(|| only(&of_key)).or_else(|| only(met))
    }
}

fn only<'j>(judged: &[&'j Judged]) -> Option<&'j Judged> {
    judged.first().filter(|_| judged.len() == 1).copied()
}

/// Whom tenants trust.
pub(crate) struct Issuers {
    keys: Keys,
    reach: Reach,
    /// Seconds that an assertion may live.
    longest_assertion: i64,
    /// By the hash of the token and of the tenant that the path names.
    verified: Cache<[u8; 32], Arc<Verified>>,
    /// Verifies what nobody trusted has signed, for the work of it.
    nobodys: DecodingKey,
}

impl Issuers {
    /// Starts the task that fetches keys.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn start(auth: &Auth, fetches: IntCounterVec) -> Result<Self, String> {
        // Of 2,048 bits and odd, so that it is work to verify with it.
        let mut modulus: [u8; 256] = rand::rng().random();
        let [first, .., last] = &mut modulus;
        (*first, *last) = (*first | 0x80, *last | 1);
        Ok(Self {
            keys: Keys::start(Downloads::new(auth)?, auth.jwks_fetch_seconds.0, fetches),
            reach: Reach::new(auth),
            longest_assertion: i64::from(auth.assertion_minutes) * 60,
            verified: Cache::new(VERIFIED),
            nobodys: DecodingKey::from_rsa_raw_components(&modulus, &[1, 0, 1]),
        })
    }

    /// Whether keys can come from there.
    ///
    /// # Errors
    /// A sentence for staff.
    pub(crate) fn check(&self, source: &KeySource) -> Result<(), String> {
        match source {
            KeySource::Url(url) => self.reach.check(url),
            KeySource::Set(set) => match KeySet::of(set.clone()) {
                Ok(set) if set.is_empty() => Err("jwks has no public key with a kid.".to_owned()),
                Ok(_) => Ok(()),
                Err(why) => Err(format!("jwks cannot be used: {why}.")),
            },
        }
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
        let Some(Judged { registry, whose, judgement, kid, signed: Some((key, _)) }) = path.chosen(&met)
        else {
            return judged.check().map(|()| None);
        };
        let Judgement::Met { exp } = *judgement else { return Ok(None) };
        let verified = Arc::new(Verified {
            region: registry.region().clone(),
            key_id: whose.key_id.clone(),
            exp,
            keys: whose.trust.keys.clone(),
            kid: kid.clone(),
            key: Arc::clone(key),
        });
        // Another tenant, which the path names, may trust the issuer by the next request.
        if whose.company_key.is(path.company_key)
            && path.region.is_none_or(|region| region == registry.region())
        {
            self.verified.insert(hash, Arc::clone(&verified));
        }
        admitted(regions, &verified).await
    }

    /// A token that met a trust before, unless its issuer has withdrawn the key since.
    async fn recall(&self, hash: &[u8; 32]) -> Result<Option<Arc<Verified>>, ApiError> {
        let Some(verified) = self.verified.get(hash) else { return Ok(None) };
        // Of a set that came with the trust, nothing can be withdrawn.
        if matches!(verified.keys, KeySource::Set(_)) {
            return Ok(Some(verified));
        }
        match self.keys.find(&verified.keys, &verified.kid).await {
            Found::Key(key) if key == verified.key => Ok(Some(verified)),
            Found::Key(_) | Found::No => {
                self.verified.remove(hash);
                Ok(None)
            }
            Found::Later(seconds) => Err(ApiError::IssuerDown { seconds }),
        }
    }

    /// The trusts of all tenants in the issuer that a token names, and how it meets them. The same work for every token of the form: the
    /// registries are asked, and one signature is verified for each place of keys, or with nobody's key.
    ///
    /// # Errors
    /// 503 when a registry cannot be asked.
    pub(crate) async fn judge(
        &self,
        regions: &Regions,
        sent: &str,
        purpose: TrustedFor,
    ) -> Result<Judgements, ApiError> {
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
        let mut token = Token { sent, header: decode_header(sent).ok(), signed: HashMap::new() };
        let longest = (purpose == TrustedFor::Assertion).then_some(self.longest_assertion);
        let mut each = Vec::new();
        for (registry, whose) in trusts {
            let judged = match judgement::end(&said, registry.now_ms() / 1_000, longest) {
                Some(exp) => self.judge_one(&mut token, &whose.trust, exp).await,
                None => (Judgement::Untimely, None),
            };
            let (judgement, signed) = judged;
            let kid = token.kid().to_owned();
            each.push(Judged { registry, whose, judgement, kid, signed });
        }
        if token.signed.is_empty() {
            let _of_no_use = judgement::verified(sent, Algorithm::RS256, &self.nobodys);
        }
        Ok(Judgements { each, unmet })
    }

    async fn judge_one(
        &self,
        token: &mut Token<'_>,
        trust: &Trust,
        exp: i64,
    ) -> (Judgement, Option<(Arc<PublicKey>, Claims)>) {
        let Some(algorithm) = token.header.as_ref().map(|header| header.alg) else {
            return (Judgement::BadSignature, None);
        };
        if !trust.algorithms.iter().any(|own| own.to_string() == format!("{algorithm:?}")) {
            return (Judgement::BadSignature, None);
        }
        let place = serde_json::to_string(&trust.keys).unwrap_or_default();
        if !token.signed.contains_key(&place) {
            let signed = self.verify(token.sent, algorithm, token.kid(), &trust.keys).await;
            token.signed.insert(place.clone(), signed);
        }
        match token.signed.get(&place) {
            Some(Signed::By(key, claims)) => {
                (judgement::judge(claims, trust, exp), Some((Arc::clone(key), claims.clone())))
            }
            Some(Signed::Later(seconds)) => (Judgement::Later { seconds: *seconds }, None),
            Some(Signed::No) | None => (Judgement::BadSignature, None),
        }
    }

    async fn verify(&self, sent: &str, algorithm: Algorithm, kid: &str, source: &KeySource) -> Signed {
        // A token that names no key would be tried with all of them.
        if kid.is_empty() {
            return Signed::No;
        }
        let key = match self.keys.find(source, kid).await {
            Found::Key(key) => key,
            Found::No => return Signed::No,
            Found::Later(seconds) => return Signed::Later(seconds),
        };
        let claims = key.decoding(algorithm).and_then(|key| judgement::verified(sent, algorithm, &key));
        claims.map_or(Signed::No, |claims| Signed::By(key, claims))
    }
}

/// Whom a token names as its issuer, truly or not.
pub(crate) fn named_issuer(sent: &str) -> Option<String> {
    let claims = insecure_decode_claims::<Claims>(sent).ok()?;
    claims.get("iss").and_then(Value::as_str).map(str::to_owned)
}

/// A token while it is judged.
struct Token<'t> {
    sent: &'t str,
    header: Option<Header>,
    /// By the place of keys.
    signed: HashMap<String, Signed>,
}

impl Token<'_> {
    /// Empty for a token that names no key.
    fn kid(&self) -> &str {
        self.header.as_ref().and_then(|header| header.kid.as_deref()).unwrap_or_default()
    }
}

/// Whether a token is signed by a key of one place.
enum Signed {
    By(Arc<PublicKey>, Claims),
    No,
    /// The key cannot be known for so many seconds.
    Later(u64),
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
