//! Operations on a group's `members` as changes to a set. A group may hold 50,000 members and Entra sends one PATCH
//! for each: nothing here, and nothing it hands on, is proportional to the group.

use serde_json::{Map, Value};

use super::Verb;
use super::apply::allow_single;
use super::compat::is_empty;
use crate::filter::{Filter, Literal, Op};
use crate::fold::fold;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{MAX_KEY, Member, is_too_long};
use crate::{ScimError, ScimType};

/// One change to a group's members.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberChange {
    /// These are members afterwards; those who were stay.
    Add(Vec<Member>),
    /// These and no others are members afterwards.
    Replace(Vec<Member>),
    /// These are no members afterwards; those who were not stay out.
    Remove(MemberSelection),
}

impl MemberChange {
    /// How many members it names.
    pub(super) fn named(&self) -> usize {
        match self {
            Self::Add(members) | Self::Replace(members) => members.len(),
            Self::Remove(MemberSelection::Values(ids)) => ids.len(),
            Self::Remove(MemberSelection::All | MemberSelection::Matching { .. }) => 0,
        }
    }

    /// How often each member of the group is looked at.
    pub(super) fn comparisons(&self) -> usize {
        match self {
            Self::Remove(MemberSelection::Matching { among: None, filter }) => filter.terms(),
            Self::Add(_) | Self::Replace(_) | Self::Remove(_) => 0,
        }
    }
}

/// Whom a `remove` means.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberSelection {
    /// `remove` of `members` without a value.
    All,
    /// By the members' `value`, folded as in [`Member`].
    Values(Vec<String>),
    /// A filter over one member: `value`, `type`, `display`, `$ref`.
    Matching {
        /// Nobody else can match, so that only these need be read; `None` when anybody can.
        among: Option<Vec<String>>,
        /// Which of them do.
        filter: Filter,
    },
}

/// The change that an operation on `members` asks for; `None` when it provably changes nothing.
pub(super) fn change(
    verb: Verb,
    path: &Path,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<Option<MemberChange>, ScimError> {
    if path.sub().is_some() {
        return Err(ScimError::mutability(
            "a member never changes; remove it and add another (RFC 7643 4.2).",
        ));
    }
    match (path, verb) {
        (Path::Elements { filter, .. }, Verb::Remove) => {
            Ok(Some(MemberChange::Remove(selection(filter.clone()))))
        }
        (Path::Elements { .. }, _) => Err(ScimError::bad_request(
            ScimType::NoTarget,
            "members are added and replaced by the path \"members\" without a filter.",
        )),
        (_, Verb::Remove) => removal(value, tolerance).map(|s| Some(MemberChange::Remove(s))),
        (_, Verb::Add) if is_empty(value) => {
            tolerance.note(Leniency::NullOrEmpty, "members");
            Ok(None)
        }
        (_, Verb::Add) => members(value, tolerance).map(|members| Some(MemberChange::Add(members))),
        (_, Verb::Replace) => members(value, tolerance).map(|members| Some(MemberChange::Replace(members))),
    }
}

/// Okta: `members[value eq "id"]`. A chain of such comparisons is a list of ids, which a store finds by index.
fn selection(filter: Filter) -> MemberSelection {
    match ids(&filter) {
        Some(ids) => MemberSelection::Values(ids),
        None => MemberSelection::Matching { among: among(&filter), filter },
    }
}

/// The ids without which the filter cannot match: `type eq "Group" and value eq "id"` asks of one member only.
fn among(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::And(parts) => parts.iter().find_map(ids),
        _ => None,
    }
}

fn ids(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { path, op: Op::Eq, value: Literal::String(id) } if path.is_name("value", None) => {
            Some(vec![fold(id).into_owned()])
        }
        Filter::Or(parts) => {
            let lists: Option<Vec<Vec<String>>> = parts.iter().map(ids).collect();
            lists.map(|lists| lists.concat())
        }
        _ => None,
    }
}

/// RFC 7644 §3.5.2.2 knows `remove` without a value: all. With one, as Entra and authentik send it: exactly those,
/// so that `[]` removes nobody.
fn removal(value: &Value, tolerance: &mut Tolerance) -> Result<MemberSelection, ScimError> {
    if value.is_null() {
        return Ok(MemberSelection::All);
    }
    // Nobody can tell whether nothing means nobody or everybody here.
    if listed(value, tolerance)?.iter().any(is_empty) {
        return Err(no_member());
    }
    let members = members(value, tolerance)?;
    Ok(MemberSelection::Values(members.into_iter().map(|member| member.value).collect()))
}

/// A list of members, one member, or one id. What is empty is no member, as in any other attribute: `""` and `[{}]` are
/// the empty list.
fn members(value: &Value, tolerance: &mut Tolerance) -> Result<Vec<Member>, ScimError> {
    let (empty, named): (Vec<&Value>, Vec<&Value>) =
        listed(value, tolerance)?.iter().partition(|member| is_empty(member));
    if !empty.is_empty() {
        tolerance.note(Leniency::NullOrEmpty, "members");
    }
    named.into_iter().map(|member| self::member(member, tolerance)).collect()
}

fn listed<'v>(value: &'v Value, tolerance: &mut Tolerance) -> Result<&'v [Value], ScimError> {
    Ok(match value {
        Value::Array(list) => list,
        Value::Null => &[],
        // Nobody: what is empty need not stand in a list.
        empty if is_empty(empty) => std::slice::from_ref(empty),
        single => {
            allow_single("members", tolerance)?;
            std::slice::from_ref(single)
        }
    })
}

fn member(element: &Value, tolerance: &mut Tolerance) -> Result<Member, ScimError> {
    match element {
        Value::String(id) if !id.is_empty() => {
            tolerance.allow(Leniency::BareValue, "members", no_member)?;
            Ok(Member { value: fold(&bounded("value", id)?).into_owned(), display: None, kind: None })
        }
        Value::Object(parts) => member_of(parts, tolerance),
        _ => Err(no_member()),
    }
}

fn member_of(parts: &Map<String, Value>, tolerance: &mut Tolerance) -> Result<Member, ScimError> {
    let mut member = Member { value: String::new(), display: None, kind: None };
    for (key, value) in parts {
        match key.to_ascii_lowercase().as_str() {
            "value" => member.value = fold(&text("value", value)?.unwrap_or_default()).into_owned(),
            "display" => member.display = text("display", value)?,
            "type" => member.kind = text("type", value)?,
            // Computed from the id; Entra sends null.
            "$ref" => {}
            _ => tolerance.allow(Leniency::UnknownAttribute, &format!("members.{key}"), || {
                ScimError::invalid_path("a member has an unknown attribute; leave it out.")
            })?,
        }
    }
    if member.value.is_empty() { Err(no_member()) } else { Ok(member) }
}

fn text(name: &str, value: &Value) -> Result<Option<String>, ScimError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => bounded(name, text).map(Some),
        _ => Err(ScimError::invalid_value(format!("members.{name} must be a string."))),
    }
}

fn bounded(name: &str, text: &str) -> Result<String, ScimError> {
    if is_too_long(text) {
        let detail = format!("members.{name} must be at most {MAX_KEY} characters long.");
        return Err(ScimError::invalid_value(detail));
    }
    Ok(text.to_owned())
}

fn no_member() -> ScimError {
    ScimError::invalid_value("each member needs its id as \"value\", a string that is not empty.")
}
