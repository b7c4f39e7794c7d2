//! What is remembered of the requests of each credential: a text for each, whose form is the caller's.

use std::collections::BTreeMap;

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{DirectoryError, schema::traffic};

/// The text of each credential, by its key id.
///
/// # Errors
/// When the store fails.
pub fn all(tx: &mut ReadTx<'_>) -> Result<BTreeMap<String, String>, DirectoryError> {
    let rows: Vec<(String, String)> =
        tx.load(traffic::table.select((traffic::credential, traffic::facts)))?;
    Ok(rows.into_iter().collect())
}

/// Writes the text of a credential.
///
/// # Errors
/// When the store fails.
pub fn put(tx: &mut WriteTx<'_>, credential: &str, facts: &str) -> Result<(), DirectoryError> {
    if tx.update(traffic::table.find(credential), traffic::facts.eq(facts))? == 0 {
        let row = (traffic::credential.eq(credential), traffic::facts.eq(facts));
        tx.execute(diesel::insert_into(traffic::table).values(row))?;
    }
    Ok(())
}
