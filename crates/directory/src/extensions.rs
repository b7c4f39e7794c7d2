//! The tenant's own schema documents as rows, and who holds data of one. What a document says, and whether it may change, is
//! decided above; here rests what was decided.

use diesel::prelude::*;
use scim_core::{Document, ResourceType, filter::Op};
use store::{ReadTx, StoreConnection, WriteTx};

use crate::{
    DirectoryError, claims,
    schema::{extension_schemas, extension_schemas_version, groups, users},
    search::{Direction, Groups, Searched as _, Users, like},
};

/// Rows that are read at a time when all holders are looked at.
const BATCH: i64 = 500;

/// Whose extension a schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Of {
    Users,
    Groups,
}

impl Of {
    /// The name of the resource type.
    #[must_use]
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Users => "User",
            Self::Groups => "Group",
        }
    }
}

/// One document as it rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Whose extension it is.
    pub of: Of,
    /// Whether every resource of the type must have data of it.
    pub required: bool,
    /// The schema as JSON text.
    pub document: String,
}

/// All documents, in order of their URNs.
///
/// # Errors
/// When the store fails.
pub fn all(tx: &mut ReadTx<'_>) -> Result<Vec<Stored>, DirectoryError> {
    let rows = extension_schemas::table.order(extension_schemas::urn_key).select((
        extension_schemas::resource_type,
        extension_schemas::required,
        extension_schemas::document,
    ));
    let rows: Vec<(String, i64, String)> = tx.load(rows)?;
    let stored = |(resource_type, required, document): (String, i64, String)| Stored {
        of: if resource_type == Of::Groups.resource_type() { Of::Groups } else { Of::Users },
        required: required == 1,
        document,
    };
    Ok(rows.into_iter().map(stored).collect())
}

/// How often the documents have changed; 0 means that there never was one.
///
/// # Errors
/// When the store fails.
pub fn version(tx: &mut ReadTx<'_>) -> Result<i64, DirectoryError> {
    Ok(tx.get_result(extension_schemas_version::table.select(extension_schemas_version::version))?)
}

/// The version, which no other transaction changes until this one ends.
///
/// # Errors
/// When the store fails.
pub fn lock(tx: &mut WriteTx<'_>) -> Result<i64, DirectoryError> {
    if tx.has_rivals() {
        // An update that changes nothing takes the row lock, as for groups.
        let unchanged = extension_schemas_version::version.eq(extension_schemas_version::version);
        tx.update(extension_schemas_version::table, unchanged)?;
    }
    version(tx)
}

/// Holds the documents as they were at `seen` until this transaction ends: nobody writes data of a schema that staff have
/// taken away meanwhile. Any number of writes hold them together.
///
/// # Errors
/// [`DirectoryError::SchemasChanged`], or the store's.
pub fn hold(tx: &mut WriteTx<'_>, seen: i64) -> Result<(), DirectoryError> {
    if shared_version(tx)? == seen { Ok(()) } else { Err(DirectoryError::SchemasChanged) }
}

fn shared_version(tx: &mut WriteTx<'_>) -> Result<i64, DirectoryError> {
    if tx.has_rivals()
        && let StoreConnection::Postgres(connection) = tx.connection()
    {
        let version = extension_schemas_version::table.select(extension_schemas_version::version);
        return Ok(version.for_share().get_result(connection)?);
    }
    version(tx)
}

/// Writes a document under its URN, over one that is there.
///
/// # Errors
/// When the store fails.
pub fn put(tx: &mut WriteTx<'_>, urn: &str, new: &Stored) -> Result<(), DirectoryError> {
    remove(tx, urn)?;
    let row = (
        extension_schemas::urn_key.eq(urn.to_ascii_lowercase()),
        extension_schemas::resource_type.eq(new.of.resource_type()),
        extension_schemas::required.eq(i64::from(new.required)),
        extension_schemas::document.eq(&new.document),
    );
    tx.execute(diesel::insert_into(extension_schemas::table).values(row))?;
    Ok(())
}

/// Takes a document away.
///
/// # Errors
/// When the store fails.
pub fn remove(tx: &mut WriteTx<'_>, urn: &str) -> Result<(), DirectoryError> {
    tx.execute(diesel::delete(extension_schemas::table.find(urn.to_ascii_lowercase())))?;
    tx.update(
        extension_schemas_version::table,
        extension_schemas_version::version.eq(extension_schemas_version::version + 1),
    )?;
    Ok(())
}

/// Whether a stored text has this URN as a key. Quotes inside strings are escaped, so it finds keys only.
macro_rules! holds {
    ($table:ident, $urn:expr) => {{
        let pattern = like::pattern(Op::Co, &format!("\"{}\":", $urn)).unwrap_or_default();
        Box::new($table::document.like(pattern).escape(like::ESCAPE))
    }};
}

/// How many resources hold data of the schema; every row is looked at.
///
/// # Errors
/// When the store fails.
pub fn holders(tx: &mut ReadTx<'_>, of: Of, urn: &str) -> Result<i64, DirectoryError> {
    match of {
        Of::Users => Users::count(tx, holds!(users, urn)),
        Of::Groups => Groups::count(tx, holds!(groups, urn)),
    }
}

/// Visits every resource that holds data of the schema, in order of id.
///
/// # Errors
/// When the store fails or `visit` does.
pub fn for_each_holder<E: From<DirectoryError>>(
    tx: &mut WriteTx<'_>,
    of: Of,
    urn: &str,
    mut visit: impl FnMut(&mut WriteTx<'_>, &str, Document) -> Result<(), E>,
) -> Result<(), E> {
    let mut beyond: Option<String> = None;
    loop {
        let page = page(tx, of, urn, beyond.as_deref())?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        beyond = Some(last.clone());
        for (id, document) in page {
            visit(tx, &id, document)?;
        }
    }
}

fn page(
    tx: &mut ReadTx<'_>,
    of: Of,
    urn: &str,
    beyond: Option<&str>,
) -> Result<Vec<(String, Document)>, DirectoryError> {
    match of {
        Of::Users => {
            let rows = Users::batch(tx, Some(holds!(users, urn)), beyond, Direction::Up, BATCH)?;
            rows.into_iter().map(|row| Ok((row.id.clone(), row.parse()?))).collect()
        }
        Of::Groups => {
            let rows = Groups::batch(tx, Some(holds!(groups, urn)), beyond, Direction::Up, BATCH)?;
            rows.into_iter().map(|row| Ok((row.id.clone(), row.parse()?))).collect()
        }
    }
}

/// Brings the unique values of one resource from what the type said to what it says now.
///
/// # Errors
/// [`DirectoryError::ValueTaken`] when two resources share a value that is unique from now on, or the store's.
pub fn claim_anew(
    tx: &mut WriteTx<'_>,
    (old, new): (&ResourceType, &ResourceType),
    id: &str,
    document: &Document,
) -> Result<(), DirectoryError> {
    claims::sync(tx, &claims::of(old, document), &claims::of(new, document), id)
}
