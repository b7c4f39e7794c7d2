//! The BulkResponse (RFC 7644 §3.7.3).

use serde_json::{Map, Value, json};

use crate::{ScimError, urn};

/// How one operation ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// As sent.
    pub method: Option<String>,
    /// As sent.
    pub bulk_id: Option<String>,
    /// Where the resource is; none after a failed POST.
    pub location: Option<String>,
    /// The version that the resource has now, as an entity tag; none after a DELETE or a failure.
    pub version: Option<String>,
    /// The status of success, or the error.
    pub status: Result<u16, ScimError>,
}

impl Answer {
    fn to_json(&self) -> Value {
        let mut answer = Map::new();
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
        answer.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(answer)
    }
}

/// The body of a bulk's answer. A successful operation's own body is left out, as §3.7 allows.
#[must_use]
pub fn response<'a>(answers: impl Iterator<Item = &'a Answer>) -> Value {
    let answers: Vec<Value> = answers.map(Answer::to_json).collect();
    json!({ "schemas": [urn::BULK_RESPONSE], "Operations": answers })
}
