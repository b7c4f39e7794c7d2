//! Whom a word names: a userName, an e-mail address, an externalId, an id, or the ref of a refusal.

use directory::{
    breaker::losses,
    log::{About, LogRow, rows_of_request},
    matching,
    resources::{self, Record, is_id},
};
use scim_core::ResourceKind;
use store::ReadTx;

use crate::{ProvisioningError, Rules, breaker::loss, log};

const USER: ResourceKind = ResourceKind::User;

/// A person who is here, and what finds the rows about the person.
pub(super) struct Found {
    pub(super) record: Option<Record>,
    pub(super) about: Vec<About>,
}

pub(super) fn find(tx: &mut ReadTx<'_>, rules: &Rules, user: &str) -> Result<Found, ProvisioningError> {
    let people = rules.profile().log.people;
    if let Some(id) = matching::named(tx, user)? {
        let record = resources::find(tx, USER, &id)?;
        let about = log::about_person(tx, people, &id)?;
        return Ok(Found { record, about });
    }
    if let Some(record) = of_deleted(tx, rules, user)? {
        let about = vec![log::about_record(tx, people, &record)?];
        return Ok(Found { record: Some(record), about });
    }
    if let Some(row) = rows_of_request(tx, user)?.into_iter().find(|row| row.kind.starts_with("user.")) {
        return of_row(tx, rules, row);
    }
    Ok(Found { record: None, about: log::about_person(tx, people, user)? })
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
fn of_row(tx: &mut ReadTx<'_>, rules: &Rules, row: LogRow) -> Result<Found, ProvisioningError> {
    let id = row.resource_id.as_str();
    let about = match row.user_key {
        Some(key) => vec![About::Person(key)],
        None if is_id(id) => log::about_person(tx, rules.profile().log.people, id)?,
        None => vec![About::Resource(id.to_owned())],
    };
    let by_id = match resources::find(tx, USER, &row.resource_id)? {
        None => loss::deleted(tx, rules, &row.resource_id)?,
        found => found,
    };
    // A person who was refused once may be here by now.
    let record = match (about.as_slice(), by_id) {
        ([About::Person(key)], None) => resources::find_user(tx, key)?,
        (_, by_id) => by_id,
    };
    Ok(Found { record, about })
}
