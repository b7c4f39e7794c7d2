//! Every act of staff on one existing tenant. A change takes effect with the next request.

use std::{fs::File, sync::Arc};

use directory::changes::{self, ChangeRecord};
use provisioning::{
    Act, Product, ProvisioningError, audit,
    schemas::{self, OwnSchema, OwnSchemas, SchemaChange},
};
use seat_ledger::{
    Licenses,
    lines::{self, Line},
};
use store::{ReadTx, StoreError, WriteTx};
use tenant_registry::{
    Begun, By, CompanyKey, CredentialInfo, CredentialKind, Destination, Export, IssuedCredential, Move,
    Placement, Registry, StaffAct, Tenant, TenantSettings, TenantState,
};

use crate::{
    CredentialRequest, CredentialTest, NewLine, PlanChange, SchemaRequest, SeatsOf, StaffError, TenantChange,
    Waiting, by, credentials::check_kind, plan, product_of, seats,
};

/// What staff can do to one tenant.
#[derive(Clone)]
pub struct TenantActs {
    /// The registry of the tenant's region.
    pub registry: Arc<Registry>,
    /// The tenant's name in URLs.
    pub key: CompanyKey,
    /// The request that asks for it.
    pub act: Act,
}

pub(crate) type Result<T> = std::result::Result<T, StaffError>;

impl TenantActs {
    /// The tenant as the registry knows it.
    pub async fn tenant(&self) -> Result<Tenant> {
        Ok(self.registry.tenant(&self.key).await?)
    }

    pub(crate) async fn product(&self) -> Result<Arc<Product>> {
        product_of(&self.registry, &self.tenant().await?).await
    }

    async fn licenses(&self) -> Result<Licenses> {
        Ok(self.product().await?.licenses().clone())
    }

    /// How much the tenant's store holds.
    pub async fn bytes_in_use(&self, tenant: &Tenant) -> Result<u64> {
        Ok(self.registry.store_of(tenant).await?.bytes_in_use().await?)
    }

    /// Changes the profile, settings and plan.
    pub async fn change(&self, change: TenantChange) -> Result<Tenant> {
        let change = change.check()?;
        if let Some(profile) = &change.profile {
            let tenant = self.set_profile(profile).await?;
            if change.settings.is_none() && change.plan.is_none() {
                return Ok(tenant);
            }
        }
        let apply = move |settings: &mut TenantSettings| change.apply(settings);
        Ok(self.registry.change_settings(&self.key, self.by(), apply).await?)
    }

    /// Activates provisioning (CX16).
    pub async fn activate(&self) -> Result<Tenant> {
        let activate = |settings: &mut TenantSettings| settings.awaits_activation = false;
        Ok(self.registry.change_settings(&self.key, self.by(), activate).await?)
    }

    /// What staff did to the tenant, newest first: to its settings and credentials, and in its store.
    pub async fn staff_acts(&self, limit: i64) -> Result<(Vec<StaffAct>, Vec<ChangeRecord>)> {
        let acts = self.registry.acts(Some(self.key.clone()), limit).await?;
        let changes =
            move |tx: &mut ReadTx<'_>| Ok::<_, ProvisioningError>(changes::newest_by_staff(tx, limit)?);
        Ok((acts, self.read(changes).await?))
    }

    pub(crate) fn by(&self) -> By {
        by(&self.act)
    }

    /// Suspends or resumes the tenant.
    pub async fn set_state(&self, state: TenantState) -> Result<Tenant> {
        Ok(self.registry.set_state(&self.key, state, self.by()).await?)
    }

    /// Deletes the tenant with everything it has.
    pub async fn delete(&self) -> Result<()> {
        Ok(self.registry.delete(&self.key, self.by()).await?)
    }

    /// Notes that the tenant moves, into a region that this process serves; the caller runs the move.
    pub async fn begin_move(&self, placement: Placement, region: Option<Arc<Registry>>) -> Result<Begun> {
        Ok(Move::begin(&self.registry, &self.key, Destination { placement, region }, self.by()).await?)
    }

    /// Writes the tenant's export into a file without a name; `exported` is the time, for people.
    pub async fn export(&self, exported: String) -> Result<File> {
        Ok(self.registry.export(&self.key, exported).await?)
    }

    /// Puts the tenant back to what an export holds of it, and makes it again if it was deleted.
    pub async fn restore(&self, export: File) -> Result<Tenant> {
        let export = Export::check(export).await?;
        if *export.key() != self.key {
            let (other, key) = (export.key(), &self.key);
            return Err(StaffError::BadRequest(format!(
                "The export is that of {other}, and the path names {key}"
            )));
        }
        Ok(self.registry.restore(export, self.by()).await?)
    }

    /// Makes a credential, whose secret is shown only once.
    pub async fn add_credential(&self, new: CredentialRequest) -> Result<IssuedCredential> {
        let new = new.check(self.registry.now_ms())?;
        check_kind(&*self.product().await?, new.kind)?;
        Ok(self.registry.add_credential(&self.key, new, self.by()).await?)
    }

    /// A page of the tenant's credentials, of this kind or of all, oldest first, expired and revoked ones included.
    pub async fn credentials(
        &self,
        kind: Option<CredentialKind>,
        after: Option<String>,
        limit: i64,
    ) -> Result<Vec<CredentialInfo>> {
        Ok(self.registry.credentials(&self.key, kind, after, limit).await?)
    }

    /// Whether a credential would be accepted now.
    pub async fn test_credential(&self, key_id: &str) -> Result<CredentialTest> {
        let (tenant, info) = self.registry.credential(&self.key, key_id).await?;
        Ok(CredentialTest::new(tenant, info, self.registry.now_ms()))
    }

    /// Revokes one credential.
    pub async fn revoke_credential(&self, key_id: &str) -> Result<()> {
        Ok(self.registry.revoke_credential(&self.key, key_id, self.by()).await?)
    }

    /// Quota, use, queue and policy of each license.
    pub async fn seats(&self) -> Result<Vec<SeatsOf>> {
        let (licenses, now_ms) = (self.licenses().await?, self.registry.now_ms());
        self.read(move |tx| seats::all(tx, &licenses, now_ms)).await
    }

    /// Who waits for a seat, in order.
    pub async fn waiting(&self) -> Result<Vec<Waiting>> {
        let licenses = self.licenses().await?;
        self.read(move |tx| seats::waiting_of(tx, &licenses)).await
    }

    /// The dated lines of the quotas, oldest first.
    pub async fn lines(&self) -> Result<Vec<Line>> {
        let licenses = self.licenses().await?;
        self.read(move |tx| Ok::<_, ProvisioningError>(lines::all(tx, &licenses)?)).await
    }

    /// Adds a dated line; returns it with its number.
    pub async fn add_line(&self, new: NewLine) -> Result<Line> {
        let new = new.check(&self.licenses().await?)?;
        let act = self.act.clone();
        self.write(move |tx| provisioning::plan::add_line(tx, new, &act)).await
    }

    /// Takes a dated line away; whether there was one of this number.
    pub async fn remove_line(&self, number: i64) -> Result<bool> {
        let (act, licenses) = (self.act.clone(), self.licenses().await?);
        self.write(move |tx| provisioning::plan::remove_line(tx, &licenses, number, &act)).await
    }

    /// Changes quotas and policies; returns the seats after the change.
    pub async fn change_plan(&self, change: PlanChange) -> Result<Vec<SeatsOf>> {
        let (act, licenses) = (self.act.clone(), self.licenses().await?);
        let now_ms = self.registry.now_ms();
        let change = plan::resolve(change, &licenses)?;
        let work = move |tx: &mut WriteTx<'_>| {
            plan::apply(tx, &change, &act)?;
            seats::all(tx, &licenses, now_ms)
        };
        self.write(work).await
    }

    /// Recounts the ledger.
    pub async fn audit(&self) -> Result<audit::Report> {
        let licenses = self.licenses().await?;
        self.read(move |tx| audit::run(tx, &licenses)).await
    }

    /// The newest records of the change log, of one resource or of all.
    pub async fn changes(&self, resource: Option<String>, limit: i64) -> Result<Vec<ChangeRecord>> {
        let work = move |tx: &mut ReadTx<'_>| {
            Ok::<_, ProvisioningError>(match resource {
                Some(id) => changes::of_resource(tx, &id, limit)?,
                None => changes::newest(tx, limit)?,
            })
        };
        self.read(work).await
    }

    /// The tenant's own schemas.
    pub async fn schemas(&self) -> Result<OwnSchemas> {
        self.read(schemas::all).await
    }

    /// One of them, and how many resources hold data of it.
    pub async fn schema(&self, urn: String) -> Result<(OwnSchema, i64)> {
        self.read(move |tx| schemas::get(tx, &urn)).await
    }

    /// Adds a schema or replaces the one with its URN. If `urn` is given, the schema must have it.
    pub async fn put_schema(
        &self,
        urn: Option<&str>,
        new: SchemaRequest,
    ) -> Result<(OwnSchema, SchemaChange)> {
        let (new, act) = (new.check()?, self.act.clone());
        if let Some(urn) = urn.filter(|urn| !new.schema.id.eq_ignore_ascii_case(urn)) {
            return Err(StaffError::BadRequest(format!(
                "The document's id is {}, but the path names {urn}",
                new.schema.id
            )));
        }
        self.write(move |tx| schemas::put(tx, new, &act)).await
    }

    /// Removes a schema of which no resource holds data.
    pub async fn remove_schema(&self, urn: String) -> Result<()> {
        let act = self.act.clone();
        self.write(move |tx| schemas::remove(tx, &urn, &act)).await
    }

    pub(crate) async fn read<T, E, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        E: From<StoreError> + Into<StaffError> + Send + 'static,
        F: FnOnce(&mut ReadTx<'_>) -> std::result::Result<T, E> + Send + 'static,
    {
        let store = self.registry.store_of(&self.tenant().await?).await?;
        store.read(work).await.map_err(Into::into)
    }

    /// A transaction in the tenant's own store: neither the tenant's limit nor a full disk prevents it, and what is cached of the tenant
    /// ends with it.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        E: From<StoreError> + Into<StaffError> + Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> std::result::Result<T, E> + Clone + Send + 'static,
    {
        let work = move |tx: &mut WriteTx<'_>| work(tx).map_err(Into::into);
        self.registry.write_as_staff(&self.tenant().await?, StaffError::is_full, work).await
    }
}
