//! Creates while another identity provider of the same tenant is refused again and again.

use std::time::Duration;

use hyper::Method;
use serde_json::json;
use tokio::time::Instant;

use super::Directory;
use super::first_cycle::{Lookup, create_users};
use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Worker, play_turns};
use crate::bench::connection::Answer;
use crate::urn::USER;

/// The name of a refusal in a record.
pub const REFUSED: &str = "refused create";

/// Refusals a second.
pub const A_SECOND: f64 = 200.0;

/// Creates, and the refusals beside them.
pub struct Seen {
    /// The creates.
    pub creates: Phase,
    /// The refusals.
    pub refusals: Phase,
}

/// Creates users for a time, with the refusals beside them.
pub async fn beside(directory: &mut Directory, workers: usize, window: Duration) -> Result<Seen> {
    let target = directory.target.clone();
    let refusals = async {
        let begun = Instant::now();
        play_turns(&target, 1, Bound::time(window), async |worker: &mut Worker<'_>, turn| {
            tokio::time::sleep_until(begun + Duration::from_secs_f64(turn as f64 / A_SECOND)).await;
            worker.refused(REFUSED).await
        })
        .await
    };
    let creates = create_users(directory, workers, Bound::time(window), Lookup::Never);
    let (creates, refusals) = tokio::try_join!(creates, refusals)?;
    Ok(Seen { creates, refusals })
}

impl Worker<'_> {
    /// A create that lacks what is required.
    async fn refused(&mut self, operation: &'static str) -> Result<()> {
        let body = json!({ "schemas": [USER], "displayName": "Nobody" });
        let check = |answer: &Answer| match answer.status {
            400 => Ok(()),
            _ => Err("400 was due".to_owned()),
        };
        self.ask(operation, Method::POST, "/Users", Some(&body), check).await.map(drop)
    }
}
