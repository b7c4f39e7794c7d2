//! Resources as rows: insert, find, change, remove. A row's document is returned, its other columns are searched. The
//! differences between users and groups are named here and in [`crate::table`]. Members are rows of their own
//! ([`crate::memberships`]), never a list in the group's document.

use diesel::prelude::*;
use scim_core::{Document, ResourceKind, ResourceType, fold::fold};
use store::{ReadTx, WriteTx, in_chunks};

use crate::{
    DirectoryError, claims, emails, key,
    memberships::{self, LeftGroup, rows::FEW},
    schema::users,
    table::{Direction, Groups, Table, Users, in_table},
    totals,
};

/// One resource as it rests.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Record {
    /// UUIDv7, made here, never by a client.
    pub id: String,
    /// The canonical document as JSON text (see [`Document`]); a group's has no members.
    pub document: String,
    /// Grows by one with every change; that of a group also when its members change.
    pub version: i64,
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Milliseconds since 1970 UTC; never goes back.
    pub modified_ms: i64,
    /// Of a user: the version that it had when it last went into or out of a group; 0: never. Such a change gives the group a
    /// new version, not the user.
    pub regrouped_version: i64,
    /// Of a user: the number of the change record of this version. Only a read knows it: the record is written after the user.
    pub changed_number: i64,
}

impl Record {
    /// The document as a value.
    ///
    /// # Errors
    /// When the stored document is damaged.
    pub fn parse(&self) -> Result<Document, DirectoryError> {
        Document::from_stored(&self.document)
            .map_err(|e| DirectoryError::BadDocument { id: self.id.clone(), cause: e.to_string() })
    }

    fn next_version(&self, tx: &WriteTx<'_>) -> Self {
        Self { version: self.version + 1, modified_ms: tx.now_ms().max(self.modified_ms), ..self.clone() }
    }
}

/// The columns of a document. Made before the transaction where possible, so that other writers do not wait for it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The canonical document as JSON text.
    pub(crate) document: String,
    pub(crate) name_key: String,
    pub(crate) name_folded: String,
    pub(crate) external_id_key: Option<String>,
    emails: emails::Keys,
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

/// The name by which a resource is found: a user's `userName`, a group's `displayName`.
fn name(kind: ResourceKind, document: &Document) -> &str {
    let attribute = if kind == ResourceKind::User { Users::NAME } else { Groups::NAME };
    document.str(attribute).unwrap_or_default()
}

fn name_key(kind: ResourceKind, document: &Document) -> String {
    match kind {
        ResourceKind::User => key::user_name(name(kind, document)),
        _ => key::folded(name(kind, document)),
    }
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
        // PostgreSQL gives the whole transaction up when a key is violated, so nobody could be named afterwards.
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
    };
    in_table!(kind, T => T::insert(tx, &record, row).map_err(|error| name_taken(tx, &row.name_key, error)))?;
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

fn id_by_name_key(tx: &mut ReadTx<'_>, key: &str) -> Result<Option<String>, DirectoryError> {
    let id = users::table.filter(users::user_name_key.eq(key)).select(users::id);
    Ok(tx.get_result(id).optional()?)
}

/// The unique index of user names has the last word. On PostgreSQL, where the look-up came before, it was a race, and the
/// transaction answers no further question.
fn name_taken(tx: &mut WriteTx<'_>, key: &str, error: diesel::result::Error) -> DirectoryError {
    if store::unique_violation(&error).is_none() {
        return error.into();
    }
    let existing = if tx.has_rivals() { Ok(None) } else { id_by_name_key(tx, key) };
    existing
        .map_or_else(|error| error, |id| DirectoryError::UserNameTaken { existing: id.unwrap_or_default() })
}

/// The resource of this id.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>, kind: ResourceKind, id: &str) -> Result<Option<Record>, DirectoryError> {
    in_table!(kind, T => Ok(T::find(tx, id).optional()?))
}

/// Of these ids, the resources that are here; the order is not kept.
///
/// # Errors
/// When the store fails.
pub fn find_all(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    ids: &[&str],
) -> Result<Vec<Record>, DirectoryError> {
    in_table!(kind, T => in_chunks(ids, |ids| T::of_ids(tx, ids)))
}

/// Finds the resource and keeps its row from other writers until this transaction ends, so that of two concurrent changes
/// neither is lost.
///
/// # Errors
/// When the store fails.
pub fn find_for_update(
    tx: &mut WriteTx<'_>,
    kind: ResourceKind,
    id: &str,
) -> Result<Option<Record>, DirectoryError> {
    if tx.has_rivals() {
        in_table!(kind, T => Ok(T::lock(tx, id)?))?;
    }
    find(tx, kind, id)
}

/// Of these ids, the ones that are resources of this kind here; the order is not kept.
///
/// # Errors
/// When the store fails.
pub fn existing(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    ids: &[&str],
) -> Result<Vec<String>, DirectoryError> {
    if ids.len() > FEW {
        return in_table!(kind, T => in_chunks(ids, |ids| Ok(T::existing(tx, ids)?)));
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(in_table!(kind, T => Ok(T::exists(tx, id).optional()?))?);
    }
    Ok(found)
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
    if kind == ResourceKind::User && row.name_key != name_key(kind, old) {
        refuse_taken_name(tx, &row.name_key, Some(&record.id))?;
    }
    // Of a group only a new name is shown elsewhere, so only that has a number.
    let numbered = kind == ResourceKind::User || new.get(Groups::NAME) != old.get(Groups::NAME);
    let mut next = record.next_version(tx);
    in_table!(kind, T => {
        T::update(tx, &next, &row, numbered).map_err(|error| name_taken(tx, &row.name_key, error))
    })?;
    emails::sync(tx, &record.id, &emails::keys(old), &row.emails)?;
    claims::sync(tx, &claims::of(rt, old), &row.claims, &record.id)?;
    next.document = row.document;
    Ok(next)
}

/// Gives a resource its next version when what changed is not in its document: a user's seat, a group's members.
///
/// # Errors
/// When the store fails.
pub fn touch(tx: &mut WriteTx<'_>, kind: ResourceKind, record: &Record) -> Result<Record, DirectoryError> {
    let next = record.next_version(tx);
    in_table!(kind, T => Ok(T::touch(tx, &next)?))?;
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
    in_table!(kind, T => Ok(T::delete(tx, &record.id)?))?;
    totals::add(tx, kind, -1)?;
    Ok(left)
}

/// Rows that are read at a time when all are looked at.
const BATCH: i64 = 500;

/// Visits every resource of a kind in the order of the ids: for the audit.
///
/// # Errors
/// When the store fails or `visit` does.
pub fn for_each(
    tx: &mut ReadTx<'_>,
    kind: ResourceKind,
    mut visit: impl FnMut(Record) -> Result<(), DirectoryError>,
) -> Result<(), DirectoryError> {
    let mut beyond: Option<String> = None;
    loop {
        let page = in_table!(kind, T => T::batch(tx, None, beyond.as_deref(), Direction::Up, BATCH))?;
        let Some(last) = page.last() else { return Ok(()) };
        beyond = Some(last.id.clone());
        page.into_iter().try_for_each(&mut visit)?;
    }
}
