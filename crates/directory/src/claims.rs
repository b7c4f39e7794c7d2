//! Values that are unique beside userName, as the attributes of the resource type say (RFC 7643 §2.2 `uniqueness`). The
//! primary key of one small table decides, so a race has one winner on either database.

use diesel::prelude::*;
use scim_core::{
    Document, ResourceKind, ResourceType, equality,
    schema::{Attribute, Mutability, Uniqueness},
};
use serde_json::{Map, Value};
use store::WriteTx;

use crate::{DirectoryError, key, schema::unique_claims};

/// One value that its resource alone may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The attribute's full name.
    attribute: String,
    /// Type, attribute and value: the value in the form in which it compares, and never too long for an index.
    key: String,
}

/// The claims of one document.
pub(crate) fn of(rt: &ResourceType, document: &Document) -> Vec<Claim> {
    let mut claims = Vec::new();
    for block in rt.blocks() {
        let Some(members) = block.members(&document.0) else { continue };
        for attribute in block.attributes() {
            let name = block.name(&attribute.name);
            // A column of its own holds userName.
            if !(rt.kind == ResourceKind::User && name.is_name("userName", None)) {
                claims.extend(Claim::of(rt, name, attribute, members));
            }
        }
    }
    claims
}

/// Brings the claims of one resource from an old document's to a new one's; the new ones are taken first.
pub(crate) fn sync(
    tx: &mut WriteTx<'_>,
    old: &[Claim],
    new: &[Claim],
    resource_id: &str,
) -> Result<(), DirectoryError> {
    for claim in new.iter().filter(|claim| !old.contains(claim)) {
        claim.take(tx, resource_id)?;
    }
    for claim in old.iter().filter(|claim| !new.contains(claim)) {
        claim.release(tx, resource_id)?;
    }
    Ok(())
}

impl Claim {
    fn of(
        rt: &ResourceType,
        name: impl std::fmt::Display,
        attribute: &Attribute,
        members: &Map<String, Value>,
    ) -> Option<Self> {
        let is_stored = matches!(attribute.mutability, Mutability::ReadWrite | Mutability::Immutable);
        if attribute.uniqueness == Uniqueness::None || !is_stored {
            return None;
        }
        let value = members.get(&attribute.name)?;
        let value = equality::identity(attribute, value);
        let key = format!("{}.{name}:{}", rt.kind.name(), key::exact(&value));
        Some(Self { attribute: name.to_string(), key })
    }

    /// Takes the value for `resource_id`; refused when another resource has it.
    fn take(&self, tx: &mut WriteTx<'_>, resource_id: &str) -> Result<(), DirectoryError> {
        let holder = unique_claims::table.find(&self.key).select(unique_claims::resource_id);
        let holder: Option<String> = tx.get_result(holder).optional()?;
        match holder {
            Some(existing) if existing == resource_id => Ok(()),
            Some(existing) => Err(self.taken(existing)),
            None => self.insert(tx, resource_id),
        }
    }

    fn insert(&self, tx: &mut WriteTx<'_>, resource_id: &str) -> Result<(), DirectoryError> {
        let row = (unique_claims::claim.eq(&self.key), unique_claims::resource_id.eq(resource_id));
        match tx.execute(diesel::insert_into(unique_claims::table).values(row)) {
            Ok(_) => Ok(()),
            // Lost a race between the look-up and the insert (only possible on PostgreSQL).
            Err(error) if store::unique_violation(&error).is_some() => Err(self.taken(String::new())),
            Err(error) => Err(error.into()),
        }
    }

    fn taken(&self, existing: String) -> DirectoryError {
        DirectoryError::ValueTaken { attribute: self.attribute.clone(), existing }
    }

    /// Gives the value back if `resource_id` has it. A resource that was stored before the attribute became unique has no
    /// claim.
    fn release(&self, tx: &mut WriteTx<'_>, resource_id: &str) -> Result<(), DirectoryError> {
        let own = unique_claims::table.find(&self.key).filter(unique_claims::resource_id.eq(resource_id));
        tx.execute(diesel::delete(own))?;
        Ok(())
    }
}
