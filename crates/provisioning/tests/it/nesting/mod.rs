//! Groups in groups: random changes beside a model in memory, and what no two writers may do together.

mod model;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use directory::{DirectoryError, search::PageRequest};
use futures_util::future::join_all;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use provisioning::{ProvisioningError, Rules, Shown, lists::Part};
use scim_core::{ResourceKind, filter::Filter, leniency::Tolerance, urn};
use serde_json::{Value, json};
use store::{StoreError, WriteTx};

use self::model::{GROUPS, Model, Op, Pick, Said, Step, USERS, kind_of, step};
use crate::support::{self, Done, Request, Tenant, create, for_each_tenant, is_busy, listed, person, user};

const CASES: u32 = 24;

/// The ids that stand for the numbers.
#[derive(Default)]
struct Ids {
    users: Vec<String>,
    groups: Vec<String>,
}

impl Ids {
    fn of(&self, pick: Pick) -> &str {
        let id = match pick {
            Pick::User(n) => self.users.get(n),
            Pick::Group(n) => self.groups.get(n),
        };
        id.map_or("00000000-0000-7000-8000-000000000000", String::as_str)
    }

    fn list(&self, some: &[Pick]) -> Value {
        some.iter().map(|pick| json!({ "value": self.of(*pick) })).collect()
    }
}

fn operation(ids: &Ids, op: &Op) -> Value {
    let value = |pick: Pick| format!("value eq \"{}\"", ids.of(pick));
    match op {
        Op::Add(some) => json!({ "op": "add", "path": "members", "value": ids.list(some) }),
        Op::Remove(some) => json!({ "op": "remove", "path": "members", "value": ids.list(some) }),
        Op::RemoveByFilter(pick) => json!({ "op": "remove", "path": format!("members[{}]", value(*pick)) }),
        Op::RemoveTyped(kind, pick) => {
            json!({ "op": "remove", "path": format!("members[type eq \"{kind}\" and {}]", value(*pick)) })
        }
        Op::RemoveType(kind) => json!({ "op": "remove", "path": format!("members[type eq \"{kind}\"]") }),
        Op::Clear => json!({ "op": "remove", "path": "members" }),
        Op::Replace(some) => json!({ "op": "replace", "path": "members", "value": ids.list(some) }),
    }
}

fn run(tx: &mut WriteTx<'_>, rules: &Rules, kind: ResourceKind, request: Request) -> Done<Option<String>> {
    let done = request.run(tx, rules, kind, Shown::Version)?;
    Ok(done.view.map(|view| view.id().to_owned()))
}

fn patch(ids: &[Value]) -> Value {
    json!({ "schemas": [urn::PATCH_OP], "Operations": ids })
}

fn group(name: &str, members: &Value) -> Value {
    json!({ "schemas": [urn::GROUP], "displayName": name, "members": members })
}

fn on_store(tx: &mut WriteTx<'_>, rules: &Rules, ids: &mut Ids, step: &Step) -> Done<()> {
    let (kind, request) = match step {
        Step::Patch(n, ops) => {
            let operations: Vec<Value> = ops.iter().map(|op| operation(ids, op)).collect();
            (ResourceKind::Group, Request::Patch(ids.of(Pick::Group(*n)).to_owned(), patch(&operations)))
        }
        Step::Put(n, some) => {
            let body = group(&format!("g{n}"), &ids.list(some));
            (ResourceKind::Group, Request::Replace(ids.of(Pick::Group(*n)).to_owned(), body))
        }
        Step::Create(some) => {
            (ResourceKind::Group, Request::Create(group(&format!("g{}", ids.groups.len()), &ids.list(some))))
        }
        Step::DeleteGroup(n) => (ResourceKind::Group, Request::Delete(ids.of(Pick::Group(*n)).to_owned())),
        Step::DeleteUser(n) => (ResourceKind::User, Request::Delete(ids.of(Pick::User(*n)).to_owned())),
    };
    let made = tx.savepoint(|tx| run(tx, rules, kind, request))?;
    if matches!(step, Step::Create(_)) {
        ids.groups.extend(made);
    }
    Ok(())
}

fn said(done: Done<()>) -> Result<Said, TestCaseError> {
    match done {
        Ok(()) => Ok(Said::Done),
        Err(ProvisioningError::Directory(DirectoryError::GroupCycle(_))) => Ok(Said::Cycle),
        Err(ProvisioningError::Directory(DirectoryError::UnknownMembers(_))) => Ok(Said::UnknownMember),
        Err(ProvisioningError::NotFound(_)) => Ok(Said::NotFound),
        Err(other) => Err(TestCaseError::fail(other.to_string())),
    }
}

/// What is answered of every user and every group is what the model says, and so is what a filter finds.
fn agrees(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    ids: &Ids,
    model: &Model,
    seen: &Cell<u32>,
) -> Result<(), TestCaseError> {
    let fails = |error: ProvisioningError| TestCaseError::fail(error.to_string());
    for n in &model.users {
        let view = user(tx, &ids.users[*n]).map_err(fails)?;
        let told: BTreeMap<String, bool> =
            view.groups.iter().map(|g| (g.group.id.clone(), g.direct)).collect();
        let expected: BTreeMap<String, bool> =
            model.groups_of(*n).into_iter().map(|(n, direct)| (ids.groups[n].clone(), direct)).collect();
        seen.set(seen.get() + u32::from(expected.values().any(|direct| !direct)));
        prop_assert_eq!(view.groups.len(), told.len(), "a group is told once");
        prop_assert_eq!(told, expected, "groups of user {}", n);
    }
    for (n, members) in &model.groups {
        let view = support::group(tx, &ids.groups[*n]).map_err(fails)?;
        let told = view.members.unwrap_or_default().into_iter().map(|m| (m.member_id, m.kind.name()));
        let expected = members.iter().map(|pick| (ids.of(*pick).to_owned(), kind_of(*pick)));
        prop_assert_eq!(told.collect::<BTreeSet<_>>(), expected.collect::<BTreeSet<_>>(), "group {}", n);
        let filter = format!("groups.value eq \"{}\"", ids.groups[*n]);
        let filter = Filter::parse(&filter, &rules.user, &mut Tolerance::lenient()).unwrap();
        let part = [Part { kind: ResourceKind::User, filter: Some(filter.clone()), sort: None }];
        let all = PageRequest::Index { offset: 0, count: 100 };
        let found = listed(tx, rules, &part, all).map_err(fails)?;
        let found: BTreeSet<&str> = found.iter().map(|user| user["id"].as_str().unwrap()).collect();
        let below = model.below(*n);
        let expected = below.iter().filter(|pick| matches!(pick, Pick::User(_))).map(|pick| ids.of(*pick));
        prop_assert_eq!(found, expected.collect::<BTreeSet<_>>(), "{}", filter);
    }
    Ok(())
}

fn live(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    steps: &[Step],
    (met, indirect): (&RefCell<BTreeMap<Said, u32>>, &Cell<u32>),
) -> Result<(), TestCaseError> {
    let mut ids = Ids::default();
    let mut model = Model::default();
    for n in 0..USERS {
        let made = create(tx, rules, &person(&format!("u{n}"), "member")).unwrap();
        ids.users.push(made.view.record.id);
        model.users.insert(n);
    }
    let begin = (0..GROUPS).map(|_| Step::Create(Vec::new())).collect::<Vec<_>>();
    for step in begin.iter().chain(steps) {
        let expected = model.take(step);
        let said = said(on_store(tx, rules, &mut ids, step))?;
        prop_assert_eq!(said, expected, "{:?}", step);
        *met.borrow_mut().entry(said).or_default() += 1;
        agrees(tx, rules, &ids, &model, indirect)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_in_groups_live_as_their_model_does_and_never_close_a_circle() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(100, 100).await;
        let work = |tx: &mut WriteTx<'_>, rules: &Rules| {
            let (met, indirect) = (RefCell::default(), Cell::new(0));
            let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
            let mut runner =
                TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
            let tx = RefCell::new(tx);
            let outcome = runner.run(&prop::collection::vec(step(), 1..30), |steps| {
                let mut outcome = Ok(());
                // Each life begins in an empty tenant: the one before is undone.
                let _undone: Result<(), StoreError> = tx.borrow_mut().savepoint(|tx| {
                    outcome = live(tx, rules, &steps, (&met, &indirect));
                    Err(StoreError::Busy)
                });
                outcome
            });
            Ok((outcome.map_err(|error| error.to_string()), met.into_inner(), indirect.get()))
        };
        let (outcome, met, indirect) = tenant.write(work).await.unwrap();
        outcome.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(met.len(), 4, "{met:?}");
        assert!(met.values().all(|count| *count > CASES / 2), "{met:?}");
        assert!(indirect > CASES, "{indirect} times was somebody in a group through another");
    })
    .await;
}

async fn change(tenant: &Tenant, id: &str, operation: Value) -> Done<Option<String>> {
    let request = Request::Patch(id.to_owned(), patch(&[operation]));
    tenant.write(move |tx, rules| run(tx, rules, ResourceKind::Group, request)).await
}

fn add(id: &str) -> Value {
    json!({ "op": "add", "path": "members", "value": [{ "value": id }] })
}

/// Each of some groups is put into the next at the same time, the last into the first.
#[tokio::test(flavor = "multi_thread")]
async fn attack_47_of_those_who_would_close_a_circle_together_one_is_refused() {
    for_each_tenant(async |tenant: Tenant| {
        for round in 0..20 {
            let size = 2 + round % 3;
            let mut ring = Vec::new();
            for n in 0..size {
                ring.push(tenant.group(&format!("g{round}.{n}"), &[]).await.view.record.id);
            }
            let patches = (0..size).map(|n| {
                let (tenant, outer, inner) = (tenant.clone(), ring[n].clone(), ring[(n + 1) % size].clone());
                tokio::spawn(async move { change(&tenant, &outer, add(&inner)).await })
            });
            let mut refused = 0;
            for patched in join_all(patches).await {
                match patched.unwrap() {
                    Ok(_) => {}
                    Err(ProvisioningError::Directory(DirectoryError::GroupCycle(_))) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(refused, 1, "round {round}");
        }
    })
    .await;
}

/// Memberships, nestings, deletions and edits of the same few people and groups: no transactions wait for each other in a
/// circle.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_groups_and_their_people_is_never_told_to_retry() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(100, 100).await;
        let mut groups = Vec::new();
        for n in 0..4 {
            groups.push(tenant.group(&format!("g{n}"), &[]).await.view.record.id);
        }
        let workers = (0..6_usize).map(|worker| {
            let (tenant, groups) = (tenant.clone(), groups.clone());
            tokio::spawn(async move {
                for round in 0..12 {
                    let dice = (worker * 7919 + round * 104_729) % 1009;
                    let (one, other) = (&groups[dice % 4], &groups[(dice / 4) % 4]);
                    let made = tenant.create(person(&format!("u{worker}.{round}"), "member")).await.unwrap();
                    let user = made.view.record.id;
                    let out = json!({ "op": "remove", "path": format!("members[value eq \"{other}\"]") });
                    let rename = json!([{ "op": "replace", "path": "displayName", "value": "x" }]);
                    let done = [
                        change(&tenant, one, add(&user)).await,
                        change(&tenant, one, add(other)).await,
                        tenant.patch(&user, rename).await.map(|_| None),
                        tenant.delete(&user).await.map(|_| None),
                        change(&tenant, one, out).await,
                    ];
                    for done in done {
                        let cycle =
                            matches!(done, Err(ProvisioningError::Directory(DirectoryError::GroupCycle(_))));
                        assert!(!is_busy(&done) && (done.is_ok() || cycle), "{done:?}");
                    }
                }
            })
        });
        for worker in join_all(workers).await {
            worker.unwrap();
        }
        tenant.assert_adds_up().await;
    })
    .await;
}
