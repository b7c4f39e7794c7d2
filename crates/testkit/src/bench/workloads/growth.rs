//! Every operation by itself, to hold its median in a large directory against that in a small one. A step removes everything
//! that it makes, so that both directories keep their size.

use rand::RngExt as _;
use strum::VariantArray;

use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Worker, play_turns};
use crate::bench::people;

use super::Directory;
use super::paging::PAGE;

/// Operations that are measured together, because one needs the other; in the order in which they are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Step {
    /// A filter that finds no user.
    Probe,
    /// A filter for one user by `userName`.
    FilterUserName,
    /// A filter for one user by `externalId`.
    FilterExternalId,
    /// A filter for one user by a mail address with a value path.
    FilterMail,
    /// A filter for one group by `displayName`.
    FilterGroup,
    /// `GET` by id.
    Get,
    /// `PATCH` of one attribute.
    Patch,
    /// `PUT` of the whole profile.
    Put,
    /// `POST`, then `DELETE` of the same user.
    ComeAndGo,
    /// One member into a group, then out of it.
    InAndOut,
    /// The first page of 100.
    FirstPage,
    /// The last page of 100.
    LastPage,
}

impl Step {
    /// The names of its operations in a record.
    pub fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Probe => &["probe"],
            Self::FilterUserName => &["filter userName eq"],
            Self::FilterExternalId => &["filter externalId eq"],
            Self::FilterMail => &["filter emails[type eq \"work\"].value eq"],
            Self::FilterGroup => &["filter group displayName eq"],
            Self::Get => &["GET user by id"],
            Self::Patch => &["PATCH user"],
            Self::Put => &["PUT user"],
            Self::ComeAndGo => &["POST user", "DELETE user"],
            Self::InAndOut => &["PATCH group, one in", "PATCH group, one out"],
            Self::FirstPage => &["page of 100, first"],
            Self::LastPage => &["page of 100, last"],
        }
    }
}

/// Plays one step.
pub async fn run(directory: &Directory, workers: usize, bound: Bound, step: Step) -> Result<Phase> {
    play_turns(&directory.target, workers, bound, async |worker: &mut Worker<'_>, turn| {
        let nth = worker.rng.random_range(0..directory.users.len());
        let user = directory.own_user(worker.number, worker.workers, nth);
        perform(worker, directory, step, turn, user).await
    })
    .await
}

/// Gives each user one name, all the same in each run.
pub async fn rename_all(directory: &Directory, workers: usize) -> Result<Phase> {
    let bound = Bound::turns(directory.users.len());
    play_turns(&directory.target, workers, bound, async |worker: &mut Worker<'_>, turn| {
        worker.rename(Step::Patch.operations()[0], &directory.users[turn], "Grown for good").await
    })
    .await
}

async fn perform(
    worker: &mut Worker<'_>,
    directory: &Directory,
    step: Step,
    turn: usize,
    user: usize,
) -> Result<()> {
    let id = &directory.users[user];
    let total = directory.users.len();
    let name = step.operations()[0];
    match step {
        Step::Probe => worker.probe(name).await,
        Step::FilterUserName => {
            let filter = format!("userName eq \"{}\"", people::user_name(user));
            worker.find(name, "Users", &filter, Some(id)).await
        }
        Step::FilterExternalId => {
            let filter = format!("externalId eq \"{}\"", people::external_id(user));
            worker.find(name, "Users", &filter, Some(id)).await
        }
        Step::FilterMail => {
            let filter = format!("emails[type eq \"work\"].value eq \"{}\"", people::user_name(user));
            worker.find(name, "Users", &filter, Some(id)).await
        }
        Step::FilterGroup => {
            let group = turn % directory.groups.len();
            let filter = format!("displayName eq \"{}\"", people::group_name(group));
            worker.find(name, "Groups", &filter, Some(&directory.groups[group])).await
        }
        Step::Get => worker.get_user(name, id).await,
        Step::Patch => {
            let new_name = format!("Grown {:08x}", worker.rng.random::<u32>());
            worker.rename(name, id, &new_name).await
        }
        Step::Put => {
            let revision = format!("Grown {:08x}", worker.rng.random::<u32>());
            worker.put_user(name, user, id, &revision).await
        }
        Step::ComeAndGo => {
            // A number behind all users; no two workers have the same turn.
            let Some(id) = worker.create(name, "/Users", &people::user(total + turn)).await? else {
                return Ok(());
            };
            worker.delete_user(step.operations()[1], &id).await
        }
        Step::InAndOut => {
            let group = directory.other_group(user, turn);
            worker.patch_group(name, group, &people::add_members([id])).await?;
            worker.patch_group(step.operations()[1], group, &people::remove_member(id)).await
        }
        Step::FirstPage => worker.page(name, 1, PAGE, total).await.map(drop),
        Step::LastPage => worker.page(name, 1 + total.saturating_sub(PAGE), PAGE, total).await.map(drop),
    }
}
