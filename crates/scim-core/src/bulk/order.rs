//! The order of operations: that of the request, except that what an operation refers to is done before it. So an operation
//! moves forward only when an earlier one needs it, and two operations that do not need each other never change places unless
//! one of them is so needed.

/// Operations that are done together or not at all: one, or several whose references form a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Their positions in the request, in the order in which they are done.
    pub operations: Vec<usize>,
    /// The references form a circle without a solution: a group is, directly or through others, a member of itself.
    pub is_impossible: bool,
}

/// Units in the order in which they are done. `needs` has, by operation, the operations that must succeed for it to succeed;
/// `looked_up` those of them that must be done before. Operations that need each other in a circle are one unit.
pub(super) fn units(needs: &[Vec<usize>], looked_up: &[Vec<usize>]) -> Vec<Unit> {
    let mut rank = vec![0; needs.len()];
    let mut impossible = vec![false; needs.len()];
    let in_itself = |operation: usize| looked_up.get(operation).is_some_and(|ops| ops.contains(&operation));
    for (place, circle) in circles(looked_up).into_iter().enumerate() {
        let is_circle = circle.len() > 1 || circle.iter().any(|operation| in_itself(*operation));
        for operation in circle {
            set(&mut rank, operation, place);
            set(&mut impossible, operation, is_circle);
        }
    }
    let unit = |mut operations: Vec<usize>| {
        operations.sort_by_key(|operation| (rank.get(*operation).copied(), *operation));
        let is_impossible = operations.iter().any(|o| impossible.get(*o).is_some_and(|is| *is));
        Unit { operations, is_impossible }
    };
    circles(needs).into_iter().map(unit).collect()
}

fn set<T>(values: &mut [T], at: usize, value: T) {
    if let Some(place) = values.get_mut(at) {
        *place = value;
    }
}

/// What the search knows of one node.
#[derive(Clone, Copy, Default)]
struct Node {
    /// When it was entered; 0: not yet.
    entered: usize,
    /// The earliest node still open that can be reached from it.
    lowest: usize,
    open: bool,
}

/// Tarjan's algorithm, without recursion: the strongly connected parts of a graph, each behind all the parts that it leads to.
/// Nodes are entered in their order, so a part comes as early as the first of its nodes, or as the first that leads to it.
fn circles(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut nodes = vec![Node::default(); edges.len()];
    let mut clock = 0;
    let mut found = Vec::new();
    // Nodes that were entered and belong to no part yet, and the path from the root to the current node.
    let mut open: Vec<usize> = Vec::new();
    let mut way: Vec<(usize, std::slice::Iter<'_, usize>)> = Vec::new();
    let node = |nodes: &[Node], at: usize| nodes.get(at).copied().unwrap_or_default();
    for root in 0..edges.len() {
        let mut next = (node(&nodes, root).entered == 0).then_some(root);
        loop {
            if let Some(entered) = next.take() {
                clock += 1;
                set(&mut nodes, entered, Node { entered: clock, lowest: clock, open: true });
                open.push(entered);
                way.push((entered, edges.get(entered).map(|e| e.iter()).unwrap_or_default()));
            }
            let Some((here, rest)) = way.last_mut() else { break };
            let here = *here;
            match rest.next() {
                Some(to) => {
                    let to_node = node(&nodes, *to);
                    if to_node.entered == 0 {
                        next = Some(*to);
                    } else if to_node.open {
                        lower(&mut nodes, here, to_node.entered);
                    }
                }
                None => {
                    way.pop();
                    let left = node(&nodes, here);
                    if let Some((before, _)) = way.last() {
                        lower(&mut nodes, *before, left.lowest);
                    }
                    if left.lowest == left.entered {
                        let first = open.iter().rposition(|n| *n == here).unwrap_or_default();
                        let part = open.split_off(first);
                        part.iter().for_each(|n| set(&mut nodes, *n, Node { open: false, ..left }));
                        found.push(part);
                    }
                }
            }
        }
    }
    found
}

fn lower(nodes: &mut [Node], at: usize, to: usize) {
    if let Some(node) = nodes.get_mut(at) {
        node.lowest = node.lowest.min(to);
    }
}
