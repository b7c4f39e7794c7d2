//! Random lives of a small tenant with three licenses: every act, policy and date, step by step beside [`World`]. Each step is a
//! transaction of its own, because time passes between them. `USHER_SEAT_STEPS` sets how many steps each database lives.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicI64, Ordering},
};

use seat_ledger::{
    DAY_MS, Day, Definition, Grace, License, Licenses, Moves, Overage, Policy, SeatError, SeatRequest, State,
    audit,
    lines::{self, Line},
    plan, pools, seats, waiting,
};
use store::{Clock, ReadTx, Store};
use testkit::{clocks::settings, dice::Dice, stores::FreshStore};

use crate::{
    support::{MIGRATIONS, write},
    world::{Ask, LICENSES, Mark, Moved, Plan, ROLES, World},
};

const PEOPLE: u64 = 9;
const DEFAULT_STEPS: u64 = 1_500;
/// 2027-01-15.
const START: i64 = 20_833 * DAY_MS;

static ALL: LazyLock<Licenses> = LazyLock::new(|| {
    let license = |key: &str, policy, fallback: Option<&str>| Definition {
        key: key.into(),
        title: key.to_uppercase(),
        quota: Some(2),
        policy,
        fallback: fallback.map(Into::into),
    };
    Licenses::new(vec![
        license("gold", Policy::Fallback, Some("silver")),
        license("silver", Policy::Fallback, Some("bronze")),
        license("bronze", Policy::Refuse, None),
    ])
    .unwrap()
});

fn license(place: usize) -> License {
    ALL.iter().nth(place).unwrap()
}

fn name(person: usize) -> String {
    format!("p{person}")
}

fn person(name: &str) -> usize {
    name[1..].parse().unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Settle(usize, Ask),
    HoldBack(usize, Ask),
    Remove(usize),
    Quota(usize, Option<i64>),
    Policy(usize, Policy),
    Overage(usize, Option<Overage>),
    Grace(usize, Option<Grace>),
    Hold,
    EndHold,
    AddLine(usize, u32, Option<i64>, Option<i64>),
    RemoveLine(i64),
    Pass(i64),
}

fn day(number: i64) -> Day {
    Day::since_1970(number).unwrap()
}

fn step(dice: &mut Dice, world: &World) -> Step {
    let who = dice.index(usize::try_from(PEOPLE).unwrap());
    let ask = Ask {
        role: dice.index(ROLES.len()),
        active: !dice.one_in(5),
        waits: dice.one_in(6),
        days: u32::from(dice.one_in(3)),
    };
    let of = dice.index(LICENSES);
    let today = world.now / DAY_MS;
    match dice.below(100) {
        0..=57 => Step::Settle(who, ask),
        58..=60 => Step::HoldBack(who, ask),
        61..=66 => Step::Remove(who),
        67..=74 => Step::Quota(of, (!dice.one_in(25)).then(|| i64::try_from(dice.below(3)).unwrap())),
        75..=80 => {
            let all = [Policy::Refuse, Policy::Fallback, Policy::Hold, Policy::Overage];
            let policy = all[dice.index(4)];
            let falls = of + 1 < LICENSES || policy != Policy::Fallback;
            Step::Policy(of, if falls { policy } else { Policy::Refuse })
        }
        81..=83 => {
            let until = dice.one_in(2).then(|| day(today + i64::try_from(dice.below(3)).unwrap()));
            let seats = u32::try_from(dice.below(3)).unwrap();
            Step::Overage(of, (!dice.one_in(4)).then_some(Overage { seats, until }))
        }
        84..=86 => {
            let seats = 1 + u32::try_from(dice.below(2)).unwrap();
            Step::Grace(of, (!dice.one_in(4)).then_some(Grace { seats, minutes: 45 }))
        }
        87 => Step::Hold,
        88..=89 => Step::EndHold,
        90..=92 if world.lines.len() < 3 => {
            let from = dice.one_in(2).then(|| today + i64::try_from(dice.below(3)).unwrap());
            let until = dice.one_in(2).then(|| today + 3 + i64::try_from(dice.below(3)).unwrap());
            Step::AddLine(of, 1 + u32::try_from(dice.below(2)).unwrap(), from, until)
        }
        90..=94 => match world.lines.keys().nth(dice.index(world.lines.len().max(1))) {
            Some(line) => Step::RemoveLine(*line),
            None => Step::Pass(60_000),
        },
        95..=97 => Step::Pass(i64::try_from(dice.below(40)).unwrap() * 60_000),
        _ => Step::Pass(i64::try_from(dice.below(40)).unwrap() * 3_600_000),
    }
}

fn request(ask: Ask) -> SeatRequest {
    let (role, of, may_fall_back) = ROLES[ask.role];
    SeatRequest {
        role: role.to_owned(),
        role_rank: i64::try_from(ask.role).unwrap(),
        license: license(of),
        may_fall_back,
        active: ask.active,
        waits: ask.waits,
        seat_grace_days: ask.days,
    }
}

fn moved(moves: &Moves) -> Moved {
    let names = |seats: &[seat_ledger::Seat]| seats.iter().map(|seat| person(&seat.user_id)).collect();
    Moved { promoted: names(&moves.promoted), altered: names(&moves.altered) }
}

/// One step on the store; `None` is a refusal.
async fn on_store(store: &Store, step: Step, clock: &AtomicI64) -> Option<Moved> {
    if let Step::Pass(ms) = step {
        clock.fetch_add(ms, Ordering::Relaxed);
        return Some(moved(&write(store, |tx| seat_ledger::due(tx, &ALL)).await.unwrap()));
    }
    let done = write(store, move |tx| {
        let change = match step {
            Step::Settle(who, ask) => return Ok(seats::settle(tx, &name(who), &request(ask))?.moves),
            Step::HoldBack(who, ask) => {
                let change = seats::hold_back(tx, &name(who), &request(ask))?;
                return Ok(change.map(|change| change.moves).unwrap_or_default());
            }
            Step::Remove(who) => return Ok(seats::remove(tx, &ALL, &name(who))?.moves),
            Step::Quota(of, quota) => plan::set_quota(tx, &license(of), quota).map(drop),
            Step::Policy(of, policy) => plan::set_policy(tx, &license(of), policy),
            Step::Overage(of, overage) => plan::set_overage(tx, &license(of), overage),
            Step::Grace(of, grace) => plan::set_grace(tx, &license(of), grace),
            Step::Hold => plan::hold(tx, &ALL, "too many refusals"),
            Step::EndHold => plan::end_hold(tx),
            Step::AddLine(of, seats, from, until) => {
                let line = Line {
                    line: 0,
                    license: license(of),
                    seats,
                    from: from.map(day),
                    until: until.map(day),
                    source: "order".into(),
                };
                plan::add_line(tx, line).map(drop)
            }
            Step::RemoveLine(line) => plan::remove_line(tx, &ALL, line).map(drop),
            Step::Pass(_) => Ok(()),
        };
        change?;
        seats::promote(tx, &ALL)
    });
    match done.await {
        Ok(moves) => Some(moved(&moves)),
        Err(SeatError::LimitReached(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

fn in_world(world: &mut World, step: &Step, lines: i64) -> Option<Moved> {
    match step.clone() {
        Step::Settle(who, ask) => return world.settle(who, ask),
        Step::HoldBack(who, ask) => {
            world.hold_back(who, ask);
            return Some(Moved::default());
        }
        Step::Remove(who) => return Some(world.remove(who)),
        Step::Pass(ms) => {
            world.now += ms;
            return Some(world.due());
        }
        Step::Quota(of, quota) => world.plans[of].set = quota,
        Step::Policy(of, policy) => (world.plans[of].policy, world.plans[of].held) = (policy, false),
        Step::Overage(of, overage) => world.plans[of].overage = overage,
        Step::Grace(of, grace) => world.plans[of].grace = grace,
        Step::Hold => world.plans.iter_mut().for_each(|plan| plan.held = true),
        Step::EndHold => world.plans.iter_mut().for_each(|plan| plan.held = false),
        Step::AddLine(of, seats, from, until) => {
            world.lines.insert(lines, (of, i64::from(seats), from, until));
        }
        Step::RemoveLine(line) => {
            world.lines.remove(&line);
        }
    }
    Some(world.fill_all())
}

/// The store holds what the world holds, and its counts are one number.
fn agrees(tx: &mut ReadTx<'_>, world: &World) -> Result<(), SeatError> {
    for who in 0..usize::try_from(PEOPLE).unwrap() {
        let seat = seats::find(tx, &ALL, &name(who))?;
        let told = seat.as_ref().map(|seat| {
            let place = |license: &License| license.rank();
            let role = ROLES.iter().position(|(role, ..)| *role == seat.role).unwrap();
            let held = seat.granted.as_ref().map(place);
            let times = (seat.is_overage(), seat.borrowed_until_ms, seat.kept_until_ms);
            (role, place(&seat.requested), held, seat.state, times)
        });
        let expected = world.people.get(&who).map(|person| {
            let borrowed = match person.mark {
                Some(Mark::Borrowed(_, until)) => Some(until),
                _ => None,
            };
            let times = (matches!(person.mark, Some(Mark::Overage(_))), borrowed, person.kept_until);
            (person.role, person.asked, person.held, person.state, times)
        });
        assert_eq!(told, expected, "p{who}");
    }
    let queues = waiting(tx, &ALL, 100)?;
    let (mut holders, mut waitlisted) = (0, 0);
    for (place, pool) in pools::all(tx, &ALL)?.iter().enumerate() {
        let queue: Vec<usize> =
            queues.iter().filter(|w| w.license == pool.license.key()).map(|w| person(&w.user_id)).collect();
        assert_eq!(queue, world.queue(place), "{}", pool.license);
        assert_eq!(pool, &pools::get(tx, &pool.license)?);
        let overage = pool.overage.map(|overage| overage.used);
        let told = (pool.quota, pool.used, pool.borrowed, overage.unwrap_or_default(), pool.debt);
        let overage = world.overage_used(place);
        let expected =
            (world.quota(place), world.used(place), world.borrowed(place), overage, world.debt(place));
        assert_eq!(told, expected, "{}", pool.license);
        assert_eq!(pool.waiting, i64::try_from(queue.len()).unwrap());
        assert_eq!(pool.in_force == Policy::Hold, world.holds(place));
    }
    for (license, count) in audit::recount(tx, &ALL)? {
        assert!(count.adds_up() && count.is_within() && !count.keeps_waiting(), "{license}: {count:?}");
        holders += count.holders;
        waitlisted += count.waitlisted;
    }
    let active = world.people.values().filter(|person| person.state != State::Suspended).count();
    let kept = world.people.values().filter(|person| person.kept_until.is_some()).count();
    assert_eq!(i64::try_from(active + kept).unwrap(), holders + waitlisted);
    assert_eq!(lines::all(tx, &ALL)?.len(), world.lines.len());
    Ok(())
}

/// What must never happen by accident: each of these is met in a run.
#[derive(Debug, Default)]
struct Met {
    refused: u32,
    promoted: u32,
    altered: u32,
    borrowed: u32,
    overage: u32,
    debt: u32,
    kept: u32,
    waitlisted: u32,
    held: u32,
}

impl Met {
    fn note(&mut self, world: &World, done: Option<&Moved>) {
        self.refused += u32::from(done.is_none());
        let (promoted, altered) = done.map_or((0, 0), |d| (d.promoted.len(), d.altered.len()));
        self.promoted += u32::from(promoted > 0);
        self.altered += u32::from(altered > 0);
        for of in 0..LICENSES {
            self.borrowed += u32::from(world.borrowed(of) > 0);
            self.overage += u32::from(world.overage_used(of) > 0);
            self.debt += u32::from(world.debt(of) > 0);
        }
        let any = |is: fn(&crate::world::Person) -> bool| u32::from(world.people.values().any(is));
        self.kept += any(|person| person.kept_until.is_some());
        self.waitlisted += any(|person| person.state == State::Waitlisted);
        self.held += any(|person| person.state == State::Held);
    }

    fn all(&self) -> [u32; 9] {
        [
            self.refused,
            self.promoted,
            self.altered,
            self.borrowed,
            self.overage,
            self.debt,
            self.kept,
            self.waitlisted,
            self.held,
        ]
    }
}

async fn live(fresh: &FreshStore, clock: &AtomicI64, seed: u64, steps: u64) -> Met {
    let store = &fresh.store;
    write(store, |tx| pools::make(tx, &ALL)).await.unwrap();
    let plan = |policy| Plan { set: Some(2), policy, overage: None, grace: None, held: false };
    let plans = [Policy::Fallback, Policy::Fallback, Policy::Refuse].map(plan).to_vec();
    let (mut world, mut dice, mut met) = (World::new(START, plans), Dice::new(seed), Met::default());
    let (mut lines, mut past) = (0, Vec::new());
    for number in 0..steps {
        let step = step(&mut dice, &world);
        lines += i64::from(matches!(step, Step::AddLine(..)));
        past.push(step.clone());
        let expected = in_world(&mut world, &step, lines);
        let done = on_store(store, step.clone(), clock).await;
        let last = || past.iter().rev().take(12).collect::<Vec<_>>();
        assert_eq!(done, expected, "{}: step {number} of seed {seed}: {:#?}", fresh.database, last());
        let (at, told) = (world.clone(), format!("step {number} of seed {seed}: {:#?}", last()));
        let agreed = store.read(move |tx| {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| agrees(tx, &at)));
            caught.unwrap_or_else(|_| panic!("{told}"))
        });
        agreed.await.unwrap();
        met.note(&world, done.as_ref());
    }
    met
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_to_s9_with_three_licenses_and_every_policy_the_ledger_lives_as_its_model_does() {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap());
    let (steps, seed) = (number("USHER_SEAT_STEPS", DEFAULT_STEPS), number("USHER_SEAT_SEED", 1));
    for postgres in [false, true] {
        let now = Arc::new(AtomicI64::new(START));
        let wall = Arc::clone(&now);
        let clock = Clock::reading(Clock::AHEAD * 100, move || wall.load(Ordering::Relaxed));
        let fresh = match postgres {
            false => FreshStore::sqlite_with(MIGRATIONS, settings(clock)).await,
            true => FreshStore::postgres_with(MIGRATIONS, settings(clock)).await,
        };
        let met = live(&fresh, &now, seed, steps).await;
        assert!(steps < DEFAULT_STEPS || met.all().iter().all(|times| *times >= 3), "too seldom: {met:?}");
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_three_people_who_wait_for_one_anothers_seats_exchange_them_in_one_step() {
    testkit::stores::on_each_store(MIGRATIONS, async |store: Store| {
        let role = |role| Ask { role, active: true, waits: false, days: 0 };
        let settled = async |who: usize, ask: Ask| {
            write(&store, move |tx| seats::settle(tx, &name(who), &request(ask))).await.unwrap()
        };
        write(&store, |tx| {
            pools::make(tx, &ALL)?;
            (0..LICENSES).try_for_each(|of| plan::set_quota(tx, &license(of), Some(1)).map(drop))
        })
        .await
        .unwrap();
        for (who, first) in [(1, 0), (2, 3), (3, 4)] {
            assert_eq!(settled(who, role(first)).await.after.state, State::Granted);
        }
        // Gold for silver, silver for bronze: both keep what they have and wait.
        for (who, lower) in [(1, 3), (2, 4)] {
            assert_eq!(settled(who, role(lower)).await.after.state, State::Fallback);
        }
        let change = settled(3, role(0)).await;
        assert_eq!((change.after.granted, change.after.state), (Some(license(0)), State::Granted));
        let moved: Vec<_> =
            change.moves.promoted.iter().map(|seat| (seat.user_id.as_str(), seat.granted.clone())).collect();
        assert_eq!(moved, [("p1", Some(license(1))), ("p2", Some(license(2)))]);
        let counts = store.read(|tx| audit::recount(tx, &ALL)).await.unwrap();
        assert!(counts.iter().all(|(_, count)| count.adds_up() && count.used == 1 && count.waiting == 0));
    })
    .await;
}
