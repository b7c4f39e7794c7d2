//! What SQL can decide of one comparison, presence test or value path. What users and groups share stands in
//! [`crate::table::Table::compare`]; here are the names, the e-mail addresses and groups of users, and the members of groups.

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
};
use crate::{
    key,
    schema::{groups, memberships, nested_groups, user_emails, users},
    table::{Groups, Table as _, Users},
};

define_sql_function! {
    /// Either database's: without any of these characters at its ends.
    fn trim(text: Text, blanks: Text) -> Text;
}

type OfUsers = Condition<users::table>;
type OfGroups = Condition<groups::table>;

pub(crate) fn user(filter: &Filter) -> Plan<OfUsers> {
    match filter {
        Filter::Compare { path, op, value: Literal::String(text) } => {
            let is = |attribute: &str, sub: Option<&str>| path.is_name(attribute, sub);
            match op {
                Op::Eq if is("emails", Some("value")) || is("emails", None) => email(text, None),
                Op::Eq if is("groups", Some("value")) || is("groups", None) => Plan::exactly(in_group(text)),
                _ => Users::compare(&is, *op, text),
            }
        }
        Filter::ValuePath { path, filter } if path.is_name("emails", None) => email_path(filter),
        Filter::ValuePath { path, filter } if path.is_name("groups", None) => group_path(filter),
        _ => Plan::none(),
    }
}

pub(crate) fn group(filter: &Filter) -> Plan<OfGroups> {
    match filter {
        Filter::Compare { path, op, value: Literal::String(text) } => {
            let is = |attribute: &str, sub: Option<&str>| path.is_name(attribute, sub);
            match op {
                Op::Eq if is("members", Some("value")) || is("members", None) => {
                    Plan::exactly(has_member(text))
                }
                _ => Groups::compare(&is, *op, text),
            }
        }
        Filter::ValuePath { path, filter } if path.is_name("members", None) => member_path(filter),
        _ => Plan::none(),
    }
}

pub(crate) fn user_name(op: Op, text: &str) -> Plan<OfUsers> {
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
fn in_group(group_id: &str) -> OfUsers {
    let inside = sql::<Bool>("users.id IN (WITH RECURSIVE inside (id) AS (VALUES (")
        .bind::<Text, _>(fold(group_id).into_owned())
        .sql(") UNION SELECT n.member_id FROM nested_groups n JOIN inside ON n.group_id = inside.id) ")
        .sql("SELECT m.user_id FROM memberships m JOIN inside ON m.group_id = inside.id)");
    Box::new(inside)
}

fn directly_in_group(group_id: &str) -> OfUsers {
    let members = memberships::table.filter(memberships::group_id.eq(fold(group_id).into_owned()));
    Box::new(users::id.eq_any(members.select(memberships::user_id)))
}

fn email(value: &str, kind: Option<&str>) -> Plan<OfUsers> {
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

fn email_path(filter: &Filter) -> Plan<OfUsers> {
    match Element::of(filter) {
        Element { value: Some(value), kind, is_all: true } => email(value, kind),
        // Whatever else is asked of the element, it has this value.
        Element { value: Some(value), .. } => Plan { exact: false, ..email(value, None) },
        Element { value: None, .. } => Plan::none(),
    }
}

fn group_path(filter: &Filter) -> Plan<OfUsers> {
    match Element::of(filter) {
        Element { value: Some(id), kind: None, is_all: true } => Plan::exactly(in_group(id)),
        Element { value: Some(id), kind: Some(kind), is_all: true } if fold(kind) == "direct" => {
            Plan::exactly(directly_in_group(id))
        }
        Element { value: Some(id), .. } => Plan { exact: false, ..Plan::exactly(in_group(id)) },
        Element { value: None, .. } => Plan::none(),
    }
}

pub(crate) fn display_name(op: Op, text: &str) -> Plan<OfGroups> {
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
fn has_member(id: &str) -> OfGroups {
    let id = fold(id).into_owned();
    let of_user =
        memberships::table.filter(memberships::user_id.eq(id.clone())).select(memberships::group_id);
    let of_group =
        nested_groups::table.filter(nested_groups::member_id.eq(id)).select(nested_groups::group_id);
    Box::new(groups::id.eq_any(of_user.union_all(of_group)))
}

fn has_user(id: &str) -> OfGroups {
    let of_user = memberships::table.filter(memberships::user_id.eq(fold(id).into_owned()));
    Box::new(groups::id.eq_any(of_user.select(memberships::group_id)))
}

fn has_group(id: &str) -> OfGroups {
    let of_group = nested_groups::table.filter(nested_groups::member_id.eq(fold(id).into_owned()));
    Box::new(groups::id.eq_any(of_group.select(nested_groups::group_id)))
}

fn member_path(filter: &Filter) -> Plan<OfGroups> {
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
