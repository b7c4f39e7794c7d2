//! Whether a tenant's data fits another profile. Nobody may have a seat of a license, or data of an attribute, that the other one lacks:
//! nothing could read it any more.

use directory::extensions;
use profiles::{OwnAttribute, Profile, choice::People};
use scim_core::{Document, ResourceKind};
use seat_ledger::{pools, seats};
use store::{ReadTx, WriteTx};

use crate::{Product, ProvisioningError};

/// The licenses and own attributes of one profile that another lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacking {
    licenses: Vec<String>,
    attributes: Vec<OwnAttribute>,
}

impl Lacking {
    /// What `after` lacks of `before`; an attribute of another type counts as lacking.
    #[must_use]
    pub fn between(before: &Profile, after: &Profile) -> Self {
        let licenses = before.licenses.iter().filter(|license| after.license(&license.key).is_none());
        let is_there = |attribute: &&OwnAttribute| {
            let same = |other: &OwnAttribute| {
                (&other.name, &other.home, other.kind) == (&attribute.name, &attribute.home, attribute.kind)
            };
            !after.attributes.iter().any(same)
        };
        Self {
            licenses: licenses.map(|license| license.key.clone()).collect(),
            attributes: before.attributes.iter().filter(is_there).cloned().collect(),
        }
    }

    /// Whether the other profile has everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.licenses.is_empty() && self.attributes.is_empty()
    }

    /// The names of what is lacking, for a sentence.
    #[must_use]
    pub fn names(&self) -> String {
        let licenses = self.licenses.iter().map(|key| format!("the license {key}"));
        let attributes = self.attributes.iter().map(|attribute| {
            format!("the attribute {} ({}, {})", attribute.name, attribute.home, <&str>::from(attribute.kind))
        });
        licenses.chain(attributes).collect::<Vec<_>>().join(", ")
    }

    /// The reason why this tenant's data needs what is lacking, as a sentence without its full stop; `None`: it needs nothing of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn needed(&self, tx: &mut ReadTx<'_>) -> Result<Option<String>, ProvisioningError> {
        let in_use = seats::licenses_in_use(tx)?;
        if let Some(license) = self.licenses.iter().find(|key| in_use.contains(*key)) {
            return Ok(Some(format!("people have, or wait for, seats of the license {license}")));
        }
        for attribute in &self.attributes {
            let has = |document: &Document| holds(document, attribute);
            let holding = attribute.urn().unwrap_or(&attribute.name);
            let people = extensions::count_holders(tx, ResourceKind::User, holding, has)?;
            if people > 0 {
                let OwnAttribute { name, home, .. } = attribute;
                return Ok(Some(format!("{people} people have data of the attribute {name} ({home})")));
            }
        }
        Ok(None)
    }
}

fn holds(document: &Document, attribute: &OwnAttribute) -> bool {
    let value = match attribute.urn() {
        Some(urn) => document.get(urn).and_then(|block| block.get(&attribute.name)),
        None => document.get(&attribute.name),
    };
    value.is_some_and(|value| !value.is_null())
}

/// Makes the pools of a product's licenses, and lets every write that still knows the tenant by rules of before run again with those of now.
/// Says as [`Lacking::needed`] whether what was written before needs what is lacking. Names in the log are hashed by the next tick, where
/// the log is to hold none.
///
/// # Errors
/// When the store fails.
pub fn begin(
    tx: &mut WriteTx<'_>,
    product: &Product,
    lacking: &Lacking,
) -> Result<Option<String>, ProvisioningError> {
    extensions::touch(tx)?;
    pools::take_turn(tx)?;
    if let Some(why) = lacking.needed(tx)? {
        return Ok(Some(why));
    }
    pools::ensure(tx, product.licenses())?;
    if product.profile.log.people == People::Ids {
        tx.falls_due(tx.now_ms());
    }
    Ok(None)
}
