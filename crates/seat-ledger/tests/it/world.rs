//! The ledger's rules a second time, for any number of licenses, in memory: people in a list, and everything counted anew for each
//! question. No counters, no SQL. Nothing that is dated waits for a tick here, so the test lets one follow whenever time passes.

use std::collections::{BTreeMap, BTreeSet};

use seat_ledger::{DAY_MS, Grace, Overage, Policy, State};

/// What a role needs: the place of its license, and whether its fallback will do. The place of a role is its rank.
pub(crate) const ROLES: [(&str, usize, bool); 5] =
    [("boss", 0, false), ("pro", 0, true), ("plus", 1, true), ("quiet", 1, false), ("basic", 2, false)];

/// The place of the fallback of each license.
const FALLBACKS: [Option<usize>; LICENSES] = [Some(1), Some(2), None];
pub(crate) const LICENSES: usize = 3;

/// Why a seat is one beyond the quota, with its place among those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Overage(u64),
    Borrowed(u64, i64),
}

impl Mark {
    fn place(self) -> u64 {
        match self {
            Self::Overage(place) | Self::Borrowed(place, _) => place,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) role: usize,
    pub(crate) asked: usize,
    pub(crate) held: Option<usize>,
    pub(crate) state: State,
    pub(crate) mark: Option<Mark>,
    pub(crate) kept_until: Option<i64>,
    place: Option<u64>,
}

impl Person {
    fn borrows(&self) -> bool {
        matches!(self.mark, Some(Mark::Borrowed(..)))
    }

    fn lowered(&self) -> bool {
        self.held.is_some_and(|held| held < self.asked)
    }

    fn waits(&self) -> bool {
        self.place.is_some()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) set: Option<i64>,
    pub(crate) policy: Policy,
    pub(crate) overage: Option<Overage>,
    pub(crate) grace: Option<Grace>,
    pub(crate) held: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) role: usize,
    pub(crate) active: bool,
    pub(crate) waits: bool,
    pub(crate) days: u32,
}

impl Ask {
    fn license(self) -> usize {
        ROLES[self.role].1
    }
}

/// What somebody without what was asked for may get.
#[derive(Clone, Copy)]
struct Want {
    asked: usize,
    falls: bool,
    waits: bool,
    borrows: bool,
}

/// Where somebody comes to stand.
struct Stand {
    held: Option<usize>,
    mark: Option<Mark>,
    /// The others in a ring.
    ring: Vec<usize>,
}

/// Other people whose seats moved.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) promoted: BTreeSet<usize>,
    pub(crate) altered: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) people: BTreeMap<usize, Person>,
    pub(crate) plans: Vec<Plan>,
    /// License, seats, first and last day.
    pub(crate) lines: BTreeMap<i64, (usize, i64, Option<i64>, Option<i64>)>,
    pub(crate) now: i64,
    places: u64,
}

impl World {
    pub(crate) fn new(now: i64, plans: Vec<Plan>) -> Self {
        Self { people: BTreeMap::new(), plans, lines: BTreeMap::new(), now, places: 0 }
    }

    fn next_place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    pub(crate) fn quota(&self, license: usize) -> Option<i64> {
        let counts = |from: &Option<i64>, until: &Option<i64>| {
            from.is_none_or(|day| day * DAY_MS <= self.now) && until.is_none_or(|day| self.now < day * DAY_MS)
        };
        let lines = self.lines.values().filter(|(of, _, from, until)| *of == license && counts(from, until));
        Some(self.plans[license].set? + lines.map(|line| line.1).sum::<i64>())
    }

    fn overage(&self, license: usize) -> i64 {
        let plan = &self.plans[license];
        let overage = plan.overage.filter(|_| plan.policy == Policy::Overage);
        let overage = overage.filter(|o| o.until.is_none_or(|until| self.now < until.start_ms()));
        overage.map_or(0, |overage| i64::from(overage.seats))
    }

    fn count(&self, is: impl Fn(&Person) -> bool) -> i64 {
        i64::try_from(self.people.values().filter(|person| is(person)).count()).unwrap()
    }

    pub(crate) fn used(&self, license: usize) -> i64 {
        self.count(|person| person.held == Some(license))
    }

    pub(crate) fn borrowed(&self, license: usize) -> i64 {
        self.count(|person| person.held == Some(license) && person.borrows())
    }

    fn over(&self, license: usize) -> i64 {
        self.count(|person| person.held == Some(license) && matches!(person.mark, Some(Mark::Overage(_))))
    }

    pub(crate) fn overage_used(&self, license: usize) -> i64 {
        self.over(license).min(self.overage(license))
    }

    pub(crate) fn debt(&self, license: usize) -> i64 {
        let over = self.quota(license).map_or(0, |quota| (self.used(license) - quota).max(0));
        over - self.overage_used(license) - self.borrowed(license)
    }

    pub(crate) fn holds(&self, license: usize) -> bool {
        self.plans[license].held || self.plans[license].policy == Policy::Hold
    }

    fn is_free(&self, license: usize) -> bool {
        self.quota(license).is_none_or(|quota| self.used(license) < quota)
    }

    fn is_free_at_all(&self, license: usize) -> bool {
        self.quota(license).is_none_or(|quota| self.used(license) < quota + self.overage(license))
    }

    /// Who waits for a license, in order.
    pub(crate) fn queue(&self, license: usize) -> Vec<usize> {
        let waiting = self.people.iter().filter(|(_, person)| person.waits() && person.asked == license);
        let mut waiting: Vec<_> = waiting.map(|(name, person)| (person.role, person.place, *name)).collect();
        waiting.sort_unstable();
        waiting.into_iter().map(|(_, _, name)| name).collect()
    }

    /// `None`: refused, and nothing is changed.
    pub(crate) fn settle(&mut self, name: usize, ask: Ask) -> Option<Moved> {
        let before = self.people.get(&name).cloned();
        if before.as_ref().is_some_and(|person| Self::meets(person, ask)) {
            return Some(Moved::default());
        }
        let asked = ask.license();
        let mut stand = Stand { held: None, mark: None, ring: Vec::new() };
        let (mut kept_until, held) = (None, before.as_ref().and_then(|person| person.held));
        if !ask.active {
            if let Some(person) = &before
                && held.is_some()
                && !person.borrows()
                && (person.kept_until.is_some() || ask.days > 0)
            {
                kept_until = person.kept_until.or(Some(self.now + i64::from(ask.days) * DAY_MS));
                (stand.held, stand.mark) = (held, person.mark);
            }
        } else if let Some(person) = before.as_ref().filter(|person| Self::stays(person, ask)) {
            (stand.held, stand.mark) = (person.held, person.mark);
        } else {
            let want = Want { asked, falls: ROLES[ask.role].2, waits: ask.waits, borrows: true };
            stand = self.stand(Some(name), want)?;
        }
        let state = if ask.active { Self::state(stand.held, asked) } else { State::Suspended };
        let mut moved = Moved { promoted: stand.ring.iter().copied().collect(), ..Moved::default() };
        let place = before.as_ref().filter(|person| person.asked == asked).and_then(|person| person.place);
        let place = matches!(state, State::Fallback | State::Waitlisted)
            .then(|| place.unwrap_or_else(|| self.next_place()));
        let (gave, got) = (stand.ring.is_empty(), stand.held);
        let person =
            Person { role: ask.role, asked, held: stand.held, state, mark: stand.mark, kept_until, place };
        self.people.insert(name, person);
        let freed = held.filter(|held| gave && Some(*held) != got);
        self.fill(freed.into_iter().collect(), &mut moved);
        Some(moved)
    }

    fn state(held: Option<usize>, asked: usize) -> State {
        match held {
            Some(held) if held == asked => State::Granted,
            Some(_) => State::Fallback,
            None => State::Waitlisted,
        }
    }

    fn meets(person: &Person, ask: Ask) -> bool {
        let active = match person.state {
            State::Suspended => false,
            State::Held => return false,
            _ => true,
        };
        active == ask.active && person.asked == ask.license() && person.role == ask.role
    }

    /// Whether an active person has what is asked for, or waits for it already.
    fn stays(person: &Person, ask: Ask) -> bool {
        let waits = person.waits() && person.asked == ask.license();
        let may_wait = ROLES[ask.role].2
            || person.role == ask.role
            || person.lowered()
            || person.state == State::Waitlisted;
        person.held == Some(ask.license()) || waits && may_wait
    }

    /// Where a person comes to stand who asks for a license; a ring is moved here.
    fn stand(&mut self, name: Option<usize>, want: Want) -> Option<Stand> {
        let wanted = want.asked;
        let of = |held, mark| Some(Stand { held: Some(held), mark, ring: Vec::new() });
        if self.is_free(wanted) {
            return of(wanted, None);
        }
        let person = name.and_then(|name| self.people.get(&name).cloned());
        let held = person.as_ref().and_then(|person| person.held);
        let waits = want.waits || self.holds(wanted);
        let lowered = held.is_some_and(|held| held < wanted);
        let has_any = self.quota(wanted).is_none_or(|quota| quota + self.overage(wanted) > 0);
        let offered = !lowered || waits || has_any;
        if let (Some(name), Some(held)) = (name, held)
            && offered
            && !person.as_ref().unwrap().borrows()
            && let Some(ring) = self.ring(held, wanted)
        {
            let mark = self.turn(name, &ring);
            return Some(Stand { held: Some(wanted), mark, ring });
        }
        if self.is_free_at_all(wanted) {
            let place = self.next_place();
            return of(wanted, Some(Mark::Overage(place)));
        }
        if let Some(grace) = self.plans[wanted].grace
            && want.borrows
            && !lowered
            && self.borrowed(wanted) < i64::from(grace.seats)
            && self.queue(wanted).is_empty()
        {
            let place = self.next_place();
            let until = self.now + i64::from(grace.minutes) * 60_000;
            return of(wanted, Some(Mark::Borrowed(place, until)));
        }
        let mark = person.as_ref().and_then(|person| person.mark);
        if lowered && offered {
            return of(held.unwrap(), mark);
        }
        let mut chain_holds = false;
        if want.falls && self.plans[wanted].policy == Policy::Fallback {
            let mut above = wanted;
            while let Some(lesser) = FALLBACKS[above] {
                if held.is_some_and(|held| held > wanted && held <= lesser) {
                    return of(held.unwrap(), mark);
                }
                if self.is_free(lesser) {
                    return of(lesser, None);
                }
                if self.is_free_at_all(lesser) {
                    let place = self.next_place();
                    return of(lesser, Some(Mark::Overage(place)));
                }
                chain_holds = self.holds(lesser);
                if self.plans[lesser].policy != Policy::Fallback {
                    break;
                }
                above = lesser;
            }
        }
        (waits || chain_holds).then_some(Stand {
            held,
            mark: mark.filter(|_| held.is_some()),
            ring: Vec::new(),
        })
    }

    /// The people who together give a seat of `wanted` for one of `held`: the shortest row, of the dearest licenses.
    fn ring(&self, held: usize, wanted: usize) -> Option<Vec<usize>> {
        let mut rows: Vec<Vec<usize>> = vec![vec![wanted]];
        for _ in 0..LICENSES {
            let mut longer = Vec::new();
            for row in &rows {
                for next in (0..LICENSES).filter(|next| !row.contains(next)) {
                    if self.giver(*row.last().unwrap(), next).is_some() {
                        longer.push([row.as_slice(), &[next]].concat());
                    }
                }
            }
            if let Some(row) = longer.iter().find(|row| *row.last().unwrap() == held) {
                return Some(row.windows(2).map(|pair| self.giver(pair[0], pair[1]).unwrap()).collect());
            }
            rows = longer;
        }
        None
    }

    fn giver(&self, held: usize, wanted: usize) -> Option<usize> {
        let gives = |name: &usize| self.people[name].held == Some(held) && !self.people[name].borrows();
        self.queue(wanted).into_iter().find(gives)
    }

    /// Moves the others in a ring; returns the mark of the seat that the person gets.
    fn turn(&mut self, name: usize, ring: &[usize]) -> Option<Mark> {
        let marks: Vec<_> = ring.iter().chain([&name]).map(|giver| self.people[giver].mark).collect();
        for (giver, mark) in ring.iter().zip(&marks[1..]) {
            self.grant(*giver, *mark);
        }
        marks[0]
    }

    fn grant(&mut self, name: usize, mark: Option<Mark>) {
        let person = self.people.get_mut(&name).unwrap();
        person.held = Some(person.asked);
        (person.state, person.place, person.mark) = (State::Granted, None, mark);
    }

    pub(crate) fn remove(&mut self, name: usize) -> Moved {
        let mut moved = Moved::default();
        let held = self.people.remove(&name).and_then(|person| person.held);
        self.fill(held.into_iter().collect(), &mut moved);
        moved
    }

    pub(crate) fn hold_back(&mut self, name: usize, ask: Ask) {
        if let Some(person) = self.people.get_mut(&name)
            && person.held.is_some()
            && person.state != State::Suspended
        {
            (person.asked, person.state, person.place) = (ask.license(), State::Held, None);
        }
    }

    pub(crate) fn fill_all(&mut self) -> Moved {
        let mut moved = Moved::default();
        self.fill((0..LICENSES).collect(), &mut moved);
        moved
    }

    fn fill(&mut self, mut open: BTreeSet<usize>, moved: &mut Moved) {
        while let Some(license) = open.pop_first() {
            self.repay(license, moved);
            while self.is_free_at_all(license)
                && let Some(first) = self.queue(license).first().copied()
            {
                open.extend(self.people[&first].held);
                let place = self.people[&first].place.unwrap();
                let mark = (!self.is_free(license)).then_some(Mark::Overage(place));
                self.grant(first, mark);
                moved.promoted.insert(first);
            }
        }
    }

    fn marked(&self, license: usize, borrowed: bool) -> Option<usize> {
        let of = self.people.iter().filter(|(_, person)| {
            person.held == Some(license) && person.mark.is_some() && person.borrows() == borrowed
        });
        of.min_by_key(|(_, person)| person.mark.map(Mark::place)).map(|(name, _)| *name)
    }

    fn repay(&mut self, license: usize, moved: &mut Moved) {
        let plain = |world: &Self| world.used(license) - world.borrowed(license) - world.over(license);
        let quota = self.quota(license).unwrap_or(i64::MAX);
        let capacity = quota.saturating_add(self.overage(license));
        while self.used(license) - self.borrowed(license) < capacity
            && let Some(name) = self.marked(license, true)
        {
            let place = self.people[&name].mark.unwrap().place();
            let mark = (plain(self) >= quota).then_some(Mark::Overage(place));
            self.people.get_mut(&name).unwrap().mark = mark;
            self.ease(name, moved);
        }
        while plain(self) < quota
            && let Some(name) = self.marked(license, false)
        {
            self.people.get_mut(&name).unwrap().mark = None;
            self.ease(name, moved);
        }
    }

    /// A person with a seat that is theirs now; whoever waits meanwhile may have one to exchange.
    fn ease(&mut self, name: usize, moved: &mut Moved) {
        moved.altered.insert(name);
        let person = self.people[&name].clone();
        if person.waits()
            && let Some(ring) = self.ring(person.held.unwrap(), person.asked)
        {
            let mark = self.turn(name, &ring);
            self.grant(name, mark);
            moved.altered.remove(&name);
            moved.promoted.extend(ring);
            moved.promoted.insert(name);
        }
    }

    /// What falls due.
    pub(crate) fn due(&mut self) -> Moved {
        let mut moved = Moved::default();
        let ended = |until: Option<i64>, now| until.is_some_and(|until| until <= now);
        let now = self.now;
        for (name, person) in &mut self.people {
            if ended(person.kept_until, now) {
                (person.held, person.mark, person.kept_until) = (None, None, None);
                moved.altered.insert(*name);
            }
        }
        self.fill((0..LICENSES).collect(), &mut moved);
        for license in 0..LICENSES {
            let mut ended: Vec<_> = self
                .people
                .iter()
                .filter(|(_, person)| person.held == Some(license))
                .filter_map(|(name, person)| match person.mark {
                    Some(Mark::Borrowed(place, until)) if until <= now => Some((place, *name)),
                    _ => None,
                })
                .collect();
            ended.sort_unstable();
            for (_, name) in ended {
                self.end_borrowing(name);
                moved.altered.insert(name);
            }
        }
        moved
    }

    fn end_borrowing(&mut self, name: usize) {
        let person = self.people.get_mut(&name).unwrap();
        (person.held, person.mark) = (None, None);
        let want = Want { asked: person.asked, falls: ROLES[person.role].2, waits: true, borrows: false };
        let asked = want.asked;
        let stand = self.stand(None, want).unwrap();
        let place = self.people[&name].place;
        let state = Self::state(stand.held, asked);
        let place = (state != State::Granted).then(|| place.unwrap_or_else(|| self.next_place()));
        let person = self.people.get_mut(&name).unwrap();
        (person.held, person.mark, person.state, person.place) = (stand.held, stand.mark, state, place);
    }
}
