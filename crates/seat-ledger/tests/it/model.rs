//! The model test: random lives of a small tenant, step by step beside the reference in memory.

use std::cell::RefCell;

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use seat_ledger::{License, Policy, SeatError, pools, seats};
use store::{StoreError, WriteTx};

use crate::{
    reference::Reference,
    support::{Ask, assert_adds_up, both, ledger_lines, licenses, lite, member, on_each_store, write},
};

const USERS: usize = 7;
const CASES: u32 = 80;

#[derive(Clone, Debug)]
enum Step {
    Settle(usize, Ask, bool),
    Remove(usize),
    Quota(License, Option<i64>),
    MemberPolicy(Policy),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ask =
        prop::sample::select(vec![Ask::Admin, Ask::Member, Ask::Member, Ask::Member, Ask::Lite, Ask::Lite]);
    let license = prop::sample::select(both().to_vec());
    let quota = prop_oneof![9 => (0..5_i64).prop_map(Some), 1 => Just(None)];
    let policy = prop::sample::select(vec![Policy::Refuse, Policy::Fallback, Policy::Fallback]);
    let step = prop_oneof![
        12 => (0..USERS, ask, prop::bool::weighted(0.8)).prop_map(|(user, ask, active)| Step::Settle(user, ask, active)),
        2 => (0..USERS).prop_map(Step::Remove),
        2 => (license, quota).prop_map(|(license, quota)| Step::Quota(license, quota)),
        1 => policy.prop_map(Step::MemberPolicy),
    ];
    // A tenant begins with a plan, or nearly everything would be refused.
    let begin = [Step::Quota(member(), Some(2)), Step::Quota(lite(), Some(3))];
    prop::collection::vec(step, 1..60).prop_map(move |steps| begin.clone().into_iter().chain(steps).collect())
}

/// What must never happen by accident: each of these is met in a run.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    refusals: u32,
    fallbacks: u32,
    promotions: u32,
    moves: u32,
    lowered_and_waiting: u32,
    over_quota: u32,
    exchanges: u32,
}

fn name(user: usize) -> String {
    format!("user-{user}")
}

/// One step on the store; `None` is a refusal.
fn on_store(tx: &mut WriteTx<'_>, step: &Step) -> Result<Option<Vec<String>>, SeatError> {
    let ids =
        |promoted: Vec<seat_ledger::Seat>| Some(promoted.into_iter().map(|seat| seat.user_id).collect());
    let moved = |moves: seat_ledger::Moves| ids(moves.promoted);
    let done = tx.savepoint(|tx| match step {
        Step::Settle(user, ask, active) => {
            seats::settle(tx, &name(*user), &ask.request(*active)).map(|change| ids(change.moves.promoted))
        }
        Step::Remove(user) => seats::remove(tx, licenses(), &name(*user)).map(|removed| moved(removed.moves)),
        Step::Quota(license, quota) => {
            seat_ledger::plan::set_quota(tx, license, *quota)?;
            seats::promote(tx, licenses()).map(moved)
        }
        Step::MemberPolicy(policy) => {
            seat_ledger::plan::set_policy(tx, &member(), *policy)?;
            Ok(Some(Vec::new()))
        }
    });
    match done {
        Err(SeatError::LimitReached(_)) => Ok(None),
        other => other,
    }
}

fn on_reference(reference: &mut Reference, step: &Step) -> Option<Vec<String>> {
    let promoted = match step {
        Step::Settle(user, ask, active) => reference.settle(*user, *ask, *active)?,
        Step::Remove(user) => reference.remove(*user),
        Step::Quota(license, quota) => reference.set_quota(license, *quota),
        Step::MemberPolicy(policy) => {
            reference.set_member_policy(*policy);
            Vec::new()
        }
    };
    Some(promoted.into_iter().map(name).collect())
}

fn fails(error: SeatError) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

fn live(tx: &mut WriteTx<'_>, steps: &[Step], met: &mut Met) -> Result<(), TestCaseError> {
    let mut reference = Reference::new(USERS);
    for step in steps {
        let used_before = both().map(|license| reference.used(&license));
        let before = reference.people.clone();
        let done = on_store(tx, step).map_err(fails)?;
        let expected = on_reference(&mut reference, step);
        prop_assert_eq!(&done, &expected, "promoted by {:?}", step);
        agrees(tx, &reference, step)?;
        for (license, used_before) in both().into_iter().zip(used_before) {
            let (used, quota) = (reference.used(&license), reference.quota(&license));
            let bound = quota.map_or(i64::MAX, |quota| quota.max(used_before));
            prop_assert!(used <= bound, "{license} grew to {used} of {quota:?} by {step:?}");
            met.over_quota += u32::from(quota.is_some_and(|quota| used > quota));
        }
        match &done {
            None => met.refusals += 1,
            Some(promoted) => {
                met.promotions += u32::try_from(promoted.len()).unwrap();
                resending_changes_nothing(tx, step)?;
                note(met, step, &before, &reference);
                let full = both().map(|license| reference.used(&license)) == used_before;
                // Two who moved while no counter did.
                met.exchanges += u32::from(full && !promoted.is_empty() && matches!(step, Step::Settle(..)));
            }
        }
    }
    Ok(())
}

fn note(met: &mut Met, step: &Step, before: &[Option<crate::reference::Person>], reference: &Reference) {
    if let Step::Settle(user, ..) = step
        && let Some(after) = &reference.people[*user]
    {
        let held = before[*user].as_ref().and_then(|person| person.granted.clone());
        met.moves += u32::from(held.is_some() && after.granted.is_some() && held != after.granted);
        let waits = after.state == seat_ledger::State::Fallback;
        met.fallbacks += u32::from(waits && after.granted == Some(lite()));
        met.lowered_and_waiting += u32::from(waits && after.granted == Some(member()));
    }
}

/// The store holds what the reference holds, and its three counts are one number.
fn agrees(tx: &mut WriteTx<'_>, reference: &Reference, step: &Step) -> Result<(), TestCaseError> {
    for (user, person) in reference.people.iter().enumerate() {
        let seat = seats::find(tx, licenses(), &name(user)).map_err(fails)?;
        let same = match (person, &seat) {
            (Some(person), Some(seat)) => person.is(seat),
            (None, None) => true,
            _ => false,
        };
        prop_assert!(same, "after {step:?}: {person:?} expected, {seat:?} found");
    }
    for pool in pools::all(tx, licenses()).map_err(fails)? {
        let waiting = reference.waiting(&pool.license);
        let expected = (reference.quota(&pool.license), reference.used(&pool.license), waiting);
        prop_assert_eq!((pool.quota, pool.used, pool.waiting), expected, "after {:?}", step);
    }
    assert_adds_up(tx).map_err(fails)
}

/// MO4, S8: the same wish again changes no seat, no time and no line of the ledger.
fn resending_changes_nothing(tx: &mut WriteTx<'_>, step: &Step) -> Result<(), TestCaseError> {
    let Step::Settle(user, ask, active) = step else { return Ok(()) };
    let (before, lines) = (seats::find(tx, licenses(), &name(*user)).map_err(fails)?, ledger_lines(tx));
    let again = seats::settle(tx, &name(*user), &ask.request(*active)).map_err(fails)?;
    prop_assert!(!again.changed() && again.moves.promoted.is_empty(), "{step:?} again: {again:?}");
    prop_assert_eq!(seats::find(tx, licenses(), &name(*user)).map_err(fails)?, before);
    prop_assert_eq!(ledger_lines(tx), lines);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_s5_s6_s7_s8_the_ledger_lives_as_its_reference_does() {
    on_each_store(async |store| {
        let met = write(&store, |tx| {
            let met = RefCell::new(Met::default());
            let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
            let mut runner =
                TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
            let tx = RefCell::new(tx);
            let outcome = runner.run(&steps(), |steps| {
                let mut outcome = Ok(());
                // Each life begins in an empty tenant: the one before is undone.
                let _undone: Result<(), SeatError> = tx.borrow_mut().savepoint(|tx| {
                    outcome = live(tx, &steps, &mut met.borrow_mut());
                    Err(StoreError::Busy.into())
                });
                outcome
            });
            Ok(outcome.map(|()| met.into_inner()).map_err(|error| error.to_string()))
        });
        let met = met.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
        let counts = [
            met.refusals,
            met.fallbacks,
            met.promotions,
            met.moves,
            met.lowered_and_waiting,
            met.over_quota,
            met.exchanges,
        ];
        assert!(counts.iter().all(|count| *count >= CASES / 5), "too seldom: {met:?}");
    })
    .await;
}
