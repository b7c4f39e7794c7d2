//! Before images: beside some change records, for a shorter time than those, a text with the values that the change replaced. Only the
//! caller understands it. A creation has none.

use diesel::prelude::*;
use store::{ReadTx, WriteTx, insert_row};

use crate::{
    DirectoryError,
    changes::next_number,
    schema::{before_images, changes},
};

/// Keeps what the change replaces whose record is appended next.
///
/// # Errors
/// When the store fails.
pub fn keep(tx: &mut WriteTx<'_>, resource_id: &str, image: &str) -> Result<(), DirectoryError> {
    insert_row!(
        tx,
        before_images::table,
        before_images::number = next_number(),
        before_images::at_ms = tx.now_ms(),
        before_images::resource_id = resource_id,
        before_images::image = image,
    )?;
    Ok(())
}

/// A change, and what it replaced.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Replaced {
    /// The number of the change record.
    pub number: i64,
    /// Milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// As of a change record.
    pub kind: String,
    /// The changed resource; empty for a change of none.
    pub resource_id: String,
    /// The request that caused it.
    pub request_id: String,
    /// The identity provider, if the record answers a write.
    pub idp: Option<String>,
    /// As of a change record.
    pub detail: String,
    /// What it replaced, if that is kept.
    pub image: Option<String>,
}

/// The newest changes with smaller numbers than this one, newest first, at most `most`.
///
/// # Errors
/// When the store fails.
pub fn before(tx: &mut ReadTx<'_>, number: i64, most: i64) -> Result<Vec<Replaced>, DirectoryError> {
    let rows = changes::table
        .left_join(before_images::table.on(before_images::number.eq(changes::number)))
        .filter(changes::number.lt(number))
        .order(changes::number.desc())
        .select((
            changes::number,
            changes::at_ms,
            changes::kind,
            changes::resource_id,
            changes::request_id,
            changes::idp,
            changes::detail,
            before_images::image.nullable(),
        ))
        .limit(most);
    Ok(tx.load(rows)?)
}

/// Forgets what the changes of a resource replaced.
///
/// # Errors
/// When the store fails.
pub fn forget(tx: &mut WriteTx<'_>, resource_id: &str) -> Result<(), DirectoryError> {
    tx.execute(diesel::delete(before_images::table.filter(before_images::resource_id.eq(resource_id))))?;
    Ok(())
}

/// Those that hold a text, by their numbers. Every one that is kept is looked at.
///
/// # Errors
/// When the store fails.
pub fn with_text(tx: &mut ReadTx<'_>, text: &str) -> Result<Vec<(i64, String)>, DirectoryError> {
    let found = before_images::table.filter(before_images::image.like(format!("%{text}%")));
    Ok(tx.load(found.select((before_images::number, before_images::image)))?)
}

/// Keeps another text instead of the one of this number.
///
/// # Errors
/// When the store fails.
pub fn replace(tx: &mut WriteTx<'_>, number: i64, image: &str) -> Result<(), DirectoryError> {
    tx.update(before_images::table.find(number), before_images::image.eq(image))?;
    Ok(())
}

/// Removes the oldest ones from before a moment, at most so many; how many.
///
/// # Errors
/// When the store fails.
pub fn prune(tx: &mut WriteTx<'_>, before_ms: i64, most: i64) -> Result<usize, DirectoryError> {
    let oldest = before_images::table
        .order(before_images::number)
        .select((before_images::number, before_images::at_ms))
        .limit(most);
    let oldest: Vec<(i64, i64)> = tx.load(oldest)?;
    match oldest.iter().take_while(|(_, at_ms)| *at_ms < before_ms).last() {
        Some((last, _)) => {
            Ok(tx.execute(diesel::delete(before_images::table.filter(before_images::number.le(*last))))?)
        }
        None => Ok(0),
    }
}

/// When the oldest one was written.
///
/// # Errors
/// When the store fails.
pub fn oldest_ms(tx: &mut ReadTx<'_>) -> Result<Option<i64>, DirectoryError> {
    let oldest = before_images::table.order(before_images::number).select(before_images::at_ms);
    Ok(tx.load_first(oldest, 1)?.pop())
}
