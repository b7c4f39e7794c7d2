//! PUT and the dialects of PATCH are ways to say one wish: they come to the same document, seat, version and record, or to
//! the same refusal.

use std::cell::{Cell, RefCell};

use directory::changes;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use provisioning::Rules;
use seat_ledger::{License, State};
use serde_json::Value;
use store::{StoreError, WriteTx};

use crate::{
    documents::{bodies, with_paths, without_path},
    support::{Done, Tenant, Written, create, for_each_tenant, patch, person, put, quotas, user},
};

const CASES: u32 = 150;

/// What is compared.
#[derive(Clone, Debug, PartialEq)]
struct End {
    refused: Option<String>,
    document: String,
    version: i64,
    changes: usize,
    seat: (String, License, Option<License>, State),
    others: Vec<Option<License>>,
}

type Edit<'a> = &'a dyn Fn(&mut WriteTx<'_>, &Rules, &str) -> Done<Written>;

/// A fresh tenant of three, one of whom is edited; all of it is undone.
fn end(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    before: &Value,
    (member, lite): (i64, i64),
    edit: Edit<'_>,
) -> Option<End> {
    let mut end = None;
    let _undone: Done<()> = tx.savepoint(|tx| {
        quotas(tx, member, lite)?;
        let others =
            [create(tx, rules, &person("one", "member"))?, create(tx, rules, &person("two", "member"))?];
        let subject = create(tx, rules, before)?.view.record.id;
        let refused = tx.savepoint(|tx| edit(tx, rules, &subject)).err().map(|error| error.to_string());
        let view = user(tx, &subject)?;
        let seat = view.seat.unwrap();
        let granted = |tx: &mut WriteTx<'_>, one: &Written| {
            Ok::<_, provisioning::ProvisioningError>(user(tx, &one.view.record.id)?.seat.unwrap().granted)
        };
        end = Some(End {
            refused,
            document: view.record.document.clone(),
            version: view.record.version,
            changes: changes::of_resource(tx, &subject, 100)?.len(),
            seat: (seat.role.clone(), seat.requested, seat.granted, seat.state),
            others: others.iter().map(|one| granted(tx, one)).collect::<Result<_, _>>()?,
        });
        Err(StoreError::Busy.into())
    });
    end
}

#[derive(Default)]
struct Met {
    compared: Cell<u32>,
    refused: Cell<u32>,
    changed: Cell<u32>,
}

fn bump(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

fn same(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    case: &(Value, Value, (i64, i64)),
    met: &Met,
) -> Result<(), TestCaseError> {
    let (before, target, plan) = case;
    let by_put = end(tx, rules, before, *plan, &|tx, rules, id| put(tx, rules, id, target));
    // The tenant may be too small even for the beginning.
    let Some(by_put) = by_put else { return Ok(()) };
    bump(&met.compared);
    if by_put.refused.is_some() {
        bump(&met.refused);
    }
    if by_put.version > 1 {
        bump(&met.changed);
    }
    prop_assert_eq!(by_put.version, i64::try_from(by_put.changes).unwrap());
    for operations in [with_paths(target), without_path(target)] {
        let by_patch =
            end(tx, rules, before, *plan, &|tx, rules, id| patch(tx, rules, id, &operations)).unwrap();
        prop_assert_eq!(&by_patch, &by_put, "by {}", operations);
        let twice = end(tx, rules, before, *plan, &|tx, rules, id| {
            patch(tx, rules, id, &operations)?;
            put(tx, rules, id, target)
        });
        prop_assert_eq!(twice.unwrap(), by_put.clone(), "PUT after PATCH is no change");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn put_and_patch_come_to_the_same_end() {
    for_each_tenant(async |tenant: Tenant| {
        let outcome = tenant.write(|tx, rules| {
            let met = Met::default();
            let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
            let mut runner =
                TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
            let tx = RefCell::new(tx);
            let cases = (bodies(), bodies(), (0..4_i64, 1..5_i64));
            let outcome = runner.run(&cases, |case| same(&mut tx.borrow_mut(), rules, &case, &met));
            let met = [met.compared.get(), met.refused.get(), met.changed.get()];
            Ok(outcome.map(|()| met).map_err(|error| error.to_string()))
        });
        let met = outcome.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
        assert!(met.iter().all(|count| *count >= CASES / 20), "too seldom: {met:?}");
    })
    .await;
}
