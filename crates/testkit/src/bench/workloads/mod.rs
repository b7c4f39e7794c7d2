//! The work of an identity provider, one workload per file. Each takes the directory it works on, runs for a bounded time or
//! number of turns, and checks every answer.

pub mod abuse;
pub mod crowd;
pub mod first_cycle;
pub mod group_churn;
pub mod growth;
pub mod paging;
pub mod refusals;
mod requests;
pub mod single;
pub mod steady_mix;

use super::closed_loop::Target;

/// One tenant and its known content.
pub struct Directory {
    /// Where the tenant answers.
    pub target: Target,
    /// The ids of users 0 to n-1, as the server gave them.
    pub users: Vec<String>,
    /// The ids of groups 0 to n-1; user `i` is a member of group `i / members_per_group`, where there is one.
    pub groups: Vec<String>,
    /// How many members each group was given.
    pub members_per_group: usize,
}

impl Directory {
    /// A tenant that holds nothing yet.
    pub fn empty(target: Target) -> Self {
        Self { target, users: Vec::new(), groups: Vec::new(), members_per_group: 0 }
    }

    /// A user that only this worker changes, so that no two workers change one user at a time: the `n`th of them.
    fn own_user(&self, number: usize, workers: usize, n: usize) -> usize {
        let own = (self.users.len() / workers).max(1);
        (number + workers * (n % own)) % self.users.len()
    }

    /// A group this user was not put into: the `n`th of them.
    fn other_group(&self, user: usize, n: usize) -> &str {
        let own = user / self.members_per_group.max(1);
        &self.groups[(own + 1 + n % self.groups.len().saturating_sub(1).max(1)) % self.groups.len()]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn directory(users: usize, groups: usize) -> Directory {
        let target = Target {
            address: ([127, 0, 0, 1], 1).into(),
            base_path: String::new(),
            authorization: None,
            process: 0,
        };
        let names = |count: usize| (0..count).map(|n| n.to_string()).collect();
        Directory { target, users: names(users), groups: names(groups), members_per_group: 100 }
    }

    #[test]
    fn workers_never_share_a_user() {
        let directory = directory(1_000, 10);
        let of = |number| (0..500).map(|n| directory.own_user(number, 8, n)).collect::<HashSet<_>>();
        assert_eq!(of(0).len(), 125);
        assert!(of(0).is_disjoint(&of(7)));
    }

    #[test]
    fn a_user_joins_only_groups_it_is_not_in() {
        let directory = directory(1_000, 10);
        assert!((0..100).all(|n| directory.other_group(250, n) != "2"));
    }
}
