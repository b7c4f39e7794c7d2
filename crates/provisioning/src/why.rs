//! Why a person is as they are, in one sentence, for whoever compares two lists. What it says comes from the change log and from what
//! rests of the person; this is the one place that knows where it comes from.

use std::collections::HashMap;

use directory::{
    Origin, archive,
    changes::{self, ChangeRecord},
    resources::Record,
    user_name_key,
};
use seat_ledger::{License, Seat, State};
use serde::Deserialize;
use store::ReadTx;

use crate::{ProvisioningError, timestamp::iso};

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
        let first = log.and_then(|log| log.first.clone()).map(|who| format!(" by {who}")).unwrap_or_default();
        let told = match (&self.question, self.origin) {
            (Question::Here, Origin::Local) => format!("Staff made this person at {}.", iso(self.created_ms)),
            (Question::Here, Origin::Idp) => {
                format!("Created at {}{first}, and not deleted since.", iso(self.created_ms))
            }
            (Question::Differs(attributes), _) => {
                let last = log.and_then(|log| log.last.as_ref());
                let by = last
                    .and_then(|write| write.who.clone())
                    .map(|who| format!(" by {who}"))
                    .unwrap_or_default();
                let changed = last.map(|write| write.changed.as_slice()).unwrap_or_default();
                let is_in = |attribute: &&String| changed.iter().any(|name| is_part_of(attribute, name));
                let kept: Vec<&str> =
                    attributes.iter().filter(|name| !is_in(name)).map(String::as_str).collect();
                let did = match kept.as_slice() {
                    [] => format!("which changed {}", attributes.join(", ")),
                    kept => format!("which did not change {}", kept.join(", ")),
                };
                format!("Last written at {}{by}, {did}.", iso(self.modified_ms))
            }
        };
        match &self.waits {
            Some(waits) => format!("{told} {waits}"),
            None => told,
        }
    }
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
    /// Who made the first write of which it knows.
    first: Option<String>,
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
        // The log has no index by person, so it is read once for all of them.
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
        let staff = record.actor.as_ref().map(|actor| format!("staff ({actor})"));
        let who = staff.or_else(|| facts.credential.map(|key| format!("the credential {key}")));
        if self.last.is_none() {
            self.first.clone_from(&who);
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
    user_names: &[&str],
) -> Result<Vec<String>, ProvisioningError> {
    let archived = archive::archived_ms(tx, user_names)?;
    let sentence = |name: &&str| match archived.get(&user_name_key(name)) {
        Some(at_ms) => format!("Deleted at {} and kept in the archive.", iso(*at_ms)),
        None => "Never received, or deleted since.".to_owned(),
    };
    Ok(user_names.iter().map(sentence).collect())
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
