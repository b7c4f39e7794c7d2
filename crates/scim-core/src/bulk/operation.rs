//! One operation of a bulk as sent: the request, or its error.

use serde_json::{Map, Value, json};
use strum::EnumString;

use super::references;
use crate::leniency::{Leniency, Tolerance};
use crate::value::{member, take};
use crate::{ResourceKind, ScimError, urn};

/// Longest `bulkId`, in characters.
pub(super) const MAX_BULK_ID: usize = 256;

/// Longest id in a `path`, in characters; ours have 36.
const MAX_ID: usize = 128;

/// Longest method that a response repeats, in characters.
const MAX_METHOD: usize = 16;

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// As sent, when it is a word, in upper case: the response repeats it.
    pub method: Option<String>,
    /// As sent: the response repeats it.
    pub bulk_id: Option<String>,
    /// The resource that a PUT, PATCH or DELETE is about, whatever else is wrong: the response holds its location.
    pub resource: Option<(ResourceKind, Id)>,
    /// The request, or its error.
    pub asked: Result<Asked, ScimError>,
}

/// A well-formed operation.
#[derive(Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The kind of the resource.
    pub kind: ResourceKind,
    /// The version that the resource must have, as an entity tag.
    pub version: Option<String>,
    /// The body, with references in it; null for a DELETE.
    pub data: Value,
}

/// `method` of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "UPPERCASE", ascii_case_insensitive)]
#[allow(missing_docs, reason = "the RFC's own words")]
pub enum Method {
    Post,
    Put,
    Patch,
    Delete,
}

/// Which resource a `path` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// By its id.
    Known(String),
    /// By the `bulkId` of the operation that creates it.
    Reference(String),
}

impl Operation {
    pub(super) fn parse(operation: Value, t: &mut Tolerance) -> Self {
        let Value::Object(mut operation) = operation else {
            let error = ScimError::invalid_syntax("An operation must be a JSON object.");
            return Self { method: None, bulk_id: None, resource: None, asked: Err(error) };
        };
        let word = |text: &&str| text.len() <= MAX_METHOD && text.bytes().all(|b| b.is_ascii_alphabetic());
        let text = |name: &str| member(&operation, name).and_then(Value::as_str);
        let method = text("method").filter(word).map(str::to_ascii_uppercase);
        let bulk_id = text("bulkId").filter(|id| is_bulk_id(id)).map(str::to_owned);
        let path = text("path").and_then(Path::parse);
        let resource = match &path {
            Some(Path::Resource(kind, id)) => Some((*kind, id.clone())),
            Some(Path::Type(_)) | None => None,
        };
        let asked = Asked::parse(&mut operation, path.as_ref(), t);
        Self { method, bulk_id, resource, asked }
    }

    /// The `bulkId` under which others may refer to what this operation creates, even if it will fail.
    pub(super) fn creates(&self) -> Option<&str> {
        let is_post = self.method.as_deref() == Some("POST");
        self.bulk_id.as_deref().filter(|_| is_post)
    }
}

fn is_bulk_id(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MAX_BULK_ID
}

impl Asked {
    fn parse(
        operation: &mut Map<String, Value>,
        path: Option<&Path>,
        t: &mut Tolerance,
    ) -> Result<Self, ScimError> {
        let method = Method::parse(operation, t)?;
        check_bulk_id(operation, method)?;
        let version = match member(operation, "version") {
            None | Some(Value::Null) => None,
            Some(Value::String(version)) => Some(version.clone()),
            Some(_) => return Err(ScimError::invalid_syntax("\"version\" must be a string.")),
        };
        // RFC 7644 §3.7: a POST names a type's endpoint, everything else one resource.
        let kind = match (method, path) {
            (Method::Post, Some(Path::Type(kind))) => *kind,
            (Method::Put | Method::Patch | Method::Delete, Some(Path::Resource(kind, _))) => *kind,
            _ => {
                return Err(ScimError::invalid_syntax(
                    "\"path\" must be /Users or /Groups for a POST, and /Users/{id} or /Groups/{id} for PUT, \
                     PATCH and DELETE.",
                ));
            }
        };
        let data = match (method, take(operation, "data").unwrap_or_default()) {
            (Method::Delete, _) => Value::Null,
            (_, Value::Null) => {
                let detail = "A POST, PUT or PATCH needs \"data\", the body of the request.";
                return Err(ScimError::invalid_syntax(detail));
            }
            (Method::Patch, Value::Array(operations)) => whole_patch(operations, t)?,
            (_, data) => data,
        };
        Ok(Self { method, kind, version, data })
    }

    /// Asks `id_of` about every reference in the data; where it knows an id, that takes the reference's place.
    pub(super) fn visit_references(&mut self, id_of: &mut dyn FnMut(&str) -> Option<String>) {
        references::visit_values(&mut self.data, id_of);
        if self.method == Method::Patch {
            references::visit_paths(&mut self.data, id_of);
        }
    }

    /// Whether the resources that it refers to must exist before it is done: the members of a group are looked up; a
    /// user's manager may have any id.
    pub(super) fn looks_up(&self) -> bool {
        self.kind == ResourceKind::Group
    }
}

/// RFC 7644 §3.7.3 prints the `data` of a PATCH as the bare list of its operations; here it becomes the message that it
/// stands for.
fn whole_patch(operations: Vec<Value>, t: &mut Tolerance) -> Result<Value, ScimError> {
    t.allow(Leniency::BareOperations, "data", || {
        ScimError::invalid_syntax(
            "The \"data\" of a PATCH must be a whole PatchOp, not its operations alone.",
        )
    })?;
    Ok(json!({"schemas": [urn::PATCH_OP], "Operations": operations}))
}

impl Method {
    fn parse(operation: &Map<String, Value>, t: &mut Tolerance) -> Result<Self, ScimError> {
        let refusal = || ScimError::invalid_syntax("\"method\" must be POST, PUT, PATCH or DELETE.");
        let sent = member(operation, "method").and_then(Value::as_str).ok_or_else(refusal)?;
        let method = sent.parse().map_err(|_| refusal())?;
        if sent.bytes().any(|b| b.is_ascii_lowercase()) {
            t.allow(Leniency::LowerCaseMethod, "method", refusal)?;
        }
        Ok(method)
    }
}

/// RFC 7644 §3.7: "REQUIRED when "method" is "POST"".
fn check_bulk_id(operation: &Map<String, Value>, method: Method) -> Result<(), ScimError> {
    match member(operation, "bulkId") {
        None | Some(Value::Null) if method != Method::Post => Ok(()),
        None | Some(Value::Null) => Err(ScimError::invalid_syntax("A POST needs a \"bulkId\".")),
        Some(Value::String(id)) if is_bulk_id(id) => Ok(()),
        Some(_) => Err(ScimError::invalid_syntax(format!(
            "\"bulkId\" must be a string of 1 to {MAX_BULK_ID} characters."
        ))),
    }
}

/// The target of a `path`.
enum Path {
    Type(ResourceKind),
    Resource(ResourceKind, Id),
}

impl Path {
    /// Only the kinds that clients write are reached: no other base, no discovery, no bulk in a bulk (attack 45).
    fn parse(path: &str) -> Option<Self> {
        let below = |kind: ResourceKind| Some((kind, path.strip_prefix(kind.endpoint())?));
        let (kind, rest) = ResourceKind::written().find_map(below)?;
        if rest.is_empty() {
            return Some(Self::Type(kind));
        }
        let id = rest.strip_prefix('/')?;
        if let Some(bulk_id) = references::name(id) {
            return Some(Self::Resource(kind, Id::Reference(bulk_id.to_owned())));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        let is_id = !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(plain);
        is_id.then(|| Self::Resource(kind, Id::Known(id.to_owned())))
    }
}
