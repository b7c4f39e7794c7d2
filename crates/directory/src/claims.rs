//! Values that a tenant's settings make unique beside userName. The primary key of one small table decides, so a race
//! has one winner on either database.

use diesel::prelude::*;
use store::WriteTx;

use crate::{DirectoryError, key, schema::unique_claims};

/// One value and the attribute it belongs to; `None` where the settings don't make it unique or the value is absent.
pub(crate) struct Claim {
    pub(crate) attribute: &'static str,
    pub(crate) key: Option<String>,
}

impl Claim {
    pub(crate) fn new(on: bool, attribute: &'static str, scope: &str, value: Option<&str>) -> Self {
        let key = value.filter(|_| on).map(|v| format!("{scope}.{attribute}:{}", key::exact(v)));
        Self { attribute, key }
    }

    /// Takes the value for `resource_id`; refused when another resource has it.
    pub(crate) fn take(&self, tx: &mut WriteTx<'_>, resource_id: &str) -> Result<(), DirectoryError> {
        let Some(key) = &self.key else { return Ok(()) };
        let holder = unique_claims::table.find(key).select(unique_claims::resource_id);
        let holder: Option<String> = tx.get_result(holder).optional()?;
        match holder {
            Some(existing) if existing == resource_id => Ok(()),
            Some(existing) => Err(DirectoryError::ValueTaken { attribute: self.attribute, existing }),
            None => self.insert(tx, resource_id),
        }
    }

    fn insert(&self, tx: &mut WriteTx<'_>, resource_id: &str) -> Result<(), DirectoryError> {
        let Some(key) = &self.key else { return Ok(()) };
        let row = (unique_claims::claim.eq(key), unique_claims::resource_id.eq(resource_id));
        match tx.execute(diesel::insert_into(unique_claims::table).values(row)) {
            Ok(_) => Ok(()),
            // Lost a race between the look-up and the insert (only possible on PostgreSQL).
            Err(error) if store::unique_violation(&error).is_some() => {
                Err(DirectoryError::ValueTaken { attribute: self.attribute, existing: String::new() })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Moves from an old value to this one.
    pub(crate) fn replace(
        &self,
        tx: &mut WriteTx<'_>,
        old: &Claim,
        resource_id: &str,
    ) -> Result<(), DirectoryError> {
        if self.key == old.key {
            return Ok(());
        }
        self.take(tx, resource_id)?;
        old.release(tx, resource_id)
    }

    /// Gives the value back, if it is `resource_id` that has it: a resource that is older than the tenant's wish for
    /// unique values has claimed nothing.
    pub(crate) fn release(&self, tx: &mut WriteTx<'_>, resource_id: &str) -> Result<(), DirectoryError> {
        if let Some(key) = &self.key {
            let own = unique_claims::table.find(key).filter(unique_claims::resource_id.eq(resource_id));
            tx.execute(diesel::delete(own))?;
        }
        Ok(())
    }
}
