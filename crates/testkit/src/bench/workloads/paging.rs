//! Pages of 100: the whole directory from the first page to the last, and single pages at fixed depths.

use std::collections::HashSet;

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Worker, play};

use super::Directory;

/// Users on a page.
pub const PAGE: usize = 100;
/// The name of a page of the walk in a record.
pub const WALK: &str = "page of 100, walk";
/// The names of the first, the middle and the last page in a record.
pub const DEPTHS: [&str; 3] = ["page of 100, first", "page of 100, middle", "page of 100, last"];

/// Walks the directory `walks` times with one worker; a walk must bring every user exactly once.
pub async fn walk(directory: &Directory, walks: usize) -> Result<Phase> {
    let total = directory.users.len();
    let (phase, _) = play(&directory.target, 1, Bound::turns(walks), async |worker: &mut Worker<'_>| {
        while worker.turn().is_some() {
            let mut seen = HashSet::with_capacity(total);
            for start in (1..=total).step_by(PAGE) {
                seen.extend(worker.page(WALK, (start, PAGE), total).await?.unwrap_or_default());
            }
            if seen.len() != total {
                worker.complain(WALK, &format!("a walk brought {} of {total} users", seen.len()));
            }
        }
        Ok(())
    })
    .await?;
    Ok(phase)
}

/// Asks for the first, the middle and the last page in turn, with one worker.
pub async fn depths(directory: &Directory, bound: Bound) -> Result<Phase> {
    let total = directory.users.len();
    let last = total.saturating_sub(PAGE);
    let (phase, _) = play(&directory.target, 1, bound, async |worker: &mut Worker<'_>| {
        while let Some(turn) = worker.turn() {
            let depth = turn % DEPTHS.len();
            let start = 1 + last * depth / (DEPTHS.len() - 1);
            worker.page(DEPTHS[depth], (start, PAGE), total).await?;
        }
        Ok(())
    })
    .await?;
    Ok(phase)
}
