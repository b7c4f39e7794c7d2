//! How many resources of each kind there are, kept with every insert and delete: a page has its total without counting.

use diesel::prelude::*;
use scim_core::ResourceKind;
use store::{ReadTx, WriteTx};

use crate::{DirectoryError, schema::directory_totals};

pub(crate) fn read(tx: &mut ReadTx<'_>, kind: ResourceKind) -> Result<i64, DirectoryError> {
    Ok(tx.get_result(directory_totals::table.find(kind.name()).select(directory_totals::total))?)
}

pub(crate) fn add(tx: &mut WriteTx<'_>, kind: ResourceKind, by: i64) -> Result<(), DirectoryError> {
    tx.increase(directory_totals::table.find(kind.name()), directory_totals::total, by)?;
    Ok(())
}
