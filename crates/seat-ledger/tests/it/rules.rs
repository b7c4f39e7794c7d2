//! The rules that a person can check, one at a time.

use diesel::{RunQueryDsl, sql_query};
use seat_ledger::{Policy, SeatError, Shortage, State, audit, pools, seats};

use crate::support::{
    Ask, adds_up, both, ledger_lines, licenses, lite, member, on_each_store, plan, remove, settle, used,
    write,
};

#[tokio::test(flavor = "multi_thread")]
async fn s2_no_seat_is_sold_twice_and_a_refusal_writes_nothing() {
    on_each_store(async |store| {
        plan(&store, 1, 0, Policy::Refuse).await;
        settle(&store, "a", Ask::Member, true).await.unwrap();
        match settle(&store, "b", Ask::Member, true).await {
            Err(SeatError::LimitReached(Shortage {
                license, used, limit, waiting, fallback_full, ..
            })) => {
                assert_eq!((license, used, limit, waiting), (member(), 1, 1, 0));
                assert_eq!(fallback_full, None, "nothing was tried under this policy");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(store.read(|tx| seats::find(tx, licenses(), "b")).await.unwrap(), None);
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_falls_back_waits_and_is_refused_when_the_fallback_is_full_too() {
    on_each_store(async |store| {
        plan(&store, 1, 1, Policy::Fallback).await;
        settle(&store, "a", Ask::Member, true).await.unwrap();
        let b = settle(&store, "b", Ask::Member, true).await.unwrap().after;
        assert_eq!(
            (b.granted.clone(), b.state, b.requested.clone()),
            (Some(lite()), State::Fallback, member())
        );
        assert!(b.reason().unwrap().contains("Member Lite"));
        match settle(&store, "c", Ask::Member, true).await {
            Err(SeatError::LimitReached(Shortage { waiting: 1, fallback_full, .. })) => {
                assert_eq!(fallback_full, Some(lite()));
            }
            other => panic!("{other:?}"),
        }
        match settle(&store, "d", Ask::Admin, true).await {
            Err(SeatError::LimitReached(Shortage { fallback_full: None, .. })) => {}
            other => panic!("an admin never falls back: {other:?}"),
        }
        let promoted: Vec<_> = remove(&store, "a").await.into_iter().map(|seat| seat.user_id).collect();
        assert_eq!(promoted, ["b"]);
        assert_eq!((used(&store, member()).await, used(&store, lite()).await), (1, 0));
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mo5_a_move_frees_one_seat_and_takes_the_other_in_one_transaction() {
    on_each_store(async |store| {
        plan(&store, 1, 2, Policy::Fallback).await;
        settle(&store, "a", Ask::Member, true).await.unwrap();
        settle(&store, "b", Ask::Member, true).await.unwrap();
        let change = settle(&store, "a", Ask::Lite, true).await.unwrap();
        assert_eq!(change.after.granted, Some(lite()));
        assert_eq!(change.moves.promoted.iter().map(|seat| seat.user_id.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!((used(&store, member()).await, used(&store, lite()).await), (1, 1));
        adds_up(&store).await;
    })
    .await;
}

/// Every Lite seat is held by people who wait for Member: a user who steps down exchanges seats with the first of them.
#[tokio::test(flavor = "multi_thread")]
async fn s1_a_lower_class_is_granted_where_the_seat_that_it_frees_makes_room() {
    on_each_store(async |store| {
        plan(&store, 1, 1, Policy::Fallback).await;
        settle(&store, "a", Ask::Member, true).await.unwrap();
        settle(&store, "b", Ask::Member, true).await.unwrap();
        let change = settle(&store, "a", Ask::Lite, true).await.unwrap();
        assert_eq!(change.after.granted, Some(lite()));
        assert_eq!(change.moves.promoted.iter().map(|seat| seat.user_id.as_str()).collect::<Vec<_>>(), ["b"]);
        adds_up(&store).await;
    })
    .await;
}

/// To lower always passes, and yet no Lite seat is sold twice: the Member seat is kept until one is free.
#[tokio::test(flavor = "multi_thread")]
async fn s1_to_lower_passes_when_the_lesser_license_is_full_and_keeps_the_seat_until_one_is_free() {
    on_each_store(async |store| {
        plan(&store, 2, 1, Policy::Refuse).await;
        settle(&store, "lite", Ask::Lite, true).await.unwrap();
        settle(&store, "admin", Ask::Admin, true).await.unwrap();
        let lowered = settle(&store, "admin", Ask::Lite, true).await.unwrap().after;
        assert_eq!(
            (lowered.role.as_str(), lowered.requested.clone(), lowered.granted.clone(), lowered.state),
            ("member_lite", lite(), Some(member()), State::Fallback)
        );
        assert!(lowered.reason().unwrap().contains("keeps the Member seat"), "{:?}", lowered.reason());
        let pools = store.read(|tx| pools::all(tx, licenses())).await.unwrap();
        assert_eq!(pools.iter().map(|pool| (pool.used, pool.waiting)).collect::<Vec<_>>(), [(1, 0), (1, 1)]);
        // A newcomer does not get before who waits, and who waits gets what becomes free.
        assert!(settle(&store, "new", Ask::Lite, true).await.is_err());
        let promoted: Vec<_> = remove(&store, "lite").await.into_iter().map(|seat| seat.user_id).collect();
        assert_eq!(promoted, ["admin"]);
        assert_eq!((used(&store, member()).await, used(&store, lite()).await), (0, 1));
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s1_who_waits_for_less_and_who_waits_for_more_exchange_seats_above_a_cut_quota_too() {
    on_each_store(async |store| {
        plan(&store, 2, 2, Policy::Fallback).await;
        for (user, ask) in [("a", Ask::Member), ("b", Ask::Member), ("c", Ask::Lite), ("d", Ask::Lite)] {
            settle(&store, user, ask, true).await.unwrap();
        }
        for license in both() {
            write(&store, move |tx| seat_ledger::plan::set_quota(tx, &license, Some(1))).await.unwrap();
        }
        assert_eq!(settle(&store, "a", Ask::Lite, true).await.unwrap().after.granted, Some(member()));
        let change = settle(&store, "c", Ask::Member, true).await.unwrap();
        assert_eq!((change.after.granted.clone(), change.after.state), (Some(member()), State::Granted));
        assert_eq!(change.moves.promoted.iter().map(|seat| seat.user_id.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!((used(&store, member()).await, used(&store, lite()).await), (2, 2));
        adds_up(&store).await;
    })
    .await;
}

/// Two users who each hold the license that the other wants exchange them under any policy: the first in the queue with the
/// first request.
#[tokio::test(flavor = "multi_thread")]
async fn s1_a_swap_at_full_seats_passes_for_an_administrator_and_under_refusal_in_the_order_of_the_queue() {
    on_each_store(async |store| {
        plan(&store, 3, 3, Policy::Refuse).await;
        for n in 1..=3 {
            settle(&store, &format!("up{n}"), Ask::Lite, true).await.unwrap();
            settle(&store, &format!("down{n}"), Ask::Member, true).await.unwrap();
        }
        for n in [2, 1, 3] {
            let waits = settle(&store, &format!("down{n}"), Ask::Lite, true).await.unwrap().after;
            assert_eq!((waits.granted, waits.state), (Some(member()), State::Fallback));
        }
        // Who holds nothing has nothing to give.
        for ask in [Ask::Admin, Ask::Member, Ask::Lite] {
            assert!(matches!(settle(&store, "new", ask, true).await, Err(SeatError::LimitReached(_))));
        }
        for (up, ask, partner) in
            [("up1", Ask::Admin, "down2"), ("up2", Ask::Member, "down1"), ("up3", Ask::Admin, "down3")]
        {
            let change = settle(&store, up, ask, true).await.unwrap();
            assert_eq!((change.after.granted.clone(), change.after.state), (Some(member()), State::Granted));
            let [moved] = change.moves.promoted.as_slice() else { panic!("{change:?}") };
            assert_eq!((moved.user_id.as_str(), moved.granted.clone()), (partner, Some(lite())));
            adds_up(&store).await;
        }
        let pools = store.read(|tx| pools::all(tx, licenses())).await.unwrap();
        assert_eq!(pools.iter().map(|pool| (pool.used, pool.waiting)).collect::<Vec<_>>(), [(3, 0), (3, 0)]);
    })
    .await;
}

/// Who waits for more under a policy that lets him is met by who comes down, and nobody who waits longer is passed over.
#[tokio::test(flavor = "multi_thread")]
async fn s1_who_comes_down_changes_seats_with_the_first_who_waits_and_then_no_newcomer_is_before_the_second()
{
    on_each_store(async |store| {
        plan(&store, 2, 2, Policy::Fallback).await;
        for user in ["down1", "down2", "first", "second"] {
            settle(&store, user, Ask::Member, true).await.unwrap();
        }
        for (down, up) in [("down1", "first"), ("down2", "second")] {
            assert!(matches!(
                settle(&store, "second", Ask::Admin, true).await,
                Err(SeatError::LimitReached(_))
            ));
            let change = settle(&store, down, Ask::Lite, true).await.unwrap();
            assert_eq!((change.after.granted.clone(), change.after.state), (Some(lite()), State::Granted));
            assert_eq!(
                change.moves.promoted.iter().map(|seat| seat.user_id.as_str()).collect::<Vec<_>>(),
                [up]
            );
            adds_up(&store).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_a_move_that_is_refused_leaves_the_old_seat() {
    on_each_store(async |store| {
        plan(&store, 1, 0, Policy::Fallback).await;
        let before = settle(&store, "a", Ask::Member, true).await.unwrap().after;
        // MO8: a license that the plan does not have is not waited for.
        assert!(matches!(settle(&store, "a", Ask::Lite, true).await, Err(SeatError::LimitReached(_))));
        assert_eq!(store.read(|tx| seats::find(tx, licenses(), "a")).await.unwrap(), Some(before));
        assert_eq!(used(&store, member()).await, 1);
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s7_a_cut_quota_evicts_nobody_and_sells_nothing() {
    on_each_store(async |store| {
        plan(&store, 2, 2, Policy::Fallback).await;
        for user in ["a", "b"] {
            settle(&store, user, Ask::Member, true).await.unwrap();
        }
        write(&store, |tx| seat_ledger::plan::set_quota(tx, &member(), Some(0))).await.unwrap();
        settle(&store, "a", Ask::Member, true).await.unwrap();
        assert_eq!(used(&store, member()).await, 2);
        // Its own seat, once given up, is not its own any more.
        settle(&store, "a", Ask::Member, false).await.unwrap();
        assert_eq!(settle(&store, "a", Ask::Member, true).await.unwrap().after.state, State::Fallback);
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlimited_quota_never_refuses_and_a_license_without_fallback_gets_no_such_policy() {
    on_each_store(async |store| {
        write(&store, |tx| seat_ledger::plan::set_quota(tx, &member(), None)).await.unwrap();
        for n in 0..20 {
            settle(&store, &format!("u{n}"), Ask::Admin, true).await.unwrap();
        }
        assert_eq!(used(&store, member()).await, 20);
        let none = write(&store, |tx| seat_ledger::plan::set_policy(tx, &lite(), Policy::Fallback)).await;
        assert!(matches!(none, Err(SeatError::NoFallback(license)) if license == lite()));
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_of_many_users_is_read_at_once_as_one_by_one() {
    on_each_store(async |store| {
        plan(&store, 600, 0, Policy::Refuse).await;
        write(&store, |tx| {
            for n in 0..600 {
                seats::settle(tx, &format!("u{n}"), &Ask::Member.request(n % 3 > 0))?;
            }
            Ok(())
        })
        .await
        .unwrap();
        let names: Vec<String> = (0..601).map(|n| format!("u{n}")).collect();
        let found = store.read(move |tx| {
            let many =
                seats::of_users(tx, licenses(), &names.iter().map(String::as_str).collect::<Vec<_>>())?;
            for name in &names {
                assert_eq!(many.get(name), seats::find(tx, licenses(), name)?.as_ref());
            }
            Ok::<_, SeatError>(many.len())
        });
        assert_eq!(found.await.unwrap(), 600);
        adds_up(&store).await;
    })
    .await;
}

/// What no code path of ours does, an operator's hand or a damaged file may: the recount sees each of the three alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_recount_finds_a_fault_in_any_of_the_three_counts() {
    on_each_store(async |store| {
        plan(&store, 5, 5, Policy::Fallback).await;
        settle(&store, "a", Ask::Member, true).await.unwrap();
        adds_up(&store).await;
        for tampering in [
            "UPDATE seat_pools SET used = used + 1 WHERE license = 'member'",
            "DELETE FROM seat_ledger WHERE user_id = 'a'",
            "UPDATE seats SET granted = 'member_lite' WHERE user_id = 'a'",
        ] {
            let seen: Result<(), SeatError> = write(&store, move |tx| {
                sql_query(tampering).execute(tx.connection())?;
                let wrong =
                    audit::recount(tx, licenses())?.iter().filter(|(_, count)| !count.adds_up()).count();
                assert!(wrong > 0, "{tampering}");
                // Undo it for the next.
                Err(store::StoreError::Busy.into())
            })
            .await;
            assert!(matches!(seen, Err(SeatError::Store(store::StoreError::Busy))), "{tampering}: {seen:?}");
        }
        adds_up(&store).await;
        assert_eq!(store.read(|tx| Ok::<_, SeatError>(ledger_lines(tx))).await.unwrap(), 1);
    })
    .await;
}
