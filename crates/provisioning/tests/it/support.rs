//! One tenant, and the use cases as an identity provider's words: create, put, patch, delete.

use std::{sync::Arc, time::Instant};

use directory::{
    changes::{self, StoredChange},
    search::Window,
};
use provisioning::{
    Act, Preconditions, Profile, ProvisioningError, RequestContext, Rules, TENANT_MIGRATIONS, Write, audit,
    groups,
    lists::{self, Part, Shown},
    plan,
    render::Base,
    users::{self, Edit, UserView, Written},
    write,
};
use scim_core::{
    ResourceKind, bulk::Method, leniency::Tolerance, patch::PatchRequest, projection::Projection, resource,
    urn,
};
use seat_ledger::{License, SeatError};
use serde_json::{Value, json};
use store::{ReadTx, Store, StoreError, WriteTx};

/// One tenant in a transaction's hands.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) store: Store,
    pub(crate) rules: Rules,
}

pub(crate) type Done<T> = Result<T, ProvisioningError>;

pub(crate) fn act() -> Act {
    Act { request_id: "r".to_owned() }
}

/// The context of a request of the tenant with these rules.
pub(crate) fn context(rules: &Rules) -> RequestContext {
    RequestContext {
        request_id: act().request_id,
        credential: "key".to_owned(),
        tenant: "ire/acme".to_owned(),
        rules: Arc::new(rules.clone()),
        tolerance: Tolerance::lenient(),
        instant: Instant::now(),
    }
}

/// A request, with its body as an identity provider sends it.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Create(Value),
    Replace(String, Value),
    Patch(String, Value),
    Delete(String),
}

impl Request {
    /// Judges it and does it.
    pub(crate) fn run(
        self,
        tx: &mut WriteTx<'_>,
        rules: &Rules,
        kind: ResourceKind,
        shown: write::Shown,
    ) -> Done<provisioning::Done> {
        let (method, id, body) = match self {
            Self::Create(body) => (Method::Post, None, body),
            Self::Replace(id, body) => (Method::Put, Some(id), body),
            Self::Patch(id, body) => (Method::Patch, Some(id), body),
            Self::Delete(id) => (Method::Delete, Some(id), Value::Null),
        };
        let context = &mut context(rules);
        Write::new(kind, method, id, body, context)?.run(tx, shown, &Preconditions::default(), context)
    }
}

/// Runs a body for one tenant with the default profile, on each database.
pub(crate) async fn for_each_tenant<F>(body: impl Fn(Tenant) -> F)
where
    F: Future<Output = ()>,
{
    testkit::stores::on_each_store(TENANT_MIGRATIONS, |store| body(Tenant::new(store, "default"))).await;
}

/// The same, under a clock that jumps.
pub(crate) async fn for_each_tenant_at_any_time<F>(body: impl Fn(Tenant) -> F)
where
    F: Future<Output = ()>,
{
    let settings = testkit::clocks::settings(testkit::clocks::jumping());
    let body = |store| body(Tenant::new(store, "default"));
    testkit::stores::on_each_store_with(TENANT_MIGRATIONS, settings, body).await;
}

impl Tenant {
    pub(crate) fn new(store: Store, profile: &str) -> Self {
        Self { store, rules: Rules::new(Profile::built_in(profile).unwrap()) }
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Done<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>, &Rules) -> Done<T> + Send + 'static,
    {
        let rules = self.rules.clone();
        self.store.write(move |tx| work(tx, &rules)).await
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&mut ReadTx<'_>) -> Done<T> + Send + 'static,
    {
        self.store.read(work).await.unwrap()
    }

    pub(crate) async fn quotas(&self, member: i64, lite: i64) {
        self.write(move |tx, _| quotas(tx, member, lite)).await.unwrap();
    }

    pub(crate) async fn create(&self, body: Value) -> Done<Written> {
        self.write(move |tx, rules| create(tx, rules, &body)).await
    }

    pub(crate) async fn put(&self, id: &str, body: Value) -> Done<Written> {
        let id = id.to_owned();
        self.write(move |tx, rules| put(tx, rules, &id, &body)).await
    }

    pub(crate) async fn patch(&self, id: &str, operations: Value) -> Done<Written> {
        let id = id.to_owned();
        self.write(move |tx, rules| patch(tx, rules, &id, &operations)).await
    }

    pub(crate) async fn delete(&self, id: &str) -> Done<()> {
        let id = id.to_owned();
        let anyone = Preconditions::default();
        self.write(move |tx, rules| users::delete(tx, rules, &id, &anyone, &act()).map(|_promoted| ())).await
    }

    pub(crate) async fn get(&self, id: &str) -> UserView {
        let id = id.to_owned();
        self.read(move |tx| users::get(tx, &id)).await
    }

    /// A group with these members.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> groups::Written {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [urn::GROUP], "displayName": name, "members": members });
        let work = move |tx: &mut WriteTx<'_>, rules: &Rules| {
            groups::create(tx, rules, &body, true, (&act(), &mut Tolerance::lenient()))
        };
        self.write(work).await.unwrap()
    }

    pub(crate) async fn rename(&self, group: &str, name: &str) {
        let operations = json!([{ "op": "replace", "path": "displayName", "value": name }]);
        let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
        let group = group.to_owned();
        let work = move |tx: &mut WriteTx<'_>, rules: &Rules| {
            let tolerance = &mut Tolerance::lenient();
            let (request, members) = PatchRequest::parse(&rules.group, &body, tolerance)?.split_members();
            let wants = (&request, members.as_slice(), false);
            groups::patch(tx, rules, &group, wants, &Preconditions::default(), (&act(), tolerance))
        };
        self.write(work).await.unwrap();
    }

    /// What happened to one resource, as a story: oldest first.
    pub(crate) async fn changes(&self, id: &str) -> Vec<StoredChange> {
        let id = id.to_owned();
        let newest_first = self.read(move |tx| Ok(changes::of_resource(tx, &id, 1000)?)).await;
        newest_first.into_iter().rev().collect()
    }

    pub(crate) async fn audit(&self) -> audit::Report {
        self.read(audit::run).await
    }

    pub(crate) async fn assert_adds_up(&self) {
        let report = self.audit().await;
        assert!(report.ok, "{report:?}");
    }

    /// Everything that rests but times, ids of rows and the order of ids: to tell whether a failure left anything.
    pub(crate) async fn canonical(&self) -> String {
        self.read(|tx| Ok(canonical(tx))).await
    }
}

pub(crate) fn quotas(tx: &mut WriteTx<'_>, member: i64, lite: i64) -> Done<()> {
    plan::set_quota(tx, License::Member, Some(member), &act())?;
    plan::set_quota(tx, License::MemberLite, Some(lite), &act())
}

pub(crate) fn create(tx: &mut WriteTx<'_>, rules: &Rules, body: &Value) -> Done<Written> {
    let document = resource::create(&rules.user, body, &mut Tolerance::lenient())?;
    users::create(tx, &users::NewUser::of(rules, &document), &act())
}

pub(crate) fn put(tx: &mut WriteTx<'_>, rules: &Rules, id: &str, body: &Value) -> Done<Written> {
    let tolerance = &mut Tolerance::lenient();
    users::edit(tx, rules, id, (Edit::Replace(body), true), &Preconditions::default(), (&act(), tolerance))
}

pub(crate) fn patch(tx: &mut WriteTx<'_>, rules: &Rules, id: &str, operations: &Value) -> Done<Written> {
    let tolerance = &mut Tolerance::lenient();
    let body = json!({ "schemas": [urn::PATCH_OP], "Operations": operations });
    let request = PatchRequest::parse(&rules.user, &body, tolerance)?;
    users::edit(tx, rules, id, (Edit::Patch(&request), true), &Preconditions::default(), (&act(), tolerance))
}

pub(crate) fn person(user_name: &str, user_type: &str) -> Value {
    json!({ "schemas": [urn::USER], "userName": user_name, "userType": user_type })
}

pub(crate) fn is_full<T>(done: &Done<T>) -> bool {
    matches!(done, Err(ProvisioningError::Seats(SeatError::LimitReached { .. })))
}

/// A contended transaction that was rolled back whole: its client retries.
pub(crate) fn is_busy<T>(done: &Done<T>) -> bool {
    matches!(
        done,
        Err(ProvisioningError::Store(StoreError::Busy)
            | ProvisioningError::Directory(directory::DirectoryError::Store(StoreError::Busy))
            | ProvisioningError::Seats(SeatError::Store(StoreError::Busy)))
    )
}

fn canonical(tx: &mut ReadTx<'_>) -> String {
    use diesel::{RunQueryDsl, sql_query, sql_types::Text};
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let queries = [
        "SELECT user_name_key || ' ' || document || ' ' || CAST(version AS TEXT) AS line FROM users ORDER BY id",
        "SELECT value_key || ' ' || type_key || ' ' || user_id AS line FROM user_emails ORDER BY 1",
        "SELECT display_name_key || ' ' || document || ' ' || CAST(version AS TEXT) AS line FROM groups ORDER BY id",
        "SELECT group_id || ' ' || user_id AS line FROM memberships ORDER BY 1",
        "SELECT group_id || ' ' || member_id AS line FROM nested_groups ORDER BY 1",
        "SELECT claim || ' ' || resource_id AS line FROM unique_claims ORDER BY 1",
        "SELECT resource_type || ' ' || CAST(total AS TEXT) AS line FROM directory_totals ORDER BY 1",
        "SELECT kind || ' ' || resource_id || ' ' || detail AS line FROM changes ORDER BY number",
        "SELECT license || ' ' || CAST(used AS TEXT) AS line FROM seat_pools ORDER BY 1",
        "SELECT user_id || ' ' || requested || ' ' || state || ' ' || role AS line FROM seats ORDER BY 1",
        "SELECT user_id || ' ' || license || ' ' || CAST(movement AS TEXT) AS line FROM seat_ledger ORDER BY number",
    ];
    let lines = queries.into_iter().flat_map(|query| sql_query(query).load::<Line>(tx.connection()).unwrap());
    lines.map(|line| line.line + "\n").collect()
}

/// What a list shows, every attribute of it.
pub(crate) fn listed(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    parts: &[Part],
    window: Window<'_>,
) -> Result<Vec<Value>, ProvisioningError> {
    let shown = Shown { user: Projection::all(&rules.user), group: Projection::all(&rules.group) };
    let asked = lists::Asked { parts, window, shown: &shown, is_over: &|| false, has_room: &|_| true };
    let listed = lists::list(tx, (rules, &Base("http://x".to_owned())), &asked)?;
    Ok(listed.texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect())
}
