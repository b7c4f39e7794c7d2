//! One region's registry: resolves a token to its tenant, and changes existing tenants for staff. Live credentials are cached; every
//! change by staff starts a new generation of the cache, so nothing stale is served. `opening` opens a registry, `lifecycle` creates
//! and deletes tenants.

use std::{
    num::NonZeroU64,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use diesel::prelude::*;
use quick_cache::sync::Cache;
use serde_json::json;
use store::{Migration, Need, ReadTx, Reserve, Store, StoreError, StoreFile, StoreLocation, Stores, WriteTx};

use crate::{
    credentials::{self, CredentialInfo, Grant, IssuedToken},
    error::RegistryError,
    making::Making,
    names::{CompanyKey, RegionCode, TenantId},
    schema::tenants,
    tenant::{self, Tenant, TenantSettings, TenantState, by_key, record, write_state},
    token::Token,
};

/// The most credentials in the cache.
pub(crate) const CACHED_KEY_IDS: usize = 20_000;

#[derive(Clone)]
pub(crate) struct Cached {
    generation: u64,
    grant: Arc<Grant>,
}

/// One region.
pub struct Registry {
    pub(crate) region: RegionCode,
    pub(crate) directory: PathBuf,
    pub(crate) store: Store,
    pub(crate) stores: Stores,
    pub(crate) tenant_migrations: &'static [Migration],
    pub(crate) generation: Arc<AtomicU64>,
    pub(crate) grants: Cache<String, Cached>,
    pub(crate) making: Making,
    pub(crate) reserve: Reserve,
    /// Device and inode of the file that was opened.
    pub(crate) file: Option<(u64, u64)>,
}

impl Registry {
    /// The region's code.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        &self.region
    }

    /// The live credential of this token. Unknown, revoked, expired and wrong tokens all get `None` after the same work: one query,
    /// whatever is cached (attack 20). Only a genuine token is answered from the cache.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify(&self, token: &Token, now_ms: i64) -> Result<Option<Arc<Grant>>, RegistryError> {
        let opens =
            |grant: &Arc<Grant>| grant.admits(token, now_ms) && grant.tenant.state != TenantState::Deleting;
        let generation = self.generation.load(Ordering::Acquire);
        let cached = self.grants.get(token.key_id()).filter(|cached| cached.generation == generation);
        if let Some(cached) = cached.filter(|cached| opens(&cached.grant)) {
            return Ok(Some(cached.grant));
        }
        let (region, key_id) = (self.region.clone(), token.key_id().to_owned());
        let Some(grant) = self.store.read(move |tx| credentials::find(tx, &region, &key_id)).await? else {
            token.compare_with_nothing();
            return Ok(None);
        };
        let grant = Arc::new(grant);
        if !opens(&grant) {
            return Ok(None);
        }
        let cached = Cached { generation, grant: Arc::clone(&grant) };
        self.grants.insert(token.key_id().to_owned(), cached);
        Ok(Some(grant))
    }

    /// The time of this region, by which credentials expire. It is never earlier than the newest time in the registry, even if the
    /// clock was set back while the process was down.
    pub fn now_ms(&self) -> i64 {
        self.store.now_ms()
    }

    /// Writes down that a credential was used, when [`Grant::note_use`] returned true.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write_use(&self, grant: &Grant, at_ms: i64) -> Result<(), RegistryError> {
        let key_id = grant.key_id.clone();
        self.store.write(move |tx| credentials::set_last_used(tx, &key_id, at_ms)).await
    }

    /// The tenant's own store, opened if it is not open yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn store_of(&self, tenant: &Tenant) -> Result<Store, RegistryError> {
        let location = self.location(&tenant.id)?;
        let open = async || self.stores.open(&location, self.tenant_migrations).await;
        let store = self.reserve.spend(Need::Opening, is_full, open).await?;
        store.limit_to(tenant.settings.max_bytes.map(NonZeroU64::get));
        Ok(store)
    }

    /// The disk space that this region keeps for when its disk is full.
    #[must_use]
    pub fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    pub(crate) fn location(&self, id: &TenantId) -> Result<StoreLocation, RegistryError> {
        Ok(StoreLocation::Sqlite(StoreFile::new(&self.directory.join("tenants"), id.as_str())?))
    }

    /// At most `limit` of the region's tenants, sorted by company key, which never changes, beginning after this key. Includes tenants
    /// whose deletion is not complete.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page(&self, after: Option<CompanyKey>, limit: i64) -> Result<Vec<Tenant>, RegistryError> {
        let region = self.region.clone();
        let work = move |tx: &mut ReadTx<'_>| {
            let after = after.as_ref().map_or("", CompanyKey::as_str);
            let rows: Vec<tenant::Row> = tenants::table
                .filter(tenants::company_key.gt(after))
                .order(tenants::company_key)
                .limit(limit)
                .load(tx.connection())?;
            rows.into_iter().map(|row| Tenant::of_row(&region, row)).collect()
        };
        self.store.read(work).await
    }

    /// The tenant of a company key, unless it is being deleted.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], [`RegistryError::BeingDeleted`], or the store's.
    pub async fn tenant(&self, key: &CompanyKey) -> Result<Tenant, RegistryError> {
        let (region, key) = (self.region.clone(), key.clone());
        self.store.read(move |tx| by_key(tx, &region, &key)).await
    }

    /// Suspends or resumes a tenant; it takes effect with the next request.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn set_state(&self, key: &CompanyKey, state: TenantState) -> Result<Tenant, RegistryError> {
        let act = if state == TenantState::Active { "tenant.resumed" } else { "tenant.suspended" };
        self.act(key, move |tx, tenant| {
            write_state(tx, tenant, state)?;
            record(tx, tenant, act, &json!({}))?;
            Ok(Tenant { state, ..tenant.clone() })
        })
        .await
    }

    /// Changes a tenant's settings; it takes effect with the next request. `change` gets the settings in the transaction that writes
    /// them, so that two changes at once do not undo each other.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn change_settings<F>(&self, key: &CompanyKey, change: F) -> Result<Tenant, RegistryError>
    where
        F: FnOnce(&mut TenantSettings) + Clone + Send + 'static,
    {
        self.act(key, move |tx, tenant| {
            let mut settings = tenant.settings.clone();
            change(&mut settings);
            let value = serde_json::to_value(&settings).map_err(|e| RegistryError::Damaged(e.to_string()))?;
            diesel::update(tenants::table.find(tenant.id.as_str()))
                .set(tenants::settings.eq(value.to_string()))
                .execute(tx.connection())?;
            record(tx, tenant, "tenant.settings", &value)?;
            Ok(Tenant { settings, ..tenant.clone() })
        })
        .await
    }

    /// Makes a token; existing tokens stay live (ME5).
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn issue_token(
        &self,
        key: &CompanyKey,
        expires_ms: Option<i64>,
    ) -> Result<IssuedToken, RegistryError> {
        let token = Token::generate(&self.region);
        self.act(key, move |tx, tenant| {
            credentials::insert(tx, tenant, &token, expires_ms)?;
            record(tx, tenant, "token.issued", &json!({ "keyId": token.key_id() }))?;
            Ok(IssuedToken { token, expires_ms, tenant: tenant.clone() })
        })
        .await
    }

    /// At most `limit` of a tenant's tokens, oldest first, expired and revoked ones included, beginning after this key id.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], [`RegistryError::NoToken`] when the tenant never had a token `after`, or the store's.
    pub async fn tokens(
        &self,
        key: &CompanyKey,
        after: Option<String>,
        limit: i64,
    ) -> Result<Vec<CredentialInfo>, RegistryError> {
        let (region, key) = (self.region.clone(), key.clone());
        let work = move |tx: &mut ReadTx<'_>| {
            let tenant = by_key(tx, &region, &key)?;
            credentials::of_tenant(tx, &tenant, after.as_deref(), limit)
        };
        self.store.read(work).await
    }

    /// Revokes a token; it takes effect with the next request.
    ///
    /// # Errors
    /// [`RegistryError::NoToken`], [`RegistryError::NoTenant`], or the store's.
    pub async fn revoke_token(&self, key: &CompanyKey, key_id: &str) -> Result<(), RegistryError> {
        let key_id = key_id.to_owned();
        self.act(key, move |tx, tenant| {
            if !credentials::revoke(tx, tenant, &key_id)? {
                return Err(RegistryError::NoToken(key_id));
            }
            record(tx, tenant, "token.revoked", &json!({ "keyId": key_id }))
        })
        .await
    }

    /// One act of staff on one tenant, in one transaction of the registry.
    async fn act<T, F>(&self, key: &CompanyKey, act: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>, &Tenant) -> Result<T, RegistryError> + Clone + Send + 'static,
    {
        let (region, key) = (self.region.clone(), key.clone());
        self.write_as_staff(None, RegistryError::is_full, move |tx| {
            let tenant = by_key(tx, &region, &key)?;
            act(tx, &tenant)
        })
        .await
    }

    /// A transaction for staff, in the registry or in a tenant's store. It ignores the tenant's limit, and uses the region's reserve if
    /// the disk is full. After the commit a new generation of the cache begins, even if the caller is gone by then.
    ///
    /// # Errors
    /// The work's own, or the store's when it cannot be opened.
    pub async fn write_as_staff<T, E, F>(
        &self,
        tenant: Option<&Tenant>,
        is_full: fn(&E) -> bool,
        work: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Clone + Send + 'static,
    {
        let location = tenant.map(|tenant| self.location(&tenant.id)).transpose();
        let location = location.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let write = async || {
            let store = match &location {
                Some(location) => self.stores.open(location, self.tenant_migrations).await?,
                None => self.store.clone(),
            };
            let (work, next) = (work.clone(), NextGeneration(Arc::clone(&self.generation)));
            let write = move |tx: &mut WriteTx<'_>| {
                tx.go_beyond_limit();
                Ok::<_, E>((work(tx)?, next))
            };
            let (done, _begins_here) = store.write_urgently(write).await?;
            Ok(done)
        };
        self.reserve.spend(Need::Act, is_full, write).await
    }
}

pub(crate) fn is_full(error: &StoreError) -> bool {
    matches!(error, StoreError::Full)
}

/// Travels with a transaction's result and begins a new generation of the cache when it is dropped, after the commit. Rows that were
/// read before the commit have the old generation.
struct NextGeneration(Arc<AtomicU64>);

impl Drop for NextGeneration {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
