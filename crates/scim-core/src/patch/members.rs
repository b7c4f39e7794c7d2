//! Operations on a group's `members` as changes to a set. A group may hold 50,000 members and Entra sends one PATCH
//! for each: nothing here, and nothing it hands on, is proportional to the group.

use serde_json::{Map, Value};

use super::change::Verb;
use super::compat::{allow_single, names_no_part, unlisted};
use crate::filter::{Filter, Op};
use crate::fold::fold;
use crate::leniency::{Leniency, Tolerance};
use crate::path::Path;
use crate::resource::{MAX_KEY, Member, is_too_long, unpack};
use crate::schema::Attribute;
use crate::value::says_nothing;
use crate::{ScimError, ScimType};

/// One change to a group's members.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberChange {
    /// Adds these members; the others stay.
    Add(Vec<Member>),
    /// Makes these the only members.
    Replace(Vec<Member>),
    /// Removes these members.
    Remove(MemberSelection),
    /// Another member takes the place of these (RFC 7644 §3.5.2.3).
    Exchange {
        /// The members that are removed.
        who: MemberSelection,
        /// The member that is added.
        with: Member,
        /// Whether it is added when none is removed, as an element is made from a path that selects by `type`.
        made: bool,
    },
}

impl MemberChange {
    /// How many members it names.
    pub(super) fn named(&self) -> usize {
        match self {
            Self::Add(members) | Self::Replace(members) => members.len(),
            Self::Remove(MemberSelection::Values(ids)) => ids.len(),
            Self::Exchange { who: MemberSelection::Values(ids), .. } => ids.len() + 1,
            Self::Exchange { .. } => 1,
            Self::Remove(_) => 0,
        }
    }

    /// How often each member of the group is looked at.
    pub(super) fn comparisons(&self) -> usize {
        match self {
            Self::Remove(MemberSelection::Matching { among: None, filter })
            | Self::Exchange { who: MemberSelection::Matching { among: None, filter }, .. } => filter.terms(),
            _ => 0,
        }
    }
}

/// Which members an operation selects.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberSelection {
    /// `remove` of `members` without a value.
    All,
    /// By the members' `value`, folded as in [`Member`].
    Values(Vec<String>),
    /// A filter over one member: `value`, `type`, `display`, `$ref`.
    Matching {
        /// Only these can match, so that only they need to be read; `None` when any member can.
        among: Option<Vec<String>>,
        /// The filter that they must match.
        filter: Filter,
    },
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
    let is_idle = match verb {
        Verb::Add => says_nothing(value),
        Verb::Replace => matches!(path, Path::Attribute(_)) && names_no_part(definition, value),
        Verb::Remove => false,
    };
    if is_idle {
        tolerance.note(Leniency::NullOrEmpty, "members");
        return Ok(None);
    }
    let mut reader = MemberReader { definition, tolerance };
    let change = match (path, verb) {
        (Path::Elements { filter, .. }, Verb::Remove) => MemberChange::Remove(selection(filter)),
        (Path::Elements { filter, .. }, Verb::Replace) => reader.exchange(filter, value)?,
        (Path::Elements { .. }, Verb::Add) => {
            return Err(ScimError::bad_request(
                ScimType::NoTarget,
                "members are added by the path \"members\" without a filter.",
            ));
        }
        (_, Verb::Remove) => MemberChange::Remove(reader.removal(value)?),
        (_, Verb::Add) => MemberChange::Add(reader.members(value)?),
        (_, Verb::Replace) => MemberChange::Replace(reader.members(value)?),
    };
    Ok(Some(change))
}

/// Reads members as clients send them.
struct MemberReader<'a> {
    definition: &'a Attribute,
    tolerance: &'a mut Tolerance,
}

impl MemberReader<'_> {
    /// `replace` of members that the path selects: by the member that is sent; an empty value removes them.
    fn exchange(&mut self, filter: &Filter, value: &Value) -> Result<MemberChange, ScimError> {
        let sent = unlisted(value, "members", self.tolerance, || {
            ScimError::invalid_value("members: the value for chosen members must be one object.")
        })?;
        if says_nothing(sent) && !sent.is_object() {
            self.tolerance.note(Leniency::NullOrEmpty, "members");
            return Ok(MemberChange::Remove(selection(filter)));
        }
        let with = match self.member(sent)? {
            Some(member) => member,
            None => self.kept(filter, sent)?,
        };
        let by_type =
            matches!(filter, Filter::Compare { path, op: Op::Eq, .. } if path.is_name("type", None));
        Ok(MemberChange::Exchange {
            who: selection(filter),
            with,
            made: by_type && !self.tolerance.mode.is_strict(),
        })
    }

    /// The member that the path selects, with the sub-attributes that the value names.
    fn kept(&mut self, filter: &Filter, sent: &Value) -> Result<Member, ScimError> {
        let said = sent.as_object().filter(|_| !says_nothing(sent));
        match (filter.values().as_deref(), said) {
            (Some([id]), Some(parts)) if !self.tolerance.refuses(Leniency::SelectorKept) => {
                self.tolerance.note(Leniency::SelectorKept, "members");
                let mut parts = parts.clone();
                parts.retain(|name, _| !name.eq_ignore_ascii_case("value"));
                parts.insert("value".to_owned(), (*id).into());
                self.member_of(&parts)?.ok_or_else(no_member)
            }
            _ => Err(ScimError::invalid_value(
                "The value for chosen members needs the id of the one that takes their place as \"value\"; to take them out use \
                 remove.",
            )),
        }
    }

    /// `remove` without a value removes all members (RFC 7644 §3.5.2.2). With a value, as Entra and authentik send it, it removes
    /// exactly the listed ones, so that `[]` removes none.
    fn removal(&mut self, value: &Value) -> Result<MemberSelection, ScimError> {
        if value.is_null() {
            return Ok(MemberSelection::All);
        }
        // An empty element could mean no member or all of them.
        if self.listed(value)?.iter().any(says_nothing) {
            return Err(no_member());
        }
        let members = self.members(value)?;
        Ok(MemberSelection::Values(members.into_iter().map(|member| member.value).collect()))
    }

    /// A list of members, one member, or one id. An empty value is no member, as in any other attribute: `""` and `[{}]`
    /// are the empty list.
    fn members(&mut self, value: &Value) -> Result<Vec<Member>, ScimError> {
        let (empty, named): (Vec<&Value>, Vec<&Value>) =
            self.listed(value)?.iter().partition(|member| says_nothing(member));
        if !empty.is_empty() {
            self.tolerance.note(Leniency::NullOrEmpty, "members");
        }
        named.into_iter().map(|sent| self.member(sent)?.ok_or_else(no_member)).collect()
    }

    fn listed<'v>(&mut self, value: &'v Value) -> Result<&'v [Value], ScimError> {
        Ok(match value {
            Value::Array(list) => list,
            Value::Null => &[],
            // No member; an empty value needs no list around it.
            empty if says_nothing(empty) => std::slice::from_ref(empty),
            single => {
                allow_single("members", self.tolerance)?;
                std::slice::from_ref(single)
            }
        })
    }

    /// One member; `None` for one without an id.
    fn member(&mut self, element: &Value) -> Result<Option<Member>, ScimError> {
        match unpack(self.definition, element, &"members", self.tolerance)?.as_ref() {
            Value::String(id) if !id.is_empty() => {
                self.tolerance.allow(Leniency::BareValue, "members", no_member)?;
                bounded("value", id).map(|id| Some(Member::new(&id)))
            }
            Value::Object(parts) => self.member_of(parts),
            _ => Err(no_member()),
        }
    }

    fn member_of(&mut self, parts: &Map<String, Value>) -> Result<Option<Member>, ScimError> {
        let (mut id, mut display, mut kind) = (None, None, None);
        for (key, value) in parts {
            match key.to_ascii_lowercase().as_str() {
                "value" => id = text("value", value)?,
                "display" => display = text("display", value)?,
                "type" => kind = text("type", value)?,
                // Computed from the id; Entra sends null.
                "$ref" => {}
                _ => {
                    let refusal =
                        self.tolerance.undefined("a member has an unknown attribute; leave it out.");
                    let name = format!("members.{key}");
                    self.tolerance.allow(Leniency::UnknownAttribute, &name, || refusal)?;
                }
            }
        }
        Ok(id.map(|id| Member { display, kind, ..Member::new(&id) }))
    }
}

/// Okta: `members[value eq "id"]`. A chain of such comparisons is a list of ids, which a store finds by index;
/// `type eq "Group" and value eq "id"` can match that one member only.
fn selection(filter: &Filter) -> MemberSelection {
    if let Some(ids) = ids(filter) {
        return MemberSelection::Values(ids);
    }
    let among = match filter {
        Filter::And(parts) => parts.iter().find_map(ids),
        _ => None,
    };
    MemberSelection::Matching { among, filter: filter.clone() }
}

fn ids(filter: &Filter) -> Option<Vec<String>> {
    filter.values().map(|ids| ids.into_iter().map(|id| fold(id).into_owned()).collect())
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
