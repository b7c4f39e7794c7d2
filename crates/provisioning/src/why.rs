//! Why a person is as they are, or is not here, in one sentence, for whoever compares two lists. What it
//! says comes from the log and from what rests of the person; this is the one place that knows where from.

use std::collections::{HashMap, HashSet};

use directory::{
    Origin, archive,
    breaker::losses,
    changes::{self, ChangeRecord},
    log::{LogRow, newest_of_people},
    resources::{self, Record},
    user_name_key,
};
use profiles::choice::People;
use scim_core::ResourceKind;
use seat_ledger::{License, Seat, State};
use serde::Deserialize;
use store::ReadTx;

use crate::{
    ProvisioningError,
    explain::Refusal,
    log::{Details, LogResult, keys_of},
    timestamp::iso,
};

/// The kind of the record of a person who is made.
const CREATED: &str = "user.created";

/// The kind of the record of a person who is deleted.
const DELETED: &str = "user.deleted";

/// People who are read at a time.
const AT_ONCE: usize = 1_000;

/// A person of whom it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    id: String,
    origin: Origin,
    created_ms: i64,
    modified_ms: i64,
    question: Question,
    /// What waits, in words.
    waits: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// Why the person is here.
    Here,
    /// Why these attributes are as they are here.
    Differs(Vec<String>),
}

impl Asked {
    pub(crate) fn of(record: &Record, seat: Option<&Seat>, question: Question) -> Self {
        Self {
            id: record.id.clone(),
            origin: record.origin,
            created_ms: record.created_ms,
            modified_ms: record.modified_ms,
            question,
            waits: waits(record, seat),
        }
    }

    fn sentence(&self, log: Option<&Log>) -> String {
        let told = match (&self.question, self.origin) {
            (Question::Here, Origin::Local) => format!("Staff made this person at {}.", iso(self.created_ms)),
            (Question::Here, Origin::Idp) => {
                let maker = by(log.and_then(|log| log.maker.as_deref()));
                format!("Created at {}{maker}, and not deleted since.", iso(self.created_ms))
            }
            (Question::Differs(attributes), _) => {
                let last = log.and_then(|log| log.last.as_ref());
                let writer = by(last.and_then(|write| write.who.as_deref()));
                let changed = last.map(|write| write.changed.as_slice()).unwrap_or_default();
                let is_in = |attribute: &&String| changed.iter().any(|name| is_part_of(attribute, name));
                let kept: Vec<&str> =
                    attributes.iter().filter(|name| !is_in(name)).map(String::as_str).collect();
                let did = match kept.as_slice() {
                    [] => format!("which changed {}", attributes.join(", ")),
                    kept => format!("which did not change {}", kept.join(", ")),
                };
                format!("Last written at {}{writer}, {did}.", iso(self.modified_ms))
            }
        };
        match &self.waits {
            Some(waits) => format!("{told} {waits}"),
            None => told,
        }
    }
}

/// The writer: a member of staff, or a credential by its public part.
fn who(actor: Option<&str>, credential: Option<&str>) -> Option<String> {
    let staff = actor.map(|actor| format!("staff ({actor})"));
    staff.or_else(|| credential.map(|key| format!("the credential {key}")))
}

/// That in a sentence, as far as it is known.
fn by(who: Option<&str>) -> String {
    who.map(|who| format!(" by {who}")).unwrap_or_default()
}

/// Whether a path is about an attribute, or a part of it.
fn is_part_of(path: &str, attribute: &str) -> bool {
    let rest = path.get(..attribute.len()).filter(|start| start.eq_ignore_ascii_case(attribute));
    rest.is_some()
        && path.get(attribute.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What of the person has no effect yet.
fn waits(record: &Record, seat: Option<&Seat>) -> Option<String> {
    if record.standing.held.is_some() {
        return Some("What was sent last has no effect until it is released.".to_owned());
    }
    let seat = seat?;
    let requested = seat.requested.key();
    match (seat.state, seat.granted.as_ref().map(License::key)) {
        (State::Waitlisted, _) => Some(format!("The person waits for a seat of {requested}.")),
        (State::Fallback, Some(granted)) => {
            Some(format!("The person has {granted} and waits for a seat of {requested}."))
        }
        _ => None,
    }
}

/// What the change log tells of one person.
#[derive(Default)]
struct Log {
    /// Who made the person. The record of that may be older than the log is kept.
    maker: Option<String>,
    last: Option<Write>,
}

struct Write {
    who: Option<String>,
    changed: Vec<String>,
}

/// The facts of a record that are read here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Facts {
    credential: Option<String>,
    changed: Vec<String>,
}

/// Why these people are here, or as they are, by their ids: one sentence each.
///
/// # Errors
/// When the store fails.
pub(crate) fn of_people(
    tx: &mut ReadTx<'_>,
    asked: &[Asked],
) -> Result<HashMap<String, String>, ProvisioningError> {
    let mut logs: HashMap<&str, Log> =
        asked.iter().map(|asked| (asked.id.as_str(), Log::default())).collect();
    if !logs.is_empty() {
        // In one pass: the log's index by person finds the answered writes about a name. Here every record
        // of the person counts, also of a former name, and of what followed from another's write: all have
        // the id.
        changes::for_each(tx, |record| {
            if let Some(log) = logs.get_mut(record.resource_id.as_str()) {
                log.note(&record);
            }
        })?;
    }
    let sentence = |asked: &Asked| (asked.id.clone(), asked.sentence(logs.get(asked.id.as_str())));
    Ok(asked.iter().map(sentence).collect())
}

impl Log {
    fn note(&mut self, record: &ChangeRecord) {
        let facts: Facts = serde_json::from_str(&record.detail).unwrap_or_default();
        let who = who(record.actor.as_deref(), facts.credential.as_deref());
        if record.kind == CREATED {
            self.maker.clone_from(&who);
        }
        self.last = Some(Write { who, changed: facts.changed });
    }
}

/// Why nobody of these userNames is here: one sentence each, in their order.
///
/// # Errors
/// When the store fails.
pub(crate) fn of_user_names(
    tx: &mut ReadTx<'_>,
    people: People,
    user_names: &[&str],
) -> Result<Vec<String>, ProvisioningError> {
    if user_names.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<String> = user_names.iter().map(|name| user_name_key(name)).collect();
    let log_keys = keys_of(tx, people, user_names)?;
    let newest = newest_writes(tx, &log_keys)?;
    let names_now = names_now(tx, newest.values())?;
    let archived = archive::archived_ms(tx, user_names)?;
    let held = held_ms(tx)?;
    let sentence = |(key, log_key): (&String, &String)| {
        let newest = newest.get(log_key);
        let name_now = newest.and_then(|newest| names_now.get(&newest.id)).map(String::as_str);
        let (held_ms, archived_ms) = (held.get(key).copied(), archived.get(key).copied());
        Absent { held_ms, archived_ms, newest, name_now }.sentence()
    };
    Ok(keys.iter().zip(&log_keys).map(sentence).collect())
}

/// The newest write about a person, as far as the log tells.
struct NewestWrite {
    at_ms: i64,
    who: Option<String>,
    what: What,
    /// The id of the person; empty where it was refused before there was one.
    id: String,
}

enum What {
    Deletion,
    Refused(Refusal),
    Other,
}

impl NewestWrite {
    fn of(row: &LogRow) -> Self {
        let details = Details::of(row);
        let what = match row.result == LogResult::Refused.word() {
            true => What::Refused(Refusal::of(&details)),
            false if row.kind == DELETED => What::Deletion,
            false => What::Other,
        };
        let who = who(row.actor.as_deref(), details.text("credential"));
        Self { at_ms: row.place.at_ms, who, what, id: row.resource_id.clone() }
    }
}

/// The newest write about each person of whom the log has one, by the log's keys.
fn newest_writes(
    tx: &mut ReadTx<'_>,
    log_keys: &[String],
) -> Result<HashMap<String, NewestWrite>, ProvisioningError> {
    let wanted: HashSet<&str> = log_keys.iter().map(String::as_str).collect();
    let mut newest: HashMap<String, NewestWrite> = HashMap::new();
    newest_of_people(tx, &wanted, |row| {
        let write = NewestWrite::of(&row);
        newest.extend(row.user_key.map(|key| (key, write)));
    })?;
    Ok(newest)
}

/// The userNames of the people who are here under another one, by their ids.
fn names_now<'w>(
    tx: &mut ReadTx<'_>,
    writes: impl Iterator<Item = &'w NewestWrite>,
) -> Result<HashMap<String, String>, ProvisioningError> {
    let ids: Vec<&str> = writes.map(|write| write.id.as_str()).filter(|id| !id.is_empty()).collect();
    let mut names = HashMap::new();
    for ids in ids.chunks(AT_ONCE) {
        for record in resources::find_all(tx, ResourceKind::User, ids)? {
            let name = record.parse()?.str("userName").unwrap_or_default().to_owned();
            names.insert(record.id, name);
        }
    }
    Ok(names)
}

/// A person whose deletion the breaker holds.
pub(crate) struct HeldDeletion {
    pub(crate) user_name: String,
    pub(crate) id: String,
    pub(crate) origin: Origin,
    since_ms: i64,
}

impl HeldDeletion {
    pub(crate) fn sentence(&self) -> String {
        of_held_deletion(self.since_ms)
    }
}

fn of_held_deletion(since_ms: i64) -> String {
    format!(
        "Deleted by the identity provider, and held by the breaker since {}: \
         the person keeps role and seat until staff release it.",
        iso(since_ms)
    )
}

/// The people whose deletion the breaker holds.
///
/// # Errors
/// When the store fails.
pub(crate) fn held_deletions(tx: &mut ReadTx<'_>) -> Result<Vec<HeldDeletion>, ProvisioningError> {
    let most = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let (mut held, mut place) = (Vec::new(), 0);
    loop {
        let page = losses::after(tx, place, true, most)?;
        let Some(last) = page.last() else { return Ok(held) };
        place = last.place;
        for person in page {
            let Some(deleted) = person.deleted else { continue };
            let user_name = deleted.record.parse()?.str("userName").unwrap_or_default().to_owned();
            let (id, origin, since_ms) = (person.user_id, deleted.record.origin, person.since_ms);
            held.push(HeldDeletion { user_name, id, origin, since_ms });
        }
    }
}

/// The times since which the breaker holds deletions, by the userNames' keys.
fn held_ms(tx: &mut ReadTx<'_>) -> Result<HashMap<String, i64>, ProvisioningError> {
    let held = held_deletions(tx)?;
    Ok(held.into_iter().map(|held| (user_name_key(&held.user_name), held.since_ms)).collect())
}

/// The facts about somebody who is not here.
struct Absent<'a> {
    /// Since when the breaker holds the deletion.
    held_ms: Option<i64>,
    /// When the newest person of this name was archived.
    archived_ms: Option<i64>,
    newest: Option<&'a NewestWrite>,
    /// The userName of the person about whom the newest write was, who is here.
    name_now: Option<&'a str>,
}

impl Absent<'_> {
    fn sentence(&self) -> String {
        if let Some(since_ms) = self.held_ms {
            return of_held_deletion(since_ms);
        }
        if let Some(name) = self.name_now {
            return format!("Here under another userName: {name}.");
        }
        let Some(NewestWrite { at_ms, who, what, .. }) = self.newest else {
            return match self.archived_ms {
                Some(at_ms) => format!("Deleted at {} and kept in the archive.", iso(at_ms)),
                None => "Never received, or deleted longer ago than the log is kept.".to_owned(),
            };
        };
        let (at, by) = (iso(*at_ms), by(who.as_deref()));
        match (what, self.archived_ms) {
            (What::Refused(refusal), archived_ms) if archived_ms.is_none_or(|ms| ms < *at_ms) => {
                format!("The last write, at {at}{by}, was refused because {}.", refusal.because())
            }
            (What::Deletion, Some(_)) => format!("Deleted at {at}{by} and kept in the archive."),
            (_, Some(archived_ms)) => format!("Deleted at {} and kept in the archive.", iso(archived_ms)),
            (What::Deletion, None) => format!("Deleted at {at}{by}."),
            (_, None) => format!("Last written at {at}{by}, and not here any more."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_part_of_its_attribute_and_of_no_other() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        for (path, attribute, is_part) in [
            ("displayName", "displayName", true),
            ("displayname", "displayName", true),
            ("name.givenName", "name", true),
            ("emails[type eq \"work\"].value", "emails", true),
            ("nameless", "name", false),
            ("na", "name", false),
            (&format!("{urn}.value"), urn, true),
        ] {
            assert_eq!(is_part_of(path, attribute), is_part, "{path} {attribute}");
        }
    }
}
