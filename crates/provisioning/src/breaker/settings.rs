//! What staff set of the breaker, and what they see of it.

use directory::{
    breaker::{self, Breaker, Limits, losses},
    extensions,
};
use seat_ledger::pools;
use serde::Serialize;
use serde_json::json;
use store::{ReadTx, WriteTx};

use super::loss;
use crate::{Act, ProvisioningError, records, timestamp::iso};

/// The most people, and the most minutes, that can be set: a week.
const MOST_PEOPLE: i64 = 1_000_000;
const MOST_MINUTES: i64 = 7 * 24 * 60;

/// What staff change; what is `None` stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Losses are held from some number on.
    On {
        /// So many people in any case.
        people: Option<i64>,
        /// So many percent of those who were active.
        percent: Option<i64>,
        /// The length of a window.
        minutes: Option<i64>,
    },
    /// No further loss is held. Who is held stays so.
    Off,
}

/// The breaker as staff see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Whether losses are counted.
    pub on: bool,
    /// Whether people wait, or it has opened and holds further losses.
    pub open: bool,
    /// So many people may lose their access in a window in any case; null where it is off.
    pub people: Option<i64>,
    /// So many percent of those who were active when it began; the greater of the two counts.
    pub percent: Option<i64>,
    /// The length of a window.
    pub minutes: Option<i64>,
    /// The window that runs.
    pub window: Option<Window>,
    /// The people who wait.
    pub held: HeldPeople,
}

/// The window that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Since its first loss.
    pub began: String,
    /// Until then.
    pub ends: String,
    /// How many people were active when it began.
    pub active: i64,
    /// How many losses pass.
    pub bound: i64,
    /// How many have passed.
    pub lost: i64,
    /// Since when further ones are held.
    pub opened: Option<String>,
}

/// The people who wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldPeople {
    /// All of them.
    pub people: i64,
    /// Those whom the identity provider has deleted.
    pub deleted: i64,
    /// Since when the first one waits.
    pub since: Option<String>,
}

/// Whether writes have to ask: the breaker is on, or somebody waits.
///
/// # Errors
/// When the store fails.
pub fn is_asked(tx: &mut ReadTx<'_>) -> Result<bool, ProvisioningError> {
    Ok(breaker::find(tx)?.limits.is_some() || losses::count(tx)?.people > 0)
}

/// The breaker.
///
/// # Errors
/// When the store fails.
pub fn show(tx: &mut ReadTx<'_>, now_ms: i64) -> Result<Shown, ProvisioningError> {
    let breaker = breaker::find(tx)?;
    let (limits, held) = (breaker.limits, losses::count(tx)?);
    let running = limits.zip(breaker.running(now_ms));
    // Limits that were raised since it opened let further losses pass.
    let is_full = running
        .is_some_and(|(limits, window)| window.opened_ms.is_some() && window.lost >= limits.bound(&window));
    Ok(Shown {
        on: limits.is_some(),
        open: held.people > 0 || is_full,
        people: limits.map(|limits| limits.people),
        percent: limits.map(|limits| limits.percent),
        minutes: limits.map(|limits| limits.minutes),
        window: running.map(|(limits, window)| Window {
            began: iso(window.began_ms),
            ends: iso(limits.end_ms(&window)),
            active: window.active,
            bound: limits.bound(&window),
            lost: window.lost,
            opened: window.opened_ms.map(iso),
        }),
        held: HeldPeople { people: held.people, deleted: held.deleted, since: held.since_ms.map(iso) },
    })
}

/// Turns the breaker on or off, or sets other limits, which hold for the window that runs too.
///
/// # Errors
/// [`ProvisioningError::BreakerLimits`] for limits that are out of range or not complete, or the store's.
pub fn set(tx: &mut WriteTx<'_>, change: Change, act: &Act) -> Result<Shown, ProvisioningError> {
    // Every write that still knows the tenant as it was before runs again.
    extensions::touch(tx)?;
    pools::take_turn(tx)?;
    let before = breaker::find(tx)?;
    let limits = limits_after(before.limits, change).map_err(ProvisioningError::BreakerLimits)?;
    breaker::write(tx, &Breaker { limits, ..before })?;
    // A window ends with its breaker, and does not go on with another one.
    loss::end_window(tx)?;
    let detail = match limits {
        Some(Limits { people, percent, minutes }) => {
            json!({ "people": people, "percent": percent, "minutes": minutes })
        }
        None => json!({ "off": true }),
    };
    records::record_act(tx, act, "breaker.set", detail)?;
    let now_ms = tx.now_ms();
    show(tx, now_ms)
}

/// The limits after a change; a sentence without its full stop where they are none.
fn limits_after(before: Option<Limits>, change: Change) -> Result<Option<Limits>, &'static str> {
    let Change::On { people, percent, minutes } = change else { return Ok(None) };
    if people.is_none() && percent.is_none() && minutes.is_none() {
        return Err("Send people, percent and minutes, or off");
    }
    let after = Limits {
        people: people.or(before.map(|limits| limits.people)).unwrap_or(-1),
        percent: percent.or(before.map(|limits| limits.percent)).unwrap_or(-1),
        minutes: minutes.or(before.map(|limits| limits.minutes)).unwrap_or(-1),
    };
    if before.is_none() && (people.is_none() || percent.is_none() || minutes.is_none()) {
        return Err("The breaker is off: send people, percent and minutes to turn it on");
    }
    if !(0..=MOST_PEOPLE).contains(&after.people) {
        return Err("people is a number from 0 to 1000000");
    }
    if !(0..=100).contains(&after.percent) {
        return Err("percent is a number from 0 to 100");
    }
    if !(1..=MOST_MINUTES).contains(&after.minutes) {
        return Err("minutes is a number from 1 to 10080");
    }
    Ok(Some(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(people: Option<i64>, percent: Option<i64>, minutes: Option<i64>) -> Change {
        Change::On { people, percent, minutes }
    }

    #[test]
    fn limits_are_complete_and_in_range_and_a_change_keeps_the_others() {
        let limits = Limits { people: 20, percent: 20, minutes: 60 };
        assert_eq!(limits_after(None, on(Some(20), Some(20), Some(60))), Ok(Some(limits)));
        let other = Limits { percent: 5, ..limits };
        assert_eq!(limits_after(Some(limits), on(None, Some(5), None)), Ok(Some(other)));
        assert_eq!(limits_after(Some(limits), Change::Off), Ok(None));
        for (before, wrong) in [
            (None, on(Some(20), Some(20), None)),
            (Some(limits), on(None, None, None)),
            (None, on(Some(-1), Some(20), Some(60))),
            (None, on(Some(MOST_PEOPLE + 1), Some(20), Some(60))),
            (None, on(Some(20), Some(101), Some(60))),
            (None, on(Some(20), Some(20), Some(0))),
            (None, on(Some(20), Some(20), Some(MOST_MINUTES + 1))),
        ] {
            assert!(limits_after(before, wrong).is_err(), "{wrong:?}");
        }
    }
}
