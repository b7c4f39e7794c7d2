//! A POST that finds somebody who is there already: a person of staff, whom the identity provider takes over (CX20, IO4), or an
//! archived one (IO18), or one whose deletion the breaker holds, who get the old id back. Under the default rules this is asked only when
//! the userName is taken.

use directory::{
    DirectoryError, Origin, archive,
    breaker::losses::{self, Lost, LostPerson},
    matching,
    memberships::Applied,
    resources::{self, Record, Row},
    standing::{self, Held},
};
use profiles::Received;
use profiles::choice::{AdoptBy, Recreate};
use scim_core::{Document, ResourceKind, bulk::Method};
use seat_ledger::{SeatChange, seats};
use store::WriteTx;

use crate::{
    Done, ProvisioningError, RequestContext, Rules, Verdict,
    attributes::changed_attributes,
    before_image::Image,
    breaker::loss,
    effects::done,
    facts::{Facts, SeatFacts},
    product::RoleFacts,
    records,
    seating::{self, Asks},
    view::{Shown, View},
    wishes::{self, Carried},
};

const USER: ResourceKind = ResourceKind::User;

/// A person who is there already.
#[derive(Debug)]
pub(crate) enum Found {
    /// A person of staff.
    Local(Record),
    /// An archived person.
    Archived(Record),
    /// A person whose deletion the breaker holds.
    Deleted(Box<LostPerson>),
}

/// The POST that finds the person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Posted<'a> {
    pub(crate) row: &'a Row,
    /// What it carries of the role.
    pub(crate) received: Option<Received>,
}

impl Posted<'_> {
    fn role_facts(&self, rules: &Rules, record: &Record, document: &Document) -> RoleFacts {
        let source = wishes::role_from_unread(rules, &record.standing, document);
        RoleFacts { received: self.received, source }
    }
}

/// Who is found before the new person is inserted: only where the profile names a key other than userName, or revives, or where the
/// breaker may hold a deletion.
pub(crate) fn before(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    row: &Row,
) -> Result<Option<Found>, ProvisioningError> {
    if rules.breaker
        && let Some(person) = losses::deleted_before(tx, row)?
        && !matching::is_taken(tx, row)?
    {
        return Ok(Some(Found::Deleted(Box::new(person))));
    }
    let (adopt, recreate) = (&rules.profile().matching.adopt, rules.profile().leaving.recreate);
    let by_name_alone = adopt.iter().all(|key| *key == AdoptBy::UserName);
    if by_name_alone && recreate == Recreate::New {
        return Ok(None);
    }
    if !by_name_alone {
        for key in adopt {
            // The first key that finds somebody decides, and it must not find several.
            let ids = match key {
                AdoptBy::UserName => matching::by_user_name(tx, row)?,
                AdoptBy::ExternalId => matching::by_external_id(tx, row)?,
                AdoptBy::Email => matching::by_emails(tx, row)?,
            };
            match ids.as_slice() {
                [] => {}
                [id] => return Ok(resources::find_for_update(tx, USER, id)?.map(Found::Local)),
                _ => return Ok(None),
            }
        }
    }
    match recreate {
        Recreate::New => Ok(None),
        Recreate::Revive if matching::is_taken(tx, row)? => Ok(None),
        Recreate::Revive => Ok(archive::newest(tx, row)?.map(Found::Archived)),
    }
}

/// The person of staff who has the name that was found taken.
///
/// # Errors
/// The error, if it is another one or nobody can be taken over.
pub(crate) fn after(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    error: DirectoryError,
) -> Result<Found, ProvisioningError> {
    let DirectoryError::UserNameTaken { existing } = &error else { return Err(error.into()) };
    if existing.is_empty() || !rules.profile().matching.adopt.contains(&AdoptBy::UserName) {
        return Err(error.into());
    }
    let record = resources::find_for_update(tx, USER, existing)?;
    record.filter(|record| record.origin == Origin::Local).map(Found::Local).ok_or_else(|| error.into())
}

/// Makes the person who was found the one that the POST is about.
pub(crate) fn take(
    tx: &mut WriteTx<'_>,
    found: Found,
    posted: Posted<'_>,
    shown: Shown,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    match found {
        Found::Local(record) => link(tx, record, posted, shown, context),
        Found::Archived(record) => revive(tx, &record, posted, shown, context),
        Found::Deleted(person) => come_back(tx, *person, posted, shown, context),
    }
}

fn link(
    tx: &mut WriteTx<'_>,
    record: Record,
    posted: Posted<'_>,
    shown: Shown,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    let rules = &context.rules;
    let (old, new) = (record.parse()?, posted.row.parse()?);
    let carried = || Carried { role: rules.profile().has_source(&new), active: true };
    let standing = wishes::standing_after(rules, &record.standing, carried, &old, &new);
    let mut record = match new == old {
        true => resources::touch(tx, USER, &record)?,
        false => resources::update(tx, &rules.user, &record, &old, &new)?,
    };
    let (standing_before, origin_before) = (record.standing.clone(), record.origin);
    resources::set_origin(tx, USER, &mut record, Origin::Idp)?;
    let change = seating::settle(tx, rules, &mut record, standing, [&old, &new], Asks::Idp)?;
    let changed = changed_attributes(&old, &new);
    let (verdict, cause) = (Verdict::Linked, context.cause(Method::Post, USER));
    let before =
        Image::of_attributes(&old, &changed, [&standing_before, &record.standing]).with_origin(origin_before);
    let facts = Facts {
        verdict,
        changed: Some(&changed),
        role: posted.role_facts(rules, &record, &new),
        seat: SeatFacts::of(Some(&change)),
        before: Some(&before),
        ..Facts::default()
    };
    records::record(tx, cause, USER, "linked", &record, &facts)?;
    seating::follow(tx, rules, &change, cause)?;
    let held = loss::newly_held(tx, &standing_before, &record, cause)?;
    let done = done(tx, context, View::of(USER, record), shown, changed, Some(change), Applied::default())?;
    Ok(Done { held, ..done.with_verdict(verdict).with_role_received(posted.received) })
}

fn revive(
    tx: &mut WriteTx<'_>,
    archived: &Record,
    posted: Posted<'_>,
    shown: Shown,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    let rules = &context.rules;
    archive::remove(tx, &archived.id)?;
    let mut record = resources::insert_again(tx, USER, archived, posted.row)?;
    if archived.origin == Origin::Local {
        resources::set_origin(tx, USER, &mut record, Origin::Idp)?;
    }
    let document = posted.row.parse()?;
    let request = wishes::anew(tx, rules, &record.id, &record.standing, &document)?;
    let change = seats::settle_new(tx, &record.id, &request)?;
    here_again(tx, Again { record, document, change }, posted, shown, context)
}

/// A person who is one of the users again, under the old id.
struct Again {
    record: Record,
    document: Document,
    change: SeatChange,
}

/// Records the person, and answers.
fn here_again(
    tx: &mut WriteTx<'_>,
    again: Again,
    posted: Posted<'_>,
    shown: Shown,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    let (rules, Again { record, document, change }) = (&context.rules, again);
    let (verdict, cause) = (Verdict::Revived, context.cause(Method::Post, USER));
    let facts = Facts {
        verdict,
        role: posted.role_facts(rules, &record, &document),
        seat: SeatFacts::of(Some(&change)),
        ..Facts::default()
    };
    records::record(tx, cause, USER, "revived", &record, &facts)?;
    seating::follow(tx, rules, &change, cause)?;
    let done =
        done(tx, context, View::of(USER, record), shown, Vec::new(), Some(change), Applied::default())?;
    Ok(done.with_verdict(verdict).with_role_received(posted.received))
}

/// Makes a person whose deletion the breaker holds one of the users again, with the seat that was kept. As after every deletion, the
/// groups are the identity provider's to send anew.
fn come_back(
    tx: &mut WriteTx<'_>,
    person: LostPerson,
    posted: Posted<'_>,
    shown: Shown,
    context: &mut RequestContext,
) -> Result<Done, ProvisioningError> {
    let rules = &context.rules;
    let Some(deleted) = person.deleted else { return Err(ProvisioningError::NotFound(USER.name())) };
    let (old, new) = (deleted.record.parse()?, posted.row.parse()?);
    let carried = || Carried { role: rules.profile().has_source(&new), active: true };
    let after = wishes::standing_after(rules, &person.standing, carried, &old, &new);
    let mut record = resources::insert_again(tx, USER, &deleted.record, posted.row)?;
    // Who is sent inactive waits on.
    standing::write(tx, &record.id, &record.standing)?;
    let change = seating::settle(tx, rules, &mut record, after, [&old, &new], Asks::Idp)?;
    if record.standing.held == Some(Held::Breaker) {
        losses::return_to_users(tx, &record.id, &Lost::between(&old.0, &new.0))?;
    }
    here_again(tx, Again { record, document: new, change }, posted, shown, context)
}
