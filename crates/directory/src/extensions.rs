//! The tenant's own schema documents as rows, and the resources that hold data of one. The layer above checks documents and
//! decides whether they may change.

use diesel::prelude::*;
use scim_core::{Document, ResourceKind, ResourceType};
use store::{ReadTx, StoreConnection, WriteTx};

use crate::{
    DirectoryError, claims,
    schema::{extension_schemas, extension_schemas_version},
    search::rows::{Batches, Rows, count},
};

/// One document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The kind of resource that it extends.
    pub of: ResourceKind,
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
        of: resource_type.parse().unwrap_or(ResourceKind::User),
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

/// Locks the schemas at version `seen` until the transaction ends, so that no write stores data of a removed schema. Any number
/// of writes hold the lock together.
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

/// Writes a document under its URN and replaces one that is there.
///
/// # Errors
/// When the store fails.
pub fn put(tx: &mut WriteTx<'_>, urn: &str, new: &Stored) -> Result<(), DirectoryError> {
    remove(tx, urn)?;
    let row = (
        extension_schemas::urn_key.eq(urn.to_ascii_lowercase()),
        extension_schemas::resource_type.eq(new.of.name()),
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
    touch(tx)
}

/// Gives the documents their next version: whatever knows the tenant by an earlier one reads again.
///
/// # Errors
/// When the store fails.
pub fn touch(tx: &mut WriteTx<'_>) -> Result<(), DirectoryError> {
    tx.update(
        extension_schemas_version::table,
        extension_schemas_version::version.eq(extension_schemas_version::version + 1),
    )?;
    Ok(())
}

/// How many resources hold data of the schema; every row is looked at.
///
/// # Errors
/// When the store fails.
pub fn holders(tx: &mut ReadTx<'_>, of: ResourceKind, urn: &str) -> Result<i64, DirectoryError> {
    count(tx, of, Rows::Holding(urn), false)
}

/// Counts the resources whose document has this name at its top, and of which `has` is true.
///
/// # Errors
/// When the store fails.
pub fn count_holders(
    tx: &mut ReadTx<'_>,
    of: ResourceKind,
    name: &str,
    has: impl Fn(&Document) -> bool,
) -> Result<i64, DirectoryError> {
    let (mut batches, mut count) = (Batches::of(of, Rows::Holding(name)), 0);
    while let Some(batch) = batches.next(tx)? {
        for record in batch {
            count += i64::from(has(&record.parse()?));
        }
    }
    Ok(count)
}

/// Visits every resource that holds data of the schema, in order of id.
///
/// # Errors
/// When the store fails or `visit` does.
pub fn for_each_holder<E: From<DirectoryError>>(
    tx: &mut WriteTx<'_>,
    of: ResourceKind,
    urn: &str,
    mut visit: impl FnMut(&mut WriteTx<'_>, &str, Document) -> Result<(), E>,
) -> Result<(), E> {
    let mut batches = Batches::of(of, Rows::Holding(urn));
    while let Some(batch) = batches.next(tx)? {
        for record in batch {
            visit(tx, &record.id, record.parse()?)?;
        }
    }
    Ok(())
}

/// Brings the unique values of one resource from an old version of its type to a new one.
///
/// # Errors
/// [`DirectoryError::ValueTaken`] when two resources share a value that becomes unique, or the store's.
pub fn claim_anew(
    tx: &mut WriteTx<'_>,
    old: &ResourceType,
    new: &ResourceType,
    id: &str,
    document: &Document,
) -> Result<(), DirectoryError> {
    claims::sync(tx, &claims::of(old, document), &claims::of(new, document), id)
}
