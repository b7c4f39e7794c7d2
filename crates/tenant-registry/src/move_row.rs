//! The row of a move.

use diesel::prelude::*;
use serde_json::Value;
use store::{ReadTx, WriteTx};

use crate::{
    by::By,
    error::RegistryError,
    names::{RegionCode, TenantId},
    place::TenantLocation,
    record::TenantRecord,
    schema::moves,
    tenant::Tenant,
};

/// A tenant on its way.
#[derive(Clone, Debug)]
pub(crate) struct MoveRow {
    pub(crate) tenant: TenantId,
    pub(crate) from: TenantLocation,
    /// `None`: it stays in its region.
    pub(crate) to_region: Option<RegionCode>,
    pub(crate) to: TenantLocation,
    /// What the other region is to know; `None` until the tenant has left this one.
    pub(crate) record: Option<TenantRecord>,
    /// Who wants it.
    pub(crate) by: By,
}

#[derive(Queryable)]
struct Columns {
    tenant_id: String,
    from_cell: Option<String>,
    from_schema: Option<String>,
    to_region: Option<String>,
    to_cell: Option<String>,
    to_schema: Option<String>,
    record: Option<String>,
    actor: String,
    request_id: String,
}

/// Whether the tenant is on its way.
pub(crate) fn is_moving(tx: &mut ReadTx<'_>, tenant: &TenantId) -> Result<bool, RegistryError> {
    Ok(moves::table.find(tenant.as_str()).count().get_result::<i64>(tx.connection())? > 0)
}

impl MoveRow {
    /// A tenant that is put back to an earlier state stays where it is; `record` is that state's, from the moment that its rows are
    /// loaded.
    pub(crate) fn of_restoration(tenant: &Tenant, by: By) -> Self {
        let (from, to) = (tenant.location.clone(), tenant.location.clone());
        Self { tenant: tenant.id.clone(), from, to_region: None, to, record: None, by }
    }

    pub(crate) fn is_restoration(&self) -> bool {
        self.to_region.is_none() && self.from == self.to
    }

    pub(crate) fn insert(&self, tx: &mut WriteTx<'_>) -> Result<(), RegistryError> {
        let ((from_cell, from_schema), (to_cell, to_schema)) = (self.from.columns(), self.to.columns());
        let row = (
            moves::tenant_id.eq(self.tenant.as_str()),
            moves::from_cell.eq(from_cell),
            moves::from_schema.eq(from_schema),
            moves::to_region.eq(self.to_region.as_ref().map(RegionCode::as_str)),
            moves::to_cell.eq(to_cell),
            moves::to_schema.eq(to_schema),
            moves::actor.eq(&self.by.actor),
            moves::request_id.eq(&self.by.request_id),
        );
        diesel::insert_into(moves::table).values(row).execute(tx.connection())?;
        Ok(())
    }

    /// Notes what the other region is to know: the tenant has left this one. Or what it is put back to.
    pub(crate) fn hand_over(
        tx: &mut WriteTx<'_>,
        tenant: &TenantId,
        record: &TenantRecord,
    ) -> Result<(), RegistryError> {
        let unwritable = |error: serde_json::Error| RegistryError::Damaged(error.to_string());
        let text = serde_json::to_string(&record.lines().map_err(unwritable)?).map_err(unwritable)?;
        let row = moves::table.find(tenant.as_str());
        diesel::update(row).set(moves::record.eq(text)).execute(tx.connection())?;
        Ok(())
    }

    pub(crate) fn all(tx: &mut ReadTx<'_>) -> Result<Vec<Self>, RegistryError> {
        let rows: Vec<Columns> = moves::table.order(moves::tenant_id).load(tx.connection())?;
        rows.into_iter().map(Self::of_columns).collect()
    }

    pub(crate) fn find(tx: &mut ReadTx<'_>, tenant: &TenantId) -> Result<Option<Self>, RegistryError> {
        let row: Option<Columns> =
            moves::table.find(tenant.as_str()).get_result(tx.connection()).optional()?;
        row.map(Self::of_columns).transpose()
    }

    pub(crate) fn remove(tx: &mut WriteTx<'_>, tenant: &TenantId) -> Result<(), RegistryError> {
        diesel::delete(moves::table.find(tenant.as_str())).execute(tx.connection())?;
        Ok(())
    }

    fn of_columns(columns: Columns) -> Result<Self, RegistryError> {
        let unreadable =
            |error: serde_json::Error| RegistryError::Damaged(format!("a move's record: {error}"));
        let lines =
            columns.record.map(|text| serde_json::from_str::<Vec<(String, Value)>>(&text)).transpose();
        Ok(Self {
            tenant: TenantId::new(&columns.tenant_id)?,
            from: TenantLocation::of_columns(columns.from_cell, columns.from_schema)?,
            to_region: columns.to_region.map(|code| RegionCode::new(&code)).transpose()?,
            to: TenantLocation::of_columns(columns.to_cell, columns.to_schema)?,
            record: lines.map_err(unreadable)?.map(TenantRecord::of_lines).transpose()?,
            by: By { actor: columns.actor, request_id: columns.request_id },
        })
    }
}
