//! The gateway that a test starts, and the words that several tests share.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
pub(crate) use testkit::urn::{ENTERPRISE, GROUP, GROUP_ORIGIN, SEAT, USER, USER_ORIGIN};
use testkit::{
    database::Database,
    gateway::{Gateway, Setup, Tenant},
};

/// The program under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_usher");

/// A gateway with default settings.
pub(crate) fn gateway() -> Gateway {
    gateway_with(&[])
}

/// A gateway with these settings.
pub(crate) fn gateway_with(settings: &[(&str, &str)]) -> Gateway {
    Gateway::start_with(BINARY, settings)
}

/// Two processes that serve the same tenants from one PostgreSQL, with these settings.
pub(crate) fn two_processes(settings: &[(&str, &str)]) -> [Gateway; 2] {
    two_processes_on(Database::create(), settings)
}

/// The same, from this database.
pub(crate) fn two_processes_on(database: Database, settings: &[(&str, &str)]) -> [Gateway; 2] {
    let database = Arc::new(database);
    [(); 2].map(|()| {
        let database = Some(Arc::clone(&database));
        Gateway::set_up(BINARY, Setup { settings, database, ..Setup::default() })
    })
}

/// The tenant as this process serves it.
pub(crate) fn at(process: &Gateway, tenant: &Tenant) -> Tenant {
    let base_url = format!("{}/{}/{}/scim/v2", process.url, tenant.region, tenant.key);
    Tenant { base_url, ..tenant.clone() }
}

/// Waits until it is so, for twenty seconds at most; returns the time that it took.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}: never");
        sleep(Duration::from_millis(5));
    }
    began.elapsed()
}

/// A gateway and one tenant with these quotas.
pub(crate) fn acme(member: Option<i64>, member_lite: Option<i64>) -> (Gateway, Tenant) {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", member, member_lite);
    (gateway, acme)
}

/// A gateway and one tenant with room for everybody.
pub(crate) fn roomy() -> (Gateway, Tenant) {
    acme(None, None)
}

/// A tenant whose profile shows licenses and roles to Okta's entitlement discovery.
pub(crate) fn entitled(
    gateway: &Gateway,
    key: &str,
    member: Option<i64>,
    member_lite: Option<i64>,
) -> Tenant {
    let seats = json!({ "member": member, "member_lite": member_lite });
    gateway.onboard("ire", &json!({ "key": key, "name": key, "profile": "mentimeter", "seats": seats }))
}

/// A gateway and one tenant from a whole body of the admin API.
pub(crate) fn onboarded(body: &Value) -> (Gateway, Tenant) {
    let gateway = gateway();
    let tenant = gateway.onboard("ire", body);
    (gateway, tenant)
}

/// Every row of the tenant's store, as an export has it, but for those that come a moment after their answers: of refused writes, and of
/// what is remembered of requests.
#[track_caller]
pub(crate) fn stored(gateway: &Gateway, tenant: &Tenant) -> Vec<String> {
    let export = gateway.admin("GET", &format!("{}/export", tenant.admin_path()), None).expect(200).text;
    let rows = export.lines().filter(|line| line.starts_with("{\"table\":"));
    let is_later = |line: &&str| {
        ["attempts", "traffic"].iter().any(|table| line.starts_with(&format!("{{\"table\":\"{table}\"")))
    };
    rows.filter(|line| !is_later(line)).map(str::to_owned).collect()
}

/// What the metrics count of writes: all but the times, and the requests of staff and of dry runs.
#[track_caller]
pub(crate) fn counted_writes(gateway: &Gateway) -> Vec<String> {
    let counts = [
        "usher_http_requests_total",
        "usher_http_request_duration_seconds_count",
        "usher_scim_operations_total",
        "usher_seats_refused_total",
        "usher_seat_movements_total",
        "usher_scim_leniency_total",
        "usher_store_transactions_total{kind=\"tenant\",mode=\"write\",outcome=\"failed\"",
    ];
    let others = ["listener=\"admin\"", "method=\"dry_run\"", "operation=\"other\""];
    let metrics = gateway.metrics();
    let lines = metrics.lines().filter(|line| counts.iter().any(|count| line.starts_with(count)));
    lines.filter(|line| !others.iter().any(|other| line.contains(other))).map(str::to_owned).collect()
}

/// One `replace` operation.
pub(crate) fn replace(path: &str, value: impl Into<Value>) -> Value {
    json!([{ "op": "replace", "path": path, "value": value.into() }])
}

/// A user body of these attributes.
pub(crate) fn user_body(attributes: &Value) -> Value {
    let mut body = json!({ "schemas": [USER] });
    for (name, value) in attributes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// A new group with these members; its id.
#[track_caller]
pub(crate) fn new_group(tenant: &Tenant, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    tenant.post("/Groups", &body).expect(201).id()
}

/// The ids of a group's members, sorted.
#[track_caller]
pub(crate) fn members(tenant: &Tenant, group: &str) -> Vec<String> {
    let group = tenant.get(&format!("/Groups/{group}")).expect(200);
    let members = group.body["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = members.iter().map(|m| m["value"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// The names of all users, each once.
#[track_caller]
pub(crate) fn user_names(tenant: &Tenant) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut start = 1;
    loop {
        let page =
            tenant.get(&format!("/Users?startIndex={start}&count=200&attributes=userName")).expect(200);
        let users = page.body["Resources"].as_array().cloned().unwrap_or_default();
        if users.is_empty() {
            return names;
        }
        for user in &users {
            let name = user["userName"].as_str().unwrap().to_owned();
            assert!(names.insert(name), "a user is there twice: {user}");
        }
        start += users.len();
    }
}

/// The `display` of a user's groups, sorted.
#[track_caller]
pub(crate) fn groups_of(tenant: &Tenant, user: &str) -> Vec<String> {
    let user = tenant.get(&format!("/Users/{user}")).expect(200);
    let groups = user.body["groups"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = groups.iter().map(|g| g["display"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Runs a statement on a store as another process would, with the command line of SQLite.
pub(crate) fn sql(store: &Path, statement: &str) -> String {
    let output = Command::new("sqlite3").arg(store).arg(statement).output();
    let output = output.unwrap_or_else(|e| panic!("this test needs the package sqlite3: {e}"));
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
