//! What is remembered of a credential's requests: enough to tell an identity provider that is well from one that is not. The requests of
//! the last moments and those of all time have the same form, so that the first are added to the second.

use std::collections::{BTreeMap, VecDeque};

use profiles::Received;
use scim_core::{bulk::Method, leniency::Leniency, path::unknown_paths, resource::missing_names};
use serde::{Deserialize, Serialize};
use store::ReadTx;

use super::hours::{Counts, Hours};
use crate::{
    ProvisioningError,
    log::{Idp, is_name, unknown_names},
};

const MINUTE_MS: i64 = 60_000;

/// A time without a request is a pause from this long on.
const PAUSE_MS: i64 = 5 * MINUTE_MS;
/// Pauses that are remembered.
const PAUSES: usize = 50;
/// Pauses from which on it is known what is usual.
const FEWEST_PAUSES: usize = 3;
/// Names that are remembered.
const NAMES: usize = 20;

/// The requests of one credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// The identity provider that it is taken to be.
    pub idp: Idp,
    /// The first request and the last one, in milliseconds since 1970 UTC.
    pub(super) called: Option<Span>,
    /// The lengths of the last pauses in milliseconds, the newest last.
    pauses_ms: VecDeque<i64>,
    /// By the hours since 1970 UTC.
    hours: Hours,
    /// Lists and searches of people, of all time.
    pub(super) lookups: i64,
    /// Creates of people, answered or refused, of all time.
    pub(super) creates: i64,
    pub(super) role: RoleTraffic,
    /// When attributes were sent that no schema knows, by their names.
    pub(super) unknown: BTreeMap<String, Span>,
    /// When writes were refused because required attributes were missing, by the names as the answer listed them.
    pub(super) missing: BTreeMap<String, Span>,
    /// Writes refused for want of a seat, of all time, by license.
    no_seat: BTreeMap<String, i64>,
}

/// The traffic of each credential, by its key id.
pub type TrafficByCredential = BTreeMap<String, Traffic>;

/// The traffic of the credentials of each identity provider.
#[must_use]
pub fn by_idp(traffic: &TrafficByCredential) -> BTreeMap<Idp, Vec<(&str, &Traffic)>> {
    let mut idps: BTreeMap<Idp, Vec<(&str, &Traffic)>> = BTreeMap::new();
    for (credential, traffic) in traffic {
        idps.entry(traffic.idp).or_default().push((credential, traffic));
    }
    idps
}

/// The stored traffic of all credentials.
///
/// # Errors
/// When the store fails.
pub(crate) fn traffic_of_all(tx: &mut ReadTx<'_>) -> Result<TrafficByCredential, ProvisioningError> {
    let stored = directory::traffic::all(tx)?.into_iter();
    Ok(stored.map(|(credential, text)| (credential, Traffic::of_text(&text))).collect())
}

/// The first and the last time, in milliseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first.
    pub first_ms: i64,
    /// The last.
    pub last_ms: i64,
}

/// How the role came with the writes of people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RoleTraffic {
    /// Answered creates, replaces and updates.
    pub(super) writes: i64,
    pub(super) first_write_ms: Option<i64>,
    /// Whether any of them carried it, and whether a create did.
    pub(super) was_received: bool,
    pub(super) came_with_create: bool,
    /// Whether a replace or an update carried it, and the replaces without it since the last that did.
    came_with_change: bool,
    pub(super) replaced_without: i64,
    pub(super) without_since_ms: Option<i64>,
}

/// A write, as far as it is remembered.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// When it was answered.
    pub at_ms: i64,
    /// Whether it is about a person.
    pub is_of_person: bool,
    /// Its method; `None` for one that cannot be read.
    pub method: Option<Method>,
    /// What came of it: what it carried of the role, or the sentence of the refusal.
    pub result: Result<Option<Received>, &'a str>,
    /// The license that it found no seat of.
    pub no_seat: Option<&'a str>,
    /// What it was tolerated with.
    pub leniencies: &'a [(Leniency, String)],
}

impl Span {
    fn at(at_ms: i64) -> Self {
        Self { first_ms: at_ms, last_ms: at_ms }
    }

    fn and(self, other: Self) -> Self {
        Self { first_ms: self.first_ms.min(other.first_ms), last_ms: self.last_ms.max(other.last_ms) }
    }
}

impl Traffic {
    /// Those that are stored; none where the text is damaged.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The text to be stored.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Adds a request.
    pub fn call(&mut self, at_ms: i64, idp: Idp, is_lookup: bool) {
        self.be(idp);
        self.hear(Span::at(at_ms));
        if is_lookup {
            self.lookups += 1;
            self.hours.at(at_ms).lookups += 1;
        }
    }

    /// Adds a write, or an operation of a bulk. Its request is added apart.
    pub fn write(&mut self, written: &Written<'_>) {
        let Written { at_ms, is_of_person, method, result, no_seat, leniencies } = *written;
        let is_create = is_of_person && method == Some(Method::Post);
        let hour = self.hours.at(at_ms);
        hour.writes += 1;
        hour.creates += i64::from(is_create);
        hour.refused += i64::from(result.is_err());
        if let Some(license) = no_seat {
            hour.no_seat += 1;
            *self.no_seat.entry(license.to_owned()).or_default() += 1;
        }
        self.creates += i64::from(is_create);
        for name in unknown_names(leniencies.iter()) {
            see(&mut self.unknown, name, Span::at(at_ms));
        }
        match (result, method) {
            (Err(sentence), _) => {
                for path in unknown_paths(sentence).filter(|path| is_name(path)) {
                    see(&mut self.unknown, path, Span::at(at_ms));
                }
                if let Some(names) = missing_names(sentence) {
                    see(&mut self.missing, names, Span::at(at_ms));
                }
            }
            (Ok(Some(received)), Some(method)) if is_of_person => self.role.write(at_ms, method, received),
            _ => {}
        }
    }

    /// Adds newer ones.
    pub fn add(&mut self, newer: Self) {
        self.be(newer.idp);
        if let Some(called) = newer.called {
            self.hear(called);
        }
        newer.pauses_ms.into_iter().for_each(|pause_ms| self.pause(pause_ms));
        self.hours.add(newer.hours);
        self.lookups += newer.lookups;
        self.creates += newer.creates;
        self.role.add(newer.role);
        for (license, refused) in newer.no_seat {
            *self.no_seat.entry(license).or_default() += refused;
        }
        newer.unknown.into_iter().for_each(|(name, span)| see(&mut self.unknown, &name, span));
        newer.missing.into_iter().for_each(|(names, span)| see(&mut self.missing, &names, span));
    }

    /// An identity provider that was recognised once is not unknown again.
    fn be(&mut self, idp: Idp) {
        if idp != Idp::Other {
            self.idp = idp;
        }
    }

    fn hear(&mut self, called: Span) {
        if let Some(before) = self.called {
            self.pause(called.first_ms.saturating_sub(before.last_ms));
        }
        self.called = Some(self.called.map_or(called, |before| before.and(called)));
    }

    fn pause(&mut self, pause_ms: i64) {
        if pause_ms < PAUSE_MS {
            return;
        }
        self.pauses_ms.push_back(pause_ms);
        if self.pauses_ms.len() > PAUSES {
            self.pauses_ms.pop_front();
        }
    }

    /// The last request.
    #[must_use]
    pub fn last_call_ms(&self) -> Option<i64> {
        self.called.map(|called| called.last_ms)
    }

    /// Writes refused for want of a seat of this license, of all time.
    #[must_use]
    pub fn no_seat_of(&self, license: &str) -> i64 {
        self.no_seat.get(license).copied().unwrap_or_default()
    }

    /// Those of the last 24 hours, the first of them whole.
    #[must_use]
    pub fn of_last_day(&self, now_ms: i64) -> Counts {
        self.hours.of_last_day(now_ms)
    }
}

/// The usual pause of several credentials together, in milliseconds: the median of their last 50 pauses; `None` where too few are known.
#[must_use]
pub fn usual_gap_ms<'a>(traffic: impl Iterator<Item = &'a Traffic>) -> Option<i64> {
    let mut pauses: Vec<i64> = traffic.flat_map(|of| of.pauses_ms.iter().copied()).collect();
    pauses.sort_unstable();
    (pauses.len() >= FEWEST_PAUSES).then(|| pauses.get(pauses.len() / 2).copied()).flatten()
}

/// Notes a name; of too many the one that was seen the longest time ago is forgotten.
fn see(names: &mut BTreeMap<String, Span>, name: &str, span: Span) {
    match names.get_mut(name) {
        Some(seen) => *seen = seen.and(span),
        None => {
            names.insert(name.to_owned(), span);
        }
    }
    if names.len() > NAMES
        && let Some(oldest) = names.iter().min_by_key(|(_, span)| span.last_ms).map(|(name, _)| name.clone())
    {
        names.remove(&oldest);
    }
}

impl RoleTraffic {
    fn write(&mut self, at_ms: i64, method: Method, received: Received) {
        let is_carried = received != Received::Absent;
        self.writes += 1;
        self.first_write_ms = self.first_write_ms.or(Some(at_ms));
        self.was_received |= is_carried;
        match (method, is_carried) {
            (Method::Post, _) => self.came_with_create |= is_carried,
            (_, true) => self.come_with_change(),
            // A PATCH says what changes, so it says nothing by what it leaves out.
            (Method::Put, false) => {
                self.replaced_without += 1;
                self.without_since_ms = self.without_since_ms.or(Some(at_ms));
            }
            (Method::Patch | Method::Delete, false) => {}
        }
    }

    fn come_with_change(&mut self) {
        self.came_with_change = true;
        self.replaced_without = 0;
        self.without_since_ms = None;
    }

    fn add(&mut self, newer: Self) {
        self.writes += newer.writes;
        self.first_write_ms = self.first_write_ms.or(newer.first_write_ms);
        self.was_received |= newer.was_received;
        self.came_with_create |= newer.came_with_create;
        if newer.came_with_change {
            self.come_with_change();
        }
        self.replaced_without += newer.replaced_without;
        self.without_since_ms = self.without_since_ms.or(newer.without_since_ms);
    }
}

/// The traffic of several credentials together.
#[must_use]
pub fn together<'a>(traffic: impl Iterator<Item = &'a Traffic>) -> Traffic {
    let mut all: Vec<&Traffic> = traffic.collect();
    all.sort_by_key(|of| of.last_call_ms());
    all.into_iter().fold(Traffic::default(), |mut sum, of| {
        sum.add(of.clone());
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::super::hours::HOUR_MS;
    use super::*;

    const T: i64 = 1_800_000_000_000;

    fn written(method: Method, received: Received) -> Written<'static> {
        Written {
            at_ms: T,
            is_of_person: true,
            method: Some(method),
            result: Ok(Some(received)),
            no_seat: None,
            leniencies: &[],
        }
    }

    #[test]
    fn me15_pauses_of_five_minutes_and_more_tell_the_usual_gap_however_they_are_gathered() {
        let times = [0, 1, 40, 41, 79, 120, 124];
        let mut at_once = Traffic::default();
        let mut in_parts = Traffic::default();
        for minutes in times {
            at_once.call(T + minutes * MINUTE_MS, Idp::Entra, true);
            let mut part = Traffic::default();
            part.call(T + minutes * MINUTE_MS, Idp::Other, true);
            in_parts.add(part);
        }
        assert_eq!(at_once.pauses_ms, [39, 38, 41].map(|minutes| minutes * MINUTE_MS));
        assert_eq!(usual_gap_ms([&at_once].into_iter()), Some(39 * MINUTE_MS));
        in_parts.idp = Idp::Entra;
        assert_eq!(in_parts, at_once);
        assert_eq!(Traffic::of_text(&at_once.text()), at_once);
        at_once.pauses_ms.pop_back();
        assert_eq!(usual_gap_ms([&at_once].into_iter()), None);
    }

    #[test]
    fn counts_are_those_of_a_day() {
        let mut traffic = Traffic::default();
        for hours in [0, 1, 24, 30] {
            traffic.call(T + hours * HOUR_MS, Idp::Other, true);
        }
        let now = T + 30 * HOUR_MS;
        assert_eq!((traffic.of_last_day(now).lookups, traffic.lookups), (2, 4));
        let mut newer = Traffic::default();
        newer.call(now, Idp::Other, true);
        traffic.add(newer);
        assert_eq!((traffic.of_last_day(now).lookups, traffic.hours.len()), (3, 2));
    }

    #[test]
    fn mo14_replaces_without_the_role_count_since_the_last_change_with_it() {
        let mut role = Traffic::default();
        role.write(&written(Method::Post, Received::Mapped));
        role.write(&written(Method::Put, Received::Absent));
        role.write(&written(Method::Patch, Received::Absent));
        role.write(&written(Method::Post, Received::Mapped));
        assert_eq!(role.role.replaced_without, 1);
        let mut newer = Traffic::default();
        newer.write(&written(Method::Patch, Received::Empty));
        newer.write(&written(Method::Put, Received::Absent));
        role.add(newer);
        assert_eq!((role.role.replaced_without, role.role.writes), (1, 6));
    }

    #[test]
    fn names_are_remembered_up_to_a_bound_the_newest_ones() {
        let mut traffic = Traffic::default();
        for n in 0..30 {
            let leniencies = [(Leniency::UnknownAttribute, format!("typo{n}"))];
            let one =
                Written { at_ms: T + n, leniencies: &leniencies, ..written(Method::Put, Received::Absent) };
            traffic.write(&one);
        }
        assert_eq!(traffic.unknown.len(), NAMES);
        assert!(traffic.unknown.contains_key("typo29") && !traffic.unknown.contains_key("typo9"));
    }

    #[test]
    fn what_a_refusal_says_is_missing_is_remembered() {
        let mut traffic = Traffic::default();
        for sentence in ["The required attribute displayName is missing.", "No seat is free."] {
            traffic.write(&Written { result: Err(sentence), ..written(Method::Post, Received::Absent) });
        }
        assert_eq!(traffic.missing.keys().collect::<Vec<_>>(), ["displayName"]);
        assert_eq!((traffic.of_last_day(T).refused, traffic.creates), (2, 2));
    }
}
