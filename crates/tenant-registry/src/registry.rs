//! One region's registry: resolves a credential to its tenant, and changes existing tenants for staff. Live credentials are cached; every
//! change by staff makes the tenant forgotten, so nothing stale is served. `opening` opens a registry, `lifecycle` creates
//! and deletes tenants.

use std::{
    collections::HashSet,
    num::NonZeroU64,
    sync::{Arc, Mutex},
    time::Duration,
};

use diesel::prelude::*;
use serde_json::json;
use store::{Migration, Need, ReadTx, Reserve, Store, StoreError, Stores, WriteTx};

use crate::{
    by::By,
    cache::{CacheCounts, GrantCache},
    credentials::{self, CredentialInfo, Grant, Inspected, IssuedCredential, NewCredential},
    due_times::{self, DueGuard, DueTimes},
    error::RegistryError,
    kind::CredentialKind,
    moving::Moving,
    names::{CompanyKey, RegionCode, TenantId},
    place::{RegionPlace, RegistryPlace},
    profiles::CheckProfile,
    schema::tenants,
    tenant::{
        self, Tenant, TenantSettings, TenantState, by_key, record, take_turn, write_settings, write_state,
    },
    token::Token,
};

/// One region.
pub struct Registry {
    pub(crate) region: RegionCode,
    pub(crate) place: RegionPlace,
    pub(crate) store: Store,
    pub(crate) stores: Stores,
    pub(crate) tenant_migrations: &'static [Migration],
    pub(crate) known: Arc<Known>,
    /// Tenants whose migration this process has noted, or tried to.
    pub(crate) noted: Mutex<HashSet<TenantId>>,
    /// What every writer of a tenant's store does first, for all of them at once.
    pub(crate) take_all_turns: fn(&mut WriteTx<'_>) -> Result<(), StoreError>,
    /// When something of tenants falls due, as far as this process has written it.
    pub(crate) due_times: Arc<DueTimes>,
    /// Tenants that this process moves.
    pub(crate) moving: Moving,
    /// Reads profiles, which are texts here.
    pub(crate) check_profile: CheckProfile,
    /// Names this process in leases.
    pub(crate) holder: String,
    /// Room for when the disk of the region's directory is full.
    pub(crate) reserve: Option<Reserve>,
    /// Device and inode of the file that was opened.
    pub(crate) file: Option<(u64, u64)>,
}

/// Hears which tenants staff have changed through this process, for other processes.
pub type OnForget = Arc<dyn Fn(&TenantId) + Send + Sync>;

/// What is cached of the region's tenants, and the caller that hears what is forgotten.
pub(crate) struct Known {
    pub(crate) cache: GrantCache,
    pub(crate) on_forget: OnForget,
}

/// Travels with a transaction's result. When it is dropped, which is after the commit, the tenant is forgotten.
pub(crate) struct Forgets {
    pub(crate) known: Arc<Known>,
    pub(crate) tenant: TenantId,
}

impl Drop for Forgets {
    fn drop(&mut self) {
        self.known.cache.forget(&self.tenant);
        (self.known.on_forget)(&self.tenant);
    }
}

impl Registry {
    /// The region's code.
    #[must_use]
    pub fn region(&self) -> &RegionCode {
        &self.region
    }

    /// A word for this opened registry that no other one has.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.holder
    }

    /// The live credential of this token. Unknown, revoked, expired and wrong tokens all get `None` after the same work: one query,
    /// whatever is cached (attack 20). Only a genuine token is answered from the cache.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify(&self, token: &Token, now_ms: i64) -> Result<Option<Arc<Grant>>, RegistryError> {
        let opens = |grant: &Grant| grant.admits(token, now_ms);
        if let Some(grant) = self.known.cache.get(token.key_id()).filter(|grant| opens(grant)) {
            return Ok(Some(grant));
        }
        let before = self.known.cache.before();
        let (region, key_id) = (self.region.clone(), token.key_id().to_owned());
        let Some(grant) = self.store.read(move |tx| credentials::find(tx, &region, &key_id)).await? else {
            token.compare_with_nothing();
            return Ok(None);
        };
        Ok(opens(&grant).then(|| self.known.cache.keep(&before, grant)))
    }

    /// The live credential of this key id, for whoever has shown otherwise that it is theirs: by an access token.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn live(&self, key_id: &str, now_ms: i64) -> Result<Option<Arc<Grant>>, RegistryError> {
        if let Some(grant) = self.known.cache.get(key_id) {
            return Ok(Some(grant).filter(|grant| grant.is_valid(now_ms)));
        }
        let before = self.known.cache.before();
        let (region, id) = (self.region.clone(), key_id.to_owned());
        let found = self.store.read(move |tx| credentials::find(tx, &region, &id)).await?;
        Ok(found.filter(|grant| grant.is_valid(now_ms)).map(|grant| self.known.cache.keep(&before, grant)))
    }

    /// What this registry knows of a credential, in whatever state. For staff alone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn inspect(&self, token: &Token) -> Result<Inspected, RegistryError> {
        let (region, token) = (self.region.clone(), token.clone());
        let work = move |tx: &mut ReadTx<'_>| credentials::inspect(tx, &region, token.key_id(), Some(&token));
        self.store.read(work).await
    }

    /// The same of a credential whose access token was verified.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn inspect_id(&self, key_id: &str) -> Result<Inspected, RegistryError> {
        let (region, key_id) = (self.region.clone(), key_id.to_owned());
        self.store.read(move |tx| credentials::inspect(tx, &region, &key_id, None)).await
    }

    /// Reads the tenant and its credentials again before they are served: another process has changed them.
    pub fn forget(&self, tenant: &TenantId) {
        self.known.cache.forget(tenant);
    }

    /// How often credentials were found in memory.
    pub fn cache_counts(&self) -> CacheCounts {
        self.known.cache.counts()
    }

    /// Whether it is a file, which belongs to one process.
    pub fn is_file(&self) -> bool {
        matches!(self.place.registry, RegistryPlace::Directory(_))
    }

    /// The same for all tenants: messages of other processes may have been lost.
    pub fn forget_all(&self) {
        self.known.cache.forget_all();
    }

    /// How long a tenant may be served as it was read: `None` while every change of other processes is heard of.
    pub fn limit_cache_time(&self, limit: Option<Duration>) {
        self.known.cache.limit_time(limit);
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
        let location = self.place.locate(&tenant.id, &tenant.location)?;
        let open = async || self.stores.open(&location, self.tenant_migrations).await;
        let store = spend(self.reserve.as_ref(), Need::Opening, is_full, open).await?;
        store.limit_to(tenant.settings.max_bytes.map(NonZeroU64::get));
        self.note_version(tenant).await;
        Ok(store)
    }

    /// Takes back the disk space that this region keeps for when its disk is full.
    pub async fn fill_up_reserve(&self) {
        if let Some(reserve) = &self.reserve {
            reserve.fill_up().await;
        }
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

    /// The tenants whose ids begin so, some at the most, suspended ones too: an id begins with the millisecond in which the tenant was made.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tenants_whose_id_begins(&self, beginning: &str) -> Result<Vec<Tenant>, RegistryError> {
        let (region, from) = (self.region.clone(), beginning.to_owned());
        // Behind every digit and hyphen.
        let to = format!("{beginning}g");
        self.store.read(move |tx| tenant::between(tx, &region, &from, &to)).await
    }

    /// Suspends or resumes a tenant; it takes effect with the next request.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn set_state(
        &self,
        key: &CompanyKey,
        state: TenantState,
        by: By,
    ) -> Result<Tenant, RegistryError> {
        let act = if state == TenantState::Active { "tenant.resumed" } else { "tenant.suspended" };
        self.act(key, move |tx, tenant| {
            write_state(tx, tenant, state)?;
            record(tx, tenant, &by, act, &json!({}))?;
            Ok(Tenant { state, ..tenant.clone() })
        })
        .await
    }

    /// Changes a tenant's settings, its plan, or whether it is activated; it takes effect with the next request. `change` gets the
    /// settings in the transaction that writes them, so that two changes at once do not undo each other.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn change_settings<F>(
        &self,
        key: &CompanyKey,
        by: By,
        change: F,
    ) -> Result<Tenant, RegistryError>
    where
        F: FnOnce(&mut TenantSettings) + Clone + Send + 'static,
    {
        self.act(key, move |tx, tenant| {
            let mut settings = tenant.settings.clone();
            change(&mut settings);
            write_settings(tx, tenant, &by, &settings)?;
            due_times::look_soon(tx, &tenant.id)?;
            Ok(Tenant { settings, ..tenant.clone() })
        })
        .await
    }

    /// Makes a credential; existing ones stay live (ME5).
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], or the store's.
    pub async fn add_credential(
        &self,
        key: &CompanyKey,
        new: NewCredential,
        by: By,
    ) -> Result<IssuedCredential, RegistryError> {
        let token = Token::generate(new.kind, &self.region);
        let client_id = match (new.kind, &new.client_id) {
            (CredentialKind::Oauth, None) => Token::new_client_id(&self.region),
            (CredentialKind::Issuer, None) if new.is_for_assertions() => Token::new_client_id(&self.region),
            (_, client_id) => client_id.clone().unwrap_or_default(),
        };
        self.act(key, move |tx, tenant| {
            credentials::insert(tx, tenant, &token, &new, &client_id, &by)?;
            let detail =
                json!({ "keyId": token.key_id(), "kind": new.kind, "scopes": new.scopes.to_string() });
            record(tx, tenant, &by, "credential.added", &detail)?;
            let NewCredential { expires_ms, trust, .. } = new;
            Ok(IssuedCredential { token, client_id, trust, expires_ms, tenant: tenant.clone() })
        })
        .await
    }

    /// At most `limit` of a tenant's credentials, of this kind or of all, oldest first, expired and revoked ones included, beginning
    /// after this key id.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], [`RegistryError::NoCredential`] when the tenant never had a credential `after`, or the store's.
    pub async fn credentials(
        &self,
        key: &CompanyKey,
        kind: Option<CredentialKind>,
        after: Option<String>,
        limit: i64,
    ) -> Result<Vec<CredentialInfo>, RegistryError> {
        let (region, key) = (self.region.clone(), key.clone());
        let work = move |tx: &mut ReadTx<'_>| {
            let tenant = by_key(tx, &region, &key)?;
            credentials::of_tenant(tx, &tenant, kind, after.as_deref(), limit)
        };
        self.store.read(work).await
    }

    /// One credential of a tenant, in whatever state, with the tenant.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], [`RegistryError::NoCredential`], or the store's.
    pub async fn credential(
        &self,
        key: &CompanyKey,
        key_id: &str,
    ) -> Result<(Tenant, CredentialInfo), RegistryError> {
        let (region, key, key_id) = (self.region.clone(), key.clone(), key_id.to_owned());
        let work = move |tx: &mut ReadTx<'_>| {
            let tenant = by_key(tx, &region, &key)?;
            let info = credentials::one_of_tenant(tx, &tenant, &key_id)?;
            Ok((tenant, info))
        };
        self.store.read(work).await
    }

    /// The kinds of a tenant's live credentials, each once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn kinds_of_credentials(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<CredentialKind>, RegistryError> {
        let (tenant, now_ms) = (tenant.clone(), self.now_ms());
        self.store.read(move |tx| credentials::kinds_of_tenant(tx, &tenant, now_ms)).await
    }

    /// Revokes a credential; it takes effect with the next request.
    ///
    /// # Errors
    /// [`RegistryError::NoCredential`], [`RegistryError::NoTenant`], or the store's.
    pub async fn revoke_credential(
        &self,
        key: &CompanyKey,
        key_id: &str,
        by: By,
    ) -> Result<(), RegistryError> {
        let key_id = key_id.to_owned();
        self.act(key, move |tx, tenant| {
            if !credentials::revoke(tx, tenant, &key_id)? {
                return Err(RegistryError::NoCredential(key_id));
            }
            record(tx, tenant, &by, "credential.revoked", &json!({ "keyId": key_id }))
        })
        .await
    }

    /// One act of staff on one tenant, in one transaction of the registry. After the commit the tenant is forgotten, even if the caller is
    /// gone by then.
    pub(crate) async fn act<T, F>(&self, key: &CompanyKey, act: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>, &Tenant) -> Result<T, RegistryError> + Clone + Send + 'static,
    {
        let (region, key, known) = (self.region.clone(), key.clone(), Arc::clone(&self.known));
        let work = move |tx: &mut WriteTx<'_>| {
            take_turn(tx, &key)?;
            let tenant = by_key(tx, &region, &key)?;
            Ok((act(tx, &tenant)?, Forgets { known, tenant: tenant.id }))
        };
        Ok(self.write_registry(work).await?.0)
    }

    /// A transaction of staff in the registry. It uses the region's reserve if the disk is full.
    pub(crate) async fn write_registry<T, F>(&self, work: F) -> Result<T, RegistryError>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, RegistryError> + Clone + Send + 'static,
    {
        let write = async || self.store.write_urgently(work.clone()).await;
        spend(self.reserve.as_ref(), Need::Act, RegistryError::is_full, write).await
    }

    /// A transaction of staff in a tenant's store. It ignores the tenant's limit, and uses the region's reserve if the disk is full. After
    /// the commit the tenant is forgotten, even if the caller is gone by then.
    ///
    /// # Errors
    /// The work's own, or the store's when it cannot be opened.
    pub async fn write_as_staff<T, E, F>(
        &self,
        tenant: &Tenant,
        is_full: fn(&E) -> bool,
        work: F,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Clone + Send + 'static,
    {
        let location = self.place.locate(&tenant.id, &tenant.location);
        let location = location.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let once = async |guard: DueGuard| {
            let store = self.stores.open(&location, self.tenant_migrations).await?;
            let (work, known, tenant) = (work.clone(), Arc::clone(&self.known), tenant.id.clone());
            let write = move |tx: &mut WriteTx<'_>| {
                tx.go_beyond_limit();
                let done = work(tx)?;
                guard.admit(tx)?;
                Ok::<_, E>((done, Forgets { known, tenant }))
            };
            Ok(store.write_urgently(write).await?.0)
        };
        let write = async || self.write_noting(&tenant.id, once).await;
        spend(self.reserve.as_ref(), Need::Act, is_full, write).await
    }
}

/// Does the work; where a disk of ours is full, with the space that is kept for it.
pub(crate) async fn spend<T, E>(
    reserve: Option<&Reserve>,
    need: Need,
    is_full: fn(&E) -> bool,
    mut work: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    match reserve {
        Some(reserve) => reserve.spend(need, is_full, work).await,
        None => work().await,
    }
}

pub(crate) fn is_full(error: &StoreError) -> bool {
    matches!(error, StoreError::Full)
}
