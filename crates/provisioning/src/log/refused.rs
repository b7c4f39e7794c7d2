//! Rows of refused writes. Nothing of such a write was stored, so its row has a transaction of its own, together with others.

use directory::{
    log::{self, Entry, NewAttempt},
    resources,
};
use profiles::choice::People;
use scim_core::{ResourceKind, bulk::Method, leniency::Leniency};
use seat_ledger::pools;
use serde::Serialize;
use store::WriteTx;

use super::{
    leniencies::{kinds, unknown_names},
    names::Person,
    operation,
    result::LogResult,
    sender::Sender,
};
use crate::{ProvisioningError, Rules, SentPerson};

/// A refused write.
#[derive(Clone, Debug)]
pub struct Refused {
    /// When it was answered, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The id of its request.
    pub request_id: String,
    /// Who sent it.
    pub sender: Sender,
    /// The id of the key that it came with.
    pub credential: String,
    /// Its method; `None` for a bulk that was refused as a whole.
    pub method: Option<Method>,
    /// What it was about; `None` where that was neither people nor groups.
    pub kind: Option<ResourceKind>,
    /// Whether it was a bulk, or an operation of one.
    pub is_of_bulk: bool,
    /// Of a resource that is here, or was meant.
    pub resource_id: Option<String>,
    /// The person who was sent.
    pub sent: SentPerson,
    /// The answer's status.
    pub status: u16,
    /// The answer's `scimType`.
    pub scim_type: Option<String>,
    /// The answer's sentences, without what the sender had sent.
    pub detail: String,
    /// The license that no seat was left of.
    pub license_requested: Option<String>,
    /// The cause that status and keyword do not tell, as [`SUSPENDED`](crate::explain::SUSPENDED).
    pub cause: Option<&'static str>,
    /// What was tolerated before.
    pub leniencies: Vec<(Leniency, String)>,
}

/// The detail of such a record, as JSON.
#[derive(Serialize)]
struct Detail<'a> {
    credential: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_id: Option<&'a str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_received: Option<&'static str>,
    sentence: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_requested: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    leniencies: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<&'a str>,
    profile: &'a str,
}

/// Bytes of the longest id that is kept of a refused request. The ids of resources are shorter.
const MAX_ID: usize = 128;

/// Writes these rows, and that so many others were lost.
///
/// # Errors
/// When the store fails.
pub fn record_refused(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    rows: &[Refused],
    lost: i64,
) -> Result<(), ProvisioningError> {
    // A tenant whose store is full is to read why its writes are refused.
    tx.go_beyond_limit();
    pools::take_turn(tx)?;
    log::note_lost(tx, lost)?;
    rows.iter().try_for_each(|row| record_one(tx, rules, row))
}

#[allow(clippy::expect_used, reason = "a struct of texts always serialises")]
fn record_one(tx: &mut WriteTx<'_>, rules: &Rules, row: &Refused) -> Result<(), ProvisioningError> {
    let people = rules.profile().log.people;
    // What is longer names nothing, and PostgreSQL would not take it into an index.
    let id = row.resource_id.as_deref().filter(|id| id.len() <= MAX_ID);
    // A path may have a userName in the place of an id.
    let id = id.filter(|id| people == People::Names || resources::is_id(id));
    let person = match (row.kind, &row.sent.user_name, id) {
        (Some(ResourceKind::User), Some(name), None) => Some(Person::of(tx, people, name)?),
        (Some(ResourceKind::User), _, Some(id)) => {
            let found = resources::find(tx, ResourceKind::User, id)?;
            found.map(|record| Person::of_record(tx, people, &record)).transpose()?
        }
        _ => None,
    };
    let detail = Detail {
        credential: &row.credential,
        operation: row.method.map(operation::word_of),
        client_request_id: row.sender.client_request_id.as_deref(),
        status: row.status,
        scim_type: row.scim_type.as_deref(),
        role_received: row.sent.role_received.map(Into::into),
        sentence: &row.detail,
        license_requested: row.license_requested.as_deref(),
        cause: row.cause,
        leniencies: kinds(row.leniencies.iter()),
        unknown: unknown_names(row.leniencies.iter()),
        profile: rules.product.name_and_version(),
    };
    let detail = serde_json::to_string(&detail).expect("a detail serialises");
    let kind = match row.kind {
        Some(kind) => format!("{}.refused", kind.name().to_ascii_lowercase()),
        None if row.is_of_bulk => "bulk.refused".to_owned(),
        None => "request.refused".to_owned(),
    };
    let entry = Entry { result: LogResult::Refused.word(), idp: row.sender.idp.word() };
    let attempt = NewAttempt {
        at_ms: row.at_ms,
        kind: &kind,
        resource_id: id.unwrap_or_default(),
        request_id: &row.request_id,
        detail: &detail,
        entry,
        person: person.as_ref().map(Person::logged),
    };
    Ok(log::append(tx, &attempt)?)
}
