//! What one change replaced: the former values of what it changed and nothing else, or the whole of what it deleted. It rests as JSON.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use directory::{
    DirectoryError, Origin, Standing,
    before_images::{self, Replaced},
    group_rules::Bound,
    memberships::{Applied, MemberRow, Membership},
    resources::Record,
    standing::{ChosenBy, ChosenRole, Held},
};
use profiles::choice::People;
use scim_core::{Document, ResourceKind};
use seat_ledger::{License, Seat, WaitingPlace};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use store::WriteTx;

use crate::{
    ProvisioningError,
    attributes::{self, changed_attributes},
};

/// Facts beside the document, under names that no attribute has.
const ROLE: &str = ":role";
const ACTIVE: &str = ":active";
const ORIGIN: &str = ":origin";

/// The name that stands for a whole resource, and for its members.
pub(crate) const WHOLE: &str = "id";
pub(crate) const MEMBERS: &str = "members";

/// What one change replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// The former values of attributes, and of facts beside the document; null where there was none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) values: BTreeMap<String, Value>,
    /// The former members among those that changed, by id; null for one that was none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) members: BTreeMap<String, Option<Member>>,
    /// The rules that were bound to the group or let go ([`directory::group_rules`]), and whether each was bound to it before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) rules: BTreeMap<String, bool>,
    /// The resource, where it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deleted: Option<Deleted>,
    /// The former seat, where the change gave the person a place in a queue or took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seat: Option<FormerSeat>,
    /// What was replaced and is not kept, in a store that was nearly full: the names of attributes, `members`, or `id` for the whole. The
    /// same is said of a change without an image ([`Image::of_record`]).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) unkept: BTreeSet<String>,
}

/// A seat as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerSeat {
    /// The license that was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    license: Option<String>,
    /// The place of one who waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<WaitingPlace>,
}

impl FormerSeat {
    pub(crate) fn of(seat: &Seat) -> Self {
        let license = seat.granted.as_ref().map(License::key);
        Self { license: license.map(str::to_owned), place: seat.place() }
    }

    /// The seat that rests in this value; `None` where there is none.
    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        Self::deserialize(value).ok()
    }
}

/// A member as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_group: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A resource as it was when it was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deleted {
    document: String,
    version: i64,
    created_ms: i64,
    modified_ms: i64,
    origin: String,
    origin_since_ms: Option<i64>,
    role: Value,
    active: Value,
}

impl Image {
    /// Of a change of a document, and of what holds of a person beside it; each before and after.
    pub(crate) fn of_change(documents: [&Document; 2], standings: [&Standing; 2]) -> Self {
        let [old, new] = documents;
        Self::of_attributes(old, &changed_attributes(old, new), standings)
    }

    /// The same where it is known in which attributes the documents differ ([`changed_attributes`]).
    pub(crate) fn of_attributes(old: &Document, changed: &[String], standings: [&Standing; 2]) -> Self {
        let mut values: BTreeMap<String, Value> =
            changed.iter().map(|name| (name.clone(), attributes::get(old, name))).collect();
        let [before, after] = standings.map(beside);
        let differ = before.into_iter().zip(after).filter(|(before, after)| before != after);
        values.extend(differ.map(|((name, value), _)| (name.to_owned(), value)));
        Self { values, ..Self::default() }
    }

    /// With members that came, left or changed. Where the log names nobody, the `display` of none is kept.
    pub(crate) fn with_members(self, applied: &Applied, people: People) -> Self {
        let changed = applied.before.iter();
        let members = changed.map(|(id, was)| (id.clone(), was.as_ref().map(|was| member(was, people))));
        Self { members: members.collect(), ..self }
    }

    /// With another origin.
    pub(crate) fn with_origin(mut self, before: Origin) -> Self {
        self.values.insert(ORIGIN.to_owned(), before.key().into());
        self
    }

    /// Of the end of a resource; a user has no members.
    pub(crate) fn of_deleted(record: &Record, members: &[MemberRow], people: People) -> Self {
        let [(_, role), (_, active)] = beside(&record.standing);
        let deleted = Deleted {
            document: record.document.clone(),
            version: record.version,
            created_ms: record.created_ms,
            modified_ms: record.modified_ms,
            origin: record.origin.key().to_owned(),
            origin_since_ms: record.origin_since_ms,
            role,
            active,
        };
        let was = |row: &MemberRow| Membership { kind: row.kind, display: row.display.clone() };
        let members = members.iter().map(|row| (row.member_id.clone(), Some(member(&was(row), people))));
        Self { members: members.collect(), deleted: Some(deleted), ..Self::default() }
    }

    /// With the rules that were bound to the group.
    pub(crate) fn with_bound(self, bound: Vec<Bound>) -> Self {
        Self { rules: bound.into_iter().map(|Bound { rule, .. }| (rule, true)).collect(), ..self }
    }

    /// Of a group that lost a member because that was deleted.
    pub(crate) fn of_left(kind: ResourceKind, id: &str, display: Option<&str>, people: People) -> Self {
        let was = Membership { kind, display: display.map(str::to_owned) };
        Self { members: BTreeMap::from([(id.to_owned(), Some(member(&was, people)))]), ..Self::default() }
    }

    /// Of a group that these people have entered.
    pub(crate) fn of_entered<'a>(people: impl Iterator<Item = &'a str>) -> Self {
        Self { members: people.map(|id| (id.to_owned(), None)).collect(), ..Self::default() }
    }

    /// With the seat before the change, if that gave the person a place in a queue or took it. A new person had no seat. Of a person who
    /// goes and of whom nothing is kept, the seat is not kept either.
    pub(crate) fn with_seat<'a>(
        image: Option<&'a Self>,
        before: Option<&Seat>,
        after: Option<&Seat>,
    ) -> Cow<'a, Self> {
        let image = image.map_or_else(|| Cow::Owned(Self::default()), Cow::Borrowed);
        let is_kept = after.is_some() || image.deleted.is_some();
        match before.filter(|seat| is_kept && seat.place() != after.and_then(Seat::place)) {
            Some(seat) => Cow::Owned(Self { seat: Some(FormerSeat::of(seat)), ..image.into_owned() }),
            None => image,
        }
    }

    /// Of a change of which no image is kept: the names of what it replaced, as far as its record tells them. The records of a creation
    /// and of a change that replaced nothing tell none.
    pub(crate) fn of_record(verb: &str, detail: &Value) -> Self {
        let text = |name: &str| detail.get(name).and_then(Value::as_str);
        let changed = detail.get("changed").and_then(Value::as_array);
        let names = changed.into_iter().flatten().filter_map(Value::as_str);
        let mut unkept: BTreeSet<String> = names.map(str::to_owned).collect();
        if verb == "deleted" || verb == "held" && text("held") == Some(Held::Breaker.key()) {
            unkept.insert(WHOLE.to_owned());
        }
        // Staff choose a role beside the attributes. A write that changes no attribute can take that role away.
        let is_chosen = text("operation") == Some("set") || changed.is_some_and(Vec::is_empty);
        let is_another = text("role_before").zip(text("role_after")).is_some_and(|(was, is)| was != is);
        if is_chosen && is_another {
            unkept.insert(ROLE.to_owned());
        }
        Self { unkept, ..Self::default() }
    }

    /// The names of what was replaced, and no values but the seat, which is as small as a name.
    pub(crate) fn without_values(&self) -> Self {
        let mut unkept: BTreeSet<String> = self.values.keys().cloned().collect();
        if !self.members.is_empty() {
            unkept.insert(MEMBERS.to_owned());
        }
        if self.deleted.is_some() {
            unkept.insert(WHOLE.to_owned());
        }
        Self { unkept, seat: self.seat.clone(), ..Self::default() }
    }

    /// Whether nothing was replaced.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing was replaced but the seat.
    pub(crate) fn is_of_seat_alone(&self) -> bool {
        Self { seat: None, ..self.clone() }.is_empty()
    }

    /// The text that rests.
    #[allow(clippy::expect_used, reason = "JSON values always serialise")]
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("an image serialises")
    }
}

fn member(was: &Membership, people: People) -> Member {
    let display = was.display.clone().filter(|_| people == People::Names);
    Member { is_group: was.kind == ResourceKind::Group, display }
}

/// Forgets what changes replaced of a person whom the log does not name, and the `display` that groups kept when it still held names.
pub(crate) fn forget(tx: &mut WriteTx<'_>, id: &str) -> Result<(), ProvisioningError> {
    before_images::forget(tx, id)?;
    for (number, text) in before_images::with_text(tx, &format!("\"{id}\":{{\"display\""))? {
        let damaged =
            |e: serde_json::Error| DirectoryError::BadDocument { id: id.to_owned(), cause: e.to_string() };
        let mut image: Image = serde_json::from_str(&text).map_err(damaged)?;
        if let Some(Some(member)) = image.members.get_mut(id) {
            member.display = None;
        }
        before_images::replace(tx, number, &image.text())?;
    }
    Ok(())
}

/// Notes that the newest change bound these rules to a group. Nothing is noted where that change is none of this group, or has no image.
pub(crate) fn note_bound(
    tx: &mut WriteTx<'_>,
    group_id: &str,
    rules: &[String],
) -> Result<(), ProvisioningError> {
    let newest = before_images::before(tx, i64::MAX, 1)?.pop();
    let newest = newest.filter(|change| change.resource_id == group_id);
    let Some(Replaced { number, image: Some(text), .. }) = newest else { return Ok(()) };
    let damaged =
        |e: serde_json::Error| DirectoryError::BadDocument { id: group_id.to_owned(), cause: e.to_string() };
    let mut image: Image = serde_json::from_str(&text).map_err(damaged)?;
    image.rules.extend(rules.iter().map(|rule| (rule.clone(), false)));
    Ok(before_images::replace(tx, number, &image.text())?)
}

/// What holds of a person beside the document, as named values.
fn beside(standing: &Standing) -> [(&'static str, Value); 2] {
    let role = standing.role.as_ref().map(|chosen| json!({ "role": chosen.role, "by": chosen.by.key() }));
    [(ROLE, role.unwrap_or_default()), (ACTIVE, standing.active.map(Value::from).unwrap_or_default())]
}

/// A resource while its former values are put back: what is known of it beside members and seat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) document: Document,
    pub(crate) standing: Standing,
    pub(crate) origin: Origin,
}

impl State {
    pub(crate) fn of(record: &Record) -> Result<Self, directory::DirectoryError> {
        let (document, standing) = (record.parse()?, record.standing.clone());
        Ok(Self { document, standing, origin: record.origin })
    }

    /// The value of this name; null where there is none.
    pub(crate) fn get(&self, name: &str) -> Value {
        let [(_, role), (_, active)] = beside(&self.standing);
        match name {
            ROLE => role,
            ACTIVE => active,
            ORIGIN => self.origin.key().into(),
            _ => attributes::get(&self.document, name),
        }
    }

    /// Gives the value of this name back.
    pub(crate) fn set(&mut self, name: &str, value: &Value) {
        match name {
            ROLE => self.standing.role = chosen(value),
            ACTIVE => self.standing.active = value.as_bool(),
            ORIGIN => self.origin = Origin::of_key(value.as_str().unwrap_or_default()),
            _ => attributes::set(&mut self.document, name, value),
        }
    }
}

fn chosen(value: &Value) -> Option<ChosenRole> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    Some(ChosenRole { role: text("role")?.to_owned(), by: ChosenBy::of_key(text("by")?)? })
}

/// The name of a value in answers.
pub(crate) fn shown(name: &str) -> &str {
    name.strip_prefix(':').unwrap_or(name)
}

impl Deleted {
    /// The row as it was.
    pub(crate) fn record(&self, id: &str) -> Record {
        Record {
            id: id.to_owned(),
            document: self.document.clone(),
            version: self.version,
            created_ms: self.created_ms,
            modified_ms: self.modified_ms,
            regrouped_version: 0,
            changed_number: 0,
            origin: Origin::of_key(&self.origin),
            origin_since_ms: self.origin_since_ms,
            standing: Standing { role: chosen(&self.role), active: self.active.as_bool(), held: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> Image {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_image_of_before_seats_were_kept_is_read_and_a_seat_rests_with_the_names_of_a_full_store() {
        let older = image(r#"{"values":{"title":null}}"#);
        assert_eq!((&older.seat, older.is_of_seat_alone()), (&None, false));
        let text = r#"{"values":{"title":null},"seat":{"license":"member_lite","place":{"license":"member","number":7}}}"#;
        let newer = image(text);
        assert_eq!(newer.text(), text);
        let names = newer.without_values();
        assert_eq!((&names.seat, names.unkept.len()), (&newer.seat, 1));
        assert!(image(r#"{"seat":{}}"#).is_of_seat_alone() && !image(r#"{"seat":{}}"#).is_empty());
    }

    #[test]
    fn a_record_without_an_image_tells_the_names_of_what_it_replaced_and_a_creation_none() {
        let names = |verb: &str, detail: Value| {
            Image::of_record(verb, &detail).unkept.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(names("changed", json!({ "changed": ["title", "members"] })), ["members", "title"]);
        assert_eq!(names("deleted", json!({ "role_before": "member" })), [WHOLE]);
        assert_eq!(names("held", json!({ "held": "breaker" })), [WHOLE]);
        assert_eq!(names("held", json!({ "held": "group_wipe" })), [""; 0]);
        let moved =
            |operation: &str| json!({ "operation": operation, "role_before": "a", "role_after": "b" });
        assert_eq!(names("changed", moved("set")), [ROLE]);
        for (verb, detail) in [
            ("changed", moved("reapply")),
            ("released", moved("release")),
            ("created", json!({ "operation": "add", "role_after": "a" })),
            ("promoted", json!({ "role_after": "a" })),
            ("changed", json!({ "changed": [], "role_before": "a", "role_after": "a" })),
        ] {
            assert_eq!(names(verb, detail), [""; 0]);
        }
    }
}
