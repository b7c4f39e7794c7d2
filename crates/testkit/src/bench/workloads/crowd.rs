//! Many tenants in turn, and a walk through a directory that is too large to be counted through for each page.

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Target, Worker, play, play_turns};
use crate::bench::people;

use super::Directory;
use super::paging::PAGE;
use super::single::{GET, PROBE};

/// The names of pages in a record: the first, one in the middle that no page went before, and the next ones of that walk.
pub const FIRST: &str = "page of 100, first";
/// See [`FIRST`].
pub const JUMP: &str = "page of 100, jump to the middle";
/// See [`FIRST`].
pub const WALK: &str = "page of 100, walk in the middle";

/// The name of a creation in a record.
pub const CREATE: &str = "create user";

/// Pages of a walk after each jump.
const STEPS: usize = 20;

/// Probes all tenants in turn.
pub async fn probe_all(tenants: &[Target], workers: usize, bound: Bound) -> Result<Phase> {
    let first = tenants.first().ok_or("there are no tenants")?;
    play_turns(first, workers, bound, async |worker: &mut Worker<'_>, turn| {
        worker.turn_to(&tenants[turn % tenants.len()])?;
        worker.probe(PROBE).await
    })
    .await
}

/// Users of many tenants.
pub struct Made {
    /// How they were made.
    pub phase: Phase,
    /// Of each the number of its tenant, and its id.
    pub users: Vec<(usize, String)>,
}

/// Creates users in one tenant after the other; `offset` keeps their names apart from those of other phases.
pub async fn create_in_turn(tenants: &[Target], workers: usize, bound: Bound, offset: usize) -> Result<Made> {
    let first = tenants.first().ok_or("there are no tenants")?;
    let (phase, users) = play(first, workers, bound, async |worker: &mut Worker<'_>| {
        let mut made = Vec::new();
        while let Some(turn) = worker.turn() {
            let tenant = turn % tenants.len();
            worker.turn_to(&tenants[tenant])?;
            let id = worker.create(CREATE, "/Users", &people::user(offset + turn)).await?;
            made.extend(id.map(|id| (tenant, id)));
        }
        Ok(made)
    })
    .await?;
    Ok(Made { phase, users: users.into_iter().flatten().collect() })
}

/// Reads these users, one after the other.
pub async fn get_in_turn(
    tenants: &[Target],
    users: &[(usize, String)],
    workers: usize,
    bound: Bound,
) -> Result<Phase> {
    let first = tenants.first().filter(|_| !users.is_empty()).ok_or("there are no users")?;
    play_turns(first, workers, bound, async |worker: &mut Worker<'_>, turn| {
        let (tenant, id) = &users[turn % users.len()];
        worker.turn_to(&tenants[*tenant])?;
        worker.get_user(GET, id).await
    })
    .await
}

/// Creates so many users of a few attributes.
pub async fn create_few(directory: &Directory, workers: usize, many: usize) -> Result<Phase> {
    play_turns(&directory.target, workers, Bound::turns(many), async |worker: &mut Worker<'_>, turn| {
        let whole = people::user(turn);
        let body = serde_json::json!({
            "schemas": [crate::urn::USER],
            "userName": whole["userName"],
            "externalId": whole["externalId"],
            "displayName": whole["displayName"],
            "active": true,
            "userType": "member",
        });
        worker.create("create user", "/Users", &body).await.map(drop)
    })
    .await
}

/// Asks for the first page, jumps into the middle of `total` users and walks on from there, with one worker.
pub async fn middle(directory: &Directory, total: usize, bound: Bound) -> Result<Phase> {
    play_turns(&directory.target, 1, bound, async |worker: &mut Worker<'_>, turn| {
        worker.page(FIRST, 1, PAGE, total).await?;
        // Elsewhere each time, so that nothing is remembered of it.
        let jump = 1 + total / 2 + turn * 7;
        for step in 0..=STEPS {
            let name = if step == 0 { JUMP } else { WALK };
            worker.page(name, jump + step * PAGE, PAGE, total).await?;
            if step % 4 == 0 {
                worker.page(FIRST, 1, PAGE, total).await?;
            }
        }
        Ok(())
    })
    .await
}
