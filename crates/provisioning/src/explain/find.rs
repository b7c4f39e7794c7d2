//! Whom a word names: a userName, an e-mail address, an externalId, an id, or the ref of a refusal.

use directory::{
    breaker::losses,
    log::{About, LogRow, Wanted, rows_of_request},
    matching,
    resources::{self, Record, is_id},
};
use scim_core::ResourceKind;
use store::ReadTx;

use crate::{
    ProvisioningError, Rules,
    breaker::loss,
    explain::refusals::Refusal,
    log::{self, Details, LogResult, every_row},
};

const USER: ResourceKind = ResourceKind::User;

/// The person or the write that a word names.
pub(super) enum Found {
    /// A person, or somebody of whom nothing is known.
    Person(Known),
    /// A refused write that is about no person: of a group, of a whole bulk, or of a body that named nobody.
    Write(LogRow),
}

/// A person who is here, if one is, and what finds the rows about the person.
pub(super) struct Known {
    pub(super) record: Option<Record>,
    pub(super) about: Vec<About>,
    /// Other writes of the same request that were refused too.
    pub(super) others: usize,
}

impl Known {
    fn found(record: Option<Record>, about: Vec<About>) -> Found {
        Found::Person(Self { record, about, others: 0 })
    }
}

pub(super) fn find(tx: &mut ReadTx<'_>, rules: &Rules, user: &str) -> Result<Found, ProvisioningError> {
    let people = rules.profile().log.people;
    if let Some(id) = matching::named(tx, user)? {
        let record = resources::find(tx, USER, &id)?;
        let about = log::about_person(tx, people, &id)?;
        return Ok(Known::found(record, about));
    }
    if let Some(record) = of_deleted(tx, rules, user)? {
        let about = vec![log::about_record(tx, people, &record)?];
        return Ok(Known::found(Some(record), about));
    }
    if let Some(found) = of_request(tx, rules, user)? {
        return Ok(found);
    }
    let about = log::about_person(tx, people, user)?;
    of_former_name(tx, rules, about)
}

/// The person or the write that a Ref names. All operations of a bulk have one Ref: a refusal is told first, and of refusals one of a person.
fn of_request(tx: &mut ReadTx<'_>, rules: &Rules, id: &str) -> Result<Option<Found>, ProvisioningError> {
    let rows = rows_of_request(tx, id)?;
    let refusals = rows.iter().filter(|row| is_refused(row)).count();
    let Some(row) = first_to_tell(rows) else { return Ok(None) };
    if names_person(&row) {
        let others = refusals.saturating_sub(usize::from(is_refused(&row)));
        let known = of_row(tx, rules, row)?;
        return Ok(Some(Found::Person(Known { others, ..known })));
    }
    Ok(is_refused(&row).then_some(Found::Write(row)))
}

/// Of the rows of one request, newest first, the one to be told: a refusal of its own reason, of a person if there is one.
fn first_to_tell(rows: Vec<LogRow>) -> Option<LogRow> {
    let is_own = |row: &LogRow| Refusal::of(&Details::of(row)) != Refusal::NotDone;
    // Of equals the last one wins, and the newest is the first of the rows.
    rows.into_iter().rev().max_by_key(|row| (is_refused(row), is_own(row), names_person(row)))
}

/// The refusal that a Ref names first, of all refusals of one request.
///
/// # Errors
/// When the store fails.
pub fn refusal_of_request(tx: &mut ReadTx<'_>, id: &str) -> Result<Option<LogRow>, ProvisioningError> {
    Ok(first_to_tell(rows_of_request(tx, id)?).filter(is_refused))
}

pub(super) fn is_refused(row: &LogRow) -> bool {
    row.result == LogResult::Refused.word()
}

fn names_person(row: &LogRow) -> bool {
    row.kind.starts_with("user.") && (row.user_key.is_some() || !row.resource_id.is_empty())
}

/// The person whom a former userName finds: its newest row has the id of somebody who is here under another name.
fn of_former_name(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    mut about: Vec<About>,
) -> Result<Found, ProvisioningError> {
    let newest = directory::log::page(tx, &Wanted { about: about.clone(), ..every_row() }, None, 1)?.pop();
    let Some(id) = newest.map(|row| row.resource_id).filter(|id| is_id(id)) else {
        return Ok(Known::found(None, about));
    };
    let record = here_or_held(tx, rules, &id)?;
    // Of somebody who is gone too: the newest row may have another name.
    for also in log::about_person(tx, rules.profile().log.people, &id)? {
        add(&mut about, also);
    }
    Ok(Known::found(record, about))
}

/// The person whom a word names among those whose deletion waits.
fn of_deleted(tx: &mut ReadTx<'_>, rules: &Rules, user: &str) -> Result<Option<Record>, ProvisioningError> {
    if !rules.breaker {
        return Ok(None);
    }
    match losses::named(tx, user)? {
        Some(id) => loss::deleted(tx, rules, &id),
        None => Ok(None),
    }
}

/// The person whom a row is about.
fn of_row(tx: &mut ReadTx<'_>, rules: &Rules, row: LogRow) -> Result<Known, ProvisioningError> {
    let id = row.resource_id.as_str();
    let mut about = match row.user_key {
        Some(key) => vec![About::Person(key)],
        None if is_id(id) => log::about_person(tx, rules.profile().log.people, id)?,
        None => vec![About::Resource(id.to_owned())],
    };
    let by_id = here_or_held(tx, rules, &row.resource_id)?;
    // A person who was refused once may be here by now.
    let record = match (about.as_slice(), by_id) {
        ([About::Person(key)], None) => resources::find_user(tx, key)?,
        (_, by_id) => by_id,
    };
    if let Some(record) = &record {
        // Rows under the name of today too.
        add(&mut about, log::about_record(tx, rules.profile().log.people, record)?);
    }
    Ok(Known { record, about, others: 0 })
}

/// The person with this id, also one whose deletion waits.
fn here_or_held(tx: &mut ReadTx<'_>, rules: &Rules, id: &str) -> Result<Option<Record>, ProvisioningError> {
    match resources::find(tx, USER, id)? {
        None => loss::deleted(tx, rules, id),
        found => Ok(found),
    }
}

/// Adds what finds rows, once: a page would count the rows of a repeated one twice.
fn add(about: &mut Vec<About>, also: About) {
    if !about.contains(&also) {
        about.push(also);
    }
}
