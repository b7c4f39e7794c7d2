//! The keys that sign access tokens, of each region. A key signs until it has come of age, or until staff make another one; what it has
//! signed is valid until it expires.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jsonwebtoken::{DecodingKey, EncodingKey};
use rand::{RngExt as _, distr::Alphanumeric};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tenant_registry::{By, RegionCode, Registry, RegistryError, SealedKey};

use super::sealing::Sealing;
use crate::signatures;

/// How long the newest key of a region is taken for the newest: another process may have made one.
const TRUSTED: Duration = Duration::from_secs(60);
/// Characters of a key's own name.
const NAME: usize = 12;
const DAY_MS: i64 = 86_400_000;

/// One key.
pub(super) struct Key {
    /// `<region>.<random>`, the header `kid` of each token.
    pub(super) kid: String,
    created_ms: i64,
    pub(super) signs: EncodingKey,
    pub(super) verifies: DecodingKey,
}

impl Key {
    fn new(sealed: &SealedKey, seed: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        Some(Self {
            kid: sealed.kid.clone(),
            created_ms: sealed.created_ms,
            signs: EncodingKey::from_ed_der(seed),
            verifies: DecodingKey::from_ed_der(pair.public_key().as_ref()),
        })
    }
}

/// The region that the name of a key names.
pub(super) fn region_of(kid: &str) -> Option<RegionCode> {
    RegionCode::new(kid.split_once('.')?.0).ok()
}

/// The keys of a region as they were read, newest first.
struct Known {
    read: Instant,
    keys: Vec<Arc<Key>>,
}

/// The keys of all regions.
pub(crate) struct SigningKeys {
    /// `None` where a region's registry is a database and no file holds the secret.
    sealing: Option<Sealing>,
    /// A key that is older signs no more.
    of_age_ms: i64,
    regions: Mutex<HashMap<RegionCode, Known>>,
    /// Verifies what no known key has signed, for the work of it.
    nobodys: DecodingKey,
}

impl SigningKeys {
    pub(crate) fn new(sealing: Option<Sealing>, days: u32) -> Self {
        signatures::install();
        let nobodys = DecodingKey::from_ed_der(&[1; 32]);
        Self { sealing, of_age_ms: i64::from(days) * DAY_MS, regions: Mutex::default(), nobodys }
    }

    /// Whether there can be any.
    pub(crate) fn can_sign(&self) -> bool {
        self.sealing.is_some()
    }

    pub(super) fn nobodys(&self) -> &DecodingKey {
        &self.nobodys
    }

    /// The key that signs now; made where there is none, or where it has come of age.
    ///
    /// # Errors
    /// The registry's; `None` without a secret.
    pub(super) async fn newest(&self, registry: &Registry) -> Result<Option<Arc<Key>>, RegistryError> {
        let Some(sealing) = &self.sealing else { return Ok(None) };
        let is_young = |key: &Arc<Key>| registry.now_ms() - key.created_ms < self.of_age_ms;
        let trusted = self
            .lock()
            .get(registry.region())
            .and_then(|known| known.keys.first().filter(|_| known.read.elapsed() < TRUSTED).map(Arc::clone));
        if let Some(key) = trusted.filter(is_young) {
            return Ok(Some(key));
        }
        match self.read(sealing, registry).await?.first().filter(|key| is_young(key)) {
            Some(key) => Ok(Some(Arc::clone(key))),
            None => self.make(registry, None).await,
        }
    }

    /// The key of this name.
    ///
    /// # Errors
    /// The registry's.
    pub(super) async fn named(
        &self,
        registry: &Registry,
        kid: &str,
    ) -> Result<Option<Arc<Key>>, RegistryError> {
        let Some(sealing) = &self.sealing else { return Ok(None) };
        let named = |keys: &[Arc<Key>]| keys.iter().find(|key| key.kid == kid).map(Arc::clone);
        let known = self.lock().get(registry.region()).and_then(|known| named(&known.keys));
        match known {
            Some(key) => Ok(Some(key)),
            None => Ok(named(&self.read(sealing, registry).await?)),
        }
    }

    /// Makes a key, which signs from now on.
    ///
    /// # Errors
    /// The registry's; `None` without a secret.
    pub(crate) async fn rotate(
        &self,
        registry: &Registry,
        by: By,
    ) -> Result<Option<(String, i64)>, RegistryError> {
        let made = self.make(registry, Some(by)).await?;
        Ok(made.map(|key| (key.kid.clone(), key.created_ms)))
    }

    async fn make(&self, registry: &Registry, by: Option<By>) -> Result<Option<Arc<Key>>, RegistryError> {
        let Some(sealing) = &self.sealing else { return Ok(None) };
        let name: String = rand::rng().sample_iter(Alphanumeric).take(NAME).map(char::from).collect();
        let kid = format!("{}.{name}", registry.region());
        let seed: [u8; 32] = rand::rng().random();
        let Some(sealed) = sealing.seal(&kid, &seed) else { return Ok(None) };
        registry.add_signing_key(kid, sealed, by).await?;
        Ok(self.read(sealing, registry).await?.into_iter().next())
    }

    /// Reads the keys. What another secret has sealed is of no use, and a new key takes its place.
    async fn read(&self, sealing: &Sealing, registry: &Registry) -> Result<Vec<Arc<Key>>, RegistryError> {
        let sealed = registry.signing_keys().await?;
        let opened = |sealed: &SealedKey| {
            let seed = sealing.open(&sealed.kid, &sealed.sealed)?;
            Key::new(sealed, &seed).map(Arc::new)
        };
        let keys: Vec<Arc<Key>> = sealed.iter().filter_map(opened).collect();
        let known = Known { read: Instant::now(), keys: keys.clone() };
        self.lock().insert(registry.region().clone(), known);
        Ok(keys)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RegionCode, Known>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
