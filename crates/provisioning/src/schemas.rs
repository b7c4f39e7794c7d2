//! A tenant's own schemas: added, replaced and removed by staff while identity providers write. A change, the check of the
//! stored data and the change record are one transaction of the tenant's store, so every stored attribute has a schema.

use directory::{
    DirectoryError,
    extensions::{self, Stored},
};
use scim_core::{
    ResourceKind, ResourceType,
    schema::{self, Extension, Mutability, Schema, document::MAX_SCHEMAS},
};
use seat_ledger::pools;
use serde_json::json;
use store::{ReadTx, StoreError, WriteTx};

use crate::{Act, ProvisioningError, records};

/// One schema of the tenant's own.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnSchema {
    /// The kind of resource that it extends.
    pub of: ResourceKind,
    /// Whether every resource of the type must have data of it.
    pub required: bool,
    /// Its attributes.
    pub schema: Schema,
}

/// All of them, as one transaction sees them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnSchemas {
    /// How often they have changed.
    pub version: i64,
    /// In order of their URNs.
    pub schemas: Vec<OwnSchema>,
}

impl OwnSchemas {
    /// The schema of this URN, letter case ignored.
    #[must_use]
    pub fn get(&self, urn: &str) -> Option<&OwnSchema> {
        self.schemas.iter().find(|own| own.schema.id.eq_ignore_ascii_case(urn))
    }
}

/// A schema as staff send it. A field that is left out stays as it is; a new schema is one of users and not required.
#[derive(Clone, Debug)]
pub struct NewSchema {
    /// A document that has passed [`scim_core::schema::document`].
    pub schema: Schema,
    /// The kind of resource that it is to extend.
    pub of: Option<ResourceKind>,
    /// Whether every resource must have data of it.
    pub required: Option<bool>,
}

/// The result of [`put`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaChange {
    /// The tenant has one more.
    Added,
    /// It took the place of an older one.
    Replaced,
    /// It was there as it is.
    Unchanged,
}

/// Why a schema stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The tenant has no own schema of this URN.
    #[error("the tenant has no schema {0} of its own")]
    NotFound(String),
    /// The document cannot be taken by any tenant; sentences.
    #[error("{}", .0.join(" "))]
    Faults(Vec<String>),
    /// It conflicts with the tenant's data or schemas; a sentence without its full stop.
    #[error("{0}")]
    Conflict(String),
    /// The store failed, or stored data is damaged.
    #[error(transparent)]
    Failed(#[from] ProvisioningError),
}

impl From<DirectoryError> for SchemaError {
    fn from(error: DirectoryError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<StoreError> for SchemaError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The tenant's own schemas.
///
/// # Errors
/// When the store fails or a stored document does not parse.
pub fn all(tx: &mut ReadTx<'_>) -> Result<OwnSchemas, ProvisioningError> {
    let own = |stored: Stored| {
        let schema = serde_json::from_str(&stored.document).map_err(|e| DirectoryError::BadDocument {
            id: "a schema of the tenant".to_owned(),
            cause: e.to_string(),
        })?;
        Ok(OwnSchema { of: stored.of, required: stored.required, schema })
    };
    let schemas = extensions::all(tx)?.into_iter().map(own).collect::<Result<_, DirectoryError>>()?;
    Ok(OwnSchemas { version: extensions::version(tx)?, schemas })
}

/// How often the tenant's own schemas have changed.
///
/// # Errors
/// When the store fails.
pub fn version(tx: &mut ReadTx<'_>) -> Result<i64, ProvisioningError> {
    Ok(extensions::version(tx)?)
}

/// One schema and how many resources hold data of it.
///
/// # Errors
/// [`SchemaError::NotFound`], or the store's.
pub fn get(tx: &mut ReadTx<'_>, urn: &str) -> Result<(OwnSchema, i64), SchemaError> {
    let own = all(tx)?.get(urn).cloned().ok_or_else(|| SchemaError::NotFound(urn.to_owned()))?;
    let holders = extensions::holders(tx, own.of, &own.schema.id)?;
    Ok((own, holders))
}

/// Adds a schema, or replaces the one with its URN. A replacement is accepted when every stored value is as legal, as unique
/// and in the same form under the new document; only later writes are checked for a required extension.
///
/// # Errors
/// [`SchemaError::Faults`] and [`SchemaError::Conflict`], which name the attribute; or the store's.
pub fn put(
    tx: &mut WriteTx<'_>,
    new: NewSchema,
    act: &Act,
) -> Result<(OwnSchema, SchemaChange), SchemaError> {
    extensions::lock(tx)?;
    let there = all(tx)?;
    let old = there.get(&new.schema.id);
    let new = OwnSchema {
        of: new.of.or_else(|| old.map(|old| old.of)).unwrap_or(ResourceKind::User),
        required: new.required.or_else(|| old.map(|old| old.required)).unwrap_or(false),
        schema: new.schema,
    };
    check_urn(&new.schema.id, &there)?;
    let outcome = match old {
        Some(old) if *old == new => return Ok((new, SchemaChange::Unchanged)),
        Some(old) => {
            check_data(tx, old, &new)?;
            SchemaChange::Replaced
        }
        None if there.schemas.len() >= MAX_SCHEMAS => {
            return Err(SchemaError::Conflict(format!(
                "a tenant may have at most {MAX_SCHEMAS} schemas of its own; remove one first"
            )));
        }
        None => SchemaChange::Added,
    };
    let document = serde_json::to_string(&new.schema)
        .map_err(|e| DirectoryError::BadDocument { id: new.schema.id.clone(), cause: e.to_string() })?;
    let row = Stored { of: new.of, required: new.required, document };
    extensions::put(tx, &new.schema.id, &row)?;
    record(tx, if outcome == SchemaChange::Added { "schema.added" } else { "schema.replaced" }, &new, act)?;
    Ok((new, outcome))
}

/// Removes a schema of which no resource holds data.
///
/// # Errors
/// [`SchemaError::NotFound`]; [`SchemaError::Conflict`] that says how many resources hold data; or the store's.
pub fn remove(tx: &mut WriteTx<'_>, urn: &str, act: &Act) -> Result<(), SchemaError> {
    extensions::lock(tx)?;
    let (own, holders) = get(tx, urn)?;
    if holders > 0 {
        return Err(SchemaError::Conflict(format!(
            "{} of this tenant with data of {}; take that data away first, {}with a PATCH that removes the path {}",
            counted(holders, own.of),
            own.schema.id,
            what_holds_it(&own),
            own.schema.id
        )));
    }
    extensions::remove(tx, &own.schema.id)?;
    record(tx, "schema.removed", &own, act)
}

/// The change of the document that must come first: a PATCH can remove neither an immutable attribute nor a required
/// extension.
fn what_holds_it(own: &OwnSchema) -> &'static str {
    let is_immutable = own.schema.attributes.iter().any(|a| a.mutability == Mutability::Immutable);
    match (is_immutable, own.required) {
        (false, false) => "",
        (true, false) => {
            "after replacing the document by one whose attributes are readWrite instead of immutable, "
        }
        (false, true) => "after replacing the document by one that is not required, ",
        (true, true) => {
            "after replacing the document by one that is not required and whose attributes are readWrite instead of immutable, "
        }
    }
}

fn counted(count: i64, of: ResourceKind) -> String {
    let name = of.name().to_ascii_lowercase();
    if count == 1 { format!("there is 1 {name}") } else { format!("there are {count} {name}s") }
}

/// A path such as `urn:a:b:c` must mean one thing: no URN is another's, or begins with another's.
fn check_urn(urn: &str, there: &OwnSchemas) -> Result<(), SchemaError> {
    let types = ResourceKind::ALL.iter().map(|kind| kind.resource_type());
    let built_in: Vec<ResourceType> = types.chain([schema::role_of_the_draft()]).collect();
    let is = |other: &str| other.eq_ignore_ascii_case(urn);
    if built_in.iter().flat_map(ResourceType::schemas).any(|schema| is(&schema.id)) {
        return Err(SchemaError::Faults(vec![format!("id {urn} is a schema that every tenant has.")]));
    }
    let others =
        built_in.iter().flat_map(ResourceType::schemas).chain(there.schemas.iter().map(|o| &o.schema));
    let clash = others.map(|schema| &schema.id).find(|id| begins_with(id, urn) || begins_with(urn, id));
    match clash {
        None => Ok(()),
        Some(id) => Err(SchemaError::Conflict(format!(
            "paths with {urn} and with {id} could not be told apart; neither may begin with the other"
        ))),
    }
}

fn begins_with(urn: &str, start: &str) -> bool {
    let rest = urn.get(start.len()..).unwrap_or_default();
    rest.starts_with(':') && urn.get(..start.len()).is_some_and(|s| s.eq_ignore_ascii_case(start))
}

/// Whether the stored data fits the new document. A document that allows everything the old one allowed needs no check.
fn check_data(tx: &mut WriteTx<'_>, old: &OwnSchema, new: &OwnSchema) -> Result<(), SchemaError> {
    let urn = &old.schema.id;
    if old.of == new.of && new.schema.takes_all_of(&old.schema) {
        return Ok(());
    }
    if old.of != new.of || new.schema.id != *urn {
        let holders = extensions::holders(tx, old.of, urn)?;
        let what = if old.of == new.of { "keep the spelling of its URN" } else { "keep its resource type" };
        return match holders {
            0 => Ok(()),
            _ => {
                Err(SchemaError::Conflict(format!("{} with data of {urn}; {what}", counted(holders, old.of))))
            }
        };
    }
    let (old_type, new_type) = (with(old), with(new));
    extensions::for_each_holder(tx, old.of, urn, |tx, id, document| {
        let block = document.get(urn).and_then(|block| block.as_object());
        let misfits = block.map(|block| new.schema.misfits(block)).unwrap_or_default();
        if !misfits.is_empty() {
            return Err(SchemaError::Conflict(format!(
                "the {} {id} has data that the new document does not take: {}",
                old.of.name().to_ascii_lowercase(),
                misfits.join(", ")
            )));
        }
        extensions::claim_anew(tx, &old_type, &new_type, id, &document).map_err(|error| shared(error, id))
    })
}

fn shared(error: DirectoryError, id: &str) -> SchemaError {
    match error {
        DirectoryError::ValueTaken { attribute, existing } => SchemaError::Conflict(format!(
            "{attribute} cannot be unique: {id} and {existing} have the same value"
        )),
        other => other.into(),
    }
}

/// The resource type with this extension and no other: enough to say which of its values are unique.
fn with(own: &OwnSchema) -> ResourceType {
    let mut rt = own.of.resource_type();
    rt.add_extension(own.extension());
    rt
}

impl OwnSchema {
    /// As a resource type has it.
    #[must_use]
    pub fn extension(&self) -> Extension {
        Extension { schema: self.schema.clone(), required: self.required }
    }
}

/// Records the act in the change log, in its own transaction (attack 58).
fn record(tx: &mut WriteTx<'_>, kind: &'static str, own: &OwnSchema, act: &Act) -> Result<(), SchemaError> {
    let detail = json!({
        "schema": own.schema.id,
        "resource": own.of.name(),
        "required": own.required,
        "attributes": own.schema.attributes.len(),
    });
    // After the documents' lock, as every write of a resource does.
    pools::take_turn(tx).map_err(ProvisioningError::from)?;
    Ok(records::record_act(tx, act, kind, detail)?)
}
