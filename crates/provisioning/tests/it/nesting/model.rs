//! A few users and groups in memory, and what may be asked of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use scim_core::ResourceKind;

pub(crate) const USERS: usize = 4;
pub(crate) const GROUPS: usize = 6;
/// A user or a group by its number; there may be none (any more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pick {
    User(usize),
    Group(usize),
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Add(Vec<Pick>),
    Remove(Vec<Pick>),
    RemoveByFilter(Pick),
    RemoveTyped(&'static str, Pick),
    RemoveType(&'static str),
    Clear,
    Replace(Vec<Pick>),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Patch(usize, Vec<Op>),
    Put(usize, Vec<Pick>),
    Create(Vec<Pick>),
    DeleteGroup(usize),
    DeleteUser(usize),
}

fn pick() -> impl Strategy<Value = Pick> + Clone {
    prop_oneof![2 => (0..USERS).prop_map(Pick::User), 5 => (0..GROUPS + 2).prop_map(Pick::Group)]
}

fn op() -> impl Strategy<Value = Op> {
    let some = prop::collection::vec(pick(), 1..3);
    let kind = prop::sample::select(vec!["User", "Group"]);
    prop_oneof![
        8 => some.clone().prop_map(Op::Add),
        2 => some.clone().prop_map(Op::Remove),
        1 => pick().prop_map(Op::RemoveByFilter),
        1 => (kind.clone(), pick()).prop_map(|(kind, pick)| Op::RemoveTyped(kind, pick)),
        1 => kind.prop_map(Op::RemoveType),
        1 => Just(Op::Clear),
        1 => some.prop_map(Op::Replace),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let some = prop::collection::vec(pick(), 0..3);
    prop_oneof![
        12 => (0..GROUPS + 1, prop::collection::vec(op(), 1..4)).prop_map(|(n, ops)| Step::Patch(n, ops)),
        2 => (0..GROUPS + 1, some.clone()).prop_map(|(n, some)| Step::Put(n, some)),
        1 => some.prop_map(Step::Create),
        1 => (0..GROUPS).prop_map(Step::DeleteGroup),
        1 => (0..USERS).prop_map(Step::DeleteUser),
    ]
}

/// What a step is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    Done,
    Cycle,
    UnknownMember,
    NotFound,
}

/// The members of each group that is there, and the users that are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) groups: BTreeMap<usize, BTreeSet<Pick>>,
    pub(crate) users: BTreeSet<usize>,
    made: usize,
}

impl Model {
    fn is_there(&self, pick: Pick) -> bool {
        match pick {
            Pick::User(n) => self.users.contains(&n),
            Pick::Group(n) => self.groups.contains_key(&n),
        }
    }

    /// The group and everything in it, at any depth.
    pub(crate) fn below(&self, group: usize) -> BTreeSet<Pick> {
        let mut found = BTreeSet::new();
        let mut open = vec![group];
        while let Some(n) = open.pop() {
            for member in self.groups.get(&n).into_iter().flatten() {
                if found.insert(*member)
                    && let Pick::Group(n) = member
                {
                    open.push(*n);
                }
            }
        }
        found
    }

    fn has_cycle(&self) -> bool {
        self.groups.keys().any(|n| self.below(*n).contains(&Pick::Group(*n)))
    }

    pub(crate) fn take(&mut self, step: &Step) -> Said {
        let before = self.clone();
        let said = match step {
            Step::Patch(n, ops) => self.patch(*n, ops),
            Step::Put(n, some) => self.patch(*n, &[Op::Replace(some.clone())]),
            Step::Create(some) => {
                let n = self.made;
                self.groups.insert(n, BTreeSet::new());
                self.made += 1;
                match some.contains(&Pick::Group(n)) {
                    // Its id is not known before it is made.
                    true => Said::UnknownMember,
                    false => self.patch(n, &[Op::Add(some.clone())]),
                }
            }
            Step::DeleteGroup(n) => self.delete(Pick::Group(*n)),
            Step::DeleteUser(n) => self.delete(Pick::User(*n)),
        };
        if said != Said::Done {
            *self = before;
        }
        said
    }

    fn delete(&mut self, pick: Pick) -> Said {
        if !self.is_there(pick) {
            return Said::NotFound;
        }
        match pick {
            Pick::User(n) => drop(self.users.remove(&n)),
            Pick::Group(n) => drop(self.groups.remove(&n)),
        }
        for members in self.groups.values_mut() {
            members.remove(&pick);
        }
        Said::Done
    }

    fn patch(&mut self, n: usize, ops: &[Op]) -> Said {
        if !self.groups.contains_key(&n) {
            return Said::NotFound;
        }
        for op in ops {
            if let Op::Add(some) | Op::Replace(some) = op {
                if some.iter().any(|pick| !self.is_there(*pick)) {
                    return Said::UnknownMember;
                }
                if some.contains(&Pick::Group(n)) {
                    return Said::Cycle;
                }
            }
            let members = self.groups.get_mut(&n).unwrap();
            match op {
                Op::Add(some) => members.extend(some),
                Op::Remove(some) => members.retain(|member| !some.contains(member)),
                Op::RemoveByFilter(pick) => drop(members.remove(pick)),
                Op::RemoveTyped(kind, pick) => {
                    if kind_of(*pick) == *kind {
                        members.remove(pick);
                    }
                }
                Op::RemoveType(kind) => members.retain(|member| kind_of(*member) != *kind),
                Op::Clear => members.clear(),
                Op::Replace(some) => *members = some.iter().copied().collect(),
            }
        }
        if self.has_cycle() { Said::Cycle } else { Said::Done }
    }

    /// A user's groups, and whether it is a member of each itself.
    pub(crate) fn groups_of(&self, user: usize) -> BTreeMap<usize, bool> {
        let user = Pick::User(user);
        let holds = |n: &&usize| self.below(**n).contains(&user);
        self.groups.keys().filter(holds).map(|n| (*n, self.groups[n].contains(&user))).collect()
    }
}

pub(crate) fn kind_of(pick: Pick) -> &'static str {
    match pick {
        Pick::User(_) => ResourceKind::User.name(),
        Pick::Group(_) => ResourceKind::Group.name(),
    }
}
