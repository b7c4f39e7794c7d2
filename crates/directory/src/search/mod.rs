//! Search: a SCIM filter becomes a SQL predicate where its attributes are indexed, and what SQL cannot say is decided in
//! memory by [`Filter::matches`] on the whole resource. A sort is SQL's where a column holds its keys, else memory's. A
//! property test holds both ways to the same answer.

mod column;
mod groups;
mod indexed;
pub(crate) mod like;
mod place;
mod plan;
mod scanned;
mod table;
mod times;
mod users;

use std::collections::HashMap;

use scim_core::{filter::Filter, sort::Sort};
use serde_json::{Map, Value};
use store::ReadTx;

pub use column::{Column, Direction, Run};
pub use groups::Groups;
pub use place::{Place, Side, Stretch, Window};
pub(crate) use plan::Element;
pub use plan::Plan;
pub use users::Users;

use crate::DirectoryError;
use indexed::Indexed;
use scanned::Scanned;

/// Makes whole resources of records, for a filter or a sort that SQL cannot decide alone, and shows each to the visitor, in
/// their order, until that has seen enough. A resource may be large: nobody keeps it.
pub type Complete<'a, R> =
    dyn FnMut(&mut ReadTx<'_>, Vec<R>, &mut Visitor<'_>) -> Result<(), DirectoryError> + 'a;

/// Is shown one resource after the other, and tells whether it wants the next.
pub type Visitor<'a> = dyn FnMut(Map<String, Value>) -> Result<bool, DirectoryError> + 'a;

/// What a search needs where SQL cannot decide it.
pub struct InMemory<'a, R> {
    /// Makes whole resources.
    pub complete: &'a mut Complete<'a, R>,
    /// Whether the search has gone on for too long; asked for each resource.
    pub is_over: &'a dyn Fn() -> bool,
}

/// A table of resources, in the few questions that a search asks of it.
pub trait Searched {
    /// One row.
    type Record;
    /// A condition on a row, in SQL.
    type Predicate;

    /// The id of a row.
    fn id(record: &Self::Record) -> &str;
    /// What SQL can decide of a filter.
    fn plan(filter: &Filter) -> Plan<Self::Predicate>;
    /// The column that holds a sort's keys.
    fn column(sort: &Sort) -> Option<Column>;
    /// How many rows there are.
    ///
    /// # Errors
    /// When the store fails.
    fn total(tx: &mut ReadTx<'_>) -> Result<i64, DirectoryError>;
    /// How many rows fulfil a condition.
    ///
    /// # Errors
    /// When the store fails.
    fn count(tx: &mut ReadTx<'_>, predicate: Self::Predicate) -> Result<i64, DirectoryError>;
    /// How many rows that fulfil a condition, if there is one, have an externalId: the one column that may be empty.
    ///
    /// # Errors
    /// When the store fails.
    fn count_valued(tx: &mut ReadTx<'_>, predicate: Option<Self::Predicate>) -> Result<i64, DirectoryError>;
    /// The row that fulfils a condition on a unique key.
    ///
    /// # Errors
    /// When the store fails.
    fn one(tx: &mut ReadTx<'_>, predicate: Self::Predicate) -> Result<Option<Self::Record>, DirectoryError>;
    /// Places along a column, without documents.
    ///
    /// # Errors
    /// When the store fails.
    fn places(
        tx: &mut ReadTx<'_>,
        predicate: Option<Self::Predicate>,
        run: &Run<'_>,
    ) -> Result<Vec<Place>, DirectoryError>;
    /// The rows of these ids, in any order.
    ///
    /// # Errors
    /// When the store fails.
    fn of_ids(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<Self::Record>, DirectoryError>;
    /// The next rows beyond an id, in the order of ids, that fulfil a condition, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    fn batch(
        tx: &mut ReadTx<'_>,
        predicate: Option<Self::Predicate>,
        beyond: Option<&str>,
        direction: Direction,
        limit: i64,
    ) -> Result<Vec<Self::Record>, DirectoryError>;
}

/// Whether a filter finds one row at the most, by a unique key, and asks for nothing else: what a conjunction adds may read
/// as many rows as a group has members.
#[must_use]
pub fn is_look_up<S: Searched>(filter: Option<&Filter>) -> bool {
    filter.filter(|filter| matches!(filter, Filter::Compare { .. })).is_some_and(|filter| {
        let plan = S::plan(filter);
        plan.exact && plan.at_most_one
    })
}

/// Whether SQL decides a filter, so that nobody need look into the resources.
#[must_use]
pub fn is_decided<S: Searched>(filter: &Filter) -> bool {
    S::plan(filter).exact
}

/// The one row that a filter finds by a unique key.
///
/// # Errors
/// When the store fails.
pub fn look_up<S: Searched>(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
) -> Result<Option<S::Record>, DirectoryError> {
    match S::plan(filter).predicate {
        Some(predicate) => S::one(tx, predicate),
        None => Ok(None),
    }
}

/// A window on the resources that a filter selects, or on all of them, in the order of a sort, or of their ids, which is that
/// of their creation.
///
/// # Errors
/// [`DirectoryError::SearchTooLong`], or the store's.
pub fn find<S: Searched>(
    tx: &mut ReadTx<'_>,
    (filter, sort): (Option<&Filter>, Option<&Sort>),
    window: &Window<'_>,
    in_memory: InMemory<'_, S::Record>,
) -> Result<Stretch, DirectoryError> {
    let predicate = &|| filter.and_then(|filter| S::plan(filter).predicate);
    let undecided = filter.filter(|filter| !is_decided::<S>(filter));
    let column = sort.map_or(Some(Column::Id), S::column);
    match column {
        Some(column) if undecided.is_none() => Indexed::<S> { column, sort, predicate }.stretch(tx, window),
        Some(Column::Id) => Scanned::<S> { filter: undecided, sort, predicate, in_memory }.by_id(tx, window),
        _ => Scanned::<S> { filter: undecided, sort, predicate, in_memory }.ranked(tx, window),
    }
}

/// Whether [`find_few`] is worth asking.
#[must_use]
pub fn may_be_few<S: Searched>(
    (filter, sort): (Option<&Filter>, Option<&Sort>),
    window: &Window<'_>,
    few: usize,
) -> bool {
    let is_along_an_index = sort.is_none_or(|sort| S::column(sort).is_some());
    is_along_an_index
        && match filter.map(S::plan) {
            Some(plan) => plan.exact && plan.by_index,
            None => usize::try_from(window.count()).is_ok_and(|count| count <= few) && window.is_near(),
        }
}

/// As [`find`], where a filter's index leads to no more than a few matches, or no more than a few are wanted of the beginning of
/// an unfiltered list or next to a place; `None` for any other list, after a bounded number of rows.
///
/// # Errors
/// When the store fails.
pub fn find_few<S: Searched>(
    tx: &mut ReadTx<'_>,
    list: (Option<&Filter>, Option<&Sort>),
    window: &Window<'_>,
    few: usize,
) -> Result<Option<Stretch>, DirectoryError> {
    let (filter, sort) = list;
    let column = sort.map_or(Some(Column::Id), S::column);
    let Some(column) = column.filter(|_| may_be_few::<S>(list, window, few)) else { return Ok(None) };
    let predicate = &|| filter.and_then(|filter| S::plan(filter).predicate);
    let indexed = Indexed::<S> { column, sort, predicate };
    if filter.is_none() {
        return indexed.stretch(tx, window).map(Some);
    }
    let places = indexed.first(tx, few.saturating_add(1))?;
    Ok((places.len() <= few).then(|| window.cut(places, sort)))
}

/// The rows at these places, in their order.
///
/// # Errors
/// When the store fails.
pub fn records<S: Searched>(tx: &mut ReadTx<'_>, places: &[Place]) -> Result<Vec<S::Record>, DirectoryError> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
    let rows = S::of_ids(tx, &ids)?;
    let mut by_id: HashMap<String, S::Record> =
        rows.into_iter().map(|row| (S::id(&row).to_owned(), row)).collect();
    Ok(ids.into_iter().filter_map(|id| by_id.remove(id)).collect())
}
