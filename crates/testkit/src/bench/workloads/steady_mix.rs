//! The steady state of a provisioned tenant: half of it looks users up, a fifth reads them, a fifth changes one
//! attribute, the rest writes whole profiles and moves people in and out of groups. Every write really changes
//! something.

use rand::RngExt as _;

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Worker, play};
use crate::bench::people;

use super::Directory;

/// Plays the mix. Each worker writes only to its own users.
pub async fn run(directory: &Directory, workers: usize, bound: Bound) -> Result<Phase> {
    let (phase, _) = play(&directory.target, workers, bound, async |worker: &mut Worker<'_>| {
        let mut mix = Mix { directory, leaver: None, guest: None };
        while worker.turn().is_some() {
            mix.step(worker).await?;
        }
        mix.settle(worker).await
    })
    .await?;
    Ok(phase)
}

struct Mix<'a> {
    directory: &'a Directory,
    /// The user this worker deactivated and has to activate again.
    leaver: Option<usize>,
    /// The user this worker put into a group (and the group), to be taken out again.
    guest: Option<(usize, &'a str)>,
}

impl<'a> Mix<'a> {
    async fn step(&mut self, worker: &mut Worker<'_>) -> Result<()> {
        let nth = worker.rng.random_range(0..self.directory.users.len());
        let user = self.directory.own_user(worker.number, worker.workers, nth);
        let id = &self.directory.users[user];
        match worker.rng.random_range(0..100) {
            0..50 => {
                let filter = format!("userName eq \"{}\"", people::user_name(user));
                worker.find("filter userName", "Users", &filter, Some(id)).await
            }
            50..70 => worker.get_user("GET user", id).await,
            70..80 => {
                let name = format!("Renamed {:08x}", worker.rng.random::<u32>());
                worker.rename("PATCH displayName", id, &name).await
            }
            80..90 => self.toggle(worker, user).await,
            90..95 => {
                let revision = format!("Revision {:08x}", worker.rng.random::<u32>());
                worker.put_user("PUT user", user, id, &revision).await
            }
            _ => self.move_member(worker, user).await,
        }
    }

    async fn toggle(&mut self, worker: &mut Worker<'_>, user: usize) -> Result<()> {
        let (user, active) = match self.leaver.take() {
            Some(leaver) => (leaver, true),
            None => {
                self.leaver = Some(user);
                (user, false)
            }
        };
        worker.set_active("PATCH active", &self.directory.users[user], active).await
    }

    async fn move_member(&mut self, worker: &mut Worker<'_>, user: usize) -> Result<()> {
        if let Some((guest, group)) = self.guest.take() {
            let body = people::remove_member(&self.directory.users[guest]);
            return worker.patch_group("PATCH group, one out", group, &body).await;
        }
        let group = self.directory.other_group(user, worker.rng.random_range(0..1_000));
        self.guest = Some((user, group));
        let body = people::add_members([&self.directory.users[user]]);
        worker.patch_group("PATCH group, one in", group, &body).await
    }

    /// Leaves the directory as it was found.
    async fn settle(mut self, worker: &mut Worker<'_>) -> Result<()> {
        if let Some(leaver) = self.leaver {
            self.toggle(worker, leaver).await?;
        }
        if let Some((guest, _)) = self.guest {
            self.move_member(worker, guest).await?;
        }
        Ok(())
    }
}
