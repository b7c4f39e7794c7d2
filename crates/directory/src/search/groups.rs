//! What SQL can decide of a filter on groups: id, displayName, externalId, members, and the two times.

use diesel::prelude::*;
use scim_core::{
    filter::{Filter, Literal, Op},
    fold::fold,
    sort::{Sort, SortKey},
};
use store::{ReadTx, StoreBackend};

use super::{
    Searched,
    column::{Column, Direction, Run, at, by_id, by_key, millis, text},
    like::{ESCAPE, pattern},
    place::Place,
    plan::{Condition, Element, Plan, combine, within},
    times,
};
use crate::{
    DirectoryError,
    groups::GroupRecord,
    key,
    schema::{groups, memberships, nested_groups},
    totals::Total,
};

/// The groups of a tenant.
#[derive(Debug)]
pub struct Groups;

type Predicate = Condition<groups::table>;

impl Searched for Groups {
    type Record = GroupRecord;
    type Predicate = Predicate;

    fn id(record: &GroupRecord) -> &str {
        &record.id
    }

    fn plan(filter: &Filter) -> Plan<Predicate> {
        combine(filter, &leaf)
    }

    fn column(sort: &Sort) -> Option<Column> {
        Column::of(sort, "displayName")
    }

    fn total(tx: &mut ReadTx<'_>) -> Result<i64, DirectoryError> {
        Total::Groups.read(tx)
    }

    fn one(tx: &mut ReadTx<'_>, predicate: Predicate) -> Result<Option<GroupRecord>, DirectoryError> {
        let row = groups::table.filter(predicate).select(GroupRecord::as_select());
        Ok(row.get_result(tx.connection()).optional()?)
    }

    fn count(tx: &mut ReadTx<'_>, predicate: Predicate) -> Result<i64, DirectoryError> {
        Ok(groups::table.filter(predicate).count().get_result(tx.connection())?)
    }

    fn count_valued(tx: &mut ReadTx<'_>, predicate: Option<Predicate>) -> Result<i64, DirectoryError> {
        let rows = groups::table.filter(groups::external_id_key.is_not_null()).count();
        Ok(match predicate {
            Some(predicate) => rows.filter(predicate).get_result(tx.connection())?,
            None => rows.get_result(tx.connection())?,
        })
    }

    fn places(
        tx: &mut ReadTx<'_>,
        predicate: Option<Predicate>,
        run: &Run<'_>,
    ) -> Result<Vec<Place>, DirectoryError> {
        Ok(match run.column {
            Column::Id => by_id!(groups, tx, predicate, run),
            Column::Name => {
                by_key!(groups, groups::display_name_key, SortKey::Text, text, tx, predicate, run)
            }
            Column::ExternalId if run.valued => {
                let valued = within(groups::external_id_key.is_not_null(), predicate);
                let column = groups::external_id_key.assume_not_null();
                by_key!(groups, column, SortKey::Text, text, tx, Some(valued), run)
            }
            Column::ExternalId => {
                let missing = within(groups::external_id_key.is_null(), predicate);
                by_id!(groups, tx, Some(missing), run)
            }
            Column::Created => by_key!(groups, groups::created_ms, at, millis, tx, predicate, run),
            Column::Modified => by_key!(groups, groups::modified_ms, at, millis, tx, predicate, run),
        })
    }

    fn of_ids(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<GroupRecord>, DirectoryError> {
        let rows = groups::table.filter(groups::id.eq_any(ids)).select(GroupRecord::as_select());
        Ok(rows.load(tx.connection())?)
    }

    fn batch(
        tx: &mut ReadTx<'_>,
        predicate: Option<Predicate>,
        beyond: Option<&str>,
        direction: Direction,
        limit: i64,
    ) -> Result<Vec<GroupRecord>, DirectoryError> {
        let mut rows = groups::table.select(GroupRecord::as_select()).into_boxed::<StoreBackend>();
        if let Some(predicate) = predicate {
            rows = rows.filter(predicate);
        }
        rows = match (beyond, direction) {
            (Some(id), Direction::Up) => rows.filter(groups::id.gt(id.to_owned())),
            (Some(id), Direction::Down) => rows.filter(groups::id.lt(id.to_owned())),
            (None, _) => rows,
        };
        rows = match direction {
            Direction::Up => rows.order(groups::id.asc()),
            Direction::Down => rows.order(groups::id.desc()),
        };
        Ok(rows.limit(limit).load(tx.connection())?)
    }
}

fn leaf(filter: &Filter) -> Plan<Predicate> {
    if let Filter::ValuePath { path, filter } = filter {
        return if path.is_name("members", None) { member_path(filter) } else { Plan::none() };
    }
    let Filter::Compare { path, op, value: Literal::String(text) } = filter else { return Plan::none() };
    let is = |attribute: &str, sub| path.is_name(attribute, sub);
    match op {
        Op::Eq if is("id", None) => Plan::one(Box::new(groups::id.eq(text.clone()))),
        _ if is("displayName", None) => display_name(*op, text),
        Op::Eq if is("externalId", None) => {
            let equal = groups::external_id_key.eq(key::exact(text).into_owned()).assume_not_null();
            Plan::exactly(Box::new(groups::external_id_key.is_not_null().and(equal)))
        }
        Op::Eq if is("members", Some("value")) || is("members", None) => Plan::exactly(has_member(text)),
        _ if is("meta", Some("lastModified")) => times::compare(*op, text, modified),
        _ if is("meta", Some("created")) => times::compare(*op, text, created),
        _ => Plan::none(),
    }
}

fn display_name(op: Op, text: &str) -> Plan<Predicate> {
    match op {
        Op::Eq => Plan::exactly(Box::new(groups::display_name_key.eq(key::folded(text)))),
        Op::Ne => Plan::exactly(Box::new(groups::display_name_key.ne(key::folded(text)))),
        _ => match pattern(op, &fold(text)) {
            Some(pattern) => {
                Plan::exactly(Box::new(groups::display_name_folded.like(pattern).escape(ESCAPE)))
            }
            None => Plan::none(),
        },
    }
}

/// Ids rest in lower case, and `members.value` compares without it.
fn has_member(id: &str) -> Predicate {
    let id = fold(id).into_owned();
    let of_user =
        memberships::table.filter(memberships::user_id.eq(id.clone())).select(memberships::group_id);
    let of_group =
        nested_groups::table.filter(nested_groups::member_id.eq(id)).select(nested_groups::group_id);
    Box::new(groups::id.eq_any(of_user.union_all(of_group)))
}

fn has_user(id: &str) -> Predicate {
    let of_user = memberships::table.filter(memberships::user_id.eq(fold(id).into_owned()));
    Box::new(groups::id.eq_any(of_user.select(memberships::group_id)))
}

fn has_group(id: &str) -> Predicate {
    let of_group = nested_groups::table.filter(nested_groups::member_id.eq(fold(id).into_owned()));
    Box::new(groups::id.eq_any(of_group.select(nested_groups::group_id)))
}

fn member_path(filter: &Filter) -> Plan<Predicate> {
    match Element::of(filter) {
        Element { value: Some(id), kind: None, is_all: true } => Plan::exactly(has_member(id)),
        Element { value: Some(id), kind: Some(kind), is_all: true } if fold(kind) == "user" => {
            Plan::exactly(has_user(id))
        }
        Element { value: Some(id), kind: Some(kind), is_all: true } if fold(kind) == "group" => {
            Plan::exactly(has_group(id))
        }
        // Whatever else is asked of the member, it has this id.
        Element { value: Some(id), .. } => Plan { exact: false, ..Plan::exactly(has_member(id)) },
        Element { value: None, .. } => Plan::none(),
    }
}

fn modified(from: i64, to: i64) -> Predicate {
    Box::new(groups::modified_ms.between(from, to))
}

fn created(from: i64, to: i64) -> Predicate {
    Box::new(groups::created_ms.between(from, to))
}
