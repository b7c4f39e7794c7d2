//! A bulk at work: what each operation comes to does not depend on where it stands, and what is lost is lost whole.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use diesel::{RunQueryDsl, sql_query};
use directory::{DirectoryError, search::PageRequest};
use futures_util::future::join_all;
use profiles::Received;
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use provisioning::{
    Outcome, Product, ProvisioningError, Rules, SentPerson, TENANT_MIGRATIONS,
    bulk::Bulk,
    lists::Part,
    schemas::{self, NewSchema},
};
use scim_core::{ResourceKind, bulk::BulkRequest, leniency::Tolerance, schema::document, urn};
use seat_ledger::SeatError;
use serde_json::{Value, json};
use store::{StoreError, WriteTx};
use testkit::stores::FreshStore;

use crate::support::{
    Done, Request, Tenant, act, context, create, for_each_tenant, group, listed, person, quotas,
};

const CASES: u32 = 120;

fn bulk(operations: &[Value]) -> Bulk {
    let body = json!({ "schemas": [urn::BULK_REQUEST], "Operations": operations });
    Bulk::new(BulkRequest::parse(body, &mut Tolerance::lenient()).unwrap())
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

/// The whole bulk, in the transaction at hand; how each operation ended, by its place in the request.
fn run(tx: &mut WriteTx<'_>, rules: &Rules, bulk: &mut Bulk) -> Done<BTreeMap<usize, Outcome>> {
    let mut ended = BTreeMap::new();
    while bulk.goes_on() {
        bulk.step(tx, &context(rules), || false)?;
        ended.extend(bulk.take_step().outcomes);
    }
    Ok(ended)
}

/// Users with their managers, and groups of users and groups, some of whom cannot be made.
#[derive(Clone, Debug)]
struct Wishes {
    /// Whether the user is impossible, and its manager.
    users: Vec<(bool, Option<usize>)>,
    /// Its users and its groups.
    groups: Vec<(BTreeSet<usize>, BTreeSet<usize>)>,
}

fn wishes() -> impl Strategy<Value = (Wishes, Vec<usize>)> {
    (1_usize..9, 0_usize..4).prop_flat_map(|(users, groups)| {
        let user = (prop::bool::weighted(0.15), prop::option::weighted(0.7, 0..users));
        let below = prop::collection::btree_set(0..groups.max(1), 0..2);
        let group = (prop::collection::btree_set(0..users, 0..4), below);
        let order = Just((0..users + groups).collect::<Vec<_>>()).prop_shuffle();
        (vec(user, users), vec(group, groups), order)
            .prop_map(|(users, groups, order)| (Wishes { users, groups }, order))
    })
}

impl Wishes {
    fn operations(&self) -> Vec<Value> {
        let user = |(place, (impossible, manager)): (usize, &(bool, Option<usize>))| {
            let mut data = person(if *impossible { "taken" } else { "" }, "member_lite");
            if !impossible {
                data["userName"] = format!("u{place}").into();
            }
            if let Some(manager) = manager {
                data[urn::ENTERPRISE_USER] = json!({ "manager": { "value": format!("bulkId:u{manager}") } });
            }
            post("/Users", &format!("u{place}"), data)
        };
        let group = |place: usize| {
            let members = self.members(place);
            let members: Vec<Value> =
                members.iter().map(|m| json!({ "value": format!("bulkId:{m}") })).collect();
            let data =
                json!({ "schemas": [urn::GROUP], "displayName": format!("g{place}"), "members": members });
            post("/Groups", &format!("g{place}"), data)
        };
        let users = self.users.iter().enumerate().map(user);
        users.chain((0..self.groups.len()).map(group)).collect()
    }

    /// The names of a group's members.
    fn members(&self, group: usize) -> BTreeSet<String> {
        let (users, groups) = &self.groups[group];
        let users = users.iter().map(|user| format!("u{user}"));
        users.chain(groups.iter().map(|group| format!("g{group}"))).collect()
    }

    /// Whether nobody up the line is impossible.
    fn user_comes(&self, user: usize) -> bool {
        let mut at = Some(user);
        (0..=self.users.len()).all(|_| {
            let Some(here) = at else { return true };
            at = self.users[here].1;
            !self.users[here].0
        })
    }

    fn expected(&self) -> Vec<bool> {
        let users = (0..self.users.len()).map(|user| self.user_comes(user));
        users.chain((0..self.groups.len()).map(|group| self.group_comes(group, &[]))).collect()
    }

    /// Whether everybody in it comes, and it is in no circle and leads to none.
    fn group_comes(&self, group: usize, above: &[usize]) -> bool {
        let (users, groups) = &self.groups[group];
        let above = [above, &[group]].concat();
        users.iter().all(|user| self.user_comes(*user))
            && groups.iter().all(|below| !above.contains(below) && self.group_comes(*below, &above))
    }
}

/// Every user, with the name of its manager; and every group with the names of its members.
type Shown = (BTreeMap<String, Option<String>>, BTreeMap<String, BTreeSet<String>>);

fn shown(tx: &mut WriteTx<'_>, rules: &Rules) -> Done<Shown> {
    let both = [ResourceKind::User, ResourceKind::Group].map(|kind| Part { kind, filter: None, sort: None });
    let page = PageRequest::Index { offset: 0, count: 1000 };
    let (users, groups): (Vec<Value>, Vec<Value>) =
        listed(tx, rules, &both, page)?.into_iter().partition(|shown| shown.get("userName").is_some());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let user_names = users.iter().map(|user| (text(&user["id"]), text(&user["userName"])));
    let group_names = groups.iter().map(|group| (text(&group["id"]), text(&group["displayName"])));
    let names: BTreeMap<String, String> = user_names.chain(group_names).collect();
    let managers = users.iter().map(|user| {
        let manager = user.get(urn::ENTERPRISE_USER).map(|enterprise| {
            assert!(enterprise["manager"]["$ref"].is_string(), "a manager is somebody here");
            names[&text(&enterprise["manager"]["value"])].clone()
        });
        (names[&text(&user["id"])].clone(), manager)
    });
    let managers = managers.collect();
    let groups = groups.iter().map(|group| {
        let members = group.get("members").and_then(Value::as_array).into_iter().flatten();
        let members = members.map(|member| names[&text(&member["value"])].clone()).collect();
        (names[&text(&group["id"])].clone(), members)
    });
    Ok((managers, groups.collect()))
}

#[derive(Default)]
struct Met {
    failed: Cell<usize>,
    came: Cell<usize>,
}

fn in_any_order(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    (wishes, order): &(Wishes, Vec<usize>),
    met: &Met,
) -> Result<(), TestCaseError> {
    let operations = wishes.operations();
    let in_order: Vec<Value> = order.iter().map(|place| operations[*place].clone()).collect();
    let mut ends = Vec::new();
    for operations in [&operations, &in_order] {
        let _undone: Done<()> = tx.savepoint(|tx| {
            quotas(tx, 100, 100)?;
            create(tx, rules, &person("taken", "member_lite"))?;
            let ended = run(tx, rules, &mut bulk(operations))?;
            ends.push((ended, shown(tx, rules)?));
            Err(StoreError::Busy.into())
        });
    }
    let [(ended, end), (ended_in_order, end_in_order)] = ends.as_slice() else {
        return Err(TestCaseError::fail("the bulk itself failed"));
    };
    let expected = wishes.expected();
    for (place, comes) in expected.iter().enumerate() {
        let moved = order.iter().position(|p| *p == place).unwrap();
        for outcome in [&ended[&place], &ended_in_order[&moved]] {
            prop_assert_eq!(outcome.result.is_ok(), *comes, "{} of {:?}: {:?}", place, wishes, outcome);
        }
        let count = if *comes { &met.came } else { &met.failed };
        count.set(count.get() + 1);
    }
    prop_assert_eq!(end, end_in_order, "the order makes no difference");
    prop_assert_eq!(end.0.len(), 1 + expected[..wishes.users.len()].iter().filter(|comes| **comes).count());
    for (user, (_, manager)) in wishes.users.iter().enumerate().filter(|(user, _)| expected[*user]) {
        prop_assert_eq!(&end.0[&format!("u{user}")], &manager.map(|m| format!("u{m}")));
    }
    for group in (0..wishes.groups.len()).filter(|group| expected[wishes.users.len() + group]) {
        prop_assert_eq!(&end.1[&format!("g{group}")], &wishes.members(group));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_any_order_the_same_comes_of_the_operations_and_what_fails_is_named() {
    for_each_tenant(async |tenant: Tenant| {
        let outcome = tenant.write(|tx, rules| {
            let met = Met::default();
            let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
            let mut runner =
                TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
            let tx = RefCell::new(tx);
            let outcome =
                runner.run(&wishes(), |case| in_any_order(&mut tx.borrow_mut(), rules, &case, &met));
            Ok(outcome.map(|()| (met.failed.get(), met.came.get())).map_err(|error| error.to_string()))
        });
        let (failed, came) = outcome.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
        assert!(failed > 50 && came > 200, "too seldom: {failed} failed, {came} came");
    })
    .await;
}

/// A bulk as the gateway runs it, each step in a transaction of its own that ends after `turn` units.
async fn in_turns(tenant: &Tenant, bulk: Bulk, turn: usize) -> (Vec<(usize, Outcome)>, usize) {
    let bulk = Arc::new(Mutex::new(bulk));
    let (mut ended, mut transactions) = (Vec::new(), 0);
    while bulk.lock().unwrap().goes_on() {
        let this = Arc::clone(&bulk);
        let done = tenant.write(move |tx, rules| {
            let left = Cell::new(turn);
            let enough = || {
                left.set(left.get() - 1);
                left.get() == 0
            };
            this.lock().unwrap().step(tx, &context(rules), enough)
        });
        match done.await {
            Ok(()) => ended.extend(bulk.lock().unwrap().take_step().outcomes),
            Err(error) => {
                let busy = ProvisioningError::Store(StoreError::Busy);
                assert_eq!(error.to_string(), busy.to_string());
                let lost = bulk.lock().unwrap().lose_step();
                ended.extend(lost.into_iter().map(|operation| (operation, busy_outcome())));
            }
        }
        transactions += 1;
    }
    (ended, transactions)
}

fn busy_outcome() -> Outcome {
    let result = Err(StoreError::Busy.into());
    Outcome {
        kind: None,
        method: None,
        id: None,
        sent: SentPerson::default(),
        result,
        leniencies: Vec::new(),
    }
}

fn is_full(outcome: &Outcome) -> bool {
    matches!(outcome.result, Err(ProvisioningError::Seats(SeatError::LimitReached(_))))
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_48_bulks_at_once_sell_the_seats_there_are_and_lock_in_one_order() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(10, 0).await;
        let crew = tenant.group("crew", &[]).await.view.record.id;
        let bulks = (0..8).map(|client| {
            let (tenant, crew) = (tenant.clone(), crew.clone());
            let mut operations = Vec::new();
            for n in 0..6 {
                let name = format!("u{client}-{n}");
                let join = json!([{ "op": "add", "path": "members", "value": [{ "value": format!("bulkId:{name}") }] }]);
                let patch = json!({ "schemas": [urn::PATCH_OP], "Operations": join });
                operations.push(json!({ "method": "PATCH", "path": format!("/Groups/{crew}"), "data": patch }));
                operations.push(post("/Users", &name, person(&name, "member")));
            }
            tokio::spawn(async move { in_turns(&tenant, bulk(&operations), 5).await })
        });
        let (mut made, mut full, mut refers, mut busy, mut transactions) = (0, 0, 0, 0, 0);
        for ended in join_all(bulks).await {
            let (outcomes, turns) = ended.unwrap();
            transactions += turns;
            assert_eq!(outcomes.len(), 12);
            for (_, outcome) in outcomes {
                match &outcome.result {
                    Ok(success) if success.status == 201 => made += 1,
                    Ok(_) => {}
                    Err(ProvisioningError::Scim(error)) if error.status == 409 => refers += 1,
                    Err(ProvisioningError::Store(StoreError::Busy)) => busy += 1,
                    Err(error) => {
                        assert!(is_full(&outcome), "{error:?}");
                        full += 1;
                    }
                }
            }
        }
        assert_eq!((made, full, refers, busy), (10, 38, 38, 0), "after {transactions} transactions");
        let report = tenant.audit().await;
        assert!(report.ok && report.active_users == 10, "{report:?}");
        let members = tenant.read(move |tx| group(tx, &crew)).await.members.unwrap();
        assert_eq!(members.len(), 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_transaction_did_has_failed_and_what_refers_to_it_fails_and_the_rest_goes_on() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(10, 10).await;
        let user = |name: &str| post("/Users", name, person(name, "member"));
        let managed = |name: &str, by: &str| {
            let mut data = person(name, "member");
            data[urn::ENTERPRISE_USER] = json!({ "manager": format!("bulkId:{by}") });
            post("/Users", name, data)
        };
        let mut bulk = bulk(&[user("a"), managed("b", "a"), user("c"), managed("d", "c")]);
        bulk.lose_step();
        let bulk = Arc::new(Mutex::new(bulk));
        let this = Arc::clone(&bulk);
        let lost: Done<()> = tenant
            .write(move |tx, rules| {
                this.lock().unwrap().step(tx, &context(rules), || true)?;
                Err(StoreError::Busy.into())
            })
            .await;
        assert!(lost.is_err());
        assert_eq!(bulk.lock().unwrap().lose_step(), [0]);
        assert_eq!(bulk.lock().unwrap().lose_step(), [0_usize; 0], "once");
        let bulk = Arc::into_inner(bulk).unwrap().into_inner().unwrap();
        let (ended, _) = in_turns(&tenant, bulk, 1).await;
        let came: Vec<(usize, bool)> =
            ended.iter().map(|(operation, outcome)| (*operation, outcome.result.is_ok())).collect();
        assert_eq!(came, [(1, false), (2, true), (3, true)]);
        tenant.assert_adds_up().await;
        assert_eq!(tenant.audit().await.active_users, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_transaction_counts_as_errors_and_what_is_given_up_is_named() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(10, 10).await;
        let names = ["a", "b", "c", "d"];
        let operations: Vec<Value> = names.iter().map(|n| post("/Users", n, person(n, "member"))).collect();
        let body = json!({ "schemas": [urn::BULK_REQUEST], "Operations": operations, "failOnErrors": 2 });
        let request = || BulkRequest::parse(body.clone(), &mut Tolerance::lenient()).unwrap();
        let two = tenant.write({
            let mut bulk = Bulk::new(request());
            move |tx, rules| {
                for expected in [vec![0], vec![1]] {
                    let _undone: Done<()> = tx.savepoint(|tx| {
                        bulk.step(tx, &context(rules), || true)?;
                        Err(StoreError::Busy.into())
                    });
                    assert!(bulk.goes_on());
                    assert_eq!(bulk.lose_step(), expected);
                    let sent = bulk.refused(expected[0], (), rules).sent;
                    let read = (sent.user_name.as_deref(), sent.role_received);
                    assert_eq!(read, (Some(names[expected[0]]), Some(Received::Mapped)));
                }
                Ok((bulk.goes_on(), bulk.give_up()))
            }
        });
        assert_eq!(two.await.unwrap(), (false, vec![2, 3]));
        assert_eq!(tenant.audit().await.active_users, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_ends_where_the_disk_is_full_and_nothing_of_it_is_stored() {
    let fresh = FreshStore::sqlite(TENANT_MIGRATIONS).await;
    let tenant = Tenant::new(fresh.store.clone(), "default");
    tenant.quotas(10, 10).await;
    let mut big = person("big", "member");
    big["title"] = "x".repeat(60_000).into();
    let user = |name: &str| post("/Users", name, person(name, "member"));
    let mut bulk = bulk(&[user("before"), post("/Users", "big", big), user("after"), user("last")]);
    let full = tenant.write(move |tx, rules| {
        // The pages there are have room for what is small.
        sql_query("PRAGMA max_page_count=1").execute(tx.connection()).map_err(StoreError::from)?;
        bulk.step(tx, &context(rules), || false)
    });
    let full = full.await;
    assert_eq!(full.unwrap_err().to_string(), StoreError::Full.to_string());
    assert_eq!(tenant.audit().await.active_users, 0);
    tenant.assert_adds_up().await;
    drop(tenant);
    fresh.remove().await;
}

/// Two users, each the other's manager, which share a savepoint.
fn circle(name: &str) -> Bulk {
    let user = |name: &str, manager: &str| {
        let mut data = person(name, "member");
        data[urn::ENTERPRISE_USER] = json!({ "manager": format!("bulkId:{manager}") });
        post("/Users", name, data)
    };
    let other = format!("{name}-other");
    bulk(&[user(name, &other), user(&other, name)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn circles_and_single_writes_take_schemas_and_seats_in_one_order() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(1000, 0).await;
        let writers = (0..8).map(|writer| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                for round in 0..10 {
                    let name = format!("w{writer}r{round}");
                    if writer % 2 == 0 {
                        let (ended, _) = in_turns(&tenant, circle(&name), 1).await;
                        assert!(ended.iter().all(|(_, outcome)| outcome.result.is_ok()), "{ended:?}");
                        continue;
                    }
                    let work = move |tx: &mut WriteTx<'_>, rules: &Rules| {
                        let request = Request::Create(person(&name, "member"));
                        request.run(tx, rules, ResourceKind::User, provisioning::Shown::Version)
                    };
                    tenant.write(work).await.unwrap();
                }
            })
        });
        join_all(writers).await.into_iter().for_each(|writer| writer.unwrap());
        tenant.assert_adds_up().await;
        assert_eq!(tenant.audit().await.active_users, 120);
    })
    .await;
}

/// A schema added between two steps.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_under_older_schemas_attempts_nothing_and_is_done_under_newer_ones() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(10, 10).await;
        let user = |name: &str| post("/Users", name, person(name, "member"));
        let mut bulk = bulk(&[user("a"), user("b"), user("c")]);
        let ended = tenant.write(move |tx, old| {
            bulk.step(tx, &context(old), || true)?;
            let first = bulk.take_step().outcomes.len();
            let schema = json!({ "id": "urn:example:hr:2.0:User", "attributes": [{ "name": "badge" }] });
            let new = NewSchema { schema: document::read(&schema).unwrap(), of: None, required: None };
            schemas::put(tx, new, &act()).unwrap();
            let stale = bulk.step(tx, &context(old), || true);
            let stale = matches!(stale, Err(ProvisioningError::Directory(DirectoryError::SchemasChanged)));
            let rules = Rules::with_schemas(Product::built_in("default").unwrap(), &schemas::all(tx)?);
            Ok((first, stale, run(tx, &rules, &mut bulk)?))
        });
        let (first, stale, rest) = ended.await.unwrap();
        assert!(stale);
        assert_eq!((first, rest.len()), (1, 2));
        assert!(rest.values().all(|outcome| outcome.result.is_ok()), "{rest:?}");
    })
    .await;
}
