//! Any graph of operations: what can be resolved is, in an order that a slow and simple reading of the rules agrees with.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::order::units;
use super::super::{Operation, Plan};
use crate::leniency::Tolerance;
use crate::urn;

/// By operation: what it needs, and of that what is looked up.
fn graphs() -> impl Strategy<Value = (Vec<Vec<usize>>, Vec<Vec<usize>>)> {
    (1_usize..12).prop_flat_map(|n| {
        let edges = vec(vec((0..n, any::<bool>()), 0..3), n);
        let sorted = |edges: Vec<(usize, bool)>, hard: bool| {
            let mut to: Vec<usize> =
                edges.into_iter().filter(|(_, h)| *h || !hard).map(|(to, _)| to).collect();
            to.sort_unstable();
            to.dedup();
            to
        };
        edges.prop_map(move |edges| {
            let needs = edges.iter().map(|e| sorted(e.clone(), false)).collect();
            let looked_up = edges.iter().map(|e| sorted(e.clone(), true)).collect();
            (needs, looked_up)
        })
    })
}

/// Which operations an operation leads to, itself only over others.
fn reach(edges: &[Vec<usize>]) -> Vec<Vec<bool>> {
    let n = edges.len();
    let mut reach = vec![vec![false; n]; n];
    for (from, to) in edges.iter().enumerate() {
        to.iter().for_each(|to| reach[from][*to] = true);
    }
    for via in 0..n {
        for from in 0..n {
            for to in 0..n {
                reach[from][to] |= reach[from][via] && reach[via][to];
            }
        }
    }
    reach
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_graph_of_operations_is_ordered_or_its_circles_are_named((needs, looked_up) in graphs()) {
        let n = needs.len();
        let units = units(&needs, &looked_up);
        let flat: Vec<usize> = units.iter().flat_map(|u| u.operations.iter().copied()).collect();
        let mut each_once = flat.clone();
        each_once.sort_unstable();
        prop_assert_eq!(each_once, (0..n).collect::<Vec<_>>());
        let place = |op: usize| flat.iter().position(|o| *o == op).unwrap();
        let unit_of = |op: usize| units.iter().position(|u| u.operations.contains(&op)).unwrap();
        let (any, hard) = (reach(&needs), reach(&looked_up));
        for op in 0..n {
            for (other, back) in any.iter().enumerate() {
                let together = op == other || (any[op][other] && back[op]);
                prop_assert_eq!(unit_of(op) == unit_of(other), together, "units are circles");
            }
            for need in &needs[op] {
                prop_assert!(unit_of(*need) <= unit_of(op), "{} before {}", need, op);
            }
            let unit = &units[unit_of(op)];
            prop_assert_eq!(unit.is_impossible, unit.operations.iter().any(|o| hard[*o][*o]));
            for need in &looked_up[op] {
                prop_assert!(unit.is_impossible || place(*need) < place(op), "{} is there for {}", need, op);
            }
            // Who overtakes is needed by somebody who stands before, or at, the one that is overtaken.
            for late in op + 1..n {
                let needed = any.iter().take(op + 1).any(|of| of[late]);
                prop_assert!(place(op) < place(late) || needed, "{} overtook {}", late, op);
            }
        }
    }
}

/// Users managed by the next one, the last by nobody or by the first; groups of ten that come later.
fn lines_circles_and_groups(n: usize) -> Vec<Vec<Value>> {
    let user = |name: usize, manager: Option<usize>| {
        let manager = manager.map(|m| json!({ "manager": format!("bulkId:{m}") }));
        json!({ "method": "POST", "path": "/Users", "bulkId": name.to_string(), "data": { urn::ENTERPRISE_USER: manager } })
    };
    let group = |name: usize| {
        let members: Vec<Value> =
            (1..11).map(|m| json!({ "value": format!("bulkId:{}", (name + m) % n) })).collect();
        json!({ "method": "POST", "path": "/Groups", "bulkId": name.to_string(), "data": { "members": members } })
    };
    let line = (0..n).map(|name| user(name, (name + 1 < n).then_some(name + 1)));
    let circle = (0..n).map(|name| user(name, Some((name + 1) % n)));
    let groups = (0..n).map(|name| if name < n / 2 { group(name) } else { user(name, None) });
    vec![line.collect(), circle.collect(), groups.collect()]
}

/// How long a plan takes is shown by the bench `hostile`.
#[test]
fn ten_thousand_operations_in_a_line_a_circle_or_groups_are_planned_each_once() {
    for sent in lines_circles_and_groups(10_000) {
        let parse = |operation: Value| Operation::parse(operation, &mut Tolerance::lenient());
        let mut operations: Vec<Operation> = sent.into_iter().map(parse).collect();
        let plan = Plan::of(&mut operations);
        assert!(operations.iter().all(|operation| operation.asked.is_ok()));
        let mut planned: Vec<usize> = plan.units.into_iter().flat_map(|unit| unit.operations).collect();
        planned.sort_unstable();
        assert!(planned.into_iter().eq(0..10_000));
    }
}
