//! The cells of a region: which of them take new tenants, and where a new tenant goes.

use std::collections::HashMap;

use diesel::{dsl::count_star, prelude::*};
use serde::Serialize;
use serde_json::json;
use store::{ReadTx, WriteTx};

use crate::{
    by::By,
    error::RegistryError,
    names::{CellName, RegionCode, TenantId},
    place::{Placement, RegionPlace, RegistryPlace, TenantLocation, schema_of},
    registry::Registry,
    schema::{cells, tenants},
    tenant::record_of,
};

/// A cell as staff see it; never its URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellState {
    /// Its name in the settings.
    pub name: CellName,
    /// Whether it takes new tenants.
    pub open: bool,
    /// How many tenants it holds.
    pub tenants: i64,
}

impl Registry {
    /// Every cell that the settings ever named, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn cells(&self) -> Result<Vec<CellState>, RegistryError> {
        self.store.read(all).await
    }

    /// Opens a cell for new tenants, or closes it; the settings no longer decide it then.
    ///
    /// # Errors
    /// [`RegistryError::Placement`] when there is no such cell, or the store's.
    pub async fn open_cell(&self, name: CellName, open: bool, by: By) -> Result<CellState, RegistryError> {
        let region = self.region.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let cell = cells::table.find(name.as_str());
            let found = diesel::update(cell).set(cells::open.eq(i64::from(open))).execute(tx.connection())?;
            let state = all(tx)?.into_iter().find(|state| found == 1 && state.name == name);
            let state = state.ok_or_else(|| no_such_cell(&region, &name))?;
            let act = if open { "cell.opened" } else { "cell.closed" };
            record_of(tx, "", &by, act, &json!({ "cell": name }))?;
            Ok(state)
        };
        self.write_registry(work).await
    }
}

fn no_such_cell(region: &RegionCode, name: &CellName) -> RegistryError {
    RegistryError::Placement(format!(
        "region {region} has no cell {name}; `usher cell list --region {region}` shows them"
    ))
}

fn all(tx: &mut ReadTx<'_>) -> Result<Vec<CellState>, RegistryError> {
    let rows: Vec<(String, i64)> = cells::table.load(tx.connection())?;
    let held = tenants::table
        .filter(tenants::cell.is_not_null())
        .group_by(tenants::cell)
        .select((tenants::cell, count_star()));
    let held: HashMap<Option<String>, i64> = held.load(tx.connection())?.into_iter().collect();
    let state = |(name, open): (String, i64)| {
        let tenants = held.get(&Some(name.clone())).copied().unwrap_or_default();
        Ok(CellState { name: CellName::new(&name)?, open: open == 1, tenants })
    };
    let mut states: Vec<CellState> = rows.into_iter().map(state).collect::<Result<_, RegistryError>>()?;
    // Here, because a database may sort by other rules than bytes.
    states.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(states)
}

/// Whether the settings name a cell for the first time.
pub(crate) fn are_new(tx: &mut ReadTx<'_>, place: &RegionPlace) -> Result<bool, RegistryError> {
    Ok(!unknown(tx, place)?.is_empty())
}

/// Writes down the cells that the settings name for the first time.
pub(crate) fn note(tx: &mut WriteTx<'_>, place: &RegionPlace) -> Result<(), RegistryError> {
    for (name, open) in unknown(tx, place)? {
        let row = (cells::name.eq(name.as_str()), cells::open.eq(i64::from(open)));
        diesel::insert_into(cells::table).values(row).execute(tx.connection())?;
    }
    Ok(())
}

/// The cells that the settings name for the first time, each with whether it is open.
fn unknown(tx: &mut ReadTx<'_>, place: &RegionPlace) -> Result<Vec<(CellName, bool)>, RegistryError> {
    let known: Vec<String> = cells::table.select(cells::name).load(tx.connection())?;
    let new = place.cells.iter().filter(|(name, _)| !known.iter().any(|known| known == name.as_str()));
    Ok(new.map(|(name, cell)| (name.clone(), cell.open)).collect())
}

/// Where a new tenant goes: where staff want it, else into the open cell with the fewest tenants, else into a file where the region has
/// no cell.
pub(crate) fn place(
    tx: &mut ReadTx<'_>,
    region: &RegionCode,
    place: &RegionPlace,
    id: &TenantId,
    wanted: Option<&Placement>,
) -> Result<TenantLocation, RegistryError> {
    let in_cell = |cell: CellName| TenantLocation::Cell { cell, schema: schema_of(region, id) };
    match wanted {
        Some(Placement::Cell(name)) if place.cells.contains_key(name) => Ok(in_cell(name.clone())),
        Some(Placement::Cell(name)) => Err(no_such_cell(region, name)),
        Some(Placement::File) => match place.registry {
            RegistryPlace::Directory(_) => Ok(TenantLocation::File),
            RegistryPlace::Database(_) => Err(RegistryError::Placement(format!(
                "region {region} keeps no files, because its registry is in PostgreSQL; name one of its cells"
            ))),
        },
        None if place.cells.is_empty() => Ok(TenantLocation::File),
        None => {
            let open = all(tx)?.into_iter().filter(|cell| cell.open && place.cells.contains_key(&cell.name));
            let emptiest = open.min_by_key(|cell| cell.tenants).ok_or_else(|| {
                RegistryError::Placement(format!(
                    "no cell of region {region} is open for new tenants; open one with `usher cell open --region {region}`, or name one"
                ))
            })?;
            Ok(in_cell(emptiest.name))
        }
    }
}
