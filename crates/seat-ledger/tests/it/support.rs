//! The tenant's tables, wishes by name, and the one rule as an assertion.

use diesel::{RunQueryDsl, sql_query, sql_types::BigInt};
use seat_ledger::{License, Policy, Seat, SeatChange, SeatError, SeatRequest, audit, pools, seats};
use store::{Migration, ReadTx, Store, WriteTx};
use testkit::clocks::{jumping, settings};

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: "0001_directory",
        sql: include_str!("../../../../migrations/tenant/0001_directory.sql"),
        newest: None,
    },
    Migration {
        version: "0002_seats",
        sql: include_str!("../../../../migrations/tenant/0002_seats.sql"),
        newest: None,
    },
    Migration {
        version: "0003_nested_groups",
        sql: include_str!("../../../../migrations/tenant/0003_nested_groups.sql"),
        newest: None,
    },
    Migration {
        version: "0004_lists",
        sql: include_str!("../../../../migrations/tenant/0004_lists.sql"),
        newest: None,
    },
    Migration {
        version: "0005_extension_schemas",
        sql: include_str!("../../../../migrations/tenant/0005_extension_schemas.sql"),
        newest: None,
    },
    Migration {
        version: "0006_order",
        sql: include_str!("../../../../migrations/tenant/0006_order.sql"),
        newest: None,
    },
];

/// Runs a test body on both databases, under a clock that jumps: no rule of this crate may depend on it.
pub(crate) async fn on_each_store<Fut: Future<Output = ()>>(body: impl Fn(Store) -> Fut) {
    testkit::stores::on_each_store_with(MIGRATIONS, settings(jumping()), body).await;
}

/// What people ask for: as the profiles have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Admin,
    Member,
    Lite,
}

impl Ask {
    pub(crate) fn request(self, active: bool) -> SeatRequest {
        match self {
            Self::Admin => {
                SeatRequest { role: "admin".into(), license: License::Member, may_fall_back: false, active }
            }
            Self::Member => {
                SeatRequest { role: "member".into(), license: License::Member, may_fall_back: true, active }
            }
            Self::Lite => SeatRequest {
                role: "member_lite".into(),
                license: License::MemberLite,
                may_fall_back: false,
                active,
            },
        }
    }
}

pub(crate) async fn write<T, F>(store: &Store, work: F) -> Result<T, SeatError>
where
    T: Send + 'static,
    F: FnOnce(&mut WriteTx<'_>) -> Result<T, SeatError> + Send + 'static,
{
    store.write(work).await
}

pub(crate) async fn settle(
    store: &Store,
    user: &str,
    ask: Ask,
    active: bool,
) -> Result<SeatChange, SeatError> {
    let user = user.to_owned();
    write(store, move |tx| seats::settle(tx, &user, &ask.request(active))).await
}

pub(crate) async fn remove(store: &Store, user: &str) -> Vec<Seat> {
    let user = user.to_owned();
    write(store, move |tx| seats::remove(tx, &user)).await.unwrap()
}

/// Quotas of Member and Member Lite, and what happens when no Member seat is left.
pub(crate) async fn plan(store: &Store, member: i64, lite: i64, policy: Policy) {
    write(store, move |tx| {
        pools::set_quota(tx, License::Member, Some(member))?;
        pools::set_quota(tx, License::MemberLite, Some(lite))?;
        pools::set_policy(tx, License::Member, policy)
    })
    .await
    .unwrap();
}

/// The one rule: ledger, counter and holders are one number; and no user waits while a seat is free.
pub(crate) fn assert_adds_up(tx: &mut ReadTx<'_>) -> Result<(), SeatError> {
    for (license, count) in audit::recount(tx)? {
        assert!(count.adds_up(), "{license}: {count:?}");
    }
    for pool in pools::all(tx)? {
        let free = pool.quota.is_none_or(|quota| pool.used < quota);
        assert!(!free || pool.waiting == 0, "somebody waits though a seat is free: {pool:?}");
    }
    Ok(())
}

pub(crate) async fn adds_up(store: &Store) {
    store.read(assert_adds_up).await.unwrap();
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Lines in the ledger.
pub(crate) fn ledger_lines(tx: &mut ReadTx<'_>) -> i64 {
    let query = sql_query("SELECT COUNT(*) AS number FROM seat_ledger");
    query.get_result::<Number>(tx.connection()).unwrap().number
}

pub(crate) async fn used(store: &Store, license: License) -> i64 {
    store.read(move |tx| pools::get(tx, license)).await.unwrap().used
}
