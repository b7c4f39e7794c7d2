//! The searchable rows of a user's e-mail addresses. The document holds the addresses as they were sent; these rows hold
//! their keys.

use std::collections::BTreeSet;

use diesel::prelude::*;
use scim_core::Document;
use serde_json::Value;
use store::WriteTx;

use crate::{DirectoryError, key, schema::user_emails};

/// (value, type), both as keys; an address without a type has the empty one.
pub(crate) type Keys = BTreeSet<(String, String)>;

pub(crate) fn keys(document: &Document) -> Keys {
    let emails = document.get("emails").and_then(Value::as_array);
    emails.into_iter().flatten().filter_map(of_email).collect()
}

fn of_email(email: &Value) -> Option<(String, String)> {
    let value = email.get("value")?.as_str()?;
    let kind = email.get("type").and_then(Value::as_str).unwrap_or_default();
    Some((key::folded(value), key::folded(kind)))
}

/// Brings the rows of one user from one document's addresses to another's.
pub(crate) fn sync(
    tx: &mut WriteTx<'_>,
    user_id: &str,
    old: &Keys,
    new: &Keys,
) -> Result<(), DirectoryError> {
    for (value, kind) in old.difference(new) {
        tx.execute(diesel::delete(user_emails::table.find((value, user_id, kind))))?;
    }
    for (value, kind) in new.difference(old) {
        let row = (
            user_emails::value_key.eq(value),
            user_emails::user_id.eq(user_id),
            user_emails::type_key.eq(kind),
        );
        tx.execute(diesel::insert_into(user_emails::table).values(row))?;
    }
    Ok(())
}
