//! Resources are inserted, changed and removed. A row's document is returned, its other columns are searched. Members are rows
//! of their own ([`crate::memberships`]), never a list in the group's document.

use diesel::prelude::*;
use scim_core::{Document, ResourceKind, ResourceType, fold::fold};
use store::{ReadTx, WriteTx, insert_row};

pub use crate::table::{Record, existing, find, find_all, find_for_update, set_origin, touch};
use crate::{
    DirectoryError, Origin, Standing, changes, claims, emails, key,
    memberships::{self, LeftGroup},
    schema::users,
    search::rows::{Batches, Rows},
    table::{in_table, name_attribute},
    totals,
};

/// The columns of a document. Made before the transaction where possible, so that other writers do not wait for it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The canonical document as JSON text.
    pub(crate) document: String,
    pub(crate) name_key: String,
    pub(crate) name_folded: String,
    pub(crate) external_id_key: Option<String>,
    pub(crate) emails: emails::Keys,
    claims: Vec<claims::Claim>,
}

impl Row {
    /// The row of a document of this type.
    #[must_use]
    pub fn of(rt: &ResourceType, document: &Document) -> Self {
        Self {
            document: document.to_stored(),
            name_key: name_key(rt.kind, document),
            name_folded: fold(name(rt.kind, document)).into_owned(),
            external_id_key: document.str("externalId").map(|id| key::exact(id).into_owned()),
            emails: emails::keys(document),
            claims: claims::of(rt, document),
        }
    }
}

impl Row {
    /// The document again.
    ///
    /// # Errors
    /// When it is damaged, which the caller has seen before.
    pub fn parse(&self) -> Result<Document, DirectoryError> {
        let damage =
            |e: serde_json::Error| DirectoryError::BadDocument { id: String::new(), cause: e.to_string() };
        Document::from_stored(&self.document).map_err(damage)
    }
}

/// The name by which a resource is found: a user's `userName`, a group's `displayName`.
fn name(kind: ResourceKind, document: &Document) -> &str {
    document.str(name_attribute(kind)).unwrap_or_default()
}

fn name_key(kind: ResourceKind, document: &Document) -> String {
    match kind {
        ResourceKind::User => key::user_name(name(kind, document)),
        _ => key::folded(name(kind, document)),
    }
}

/// Whether a text has the form of the ids that a store gives: UUIDs.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Inserts a new resource, a group without members, under an id that [`WriteTx::new_id`] gave.
///
/// # Errors
/// [`DirectoryError::UserNameTaken`], [`DirectoryError::ValueTaken`], or the store's.
pub fn insert(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: String,
    row: &Row,
) -> Result<Record, DirectoryError> {
    if kind == ResourceKind::User && tx.has_rivals() {
        // PostgreSQL aborts the transaction when a key is violated, so the other user could not be looked up afterwards.
        refuse_taken_name(tx, &row.name_key, None)?;
    }
    let now = tx.now_ms();
    let record = Record {
        id,
        document: row.document.clone(),
        version: 1,
        created_ms: now,
        modified_ms: now,
        regrouped_version: 0,
        changed_number: 0,
        origin: Origin::default(),
        origin_since_ms: None,
        standing: Standing::default(),
    };
    insert_as(tx, kind, record, row)
}

/// Inserts a user or a group that was removed, under the old id and with the next version.
///
/// # Errors
/// As [`insert`].
pub fn insert_again(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    removed: &Record,
    row: &Row,
) -> Result<Record, DirectoryError> {
    if kind == ResourceKind::User && tx.has_rivals() {
        refuse_taken_name(tx, &row.name_key, None)?;
    }
    let record = Record { document: row.document.clone(), ..removed.next_version(tx) };
    let record = insert_as(tx, kind, record, row)?;
    if record.origin_since_ms.is_some() || record.origin != Origin::default() {
        in_table!(kind, |table| {
            let columns =
                (table::origin.eq(record.origin.key()), table::origin_since_ms.eq(record.origin_since_ms));
            tx.update(table::table.find(&record.id), columns)?;
            Ok(())
        })?;
    }
    Ok(record)
}

fn insert_as(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    record: Record,
    row: &Row,
) -> Result<Record, DirectoryError> {
    in_table!(kind, |table| {
        let inserted = insert_row!(
            tx,
            table::table,
            table::id = &record.id,
            table::name_key = &row.name_key,
            table::name_folded = &row.name_folded,
            table::external_id_key = &row.external_id_key,
            table::document = &record.document,
            table::version = record.version,
            table::created_ms = record.created_ms,
            table::modified_ms = record.modified_ms,
            table::changed_number = changes::next_number(),
            table::moved_mark = 0,
        );
        inserted.map_err(|error| name_taken(tx, &row.name_key, error))
    })?;
    emails::sync(tx, &record.id, &emails::Keys::new(), &row.emails)?;
    claims::sync(tx, &[], &row.claims, &record.id)?;
    totals::add(tx, kind, 1)?;
    Ok(record)
}

fn refuse_taken_name(tx: &mut WriteTx<'_>, key: &str, own: Option<&str>) -> Result<(), DirectoryError> {
    match id_by_name_key(tx, key)? {
        Some(existing) if Some(existing.as_str()) != own => Err(DirectoryError::UserNameTaken { existing }),
        _ => Ok(()),
    }
}

pub(crate) fn id_by_name_key(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<String>, DirectoryError> {
    let id = users::table.filter(users::name_key.eq(key)).select(users::id);
    Ok(tx.get_result(id).optional()?)
}

/// The unique index of user names has the last word. On PostgreSQL, where the look-up came before, this was a race, and the
/// transaction runs no further query.
fn name_taken(tx: &mut WriteTx<'_>, key: &str, error: diesel::result::Error) -> DirectoryError {
    if store::unique_violation(&error).is_none() {
        return error.into();
    }
    let existing = if tx.has_rivals() { Ok(None) } else { id_by_name_key(tx, key) };
    existing
        .map_or_else(|error| error, |id| DirectoryError::UserNameTaken { existing: id.unwrap_or_default() })
}

/// The user with this userName, compared as SCIM compares it.
///
/// # Errors
/// When the store fails.
pub fn find_user(tx: &mut ReadTx<'_>, user_name: &str) -> Result<Option<Record>, DirectoryError> {
    in_table!(ResourceKind::User, |table, columns| {
        let user = table::table.filter(table::name_key.eq(key::user_name(user_name))).select(columns);
        Ok(tx.get_result(user).optional()?)
    })
}

/// Some resources of a kind behind this one, in the order of their ids; none at the end.
///
/// # Errors
/// When the store fails.
pub fn after(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    id: Option<String>,
) -> Result<Vec<Record>, DirectoryError> {
    let mut batches = Batches::of(kind, Rows::All);
    batches.beyond = id;
    Ok(batches.next(tx)?.unwrap_or_default())
}

/// Writes a changed document and gives the resource its next version.
///
/// # Errors
/// As [`insert`].
pub fn update(
    tx: &mut WriteTx<'_>,
    rt: &ResourceType,
    record: &Record,
    old: &Document,
    new: &Document,
) -> Result<Record, DirectoryError> {
    let (kind, row) = (rt.kind, Row::of(rt, new));
    let is_renamed = name(kind, new) != name(kind, old);
    if kind == ResourceKind::User && is_renamed && row.name_key != name_key(kind, old) {
        refuse_taken_name(tx, &row.name_key, Some(&record.id))?;
    }
    // SQLite writes an index whose columns are set, even to what they were.
    let is_found_otherwise = is_renamed || new.str("externalId") != old.str("externalId");
    // Of a group only a new name is shown elsewhere, so only that has a number.
    let is_numbered = kind == ResourceKind::User || is_renamed;
    let mut next = record.next_version(tx);
    in_table!(kind, |table| {
        let target = table::table.find(&next.id);
        let columns = (
            table::document.eq(&row.document),
            table::version.eq(next.version),
            table::modified_ms.eq(next.modified_ms),
        );
        let keys = (
            table::name_key.eq(&row.name_key),
            table::name_folded.eq(&row.name_folded),
            table::external_id_key.eq(&row.external_id_key),
        );
        let number = table::changed_number.eq(changes::next_number());
        let updated = match (is_found_otherwise, is_numbered) {
            (true, true) => tx.update(target, (keys, columns, number)),
            (true, false) => tx.update(target, (keys, columns)),
            (false, true) => tx.update(target, (columns, number)),
            (false, false) => tx.update(target, columns),
        };
        updated.map_err(|error| name_taken(tx, &row.name_key, error))
    })?;
    emails::sync(tx, &record.id, &emails::keys(old), &row.emails)?;
    claims::sync(tx, &claims::of(rt, old), &row.claims, &record.id)?;
    next.document = row.document;
    Ok(next)
}

/// Removes a resource and takes it out of its groups, each of which gets a new version; returns those. Members of a group stay.
///
/// # Errors
/// When the store fails.
pub fn remove(
    tx: &mut WriteTx<'_>,
    rt: &ResourceType,
    record: &Record,
) -> Result<Vec<LeftGroup>, DirectoryError> {
    let (kind, document) = (rt.kind, record.parse()?);
    let left = if kind == ResourceKind::Group {
        memberships::clear(tx, &record.id)?;
        memberships::forget_group(tx, &record.id)?
    } else {
        memberships::forget_user(tx, &record.id)?
    };
    emails::sync(tx, &record.id, &emails::keys(&document), &emails::Keys::new())?;
    claims::sync(tx, &claims::of(rt, &document), &[], &record.id)?;
    in_table!(kind, |table| Ok(tx.execute(diesel::delete(table::table.find(&record.id)))?))?;
    totals::add(tx, kind, -1)?;
    Ok(left)
}

/// Visits every resource of a kind in the order of the ids: for the audit.
///
/// # Errors
/// When the store fails or `visit` does.
pub fn for_each(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    mut visit: impl FnMut(Record) -> Result<(), DirectoryError>,
) -> Result<(), DirectoryError> {
    let mut batches = Batches::of(kind, Rows::All);
    while let Some(batch) = batches.next(tx)? {
        batch.into_iter().try_for_each(&mut visit)?;
    }
    Ok(())
}
