//! Sorting in SQL: the columns that hold a sort's keys, and runs of places along one of their indexes.

use scim_core::{
    filter::Instant,
    sort::{Sort, SortKey},
};

use super::place::Place;

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
    pub(super) fn of(sort: &Sort, name: &str) -> Option<Self> {
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
    pub(super) fn is_nullable(self) -> bool {
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
    pub(super) fn reversed(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// One query for places along a column.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Along what.
    pub column: Column,
    /// Rows with a value in it, or those without; a list is the ones behind the others.
    pub valued: bool,
    /// Which way the values go.
    pub keys: Direction,
    /// Which way the ids go among equal values.
    pub ids: Direction,
    /// Whether the order matters: not to who asks only whether there is a place.
    pub ordered: bool,
    /// The run begins behind this place.
    pub beyond: Option<&'a Place>,
    /// How many are passed over.
    pub offset: i64,
    /// How many are wanted.
    pub limit: i64,
}

/// The text that a place was sorted by.
pub(super) fn text(place: &Place) -> Option<String> {
    match &place.key {
        Some(SortKey::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The key of a time.
pub(super) fn at(ms: i64) -> SortKey {
    SortKey::Instant(Instant::from_millis(ms))
}

/// The milliseconds that a place was sorted by.
pub(super) fn millis(place: &Place) -> Option<i64> {
    match &place.key {
        Some(SortKey::Instant(instant)) => instant.as_whole_millis(),
        _ => None,
    }
}

/// The places of a run by id: `by_id!(table, transaction, predicate, run)`.
macro_rules! by_id {
    ($table:ident, $tx:expr, $predicate:expr, $run:expr) => {{
        let run: &Run<'_> = $run;
        let mut rows = $table::table.select($table::id).into_boxed::<StoreBackend>();
        if let Some(predicate) = $predicate {
            rows = rows.filter(predicate);
        }
        if let Some(place) = run.beyond {
            let id = place.id.clone();
            rows = match run.ids {
                Direction::Up => rows.filter($table::id.gt(id)),
                Direction::Down => rows.filter($table::id.lt(id)),
            };
        }
        rows = match run.ids {
            _ if !run.ordered => rows,
            Direction::Up => rows.order($table::id.asc()),
            Direction::Down => rows.order($table::id.desc()),
        };
        let ids = rows.offset(run.offset).limit(run.limit).load::<String>($tx.connection())?;
        ids.into_iter().map(|id| Place { key: None, id }).collect()
    }};
}

/// The places of a run along a column that is never null in it: `by_key!(table, column, read, write, transaction,
/// predicate, run)`, where `read` makes a key of what the column holds and `write` the reverse, of a place.
///
/// `key >= k and (key > k or id > i)` says the same as `(key, id) > (k, i)`, in a form whose first half is a range of the
/// index on either database.
macro_rules! by_key {
    ($table:ident, $column:expr, $read:expr, $write:expr, $tx:expr, $predicate:expr, $run:expr) => {{
        let run: &Run<'_> = $run;
        let mut rows = $table::table.select(($column, $table::id)).into_boxed::<StoreBackend>();
        if let Some(predicate) = $predicate {
            rows = rows.filter(predicate);
        }
        if let Some(place) = run.beyond {
            // A key of another kind is no place along this column.
            let Some(key) = $write(place) else { return Ok(Vec::new()) };
            let id: Condition<$table::table> = match run.ids {
                Direction::Up => Box::new($table::id.gt(place.id.clone())),
                Direction::Down => Box::new($table::id.lt(place.id.clone())),
            };
            rows = match run.keys {
                Direction::Up => rows.filter($column.ge(key.clone()).and($column.gt(key).or(id))),
                Direction::Down => rows.filter($column.le(key.clone()).and($column.lt(key).or(id))),
            };
        }
        rows = match (run.keys, run.ids) {
            _ if !run.ordered => rows,
            (Direction::Up, Direction::Up) => rows.order(($column.asc(), $table::id.asc())),
            (Direction::Up, Direction::Down) => rows.order(($column.asc(), $table::id.desc())),
            (Direction::Down, Direction::Up) => rows.order(($column.desc(), $table::id.asc())),
            (Direction::Down, Direction::Down) => rows.order(($column.desc(), $table::id.desc())),
        };
        let rows = rows.offset(run.offset).limit(run.limit).load($tx.connection())?;
        rows.into_iter().map(|(key, id)| Place { key: Some($read(key)), id }).collect()
    }};
}

pub(super) use {by_id, by_key};
