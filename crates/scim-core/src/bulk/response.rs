//! The BulkResponse (RFC 7644 §3.7.3).

use serde_json::{Map, Value, json};

use crate::{ScimError, urn};

/// The response to one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationResponse {
    /// As sent.
    pub method: Option<String>,
    /// As sent.
    pub bulk_id: Option<String>,
    /// The resource's URI; none after a failed POST.
    pub location: Option<String>,
    /// The version that the resource has now, as an entity tag; none after a DELETE or a failure.
    pub version: Option<String>,
    /// The status of success, or the error.
    pub status: Result<u16, ScimError>,
}

impl OperationResponse {
    fn to_json(&self) -> Value {
        let mut operation = Map::new();
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let (status, response) = match &self.status {
            Ok(status) => (*status, None),
            Err(error) => (error.status, Some(error.to_json())),
        };
        let members = [
            ("method", text(&self.method)),
            ("bulkId", text(&self.bulk_id)),
            ("location", text(&self.location)),
            ("version", text(&self.version)),
            ("status", Some(status.to_string().into())),
            ("response", response),
        ];
        operation.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(operation)
    }
}

/// The body of the response to a bulk. A successful operation's own body is left out, as §3.7 allows.
#[must_use]
pub fn response<'a>(operations: impl Iterator<Item = &'a OperationResponse>) -> Value {
    let operations: Vec<Value> = operations.map(OperationResponse::to_json).collect();
    json!({ "schemas": [urn::BULK_RESPONSE], "Operations": operations })
}
