//! The tenant's tables, wishes by name, and the one rule as an assertion.

use diesel::{RunQueryDsl, sql_query, sql_types::BigInt};
use std::sync::LazyLock;

use seat_ledger::{
    Definition, License, Licenses, Policy, Seat, SeatChange, SeatError, SeatRequest, audit, pools, seats,
};
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
    Migration {
        version: "0007_licenses",
        sql: include_str!("../../../../migrations/tenant/0007_licenses.sql"),
        newest: None,
    },
];

static LICENSES: LazyLock<Licenses> = LazyLock::new(|| {
    let license = |key: &str, title: &str, policy, fallback: Option<&str>| Definition {
        key: key.into(),
        title: title.into(),
        quota: Some(0),
        policy,
        fallback: fallback.map(Into::into),
    };
    Licenses::new(vec![
        license("member", "Member", Policy::Fallback, Some("member_lite")),
        license("member_lite", "Member Lite", Policy::Refuse, None),
    ])
    .unwrap()
});

/// The licenses of a tenant as the migrations make it.
pub(crate) fn licenses() -> &'static Licenses {
    &LICENSES
}

pub(crate) fn both() -> [License; 2] {
    [member(), lite()]
}

pub(crate) fn member() -> License {
    LICENSES.get("member").unwrap()
}

pub(crate) fn lite() -> License {
    LICENSES.get("member_lite").unwrap()
}

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
        let (role, role_rank, license, may_fall_back) = match self {
            Self::Admin => ("admin", 0, member(), false),
            Self::Member => ("member", 1, member(), true),
            Self::Lite => ("member_lite", 2, lite(), false),
        };
        SeatRequest {
            role: role.into(),
            role_rank,
            license,
            may_fall_back,
            active,
            waits: false,
            seat_grace_days: 0,
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
    write(store, move |tx| seats::remove(tx, licenses(), &user)).await.unwrap().moves.promoted
}

/// Quotas of Member and Member Lite, and what happens when no Member seat is left.
pub(crate) async fn plan(store: &Store, members: i64, lites: i64, policy: Policy) {
    write(store, move |tx| {
        seat_ledger::plan::set_quota(tx, &member(), Some(members))?;
        seat_ledger::plan::set_quota(tx, &lite(), Some(lites))?;
        seat_ledger::plan::set_policy(tx, &member(), policy)
    })
    .await
    .unwrap();
}

/// The one rule: ledger, counter and holders are one number; and no user waits while a seat is free.
pub(crate) fn assert_adds_up(tx: &mut ReadTx<'_>) -> Result<(), SeatError> {
    for (license, count) in audit::recount(tx, licenses())? {
        assert!(count.adds_up(), "{license}: {count:?}");
    }
    for pool in pools::all(tx, licenses())? {
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
    store.read(move |tx| pools::get(tx, &license)).await.unwrap().used
}
