//! Sorting in SQL: the columns that hold a sort's keys, and scans of positions along one of their indexes.

use diesel::prelude::*;
use scim_core::{
    ResourceKind,
    filter::Instant,
    sort::{Sort, SortKey},
};
use store::{ReadTx, StoreBackend};

use super::{
    plan::{Condition, within},
    position::{Direction, Position},
    rows::Rows,
};
use crate::{
    DirectoryError,
    table::{in_table, name_attribute},
};

/// A column by which SQL can order a table as memory would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// `id`.
    Id,
    /// `userName` of users, `displayName` of groups.
    Name,
    /// `externalId`, which not every resource has.
    ExternalId,
    /// `meta.created`.
    Created,
    /// `meta.lastModified`.
    Modified,
}

impl Column {
    /// The column of a sort of resources of this kind.
    #[must_use]
    pub fn of(sort: &Sort, kind: ResourceKind) -> Option<Self> {
        let attribute = sort.attribute()?;
        [
            ("id", None, Self::Id),
            (name_attribute(kind), None, Self::Name),
            ("externalId", None, Self::ExternalId),
            ("meta", Some("created"), Self::Created),
            ("meta", Some("lastModified"), Self::Modified),
        ]
        .into_iter()
        .find_map(|(attribute_name, sub, column)| attribute.is_name(attribute_name, sub).then_some(column))
    }

    /// Whether rows may be without a value.
    pub(crate) fn is_nullable(self) -> bool {
        self == Self::ExternalId
    }
}

/// One query for positions along a column.
#[derive(Clone, Copy, Debug)]
pub struct IndexScan<'a> {
    /// The column that it follows.
    pub column: Column,
    /// Rows with a value in it, or those without; a list is the ones behind the others.
    pub valued: bool,
    /// Which way the values go.
    pub keys: Direction,
    /// Which way the ids go among equal values.
    pub ids: Direction,
    /// Whether the order matters. It does not where only the existence of a position is asked for.
    pub ordered: bool,
    /// The scan begins behind this position.
    pub beyond: Option<&'a Position>,
    /// How many are passed over.
    pub offset: i64,
    /// How many are wanted.
    pub limit: i64,
}

/// The positions of a scan along a column that is never null in it: `by_key!(table, column, read, write, transaction,
/// condition, scan)`. `read` makes a key of a value of the column, and `write` a value of a position.
///
/// `key >= k and (key > k or id > i)` says the same as `(key, id) > (k, i)`, in a form whose first half is a range of the
/// index on either database.
macro_rules! by_key {
    ($table:ident, $column:expr, $read:expr, $write:expr, $tx:expr, $condition:expr, $scan:expr) => {{
        let scan: &IndexScan<'_> = $scan;
        let mut rows = $table::table.select(($column, $table::id)).into_boxed::<StoreBackend>();
        if let Some(condition) = $condition {
            rows = rows.filter(condition);
        }
        if let Some(position) = scan.beyond {
            // A key of another kind is no position along this column.
            let Some(key) = $write(position) else { return Ok(Vec::new()) };
            let id: Condition<$table::table> = match scan.ids {
                Direction::Up => Box::new($table::id.gt(position.id.clone())),
                Direction::Down => Box::new($table::id.lt(position.id.clone())),
            };
            rows = match scan.keys {
                Direction::Up => rows.filter($column.ge(key.clone()).and($column.gt(key).or(id))),
                Direction::Down => rows.filter($column.le(key.clone()).and($column.lt(key).or(id))),
            };
        }
        rows = match (scan.keys, scan.ids) {
            _ if !scan.ordered => rows,
            (Direction::Up, Direction::Up) => rows.order(($column.asc(), $table::id.asc())),
            (Direction::Up, Direction::Down) => rows.order(($column.asc(), $table::id.desc())),
            (Direction::Down, Direction::Up) => rows.order(($column.desc(), $table::id.asc())),
            (Direction::Down, Direction::Down) => rows.order(($column.desc(), $table::id.desc())),
        };
        let rows = rows.offset(scan.offset).limit(scan.limit).load($tx.connection())?;
        rows.into_iter().map(|(key, id)| Position { key: Some($read(key)), id }).collect()
    }};
}

/// The positions of a scan, without documents.
///
/// # Errors
/// When the store fails.
pub fn positions(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    rows: Rows<'_>,
    scan: &IndexScan<'_>,
) -> Result<Vec<Position>, DirectoryError> {
    in_table!(kind, |table| {
        let (column, condition) = match (scan.column, rows.condition()) {
            (Column::ExternalId, condition) if scan.valued => {
                (Column::ExternalId, Some(within(table::external_id_key.is_not_null(), condition)))
            }
            (Column::ExternalId, condition) => {
                (Column::Id, Some(within(table::external_id_key.is_null(), condition)))
            }
            found => found,
        };
        Ok(match column {
            Column::Id => {
                let mut query = table::table.select(table::id).into_boxed::<StoreBackend>();
                if let Some(condition) = condition {
                    query = query.filter(condition);
                }
                query = match (scan.beyond, scan.ids) {
                    (None, _) => query,
                    (Some(position), Direction::Up) => query.filter(table::id.gt(position.id.clone())),
                    (Some(position), Direction::Down) => query.filter(table::id.lt(position.id.clone())),
                };
                query = match scan.ids {
                    _ if !scan.ordered => query,
                    Direction::Up => query.order(table::id.asc()),
                    Direction::Down => query.order(table::id.desc()),
                };
                let ids = query.offset(scan.offset).limit(scan.limit).load::<String>(tx.connection())?;
                ids.into_iter().map(|id| Position { key: None, id }).collect()
            }
            Column::Name => by_key!(table, table::name_key, SortKey::Text, text, tx, condition, scan),
            Column::ExternalId => {
                let column = table::external_id_key.assume_not_null();
                by_key!(table, column, SortKey::Text, text, tx, condition, scan)
            }
            Column::Created => by_key!(table, table::created_ms, at, millis, tx, condition, scan),
            Column::Modified => by_key!(table, table::modified_ms, at, millis, tx, condition, scan),
        })
    })
}

/// The text that a position was sorted by.
fn text(position: &Position) -> Option<String> {
    match &position.key {
        Some(SortKey::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The key of a time.
fn at(ms: i64) -> SortKey {
    SortKey::Instant(Instant::from_millis(ms))
}

/// The milliseconds that a position was sorted by.
fn millis(position: &Position) -> Option<i64> {
    match &position.key {
        Some(SortKey::Instant(instant)) => instant.as_whole_millis(),
        _ => None,
    }
}
