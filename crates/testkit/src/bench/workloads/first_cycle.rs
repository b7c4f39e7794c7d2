//! The first cycle of an identity provider: every user is looked for and created, then every group, then the
//! members are added in batches.

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Worker, play, play_turns};
use crate::bench::people;

use super::Directory;

/// Entra ID adds members about so many at a time.
const MEMBERS_PER_PATCH: usize = 20;

/// How much the identity provider brings.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Users.
    pub users: usize,
    /// Groups.
    pub groups: usize,
    /// Members of each group.
    pub members_per_group: usize,
}

/// Fills an empty directory. The three phases: users, groups, members.
pub async fn run(directory: &mut Directory, workers: usize, size: Size) -> Result<[Phase; 3]> {
    let users = create_users(directory, workers, Bound::turns(size.users), Lookup::First).await?;
    directory.members_per_group = size.members_per_group;
    let [groups, members] = make_groups(directory, workers, size.groups).await?;
    Ok([users, groups, members])
}

/// Makes groups of `directory.members_per_group` of the users that are there. The two phases: groups, members.
pub async fn make_groups(directory: &mut Directory, workers: usize, groups: usize) -> Result<[Phase; 2]> {
    let created = create_groups(directory, workers, groups).await?;
    let filled = add_members(directory, workers).await?;
    Ok([created, filled])
}

/// Whether a user is looked for before it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Filter, then `POST`, as every identity provider does.
    First,
    /// `POST` alone: to measure it, or to fill a directory.
    Never,
}

/// Creates users behind those the directory has.
pub async fn create_users(
    directory: &mut Directory,
    workers: usize,
    bound: Bound,
    lookup: Lookup,
) -> Result<Phase> {
    let known = directory.users.len();
    let (phase, made) = play(&directory.target, workers, bound, async |worker: &mut Worker<'_>| {
        let mut made = Vec::new();
        while let Some(turn) = worker.turn() {
            let number = known + turn;
            if lookup == Lookup::First {
                let filter = format!("userName eq \"{}\"", people::user_name(number));
                worker.find("filter, none", "Users", &filter, None).await?;
            }
            if let Some(id) = worker.create("create user", "/Users", &people::user(number)).await? {
                made.push((number, id));
            }
        }
        Ok(made)
    })
    .await?;
    directory.users.extend(in_order(made));
    Ok(phase)
}

async fn create_groups(directory: &mut Directory, workers: usize, groups: usize) -> Result<Phase> {
    let bound = Bound::turns(groups);
    let (phase, made) = play(&directory.target, workers, bound, async |worker: &mut Worker<'_>| {
        let mut made = Vec::new();
        while let Some(number) = worker.turn() {
            let filter = format!("displayName eq \"{}\"", people::group_name(number));
            worker.find("filter groups, none", "Groups", &filter, None).await?;
            if let Some(id) = worker.create("create group", "/Groups", &people::group(number)).await? {
                made.push((number, id));
            }
        }
        Ok(made)
    })
    .await?;
    directory.groups = in_order(made).collect();
    Ok(phase)
}

async fn add_members(directory: &Directory, workers: usize) -> Result<Phase> {
    let bound = Bound::turns(directory.groups.len());
    play_turns(&directory.target, workers, bound, async |worker: &mut Worker<'_>, number| {
        let group = &directory.groups[number];
        let first = number * directory.members_per_group;
        let members = directory.users.iter().skip(first).take(directory.members_per_group);
        let members: Vec<_> = members.collect();
        for batch in members.chunks(MEMBERS_PER_PATCH) {
            let body = people::add_members(batch.iter().copied());
            worker.patch_group("add members, 20 at a time", group, &body).await?;
        }
        worker.count_members("get group, members counted", group, members.len()).await
    })
    .await
}

/// The ids that all workers made, in the order of their numbers. A user that was not created leaves no gap; the run has noted
/// that fault.
fn in_order(made: Vec<Vec<(usize, String)>>) -> impl Iterator<Item = String> {
    let mut all: Vec<_> = made.into_iter().flatten().collect();
    all.sort_unstable();
    all.into_iter().map(|(_, id)| id)
}
