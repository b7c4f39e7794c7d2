//! Takes a group's members out of its document: the directory keeps them as rows, so that the cost of a change does not
//! depend on the size of the group.

use std::collections::HashMap;

use serde_json::Value;

use super::Document;
use crate::fold::fold;

/// One member as a client named it (RFC 7643 §4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The id of a user or group, folded: RFC 7643 §8.7.1 has it compare without letter case. The directory checks
    /// whether it exists.
    pub value: String,
    /// Echoed as sent, never invented.
    pub display: Option<String>,
    /// `type` as sent; the directory infers it.
    pub kind: Option<String>,
    /// The id in the spelling that was sent, where that is another.
    pub spelled: Option<String>,
}

impl Member {
    /// A member with this id and nothing else.
    #[must_use]
    pub fn new(id: &str) -> Self {
        let value = fold(id).into_owned();
        let spelled = (value != id).then(|| id.to_owned());
        Self { value, spelled, display: None, kind: None }
    }

    fn of(element: &Value) -> Option<Self> {
        let text = |name| element.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = element.get("value")?.as_str()?;
        Some(Self { display: text("display"), kind: text("type"), ..Self::new(id) })
    }

    /// The id as it was sent, for an error about an unknown id.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        self.spelled.as_deref().unwrap_or(&self.value)
    }
}

/// Takes the members out of a group's document, straight after [`super::create`] or [`super::replace`]; `None` when the
/// body had no `members`. A repeated member is held once, as it was sent last.
pub fn take_members(group: &mut Document) -> Option<Vec<Member>> {
    let Value::Array(elements) = group.0.shift_remove("members")? else {
        return None;
    };
    let mut places: HashMap<String, usize> = HashMap::with_capacity(elements.len());
    let mut members: Vec<Member> = Vec::with_capacity(elements.len());
    for member in elements.iter().filter_map(Member::of) {
        let place = *places.entry(member.value.clone()).or_insert(members.len());
        match members.get_mut(place) {
            Some(earlier) => *earlier = member,
            None => members.push(member),
        }
    }
    Some(members)
}
