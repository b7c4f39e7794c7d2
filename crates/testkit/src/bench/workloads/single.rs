//! One operation over and over: the probe, `GET` by id, and a bare path of a server that is no SCIM server.

use hyper::Method;
use rand::RngExt as _;
use uuid::Uuid;

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Target, Worker, play_turns};

use super::Directory;

/// The name of the probe in a record.
pub const PROBE: &str = "probe";
/// The name of `GET` by id in a record.
pub const GET: &str = "GET user by id";
/// The name of the bare `GET` in a record.
pub const BARE: &str = "bare GET";

/// Entra ID's *Test connection*: a filter for a user that cannot exist.
pub async fn probe(directory: &Directory, workers: usize, bound: Bound) -> Result<Phase> {
    play_turns(&directory.target, workers, bound, async |worker: &mut Worker<'_>, _| {
        worker.probe(PROBE).await
    })
    .await
}

/// `GET` of random users.
pub async fn get_by_id(directory: &Directory, workers: usize, bound: Bound) -> Result<Phase> {
    play_turns(&directory.target, workers, bound, async |worker: &mut Worker<'_>, _| {
        let user = worker.rng.random_range(0..directory.users.len());
        worker.get_user(GET, &directory.users[user]).await
    })
    .await
}

/// One path of any server; only the status and the length of the body are looked at.
pub async fn bare(target: &Target, workers: usize, bound: Bound, path: &str, length: usize) -> Result<Phase> {
    play_turns(target, workers, bound, async |worker: &mut Worker<'_>, _| {
        let check = |answer: &crate::bench::connection::Answer| match (answer.status, answer.body.len()) {
            (200, found) if found == length => Ok(()),
            _ => Err(format!("200 and {length} bytes were due")),
        };
        worker.ask(BARE, Method::GET, path, None, check).await.map(drop)
    })
    .await
}

impl Worker<'_> {
    /// A filter for a random name.
    pub(super) async fn probe(&mut self, operation: &'static str) -> Result<()> {
        let nobody = Uuid::from_u128(self.rng.random());
        self.find(operation, "Users", &format!("userName eq \"{nobody}\""), None).await
    }
}
