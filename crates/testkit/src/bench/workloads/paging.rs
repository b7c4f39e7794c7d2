//! Pages of 100: the whole directory from the first page to the last, and single pages at fixed depths, by index and by
//! cursor.

use std::collections::HashSet;

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Worker, play, play_turns};

use super::Directory;

/// Users on a page.
pub const PAGE: usize = 100;
/// The name of a page of the walk in a record.
pub const WALK: &str = "page of 100, walk";
/// The names of the first, the middle and the last page in a record.
pub const DEPTHS: [&str; 3] = ["page of 100, first", "page of 100, middle", "page of 100, last"];

/// The name of a page of a walk by cursor in a record.
pub const CURSOR_WALK: &str = "page of 1,000 by cursor, walk";
/// How long the pages of a walk by cursor are: the way to the last page should be short.
const STRIDE: usize = 1_000;
/// A query and the names of its first and its last page by cursor in a record.
pub const BY_CURSOR: [(&str, [&str; 2]); 3] = [
    ("", ["page of 100 by cursor, first", "page of 100 by cursor, last"]),
    ("sortBy=userName&", ["page of 100 sorted, by cursor, first", "page of 100 sorted, by cursor, last"]),
    (FILTER, ["page of 100 filtered, by cursor, first", "page of 100 filtered, by cursor, last"]),
];
/// A filter that an index decides and every user passes.
const FILTER: &str = "filter=meta.lastModified+gt+%222020-01-01T00:00:00Z%22&";

/// Walks the directory `walks` times with one worker; a walk must bring every user exactly once.
pub async fn walk(directory: &Directory, walks: usize) -> Result<Phase> {
    let total = directory.users.len();
    play_turns(&directory.target, 1, Bound::turns(walks), async |worker: &mut Worker<'_>, _| {
        let mut seen = HashSet::with_capacity(total);
        for start in (1..=total).step_by(PAGE) {
            seen.extend(worker.page(WALK, start, PAGE, total).await?.unwrap_or_default());
        }
        if seen.len() != total {
            worker.complain(WALK, &format!("a walk brought {} of {total} users", seen.len()));
        }
        Ok(())
    })
    .await
}

/// Asks for the first, the middle and the last page in turn, with one worker.
pub async fn depths(directory: &Directory, bound: Bound) -> Result<Phase> {
    let total = directory.users.len();
    let last = total.saturating_sub(PAGE);
    play_turns(&directory.target, 1, bound, async |worker: &mut Worker<'_>, turn| {
        let depth = turn % DEPTHS.len();
        let start = 1 + last * depth / (DEPTHS.len() - 1);
        worker.page(DEPTHS[depth], start, PAGE, total).await.map(drop)
    })
    .await
}

/// Asks for the first and the last page of each query of [`BY_CURSOR`] in turn, with one worker, after it walked to the last.
pub async fn by_cursor(directory: &Directory, bound: Bound) -> Result<Phase> {
    let total = directory.users.len();
    let before_last = total.saturating_sub(PAGE);
    let (phase, _) = play(&directory.target, 1, bound, async |worker: &mut Worker<'_>| {
        let mut last = Vec::new();
        for (order, _) in BY_CURSOR {
            last.push(worker.walk_to(order, before_last, total).await?);
        }
        while let Some(turn) = worker.turn() {
            let (nth, at_end) = (turn / 2 % BY_CURSOR.len(), turn % 2);
            let (order, names) = BY_CURSOR[nth];
            let (cursor, seen) = if at_end == 1 { (last[nth].as_str(), before_last) } else { ("", 0) };
            let query = format!("{order}cursor={cursor}");
            worker.cursor_page(names[at_end], &query, seen, PAGE, total).await?;
        }
        Ok(())
    })
    .await?;
    Ok(phase)
}

impl Worker<'_> {
    /// Walks over the first `goal` users, each of them once; the cursor of the page behind them.
    async fn walk_to(&mut self, order: &str, goal: usize, total: usize) -> Result<String> {
        let (mut cursor, mut met) = (String::new(), HashSet::with_capacity(goal));
        while met.len() < goal {
            let (seen, count) = (met.len(), STRIDE.min(goal - met.len()));
            let page =
                self.cursor_page(CURSOR_WALK, &format!("{order}cursor={cursor}"), seen, count, total).await?;
            let Some((Some(next), ids)) = page else { break };
            cursor = next;
            met.extend(ids);
            if met.len() != seen + count {
                self.complain(CURSOR_WALK, &format!("a walk met {} of {} users", met.len(), seen + count));
                break;
            }
        }
        Ok(cursor)
    }
}
