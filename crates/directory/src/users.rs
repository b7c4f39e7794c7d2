//! Users as rows: insert, find, replace, remove. A row's JSON is what is answered; its other columns are what is searched.

use diesel::prelude::*;
use scim_core::{Document, ResourceType, fold::fold};
use store::{ReadTx, StoreBackend, WriteTx};

use crate::{
    DirectoryError, changes, claims, emails, key, memberships,
    memberships::LeftGroup,
    schema::users,
    search::{Searched as _, Users},
    totals::Total,
};

/// One user as it rests.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRecord {
    /// UUIDv7, made here, never by a client.
    pub id: String,
    /// The canonical document as JSON text (see [`Document`]).
    pub document: String,
    /// Grows by one with every change.
    pub version: i64,
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Milliseconds since 1970 UTC; never goes back.
    pub modified_ms: i64,
    /// The version that the user had when it last went into or out of a group; 0: never. Such a change gives the group a new
    /// version, not the user.
    pub regrouped_version: i64,
    /// The number of the change record that tells of this version. Only a read knows it: the record is written after the user.
    pub changed_number: i64,
}

/// The columns that a [`UserRecord`] is made of.
fn columns() -> <UserRecord as Selectable<StoreBackend>>::SelectExpression {
    <UserRecord as Selectable<StoreBackend>>::construct_selection()
}

impl UserRecord {
    /// The document as a value.
    ///
    /// # Errors
    /// When what rests is damaged.
    pub fn parse(&self) -> Result<Document, DirectoryError> {
        Document::from_stored(&self.document)
            .map_err(|e| DirectoryError::BadDocument { id: self.id.clone(), cause: e.to_string() })
    }
}

/// What rests of a user's document. Made before the transaction where that is possible, so that other writers need not wait
/// for it.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The canonical document as JSON text.
    document: String,
    user_name_key: String,
    user_name_folded: String,
    external_id_key: Option<String>,
    emails: emails::Keys,
    claims: Vec<claims::Claim>,
}

impl UserRow {
    /// The row of a document of this type.
    #[must_use]
    pub fn of(document: &Document, rt: &ResourceType) -> Self {
        Self {
            document: document.to_stored(),
            user_name_key: name_key(document),
            user_name_folded: fold(user_name(document)).into_owned(),
            external_id_key: document.str("externalId").map(|id| key::exact(id).into_owned()),
            emails: emails::keys(document),
            claims: claims::of(rt, document),
        }
    }
}

/// Inserts a new user under a new id.
///
/// # Errors
/// [`DirectoryError::UserNameTaken`], [`DirectoryError::ValueTaken`], or the store's.
pub fn insert(
    tx: &mut WriteTx<'_>,
    document: &Document,
    rt: &ResourceType,
) -> Result<UserRecord, DirectoryError> {
    let id = tx.new_id();
    insert_as(tx, id, &UserRow::of(document, rt))
}

/// As [`insert`], under an id that [`WriteTx::new_id`] gave before: a bulk refers to users that are not made yet.
///
/// # Errors
/// As [`insert`].
pub fn insert_as(tx: &mut WriteTx<'_>, id: String, new: &UserRow) -> Result<UserRecord, DirectoryError> {
    if tx.has_rivals() {
        // PostgreSQL gives the whole transaction up when a key is violated, so nobody could be named afterwards.
        refuse_taken_name(tx, &new.user_name_key, None)?;
    }
    let now = tx.now_ms();
    let record = UserRecord {
        id,
        document: new.document.clone(),
        version: 1,
        created_ms: now,
        modified_ms: now,
        regrouped_version: 0,
        changed_number: 0,
    };
    let row = (
        users::id.eq(&record.id),
        users::user_name_key.eq(&new.user_name_key),
        users::user_name_folded.eq(&new.user_name_folded),
        users::external_id_key.eq(&new.external_id_key),
        users::document.eq(&record.document),
        users::version.eq(record.version),
        users::created_ms.eq(now),
        users::modified_ms.eq(now),
        users::regrouped_version.eq(0),
        users::changed_number.eq(changes::next_number()),
    );
    if let Err(error) = tx.execute(diesel::insert_into(users::table).values(row)) {
        return Err(name_taken(tx, &new.user_name_key, error));
    }
    emails::sync(tx, &record.id, &emails::Keys::new(), &new.emails)?;
    claims::sync(tx, &[], &new.claims, &record.id)?;
    Total::Users.add(tx, 1)?;
    Ok(record)
}

fn user_name(document: &Document) -> &str {
    document.str("userName").unwrap_or_default()
}

fn name_key(document: &Document) -> String {
    key::user_name(user_name(document))
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

/// The unique index has the last word. On PostgreSQL, where the look-up came before, it was a race, and the transaction
/// answers no further question.
fn name_taken(tx: &mut WriteTx<'_>, key: &str, error: diesel::result::Error) -> DirectoryError {
    if store::unique_violation(&error).is_none() {
        return error.into();
    }
    let existing = if tx.has_rivals() { Ok(None) } else { id_by_name_key(tx, key) };
    existing
        .map_or_else(|error| error, |id| DirectoryError::UserNameTaken { existing: id.unwrap_or_default() })
}

/// The user of this id.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<UserRecord>, DirectoryError> {
    Ok(tx.get_result(users::table.find(id).select(columns())).optional()?)
}

/// Of these ids, the users who are here; the order is not kept.
///
/// # Errors
/// When the store fails.
pub fn find_all(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<UserRecord>, DirectoryError> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(memberships::CHUNK) {
        found.extend(Users::of_ids(tx, chunk)?);
    }
    Ok(found)
}

/// Finds the user and keeps its row from other writers until this transaction ends, so that of two concurrent changes
/// neither is lost.
///
/// # Errors
/// When the store fails.
pub fn find_for_update(tx: &mut WriteTx<'_>, id: &str) -> Result<Option<UserRecord>, DirectoryError> {
    if tx.has_rivals() {
        // As for groups: an update that changes nothing takes the row lock.
        tx.update(users::table.find(id), users::version.eq(users::version))?;
    }
    find(tx, id)
}

/// The user of this userName, letter case ignored.
///
/// # Errors
/// When the store fails.
pub fn find_by_name(tx: &mut ReadTx<'_>, user_name: &str) -> Result<Option<UserRecord>, DirectoryError> {
    let query = users::table.filter(users::user_name_key.eq(key::user_name(user_name)));
    Ok(tx.get_result(query.select(columns())).optional()?)
}

/// Of these ids, the ones that are users here; the order is not kept.
///
/// # Errors
/// When the store fails.
pub fn existing(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<String>, DirectoryError> {
    let mut found = Vec::with_capacity(ids.len());
    if ids.len() <= memberships::FEW {
        for id in ids {
            found.extend(tx.get_result::<String>(users::table.find(id).select(users::id)).optional()?);
        }
        return Ok(found);
    }
    for chunk in ids.chunks(memberships::CHUNK) {
        let query = users::table.filter(users::id.eq_any(chunk)).select(users::id);
        found.extend(query.load::<String>(tx.connection())?);
    }
    Ok(found)
}

/// Writes a changed document and gives the user its next version.
///
/// # Errors
/// As [`insert`].
pub fn update(
    tx: &mut WriteTx<'_>,
    record: &UserRecord,
    old: &Document,
    new: &Document,
    rt: &ResourceType,
) -> Result<UserRecord, DirectoryError> {
    let new = UserRow::of(new, rt);
    if new.user_name_key != name_key(old) {
        refuse_taken_name(tx, &new.user_name_key, Some(&record.id))?;
    }
    let next = UserRecord { document: new.document, ..next_version(tx, record) };
    tx.update(
        users::table.find(&record.id),
        (
            users::user_name_key.eq(&new.user_name_key),
            users::user_name_folded.eq(&new.user_name_folded),
            users::external_id_key.eq(&new.external_id_key),
            users::document.eq(&next.document),
            users::version.eq(next.version),
            users::modified_ms.eq(next.modified_ms),
            users::changed_number.eq(changes::next_number()),
        ),
    )
    .map_err(|error| name_taken(tx, &new.user_name_key, error))?;
    emails::sync(tx, &record.id, &emails::keys(old), &new.emails)?;
    claims::sync(tx, &claims::of(rt, old), &new.claims, &record.id)?;
    Ok(next)
}

/// Gives a user its next version when what changed is not in its document: its seat.
///
/// # Errors
/// When the store fails.
pub fn touch(tx: &mut WriteTx<'_>, record: &UserRecord) -> Result<UserRecord, DirectoryError> {
    let next = next_version(tx, record);
    tx.update(
        users::table.find(&record.id),
        (
            users::version.eq(next.version),
            users::modified_ms.eq(next.modified_ms),
            users::changed_number.eq(changes::next_number()),
        ),
    )?;
    Ok(next)
}

fn next_version(tx: &mut WriteTx<'_>, record: &UserRecord) -> UserRecord {
    UserRecord {
        version: record.version + 1,
        modified_ms: tx.now_ms().max(record.modified_ms),
        ..record.clone()
    }
}

/// Removes a user and takes it out of its groups, each of which gets a new version; returns those.
///
/// # Errors
/// When the store fails.
pub fn remove(
    tx: &mut WriteTx<'_>,
    record: &UserRecord,
    rt: &ResourceType,
) -> Result<Vec<LeftGroup>, DirectoryError> {
    let document = record.parse()?;
    let left = memberships::forget_user(tx, &record.id)?;
    emails::sync(tx, &record.id, &emails::keys(&document), &emails::Keys::new())?;
    claims::sync(tx, &claims::of(rt, &document), &[], &record.id)?;
    tx.execute(diesel::delete(users::table.find(&record.id)))?;
    Total::Users.add(tx, -1)?;
    Ok(left)
}

/// Visits every user's id and document in id order: for the audit.
///
/// # Errors
/// When the store fails or `visit` does.
pub fn for_each(
    tx: &mut ReadTx<'_>,
    mut visit: impl FnMut(UserRecord) -> Result<(), DirectoryError>,
) -> Result<(), DirectoryError> {
    let mut after = String::new();
    loop {
        let page: Vec<UserRecord> = users::table
            .filter(users::id.gt(&after))
            .order(users::id)
            .limit(500)
            .select(UserRecord::as_select())
            .load(tx.connection())?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        page.into_iter().try_for_each(&mut visit)?;
    }
}
