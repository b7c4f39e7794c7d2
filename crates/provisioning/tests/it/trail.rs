//! Every new version of anything has exactly one line in the change log, and what changes nothing has none.

use std::collections::BTreeMap;

use directory::{changes, resources};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use provisioning::{ProvisioningError, Rules, Shown};
use scim_core::{ResourceKind, urn};
use serde_json::{Value, json};
use store::{ReadTx, WriteTx};

use crate::{
    documents::bodies,
    support::{Done, Request, Tenant, create, for_each_tenant, patch, patch_body, put, quotas, write_group},
};

#[derive(Clone, Debug)]
enum Step {
    Create(Value),
    Put(usize, Value),
    Patch(usize, Value),
    Delete(usize),
    Quotas(i64, i64),
    Group(Vec<usize>),
    Members(usize, Vec<usize>, &'static str),
    Rename(usize),
    DeleteGroup(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..6_usize;
    let some = prop::collection::vec(0..6_usize, 0..4);
    prop_oneof![
        6 => bodies().prop_map(Step::Create),
        3 => (who.clone(), bodies()).prop_map(|(n, body)| Step::Put(n, body)),
        3 => (who.clone(), bodies()).prop_map(|(n, body)| Step::Patch(n, body)),
        2 => who.clone().prop_map(Step::Delete),
        2 => (0..4_i64, 0..5_i64).prop_map(|(member, lite)| Step::Quotas(member, lite)),
        2 => some.clone().prop_map(Step::Group),
        4 => (who.clone(), some, prop::sample::select(vec!["add", "remove", "replace"]))
            .prop_map(|(n, some, op)| Step::Members(n, some, op)),
        1 => who.clone().prop_map(Step::Rename),
        1 => who.prop_map(Step::DeleteGroup),
    ]
}

/// The version of everything that is there.
type Versions = BTreeMap<String, i64>;

fn versions(tx: &mut ReadTx<'_>) -> Done<(Versions, Versions)> {
    let mut users = Versions::new();
    resources::for_each(tx, ResourceKind::User, |record| {
        users.insert(record.id, record.version);
        Ok(())
    })?;
    let mut groups = Versions::new();
    resources::for_each(tx, ResourceKind::Group, |record| {
        groups.insert(record.id, record.version);
        Ok(())
    })?;
    Ok((users, groups))
}

fn take(step: &Step, number: usize, tx: &mut WriteTx<'_>, rules: &Rules) -> Done<()> {
    let (users, groups) = versions(tx)?;
    let nth = |all: &Versions, n: usize| all.keys().nth(n).cloned().unwrap_or_else(|| "nobody".to_owned());
    // Every third member is a group.
    let member = |n: &usize| if n % 3 == 2 { nth(&groups, n / 2) } else { nth(&users, *n) };
    let members =
        |some: &[usize]| -> Vec<Value> { some.iter().map(|n| json!({ "value": member(n) })).collect() };
    match step {
        Step::Create(body) => create(tx, rules, body).map(|_| ()),
        Step::Put(n, body) => put(tx, rules, &nth(&users, *n), body).map(|_| ()),
        Step::Patch(n, body) => {
            patch(tx, rules, &nth(&users, *n), &json!([{ "op": "replace", "value": body }])).map(|_| ())
        }
        Step::Delete(n) => delete(tx, rules, ResourceKind::User, nth(&users, *n)),
        Step::Quotas(member, lite) => quotas(tx, *member, *lite),
        Step::Group(some) => {
            let body = json!({ "schemas": [urn::GROUP], "displayName": format!("g{number}"), "members": members(some) });
            write_group(tx, rules, Request::Create(body)).map(drop)
        }
        Step::Members(n, some, op) => {
            let operation = json!({ "op": op, "path": "members", "value": members(some) });
            patch_group(tx, rules, &nth(&groups, *n), operation)
        }
        Step::Rename(n) => {
            let operation = json!({ "op": "replace", "path": "displayName", "value": format!("r{number}") });
            patch_group(tx, rules, &nth(&groups, *n), operation)
        }
        Step::DeleteGroup(n) => delete(tx, rules, ResourceKind::Group, nth(&groups, *n)),
    }
}

fn patch_group(tx: &mut WriteTx<'_>, rules: &Rules, id: &str, operation: Value) -> Done<()> {
    write_group(tx, rules, Request::Patch(id.to_owned(), patch_body(&json!([operation])))).map(drop)
}

fn delete(tx: &mut WriteTx<'_>, rules: &Rules, kind: ResourceKind, id: String) -> Done<()> {
    Request::Delete(id).run(tx, rules, kind, Shown::Version).map(drop)
}

/// Lines by resource, as (kind, version), oldest first.
fn lines(tx: &mut ReadTx<'_>) -> Done<BTreeMap<String, Vec<(String, i64)>>> {
    let mut lines: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    for change in changes::newest(tx, 100_000)?.into_iter().rev() {
        lines.entry(change.resource_id).or_default().push((change.kind, change.version));
    }
    Ok(lines)
}

/// The log of one resource is its whole life: versions from 1 on without a gap, and an end when it is gone.
fn assert_whole(kind: &str, id: &str, now: Option<i64>, lines: &[(String, i64)]) {
    let (life, end) = match lines.split_last() {
        Some((last, life)) if last.0 == format!("{kind}.deleted") => (life, Some(last.1)),
        _ => (lines, None),
    };
    let versions: Vec<i64> = life.iter().map(|(_, version)| *version).collect();
    let expected: Vec<i64> = (1..).take(versions.len()).collect();
    assert_eq!(versions, expected, "{kind} {id}: {lines:?}");
    assert_eq!(life.first().map(|(first, _)| first.as_str()), Some(format!("{kind}.created").as_str()));
    match now {
        Some(version) => assert_eq!((versions.last(), end), (Some(&version), None), "{kind} {id}: {lines:?}"),
        None => assert!(end.is_some(), "{kind} {id} is gone without a line: {lines:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_new_version_of_anything_has_exactly_one_line_in_the_log() {
    for_each_tenant(async |tenant: Tenant| {
        tenant.quotas(2, 3).await;
        let mut runner = TestRunner::deterministic();
        let (mut done, mut refused) = (0, 0);
        for number in 0..240 {
            let step = step().new_tree(&mut runner).unwrap().current();
            let before = tenant.canonical().await;
            let (taken, said) = (step.clone(), format!("{step:?}"));
            match tenant.write(move |tx, rules| take(&taken, number, tx, rules)).await {
                Ok(()) => done += 1,
                Err(ProvisioningError::Store(error)) => panic!("{said}: {error}"),
                Err(_) => {
                    refused += 1;
                    assert_eq!(tenant.canonical().await, before, "{said} was refused and left something");
                }
            }
        }
        assert!(done > 60 && refused > 20, "{done} done, {refused} refused");
        let ((users, groups), mut lines) = tenant.read(|tx| Ok((versions(tx)?, lines(tx)?))).await;
        // What staff did to the plan belongs to no resource.
        assert!(lines.remove("").is_some_and(|plan| plan.iter().all(|(kind, _)| kind == "plan.quota")));
        for (id, lines) in &lines {
            let kind = if lines[0].0.starts_with("user") { "user" } else { "group" };
            let now = if kind == "user" { users.get(id) } else { groups.get(id) };
            assert_whole(kind, id, now.copied(), lines);
        }
        for id in users.keys().chain(groups.keys()) {
            assert!(lines.contains_key(id), "{id} has no line");
        }
        tenant.assert_adds_up().await;
    })
    .await;
}
