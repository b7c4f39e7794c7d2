//! What SQL can decide of a filter on users: id, userName, externalId, e-mail addresses, groups, and the two times.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};
use scim_core::{
    filter::{Filter, Literal, Op},
    fold::{BLANKS, fold, user_name_key},
};

use super::{
    like::{ESCAPE, pattern},
    plan::{Condition, Element, Plan},
    table::searched,
    times,
};
use crate::{
    key,
    schema::{memberships, user_emails, users},
    totals::Total,
    users::UserRecord,
};

define_sql_function! {
    /// Either database's: without any of these characters at its ends.
    fn trim(text: Text, blanks: Text) -> Text;
}

/// The users of a tenant.
#[derive(Debug)]
pub struct Users;

type Predicate = Condition<users::table>;

searched!(Users, users, UserRecord, (users::user_name_key, "userName"), Total::Users, leaf);

/// One comparison, presence test or value path.
fn leaf(filter: &Filter) -> Plan<Predicate> {
    match filter {
        Filter::Compare { path, op, value: Literal::String(text) } => {
            let is = |attribute: &str, sub| path.is_name(attribute, sub);
            match op {
                Op::Eq if is("id", None) => Plan::one(Box::new(users::id.eq(text.clone()))),
                _ if is("userName", None) => user_name(*op, text),
                Op::Eq if is("externalId", None) => {
                    let equal = users::external_id_key.eq(key::exact(text).into_owned()).assume_not_null();
                    Plan::by_index(Box::new(users::external_id_key.is_not_null().and(equal)))
                }
                Op::Eq if is("emails", Some("value")) || is("emails", None) => email(text, None),
                Op::Eq if is("groups", Some("value")) || is("groups", None) => Plan::exactly(in_group(text)),
                _ if is("meta", Some("lastModified")) => times::compare(*op, text, modified),
                _ if is("meta", Some("created")) => times::compare(*op, text, created),
                _ => Plan::none(),
            }
        }
        Filter::ValuePath { path, filter } if path.is_name("emails", None) => email_path(filter),
        Filter::ValuePath { path, filter } if path.is_name("groups", None) => group_path(filter),
        _ => Plan::none(),
    }
}

fn user_name(op: Op, text: &str) -> Plan<Predicate> {
    match op {
        Op::Eq => Plan::one(Box::new(users::user_name_key.eq(key::user_name(text)))),
        Op::Ne => Plan::exactly(Box::new(users::user_name_key.ne(key::user_name(text)))),
        // The key may be cut; the whole name rests with the blanks around it.
        _ => match pattern(op, &user_name_key(text)) {
            Some(pattern) => {
                let whole = trim(users::user_name_folded, BLANKS);
                Plan::exactly(Box::new(whole.like(pattern).escape(ESCAPE)))
            }
            None => Plan::none(),
        },
    }
}

/// Members of the group and of the groups in it, as a user's `groups` tells of both. Ids rest in lower case, and
/// `groups.value` compares without it. `UNION` takes every group once, so the walk ends.
fn in_group(group_id: &str) -> Predicate {
    let inside = sql::<Bool>("users.id IN (WITH RECURSIVE inside (id) AS (VALUES (")
        .bind::<Text, _>(fold(group_id).into_owned())
        .sql(") UNION SELECT n.member_id FROM nested_groups n JOIN inside ON n.group_id = inside.id) ")
        .sql("SELECT m.user_id FROM memberships m JOIN inside ON m.group_id = inside.id)");
    Box::new(inside)
}

fn directly_in_group(group_id: &str) -> Predicate {
    let members = memberships::table.filter(memberships::group_id.eq(fold(group_id).into_owned()));
    Box::new(users::id.eq_any(members.select(memberships::user_id)))
}

fn email(value: &str, kind: Option<&str>) -> Plan<Predicate> {
    // An absent type rests as an empty one; a filter can tell the two apart, so it decides.
    if kind.is_some_and(|kind| fold(kind).is_empty()) {
        return Plan::none();
    }
    let rows = user_emails::table.filter(user_emails::value_key.eq(key::folded(value)));
    let ids = rows.select(user_emails::user_id);
    match kind {
        None => Plan::by_index(Box::new(users::id.eq_any(ids))),
        Some(kind) => {
            let ids = ids.filter(user_emails::type_key.eq(key::folded(kind)));
            Plan::by_index(Box::new(users::id.eq_any(ids)))
        }
    }
}

fn email_path(filter: &Filter) -> Plan<Predicate> {
    match Element::of(filter) {
        Element { value: Some(value), kind, is_all: true } => email(value, kind),
        // Whatever else is asked of the element, it has this value.
        Element { value: Some(value), .. } => Plan { exact: false, ..email(value, None) },
        Element { value: None, .. } => Plan::none(),
    }
}

fn group_path(filter: &Filter) -> Plan<Predicate> {
    match Element::of(filter) {
        Element { value: Some(id), kind: None, is_all: true } => Plan::exactly(in_group(id)),
        Element { value: Some(id), kind: Some(kind), is_all: true } if fold(kind) == "direct" => {
            Plan::exactly(directly_in_group(id))
        }
        Element { value: Some(id), .. } => Plan { exact: false, ..Plan::exactly(in_group(id)) },
        Element { value: None, .. } => Plan::none(),
    }
}

fn modified(from: i64, to: i64) -> Predicate {
    Box::new(users::modified_ms.between(from, to))
}

fn created(from: i64, to: i64) -> Predicate {
    Box::new(users::created_ms.between(from, to))
}
