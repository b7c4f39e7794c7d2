//! Many at once: the last seat goes to one of them, and the counts agree after any interleaving.

use futures_util::future::join_all;
use seat_ledger::{Policy, SeatError, Shortage, State, pools, seats};
use store::StoreError;

use crate::support::{Ask, adds_up, licenses, member, on_each_store, plan, settle, used, write};

#[tokio::test(flavor = "multi_thread")]
async fn s2_of_64_concurrent_claims_for_the_last_seat_exactly_one_is_granted() {
    on_each_store(async |store| {
        for (round, policy) in [Policy::Refuse, Policy::Fallback, Policy::Refuse].into_iter().enumerate() {
            let sold = used(&store, member()).await;
            plan(&store, sold + 1, 0, policy).await;
            let claims = (0..64).map(|n| {
                let (store, user) = (store.clone(), format!("{round}-{n}"));
                tokio::spawn(async move { settle(&store, &user, Ask::Member, true).await })
            });
            let mut granted = 0;
            for claim in join_all(claims).await {
                match claim.unwrap() {
                    Ok(change) => granted += u32::from(change.after.state == State::Granted),
                    Err(SeatError::LimitReached(_)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(granted, 1);
            assert_eq!(used(&store, member()).await, sold + 1);
            adds_up(&store).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_of_64_who_fall_back_at_once_as_many_get_a_seat_as_there_are() {
    on_each_store(async |store| {
        plan(&store, 3, 20, Policy::Fallback).await;
        let claims = (0..64).map(|n| {
            let store = store.clone();
            tokio::spawn(async move { settle(&store, &format!("u{n}"), Ask::Member, true).await })
        });
        let (mut granted, mut waiting, mut refused) = (0, 0, 0);
        for claim in join_all(claims).await {
            match claim.unwrap() {
                Ok(change) if change.after.state == State::Granted => granted += 1,
                Ok(_) => waiting += 1,
                Err(SeatError::LimitReached(Shortage { fallback_full: Some(_), .. })) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((granted, waiting, refused), (3, 20, 41));
        adds_up(&store).await;
    })
    .await;
}

/// Users who are resent, suspended, moved and deleted while others are promoted into the seats that become free.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_changes_of_the_same_few_users_leaves_the_counts_in_agreement() {
    on_each_store(async |store| {
        plan(&store, 3, 4, Policy::Fallback).await;
        let workers = (0..12_usize).map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                for round in 0..25 {
                    // A different walk for every worker, the same at every run.
                    let dice = (worker * 7919 + round * 104_729) % 1009;
                    let user = format!("u{}", dice % 6);
                    let done = write(&store, move |tx| match dice % 11 {
                        0 => seats::remove(tx, licenses(), &user).map(|_| ()),
                        1..=3 => seats::settle(tx, &user, &Ask::Member.request(false)).map(|_| ()),
                        4 => seats::settle(tx, &user, &Ask::Lite.request(true)).map(|_| ()),
                        5 => seats::settle(tx, &user, &Ask::Admin.request(true)).map(|_| ()),
                        6 => {
                            let quota = i64::try_from(dice % 4).unwrap();
                            seat_ledger::plan::set_quota(tx, &member(), Some(quota))?;
                            seats::promote(tx, licenses()).map(|_| ())
                        }
                        _ => seats::settle(tx, &user, &Ask::Member.request(true)).map(|_| ()),
                    });
                    match done.await {
                        Ok(()) | Err(SeatError::LimitReached(_) | SeatError::Store(StoreError::Busy)) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        });
        for worker in join_all(workers).await {
            worker.unwrap();
        }
        adds_up(&store).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_takes_its_turn_once_and_again_after_the_part_that_took_it_was_undone() {
    on_each_store(async |store| {
        let taken = write(&store, |tx| {
            let has_rivals = tx.has_rivals();
            let undone = tx.savepoint(|tx| {
                assert_eq!(pools::take_turn(tx)?, has_rivals);
                Err::<(), _>(SeatError::Damaged("undone".to_owned()))
            });
            assert!(undone.is_err());
            Ok((has_rivals, pools::take_turn(tx)?, pools::take_turn(tx)?))
        });
        let (has_rivals, first, second) = taken.await.unwrap();
        assert_eq!((first, second), (has_rivals, false));
    })
    .await;
}
