//! Which rows of a table a query takes, and reading them one batch after the other.

use diesel::prelude::*;
use scim_core::{ResourceKind, filter::Filter};
use store::{ReadTx, StoreBackend};

use super::{
    leaf::Filtered,
    plan::{Condition, Plan, within},
    position::Direction,
};
use crate::{
    DirectoryError,
    table::{Record, in_table},
    totals,
};

/// Which rows of a table a query takes.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// All of them.
    All,
    /// Those that SQL does not exclude by this filter.
    Matching(&'a Filter),
    /// Those whose document has data of the schema with this URN.
    Holding(&'a str),
}

impl<'a> Rows<'a> {
    pub(super) fn of(filter: Option<&'a Filter>) -> Self {
        filter.map_or(Self::All, Self::Matching)
    }

    pub(super) fn condition<T: Filtered>(self) -> Option<Condition<T>> {
        match self {
            Self::All => None,
            Self::Matching(filter) => T::plan(filter).predicate,
            Self::Holding(urn) => Some(T::holding(urn)),
        }
    }
}

/// The part of a filter that SQL decides, without the predicate itself.
#[must_use]
pub fn plan(kind: ResourceKind, filter: &Filter) -> Plan<()> {
    in_table!(
        kind,
        |table| {
            let Plan { predicate, exact, at_most_one, by_index } = table::table::plan(filter);
            Plan { predicate: predicate.map(drop), exact, at_most_one, by_index }
        },
        Plan::none()
    )
}

/// How many rows; where `valued`, only those with an externalId, the one column that may be empty.
pub(crate) fn count(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    rows: Rows<'_>,
    valued: bool,
) -> Result<i64, DirectoryError> {
    in_table!(kind, |table| {
        let condition = rows.condition();
        let condition = match valued {
            true => Some(within(table::external_id_key.is_not_null(), condition)),
            false => condition,
        };
        match condition {
            Some(condition) => Ok(table::table.filter(condition).count().get_result(tx.connection())?),
            // The total of all rows is stored.
            None => totals::read(tx, kind),
        }
    })
}

/// Reads rows batch by batch, in the order of their ids or its reverse.
pub(crate) struct Batches<'a> {
    pub(super) kind: ResourceKind,
    pub(super) rows: Rows<'a>,
    pub(super) direction: Direction,
    /// The next batch begins behind this id.
    pub(crate) beyond: Option<String>,
    pub(super) size: i64,
}

impl<'a> Batches<'a> {
    /// From the first row to the last.
    pub(crate) fn of(kind: ResourceKind, rows: Rows<'a>) -> Self {
        Self { kind, rows, direction: Direction::Up, beyond: None, size: 500 }
    }

    /// The next batch; `None` at the end.
    pub(crate) fn next(&mut self, tx: &mut ReadTx<'_>) -> Result<Option<Vec<Record>>, DirectoryError> {
        let batch: Vec<Record> = in_table!(self.kind, |table, columns| {
            let mut query = table::table.select(columns).into_boxed::<StoreBackend>();
            if let Some(condition) = self.rows.condition::<table::table>() {
                query = query.filter(condition);
            }
            query = match (self.beyond.take(), self.direction) {
                (Some(id), Direction::Up) => query.filter(table::id.gt(id)),
                (Some(id), Direction::Down) => query.filter(table::id.lt(id)),
                (None, _) => query,
            };
            query = match self.direction {
                Direction::Up => query.order(table::id.asc()),
                Direction::Down => query.order(table::id.desc()),
            };
            Ok::<_, DirectoryError>(query.limit(self.size).load(tx.connection())?)
        })?;
        self.beyond = batch.last().map(|last| last.id.clone());
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}
