//! What SQL can decide of a filter on groups: id, displayName, externalId, members, and the two times.

use diesel::prelude::*;
use scim_core::{
    filter::{Filter, Literal, Op},
    fold::fold,
};
use store::ReadTx;

use super::{
    Order, Searched,
    like::{ESCAPE, pattern},
    plan::{Condition, Element, Plan, combine},
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

    fn select(
        tx: &mut ReadTx<'_>,
        predicate: Predicate,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<GroupRecord>, DirectoryError> {
        let rows = groups::table.filter(predicate).order(groups::id).offset(offset).limit(limit);
        Ok(rows.select(GroupRecord::as_select()).load(tx.connection())?)
    }

    fn ids(
        tx: &mut ReadTx<'_>,
        order: Order,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<String>, DirectoryError> {
        let ids = groups::table.select(groups::id).offset(offset).limit(limit);
        Ok(match order {
            Order::Ascending => ids.order(groups::id.asc()).load(tx.connection())?,
            Order::Descending => ids.order(groups::id.desc()).load(tx.connection())?,
        })
    }

    fn of_ids(tx: &mut ReadTx<'_>, ids: Vec<String>) -> Result<Vec<GroupRecord>, DirectoryError> {
        let rows = groups::table.filter(groups::id.eq_any(ids)).order(groups::id);
        Ok(rows.select(GroupRecord::as_select()).load(tx.connection())?)
    }

    fn after(
        tx: &mut ReadTx<'_>,
        id: &str,
        predicate: Option<Predicate>,
        limit: i64,
    ) -> Result<Vec<GroupRecord>, DirectoryError> {
        let rows = groups::table.filter(groups::id.gt(id)).order(groups::id).limit(limit);
        let rows = rows.select(GroupRecord::as_select());
        match predicate {
            Some(predicate) => Ok(rows.filter(predicate).load(tx.connection())?),
            None => Ok(rows.load(tx.connection())?),
        }
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
