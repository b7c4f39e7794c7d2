//! From what a client sent for one attribute to its canonical form, by the attribute's characteristics alone.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::faults::Faults;
use super::packed;
use super::reference::{self, is_reference_by_value};
use super::sent::Sent;
use super::simple::simple;
use super::{MAX_ELEMENTS, MAX_MEMBERS};
use crate::ScimError;
use crate::attribute_name::BorrowedName;
use crate::leniency::{Leniency, Tolerance};
use crate::schema::{Attribute, Mutability, Type};
use crate::value::{is_empty, only_element, value_alone};

/// The canonical form of one attribute's whole value in a PATCH (an array for a multi-valued one); `None` when nothing is
/// left. `at` is the attribute's full name, for error texts.
///
/// # Errors
/// 400 `invalidValue` for a value that is not of the attribute's type, with all that is wrong in it; a strict
/// tenant's 400s.
pub fn normalise(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    alone(t, Hollow::Refused, |reader| reader.whole(attribute, value, BorrowedName::of(at)))
}

/// The same for one element of a multi-valued attribute.
///
/// # Errors
/// As [`normalise`].
pub fn normalise_element(
    attribute: &Attribute,
    value: &Value,
    at: &str,
    t: &mut Tolerance,
) -> Result<Option<Value>, ScimError> {
    alone(t, Hollow::Refused, |reader| reader.single(attribute, value, BorrowedName::of(at)))
}

/// Whether anything is left of an element of a POST or a PUT.
pub(super) fn leaves_anything(attribute: &Attribute, element: &Value) -> bool {
    let read = |reader: &mut Reader<'_>| reader.single(attribute, element, BorrowedName::of(&attribute.name));
    alone(&mut Tolerance::lenient(), Hollow::Absent, read).is_ok_and(|element| element.is_some())
}

fn alone<T>(
    t: &mut Tolerance,
    hollow: Hollow,
    read: impl FnOnce(&mut Reader<'_>) -> T,
) -> Result<T, ScimError> {
    let mut faults = Faults::default();
    let value = read(&mut Reader { t, faults: &mut faults, hollow });
    faults.into_result().map(|()| value)
}

/// What an empty object means where a simple value belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hollow {
    /// POST and PUT: no more than an absent one.
    Absent,
    /// PATCH: it is a value of another type. Read as null it would clear the attribute.
    Refused,
}

/// Attack 38: a bound on what one attribute may hold.
pub(crate) fn not_too_many(at: BorrowedName<'_>, count: usize) -> Result<(), ScimError> {
    let most = if at.is_name("members", None) { MAX_MEMBERS } else { MAX_ELEMENTS };
    if count <= most {
        return Ok(());
    }
    Err(ScimError::invalid_value(format!("{at} may hold at most {most} values.")))
}

/// Attributes whose elements come as bare texts (RFC 7643 §2.4 knows primitive elements; wire-server, Ping).
const BARE: &[&str] = &["roles", "entitlements"];

/// Reads the values of one resource; leniencies and faults are collected on the way, so that one fault does not hide the
/// next.
pub(super) struct Reader<'r> {
    pub(super) t: &'r mut Tolerance,
    pub(super) faults: &'r mut Faults,
    pub(super) hollow: Hollow,
}

impl Reader<'_> {
    pub(super) fn whole(
        &mut self,
        attribute: &Attribute,
        value: &Value,
        at: BorrowedName<'_>,
    ) -> Option<Value> {
        if !attribute.multi_valued {
            return self.single(attribute, value, at);
        }
        match value {
            Value::Array(elements) => return self.many(attribute, elements, at),
            Value::String(_) => match self.unpacked(attribute, value, at)? {
                Cow::Owned(Value::Array(elements)) => return self.many(attribute, &elements, at),
                Cow::Owned(one) => return self.many(attribute, std::slice::from_ref(&one), at),
                Cow::Borrowed(_) => {}
            },
            _ => {}
        }
        if self.is_absent(attribute, value, at) { None } else { self.refuse(at, "an array") }
    }

    fn many(&mut self, attribute: &Attribute, elements: &[Value], at: BorrowedName<'_>) -> Option<Value> {
        self.kept(at, not_too_many(at, elements.len()))?;
        let mut kept = Vec::with_capacity(elements.len());
        kept.extend(elements.iter().filter_map(|element| self.single(attribute, element, at)));
        (!kept.is_empty()).then_some(Value::Array(kept))
    }

    fn single(&mut self, attribute: &Attribute, value: &Value, at: BorrowedName<'_>) -> Option<Value> {
        let value = self.only(attribute, value, at);
        if self.is_absent(attribute, value, at) {
            return None;
        }
        if attribute.kind == Type::Complex {
            return self.complex(attribute, value, at);
        }
        let value = simple(attribute, value, at, self.t);
        self.kept(at, value)
    }

    /// The one value of an array where a single one belongs. [`Self::manager_shape`] reads the shapes of a manager.
    fn only<'v>(&mut self, attribute: &Attribute, value: &'v Value, at: BorrowedName<'_>) -> &'v Value {
        let takes_one = !attribute.multi_valued
            && !is_reference_by_value(attribute)
            && !self.t.refuses(Leniency::ArrayOfOne);
        match only_element(value) {
            Some(only) if takes_one && !only.is_array() => {
                self.t.note(Leniency::ArrayOfOne, &at.to_string());
                only
            }
            _ => value,
        }
    }

    /// The value, or nothing when it is refused.
    fn kept<T>(&mut self, at: BorrowedName<'_>, result: Result<T, ScimError>) -> Option<T> {
        result.map_err(|fault| self.faults.refuse(at, fault)).ok()
    }

    fn refuse(&mut self, at: BorrowedName<'_>, form: &str) -> Option<Value> {
        self.faults.refuse(at, at.must_be(form));
        None
    }

    fn is_absent(&mut self, attribute: &Attribute, value: &Value, at: BorrowedName<'_>) -> bool {
        let is_empty = is_empty(value);
        if is_empty && value.is_string() {
            self.t.note(Leniency::NullOrEmpty, &at.to_string());
        }
        let is_hollow = value.is_object() && attribute.kind != Type::Complex;
        is_empty && !(is_hollow && self.hollow == Hollow::Refused)
    }

    /// The value, parsed when it is JSON in a string; `None` when that is refused.
    fn unpacked<'v>(
        &mut self,
        attribute: &Attribute,
        value: &'v Value,
        at: BorrowedName<'_>,
    ) -> Option<Cow<'v, Value>> {
        let unpacked = packed::unpack(attribute, value, &at, self.t);
        self.kept(at, unpacked)
    }

    fn complex(&mut self, attribute: &Attribute, value: &Value, at: BorrowedName<'_>) -> Option<Value> {
        let value = self.unpacked(attribute, value, at)?;
        match value.as_ref() {
            Value::Object(members) => self.object(attribute, members, at),
            other if is_reference_by_value(attribute) => self.manager_shape(attribute, other, at),
            Value::String(_) if BARE.iter().any(|name| at.is_name(name, None)) => {
                let refusal = || at.must_be("an object");
                let allowed = self.t.allow(Leniency::BareValue, &attribute.name, refusal);
                self.kept(at, allowed)?;
                self.object(attribute, &value_alone(&value), at)
            }
            _ => self.refuse(at, "an object"),
        }
    }

    fn object(
        &mut self,
        attribute: &Attribute,
        members: &Map<String, Value>,
        at: BorrowedName<'_>,
    ) -> Option<Value> {
        match reference::named_by_ref(attribute, members) {
            Ok(None) => self.sub_attributes(attribute, members, at),
            Ok(Some(id)) => self.sub_attributes(attribute, &value_alone(&id.into()), at),
            Err(form) => self.refuse(at.sub("$ref"), form),
        }
    }

    /// Entra sends a manager as a bare id or as an array of one; responses hold the RFC's object.
    fn manager_shape(&mut self, attribute: &Attribute, value: &Value, at: BorrowedName<'_>) -> Option<Value> {
        let refusal = || at.must_be("an object");
        let allowed = self.t.allow(Leniency::ManagerShape, &at.to_string(), refusal);
        self.kept(at, allowed)?;
        if value.as_array().is_some_and(|several| several.len() != 1) {
            return self.refuse(at, "one object, not several");
        }
        let only = only_element(value).unwrap_or(value);
        match self.unpacked(attribute, only, at)?.as_ref() {
            Value::Object(members) => self.object(attribute, members, at),
            id @ Value::String(_) => self.sub_attributes(attribute, &value_alone(id), at),
            Value::Null => None,
            _ => self.refuse(at, "an object with a value"),
        }
    }

    fn sub_attributes(
        &mut self,
        attribute: &Attribute,
        sent: &Map<String, Value>,
        at: BorrowedName<'_>,
    ) -> Option<Value> {
        let sent = Sent::of(attribute.sub_attributes.iter(), sent);
        let kept = self.known(&sent, None, |name| at.sub(name));
        for key in sent.unknown {
            self.unknown(Leniency::UnknownAttribute, &at.sub(key).to_string());
        }
        // JSON in a string is refused here, however it was packed.
        if kept.get("value").and_then(Value::as_str).is_some_and(|text| packed::json_in(text).is_some()) {
            return self.refuse(at.sub("value"), "a plain text, not JSON in one");
        }
        (!kept.is_empty()).then_some(Value::Object(kept))
    }

    /// What the attributes take from an object, in their own order. RFC 7644 §3.3: readOnly values are ignored. A
    /// writeOnly one (a password) is checked and dropped. A value that is `held` already is accepted again, so that a
    /// person can still be deactivated after the profile has narrowed the legal values.
    pub(super) fn known<'a>(
        &mut self,
        sent: &Sent<'a>,
        held: Option<&Map<String, Value>>,
        at: impl Fn(&'a str) -> BorrowedName<'a>,
    ) -> Map<String, Value> {
        let mut kept = Map::with_capacity(sent.room());
        for &(attribute, value) in &sent.attributes {
            let Some(value) = value.filter(|_| attribute.mutability != Mutability::ReadOnly) else {
                continue;
            };
            if attribute.binding_values && held.and_then(|held| held.get(&attribute.name)) == Some(value) {
                kept.insert(attribute.name.clone(), value.clone());
                continue;
            }
            let value = self.whole(attribute, value, at(&attribute.name));
            if let Some(value) = value.filter(|_| attribute.mutability != Mutability::WriteOnly) {
                kept.insert(attribute.name.clone(), value);
            }
        }
        kept
    }

    /// An attribute that no schema knows is dropped and counted; for a strict tenant it is a fault (RFC 7644 §3.12).
    pub(super) fn unknown(&mut self, leniency: Leniency, name: &str) {
        let allowed = self.t.allow(leniency, name, || {
            let shown: String = name.chars().take(100).collect();
            ScimError::invalid_syntax(format!("No schema of this resource type has the attribute {shown}."))
        });
        self.faults.keep(allowed);
    }
}
