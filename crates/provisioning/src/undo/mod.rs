//! Undo: what a run of writes changed is given back, where nothing else has changed it since, and the rest is listed with its reason. Everything
//! happens in one transaction, so a dry run tells exactly what happens, and nothing is ever half undone.

mod blocked;
mod groups;
mod people;
mod plan;
mod seats;
mod told;
mod window;
mod work;

use directory::memberships::groupless;
use seat_ledger::pools;
use store::WriteTx;

use crate::{Act, ProvisioningError, Rules, promotion};
use window::Run;
use work::Work;

pub(crate) use told::CHANGED_SINCE;
pub use told::{NotRestored, Undone};
pub use window::Asked;

/// Gives back what a run changed; `operation` is the word of staff's command, `undo` or `rollback`. Who finds no seat free waits for one.
///
/// # Errors
/// When the store fails, or a before image is damaged.
pub fn run(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    asked: &Asked,
    act: &Act,
    operation: &str,
) -> Result<Undone, ProvisioningError> {
    tx.go_beyond_limit();
    rules.hold_schemas(tx)?;
    pools::take_turn(tx)?;
    // What is overdue is done first, so that it is not mistaken for an effect of the undo.
    let moves = seat_ledger::due(tx, rules.product.licenses())?;
    promotion::record(tx, &moves, rules.cause_of_clock(&act.request_id, "due"))?;
    let run = window::read(tx, asked)?;
    let mut work = Work { rules, cause: rules.cause_of_act(act, operation), done: Undone::default() };
    let groups = groups::give_attributes_back(tx, &mut work, &run)?;
    people::give_back(tx, &mut work, &run)?;
    // A seat that groups free goes to the first in the queue as it was; and groups make people wait, too.
    seats::give_places_back(tx, &work, &run)?;
    groups::give_members_back(tx, &mut work, &run, groups)?;
    note_groupless(tx, rules, &run)?;
    seats::give_places_back(tx, &work, &run)?;
    seats::compare(tx, &mut work, &run)?;
    work.done.not_restored.sort();
    Ok(work.done)
}

/// Has the clock come back to people who had left the last group, and whose groups do not come back.
fn note_groupless(tx: &mut WriteTx<'_>, rules: &Rules, run: &Run) -> Result<(), ProvisioningError> {
    if !rules.notes_groupless() {
        return Ok(());
    }
    let people = run.iter().filter(|(_, past)| past.is_of_groupless);
    let ids: Vec<String> = people.map(|(id, _)| id.clone()).collect();
    groupless::note_left(tx, &ids)?;
    rules.note_departures(tx, &ids);
    Ok(())
}
