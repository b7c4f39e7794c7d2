//! What a full license answers, what is dated, and what thousands who wait come to: one fact at a time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use seat_ledger::{
    DAY_MS, Day, Grace, Overage, Policy, SeatError, State, due, lines::Line, plan, pools, seats, waiting,
};
use store::{Clock, Store};
use testkit::{clocks::settings, stores::FreshStore};

use crate::support::{
    Ask, MIGRATIONS, adds_up, licenses, member, on_each_store, plan, remove, settle, write,
};

/// 2027-01-15.
const START: i64 = 20_833 * DAY_MS;

/// Runs a test body on both databases under a clock that stands until it is moved.
async fn on_each_with_a_clock<Fut: Future<Output = ()>>(body: impl Fn(Store, Arc<AtomicI64>) -> Fut) {
    for postgres in [false, true] {
        let now = Arc::new(AtomicI64::new(START));
        let wall = Arc::clone(&now);
        let settings = settings(Clock::reading(Clock::AHEAD, move || wall.load(Ordering::Relaxed)));
        let fresh = match postgres {
            false => FreshStore::sqlite_with(MIGRATIONS, settings).await,
            true => FreshStore::postgres_with(MIGRATIONS, settings).await,
        };
        body(fresh.store.clone(), now).await;
        fresh.remove().await;
    }
}

async fn state(store: &Store, user: &str) -> State {
    let user = user.to_owned();
    store.read(move |tx| seats::find(tx, licenses(), &user)).await.unwrap().unwrap().state
}

#[tokio::test(flavor = "multi_thread")]
async fn s6_thousands_who_wait_are_placed_in_order_by_one_raise() {
    const PEOPLE: usize = 5_000;
    on_each_store(async |store| {
        plan(&store, 0, 10, Policy::Hold).await;
        write(&store, |tx| {
            for n in 0..PEOPLE {
                // Every tenth is an administrator, who goes before.
                let ask = if n % 10 == 9 { Ask::Admin } else { Ask::Member };
                let change = seats::settle(tx, &format!("u{n:04}"), &ask.request(true))?;
                assert_eq!((change.after.state, change.after.granted), (State::Waitlisted, None));
            }
            Ok(())
        })
        .await
        .unwrap();
        let (admins, others): (Vec<_>, Vec<_>) = (0..PEOPLE).partition(|n| n % 10 == 9);
        let order: Vec<String> = admins.into_iter().chain(others).map(|n| format!("u{n:04}")).collect();
        let queue = store.read(|tx| waiting(tx, licenses(), PEOPLE)).await.unwrap();
        assert!(queue.iter().map(|waiting| &waiting.user_id).eq(&order));
        assert_eq!((queue[0].place, queue[PEOPLE - 1].place), (1, 5_000));
        let begun = std::time::Instant::now();
        let moves = write(&store, |tx| {
            plan::set_quota(tx, &member(), Some(4_990))?;
            seats::promote(tx, licenses())
        });
        let moves = moves.await.unwrap();
        println!("{} placed in {:?}", moves.promoted.len(), begun.elapsed());
        assert!(moves.promoted.iter().map(|seat| &seat.user_id).eq(&order[..4_990]));
        assert!(moves.altered.is_empty());
        let pool = store.read(|tx| pools::get(tx, &member())).await.unwrap();
        assert_eq!((pool.used, pool.waiting), (4_990, 10));
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s9_who_has_the_role_from_a_group_waits_even_where_the_policy_refuses() {
    on_each_store(async |store| {
        plan(&store, 1, 0, Policy::Refuse).await;
        settle(&store, "a", Ask::Member, true).await.unwrap();
        let of_group = seat_ledger::SeatRequest { waits: true, ..Ask::Member.request(true) };
        let waits = write(&store, move |tx| seats::settle(tx, "b", &of_group)).await.unwrap().after;
        assert_eq!((waits.state, waits.granted.clone()), (State::Waitlisted, None));
        assert!(waits.reason().unwrap().contains("gets the next Member seat"));
        assert!(settle(&store, "c", Ask::Member, true).await.is_err());
        assert_eq!(remove(&store, "a").await[0].user_id, "b");
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s10_a_hold_refuses_nobody_until_a_policy_is_set() {
    on_each_store(async |store| {
        plan(&store, 0, 0, Policy::Refuse).await;
        write(&store, |tx| plan::hold(tx, licenses(), "4,000 refusals in 24 h")).await.unwrap();
        let pool = store.read(|tx| pools::get(tx, &member())).await.unwrap();
        assert_eq!((pool.policy, pool.in_force), (Policy::Refuse, Policy::Hold));
        assert_eq!(pool.why.as_deref(), Some("4,000 refusals in 24 h"));
        assert_eq!(settle(&store, "a", Ask::Member, true).await.unwrap().after.state, State::Waitlisted);
        write(&store, |tx| plan::set_policy(tx, &member(), Policy::Refuse)).await.unwrap();
        assert!(settle(&store, "b", Ask::Member, true).await.is_err());
        assert_eq!(settle(&store, "c", Ask::Lite, true).await.unwrap().after.state, State::Waitlisted);
        write(&store, plan::end_hold).await.unwrap();
        assert!(settle(&store, "d", Ask::Lite, true).await.is_err());
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dated_line_counts_from_its_first_day_until_its_last_without_a_tick() {
    on_each_with_a_clock(async |store, now| {
        plan(&store, 1, 0, Policy::Refuse).await;
        let day = |days| Day::of_ms(START + days * DAY_MS);
        let line = Line {
            line: 0,
            license: member(),
            seats: 1,
            from: Some(day(1)),
            until: Some(day(2)),
            source: String::new(),
        };
        let line = write(&store, move |tx| plan::add_line(tx, line)).await.unwrap();
        assert_eq!(line.line, 1);
        settle(&store, "a", Ask::Member, true).await.unwrap();
        assert!(settle(&store, "b", Ask::Member, true).await.is_err());
        now.store(START + DAY_MS, Ordering::Relaxed);
        settle(&store, "b", Ask::Member, true).await.unwrap();
        assert!(settle(&store, "c", Ask::Member, true).await.is_err());
        remove(&store, "b").await;
        now.store(START + 2 * DAY_MS, Ordering::Relaxed);
        assert!(settle(&store, "b", Ask::Member, true).await.is_err(), "the day is over");
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn overage_is_granted_until_its_date_and_then_it_is_debt() {
    on_each_with_a_clock(async |store, now| {
        plan(&store, 1, 0, Policy::Overage).await;
        let until = Some(Day::of_ms(START + DAY_MS));
        write(&store, move |tx| plan::set_overage(tx, &member(), Some(Overage { seats: 2, until })))
            .await
            .unwrap();
        for (user, overage) in [("a", false), ("b", true), ("c", true)] {
            assert_eq!(settle(&store, user, Ask::Member, true).await.unwrap().after.is_overage(), overage);
        }
        assert!(matches!(settle(&store, "d", Ask::Member, true).await, Err(SeatError::LimitReached(_))));
        now.store(START + DAY_MS, Ordering::Relaxed);
        write(&store, |tx| due(tx, licenses())).await.unwrap();
        let pool = store.read(|tx| pools::get(tx, &member())).await.unwrap();
        assert_eq!((pool.used, pool.overage.unwrap().used, pool.debt), (3, 0, 2));
        // An ordinary seat that becomes free is the first one's who had one beyond the quota; nobody new gets one.
        let moves = write(&store, |tx| seats::remove(tx, licenses(), "a")).await.unwrap().moves;
        assert_eq!(moves.altered.iter().map(|seat| seat.user_id.as_str()).collect::<Vec<_>>(), ["b"]);
        assert!(settle(&store, "d", Ask::Member, true).await.is_err());
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swap_at_full_seats_borrows_and_the_next_free_seat_repays() {
    on_each_with_a_clock(async |store, now| {
        plan(&store, 1, 0, Policy::Refuse).await;
        let grace = Some(Grace { seats: 1, minutes: 60 });
        write(&store, move |tx| plan::set_grace(tx, &member(), grace)).await.unwrap();
        settle(&store, "a", Ask::Member, true).await.unwrap();
        let borrows = settle(&store, "b", Ask::Member, true).await.unwrap().after;
        assert_eq!((borrows.state, borrows.borrowed_until_ms), (State::Granted, Some(START + 3_600_000)));
        assert!(settle(&store, "c", Ask::Member, true).await.is_err(), "one at a time");
        let moves = write(&store, |tx| seats::remove(tx, licenses(), "a")).await.unwrap().moves;
        assert_eq!((moves.promoted.len(), moves.altered[0].borrowed_until_ms), (0, None));
        // At the end without one the borrower waits.
        settle(&store, "c", Ask::Member, true).await.unwrap();
        now.fetch_add(3_600_000, Ordering::Relaxed);
        write(&store, |tx| due(tx, licenses())).await.unwrap();
        assert_eq!(state(&store, "c").await, State::Waitlisted);
        assert!(settle(&store, "d", Ask::Member, true).await.is_err(), "somebody waits");
        assert_eq!(remove(&store, "b").await[0].user_id, "c");
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s5_a_suspended_person_keeps_the_seat_for_the_days_of_the_profile() {
    on_each_with_a_clock(async |store, now| {
        plan(&store, 1, 0, Policy::Refuse).await;
        settle(&store, "a", Ask::Member, true).await.unwrap();
        let suspended = seat_ledger::SeatRequest { seat_grace_days: 2, ..Ask::Member.request(false) };
        let after = write(&store, move |tx| seats::settle(tx, "a", &suspended)).await.unwrap().after;
        assert_eq!((after.granted, after.kept_until_ms), (Some(member()), Some(START + 2 * DAY_MS)));
        assert!(settle(&store, "b", Ask::Member, true).await.is_err());
        assert_eq!(store.read(plan::next_due).await.unwrap(), Some(START + 2 * DAY_MS));
        now.store(START + 2 * DAY_MS, Ordering::Relaxed);
        // No tick is needed: who asks gets it.
        let change = settle(&store, "b", Ask::Member, true).await.unwrap();
        assert_eq!((change.after.state, change.moves.altered[0].granted.clone()), (State::Granted, None));
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_has_no_effect_until_it_is_settled() {
    on_each_store(async |store| {
        plan(&store, 1, 1, Policy::Refuse).await;
        settle(&store, "a", Ask::Admin, true).await.unwrap();
        let change = write(&store, |tx| seats::hold_back(tx, "a", &Ask::Lite.request(false))).await.unwrap();
        let held = change.unwrap().after;
        assert_eq!(
            (held.state, held.role.as_str(), held.granted.clone()),
            (State::Held, "admin", Some(member()))
        );
        assert!(held.reason().unwrap().contains("keeps the Member seat"));
        adds_up(&store).await;
        assert_eq!(settle(&store, "a", Ask::Lite, false).await.unwrap().after.granted, None);
        adds_up(&store).await;
    })
    .await;
}
