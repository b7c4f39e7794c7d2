//! Named admin tokens (ME2): who of the staff has one, and what it reaches. Each rests in one registry, that of the region in its text:
//! the region that it is bound to, else one that the gateway chooses. Nothing of them is cached, so a revoked one ends at once.

use diesel::prelude::*;
use serde_json::json;
use store::{ReadTx, StoreError, WriteTx};
use strum::{EnumString, IntoStaticStr};

use crate::{
    by::By,
    credentials,
    error::RegistryError,
    names::{CompanyKey, RegionCode, TokenName},
    registry::Registry,
    schema::{admin_tokens, tenants},
    tenant::{Tenant, TenantState, by_key, record_of},
    token::NamedToken,
};

/// The most live tokens of a registry: a person or a program has one or two.
const MOST: i64 = 1_000;

/// What a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminTokenReach {
    /// All of every region, and the tokens of staff.
    Everything,
    /// One region.
    Region(RegionCode),
    /// One tenant.
    Tenant {
        /// Its region.
        region: RegionCode,
        /// Its company key.
        key: CompanyKey,
    },
}

/// A live token as staff see it, without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminTokenInfo {
    /// The public part of the token.
    pub key_id: String,
    /// Its name, which is free again when it is revoked.
    pub name: TokenName,
    /// What it reaches.
    pub reach: AdminTokenReach,
    /// Who made it.
    pub maker: String,
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
}

/// [`AdminTokenReach`] as it is stored, beside the tenant's id.
#[derive(Clone, Copy, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
enum StoredReach {
    Everything,
    Region,
    Tenant,
}

/// A row, with the company key of its tenant.
#[derive(Queryable)]
struct Row {
    key_id: String,
    name: String,
    reach: String,
    salt: String,
    hash: String,
    maker: String,
    created_ms: i64,
    tenant: Option<String>,
}

impl Row {
    /// `None` when its tenant is not here any more.
    fn info(self, region: &RegionCode) -> Result<Option<AdminTokenInfo>, RegistryError> {
        let stored = self.reach.parse();
        let stored =
            stored.map_err(|_| RegistryError::Damaged(format!("reach {:?} is not known", self.reach)))?;
        let region = region.clone();
        let reach = match (stored, self.tenant) {
            (StoredReach::Everything, _) => AdminTokenReach::Everything,
            (StoredReach::Region, _) => AdminTokenReach::Region(region),
            (StoredReach::Tenant, Some(key)) => {
                AdminTokenReach::Tenant { region, key: CompanyKey::new(&key)? }
            }
            (StoredReach::Tenant, None) => return Ok(None),
        };
        let (key_id, name) = (self.key_id, TokenName::new(&self.name)?);
        Ok(Some(AdminTokenInfo { key_id, name, reach, maker: self.maker, created_ms: self.created_ms }))
    }
}

impl Registry {
    /// The live token of this text. Unknown, revoked and wrong tokens all get `None` after the same work (attack 20).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify_admin(&self, token: &NamedToken) -> Result<Option<AdminTokenInfo>, RegistryError> {
        let key_id = token.key_id().to_owned();
        let mut rows = self.store.read(move |tx| rows(tx, Some(&key_id))).await?;
        let Some(row) = rows.pop() else {
            token.compare_with_nothing();
            return Ok(None);
        };
        if token.is(&row.salt, &row.hash) { row.info(&self.region) } else { Ok(None) }
    }

    /// The live tokens that rest here, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn admin_tokens(&self) -> Result<Vec<AdminTokenInfo>, RegistryError> {
        let region = self.region.clone();
        let work = move |tx: &mut ReadTx<'_>| {
            let infos = rows(tx, None)?.into_iter().map(|row| row.info(&region));
            infos.filter_map(Result::transpose).collect()
        };
        self.store.read(work).await
    }

    /// Whether a live token of this name rests here.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_admin_token(&self, name: &TokenName) -> Result<bool, RegistryError> {
        let name = name.clone();
        self.store.read(move |tx| is_taken(tx, &name)).await
    }

    /// Makes a token that rests here. What it is bound to is in this region.
    ///
    /// # Errors
    /// [`RegistryError::TokenNameTaken`], [`RegistryError::TooManyTokens`], [`RegistryError::NoTenant`], or the store's.
    pub async fn add_admin_token(
        &self,
        name: TokenName,
        reach: AdminTokenReach,
        by: By,
    ) -> Result<(NamedToken, AdminTokenInfo), RegistryError> {
        let (region, token) = (self.region.clone(), NamedToken::generate(&self.region));
        let taken = RegistryError::TokenNameTaken(name.clone());
        let work = move |tx: &mut WriteTx<'_>| {
            if is_taken(tx, &name)? {
                return Err(RegistryError::TokenNameTaken(name));
            }
            let live = admin_tokens::table.filter(admin_tokens::revoked_ms.is_null()).count();
            if live.get_result::<i64>(tx.connection())? >= MOST {
                return Err(RegistryError::TooManyTokens(MOST));
            }
            let (stored, tenant) = match &reach {
                AdminTokenReach::Everything => (StoredReach::Everything, None),
                AdminTokenReach::Region(_) => (StoredReach::Region, None),
                AdminTokenReach::Tenant { key, .. } => (StoredReach::Tenant, Some(by_key(tx, &region, key)?)),
            };
            let tenant_id = tenant.as_ref().map(|tenant| tenant.id.as_str());
            let (salt, hash) = token.salted();
            let created_ms = tx.now_ms();
            let row = (
                admin_tokens::key_id.eq(token.key_id()),
                admin_tokens::name.eq(name.as_str()),
                admin_tokens::reach.eq(<&str>::from(stored)),
                admin_tokens::tenant_id.eq(tenant_id),
                admin_tokens::salt.eq(salt),
                admin_tokens::hash.eq(hash),
                admin_tokens::maker.eq(&by.actor),
                admin_tokens::created_ms.eq(created_ms),
            );
            diesel::insert_into(admin_tokens::table).values(row).execute(tx.connection())?;
            let detail = json!({ "name": name, "id": token.key_id(), "reach": <&str>::from(stored) });
            record_of(tx, tenant_id.unwrap_or_default(), &by, "admin_token.added", &detail)?;
            let key_id = token.key_id().to_owned();
            let info = AdminTokenInfo { key_id, name, reach, maker: by.actor, created_ms };
            Ok((token, info))
        };
        self.write_registry(work).await.map_err(|error| match error {
            // Another process was faster.
            RegistryError::Store(StoreError::Unique(_)) => taken,
            error => error,
        })
    }

    /// Revokes the token of this name; false when none rests here. It opens nothing from the next request on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_admin_token(&self, name: &TokenName, by: By) -> Result<bool, RegistryError> {
        let name = name.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let live = admin_tokens::table
                .filter(admin_tokens::name.eq(name.as_str()).and(admin_tokens::revoked_ms.is_null()));
            let bound = live.select((admin_tokens::key_id, admin_tokens::tenant_id));
            let bound: Option<(String, Option<String>)> = bound.first(tx.connection()).optional()?;
            let Some((key_id, tenant_id)) = bound else { return Ok(false) };
            diesel::update(admin_tokens::table.find(&key_id))
                .set(admin_tokens::revoked_ms.eq(tx.now_ms()))
                .execute(tx.connection())?;
            let detail = json!({ "name": name, "id": key_id });
            record_of(tx, &tenant_id.unwrap_or_default(), &by, "admin_token.revoked", &detail)?;
            Ok(true)
        };
        self.write_registry(work).await
    }

    /// Writes down which tokens of this region's tenants live on without the maker of this name (MO10).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_tokens_without_maker(&self, maker: TokenName, by: By) -> Result<(), RegistryError> {
        let region = self.region.clone();
        self.write_registry(move |tx| credentials::outlive(tx, &region, &maker, &by)).await
    }
}

/// The live token of this key id, or all of them, by name.
fn rows(tx: &mut ReadTx<'_>, key_id: Option<&str>) -> Result<Vec<Row>, RegistryError> {
    let is_of_tenant = admin_tokens::tenant_id.eq(tenants::id.nullable());
    let is_in_service = tenants::state.ne(TenantState::Deleting.key());
    let mut live = admin_tokens::table
        .left_join(tenants::table.on(is_of_tenant.and(is_in_service)))
        .filter(admin_tokens::revoked_ms.is_null())
        .order(admin_tokens::name)
        .select((
            admin_tokens::key_id,
            admin_tokens::name,
            admin_tokens::reach,
            admin_tokens::salt,
            admin_tokens::hash,
            admin_tokens::maker,
            admin_tokens::created_ms,
            tenants::company_key.nullable(),
        ))
        .into_boxed();
    if let Some(key_id) = key_id {
        live = live.filter(admin_tokens::key_id.eq(key_id));
    }
    Ok(live.load(tx.connection())?)
}

fn is_taken(tx: &mut ReadTx<'_>, name: &TokenName) -> Result<bool, RegistryError> {
    let live = admin_tokens::table
        .filter(admin_tokens::name.eq(name.as_str()).and(admin_tokens::revoked_ms.is_null()));
    Ok(live.count().get_result::<i64>(tx.connection())? > 0)
}

/// Revokes the tokens that are bound to a tenant, which is being deleted.
pub(crate) fn forget_tenant(tx: &mut WriteTx<'_>, tenant: &Tenant) -> Result<(), RegistryError> {
    let bound = admin_tokens::table
        .filter(admin_tokens::tenant_id.eq(tenant.id.as_str()).and(admin_tokens::revoked_ms.is_null()));
    diesel::update(bound).set(admin_tokens::revoked_ms.eq(tx.now_ms())).execute(tx.connection())?;
    Ok(())
}
