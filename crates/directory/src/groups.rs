//! Groups as rows: insert, find, replace, remove. Members are rows of their own ([`crate::memberships`]), never a list in
//! the group's document.

use diesel::prelude::*;
use scim_core::{Document, ResourceType, fold::fold};
use store::{ReadTx, StoreBackend, WriteTx};

use crate::{
    DirectoryError, changes, claims, key, memberships, memberships::LeftGroup, schema::groups, totals::Total,
};

/// One group as it rests.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = groups)]
pub struct GroupRecord {
    /// UUIDv7, made here, never by a client.
    pub id: String,
    /// The canonical document without members, as JSON text (see [`Document`]).
    pub document: String,
    /// Grows by one with every change, membership included.
    pub version: i64,
    /// Milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Milliseconds since 1970 UTC; never goes back.
    pub modified_ms: i64,
}

/// The columns that a [`GroupRecord`] is made of.
fn columns() -> <GroupRecord as Selectable<StoreBackend>>::SelectExpression {
    <GroupRecord as Selectable<StoreBackend>>::construct_selection()
}

impl GroupRecord {
    /// The document as a value.
    ///
    /// # Errors
    /// When what rests is damaged.
    pub fn parse(&self) -> Result<Document, DirectoryError> {
        Document::from_stored(&self.document)
            .map_err(|e| DirectoryError::BadDocument { id: self.id.clone(), cause: e.to_string() })
    }
}

fn display_name(document: &Document) -> &str {
    document.str("displayName").unwrap_or_default()
}

/// Inserts a new, empty group under a new id.
///
/// # Errors
/// [`DirectoryError::ValueTaken`], or the store's.
pub fn insert(
    tx: &mut WriteTx<'_>,
    document: &Document,
    rt: &ResourceType,
) -> Result<GroupRecord, DirectoryError> {
    let id = tx.new_id();
    insert_as(tx, id, document, rt)
}

/// As [`insert`], under an id that [`WriteTx::new_id`] gave before.
///
/// # Errors
/// As [`insert`].
pub fn insert_as(
    tx: &mut WriteTx<'_>,
    id: String,
    document: &Document,
    rt: &ResourceType,
) -> Result<GroupRecord, DirectoryError> {
    let now = tx.now_ms();
    let record =
        GroupRecord { id, document: document.to_stored(), version: 1, created_ms: now, modified_ms: now };
    claims::sync(tx, &[], &claims::of(rt, document), &record.id)?;
    let row = (
        groups::id.eq(&record.id),
        groups::display_name_key.eq(key::folded(display_name(document))),
        groups::display_name_folded.eq(fold(display_name(document))),
        groups::external_id_key.eq(document.str("externalId").map(key::exact)),
        groups::document.eq(&record.document),
        groups::version.eq(record.version),
        groups::created_ms.eq(now),
        groups::modified_ms.eq(now),
        groups::renamed_number.eq(changes::next_number()),
        groups::moved_number.eq(0),
    );
    tx.execute(diesel::insert_into(groups::table).values(row))?;
    Total::Groups.add(tx, 1)?;
    Ok(record)
}

/// The group of this id.
///
/// # Errors
/// When the store fails.
pub fn find(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<GroupRecord>, DirectoryError> {
    Ok(tx.get_result(groups::table.find(id).select(columns())).optional()?)
}

/// Of these ids, the ones that are groups here; the order is not kept.
///
/// # Errors
/// When the store fails.
pub fn existing(tx: &mut ReadTx<'_>, ids: &[&str]) -> Result<Vec<String>, DirectoryError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(memberships::CHUNK) {
        let query = groups::table.filter(groups::id.eq_any(chunk)).select(groups::id);
        found.extend(query.load::<String>(tx.connection())?);
    }
    Ok(found)
}

/// Finds the group and keeps its row from other writers until this transaction ends, so that concurrent PATCHes of one
/// group come one after the other on PostgreSQL too.
///
/// # Errors
/// When the store fails.
pub fn find_for_update(tx: &mut WriteTx<'_>, id: &str) -> Result<Option<GroupRecord>, DirectoryError> {
    if tx.has_rivals() {
        // An update that changes nothing takes the row lock in portable SQL; the multi-connection has no FOR UPDATE.
        tx.update(groups::table.find(id), groups::version.eq(groups::version))?;
    }
    find(tx, id)
}

/// Writes a changed document and gives the group its next version.
///
/// # Errors
/// As [`insert`].
pub fn update(
    tx: &mut WriteTx<'_>,
    record: &GroupRecord,
    old: &Document,
    new: &Document,
    rt: &ResourceType,
) -> Result<GroupRecord, DirectoryError> {
    claims::sync(tx, &claims::of(rt, old), &claims::of(rt, new), &record.id)?;
    let next = GroupRecord { document: new.to_stored(), ..next_version(tx, record) };
    tx.update(
        groups::table.find(&record.id),
        (
            groups::display_name_key.eq(key::folded(display_name(new))),
            groups::display_name_folded.eq(fold(display_name(new))),
            groups::external_id_key.eq(new.str("externalId").map(key::exact)),
            groups::document.eq(&next.document),
            groups::version.eq(next.version),
            groups::modified_ms.eq(next.modified_ms),
        ),
    )?;
    if new.get("displayName") != old.get("displayName") {
        tx.update(groups::table.find(&record.id), groups::renamed_number.eq(changes::next_number()))?;
    }
    Ok(next)
}

/// Gives a group its next version because its members changed.
///
/// # Errors
/// When the store fails.
pub fn touch(tx: &mut WriteTx<'_>, record: &GroupRecord) -> Result<GroupRecord, DirectoryError> {
    let next = next_version(tx, record);
    tx.update(
        groups::table.find(&record.id),
        (groups::version.eq(next.version), groups::modified_ms.eq(next.modified_ms)),
    )?;
    Ok(next)
}

fn next_version(tx: &mut WriteTx<'_>, record: &GroupRecord) -> GroupRecord {
    GroupRecord {
        version: record.version + 1,
        modified_ms: tx.now_ms().max(record.modified_ms),
        ..record.clone()
    }
}

/// Removes a group; its members stay. It leaves the groups that it is in, each of which gets a new version; returns those.
///
/// # Errors
/// When the store fails.
pub fn remove(
    tx: &mut WriteTx<'_>,
    record: &GroupRecord,
    rt: &ResourceType,
) -> Result<Vec<LeftGroup>, DirectoryError> {
    let document = record.parse()?;
    memberships::clear(tx, &record.id)?;
    let left = memberships::forget_group(tx, &record.id)?;
    claims::sync(tx, &claims::of(rt, &document), &[], &record.id)?;
    tx.execute(diesel::delete(groups::table.find(&record.id)))?;
    Total::Groups.add(tx, -1)?;
    Ok(left)
}
