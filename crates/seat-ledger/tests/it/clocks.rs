//! Wrong or different clocks: the first in the queue is the first that came, by count and not by time.

use diesel::{RunQueryDsl, sql_query, sql_types::BigInt};
use futures_util::future::join_all;
use seat_ledger::{Policy, SeatError, State, pools, seats};
use store::{Store, StoreError, Stores};
use testkit::{
    clocks::{jumping, off_by, settings},
    stores::FreshStore,
};

use crate::support::{Ask, MIGRATIONS, adds_up, licenses, member, plan, remove, settle, write};

/// A second process on the same store.
async fn also(fresh: &FreshStore, clock: store::Clock) -> (Stores, Store) {
    let stores = Stores::new(settings(clock)).unwrap();
    let store = stores.open(&fresh.location, MIGRATIONS).await.unwrap();
    (stores, store)
}

async fn buy_one_more(store: &Store) -> Vec<String> {
    let promoted = write(store, |tx| {
        let quota = pools::get(tx, &member())?.quota.unwrap();
        seat_ledger::plan::set_quota(tx, &member(), Some(quota + 1))?;
        seats::promote(tx, licenses())
    });
    promoted.await.unwrap().promoted.into_iter().map(|seat| seat.user_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn s6_a_newcomer_after_a_restart_with_the_clock_set_back_waits_behind() {
    const DAY: i64 = 86_400_000;
    for fresh in [FreshStore::sqlite(MIGRATIONS).await, FreshStore::postgres(MIGRATIONS).await] {
        plan(&fresh.store, 1, 20, Policy::Fallback).await;
        for user in ["seated", "w0"] {
            settle(&fresh.store, user, Ask::Member, true).await.unwrap();
        }
        for (n, off) in [-2_000, -3_600_000, 10 * 365 * DAY, 0, -400 * DAY].into_iter().enumerate() {
            let (stores, store) = also(&fresh, off_by(off)).await;
            let after = settle(&store, &format!("w{}", n + 1), Ask::Member, true).await.unwrap().after;
            assert_eq!(after.state, State::Fallback);
            drop(store);
            stores.shutdown().await;
        }
        let (stores, store) = also(&fresh, off_by(0)).await;
        let first: Vec<_> = remove(&store, "seated").await.into_iter().map(|seat| seat.user_id).collect();
        assert_eq!(first, ["w0"], "{}", fresh.database);
        for n in 1..=5 {
            assert_eq!(buy_one_more(&store).await, [format!("w{n}")], "{}", fresh.database);
        }
        adds_up(&store).await;
        drop(store);
        stores.shutdown().await;
        fresh.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s6_two_processes_with_clocks_five_seconds_apart_promote_in_the_order_of_commits() {
    let fresh = FreshStore::postgres_with(MIGRATIONS, settings(off_by(0))).await;
    let (stores, behind) = also(&fresh, off_by(-5_000)).await;
    let both = [&fresh.store, &behind];
    plan(&fresh.store, 0, 20, Policy::Fallback).await;
    for n in 0..8 {
        settle(both[n % 2], &format!("u{n}"), Ask::Member, true).await.unwrap();
    }
    for n in 0..8 {
        assert_eq!(buy_one_more(both[n / 4]).await, [format!("u{n}")]);
    }
    adds_up(&behind).await;
    drop(behind);
    stores.shutdown().await;
    fresh.remove().await;
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = BigInt)]
    lite: i64,
    #[diesel(sql_type = BigInt)]
    movement: i64,
}

/// The ledger read in the order of its numbers never shows more seats sold than there were.
async fn assert_ledger_tells_it_in_order(store: &Store, quotas: [i64; 2]) {
    let lines = store.read(|tx| {
        let query = "SELECT number, CAST(CASE license WHEN 'member' THEN 0 ELSE 1 END AS BIGINT) AS lite, movement \
                     FROM seat_ledger ORDER BY number";
        Ok::<_, StoreError>(sql_query(query).load::<Line>(tx.connection())?)
    });
    let mut sold = [0, 0];
    for (line, number) in lines.await.unwrap().into_iter().zip(1..) {
        assert_eq!(line.number, number, "no gap and nothing twice");
        let license = usize::try_from(line.lite).unwrap();
        sold[license] += line.movement;
        assert!((0..=quotas[license]).contains(&sold[license]), "line {number}: {sold:?} of {quotas:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_race_over_two_processes_with_jumping_clocks_sells_what_there_is_in_order() {
    let fresh = FreshStore::postgres_with(MIGRATIONS, settings(jumping())).await;
    let (stores, other) = also(&fresh, jumping()).await;
    plan(&fresh.store, 3, 6, Policy::Fallback).await;
    let workers = (0..8_usize).map(|worker| {
        let store = if worker % 2 == 0 { fresh.store.clone() } else { other.clone() };
        tokio::spawn(async move {
            for round in 0..15 {
                let dice = (worker * 7919 + round * 104_729) % 1009;
                let (user, active) = (format!("u{worker}-{}", dice % 3), dice % 4 > 0);
                let ask = [Ask::Member, Ask::Member, Ask::Lite, Ask::Admin][dice % 7 % 4];
                match settle(&store, &user, ask, active).await {
                    Ok(_) | Err(SeatError::LimitReached(_) | SeatError::Store(StoreError::Busy)) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    for worker in join_all(workers).await {
        worker.unwrap();
    }
    adds_up(&other).await;
    assert_ledger_tells_it_in_order(&other, [3, 6]).await;
    drop(other);
    stores.shutdown().await;
    fresh.remove().await;
}
