//! Deleted people whom the profile keeps, apart from the living.

use std::collections::HashMap;

use diesel::prelude::*;
use store::{ReadTx, WriteTx, in_chunks, insert_row};

use crate::{
    DirectoryError, changes, key,
    origin::Origin,
    resources::{Record, Row},
    schema::archived_users as archived,
    standing::Standing,
};

/// Keeps a person who is about to be removed, without groups and without what was chosen here.
///
/// # Errors
/// When the store fails.
pub fn keep(tx: &mut WriteTx<'_>, record: &Record, row: &Row) -> Result<(), DirectoryError> {
    insert_row!(
        tx,
        archived::table,
        archived::id = &record.id,
        archived::user_name_key = &row.name_key,
        archived::document = &record.document,
        archived::version = record.version,
        archived::created_ms = record.created_ms,
        archived::modified_ms = record.modified_ms,
        archived::origin = record.origin.key(),
        archived::origin_since_ms = record.origin_since_ms,
        archived::archived_ms = tx.now_ms(),
        archived::archived_number = changes::next_number(),
    )?;
    Ok(())
}

/// Of the archived people with this userName, the one who was archived last.
///
/// # Errors
/// When the store fails.
pub fn newest(tx: &mut ReadTx<'_>, row: &Row) -> Result<Option<Record>, DirectoryError> {
    type Columns = (String, String, i64, i64, i64, Origin, Option<i64>);
    let found = archived::table
        .filter(archived::user_name_key.eq(&row.name_key))
        .order(archived::archived_number.desc())
        .select((
            archived::id,
            archived::document,
            archived::version,
            archived::created_ms,
            archived::modified_ms,
            archived::origin,
            archived::origin_since_ms,
        ))
        .limit(1);
    let found: Option<Columns> = tx.get_result(found).optional()?;
    Ok(found.map(|(id, document, version, created_ms, modified_ms, origin, origin_since_ms)| Record {
        id,
        document,
        version,
        created_ms,
        modified_ms,
        regrouped_version: 0,
        changed_number: 0,
        origin,
        origin_since_ms,
        standing: Standing::default(),
    }))
}

/// When the newest archived person of each of these userNames was archived, by the userName's key ([`crate::user_name_key`]).
///
/// # Errors
/// When the store fails.
pub fn archived_ms(tx: &mut ReadTx<'_>, user_names: &[&str]) -> Result<HashMap<String, i64>, DirectoryError> {
    let keys: Vec<String> = user_names.iter().map(|name| key::user_name(name)).collect();
    let rows: Vec<(String, i64)> = in_chunks(&keys, |keys| {
        archived::table
            .filter(archived::user_name_key.eq_any(keys))
            .order(archived::archived_number)
            .select((archived::user_name_key, archived::archived_ms))
            .load(tx.connection())
    })?;
    Ok(rows.into_iter().collect())
}

/// Takes a person out of the archive.
///
/// # Errors
/// When the store fails.
pub fn remove(tx: &mut WriteTx<'_>, id: &str) -> Result<(), DirectoryError> {
    tx.execute(diesel::delete(archived::table.find(id)))?;
    Ok(())
}
