//! What staff do to people: add, set a role, activate and deactivate, release, delete. Each act is recorded, and the seat is the
//! ledger's to give as in a request of an identity provider (S3).

use directory::{
    Origin, Standing,
    breaker::losses,
    group_wipes,
    resources::{self, Record, Row},
    standing::{ChosenBy, ChosenRole, Held},
};
use scim_core::{ResourceKind, leniency::Tolerance, resource, urn};
use seat_ledger::{SeatChange, pools, seats};
use serde_json::json;
use store::WriteTx;

use crate::{
    Act, ProvisioningError, Rules,
    attributes::changed_attributes,
    before_image::Image,
    breaker::loss,
    facts::{Cause, Facts, Note, SeatFacts},
    leaving,
    product::RoleFacts,
    records,
    roster::{self, Person},
    seating::{self, Asks},
    wishes,
};

const USER: ResourceKind = ResourceKind::User;

/// A person to be added.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// `userName`
    pub user_name: String,
    /// A role of the profile.
    pub role: Option<String>,
    /// `externalId`
    pub external_id: Option<String>,
    /// The primary e-mail address.
    pub email: Option<String>,
}

/// What is set of a person; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct PersonChange {
    /// A role of the profile.
    pub role: Option<String>,
    /// Whether the person may work.
    pub active: Option<bool>,
}

/// Adds a person, who is of staff until an identity provider takes the person over.
///
/// # Errors
/// A wrong or taken value, an unknown role, no seat left, or the store's.
pub fn add(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    new: &NewPerson,
    act: &Act,
) -> Result<Person, ProvisioningError> {
    check_role(rules, new.role.as_deref())?;
    let mut body = json!({ "schemas": [urn::USER], "userName": new.user_name, "active": true });
    if let (Some(id), Some(body)) = (&new.external_id, body.as_object_mut()) {
        body.insert("externalId".into(), id.as_str().into());
    }
    if let (Some(email), Some(body)) = (&new.email, body.as_object_mut()) {
        body.insert("emails".into(), json!([{ "value": email, "type": "work", "primary": true }]));
    }
    // By the bare type: what the profile requires of an identity provider staff need not know.
    let document = resource::create(&USER.resource_type(), &body, &mut Tolerance::lenient())?;
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let id = tx.new_id();
    let mut record = resources::insert(tx, USER, id, &Row::of(&rules.user, &document))?;
    resources::set_origin(tx, USER, &mut record, Origin::Local)?;
    let standing = Standing { role: new.role.clone().map(by_staff), ..Standing::default() };
    let request = wishes::anew(tx, rules, &record.id, &standing, &document)?;
    let change = seats::settle_new(tx, &record.id, &request)?;
    seating::write_standing(tx, &mut record, standing)?;
    let cause = rules.cause_of_act(act, "add");
    finish(tx, rules, &record, Settled { change: &change, changed: &[], before: None }, "created", cause)
}

/// Sets a person's role or activity here; who wins later is the profile's to say (CX13, CX14).
///
/// # Errors
/// An unknown role, no such person, no seat left, or the store's.
pub fn set(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    change: &PersonChange,
    act: &Act,
) -> Result<Person, ProvisioningError> {
    check_role(rules, change.role.as_deref())?;
    let record = found(tx, rules, id)?;
    let old = record.parse()?;
    let (mut new, mut standing) = (old.clone(), record.standing.clone());
    if let Some(role) = &change.role {
        standing.role = Some(by_staff(role.clone()));
    }
    if let Some(active) = change.active {
        new.0.insert("active".to_owned(), active.into());
        standing.active = Some(active);
    }
    if change.active == Some(false) {
        tx.go_beyond_limit();
    }
    let standing_before = record.standing.clone();
    let mut record = match new == old {
        true => resources::touch(tx, USER, &record)?,
        false => resources::update(tx, &rules.user, &record, &old, &new)?,
    };
    let settled = seating::settle(tx, rules, &mut record, standing, [&old, &new], Asks::Staff)?;
    let before = Image::of_change([&old, &new], [&standing_before, &record.standing]);
    let mut changed = changed_attributes(&old, &new);
    // What staff choose for a person of an identity provider stands beside the document.
    if record.standing.active != standing_before.active && !changed.iter().any(|name| name == "active") {
        changed.push("active".to_owned());
    }
    let settled = Settled { change: &settled, changed: &changed, before: Some(&before) };
    finish(tx, rules, &record, settled, "changed", rules.cause_of_act(act, "set"))
}

/// Forgets what was chosen here and what waits: what the identity provider says holds.
///
/// # Errors
/// No such person, no seat left, or the store's.
pub fn release(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    id: &str,
    act: &Act,
) -> Result<Person, ProvisioningError> {
    let mut record = found(tx, rules, id)?;
    // A rollback of the breaker gives no choice of before back, even where the loss itself took it away.
    losses::forget_choices(tx, id)?;
    if record.standing.is_ordinary() {
        return roster::person(tx, rules, id);
    }
    let document = record.parse()?;
    let standing = Standing::default();
    match record.standing.held {
        Some(Held::GroupWipe) => group_wipes::remove_user(tx, id)?,
        Some(Held::Breaker) => losses::remove(tx, id)?,
        _ => {}
    }
    let before = Image::of_change([&document, &document], [&record.standing, &standing]);
    record = resources::touch(tx, USER, &record)?;
    let request = wishes::anew(tx, rules, id, &standing, &document)?;
    let change = seats::settle(tx, id, &request)?;
    seating::write_standing(tx, &mut record, standing)?;
    let settled = Settled { change: &change, changed: &[], before: Some(&before) };
    finish(tx, rules, &record, settled, "released", rules.cause_of_act(act, "release"))
}

/// Deletes a person, or archives where the profile keeps people.
///
/// # Errors
/// No such person, or the store's.
pub fn delete(tx: &mut WriteTx<'_>, rules: &Rules, id: &str, act: &Act) -> Result<(), ProvisioningError> {
    let cause = rules.cause_of_act(act, "delete");
    let record = match found(tx, rules, id) {
        Err(ProvisioningError::HeldDeletion) => {
            let record = loss::deleted(tx, rules, id)?.ok_or(ProvisioningError::HeldDeletion)?;
            return leaving::delete_held(tx, rules, &record, cause, &[Note::BY_STAFF]);
        }
        found => found?,
    };
    leaving::delete(tx, rules, USER, &record, cause, &[Note::BY_STAFF]).map(drop)
}

fn by_staff(role: String) -> ChosenRole {
    ChosenRole { role, by: ChosenBy::Staff }
}

fn check_role(rules: &Rules, role: Option<&str>) -> Result<(), ProvisioningError> {
    match role.filter(|role| rules.product.needs(role).is_none()) {
        Some(role) => Err(ProvisioningError::NoSuchRole {
            role: role.to_owned(),
            known: rules.profile().roles.iter().map(|role| role.key.clone()).collect(),
        }),
        None => Ok(()),
    }
}

fn found(tx: &mut WriteTx<'_>, rules: &Rules, id: &str) -> Result<Record, ProvisioningError> {
    rules.hold_schemas(tx)?;
    // Seats before rows of the directory, as in every other write.
    pools::take_turn(tx)?;
    match resources::find_for_update(tx, USER, id)? {
        Some(record) => Ok(record),
        None if loss::deleted(tx, rules, id)?.is_some() => Err(ProvisioningError::HeldDeletion),
        None => Err(ProvisioningError::NotFound(USER.name())),
    }
}

/// What an act came to.
#[derive(Clone, Copy)]
struct Settled<'a> {
    change: &'a SeatChange,
    /// The names of the attributes that it changed.
    changed: &'a [String],
    before: Option<&'a Image>,
}

fn finish(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &Record,
    settled: Settled<'_>,
    verb: &str,
    cause: Cause<'_>,
) -> Result<Person, ProvisioningError> {
    let Settled { change, changed, before } = settled;
    let source = wishes::role_from_unread(rules, &record.standing, &record.parse()?);
    let facts = Facts {
        role: RoleFacts { received: None, source },
        changed: Some(changed).filter(|changed| !changed.is_empty()),
        seat: SeatFacts::of(Some(change)),
        notes: &[Note::BY_STAFF],
        before,
        ..Facts::default()
    };
    records::record(tx, cause, USER, verb, record, &facts)?;
    seating::follow(tx, rules, change, cause)?;
    roster::person(tx, rules, &record.id)
}
