//! The ledger's rules a second time, in memory and without counters: holders are counted anew for every question.

use seat_ledger::{License, Policy, Seat, State};

use crate::support::{Ask, both, lite, member};

/// One person; the place in the queue is a number that grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) ask: Ask,
    pub(crate) granted: Option<License>,
    pub(crate) state: State,
    place: Option<u64>,
}

impl Person {
    fn license(&self) -> License {
        self.ask.request(true).license
    }

    /// Whether the ledger says the same.
    pub(crate) fn is(&self, seat: &Seat) -> bool {
        let request = self.ask.request(true);
        (seat.role.as_str(), &seat.requested, &seat.granted, seat.state)
            == (request.role.as_str(), &request.license, &self.granted, self.state)
    }
}

/// One tenant.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) people: Vec<Option<Person>>,
    quotas: [Option<i64>; 2],
    member_policy: Policy,
    next_place: u64,
}

fn index(license: &License) -> usize {
    license.rank()
}

impl Reference {
    /// As the migration leaves it: no seats, Member falls back.
    pub(crate) fn new(people: usize) -> Self {
        Self {
            people: vec![None; people],
            quotas: [Some(0), Some(0)],
            member_policy: Policy::Fallback,
            next_place: 0,
        }
    }

    pub(crate) fn quota(&self, license: &License) -> Option<i64> {
        self.quotas[index(license)]
    }

    pub(crate) fn used(&self, license: &License) -> i64 {
        let holds = |person: &&Person| person.granted.as_ref() == Some(license);
        i64::try_from(self.people.iter().flatten().filter(holds).count()).unwrap()
    }

    pub(crate) fn waiting(&self, license: &License) -> i64 {
        let waits = |person: &&Person| person.place.is_some() && person.license() == *license;
        i64::try_from(self.people.iter().flatten().filter(waits).count()).unwrap()
    }

    fn has_free(&self, license: &License) -> bool {
        self.quota(license).is_none_or(|quota| self.used(license) < quota)
    }

    /// `None` is a refusal, which changes nothing; else the other users who got a seat, in order.
    pub(crate) fn settle(&mut self, user: usize, ask: Ask, active: bool) -> Option<Vec<usize>> {
        if let Some(partner) = self.partner(user, ask, active) {
            let mut moved = Vec::new();
            self.people[user] = Some(Person { ask, ..self.people[user].clone().unwrap() });
            self.grant(user, &mut moved);
            self.grant(partner, &mut moved);
            return Some(vec![partner]);
        }
        let before = self.people[user].take();
        let Some(after) = self.place(before.as_ref(), ask, active) else {
            self.people[user] = before;
            return None;
        };
        self.people[user] = Some(after);
        let mut promoted = self.promote();
        promoted.retain(|promoted| *promoted != user);
        Some(promoted)
    }

    /// Where a person comes to stand; their own seat counts as free, so only a net increase is ever checked (S1).
    fn place(&mut self, before: Option<&Person>, ask: Ask, active: bool) -> Option<Person> {
        let request = ask.request(active);
        let held = before.and_then(|person| person.granted.clone());
        let stand = |granted, state, place| Some(Person { ask, granted, state, place });
        if !active {
            return stand(None, State::Suspended, None);
        }
        let lowered = held == Some(member()) && request.license == lite();
        let waits = before.filter(|b| {
            b.state == State::Fallback && b.license() == request.license && (request.may_fall_back || lowered)
        });
        if let Some(waiting) = waits {
            // S8: asking again keeps the place, even if a cut quota was raised unseen.
            return stand(waiting.granted.clone(), State::Fallback, waiting.place);
        }
        if held.as_ref() == Some(&request.license) || self.has_free(&request.license) {
            return stand(Some(request.license), State::Granted, None);
        }
        let instead = if lowered {
            // S1: to lower always passes, if the plan has the license (MO8).
            held.filter(|_| self.quota(&request.license) != Some(0))?
        } else {
            let falls_back = request.may_fall_back && self.member_policy == Policy::Fallback;
            let lesser = request.license.fallback().filter(|_| falls_back)?;
            (held.as_ref() == Some(&lesser) || self.has_free(&lesser)).then_some(lesser)?
        };
        self.next_place += 1;
        stand(Some(instead), State::Fallback, Some(self.next_place))
    }

    /// The user's partner in an exchange: each has the license that the other wants. No seat is taken, so no policy is asked
    /// (S1); the plan must have the lower license of the two (MO8).
    fn partner(&self, user: usize, ask: Ask, active: bool) -> Option<usize> {
        let wanted = ask.request(active).license;
        let held = self.people[user].as_ref()?.granted.clone().filter(|held| active && *held != wanted)?;
        if self.has_free(&wanted) || held == member() && self.quota(&wanted) == Some(0) {
            return None;
        }
        let first = self.first_waiting(&held)?;
        (self.people[first].as_ref()?.granted == Some(wanted) && first != user).then_some(first)
    }

    pub(crate) fn remove(&mut self, user: usize) -> Vec<usize> {
        self.people[user] = None;
        self.promote()
    }

    pub(crate) fn set_quota(&mut self, license: &License, quota: Option<i64>) -> Vec<usize> {
        self.quotas[index(license)] = quota;
        self.promote()
    }

    pub(crate) fn set_member_policy(&mut self, policy: Policy) {
        self.member_policy = policy;
    }

    /// S6: the next free seat goes to the user who has waited longest. Nobody waits for what another who waits would give.
    fn promote(&mut self) -> Vec<usize> {
        let mut promoted = Vec::new();
        loop {
            let first = both().map(|license| self.first_waiting(&license));
            let free = both()
                .into_iter()
                .zip(first)
                .find_map(|(license, first)| first.filter(|_| self.has_free(&license)));
            match free {
                Some(user) => self.grant(user, &mut promoted),
                None => {
                    assert!(first.contains(&None), "two who wait want each other's seats: {:?}", self.people);
                    return promoted;
                }
            }
        }
    }

    /// The users who wait for this license, in the order of the queue.
    pub(crate) fn queue(&self, license: &License) -> Vec<usize> {
        let people = self.people.iter().enumerate();
        let waiting = people.filter_map(|(user, person)| {
            let person = person.as_ref().filter(|person| person.license() == *license)?;
            Some((person.place?, user))
        });
        waiting.collect::<std::collections::BTreeSet<_>>().into_iter().map(|(_, user)| user).collect()
    }

    fn first_waiting(&self, license: &License) -> Option<usize> {
        self.queue(license).first().copied()
    }

    fn grant(&mut self, user: usize, promoted: &mut Vec<usize>) {
        let person = self.people[user].as_mut().unwrap();
        (person.granted, person.state, person.place) = (Some(person.license()), State::Granted, None);
        promoted.push(user);
    }
}
