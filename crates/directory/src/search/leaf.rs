//! Plans of single comparisons, presence tests and value paths: of the attributes that users and groups share, of the names,
//! of the e-mail addresses and groups of users, and of the members of groups.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};
use scim_core::{
    AttributeName,
    filter::{Filter, Literal, Op},
    fold::{BLANKS, fold, user_name_key},
};

use super::{
    like::{ESCAPE, pattern},
    plan::{Condition, Element, Plan, combine},
    times,
};
use crate::{
    key,
    schema::{groups, memberships, nested_groups, user_emails, users},
};

define_sql_function! {
    /// Either database's: without any of these characters at its ends.
    fn trim(text: Text, blanks: Text) -> Text;
}

type OfUsers = Condition<users::table>;
type OfGroups = Condition<groups::table>;

/// A table of resources, as far as SQL decides filters on it.
pub(crate) trait Filtered: Sized + 'static {
    /// The part of a filter that SQL decides.
    fn plan(filter: &Filter) -> Plan<Condition<Self>>;
    /// Whether a stored document has this URN as a key. Quotes inside strings are escaped, so it finds keys only.
    fn holding(urn: &str) -> Condition<Self>;
}

/// `filtered!(table, own)`: `own` plans the attributes that only this table has.
macro_rules! filtered {
    ($table:ident, $own:path) => {
        impl Filtered for $table::table {
            fn plan(filter: &Filter) -> Plan<Condition<Self>> {
                combine(filter, &|leaf| $own(leaf).unwrap_or_else(|| Self::shared(leaf)))
            }

            fn holding(urn: &str) -> Condition<Self> {
                let pattern = pattern(Op::Co, &format!("\"{urn}\":")).unwrap_or_default();
                Box::new($table::document.like(pattern).escape(ESCAPE))
            }
        }

        impl $table::table {
            fn shared(leaf: &Filter) -> Plan<Condition<Self>> {
                let Filter::Compare { path, op, value: Literal::String(text) } = leaf else {
                    return Plan::none();
                };
                match op {
                    Op::Eq if path.is_name("id", None) => Plan::one(Box::new($table::id.eq(text.clone()))),
                    Op::Eq if path.is_name("externalId", None) => {
                        let equal = $table::external_id_key.eq(key::exact(text).into_owned());
                        let equal = equal.assume_not_null();
                        Plan::by_index(Box::new($table::external_id_key.is_not_null().and(equal)))
                    }
                    _ if path.is_name("meta", Some("lastModified")) => {
                        times::compare(*op, text, |from, to| -> Condition<Self> {
                            Box::new($table::modified_ms.between(from, to))
                        })
                    }
                    _ if path.is_name("meta", Some("created")) => {
                        times::compare(*op, text, |from, to| -> Condition<Self> {
                            Box::new($table::created_ms.between(from, to))
                        })
                    }
                    _ => Plan::none(),
                }
            }
        }
    };
}

filtered!(users, user);
filtered!(groups, group);

fn user(leaf: &Filter) -> Option<Plan<OfUsers>> {
    Some(match leaf {
        Filter::Compare { path, op, value: Literal::String(text) } => match op {
            _ if path.is_name("userName", None) => user_name(*op, text),
            Op::Eq if is_value_of(path, "emails") => email(text, None),
            Op::Eq if is_value_of(path, "groups") => Plan::exactly(in_group(text)),
            _ => return None,
        },
        Filter::ValuePath { path, filter } if path.is_name("emails", None) => email_path(filter),
        Filter::ValuePath { path, filter } if path.is_name("groups", None) => {
            element_with_id(filter, in_group, |kind, id| (kind == "direct").then(|| directly_in_group(id)))
        }
        _ => return None,
    })
}

fn group(leaf: &Filter) -> Option<Plan<OfGroups>> {
    Some(match leaf {
        Filter::Compare { path, op, value: Literal::String(text) } => match op {
            _ if path.is_name("displayName", None) => display_name(*op, text),
            Op::Eq if is_value_of(path, "members") => Plan::exactly(has_member(text)),
            _ => return None,
        },
        Filter::ValuePath { path, filter } if path.is_name("members", None) => {
            element_with_id(filter, has_member, |kind, id| match kind {
                "user" => Some(has_user(id)),
                "group" => Some(has_group(id)),
                _ => None,
            })
        }
        _ => return None,
    })
}

/// Whether a comparison is with `value` of the elements: `emails.value`, or `emails` alone.
fn is_value_of(path: &AttributeName, attribute: &str) -> bool {
    path.is_name(attribute, Some("value")) || path.is_name(attribute, None)
}

/// Plans a value path whose elements have ids: `with_id` is the condition for an id, and `of_kind` the one for an id and a
/// `type`, in lower case.
fn element_with_id<T>(
    filter: &Filter,
    with_id: fn(&str) -> Condition<T>,
    of_kind: impl Fn(&str, &str) -> Option<Condition<T>>,
) -> Plan<Condition<T>> {
    let Element { value: Some(id), kind, is_all } = Element::of(filter) else { return Plan::none() };
    let exact = match kind {
        _ if !is_all => None,
        Some(kind) => of_kind(&fold(kind), id),
        None => Some(with_id(id)),
    };
    // Each match has an element with this id, and the other terms are left to memory.
    exact.map_or_else(|| Plan { exact: false, ..Plan::exactly(with_id(id)) }, Plan::exactly)
}

fn user_name(op: Op, text: &str) -> Plan<OfUsers> {
    match op {
        Op::Eq => Plan::one(Box::new(users::name_key.eq(key::user_name(text)))),
        Op::Ne => Plan::exactly(Box::new(users::name_key.ne(key::user_name(text)))),
        // The key may be cut; the whole name is stored with the blanks around it.
        _ => match pattern(op, &user_name_key(text)) {
            Some(pattern) => {
                let whole = trim(users::name_folded, BLANKS);
                Plan::exactly(Box::new(whole.like(pattern).escape(ESCAPE)))
            }
            None => Plan::none(),
        },
    }
}

/// Members of the group and of the groups in it, because a user's `groups` has both. Ids are stored in lower case, and
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
    // An absent type is stored as an empty one. A filter distinguishes the two, so memory decides.
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
        // Each match has an address with this value, and the other terms are left to memory.
        Element { value: Some(value), .. } => Plan { exact: false, ..email(value, None) },
        Element { value: None, .. } => Plan::none(),
    }
}

fn display_name(op: Op, text: &str) -> Plan<OfGroups> {
    match op {
        Op::Eq => Plan::by_index(Box::new(groups::name_key.eq(key::folded(text)))),
        Op::Ne => Plan::exactly(Box::new(groups::name_key.ne(key::folded(text)))),
        _ => match pattern(op, &fold(text)) {
            Some(pattern) => Plan::exactly(Box::new(groups::name_folded.like(pattern).escape(ESCAPE))),
            None => Plan::none(),
        },
    }
}

/// Ids are stored in lower case, and `members.value` ignores letter case.
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
