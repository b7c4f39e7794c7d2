//! People who have left the last group that was pushed (IO11): who is due, when the next one is, and what is done with them. Never
//! people of staff, protected ones, or those who were in no group.

use directory::{
    memberships::groupless,
    resources::{self, Record},
};
use profiles::choice::Groupless;
use scim_core::ResourceKind;
use seat_ledger::pools;
use serde_json::Value;
use store::{ReadTx, WriteTx};

use crate::{
    HeldLoss, ProvisioningError, Rules, Verdict,
    before_image::Image,
    breaker::{deletion, loss},
    facts::{Cause, Facts, Note, SeatFacts},
    guards, leaving, records,
    seating::{self, Asks},
};

/// The most people that one transaction does something with.
const AT_ONCE: i64 = 500;

/// The cause in change records.
pub(crate) const CAUSE: &str = "groupless";
const WHY: Note<'static> = Note { name: "cause", text: CAUSE };

/// Whether the detail of a record tells that a change was carried out for this.
pub(crate) fn is_cause(detail: &Value) -> bool {
    detail.get("cause").and_then(Value::as_str) == Some(CAUSE)
}

/// The ids of people who are due now, at most some hundreds.
///
/// # Errors
/// When the store fails.
pub fn due(tx: &mut ReadTx<'_>, rules: &Rules, now_ms: i64) -> Result<Vec<String>, ProvisioningError> {
    let Some(delay_ms) = rules.groupless_delay_ms() else { return Ok(Vec::new()) };
    Ok(groupless::since(tx, now_ms - delay_ms, AT_ONCE)?)
}

/// When the next person is due; `None`: nobody, as it is now.
///
/// # Errors
/// When the store fails.
pub fn next_due(tx: &mut ReadTx<'_>, rules: &Rules) -> Result<Option<i64>, ProvisioningError> {
    let Some(delay_ms) = rules.groupless_delay_ms() else { return Ok(None) };
    Ok(groupless::first_ms(tx)?.map(|left_ms| left_ms + delay_ms))
}

/// What was done with people who were due.
#[derive(Debug, Default)]
pub struct CarriedOut {
    /// How many there were.
    pub people: usize,
    /// The losses of access that the breaker has held.
    pub held: Vec<HeldLoss>,
}

/// Does with people who are due what the profile says. Called again until there are none.
///
/// # Errors
/// When the store fails.
pub fn carry_out(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    now_ms: i64,
    request_id: &str,
) -> Result<CarriedOut, ProvisioningError> {
    let then = rules.profile().leaving.groupless;
    if then == Groupless::Keep {
        return Ok(CarriedOut::default());
    }
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let due = due(tx, rules, now_ms)?;
    let cause = rules.cause_of_clock(request_id, "groupless");
    let mut done = CarriedOut { people: due.len(), ..CarriedOut::default() };
    for id in &due {
        let Some(record) = resources::find_for_update(tx, ResourceKind::User, id)? else { continue };
        let document = record.parse()?;
        // IO11: protected people stay, and so does the last admin.
        if guards::keeps(tx, rules, &record, &document)? {
            groupless::forget(tx, id)?;
            continue;
        }
        let loss = match then {
            Groupless::Delete => delete(tx, rules, &record, cause)?,
            Groupless::Suspend => suspend(tx, rules, record, cause)?,
            Groupless::Keep => None,
        };
        done.held.extend(loss);
    }
    Ok(done)
}

fn delete(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &Record,
    cause: Cause<'_>,
) -> Result<Option<HeldLoss>, ProvisioningError> {
    if let Some(held) = deletion::hold(tx, rules, record, cause, &[WHY])? {
        return Ok(held.held);
    }
    leaving::delete(tx, rules, ResourceKind::User, record, cause, &[WHY])?;
    Ok(None)
}

fn suspend(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: Record,
    cause: Cause<'_>,
) -> Result<Option<HeldLoss>, ProvisioningError> {
    tx.go_beyond_limit();
    let old = record.parse()?;
    let mut new = old.clone();
    new.0.insert("active".to_owned(), false.into());
    if new == old {
        groupless::forget(tx, &record.id)?;
        return Ok(None);
    }
    let standing = record.standing.clone();
    let before = standing.clone();
    let mut record = resources::update(tx, &rules.user, &record, &old, &new)?;
    let change = seating::settle(tx, rules, &mut record, standing, [&old, &new], Asks::Clock)?;
    // The breaker notes with a loss that the person had left the last group.
    groupless::forget(tx, &record.id)?;
    let verdict = if record.standing.held.is_some() { Verdict::Held } else { Verdict::Applied };
    let (changed, seat) = (["active".to_owned()], SeatFacts::of(Some(&change)));
    let image = Image::of_attributes(&old, &changed, [&record.standing, &record.standing]);
    let facts = Facts {
        verdict,
        changed: Some(&changed),
        seat,
        notes: &[WHY],
        before: Some(&image),
        ..Facts::default()
    };
    records::record(tx, cause, ResourceKind::User, "changed", &record, &facts)?;
    seating::follow(tx, rules, &change, cause)?;
    loss::newly_held(tx, &before, &record, cause)
}
