//! Moves a tenant into another place: a file or a cell, of its own region or of another one.
//!
//! The source takes no writes while its rows are copied. When the copy is complete the source is fenced, in the transaction that kept
//! the writes out: that commit is the one decision. Before it, an interruption has changed nothing that is served; after it, the move
//! goes on, by whichever process finds it. docs/decisions/0053 has the whole reasoning.

mod abroad;
mod recovery;
mod steps;

use std::sync::Arc;

use store::{ReadTx, StoreLocation, WriteTx};
use transfer::{Progress, copy};

use crate::{
    by::By,
    cells,
    error::{RegistryError, TenantName},
    leases::{self, Renewal},
    move_row::{MoveRow, is_moving},
    moving::UnderWay,
    names::{CompanyKey, TenantId},
    place::{Placement, TenantLocation},
    record::TenantRecord,
    registry::Registry,
    tenant::{Tenant, find},
};

/// The place where a tenant shall be.
pub struct Destination {
    /// A file, or a cell.
    pub placement: Placement,
    /// The region; `None` for the tenant's own.
    pub region: Option<Arc<Registry>>,
}

/// What became of the wish to move a tenant.
pub enum Begun {
    /// It is there.
    There(Box<Tenant>),
    /// It is noted that it moves.
    Moving(Box<Move>),
}

/// A tenant on its way, by this process.
pub struct Move {
    source: Arc<Registry>,
    /// The same as `source` for a move within the region.
    target: Arc<Registry>,
    row: MoveRow,
    key: CompanyKey,
    progress: Arc<Progress>,
    _renewal: Renewal,
    _under_way: UnderWay,
}

/// The end of a move.
enum Settled {
    /// The tenant, where it is now.
    Moved(Box<Tenant>),
    /// It is where it was.
    Undone,
}

impl Settled {
    fn moved(tenant: Tenant) -> Self {
        Self::Moved(Box::new(tenant))
    }
}

impl Move {
    /// Notes that a tenant moves. From now on it is moved, or everything is undone, also when this process dies.
    ///
    /// # Errors
    /// [`RegistryError::NoTenant`], [`RegistryError::Placement`], [`RegistryError::KeyTaken`] in the other region,
    /// [`RegistryError::Occupied`], or the store's. Nothing has changed.
    pub async fn begin(
        source: &Arc<Registry>,
        key: &CompanyKey,
        to: Destination,
        by: By,
    ) -> Result<Begun, RegistryError> {
        let other = to.region.filter(|region| region.region != source.region);
        let target = other.clone().unwrap_or_else(|| Arc::clone(source));
        if let Some(there) = find_there(source, &target, key, &to.placement).await? {
            return Ok(Begun::There(Box::new(there)));
        }
        let (tenant, record) = source.to_be_moved(key).await?;
        let row = MoveRow {
            tenant: tenant.id.clone(),
            from: tenant.location.clone(),
            to_region: other.is_some().then(|| target.region.clone()),
            to: target.find_place(&tenant.id, &to.placement).await?,
            record: None,
            by,
        };
        let occupied = RegistryError::Occupied(TenantName::new(&source.region, key));
        let Some(under_way) = source.moving.begin(&tenant.id) else { return Err(occupied) };
        source.note_move(&tenant, row.clone()).await?;
        let moving = Self::new(source, target, row, key.clone(), under_way);
        if other.is_some()
            && let Err(error) = moving.target.expect(record, moving.row.to.clone()).await
        {
            moving.settle().await?;
            return Err(error);
        }
        Ok(Begun::Moving(Box::new(moving)))
    }

    fn new(
        source: &Arc<Registry>,
        target: Arc<Registry>,
        row: MoveRow,
        key: CompanyKey,
        under_way: UnderWay,
    ) -> Self {
        Self {
            _renewal: leases::renew(&source.store, &row.tenant, &source.holder),
            source: Arc::clone(source),
            target,
            row,
            key,
            progress: Arc::default(),
            _under_way: under_way,
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Moves the tenant; the tenant as it is then. What cannot be completed or undone now is by the next look.
    ///
    /// # Errors
    /// The store's, of either place: the tenant is where it was, unless the registry cannot be written either.
    pub async fn run(self) -> Result<Tenant, RegistryError> {
        let fenced = self.copy_and_fence().await;
        let settled = match &fenced {
            Ok(()) => self.go_on().await,
            // Whether there is a fence all the same is to be found out: the answer to its commit may have been lost.
            Err(_) => self.settle().await,
        };
        match settled {
            Ok(Settled::Moved(tenant)) => Ok(*tenant),
            Ok(Settled::Undone) => Err(fenced.err().unwrap_or_else(|| self.occupied())),
            Err(error) => {
                self.source.end_lease(&self.row.tenant).await;
                Err(fenced.err().unwrap_or(error))
            }
        }
    }

    async fn copy_and_fence(&self) -> Result<(), RegistryError> {
        let (stores, migrations) = (&self.source.stores, self.source.tenant_migrations);
        let to = self.to()?;
        stores.destroy(&to).await?;
        let store = stores.open(&self.from()?, migrations).await?;
        let hold = store.hold(self.source.take_all_turns).await?;
        // Whoever found this move abandoned has the lease, and waits for the hold to undo it.
        let copied = match self.require_lease().await {
            Ok(()) => {
                copy(&store, stores, &to, migrations, &self.progress).await.map_err(RegistryError::from)
            }
            Err(error) => Err(error),
        };
        match copied {
            Ok(copied) => {
                drop(copied);
                // Now its log is in its file.
                stores.close(&to).await;
                Ok(hold.fence().await?)
            }
            Err(error) => {
                hold.let_go().await;
                Err(error)
            }
        }
    }

    fn from(&self) -> Result<StoreLocation, RegistryError> {
        self.source.place.locate(&self.row.tenant, &self.row.from)
    }

    fn to(&self) -> Result<StoreLocation, RegistryError> {
        self.target.place.locate(&self.row.tenant, &self.row.to)
    }

    fn occupied(&self) -> RegistryError {
        RegistryError::Occupied(TenantName::new(&self.source.region, &self.key))
    }

    fn is_abroad(&self) -> bool {
        self.row.to_region.is_some()
    }
}

/// The tenant, if it is where it shall be.
async fn find_there(
    source: &Registry,
    target: &Registry,
    key: &CompanyKey,
    placement: &Placement,
) -> Result<Option<Tenant>, RegistryError> {
    let tenant = match target.tenant(key).await {
        Ok(tenant) => tenant,
        Err(RegistryError::NoTenant(_) | RegistryError::BeingDeleted(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let came_from_there = async || match source.tenant(key).await {
        Err(RegistryError::NoTenant(_)) => source.has_sent(&tenant.id, &target.region).await,
        // The key is another tenant's there, or this one is still leaving.
        Ok(_) | Err(RegistryError::BeingDeleted(_)) => Ok(false),
        Err(error) => Err(error),
    };
    let is_there =
        placement.is(&tenant.location) && (source.region == target.region || came_from_there().await?);
    Ok(is_there.then_some(tenant))
}

impl Registry {
    async fn to_be_moved(&self, key: &CompanyKey) -> Result<(Tenant, TenantRecord), RegistryError> {
        let (region, key) = (self.region.clone(), key.clone());
        let read = move |tx: &mut ReadTx<'_>| {
            let tenant = find(tx, &region, &key)?;
            if is_moving(tx, &tenant.id)? {
                return Err(RegistryError::Occupied(TenantName::new(&region, &key)));
            }
            let record = TenantRecord::read(tx, &key)?;
            Ok((tenant, record.ok_or_else(|| RegistryError::BeingDeleted(TenantName::new(&region, &key)))?))
        };
        self.store.read(read).await
    }

    /// A place here for a tenant that comes, under a name that no store of it had: what belated work does to an earlier one must not
    /// meet this one.
    async fn find_place(
        &self,
        id: &TenantId,
        placement: &Placement,
    ) -> Result<TenantLocation, RegistryError> {
        let (region, place) = (self.region.clone(), self.place.clone());
        let (id, placement) = (id.clone(), placement.clone());
        let found =
            self.store.read(move |tx| cells::place(tx, &region, &place, &id, Some(&placement))).await?;
        Ok(match found {
            TenantLocation::File => TenantLocation::File,
            TenantLocation::Cell { cell, schema } => {
                TenantLocation::Cell { cell, schema: format!("{schema}_{}", random_ending()) }
            }
        })
    }

    /// Notes a move or a restoration, with the tenant's lease.
    pub(crate) async fn note_move(&self, tenant: &Tenant, row: MoveRow) -> Result<(), RegistryError> {
        let (region, holder, tenant) = (self.region.clone(), self.holder.clone(), tenant.clone());
        let note = move |tx: &mut WriteTx<'_>| {
            let taken = leases::take(tx, &tenant, &holder)?;
            // Another act may have come between.
            let now = find(tx, &region, &tenant.company_key)?;
            if !taken || now.location != tenant.location || now.state != tenant.state {
                return Err(RegistryError::Occupied(TenantName::new(&region, &tenant.company_key)));
            }
            row.insert(tx)
        };
        self.write_registry(note).await
    }
}

/// Three characters: a schema's name has room for no more.
fn random_ending() -> String {
    use rand::{RngExt as _, distr::Alphanumeric};
    let random = rand::rng().sample_iter(Alphanumeric).take(3).map(char::from);
    random.map(|c| c.to_ascii_lowercase()).collect()
}
