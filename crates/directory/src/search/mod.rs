//! Search: a SCIM filter becomes a SQL predicate where its attributes are indexed, and what SQL cannot say is decided in
//! memory by [`Filter::matches`] on the whole resource. A sort is SQL's where a column holds its keys, else memory's. A
//! property test holds both ways to the same answer.

pub(crate) mod column;
mod indexed;
pub(crate) mod leaf;
pub(crate) mod like;
pub(crate) mod plan;
pub(crate) mod position;
mod scanned;
pub(crate) mod times;

use std::collections::HashMap;

use scim_core::{ResourceKind, filter::Filter, sort::Sort};
use serde_json::{Map, Value};
use store::{ReadTx, StoreError};

pub(crate) use plan::Element;
pub use position::{Page, PageRequest, Position, Side};

use crate::{
    DirectoryError,
    resources::Record,
    table::{Table, in_table},
};
use column::Column;
use indexed::Indexed;
use scanned::Scanned;

/// Which resources, and in which order: of all, by their ids, which is the order of their creation, where there is neither.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Which.
    pub filter: Option<&'a Filter>,
    /// In which order.
    pub sort: Option<&'a Sort>,
}

/// Matches up to which a list is short.
pub const FEW: usize = 10;

/// Makes whole resources of records, for a filter or a sort that SQL cannot decide alone, and shows each to the visitor, in
/// their order, until that has seen enough. A resource may be large, so none is kept.
pub type Complete<'a> =
    dyn FnMut(&mut ReadTx<'_>, Vec<Record>, &mut Visitor<'_>) -> Result<(), DirectoryError> + 'a;

/// Is shown one resource after the other, and returns whether it wants the next.
pub type Visitor<'a> = dyn FnMut(Map<String, Value>) -> Result<bool, DirectoryError> + 'a;

/// What a search needs where SQL cannot decide it.
pub struct InMemory<'a> {
    /// Makes whole resources.
    pub complete: &'a mut Complete<'a>,
    /// Whether the search has gone on for too long; asked for each resource.
    pub is_over: &'a dyn Fn() -> bool,
}

/// Whether a filter finds one row at the most, by a unique key, and asks for nothing else: what a conjunction adds may read
/// as many rows as a group has members.
#[must_use]
pub fn is_look_up(kind: ResourceKind, filter: Option<&Filter>) -> bool {
    let is_look_up = |filter: &&Filter| {
        matches!(filter, Filter::Compare { .. })
            && in_table!(kind, T => { let plan = T::plan(filter); plan.exact && plan.at_most_one }, false)
    };
    filter.as_ref().is_some_and(is_look_up)
}

/// Whether SQL decides a filter, so that memory need not look into the resources.
#[must_use]
pub fn is_decided(kind: ResourceKind, filter: &Filter) -> bool {
    in_table!(kind, T => T::plan(filter).exact, false)
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
    in_table!(kind, T => match T::plan(filter).predicate {
        Some(predicate) => T::one(tx, predicate),
        None => Ok(None),
    })
}

/// A page of what a query selects. A small read finds a short list by an index or the beginning of any other, and nothing else.
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
    in_table!(kind, T => match tx.is_small() {
        true => find_few::<T>(tx, query, request),
        false => find_any::<T>(tx, query, request, in_memory),
    })
}

/// The column that holds the keys of a sort.
fn column<T: Table>(sort: Option<&Sort>) -> Option<Column> {
    sort.map_or(Some(Column::Id), |sort| Column::of(sort, T::NAME))
}

fn find_any<T: Table>(
    tx: &mut ReadTx<'_>,
    Query { filter, sort }: Query<'_>,
    request: &PageRequest<'_>,
    in_memory: InMemory<'_>,
) -> Result<Page, DirectoryError> {
    let predicate = &|| filter.and_then(|filter| T::plan(filter).predicate);
    let undecided = filter.filter(|filter| !T::plan(filter).exact);
    let column = column::<T>(sort);
    match column {
        Some(column) if undecided.is_none() => Indexed::<T> { column, sort, predicate }.page(tx, request),
        Some(Column::Id) => Scanned::<T> { filter: undecided, sort, predicate, in_memory }.by_id(tx, request),
        _ => Scanned::<T> { filter: undecided, sort, predicate, in_memory }.ranked(tx, request),
    }
}

/// Whether a small read may find the page: where a filter's index leads to no more than a few matches, or no more than a few
/// are wanted of the beginning of an unfiltered list or next to a position.
#[must_use]
pub fn may_be_few(kind: ResourceKind, query: Query<'_>, request: &PageRequest<'_>) -> bool {
    in_table!(kind, T => few_along::<T>(query, request).is_some(), false)
}

/// The column along which a few matches may be found.
fn few_along<T: Table>(Query { filter, sort }: Query<'_>, request: &PageRequest<'_>) -> Option<Column> {
    let is_few = match filter.map(T::plan) {
        Some(plan) => plan.exact && plan.by_index,
        None => usize::try_from(request.count()).is_ok_and(|count| count <= FEW) && request.is_near(),
    };
    column::<T>(sort).filter(|_| is_few)
}

/// As [`find_any`], by a bounded number of rows.
fn find_few<T: Table>(
    tx: &mut ReadTx<'_>,
    query: Query<'_>,
    request: &PageRequest<'_>,
) -> Result<Page, DirectoryError> {
    let Query { filter, sort } = query;
    let column = few_along::<T>(query, request).ok_or(StoreError::LargeRead)?;
    let predicate = &|| filter.and_then(|filter| T::plan(filter).predicate);
    let indexed = Indexed::<T> { column, sort, predicate };
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
    let rows = in_table!(kind, T => T::of_ids(tx, &ids))?;
    let mut by_id: HashMap<String, Record> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
    Ok(ids.into_iter().filter_map(|id| by_id.remove(id)).collect())
}
