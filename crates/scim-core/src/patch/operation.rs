//! Reads the operations of a PATCH (RFC 7644 §3.5.2) as changes: one for each attribute, also where the value of an operation
//! without a path names several.

use serde_json::{Map, Value};

use super::change::{Change, Edit, Verb};
use super::compat::{holds_object, schemas_as_path, single, unpacked, unwrapped, urns};
use super::members::{self, MemberChange};
use super::value;
use crate::attribute_name::has_urn;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{self, Faults};
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::value::{member, says_nothing};
use crate::{ResourceKind, ScimError, ScimType};

const SCHEMAS: &str = "schemas";

/// Reads one operation after the other.
pub(super) struct OperationReader<'r> {
    rt: &'r ResourceType,
    tolerance: &'r mut Tolerance,
    /// The operation that is being read, counted from one.
    pub(super) number: usize,
    verb: Verb,
    /// In the order of the operations.
    pub(super) changes: Vec<Change>,
    /// The changes to a group's members.
    pub(super) members: Vec<MemberChange>,
    /// What the operations say the resource's `schemas` are, by the number of the operation.
    pub(super) schemas: Vec<(usize, Vec<String>)>,
}

impl<'r> OperationReader<'r> {
    pub(super) fn new(rt: &'r ResourceType, tolerance: &'r mut Tolerance) -> Self {
        let (changes, members, schemas) = (Vec::new(), Vec::new(), Vec::new());
        Self { rt, tolerance, number: 0, verb: Verb::Add, changes, members, schemas }
    }

    /// Reads the next operation.
    ///
    /// # Errors
    /// 400 when the operation is not understood, or its path names a read-only attribute. A fault in the value of an
    /// attribute stays with its [`Change`].
    pub(super) fn read(&mut self, operation: &Value) -> Result<(), ScimError> {
        self.number += 1;
        let Some(operation) = operation.as_object() else {
            return Err(ScimError::invalid_syntax("an operation must be a JSON object."));
        };
        self.verb = verb(operation, self.tolerance)?;
        let removes = self.verb == Verb::Remove;
        let value = match member(operation, "value") {
            Some(value) => value,
            None if removes => &Value::Null,
            None => {
                let detail = "add and replace need a \"value\"; send null to clear.";
                return Err(ScimError::invalid_value(detail));
            }
        };
        let path = match member(operation, "path") {
            Some(Value::Null) => {
                let refusal = || ScimError::invalid_path("\"path\" must be a string; leave it out.");
                self.tolerance.allow(Leniency::NullPath, "path", refusal)?;
                None
            }
            path => path,
        };
        if path.is_none() && self.tolerance.mode.is_interop() {
            return Err(ScimError::invalid_syntax("an operation needs a \"path\"."));
        }
        match path {
            None if removes => Err(ScimError::bad_request(ScimType::NoTarget, "remove needs a \"path\".")),
            None => self.without_path(value),
            Some(Value::String(path)) if !removes && self.rt.is_core(path) => {
                let known = self.under_core_urn(value)?;
                self.some_known(known, &self.rt.core.id)
            }
            Some(Value::String(path)) => {
                let path = Path::parse(self.rt, path, self.tolerance)?;
                if is_read_only(self.rt, &path) {
                    let detail = "the path names a read-only attribute; leave the operation out.";
                    return Err(ScimError::mutability(detail));
                }
                self.at_path(path, value)
            }
            Some(_) => Err(ScimError::invalid_path("\"path\" must be a string.")),
        }
    }

    /// RFC 7644 §3.5.2.1: without a path "the value is a set of attributes"; each key is read as a path, as Entra means them.
    /// An array of one such object is tolerated.
    fn without_path(&mut self, value: &Value) -> Result<(), ScimError> {
        let is_strict = self.tolerance.mode.is_strict();
        let takes_one = !self.tolerance.refuses(Leniency::ArrayOfOne);
        let attributes = match (value, value.as_array().map(Vec::as_slice)) {
            (Value::Object(attributes), _) if !attributes.is_empty() || !is_strict => attributes,
            (_, Some([Value::Object(attributes)])) if takes_one => {
                self.tolerance.note(Leniency::ArrayOfOne, "value");
                attributes
            }
            _ => {
                let detail = "without a \"path\" the value must be an object of attributes.";
                return Err(ScimError::invalid_value(detail));
            }
        };
        let known = self.each(attributes, Self::at_key)?;
        self.some_known(known, &format!("a {}", self.rt.kind.name()))
    }

    /// Reads each of the attributes; whether any of them is known. An empty object is.
    fn each(
        &mut self,
        attributes: &Map<String, Value>,
        read: impl Fn(&mut Self, &str, &Value) -> Result<bool, ScimError>,
    ) -> Result<bool, ScimError> {
        let mut known = attributes.is_empty();
        let mut faults = Faults::default();
        for (key, value) in attributes {
            known |= faults.keep(read(self, key, value)).unwrap_or_default();
        }
        faults.into_result().map(|()| known)
    }

    /// One key of a value without a path; whether it is known. Read-only attributes are ignored: an identity provider has
    /// read them and sends them back.
    fn at_key(&mut self, key: &str, value: &Value) -> Result<bool, ScimError> {
        if self.rt.is_core(key) {
            return self.under_core_urn(value);
        }
        let Ok(path) = Path::parse(self.rt, key, self.tolerance) else {
            return self.unknown(key);
        };
        if is_read_only(self.rt, &path) {
            return Ok(true);
        }
        let is_name = matches!(path, Path::Extension(_)) || !(has_urn(key) || key.contains(['.', '[']));
        if !is_name {
            // The RFC knows attribute names and extension URNs as keys, no paths.
            self.tolerance.allow(Leniency::PathlessKeys, key, || {
                ScimError::invalid_path("a key of the value is a path; send an operation with that path.")
            })?;
        }
        if path.attribute().is_some_and(|of| of.is_name(SCHEMAS, None)) {
            return self.schemas_as_key(value).map(|()| true);
        }
        if let Path::Extension(urn) = &path {
            return self.under_extension_urn(urn, value);
        }
        let definition = path.attribute().and_then(|of| of.definition(self.rt));
        if path.sub().is_none() && definition.is_some_and(|d| content(d, value) == Content::Unknown) {
            return self.unknown(key);
        }
        self.at_path(path, value).map(|()| true)
    }

    /// Core attributes under the core schema's own URN, as if it were an extension's; RFC 7643 §3.3 has them at the top.
    /// Whether any of them is known.
    fn under_core_urn(&mut self, value: &Value) -> Result<bool, ScimError> {
        let urn = &self.rt.core.id;
        self.tolerance.allow(Leniency::PathlessKeys, urn, || {
            ScimError::invalid_path(format!(
                "attributes of {urn} stand at the top of the value, not under its URN."
            ))
        })?;
        match value {
            // One level: a second URN inside means nothing.
            Value::Object(attributes) => self.each(attributes, |reader, key, value| {
                if reader.rt.is_core(key) { reader.unknown(key) } else { reader.at_key(key, value) }
            }),
            empty if says_nothing(empty) => Ok(true),
            _ => Err(ScimError::invalid_value(format!("{urn} must be an object."))),
        }
    }

    /// The attributes under an extension's URN; whether any of them is known.
    fn under_extension_urn(&mut self, urn: &str, value: &Value) -> Result<bool, ScimError> {
        match value {
            Value::Object(attributes) => self.each(attributes, |reader, key, value| {
                let Ok(path) = Path::parse(reader.rt, &format!("{urn}:{key}"), reader.tolerance) else {
                    return reader.unknown(key);
                };
                if !is_read_only(reader.rt, &path) {
                    reader.at_path(path, value)?;
                }
                Ok(true)
            }),
            empty if says_nothing(empty) => {
                self.tolerance.note(Leniency::NullOrEmpty, urn);
                if self.verb == Verb::Replace && !holds_object(empty) {
                    self.remove_extension(Path::Extension(urn.to_owned()));
                }
                Ok(true)
            }
            _ => Err(ScimError::invalid_value(format!("{urn} must be an object."))),
        }
    }

    fn remove_extension(&mut self, path: Path) {
        let edit = Ok(Edit::Replace { value: None, sent: Value::Null });
        self.changes.push(Change { operation: self.number, verb: Verb::Remove, path, edit });
    }

    fn unknown(&mut self, key: &str) -> Result<bool, ScimError> {
        let shown: String = key.chars().take(100).collect();
        let refusal = self.tolerance.undefined(format!("the value names an unknown attribute, \"{shown}\"."));
        self.tolerance.allow(Leniency::UnknownAttribute, key, || refusal)?;
        Ok(false)
    }

    /// `schemas` among the attributes of a value, as a client has read them: known URNs change nothing, and a lenient tenant
    /// ignores unknown ones.
    fn schemas_as_key(&mut self, value: &Value) -> Result<(), ScimError> {
        for urn in urns(value)? {
            if !self.rt.schemas().any(|schema| schema.id.eq_ignore_ascii_case(&urn)) {
                self.tolerance.allow(Leniency::UnknownSchema, &urn, || {
                    ScimError::invalid_value("\"schemas\" names an unknown schema.")
                })?;
            }
        }
        Ok(())
    }

    /// Refuses a value of which nothing is known; `of` says of what its attributes should be.
    fn some_known(&self, known: bool, of: &str) -> Result<(), ScimError> {
        if known {
            return Ok(());
        }
        Err(self.tolerance.undefined(format!("the value names no attribute of {of}.")))
    }

    /// One operation whose path may be written.
    fn at_path(&mut self, path: Path, value: &Value) -> Result<(), ScimError> {
        let (rt, verb) = (self.rt, self.verb);
        if verb == Verb::Remove && !value.is_null() {
            allow_value_of_remove(&path, self.tolerance)?;
        }
        let of = match &path {
            // Without this exception no element could be removed.
            Path::Elements { of, sub: None, .. }
                if verb != Verb::Remove && self.tolerance.mode.is_interop() =>
            {
                return Err(ScimError::invalid_path(format!(
                    "a path that selects elements of {of} with a filter names one of their sub-attributes."
                )));
            }
            Path::Attribute(of) | Path::Elements { of, .. } => of,
            Path::Extension(_) if verb == Verb::Remove => {
                self.remove_extension(path);
                return Ok(());
            }
            Path::Extension(urn) => {
                let known = self.under_extension_urn(urn, value)?;
                return self.some_known(known, urn);
            }
        };
        if of.is_name(SCHEMAS, None) {
            let urns = schemas_as_path(verb, value)?;
            self.schemas.extend(urns.map(|urns| (self.number, urns)));
            return Ok(());
        }
        let Some(definition) = of.definition(rt) else {
            return Err(ScimError::invalid_path("the path names no attribute."));
        };
        let value = unwrapped(definition, &path, value, self.tolerance)?;
        let value = single(definition, &path, verb, value, self.tolerance);
        let value = unpacked(definition, &path, value, self.tolerance)?;
        let value = value.as_ref();
        if rt.kind == ResourceKind::Group && of.urn.is_none() && of.attribute.name == "members" {
            self.members.extend(members::change(definition, verb, &path, value, self.tolerance)?);
            return Ok(());
        }
        if definition.mutability == Mutability::WriteOnly {
            // `password` and its like are checked and dropped: there is no log-in here, and none is stored.
            if verb != Verb::Remove && of.sub.is_none() {
                resource::normalise(definition, value, &of.to_string(), self.tolerance)?;
            }
            return Ok(());
        }
        if verb != Verb::Remove && path.sub().is_none() {
            match content(definition, value) {
                Content::Unknown => {
                    let name = of.to_string();
                    return Err(self
                        .tolerance
                        .undefined(format!("no part of the value is known in {name}.")));
                }
                Content::ReadOnly => return Ok(()),
                Content::Writable => {}
            }
        }
        let edit = value::read(definition, verb, &path, value, self.tolerance);
        self.changes.push(Change { operation: self.number, verb, path, edit });
        Ok(())
    }
}

fn verb(operation: &Map<String, Value>, tolerance: &mut Tolerance) -> Result<Verb, ScimError> {
    let op = member(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let Ok(verb) = op.parse() else {
        return Err(ScimError::invalid_syntax("\"op\" must be add, replace or remove."));
    };
    if op.contains(|c: char| c.is_ascii_uppercase()) {
        let refusal =
            || ScimError::invalid_syntax("\"op\" must be add, replace or remove, in small letters.");
        tolerance.allow(Leniency::CapitalisedOp, op, refusal)?;
    }
    Ok(verb)
}

/// RFC 7644 §3.5.2.2: the path alone selects the removed elements; a value would contradict it.
fn allow_value_of_remove(path: &Path, tolerance: &mut Tolerance) -> Result<(), ScimError> {
    let name = path.attribute().map_or_else(|| path.to_string(), ToString::to_string);
    tolerance.allow(Leniency::RemoveWithValue, &name, || {
        ScimError::invalid_value("remove takes no \"value\"; choose elements with a filter in the path.")
    })
}

fn is_read_only(rt: &ResourceType, path: &Path) -> bool {
    let read_only = |m: Mutability| m == Mutability::ReadOnly;
    match path.attribute() {
        None => matches!(path, Path::Extension(urn) if rt.extension(urn).is_some_and(Schema::is_read_only)),
        // Computed too, but checked by itself: authentik sends it back in every PATCH.
        Some(of) if of.is_name(SCHEMAS, None) => false,
        Some(of) => {
            read_only(of.attribute.mutability) || path.sub().is_some_and(|sub| read_only(sub.mutability))
        }
    }
}

/// How much of a value an attribute understands.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    /// Sub-attributes, none of which exists.
    Unknown,
    /// Only sub-attributes that are not the client's to write.
    ReadOnly,
    /// Something that can be written, or cleared.
    Writable,
}

fn content(definition: &Attribute, value: &Value) -> Content {
    match value {
        Value::Object(members) if !members.is_empty() && !definition.sub_attributes.is_empty() => {
            if resource::lone_ref(definition, members).is_some() {
                return Content::Writable;
            }
            let known = members.keys().filter_map(|key| definition.sub_attribute(key));
            let contents = known.map(|sub| match sub.mutability {
                Mutability::ReadOnly => Content::ReadOnly,
                _ => Content::Writable,
            });
            contents.max().unwrap_or(Content::Unknown)
        }
        Value::Array(elements) if !elements.is_empty() => {
            let mut most = Content::Unknown;
            for element in elements {
                most = most.max(content(definition, element));
                // The others of a long list need not be looked at.
                if most == Content::Writable {
                    break;
                }
            }
            most
        }
        _ => Content::Writable,
    }
}
