//! A table of resources as a search asks it: users and groups have the same columns but for the one that holds the name.

/// Makes a table searchable: `searched!(type, table, record, (name's column, name's attribute), total, leaf)`, where `leaf` plans
/// what is no `and`, `or` or `not`.
macro_rules! searched {
    ($searched:ident, $table:ident, $record:ident, ($name:expr, $attribute:literal), $total:expr, $leaf:ident) => {
        const _: () = {
            use scim_core::sort::{Sort, SortKey};
            use store::{ReadTx, StoreBackend};

            use crate::{
                DirectoryError,
                search::{
                    Searched,
                    column::{Column, Direction, Run, at, by_id, by_key, millis, text},
                    place::Place,
                    plan::{combine, within},
                },
            };

            impl Searched for $searched {
                type Record = $record;
                type Predicate = Condition<$table::table>;

                fn id(record: &$record) -> &str {
                    &record.id
                }

                fn plan(filter: &Filter) -> Plan<Self::Predicate> {
                    combine(filter, &$leaf)
                }

                fn column(sort: &Sort) -> Option<Column> {
                    Column::of(sort, $attribute)
                }

                fn total(tx: &mut ReadTx<'_>) -> Result<i64, DirectoryError> {
                    $total.read(tx)
                }

                fn one(
                    tx: &mut ReadTx<'_>,
                    predicate: Self::Predicate,
                ) -> Result<Option<$record>, DirectoryError> {
                    let row = $table::table.filter(predicate).select($record::as_select());
                    Ok(row.get_result(tx.connection()).optional()?)
                }

                fn count(tx: &mut ReadTx<'_>, predicate: Self::Predicate) -> Result<i64, DirectoryError> {
                    Ok($table::table.filter(predicate).count().get_result(tx.connection())?)
                }

                fn count_valued(
                    tx: &mut ReadTx<'_>,
                    predicate: Option<Self::Predicate>,
                ) -> Result<i64, DirectoryError> {
                    let rows = $table::table.filter($table::external_id_key.is_not_null()).count();
                    Ok(match predicate {
                        Some(predicate) => rows.filter(predicate).get_result(tx.connection())?,
                        None => rows.get_result(tx.connection())?,
                    })
                }

                fn places(
                    tx: &mut ReadTx<'_>,
                    predicate: Option<Self::Predicate>,
                    run: &Run<'_>,
                ) -> Result<Vec<Place>, DirectoryError> {
                    Ok(match run.column {
                        Column::Id => by_id!($table, tx, predicate, run),
                        Column::Name => by_key!($table, $name, SortKey::Text, text, tx, predicate, run),
                        Column::ExternalId if run.valued => {
                            let valued = within($table::external_id_key.is_not_null(), predicate);
                            let column = $table::external_id_key.assume_not_null();
                            by_key!($table, column, SortKey::Text, text, tx, Some(valued), run)
                        }
                        Column::ExternalId => {
                            let missing = within($table::external_id_key.is_null(), predicate);
                            by_id!($table, tx, Some(missing), run)
                        }
                        Column::Created => {
                            by_key!($table, $table::created_ms, at, millis, tx, predicate, run)
                        }
                        Column::Modified => {
                            by_key!($table, $table::modified_ms, at, millis, tx, predicate, run)
                        }
                    })
                }

                fn of_ids(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<$record>, DirectoryError> {
                    let columns = <$record as Selectable<StoreBackend>>::construct_selection();
                    Ok(tx.load($table::table.filter($table::id.eq_any(ids)).select(columns))?)
                }

                fn batch(
                    tx: &mut ReadTx<'_>,
                    predicate: Option<Self::Predicate>,
                    beyond: Option<&str>,
                    direction: Direction,
                    limit: i64,
                ) -> Result<Vec<$record>, DirectoryError> {
                    let mut rows = $table::table.select($record::as_select()).into_boxed::<StoreBackend>();
                    if let Some(predicate) = predicate {
                        rows = rows.filter(predicate);
                    }
                    rows = match (beyond, direction) {
                        (Some(id), Direction::Up) => rows.filter($table::id.gt(id.to_owned())),
                        (Some(id), Direction::Down) => rows.filter($table::id.lt(id.to_owned())),
                        (None, _) => rows,
                    };
                    rows = match direction {
                        Direction::Up => rows.order($table::id.asc()),
                        Direction::Down => rows.order($table::id.desc()),
                    };
                    Ok(rows.limit(limit).load(tx.connection())?)
                }
            }
        };
    };
}

pub(super) use searched;
