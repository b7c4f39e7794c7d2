//! Seats that could not be given back: told at the end, when all who are concerned have asked for theirs.

use directory::resources;
use scim_core::ResourceKind;
use seat_ledger::{License, Seat, seats};
use store::WriteTx;

use super::{
    told::About,
    window::{Past, Run},
    work::Work,
};
use crate::ProvisioningError;

const PROMOTED: &str = "A seat became free for the user in this time, and it stays.";

/// Lists the people who hold another license than before the run.
pub(super) fn compare(tx: &mut WriteTx<'_>, work: &mut Work<'_>, run: &Run) -> Result<(), ProvisioningError> {
    for (id, past) in run.iter().filter(|(_, past)| !past.is_group && !past.is_made) {
        if past.license.is_none() && past.promoted_to.is_none() {
            continue;
        }
        let Some(record) = resources::find(tx, ResourceKind::User, id)? else { continue };
        let Some(seat) = seats::find(tx, work.rules.product.licenses(), id)? else { continue };
        if let Some(reason) = reason(past, &seat) {
            work.done.not(&About::of(&record), "license", reason);
        }
    }
    Ok(())
}

/// Why a person does not hold the former license; `None` where the person does.
fn reason(past: &Past, seat: &Seat) -> Option<String> {
    let held = seat.granted.as_ref().map(License::key);
    let Some(former) = &past.license else {
        return (held == past.promoted_to.as_deref()).then(|| PROMOTED.to_owned());
    };
    if held == former.as_deref() {
        return None;
    }
    let (was, is) = (former.as_deref().unwrap_or("none"), held.unwrap_or("none"));
    let follows = || format!("The license was {was}, and is {is} by what holds of the user now.");
    Some(seat.reason().filter(|_| seat.state.waits()).unwrap_or_else(follows))
}
