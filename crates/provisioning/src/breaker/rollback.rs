//! Staff give back all that the window took: to the people who wait, and to those who lost their access
//! before them. Who was deleted comes back with the old id and the groups, who waited for a seat with the old
//! place in the queue. In one transaction, with a row of the log for each person.

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    DirectoryError, Standing, archive,
    breaker::losses::{self, LostPerson},
    memberships::{
        groupless,
        left::{self, Back},
    },
    resources::{self, Row},
    standing::{self, ChosenBy, Held},
};
use scim_core::{Document, ResourceKind};
use seat_ledger::{SeatChange, SeatError, SeatRequest, pools, seats};
use serde::Serialize;
use serde_json::json;
use store::WriteTx;

use super::{
    give_back::{GivenBack, give_back},
    loss,
};
use crate::{
    Act, ProvisioningError, Rules,
    attributes::changed_attributes,
    before_image::{FormerSeat, Image},
    facts::{Cause, Facts, Note, SeatFacts},
    product::RoleFacts,
    records, seating,
    undo::{CHANGED_SINCE, NotRestored},
    wishes,
};

const USER: ResourceKind = ResourceKind::User;

/// People whose rows are in memory at a time.
const AT_ONCE: i64 = 500;

/// The reason for a person of whom the id alone is kept.
const UNKEPT: &str = "Under log.people = ids nothing is kept that would give a deleted person back.";

/// What a rollback came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RolledBack {
    /// People who are as they were before.
    pub restored: i64,
    /// What of them, and of others, could not be given back.
    pub not_restored: Vec<NotRestored>,
}

/// Gives back all losses of the window, those that wait and those that have passed. Where people wait, the
/// windows are meant that have opened, and not a later one in which nobody was held.
///
/// # Errors
/// When the store fails.
pub fn run(tx: &mut WriteTx<'_>, rules: &Rules, act: &Act) -> Result<RolledBack, ProvisioningError> {
    tx.go_beyond_limit();
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let cause = rules.cause_of_act(act, "rollback");
    let mut rollback = Rollback { rules, cause, waited: Vec::new(), done: RolledBack::default() };
    let apart_ms = loss::apart_ms(tx)?;
    let is_part = |person: &LostPerson| person.is_held || apart_ms.is_none_or(|ms| person.since_ms < ms);
    let mut place = 0;
    loop {
        let page = losses::after(tx, place, false, AT_ONCE)?;
        let Some(last) = page.last() else { break };
        place = last.place;
        rollback.page(tx, page.into_iter().filter(is_part).collect())?;
    }
    rollback.seat_who_waited(tx)?;
    let done = rollback.done;
    let detail = json!({ "restored": done.restored, "not_restored": done.not_restored.len() });
    records::record_act(tx, act, "breaker.rolled_back", detail)?;
    loss::end_window(tx)?;
    Ok(done)
}

/// A rollback on its way.
struct Rollback<'a> {
    rules: &'a Rules,
    cause: Cause<'a>,
    /// People who waited for a seat before the loss, and whose seat is to follow when all others have theirs.
    waited: Vec<Returned>,
    done: RolledBack,
}

/// A person who is back, with the document and the standing of before, and whose seat is to follow.
struct Returned {
    id: String,
    changed: Vec<String>,
    /// What is replaced by it.
    before: Image,
    /// The seat of one who waited for another.
    seat: Option<FormerSeat>,
}

impl Returned {
    fn place_number(&self) -> Option<i64> {
        Some(self.seat.as_ref()?.place.as_ref()?.number)
    }
}

impl Rollback<'_> {
    fn page(&mut self, tx: &mut WriteTx<'_>, page: Vec<LostPerson>) -> Result<(), ProvisioningError> {
        let mut returned = Vec::with_capacity(page.len());
        let mut people = Vec::with_capacity(page.len());
        for person in page {
            let done = tx.savepoint(|tx| self.returned(tx, &person));
            match done {
                Ok(Some(back)) => {
                    returned.push(back);
                    people.push(person);
                }
                Ok(None) => {}
                Err(error) => self.refused(&person, error)?,
            }
        }
        self.put_into_groups(tx, &people)?;
        self.note_groupless(tx, &people)?;
        for back in returned {
            match back.seat {
                Some(_) => self.waited.push(back),
                None => self.seat(tx, back)?,
            }
        }
        Ok(())
    }

    /// Brings the seats of those in line who waited, in the order of their places.
    fn seat_who_waited(&mut self, tx: &mut WriteTx<'_>) -> Result<(), ProvisioningError> {
        let mut waited = std::mem::take(&mut self.waited);
        waited.sort_by_key(Returned::place_number);
        waited.into_iter().try_for_each(|back| self.seat(tx, back))
    }

    /// Brings the document of a person back; `None` where nothing of the loss is left to give back.
    fn returned(
        &mut self,
        tx: &mut WriteTx<'_>,
        person: &LostPerson,
    ) -> Result<Option<Returned>, ProvisioningError> {
        losses::remove(tx, &person.user_id)?;
        let (id, standing, changed, before) = match &person.deleted {
            // An undo may have been first.
            Some(_) if resources::find(tx, USER, &person.user_id)?.is_some() => return Ok(None),
            Some(deleted) => {
                let old = deleted.record.parse()?;
                let GivenBack { document: new, changed_since } = give_back(&person.lost, &old);
                let row = Row::of(&self.rules.user, &new);
                // A deletion that has passed was carried out: the profile may keep the person there.
                archive::remove(tx, &person.user_id)?;
                let record = resources::insert_again(tx, USER, &deleted.record, &row)?;
                self.list_changed(&record.id, &new, changed_since);
                (record.id, person.standing.clone(), changed_attributes(&old, &new), Image::default())
            }
            None => {
                let Some(record) = resources::find_for_update(tx, USER, &person.user_id)? else {
                    return Err(ProvisioningError::NotFound(USER.name()));
                };
                // Who was revived since has nothing to get back.
                if person.is_unkept {
                    return Ok(None);
                }
                let standing = standing_back(&person.standing, &record.standing);
                let mut lost = person.lost.clone();
                if standing.active != person.standing.active {
                    // Staff have chosen it since, in the document too.
                    lost.0.remove("active");
                }
                let old = record.parse()?;
                let GivenBack { document: new, changed_since } = give_back(&lost, &old);
                if new == old && record.standing == standing {
                    self.list_changed(&record.id, &old, changed_since);
                    return Ok(None);
                }
                let changed = changed_attributes(&old, &new);
                let before = Image::of_attributes(&old, &changed, [&record.standing, &standing]);
                let record = match changed.is_empty() {
                    true => resources::touch(tx, USER, &record)?,
                    false => resources::update(tx, &self.rules.user, &record, &old, &new)?,
                };
                self.list_changed(&record.id, &new, changed_since);
                (record.id, standing, changed, before)
            }
        };
        standing::write(tx, &id, &standing)?;
        Ok(Some(Returned { id, changed, before, seat: FormerSeat::of_value(&person.seat) }))
    }

    /// Lists the attributes of a person that were changed since the loss.
    fn list_changed(&mut self, id: &str, document: &Document, changed_since: Vec<String>) {
        let missing = changed_since.into_iter().map(|attribute| NotRestored {
            user_name: document.str("userName").map(str::to_owned),
            id: id.to_owned(),
            attribute,
            reason: CHANGED_SINCE.to_owned(),
        });
        self.done.not_restored.extend(missing);
    }

    /// Puts those who were deleted back into the groups that are still here.
    fn put_into_groups(
        &mut self,
        tx: &mut WriteTx<'_>,
        people: &[LostPerson],
    ) -> Result<(), ProvisioningError> {
        let mut by_group: BTreeMap<&str, Vec<Back<'_>>> = BTreeMap::new();
        for person in people {
            for left in person.deleted.iter().flat_map(|deleted| &deleted.memberships) {
                by_group.entry(left.group_id()).or_default().push(Back { user_id: &person.user_id, left });
            }
        }
        let mut gone: BTreeSet<&str> = BTreeSet::new();
        for (group_id, back) in by_group {
            match left::put_back(tx, group_id, &back)? {
                Some(group) => {
                    let before = Image::of_entered(back.iter().map(|back| back.user_id));
                    records::record_back(tx, self.cause.followed(), &group, &before)?;
                }
                None => gone.extend(back.iter().map(|back| back.user_id)),
            }
        }
        for person in people.iter().filter(|person| gone.contains(person.user_id.as_str())) {
            self.miss(person, "groups", "A group that the person was in is not here any more.".to_owned())?;
        }
        Ok(())
    }

    /// Notes of people in no group that they have left the last one: they had before the loss, or their groups are gone.
    fn note_groupless(&self, tx: &mut WriteTx<'_>, people: &[LostPerson]) -> Result<(), ProvisioningError> {
        if !self.rules.notes_groupless() {
            return Ok(());
        }
        let was_in_groups = |person: &&LostPerson| {
            let deleted = person.deleted.as_ref();
            person.left_last_group || deleted.is_some_and(|deleted| !deleted.memberships.is_empty())
        };
        let ids: Vec<String> =
            people.iter().filter(was_in_groups).map(|person| person.user_id.clone()).collect();
        groupless::note_left(tx, &ids)?;
        self.rules.note_departures(tx, &ids);
        Ok(())
    }

    /// Brings the seat in line, and records the person.
    fn seat(&mut self, tx: &mut WriteTx<'_>, back: Returned) -> Result<(), ProvisioningError> {
        let Returned { id, changed, before, seat: former } = back;
        // Another's seat may have moved this person's since the document came back, which made a newer version.
        let record = resources::find(tx, USER, &id)?.ok_or(ProvisioningError::NotFound(USER.name()))?;
        let (rules, document) = (self.rules, record.parse()?);
        let kept = match record.standing.held {
            Some(_) => seats::find(tx, rules.product.licenses(), &id)?,
            None => None,
        };
        let mut change = match kept {
            Some(seat) => SeatChange::none(seat),
            None => {
                let request = wishes::anew(tx, rules, &id, &record.standing, &document)?;
                settled(tx, &id, &request)?
            }
        };
        if let Some(place) = former.as_ref().and_then(|former| former.place.as_ref()) {
            seats::give_place_back(tx, &mut change.after, place)?;
        }
        // A held loss never took the seat.
        let is_as_before = former.map_or(!change.changed(), |former| former == FormerSeat::of(&change.after));
        let waits_anew = change.after.state.waits() && !is_as_before;
        if let Some(reason) = change.after.reason().filter(|_| waits_anew) {
            let user_name = document.str("userName").map(str::to_owned);
            let attribute = "license".to_owned();
            self.done.not_restored.push(NotRestored { user_name, id, attribute, reason });
        }
        let facts = Facts {
            changed: Some(&changed),
            role: RoleFacts {
                received: None,
                source: wishes::role_from_unread(rules, &record.standing, &document),
            },
            seat: SeatFacts::of(Some(&change)),
            notes: &[Note::BY_STAFF],
            before: Some(&before),
            ..Facts::default()
        };
        records::record(tx, self.cause, USER, "restored", &record, &facts)?;
        seating::follow(tx, rules, &change, self.cause)?;
        self.done.restored += 1;
        Ok(())
    }

    /// Lists a person who could not come back.
    ///
    /// # Errors
    /// Those that are no matter of the person alone.
    fn refused(&mut self, person: &LostPerson, error: ProvisioningError) -> Result<(), ProvisioningError> {
        let (attribute, reason) = match &error {
            ProvisioningError::NotFound(_) if person.is_unkept => ("id", UNKEPT.to_owned()),
            ProvisioningError::NotFound(_) => ("id", "The person was deleted since.".to_owned()),
            ProvisioningError::Directory(DirectoryError::UserNameTaken { .. }) => {
                ("userName", "Another person has the userName by now.".to_owned())
            }
            ProvisioningError::Directory(DirectoryError::ValueTaken { attribute, .. }) => {
                (attribute.as_str(), format!("Another person has the {attribute} by now."))
            }
            _ => return Err(error),
        };
        self.miss(person, attribute, reason)
    }

    fn miss(
        &mut self,
        person: &LostPerson,
        attribute: &str,
        reason: String,
    ) -> Result<(), ProvisioningError> {
        let document = person.deleted.as_ref().map(|deleted| deleted.record.parse()).transpose()?;
        self.done.not_restored.push(NotRestored {
            user_name: document.and_then(|document| document.str("userName").map(str::to_owned)),
            id: person.user_id.clone(),
            attribute: attribute.to_owned(),
            reason,
        });
        Ok(())
    }
}

/// What holds of a person beside the document from now on: what staff have chosen since the loss, and the rest as before it. An identity
/// provider takes choices of staff away and makes none, so one that holds now is that of before or newer. Who has come back and has left
/// a group with too many others since then still waits for that.
fn standing_back(before: &Standing, now: &Standing) -> Standing {
    let role = now.role.clone().filter(|chosen| chosen.by == ChosenBy::Staff);
    Standing {
        role: role.or_else(|| before.role.clone()),
        active: now.active.or(before.active),
        held: now.held.filter(|held| *held == Held::GroupWipe),
    }
}

/// The seat that a request comes to. Where the policy would refuse it the person waits: nobody is left behind by a full license.
fn settled(tx: &mut WriteTx<'_>, id: &str, request: &SeatRequest) -> Result<SeatChange, ProvisioningError> {
    // A refusal may come after a part was written.
    match tx.savepoint(|tx| seats::settle(tx, id, request)) {
        Err(SeatError::LimitReached(_)) => {
            Ok(seats::settle(tx, id, &SeatRequest { waits: true, ..request.clone() })?)
        }
        settled => Ok(settled?),
    }
}
