//! What SQL can decide of a filter on users: id, userName, externalId, e-mail addresses, groups, and the two times.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};
use scim_core::{
    filter::{Filter, Literal, Op},
    fold::{BLANKS, fold, user_name_key},
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
    DirectoryError, key,
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

impl Searched for Users {
    type Record = UserRecord;
    type Predicate = Predicate;

    fn id(record: &UserRecord) -> &str {
        &record.id
    }

    fn plan(filter: &Filter) -> Plan<Predicate> {
        combine(filter, &leaf)
    }

    fn column(sort: &Sort) -> Option<Column> {
        Column::of(sort, "userName")
    }

    fn total(tx: &mut ReadTx<'_>) -> Result<i64, DirectoryError> {
        Total::Users.read(tx)
    }

    fn one(tx: &mut ReadTx<'_>, predicate: Predicate) -> Result<Option<UserRecord>, DirectoryError> {
        let row = users::table.filter(predicate).select(UserRecord::as_select());
        Ok(row.get_result(tx.connection()).optional()?)
    }

    fn count(tx: &mut ReadTx<'_>, predicate: Predicate) -> Result<i64, DirectoryError> {
        Ok(users::table.filter(predicate).count().get_result(tx.connection())?)
    }

    fn count_valued(tx: &mut ReadTx<'_>, predicate: Option<Predicate>) -> Result<i64, DirectoryError> {
        let rows = users::table.filter(users::external_id_key.is_not_null()).count();
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
            Column::Id => by_id!(users, tx, predicate, run),
            Column::Name => by_key!(users, users::user_name_key, SortKey::Text, text, tx, predicate, run),
            Column::ExternalId if run.valued => {
                let valued = within(users::external_id_key.is_not_null(), predicate);
                let column = users::external_id_key.assume_not_null();
                by_key!(users, column, SortKey::Text, text, tx, Some(valued), run)
            }
            Column::ExternalId => {
                let missing = within(users::external_id_key.is_null(), predicate);
                by_id!(users, tx, Some(missing), run)
            }
            Column::Created => by_key!(users, users::created_ms, at, millis, tx, predicate, run),
            Column::Modified => by_key!(users, users::modified_ms, at, millis, tx, predicate, run),
        })
    }

    fn of_ids(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<UserRecord>, DirectoryError> {
        let rows = users::table.filter(users::id.eq_any(ids)).select(UserRecord::as_select());
        Ok(rows.load(tx.connection())?)
    }

    fn batch(
        tx: &mut ReadTx<'_>,
        predicate: Option<Predicate>,
        beyond: Option<&str>,
        direction: Direction,
        limit: i64,
    ) -> Result<Vec<UserRecord>, DirectoryError> {
        let mut rows = users::table.select(UserRecord::as_select()).into_boxed::<StoreBackend>();
        if let Some(predicate) = predicate {
            rows = rows.filter(predicate);
        }
        rows = match (beyond, direction) {
            (Some(id), Direction::Up) => rows.filter(users::id.gt(id.to_owned())),
            (Some(id), Direction::Down) => rows.filter(users::id.lt(id.to_owned())),
            (None, _) => rows,
        };
        rows = match direction {
            Direction::Up => rows.order(users::id.asc()),
            Direction::Down => rows.order(users::id.desc()),
        };
        Ok(rows.limit(limit).load(tx.connection())?)
    }
}

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
                    Plan::exactly(Box::new(users::external_id_key.is_not_null().and(equal)))
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
        None => Plan::exactly(Box::new(users::id.eq_any(ids))),
        Some(kind) => {
            let ids = ids.filter(user_emails::type_key.eq(key::folded(kind)));
            Plan::exactly(Box::new(users::id.eq_any(ids)))
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
