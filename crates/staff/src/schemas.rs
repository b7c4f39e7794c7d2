//! A schema document that staff add to a tenant, or put in the place of one with its URN.

use provisioning::schemas::{NewSchema, SchemaError};
use scim_core::{ResourceKind, schema::document};
use serde::Deserialize;
use serde_json::Value;

use crate::StaffError;

/// `{"schema": {…}, "resource": "User", "required": false}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemaRequest {
    /// The document (RFC 7643 §7).
    pub schema: Value,
    /// The name of the resource type that it extends, in any letter case.
    pub resource: Option<String>,
    /// Whether every resource of the type must have data of it.
    pub required: Option<bool>,
}

impl SchemaRequest {
    pub(crate) fn check(self) -> Result<NewSchema, StaffError> {
        let kind = |name: String| {
            let found = ResourceKind::written().find(|kind| kind.name().eq_ignore_ascii_case(&name));
            found.ok_or_else(|| StaffError::BadRequest("resource is User or Group".to_owned()))
        };
        let of = self.resource.map(kind).transpose()?;
        let schema = document::read(&self.schema).map_err(SchemaError::Faults)?;
        Ok(NewSchema { schema, of, required: self.required })
    }
}
