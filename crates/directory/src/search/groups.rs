//! What SQL can decide of a filter on groups: id, displayName, externalId, members, and the two times.

use diesel::prelude::*;
use scim_core::{
    filter::{Filter, Literal, Op},
    fold::fold,
};
use store::ReadTx;

use super::{
    Searched,
    like::{self, ESCAPE},
    plan::{Condition, Plan, combine},
    times,
};
use crate::{
    DirectoryError,
    groups::GroupRecord,
    schema::{groups, memberships},
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

    fn page(tx: &mut ReadTx<'_>, offset: i64, limit: i64) -> Result<Vec<GroupRecord>, DirectoryError> {
        let ids = groups::table.select(groups::id).order(groups::id).offset(offset).limit(limit);
        let ids: Vec<String> = ids.load(tx.connection())?;
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
    let Filter::Compare { path, op, value: Literal::String(text) } = filter else { return Plan::none() };
    let is = |attribute: &str, sub| path.is_name(attribute, sub);
    match op {
        Op::Eq if is("id", None) => Plan::one(Box::new(groups::id.eq(text.clone()))),
        _ if is("displayName", None) => display_name(*op, text),
        Op::Eq if is("externalId", None) => {
            let equal = groups::external_id.eq(text.clone()).assume_not_null();
            Plan::exactly(Box::new(groups::external_id.is_not_null().and(equal)))
        }
        Op::Eq if is("members", Some("value")) || is("members", None) => Plan::exactly(has_member(text)),
        _ if is("meta", Some("lastModified")) => times::compare(*op, text, modified),
        _ if is("meta", Some("created")) => times::compare(*op, text, created),
        _ => Plan::none(),
    }
}

fn display_name(op: Op, text: &str) -> Plan<Predicate> {
    let key = groups::display_name_key;
    let text = fold(text);
    match op {
        Op::Eq => Plan::exactly(Box::new(key.eq(text.into_owned()))),
        Op::Ne => Plan::exactly(Box::new(key.ne(text.into_owned()))),
        Op::Co => Plan::exactly(Box::new(key.like(like::contains(&text)).escape(ESCAPE))),
        Op::Sw => Plan::exactly(Box::new(key.like(like::starts_with(&text)).escape(ESCAPE))),
        Op::Ew => Plan::exactly(Box::new(key.like(like::ends_with(&text)).escape(ESCAPE))),
        _ => Plan::none(),
    }
}

fn has_member(user_id: &str) -> Predicate {
    let of_user = memberships::table.filter(memberships::user_id.eq(user_id.to_owned()));
    Box::new(groups::id.eq_any(of_user.select(memberships::group_id)))
}

fn modified(from: i64, to: i64) -> Predicate {
    Box::new(groups::modified_ms.between(from, to))
}

fn created(from: i64, to: i64) -> Predicate {
    Box::new(groups::created_ms.between(from, to))
}
