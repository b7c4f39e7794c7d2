//! One member in and the same one out of groups of several sizes, with one worker: the cost must not grow with
//! the group. The members are counted before and after.

use rand::RngExt as _;

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Worker, play, play_turns};
use crate::bench::people;

use super::Directory;

/// Members in one `PATCH` when a group is filled.
const FILL: usize = 500;
/// The name of the member's arrival in a record.
pub const ADD: &str = "one in";
/// The name of the member's leaving in a record.
pub const REMOVE: &str = "one out";
/// The name of the group's own document in a record.
pub const BARE: &str = "GET without members";

/// A group of a known size, made of the first users of the directory.
pub struct Crowd {
    id: String,
    /// Members without visitors.
    pub size: usize,
}

/// Makes a group of `size` members; `None` when it could not be made, which is a fault of the phase.
pub async fn gather(directory: &Directory, number: usize, size: usize) -> Result<(Phase, Option<Crowd>)> {
    let (phase, mut made) = play(&directory.target, 1, Bound::turns(1), async |worker: &mut Worker<'_>| {
        let Some(id) = worker.create("create group", "/Groups", &people::group(number)).await? else {
            return Ok(None);
        };
        for batch in directory.users[..size].chunks(FILL) {
            worker.patch_group("add members, 500 at a time", &id, &people::add_members(batch)).await?;
        }
        worker.count_members("get group, members counted", &id, size).await?;
        Ok(Some(Crowd { id, size }))
    })
    .await?;
    Ok((phase, made.pop().flatten()))
}

/// Moves people in and out of the group until the bound is reached.
pub async fn churn(directory: &Directory, crowd: &Crowd, bound: Bound) -> Result<Phase> {
    let outsiders = &directory.users[crowd.size..];
    play_turns(&directory.target, 1, bound, async |worker: &mut Worker<'_>, _| {
        let visitor = &outsiders[worker.rng.random_range(0..outsiders.len())];
        worker.patch_group(ADD, &crowd.id, &people::add_members([visitor])).await?;
        worker.patch_group(REMOVE, &crowd.id, &people::remove_member(visitor)).await?;
        worker.get_bare_group(BARE, &crowd.id).await
    })
    .await
}

/// Counts the members of the group.
pub async fn verify(directory: &Directory, crowd: &Crowd) -> Result<Phase> {
    let (phase, _) = play(&directory.target, 1, Bound::turns(1), async |worker: &mut Worker<'_>| {
        worker.count_members("get group, members counted", &crowd.id, crowd.size).await
    })
    .await?;
    Ok(phase)
}
