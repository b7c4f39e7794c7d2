//! A tenant's seats as staff see them.

use provisioning::ProvisioningError;
use scim_core::ResourceKind;
use seat_ledger::{
    Licenses,
    lines::{self, Next},
    pools::{self, Pool},
    waiting,
};
use serde::Serialize;
use store::ReadTx;

/// The most people of one license whom [`waiting_of`] names.
const MOST_WAITING: usize = 10_000;

/// One license of a plan, and what its quota will be.
#[derive(Clone, Debug, Serialize)]
pub struct SeatsOf {
    /// Its name for people.
    pub title: String,
    /// Quota, use, queue and policy.
    #[serde(flatten)]
    pub pool: Pool,
    /// The next change by a dated line.
    pub next: Option<Next>,
}

/// One person who waits.
#[derive(Clone, Debug, Serialize)]
pub struct Waiting {
    /// The place in the queue for the license, from 1.
    pub place: u64,
    /// The person, as the identity provider names them.
    pub user_name: String,
    /// The license.
    pub license: String,
    /// Since when.
    pub since: String,
}

pub(crate) fn all(
    tx: &mut ReadTx<'_>,
    licenses: &Licenses,
    now_ms: i64,
) -> Result<Vec<SeatsOf>, ProvisioningError> {
    let pools = pools::all(tx, licenses)?;
    let of = |pool: Pool| {
        let (title, next) = (pool.license.title().to_owned(), lines::next(tx, &pool.license, now_ms)?);
        Ok(SeatsOf { title, next, pool })
    };
    pools.into_iter().map(of).collect()
}

pub(crate) fn waiting_of(
    tx: &mut ReadTx<'_>,
    licenses: &Licenses,
) -> Result<Vec<Waiting>, ProvisioningError> {
    let waiting = waiting(tx, licenses, MOST_WAITING)?;
    let ids: Vec<&str> = waiting.iter().map(|waiting| waiting.user_id.as_str()).collect();
    let mut names = std::collections::BTreeMap::new();
    for record in directory::resources::find_all(tx, ResourceKind::User, &ids)? {
        let name = record.parse()?.str("userName").unwrap_or_default().to_owned();
        names.insert(record.id.clone(), name);
    }
    let shown = |waiting: seat_ledger::Waiting| Waiting {
        place: waiting.place,
        user_name: names.remove(&waiting.user_id).unwrap_or_default(),
        license: waiting.license,
        since: provisioning::timestamp::iso(waiting.since_ms),
    };
    Ok(waiting.into_iter().map(shown).collect())
}
