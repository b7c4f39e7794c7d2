//! Whether a loss of access passes. It is decided in the transaction of the write that would lose it, after the tenant's turn, so that
//! two writers never pass more than the bound.

use directory::{
    Standing,
    breaker::{
        self, Breaker, Window,
        losses::{self, Lost, NewLoss},
    },
    memberships::groupless,
    resources::Record,
    standing::Held,
};
use scim_core::Document;
use seat_ledger::{Seat, SeatRequest, State, holders};
use serde_json::{Value, json};
use store::{ReadTx, WriteTx};

use crate::{HeldLoss, Loss, ProvisioningError, Rules, before_image::FormerSeat, facts::Cause, records};

/// What the breaker says of a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// The breaker is off.
    NotCounted,
    /// It is carried out.
    Passes,
    /// It waits; whether it is the first of its window that does.
    Waits { opened: bool },
}

/// A write after which a person may not work any more, or may again.
pub(crate) struct Change<'a> {
    /// As it is now, with the standing of before.
    pub(crate) record: &'a Record,
    /// The document before.
    pub(crate) old: &'a Document,
    /// The seat before.
    pub(crate) seat: Option<&'a Seat>,
    pub(crate) request: &'a SeatRequest,
}

/// Whether a person works with a seat, which can be lost.
pub(crate) fn has_access(seat: Option<&Seat>) -> bool {
    seat.is_some_and(|seat| seat.granted.is_some() && seat.state != State::Suspended)
}

/// The reason for which a loss waits, if it does. Who waits goes on waiting until the person may work again.
pub(crate) fn holds(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    change: &Change<'_>,
) -> Result<Option<Held>, ProvisioningError> {
    let Change { record, old, seat, request } = change;
    if !rules.breaker || request.active || !has_access(*seat) {
        return Ok(None);
    }
    if record.standing.held == Some(Held::Breaker) {
        return Ok(Some(Held::Breaker));
    }
    let lost = Lost::between(&old.0, &record.parse()?.0);
    let said = ask(tx, rules, record, *seat, &lost)?;
    Ok(matches!(said, Said::Waits { .. }).then_some(Held::Breaker))
}

/// Counts the loss of a person in the window, and begins one where none runs. `seat` is that of before it, `lost` what the write has
/// changed.
pub(crate) fn ask(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    record: &Record,
    seat: Option<&Seat>,
    lost: &Lost,
) -> Result<Said, ProvisioningError> {
    let (breaker, now_ms) = (breaker::find(tx)?, tx.now_ms());
    let Some(limits) = breaker.limits else { return Ok(Said::NotCounted) };
    let mut window = match breaker.running(now_ms) {
        Some(window) => window,
        None => begin(tx, breaker.window)?,
    };
    let said = if window.lost < limits.bound(&window) {
        window.lost += 1;
        Said::Passes
    } else {
        let opened = window.opened_ms.is_none();
        window.opened_ms = window.opened_ms.or(Some(now_ms));
        Said::Waits { opened }
    };
    let (opened, is_held) = match said {
        Said::Waits { opened } => (opened, true),
        Said::NotCounted | Said::Passes => (false, false),
    };
    let standing = &Standing { held: None, ..record.standing.clone() };
    // A person whose loss waits keeps seat and place, so nothing is noted.
    let waited = seat.filter(|seat| !is_held && seat.state.waits()).map(FormerSeat::of);
    let seat = &waited.map_or(Value::Null, |seat| json!(seat));
    let left_last_group = rules.notes_groupless() && groupless::has_left(tx, &record.id)?;
    let user_id = &record.id;
    losses::insert(tx, &NewLoss { user_id, is_held, opened, lost, standing, seat, left_last_group })?;
    if opened || !is_held {
        breaker::write(tx, &Breaker { limits: Some(limits), window: Some(window) })?;
    }
    // What has passed is forgotten then.
    tx.falls_due(limits.end_ms(&window));
    Ok(said)
}

/// A window that begins now; `over` is the one before it, if it has not been ended.
fn begin(tx: &mut WriteTx<'_>, over: Option<Window>) -> Result<Window, ProvisioningError> {
    forget_passed(tx, over)?;
    Ok(Window { began_ms: tx.now_ms(), active: holders::active(tx)?, lost: 0, opened_ms: None })
}

/// Forgets the losses that have passed in windows that are over. While people wait, a rollback gives these
/// losses back, so they stay; but those of `over`, the newest of the windows, are forgotten if it has not
/// opened, because the people who wait are of an earlier one.
fn forget_passed(tx: &mut WriteTx<'_>, over: Option<Window>) -> Result<(), ProvisioningError> {
    if losses::count(tx)?.people == 0 {
        losses::forget_passed(tx, i64::MIN..i64::MAX)?;
    } else if let Some(window) = over.filter(|window| window.opened_ms.is_none()) {
        losses::forget_passed(tx, window.began_ms..i64::MAX)?;
    }
    Ok(())
}

/// Ends a window that is over; when the one that runs ends.
pub(crate) fn end_window(tx: &mut WriteTx<'_>) -> Result<Option<i64>, ProvisioningError> {
    let (breaker, now_ms) = (breaker::find(tx)?, tx.now_ms());
    if let (Some(limits), Some(window)) = (breaker.limits, breaker.running(now_ms)) {
        // What passed before it was kept for those who waited.
        if losses::count(tx)?.people == 0 {
            losses::forget_passed(tx, i64::MIN..window.began_ms)?;
        }
        return Ok(Some(limits.end_ms(&window)));
    }
    if breaker.window.is_some() {
        breaker::write(tx, &Breaker { window: None, ..breaker })?;
    }
    forget_passed(tx, breaker.window)?;
    Ok(None)
}

/// The beginning of the newest window, where people wait and it has not opened: they are of earlier ones, and
/// what has passed from then on is no loss of theirs.
pub(super) fn apart_ms(tx: &mut ReadTx<'_>) -> Result<Option<i64>, ProvisioningError> {
    let somebody_waits = losses::count(tx)?.people > 0;
    let newest = breaker::find(tx)?.window.filter(|window| somebody_waits && window.opened_ms.is_none());
    Ok(newest.map(|window| window.began_ms))
}

/// The loss that a write has just brought to wait; records where it opened the breaker.
pub(crate) fn newly_held(
    tx: &mut WriteTx<'_>,
    before: &Standing,
    record: &Record,
    cause: Cause<'_>,
) -> Result<Option<HeldLoss>, ProvisioningError> {
    let is_new = record.standing.held == Some(Held::Breaker) && before.held != Some(Held::Breaker);
    if !is_new {
        return Ok(None);
    }
    let opened = losses::has_opened(tx, &record.id)?;
    if opened {
        record_opening(tx, cause)?;
    }
    Ok(Some(HeldLoss { kind: Loss::Suspension, opened }))
}

/// Records that the breaker has opened.
pub(crate) fn record_opening(tx: &mut WriteTx<'_>, cause: Cause<'_>) -> Result<(), ProvisioningError> {
    let Breaker { limits: Some(limits), window: Some(window) } = breaker::find(tx)? else { return Ok(()) };
    let bound = limits.bound(&window);
    let detail = json!({ "active": window.active, "bound": bound, "minutes": limits.minutes });
    records::record_plan(tx, Cause::of_many(cause.request_id), "breaker.opened", &detail)
}

/// A person whom the identity provider has deleted and whose loss waits.
pub(crate) fn deleted(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    id: &str,
) -> Result<Option<Record>, ProvisioningError> {
    if !rules.breaker {
        return Ok(None);
    }
    Ok(losses::deleted(tx, id)?.and_then(|person| Some(person.deleted?.record)))
}
