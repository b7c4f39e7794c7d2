//! People of staff whom a new person may be: by userName, externalId or e-mail address. A search by a key finds two at the most,
//! which is enough to know that it is not unique. And whom a word names that staff have heard.

use diesel::prelude::*;
use store::ReadTx;

use crate::{
    DirectoryError, key,
    origin::Origin,
    resources::{Row, id_by_name_key},
    schema::{user_emails, users},
};

const TWO: i64 = 2;

/// The person of staff with this userName.
///
/// # Errors
/// When the store fails.
pub fn by_user_name(tx: &mut ReadTx<'_>, row: &Row) -> Result<Vec<String>, DirectoryError> {
    let local = users::table.filter(users::origin.eq(Origin::Local.key()));
    Ok(local.filter(users::name_key.eq(&row.name_key)).select(users::id).load(tx.connection())?)
}

/// People of staff with this externalId.
///
/// # Errors
/// When the store fails.
pub fn by_external_id(tx: &mut ReadTx<'_>, row: &Row) -> Result<Vec<String>, DirectoryError> {
    let Some(key) = &row.external_id_key else { return Ok(Vec::new()) };
    let local = users::table.filter(users::origin.eq(Origin::Local.key()));
    let found = local.filter(users::external_id_key.eq(key)).select(users::id).limit(TWO);
    Ok(found.load(tx.connection())?)
}

/// People of staff with one of these addresses.
///
/// # Errors
/// When the store fails.
pub fn by_emails(tx: &mut ReadTx<'_>, row: &Row) -> Result<Vec<String>, DirectoryError> {
    let keys: Vec<&str> = row.emails.iter().map(|(value, _)| value.as_str()).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let having = user_emails::table.filter(user_emails::value_key.eq_any(keys)).select(user_emails::user_id);
    let local = users::table.filter(users::origin.eq(Origin::Local.key()));
    Ok(local.filter(users::id.eq_any(having)).select(users::id).limit(TWO).load(tx.connection())?)
}

/// Whether somebody has this userName.
///
/// # Errors
/// When the store fails.
pub fn is_taken(tx: &mut ReadTx<'_>, row: &Row) -> Result<bool, DirectoryError> {
    Ok(id_by_name_key(tx, &row.name_key)?.is_some())
}

/// The id of the person whom a word names: by id, userName, externalId or e-mail address, in this order.
///
/// # Errors
/// When the store fails.
pub fn named(tx: &mut ReadTx<'_>, word: &str) -> Result<Option<String>, DirectoryError> {
    if let Some(id) = tx.get_result::<String>(users::table.find(word).select(users::id)).optional()? {
        return Ok(Some(id));
    }
    if let Some(id) = id_by_name_key(tx, &key::user_name(word))? {
        return Ok(Some(id));
    }
    let by_external_id = users::table.filter(users::external_id_key.eq(key::exact(word).into_owned()));
    let by_external_id = by_external_id.order(users::id).select(users::id).limit(1);
    if let Some(id) = tx.get_result::<String>(by_external_id).optional()? {
        return Ok(Some(id));
    }
    let by_email = user_emails::table.filter(user_emails::value_key.eq(key::folded(word)));
    let by_email = by_email.order(user_emails::user_id).select(user_emails::user_id).limit(1);
    Ok(tx.get_result::<String>(by_email).optional()?)
}
