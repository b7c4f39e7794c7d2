//! People who have left the last group that was pushed (IO11): who is due, when the next one is, and what is done with them. Never
//! people of staff, protected ones, or those who were in no group.

use directory::{
    memberships::groupless,
    resources::{self, Record},
};
use profiles::choice::Groupless;
use scim_core::ResourceKind;
use seat_ledger::pools;
use serde_json::json;
use store::{ReadTx, WriteTx};

use crate::{
    ProvisioningError, Rules,
    effects::{seat_detail, with_member},
    guards, leaving, records,
    seating::{self, Asks},
};

/// The most people that one transaction does something with.
const AT_ONCE: i64 = 500;

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

/// Does with people who are due what the profile says; how many there were. Called again until there are none.
///
/// # Errors
/// When the store fails.
pub fn carry_out(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    now_ms: i64,
    request_id: &str,
) -> Result<usize, ProvisioningError> {
    let then = rules.profile().leaving.groupless;
    if then == Groupless::Keep {
        return Ok(0);
    }
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    let due = due(tx, rules, now_ms)?;
    for id in &due {
        let Some(record) = resources::find_for_update(tx, ResourceKind::User, id)? else { continue };
        let document = record.parse()?;
        // IO11: protected people stay, and so does the last admin.
        if guards::keeps(tx, rules, &record, &document)? {
            groupless::forget(tx, id)?;
            continue;
        }
        match then {
            Groupless::Delete => {
                let detail = json!({ "cause": "groupless" });
                leaving::delete(tx, rules, ResourceKind::User, &record, detail, request_id, None)?;
            }
            Groupless::Suspend => suspend(tx, rules, record, request_id)?,
            Groupless::Keep => {}
        }
    }
    Ok(due.len())
}

fn suspend(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: Record,
    request_id: &str,
) -> Result<(), ProvisioningError> {
    tx.go_beyond_limit();
    groupless::forget(tx, &record.id)?;
    let old = record.parse()?;
    let mut new = old.clone();
    new.0.insert("active".to_owned(), false.into());
    if new == old {
        return Ok(());
    }
    let standing = record.standing.clone();
    let mut record = resources::update(tx, &rules.user, &record, &old, &new)?;
    let change = seating::settle(tx, rules, &mut record, standing, [&old, &new], Asks::Staff)?;
    let detail = with_member(seat_detail(&change), "cause", "groupless");
    records::record(tx, request_id, ResourceKind::User, "changed", &record, detail)?;
    seating::follow(tx, rules, &change, request_id)
}
