//! Operations on a group's `members` as changes to a set. A group may hold 50,000 members and Entra sends one PATCH
//! for each: nothing here, and nothing it hands on, is proportional to the group.

use serde_json::{Map, Value};

use super::change::Verb;
use super::compat::{allow_single, is_empty, names_no_part};
use crate::filter::{Filter, Op};
use crate::fold::fold;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{MAX_KEY, Member, is_too_long, unpack};
use crate::schema::Attribute;
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
    /// Another one comes in the place of these (RFC 7644 §3.5.2.3).
    Exchange {
        /// Who leaves.
        who: MemberSelection,
        /// Who comes.
        with: Member,
        /// Whether that one comes when nobody leaves, as an element is made of a path that chooses by `type`.
        made: bool,
    },
}

impl MemberChange {
    /// How many members it names.
    pub(super) fn named(&self) -> usize {
        match self {
            Self::Add(members) | Self::Replace(members) => members.len(),
            Self::Remove(who) => who.named(),
            Self::Exchange { who, .. } => who.named() + 1,
        }
    }

    /// How often each member of the group is looked at.
    pub(super) fn comparisons(&self) -> usize {
        match self {
            Self::Remove(who) | Self::Exchange { who, .. } => match who {
                MemberSelection::Matching { among: None, filter } => filter.terms(),
                _ => 0,
            },
            Self::Add(_) | Self::Replace(_) => 0,
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

impl MemberSelection {
    fn named(&self) -> usize {
        match self {
            Self::Values(ids) => ids.len(),
            Self::All | Self::Matching { .. } => 0,
        }
    }
}

/// The change that an operation on `members` asks for; `None` when it provably changes nothing.
pub(super) fn change(
    definition: &Attribute,
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
    let says_nothing = match verb {
        Verb::Add => is_empty(value),
        Verb::Replace => matches!(path, Path::Attribute(_)) && names_no_part(definition, value),
        Verb::Remove => false,
    };
    if says_nothing {
        tolerance.note(Leniency::NullOrEmpty, "members");
        return Ok(None);
    }
    let change = match (path, verb) {
        (Path::Elements { filter, .. }, Verb::Remove) => MemberChange::Remove(selection(filter)),
        (Path::Elements { filter, .. }, Verb::Replace) => exchange(definition, filter, value, tolerance)?,
        (Path::Elements { .. }, Verb::Add) => {
            return Err(ScimError::bad_request(
                ScimType::NoTarget,
                "members are added by the path \"members\" without a filter.",
            ));
        }
        (_, Verb::Remove) => MemberChange::Remove(removal(definition, value, tolerance)?),
        (_, Verb::Add) => MemberChange::Add(members(definition, value, tolerance)?),
        (_, Verb::Replace) => MemberChange::Replace(members(definition, value, tolerance)?),
    };
    Ok(Some(change))
}

/// `replace` of members that the path chooses: by the one that is sent, or by nobody.
fn exchange(
    definition: &Attribute,
    filter: &Filter,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<MemberChange, ScimError> {
    let sent = match value.as_array().map(Vec::as_slice) {
        Some([only]) if !only.is_array() => {
            let refusal =
                || ScimError::invalid_value("members: the value for chosen members must be one object.");
            tolerance.allow(Leniency::ArrayOfOne, "members", refusal)?;
            only
        }
        _ => value,
    };
    if is_empty(sent) && !sent.is_object() {
        tolerance.note(Leniency::NullOrEmpty, "members");
        return Ok(MemberChange::Remove(selection(filter)));
    }
    let with = match member(definition, sent, tolerance)? {
        Some(member) => member,
        None => kept(filter, sent, tolerance)?,
    };
    let by_type = matches!(filter, Filter::Compare { path, op: Op::Eq, .. } if path.is_name("type", None));
    Ok(MemberChange::Exchange { who: selection(filter), with, made: by_type && !tolerance.strict })
}

/// The member that the path chooses, with what the value says of it.
fn kept(filter: &Filter, sent: &Value, tolerance: &mut Tolerance) -> Result<Member, ScimError> {
    let said = sent.as_object().filter(|_| !is_empty(sent));
    match (filter.values().as_deref(), said) {
        (Some([id]), Some(parts)) if !tolerance.strict => {
            tolerance.note(Leniency::SelectorKept, "members");
            let mut parts = parts.clone();
            parts.retain(|name, _| !name.eq_ignore_ascii_case("value"));
            parts.insert("value".to_owned(), (*id).into());
            member_of(&parts, tolerance)?.ok_or_else(no_member)
        }
        _ => Err(ScimError::invalid_value(
            "The value for chosen members needs the id of the one that takes their place as \"value\"; to take them out use \
             remove.",
        )),
    }
}

/// Okta: `members[value eq "id"]`. A chain of such comparisons is a list of ids, which a store finds by index.
fn selection(filter: &Filter) -> MemberSelection {
    match ids(filter) {
        Some(ids) => MemberSelection::Values(ids),
        None => MemberSelection::Matching { among: among(filter), filter: filter.clone() },
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
    filter.values().map(|ids| ids.into_iter().map(|id| fold(id).into_owned()).collect())
}

/// RFC 7644 §3.5.2.2 knows `remove` without a value: all. With one, as Entra and authentik send it: exactly those,
/// so that `[]` removes nobody.
fn removal(
    definition: &Attribute,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<MemberSelection, ScimError> {
    if value.is_null() {
        return Ok(MemberSelection::All);
    }
    // Nobody can tell whether nothing means nobody or everybody here.
    if listed(value, tolerance)?.iter().any(is_empty) {
        return Err(no_member());
    }
    let members = members(definition, value, tolerance)?;
    Ok(MemberSelection::Values(members.into_iter().map(|member| member.value).collect()))
}

/// A list of members, one member, or one id. What is empty is no member, as in any other attribute: `""` and `[{}]` are
/// the empty list.
fn members(
    definition: &Attribute,
    value: &Value,
    tolerance: &mut Tolerance,
) -> Result<Vec<Member>, ScimError> {
    let (empty, named): (Vec<&Value>, Vec<&Value>) =
        listed(value, tolerance)?.iter().partition(|member| is_empty(member));
    if !empty.is_empty() {
        tolerance.note(Leniency::NullOrEmpty, "members");
    }
    let member = |sent| member(definition, sent, tolerance)?.ok_or_else(no_member);
    named.into_iter().map(member).collect()
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

/// One member; `None` for one without an id.
fn member(
    definition: &Attribute,
    element: &Value,
    tolerance: &mut Tolerance,
) -> Result<Option<Member>, ScimError> {
    match unpack(definition, element, &"members", tolerance)?.as_ref() {
        Value::String(id) if !id.is_empty() => {
            tolerance.allow(Leniency::BareValue, "members", no_member)?;
            bounded("value", id).map(|id| Some(Member::new(&id)))
        }
        Value::Object(parts) => member_of(parts, tolerance),
        _ => Err(no_member()),
    }
}

fn member_of(parts: &Map<String, Value>, tolerance: &mut Tolerance) -> Result<Option<Member>, ScimError> {
    let (mut id, mut display, mut kind) = (None, None, None);
    for (key, value) in parts {
        match key.to_ascii_lowercase().as_str() {
            "value" => id = text("value", value)?,
            "display" => display = text("display", value)?,
            "type" => kind = text("type", value)?,
            // Computed from the id; Entra sends null.
            "$ref" => {}
            _ => tolerance.allow(Leniency::UnknownAttribute, &format!("members.{key}"), || {
                ScimError::invalid_path("a member has an unknown attribute; leave it out.")
            })?,
        }
    }
    Ok(id.map(|id| Member { display, kind, ..Member::new(&id) }))
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
