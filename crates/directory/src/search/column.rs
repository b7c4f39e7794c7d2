//! Sorting in SQL: the columns that hold a sort's keys, and scans of positions along one of their indexes.

use scim_core::{
    filter::Instant,
    sort::{Sort, SortKey},
};

use super::position::Position;

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
    /// The column of a sort, in a table whose unique or folded name is this attribute.
    #[must_use]
    pub fn of(sort: &Sort, name: &str) -> Option<Self> {
        let attribute = sort.attribute()?;
        [
            ("id", None, Self::Id),
            (name, None, Self::Name),
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

/// Which way along an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From small to large.
    Up,
    /// From large to small.
    Down,
}

impl Direction {
    pub(crate) fn reversed(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
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

/// The text that a position was sorted by.
pub(crate) fn text(position: &Position) -> Option<String> {
    match &position.key {
        Some(SortKey::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The key of a time.
pub(crate) fn at(ms: i64) -> SortKey {
    SortKey::Instant(Instant::from_millis(ms))
}

/// The milliseconds that a position was sorted by.
pub(crate) fn millis(position: &Position) -> Option<i64> {
    match &position.key {
        Some(SortKey::Instant(instant)) => instant.as_whole_millis(),
        _ => None,
    }
}

/// The positions of a scan by id: `by_id!(table, transaction, predicate, scan)`.
macro_rules! by_id {
    ($table:ident, $tx:expr, $predicate:expr, $scan:expr) => {{
        let scan: &IndexScan<'_> = $scan;
        let mut rows = $table::table.select($table::id).into_boxed::<StoreBackend>();
        if let Some(predicate) = $predicate {
            rows = rows.filter(predicate);
        }
        if let Some(position) = scan.beyond {
            let id = position.id.clone();
            rows = match scan.ids {
                Direction::Up => rows.filter($table::id.gt(id)),
                Direction::Down => rows.filter($table::id.lt(id)),
            };
        }
        rows = match scan.ids {
            _ if !scan.ordered => rows,
            Direction::Up => rows.order($table::id.asc()),
            Direction::Down => rows.order($table::id.desc()),
        };
        let ids = rows.offset(scan.offset).limit(scan.limit).load::<String>($tx.connection())?;
        ids.into_iter().map(|id| Position { key: None, id }).collect()
    }};
}

/// The positions of a scan along a column that is never null in it: `by_key!(table, column, read, write, transaction,
/// predicate, scan)`, where `read` makes a key of what the column holds and `write` the reverse, of a position.
///
/// `key >= k and (key > k or id > i)` says the same as `(key, id) > (k, i)`, in a form whose first half is a range of the
/// index on either database.
macro_rules! by_key {
    ($table:ident, $column:expr, $read:expr, $write:expr, $tx:expr, $predicate:expr, $scan:expr) => {{
        let scan: &IndexScan<'_> = $scan;
        let mut rows = $table::table.select(($column, $table::id)).into_boxed::<StoreBackend>();
        if let Some(predicate) = $predicate {
            rows = rows.filter(predicate);
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

pub(crate) use {by_id, by_key};
