//! The figures of a tenant that metrics show, made of what its store tells.

use std::collections::BTreeMap;

use provisioning::{
    health::{Recounted, Traffic, TrafficByCredential, by_idp, usual_gap_ms},
    log::Idp,
};
use seat_ledger::pools::Pool;
use tenant_registry::{SeatFigures, Verdict};

/// From this share of its seats in use on, in percent, a license is scarce.
const SCARCE_PERCENT: i64 = 70;

/// Whether few seats of a license are left.
pub(crate) fn is_scarce(seats: &[SeatFigures]) -> bool {
    let is_scarce = |seats: &SeatFigures| {
        seats.quota.is_some_and(|quota| quota > 0 && seats.used * 100 >= quota * SCARCE_PERCENT)
    };
    seats.iter().any(is_scarce)
}

/// Whether a write was refused for want of a seat within a day.
pub(crate) fn was_refused(traffic: &TrafficByCredential, now_ms: i64) -> bool {
    traffic.values().any(|of| of.of_last_day(now_ms).no_seat > 0)
}

/// The seats of each license, in the order in which the registry gives them back, so that a row can be compared with a newer one. A
/// forecast holds until the next recount.
pub(crate) fn seat_figures(
    pools: &[Pool],
    traffic: &TrafficByCredential,
    recounted: Option<&Recounted>,
    before: &Verdict,
) -> Vec<SeatFigures> {
    let of = |pool: &Pool| {
        let license = pool.license.key();
        let known = before.seats.iter().find(|seats| seats.license == license);
        let days_left = match recounted {
            Some(recounted) => recounted.days_left.get(license).copied(),
            None => known.and_then(|seats| seats.days_left),
        };
        SeatFigures {
            license: license.to_owned(),
            used: pool.used,
            quota: pool.quota,
            waiting: pool.waiting,
            refused: traffic.values().map(|of| of.no_seat_of(license)).sum(),
            days_left,
        }
    };
    let mut figures: Vec<SeatFigures> = pools.iter().map(of).collect();
    figures.sort_by(|a, b| a.license.cmp(&b.license));
    figures
}

/// The last call of each identity provider, by its word, in milliseconds since 1970 UTC.
pub(crate) fn last_calls(traffic: &TrafficByCredential) -> BTreeMap<String, i64> {
    let last = |(idp, traffic): (Idp, Vec<(&str, &Traffic)>)| {
        let last_ms = traffic.iter().filter_map(|(_, traffic)| traffic.last_call_ms()).max()?;
        Some((idp.word().to_owned(), last_ms))
    };
    by_idp(traffic).into_iter().filter_map(last).collect()
}

/// The usual pause between two calls of the identity provider that called last.
pub(crate) fn gap_ms(traffic: &TrafficByCredential) -> Option<i64> {
    let last_call =
        |traffic: &[(&str, &Traffic)]| traffic.iter().filter_map(|(_, of)| of.last_call_ms()).max();
    let last = by_idp(traffic).into_values().max_by_key(|traffic| last_call(traffic))?;
    usual_gap_ms(last.iter().map(|(_, traffic)| *traffic))
}
