//! What SQL can decide of a filter on groups: id, displayName, externalId, members, and the two times.

use diesel::prelude::*;
use scim_core::{
    filter::{Filter, Literal, Op},
    fold::fold,
};

use super::{
    like::{ESCAPE, pattern},
    plan::{Condition, Element, Plan},
    table::searched,
    times,
};
use crate::{
    groups::GroupRecord,
    key,
    schema::{groups, memberships, nested_groups},
    totals::Total,
};

/// The groups of a tenant.
#[derive(Debug)]
pub struct Groups;

type Predicate = Condition<groups::table>;

searched!(Groups, groups, GroupRecord, (groups::display_name_key, "displayName"), Total::Groups, leaf);

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
            Plan::by_index(Box::new(groups::external_id_key.is_not_null().and(equal)))
        }
        Op::Eq if is("members", Some("value")) || is("members", None) => Plan::exactly(has_member(text)),
        _ if is("meta", Some("lastModified")) => times::compare(*op, text, modified),
        _ if is("meta", Some("created")) => times::compare(*op, text, created),
        _ => Plan::none(),
    }
}

fn display_name(op: Op, text: &str) -> Plan<Predicate> {
    match op {
        Op::Eq => Plan::by_index(Box::new(groups::display_name_key.eq(key::folded(text)))),
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
