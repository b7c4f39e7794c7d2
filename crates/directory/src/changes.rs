//! The change log: one row for each change, written in the change's transaction. A record that answers a write is its row of the
//! provisioning log too ([`crate::log`]).

use diesel::prelude::*;
use store::{Next, ReadTx, WriteTx, insert_row, next};

use crate::{
    DirectoryError,
    log::{Entry, LoggedPerson},
    schema::changes,
};

/// The number of a change record.
pub(crate) type NextNumber = Next<<changes::table as QuerySource>::FromClause, changes::number>;

/// The number of the next record. Rows that change carry it, so that the order of two changes is known.
pub(crate) fn next_number() -> NextNumber {
    next(changes::table, changes::number)
}

/// A record to be written; its number and its time come from the transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord<'a> {
    /// `user.created`, `group.changed`, `plan.quota`, …
    pub kind: &'a str,
    /// The changed resource; empty for a change of none.
    pub resource_id: &'a str,
    /// Its version after the change.
    pub version: i64,
    /// The request that caused it.
    pub request_id: &'a str,
    /// The member of staff who caused it, if one did.
    pub actor: Option<&'a str>,
    /// JSON text: the facts of the change, such as the names of the attributes that changed; no personal data beyond ids,
    /// roles and licenses.
    pub detail: &'a str,
    /// The part that the provisioning log has of it; `None` for a record that answers no write.
    pub entry: Option<Entry<'a>>,
    /// The person whom it is about, if the log is to find it so.
    pub person: Option<LoggedPerson<'a>>,
}

/// Appends one record. Its number is its place among the commits: on PostgreSQL the caller has taken the tenant's turn
/// (`seat_ledger::pools::take_turn`), SQLite has one writer.
///
/// # Errors
/// When the store fails.
pub fn append(tx: &mut WriteTx<'_>, new: &NewRecord<'_>) -> Result<(), DirectoryError> {
    let (entry, person) = (new.entry, new.person);
    insert_row!(
        tx,
        changes::table,
        changes::number = next_number(),
        changes::at_ms = tx.now_ms(),
        changes::kind = new.kind,
        changes::resource_id = new.resource_id,
        changes::version = new.version,
        changes::request_id = new.request_id,
        changes::detail = new.detail,
        changes::actor = new.actor,
        changes::result = entry.map(|entry| entry.result),
        changes::idp = entry.map(|entry| entry.idp),
        changes::user_key = person.map(|person| person.key),
        changes::user_name = person.and_then(|person| person.name),
    )?;
    Ok(())
}

/// One record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct ChangeRecord {
    /// Its place among the tenant's changes, from 1 and without gaps, in the order in which they were committed.
    pub number: i64,
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The same as [`NewRecord::kind`].
    pub kind: String,
    /// The changed resource.
    pub resource_id: String,
    /// Its version after the change.
    pub version: i64,
    /// The request that caused it.
    pub request_id: String,
    /// JSON text.
    pub detail: String,
    /// The same as [`NewRecord::actor`].
    pub actor: Option<String>,
}

/// The columns of a [`ChangeRecord`].
macro_rules! columns {
    () => {
        (
            changes::number,
            changes::at_ms,
            changes::kind,
            changes::resource_id,
            changes::version,
            changes::request_id,
            changes::detail,
            changes::actor,
        )
    };
}

/// The changes of one resource, newest first, at most `limit`.
///
/// # Errors
/// When the store fails.
pub fn of_resource(
    tx: &mut ReadTx<'_>,
    resource_id: &str,
    limit: i64,
) -> Result<Vec<ChangeRecord>, DirectoryError> {
    let rows = changes::table.filter(changes::resource_id.eq(resource_id)).order(changes::number.desc());
    Ok(rows.limit(limit).select(columns!()).load(tx.connection())?)
}

/// The change with this number, if it is one of this resource.
///
/// # Errors
/// When the store fails.
pub fn of_number(
    tx: &mut ReadTx<'_>,
    number: i64,
    resource_id: &str,
) -> Result<Option<ChangeRecord>, DirectoryError> {
    let change = changes::table.find(number).filter(changes::resource_id.eq(resource_id));
    Ok(tx.get_result(change.select(columns!())).optional()?)
}

/// The newest changes of the tenant, newest first, at most `limit`.
///
/// # Errors
/// When the store fails.
pub fn newest(tx: &mut ReadTx<'_>, limit: i64) -> Result<Vec<ChangeRecord>, DirectoryError> {
    let rows = changes::table.order(changes::number.desc()).limit(limit);
    Ok(rows.select(columns!()).load(tx.connection())?)
}

/// The newest changes by staff, newest first, at most `limit`.
///
/// # Errors
/// When the store fails.
pub fn newest_by_staff(tx: &mut ReadTx<'_>, limit: i64) -> Result<Vec<ChangeRecord>, DirectoryError> {
    let by_staff = changes::table.filter(changes::actor.is_not_null());
    Ok(by_staff.order(changes::number.desc()).limit(limit).select(columns!()).load(tx.connection())?)
}

/// Reads the whole log in its order, a page of it at a time.
///
/// # Errors
/// When the store fails.
pub fn for_each(tx: &mut ReadTx<'_>, mut visit: impl FnMut(ChangeRecord)) -> Result<(), DirectoryError> {
    /// Records of a page.
    const PAGE: i64 = 1_000;
    let mut after = 0;
    loop {
        let rows = changes::table.filter(changes::number.gt(after)).order(changes::number);
        let page: Vec<ChangeRecord> = rows.limit(PAGE).select(columns!()).load(tx.connection())?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.number;
        page.into_iter().for_each(&mut visit);
    }
}

/// Which change was the newest: whether two moments have seen the same directory. The request tells apart two changes of one
/// number, of a store before and after it was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newest(Option<(i64, i64, String)>);

/// The newest change of the tenant.
///
/// # Errors
/// When the store fails.
pub fn newest_of_all(tx: &mut ReadTx<'_>) -> Result<Newest, DirectoryError> {
    let rows = changes::table.order(changes::number.desc());
    let newest = rows.select((changes::number, changes::at_ms, changes::request_id));
    Ok(Newest(tx.load_first(newest, 1)?.pop()))
}
