//! Staff let everything happen that the breaker holds: in one transaction, with a row of the log for each person.

use directory::{
    breaker::losses::{self, LostPerson},
    resources,
};
use scim_core::ResourceKind;
use seat_ledger::pools;
use serde::Serialize;
use serde_json::json;
use store::WriteTx;

use super::loss;
use crate::{
    Act, ProvisioningError, Rules,
    facts::{Cause, Note},
    guards, leaving, promotion, records, seating,
};

const USER: ResourceKind = ResourceKind::User;

/// People whose rows are in memory at a time.
const AT_ONCE: i64 = 500;

/// What a release came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Released {
    /// People whose access has ended.
    pub released: i64,
    /// Those who keep it: the last admin, until there is another one, and people whom the profile protects by now.
    pub kept: i64,
}

/// Carries out all losses that wait, in their order.
///
/// # Errors
/// When the store fails.
pub fn run(tx: &mut WriteTx<'_>, rules: &Rules, act: &Act) -> Result<Released, ProvisioningError> {
    tx.go_beyond_limit();
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let people = losses::count(tx)?.people;
    records::record_act(tx, act, "breaker.released", json!({ "people": people }))?;
    let cause = rules.cause_of_act(act, "release");
    let (mut done, mut place) = (Released::default(), 0);
    loop {
        let page = losses::after(tx, place, true, AT_ONCE)?;
        let Some(last) = page.last() else { break };
        place = last.place;
        for person in page {
            match carry_out(tx, rules, &person, cause)? {
                true => done.released += 1,
                false => done.kept += 1,
            }
        }
    }
    loss::end_window(tx)?;
    Ok(done)
}

/// Carries out the loss of one person; false where a guard of the profile keeps the person.
fn carry_out(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    person: &LostPerson,
    cause: Cause<'_>,
) -> Result<bool, ProvisioningError> {
    if let Some(deleted) = &person.deleted {
        if guards::keeps(tx, rules, &deleted.record, &deleted.record.parse()?)? {
            return Ok(false);
        }
        leaving::delete_held(tx, rules, &deleted.record, cause, &[Note::BY_STAFF])?;
        return Ok(true);
    }
    let Some(mut record) = resources::find_for_update(tx, USER, &person.user_id)? else {
        losses::remove(tx, &person.user_id)?;
        return Ok(true);
    };
    if guards::keeps(tx, rules, &record, &record.parse()?)? {
        return Ok(false);
    }
    losses::remove(tx, &record.id)?;
    let change = seating::let_go(tx, rules, &mut record, cause)?;
    promotion::record(tx, &change.moves, cause)?;
    Ok(true)
}
