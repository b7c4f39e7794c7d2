//! Search: a SCIM filter becomes a SQL predicate where its attributes are indexed, and the rest of it is decided in memory by
//! [`Filter::matches`] on the whole resource. A sort is SQL's where a column holds its keys, else memory's. A property test
//! compares the results of both ways.

mod column;
mod indexed;
mod leaf;
mod like;
mod plan;
mod position;
pub(crate) mod rows;
mod scanned;
mod times;

use std::collections::HashMap;

use diesel::prelude::*;
use scim_core::{
    ResourceKind,
    filter::{Filter, Literal, Op},
    sort::Sort,
};
use store::{ReadTx, StoreError};

// For the tests of this crate.
#[doc(hidden)]
pub use column::{Column, IndexScan, positions};
pub(crate) use plan::Element;
#[doc(hidden)]
pub use plan::Plan;
#[doc(hidden)]
pub use position::Direction;
pub use position::{Page, PageRequest, Position, Side};
#[doc(hidden)]
pub use rows::{Rows, plan};
pub use scanned::{Complete, InMemory, Visitor};

use crate::{
    DirectoryError, key,
    table::{self, Record, in_table},
};
use indexed::Indexed;
use scanned::Scanned;

/// A filter and a sort. Without a filter it selects all resources, without a sort they are in the order of their ids, which is
/// that of their creation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Selects the resources.
    pub filter: Option<&'a Filter>,
    /// Their order.
    pub sort: Option<&'a Sort>,
}

/// Matches up to which a list is short.
pub const FEW: usize = 10;

/// Whether a filter is one comparison that finds at most one row by a unique key. The other terms of a conjunction might read
/// as many rows as a group has members.
#[must_use]
pub fn is_look_up(kind: ResourceKind, filter: Option<&Filter>) -> bool {
    let is_unique = |plan: Plan<()>| plan.exact && plan.at_most_one;
    filter.is_some_and(|filter| matches!(filter, Filter::Compare { .. }) && is_unique(plan(kind, filter)))
}

/// Whether SQL decides a filter, so that memory need not look into the resources.
#[must_use]
pub fn is_decided(kind: ResourceKind, filter: &Filter) -> bool {
    plan(kind, filter).exact
}

/// Whether SQL finds and orders a whole list, so that nothing but the tenant's rows decides it.
#[must_use]
pub fn is_indexed(kind: ResourceKind, Query { filter, sort }: Query<'_>) -> bool {
    column(kind, sort).is_some() && filter.is_none_or(|filter| is_decided(kind, filter))
}

/// The one row that a filter finds by a unique key.
///
/// # Errors
/// When the store fails.
pub fn look_up(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    filter: &Filter,
) -> Result<Option<Record>, DirectoryError> {
    // What identity providers ask most has a statement whose text is made once.
    let user_name = user_name_in(filter).filter(|_| kind == ResourceKind::User);
    in_table!(kind, |table, columns| {
        if let Some(user_name) = user_name {
            let row = table::table.filter(table::name_key.eq(key::user_name(user_name)));
            return Ok(tx.get_result(row.select(columns)).optional()?);
        }
        let Some(condition) = Rows::Matching(filter).condition() else { return Ok(None) };
        let row = table::table.filter(condition).select(columns);
        Ok(row.get_result(tx.connection()).optional()?)
    })
}

/// The text of a filter `userName eq "…"`.
fn user_name_in(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::Compare { path, op: Op::Eq, value: Literal::String(text) } => {
            path.is_name("userName", None).then_some(text)
        }
        _ => None,
    }
}

/// A page of the resources that a query selects. A small read finds only a short list by an index, or the beginning of a list.
///
/// # Errors
/// [`DirectoryError::SearchTooLong`], or the store's; `LargeRead` where a small read does not do.
pub fn find(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    query: Query<'_>,
    request: &PageRequest<'_>,
    in_memory: InMemory<'_>,
) -> Result<Page, DirectoryError> {
    if tx.is_small() {
        find_few(tx, kind, query, request)
    } else {
        find_any(tx, kind, query, request, in_memory)
    }
}

/// The column that holds the keys of a sort.
fn column(kind: ResourceKind, sort: Option<&Sort>) -> Option<Column> {
    sort.map_or(Some(Column::Id), |sort| Column::of(sort, kind))
}

fn find_any(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    query: Query<'_>,
    request: &PageRequest<'_>,
    in_memory: InMemory<'_>,
) -> Result<Page, DirectoryError> {
    let Query { filter, sort } = query;
    let (rows, undecided) = (Rows::of(filter), filter.filter(|filter| !is_decided(kind, filter)));
    let column = column(kind, sort);
    if let (Some(column), None) = (column, undecided) {
        return Indexed { kind, rows, column, sort }.page(tx, request);
    }
    let mut scanned = Scanned { kind, rows, filter: undecided, sort, in_memory };
    if column == Some(Column::Id) { scanned.by_id(tx, request) } else { scanned.ranked(tx, request) }
}

/// Whether a small read may find the page: where a filter's index leads to no more than a few matches, or no more than a few
/// are wanted of the beginning of an unfiltered list or next to a position.
#[must_use]
pub fn may_be_few(kind: ResourceKind, query: Query<'_>, request: &PageRequest<'_>) -> bool {
    few_along(kind, query, request).is_some()
}

/// The column along which a few matches may be found.
fn few_along(kind: ResourceKind, query: Query<'_>, request: &PageRequest<'_>) -> Option<Column> {
    let is_few = match query.filter.map(|filter| plan(kind, filter)) {
        Some(plan) => plan.exact && plan.by_index,
        None => usize::try_from(request.count()).is_ok_and(|count| count <= FEW) && request.is_near(),
    };
    column(kind, query.sort).filter(|_| is_few)
}

/// As [`find_any`], by a bounded number of rows.
fn find_few(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    query: Query<'_>,
    request: &PageRequest<'_>,
) -> Result<Page, DirectoryError> {
    let Query { filter, sort } = query;
    let column = few_along(kind, query, request).ok_or(StoreError::LargeRead)?;
    let indexed = Indexed { kind, rows: Rows::of(filter), column, sort };
    if filter.is_none() {
        return indexed.page(tx, request);
    }
    let positions = indexed.first(tx, FEW + 1)?;
    if positions.len() > FEW { Err(StoreError::LargeRead.into()) } else { Ok(request.cut(positions, sort)) }
}

/// The rows at these positions, in their order.
///
/// # Errors
/// When the store fails.
pub fn records(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    positions: &[Position],
) -> Result<Vec<Record>, DirectoryError> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = positions.iter().map(|position| position.id.as_str()).collect();
    let records = table::find_all(tx, kind, &ids)?;
    let mut by_id: HashMap<String, Record> = records.into_iter().map(|row| (row.id.clone(), row)).collect();
    Ok(ids.into_iter().filter_map(|id| by_id.remove(id)).collect())
}
