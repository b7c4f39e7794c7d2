//! One region's registry: resolve a token to its tenant, and the acts of staff on tenants that are there. What requests need is
//! cached; every change by staff starts a new generation of the cache, so nothing stale is ever served. How a registry is opened
//! is in `opening`, how tenants come and go in `lifecycle`.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use diesel::prelude::*;
use quick_cache::sync::Cache;
use serde_json::{Value, json};
use store::{Migration, Need, ReadTx, Reserve, Store, StoreError, StoreFile, StoreLocation, Stores, WriteTx};

use crate::{
    CompanyKey, CredentialInfo, Grant, IssuedToken, RegionCode, RegistryError, Tenant, TenantId,
    TenantSettings, TenantState, Token, credentials,
    lifecycle::Making,
    opening::identity,
    schema::{staff_acts, tenants},
    tenant,
};

/// Live credentials that are remembered.
const CACHED_KEY_IDS: usize = 20_000;

#[derive(Clone)]
struct Cached {
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
    generation: Arc<AtomicU64>,
    grants: Cache<String, Cached>,
    pub(crate) making: Making,
    pub(crate) reserve: Reserve,
    /// Which file was opened.
    pub(crate) file: Option<(u64, u64)>,
}

impl Registry {
    /// The registry whose store this is.
    pub(crate) fn new(
        stores: &Stores,
        store: Store,
        (region, directory, reserve): (RegionCode, PathBuf, Reserve),
        tenant_migrations: &'static [Migration],
    ) -> Self {
        Self {
            file: identity(&directory),
            reserve,
            region,
            directory,
            store,
            stores: stores.clone(),
            tenant_migrations,
            generation: Arc::default(),
            grants: Cache::new(CACHED_KEY_IDS),
            making: Making::default(),
        }
    }

    /// The region's code.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        &self.region
    }

    /// The live credential that this token is, or `None`: unknown, revoked, expired and wrong are one answer, found with
    /// the same work: one question to the store, whatever is cached (attack 20). Only a genuine token is spared it.
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

    /// What time it is, as far as this region knows: by it credentials end. A clock that is set back while the process is down
    /// does not make it earlier than what rests here.
    pub fn now_ms(&self) -> i64 {
        self.store.now_ms()
    }

    /// Writes down that a credential was used, which [`Grant::note_use`] asks for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn write_use(&self, grant: &Grant, at_ms: i64) -> Result<(), RegistryError> {
        let key_id = grant.key_id.clone();
        self.store.write(move |tx| credentials::set_last_used(tx, &key_id, at_ms)).await
    }

    /// The tenant's own store, opened when it is not open yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn store_of(&self, tenant: &Tenant) -> Result<Store, RegistryError> {
        let location = self.location(&tenant.id)?;
        let open = async || self.stores.open(&location, self.tenant_migrations).await;
        let store = self.reserve.spend(Need::Opening, is_full, open).await?;
        store.limit_to(tenant.settings.max_bytes);
        Ok(store)
    }

    /// Does work of staff on a tenant's own store, who are given the region's reserve where the disk is full.
    ///
    /// # Errors
    /// The work's own, or the store's when it cannot be opened.
    pub async fn work_as_staff<T, E: From<StoreError>>(
        &self,
        tenant: &Tenant,
        is_full: fn(&E) -> bool,
        work: impl AsyncFn(Store) -> Result<T, E>,
    ) -> Result<T, E> {
        let location = self.location(&tenant.id).map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let work = async || work(self.stores.open(&location, self.tenant_migrations).await?).await;
        self.reserve.spend(Need::Act, is_full, work).await
    }

    /// The room that this region keeps for when its disk is full.
    #[must_use]
    pub fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    pub(crate) fn location(&self, id: &TenantId) -> Result<StoreLocation, RegistryError> {
        Ok(StoreLocation::Sqlite(StoreFile::new(&self.directory.join("tenants"), id.as_str())?))
    }

    /// All tenants of the region, in order of company key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<Tenant>, RegistryError> {
        let region = self.region.clone();
        self.store
            .read(move |tx| {
                let rows: Vec<tenant::Row> =
                    tenants::table.order(tenants::company_key).load(tx.connection())?;
                rows.into_iter().map(|row| Tenant::of_row(&region, row)).collect()
            })
            .await
    }

    /// A page of the region's tenants, in order of company key, which never changes: those after the one of this key, at most
    /// `limit`, those included whose deletion has not ended.
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

    /// Changes what staff set for a tenant; it takes effect with the next request. `change` is given what is set in the
    /// transaction that writes it, so that of two changes at once neither undoes the other.
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

    /// Makes a token; the ones that are live stay so (ME5).
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

    /// A page of a tenant's tokens, oldest first, ended ones included: those after the one of this key id, at most `limit`.
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

    /// Ends a token, at once for every request that begins later.
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

    /// For an act of staff whose transaction is in the tenant's own store: let this value travel with the transaction's result,
    /// so that what was cached of the tenant ends with the commit, whoever is left to receive it.
    #[must_use]
    pub fn next_generation(&self) -> NextGeneration {
        NextGeneration(Arc::clone(&self.generation))
    }

    /// One act of staff on one tenant: a transaction, then a new generation of the cache. The generation travels with the
    /// transaction's result, because the caller may be gone before that is there: the act holds nevertheless.
    async fn act<T, F>(&self, key: &CompanyKey, act: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>, &Tenant) -> Result<T, RegistryError> + Clone + Send + 'static,
    {
        let (region, key) = (self.region.clone(), key.clone());
        self.write_as_staff(move |tx| {
            let tenant = by_key(tx, &region, &key)?;
            act(tx, &tenant)
        })
        .await
    }

    /// A transaction in the registry for staff, who are given the region's reserve where the disk is full; then a new generation
    /// of the cache.
    pub(crate) async fn write_as_staff<T, F>(&self, work: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, RegistryError> + Clone + Send + 'static,
    {
        let write = async || {
            let (work, next) = (work.clone(), self.next_generation());
            let (done, _begins_here) =
                self.store.write_urgently(move |tx| Ok::<_, RegistryError>((work(tx)?, next))).await?;
            Ok(done)
        };
        self.reserve.spend(Need::Act, RegistryError::is_full, write).await
    }
}

pub(crate) fn is_full(error: &StoreError) -> bool {
    matches!(error, StoreError::Full)
}

/// Begins a new generation of the cache when it is dropped, which is after the commit, whoever is left to receive it.
/// Whoever read before the commit tagged what it read with the old generation.
#[derive(Debug)]
pub struct NextGeneration(Arc<AtomicU64>);

impl Drop for NextGeneration {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// The tenant of a company key, if staff can still act on it.
fn by_key(tx: &mut ReadTx<'_>, region: &RegionCode, key: &CompanyKey) -> Result<Tenant, RegistryError> {
    match find(tx, region, key)? {
        Tenant { state: TenantState::Deleting, .. } => {
            Err(RegistryError::BeingDeleted { region: region.to_string(), key: key.to_string() })
        }
        tenant => Ok(tenant),
    }
}

/// The tenant of a company key, in whatever state.
pub(crate) fn find(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    key: &CompanyKey,
) -> Result<Tenant, RegistryError> {
    let row: Option<tenant::Row> = tenants::table
        .filter(tenants::company_key.eq(key.as_str()))
        .get_result(tx.connection())
        .optional()?;
    let missing = || RegistryError::NoTenant { region: region.to_string(), key: key.to_string() };
    Tenant::of_row(region, row.ok_or_else(missing)?)
}

pub(crate) fn write_state(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    state: TenantState,
) -> Result<(), RegistryError> {
    diesel::update(tenants::table.find(tenant.id.as_str()))
        .set(tenants::state.eq(state.key()))
        .execute(tx.connection())?;
    Ok(())
}

/// The audit entry of an act, in the act's own transaction (attack 58).
pub(crate) fn record(
    tx: &mut WriteTx<'_>,
    tenant: &Tenant,
    act: &str,
    detail: &Value,
) -> Result<(), RegistryError> {
    let row = (
        staff_acts::id.eq(tx.new_id()),
        staff_acts::at_ms.eq(tx.now_ms()),
        staff_acts::tenant_id.eq(tenant.id.as_str()),
        staff_acts::act.eq(act),
        staff_acts::detail.eq(detail.to_string()),
    );
    diesel::insert_into(staff_acts::table).values(row).execute(tx.connection())?;
    Ok(())
}
