//! The ledger's rules a second time, in memory and without counters: who holds what is counted anew at every question.

use seat_ledger::{License, Policy, Seat, State};

use crate::support::Ask;

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
        self.ask.wish(true).license
    }

    /// Whether the ledger says the same.
    pub(crate) fn is(&self, seat: &Seat) -> bool {
        let wish = self.ask.wish(true);
        (seat.role.as_str(), seat.requested, seat.granted, seat.state)
            == (wish.role, wish.license, self.granted, self.state)
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

fn index(license: License) -> usize {
    usize::from(license != License::Member)
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

    pub(crate) fn quota(&self, license: License) -> Option<i64> {
        self.quotas[index(license)]
    }

    pub(crate) fn used(&self, license: License) -> i64 {
        let holds = |person: &&Person| person.granted == Some(license);
        i64::try_from(self.people.iter().flatten().filter(holds).count()).unwrap()
    }

    pub(crate) fn waiting(&self) -> i64 {
        let waits = |person: &&Person| person.place.is_some();
        i64::try_from(self.people.iter().flatten().filter(waits).count()).unwrap()
    }

    fn has_free(&self, license: License) -> bool {
        self.quota(license).is_none_or(|quota| self.used(license) < quota)
    }

    /// `None` is a refusal, which changes nothing; else who was promoted, in order.
    pub(crate) fn settle(&mut self, user: usize, ask: Ask, active: bool) -> Option<Vec<usize>> {
        let before = self.people[user].take();
        match self.place(before.as_ref(), ask, active) {
            Some(after) => {
                self.people[user] = Some(after);
                Some(self.promote())
            }
            None => {
                self.people[user] = before;
                None
            }
        }
    }

    /// Where a person comes to stand; their own seat counts as free, so only a net increase is ever checked (S1).
    fn place(&mut self, before: Option<&Person>, ask: Ask, active: bool) -> Option<Person> {
        let wish = ask.wish(active);
        let held = before.and_then(|person| person.granted);
        let stand = |granted, state, place| Some(Person { ask, granted, state, place });
        if !active {
            return stand(None, State::Suspended, None);
        }
        let waits = before
            .filter(|b| b.state == State::Fallback && b.license() == wish.license && wish.may_fall_back);
        if let Some(waiting) = waits {
            // S8: asking again keeps the place, even if a cut quota was raised unseen.
            return stand(waiting.granted, State::Fallback, waiting.place);
        }
        if held == Some(wish.license) || self.has_free(wish.license) {
            return stand(Some(wish.license), State::Granted, None);
        }
        let lesser = wish
            .license
            .fallback()
            .filter(|_| wish.may_fall_back && self.member_policy == Policy::Fallback)?;
        (held == Some(lesser) || self.has_free(lesser)).then(|| {
            self.next_place += 1;
            Person { ask, granted: Some(lesser), state: State::Fallback, place: Some(self.next_place) }
        })
    }

    pub(crate) fn remove(&mut self, user: usize) -> Vec<usize> {
        self.people[user] = None;
        self.promote()
    }

    pub(crate) fn set_quota(&mut self, license: License, quota: Option<i64>) -> Vec<usize> {
        self.quotas[index(license)] = quota;
        self.promote()
    }

    pub(crate) fn set_member_policy(&mut self, policy: Policy) {
        self.member_policy = policy;
    }

    /// S6: the next free Member seat is for who waits longest.
    fn promote(&mut self) -> Vec<usize> {
        let mut promoted = Vec::new();
        while self.has_free(License::Member) {
            let people = self.people.iter_mut().enumerate();
            let waiting = people.filter_map(|(user, person)| Some((person.as_ref()?.place?, user, person)));
            let Some((_, user, first)) = waiting.min_by_key(|(place, ..)| *place) else { break };
            let ask = first.as_ref().unwrap().ask;
            *first = Some(Person { ask, granted: Some(License::Member), state: State::Granted, place: None });
            promoted.push(user);
        }
        promoted
    }
}
