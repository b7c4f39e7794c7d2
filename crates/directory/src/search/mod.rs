//! Search: a SCIM filter becomes a SQL predicate where its attributes are indexed, and what SQL cannot say is decided in
//! memory by [`Filter::matches`] on the whole resource. A property test holds both ways to the same answer.

mod groups;
mod like;
mod plan;
mod times;
mod users;

use scim_core::{filter::Filter, list::Page};
use serde_json::{Map, Value};
use store::ReadTx;

pub use groups::Groups;
pub(crate) use plan::Element;
pub use plan::Plan;
pub use users::Users;

use crate::DirectoryError;

/// Rows that are read at a time when a filter is decided in memory.
const BATCH: i64 = 200;

/// One page of what matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<R> {
    /// How many match in all.
    pub total: u64,
    /// The page, in the order of the ids, which is the order of creation.
    pub records: Vec<R>,
}

/// Makes whole resources of records, for a filter that SQL cannot decide alone.
pub type Complete<'a, R> =
    dyn FnMut(&mut ReadTx<'_>, &[R]) -> Result<Vec<Map<String, Value>>, DirectoryError> + 'a;

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
    /// The row that fulfils a condition on a unique key.
    ///
    /// # Errors
    /// When the store fails.
    fn one(tx: &mut ReadTx<'_>, predicate: Self::Predicate) -> Result<Option<Self::Record>, DirectoryError>;
    /// The rows that fulfil a condition, in order of id, from an offset.
    ///
    /// # Errors
    /// When the store fails.
    fn select(
        tx: &mut ReadTx<'_>,
        predicate: Self::Predicate,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Self::Record>, DirectoryError>;
    /// The ids of rows without their documents, from an offset, counted from the first or from the last.
    ///
    /// # Errors
    /// When the store fails.
    fn ids(tx: &mut ReadTx<'_>, order: Order, offset: i64, limit: i64)
    -> Result<Vec<String>, DirectoryError>;
    /// The rows of these ids, in order of id.
    ///
    /// # Errors
    /// When the store fails.
    fn of_ids(tx: &mut ReadTx<'_>, ids: Vec<String>) -> Result<Vec<Self::Record>, DirectoryError>;
    /// The next rows after an id that fulfil a condition, if there is one.
    ///
    /// # Errors
    /// When the store fails.
    fn after(
        tx: &mut ReadTx<'_>,
        id: &str,
        predicate: Option<Self::Predicate>,
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

/// One page of the resources that a filter selects; of all of them without one.
///
/// # Errors
/// When the store fails.
pub fn find<S: Searched>(
    tx: &mut ReadTx<'_>,
    filter: Option<&Filter>,
    page: &Page,
    complete: &mut Complete<'_, S::Record>,
) -> Result<Found<S::Record>, DirectoryError> {
    let offset = i64::try_from(page.start_index.saturating_sub(1)).unwrap_or(i64::MAX);
    let limit = i64::try_from(page.count).unwrap_or(i64::MAX);
    let Some(filter) = filter else {
        let total = S::total(tx)?;
        let records = page_of_all::<S>(tx, total, offset, limit)?;
        return Ok(Found { total: total.unsigned_abs(), records });
    };
    match S::plan(filter) {
        Plan { predicate: Some(predicate), exact: true, at_most_one: true } => {
            let records: Vec<_> = S::one(tx, predicate)?.into_iter().collect();
            let total = u64::try_from(records.len()).unwrap_or_default();
            let on_page = offset == 0 && limit > 0;
            Ok(Found { total, records: if on_page { records } else { Vec::new() } })
        }
        Plan { predicate: Some(predicate), exact: true, .. } => {
            let total = S::count(tx, predicate)?;
            // A predicate is used up by its query; the filter makes it again.
            let again = S::plan(filter).predicate.filter(|_| limit > 0 && offset < total);
            let records = again.map_or(Ok(Vec::new()), |p| S::select(tx, p, offset, limit))?;
            Ok(Found { total: total.unsigned_abs(), records })
        }
        _ => find_in_memory::<S>(tx, filter, offset, limit, complete),
    }
}

/// From which end ids are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the first.
    Ascending,
    /// From the last.
    Descending,
}

/// A page of everything. An offset is walked id by id in the narrow index, so it is walked from the nearer end.
fn page_of_all<S: Searched>(
    tx: &mut ReadTx<'_>,
    total: i64,
    offset: i64,
    limit: i64,
) -> Result<Vec<S::Record>, DirectoryError> {
    let count = limit.min(total.saturating_sub(offset));
    if count <= 0 {
        return Ok(Vec::new());
    }
    let behind = total - offset - count;
    let ids = if offset <= behind {
        S::ids(tx, Order::Ascending, offset, count)?
    } else {
        S::ids(tx, Order::Descending, behind, count)?
    };
    S::of_ids(tx, ids)
}

/// Walks the candidates that SQL leaves, or all rows, and decides each as a whole.
fn find_in_memory<S: Searched>(
    tx: &mut ReadTx<'_>,
    filter: &Filter,
    offset: i64,
    limit: i64,
    complete: &mut Complete<'_, S::Record>,
) -> Result<Found<S::Record>, DirectoryError> {
    let mut matched = 0_i64;
    let mut records = Vec::new();
    let mut last_id = String::new();
    loop {
        let batch = S::after(tx, &last_id, S::plan(filter).predicate, BATCH)?;
        let Some(last) = batch.last() else { break };
        S::id(last).clone_into(&mut last_id);
        let resources = complete(tx, &batch)?;
        for (record, resource) in batch.into_iter().zip(resources) {
            if !filter.matches(&resource) {
                continue;
            }
            if matched >= offset && matched - offset < limit {
                records.push(record);
            }
            matched += 1;
        }
    }
    Ok(Found { total: matched.unsigned_abs(), records })
}
