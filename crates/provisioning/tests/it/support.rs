//! One tenant, and the use cases as an identity provider's words: create, put, patch, delete.

use std::{sync::Arc, time::Instant};

use directory::{
    changes::{self, ChangeRecord},
    search::PageRequest,
};
use provisioning::{
    Act, Base, MayWrite, Preconditions, Product, ProvisioningError, RequestContext, Rules, SentPerson, Shown,
    TENANT_MIGRATIONS, Write, audit,
    lists::{self, ListRequest, Part, Projections},
    log::Sender,
    plan,
    view::{self, View},
};
use scim_core::{ResourceKind, bulk::Method, leniency::Tolerance, projection::Projection, urn};
use seat_ledger::{License, Licenses, SeatError};
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
    Act { request_id: "r".to_owned(), actor: "root".to_owned(), sender: Sender::of_staff(None) }
}

/// The context of a request of the tenant with these rules.
pub(crate) fn context(rules: &Rules) -> RequestContext {
    RequestContext {
        request_id: act().request_id,
        credential: "key".to_owned(),
        may_write: MayWrite::ALL,
        tenant: "ire/acme".to_owned(),
        sender: Sender::default(),
        sent: SentPerson::default(),
        names_attributes: false,
        met_before: Vec::new(),
        rules: Arc::new(rules.clone()),
        tolerance: Tolerance::lenient(),
        instant: Instant::now(),
        is_trial: false,
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
        shown: Shown,
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
        let base = Base("http://x".to_owned());
        let mut rules = Rules::new(Product::built_in(profile).unwrap());
        rules.base = base;
        Self { store, rules }
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
        let request = Request::Delete(id.to_owned());
        let kind = ResourceKind::User;
        self.write(move |tx, rules| request.run(tx, rules, kind, Shown::Version).map(drop)).await
    }

    pub(crate) async fn get(&self, id: &str) -> View {
        let id = id.to_owned();
        self.read(move |tx| user(tx, &id)).await
    }

    /// A group with these members.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> Written {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [urn::GROUP], "displayName": name, "members": members });
        self.write(move |tx, rules| write_group(tx, rules, Request::Create(body))).await.unwrap()
    }

    pub(crate) async fn rename(&self, group: &str, name: &str) {
        let operations = json!([{ "op": "replace", "path": "displayName", "value": name }]);
        let request = Request::Patch(group.to_owned(), patch_body(&operations));
        self.write(move |tx, rules| write_group(tx, rules, request)).await.unwrap();
    }

    /// What happened to one resource, as a story: oldest first.
    pub(crate) async fn changes(&self, id: &str) -> Vec<ChangeRecord> {
        let id = id.to_owned();
        let newest_first = self.read(move |tx| Ok(changes::of_resource(tx, &id, 1000)?)).await;
        newest_first.into_iter().rev().collect()
    }

    pub(crate) async fn audit(&self) -> audit::Report {
        let rules = self.rules.clone();
        self.read(move |tx| audit::run(tx, rules.product.licenses())).await
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

/// The licenses of the profiles that ship with Usher.
fn licenses() -> Licenses {
    Product::built_in("default").unwrap().licenses().clone()
}

/// One of them.
pub(crate) fn license(key: &str) -> License {
    licenses().get(key).unwrap()
}

pub(crate) fn quotas(tx: &mut WriteTx<'_>, member: i64, lite: i64) -> Done<()> {
    plan::set_quota(tx, &license("member"), Some(member), &act())?;
    plan::set_quota(tx, &license("member_lite"), Some(lite), &act())
}

/// What came of a write that leaves a resource.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) view: View,
    pub(crate) changed: bool,
    pub(crate) seats: Vec<(License, &'static str)>,
}

impl From<provisioning::Done> for Written {
    fn from(done: provisioning::Done) -> Self {
        let changed = done.status == 201 || !done.changed.is_empty();
        Self { view: done.view.unwrap(), changed, seats: done.seats }
    }
}

fn write_user(tx: &mut WriteTx<'_>, rules: &Rules, request: Request) -> Done<Written> {
    Ok(request.run(tx, rules, ResourceKind::User, Shown::Links)?.into())
}

pub(crate) fn write_group(tx: &mut WriteTx<'_>, rules: &Rules, request: Request) -> Done<Written> {
    Ok(request.run(tx, rules, ResourceKind::Group, Shown::Links)?.into())
}

pub(crate) fn patch_body(operations: &Value) -> Value {
    json!({ "schemas": [urn::PATCH_OP], "Operations": operations })
}

/// One user, with its groups.
pub(crate) fn user(tx: &mut ReadTx<'_>, id: &str) -> Done<View> {
    view::get(tx, &licenses(), ResourceKind::User, id, true)
}

/// One group, with its members.
pub(crate) fn group(tx: &mut ReadTx<'_>, id: &str) -> Done<View> {
    view::get(tx, &licenses(), ResourceKind::Group, id, true)
}

pub(crate) fn create(tx: &mut WriteTx<'_>, rules: &Rules, body: &Value) -> Done<Written> {
    write_user(tx, rules, Request::Create(body.clone()))
}

pub(crate) fn put(tx: &mut WriteTx<'_>, rules: &Rules, id: &str, body: &Value) -> Done<Written> {
    write_user(tx, rules, Request::Replace(id.to_owned(), body.clone()))
}

pub(crate) fn patch(tx: &mut WriteTx<'_>, rules: &Rules, id: &str, operations: &Value) -> Done<Written> {
    write_user(tx, rules, Request::Patch(id.to_owned(), patch_body(operations)))
}

pub(crate) fn person(user_name: &str, user_type: &str) -> Value {
    json!({ "schemas": [urn::USER], "userName": user_name, "userType": user_type })
}

pub(crate) fn is_full<T>(done: &Done<T>) -> bool {
    matches!(done, Err(ProvisioningError::Seats(SeatError::LimitReached(_))))
}

/// A contended transaction that was rolled back whole: its client retries.
pub(crate) fn is_busy<T>(done: &Done<T>) -> bool {
    matches!(done, Err(ProvisioningError::Store(StoreError::Busy)))
}

/// The row of a query whose one column is `line`.
pub(crate) fn lines(tx: &mut ReadTx<'_>, query: &str) -> Vec<String> {
    use diesel::{RunQueryDsl, sql_query, sql_types::Text};
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        line: String,
    }
    let lines = sql_query(query).load::<Line>(tx.connection()).unwrap();
    lines.into_iter().map(|line| line.line).collect()
}

fn canonical(tx: &mut ReadTx<'_>) -> String {
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
    queries.into_iter().flat_map(|query| lines(tx, query)).map(|line| line + "\n").collect()
}

/// What a list shows, every attribute of it.
pub(crate) fn listed(
    tx: &mut ReadTx<'_>,
    rules: &Rules,
    parts: &[Part],
    window: PageRequest<'_>,
) -> Result<Vec<Value>, ProvisioningError> {
    let projections =
        Projections { user: Projection::all(&rules.user), group: Projection::all(&rules.group) };
    let (is_over, has_room) = (&|| false, &|_| true);
    let asked =
        ListRequest { parts, request: window, projections: &projections, walk: None, is_over, has_room };
    let listed = lists::list(tx, rules, &asked)?;
    Ok(listed.texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect())
}
