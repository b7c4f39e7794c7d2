//! Live credentials that end soon, and of which of them staff have not been told yet.

use diesel::prelude::*;
use store::{ReadTx, WriteTx};

use crate::{
    error::RegistryError,
    registry::Registry,
    schema::{credentials, tenants, tick},
    tenant::TenantState,
};

pub(crate) const DAY_MS: i64 = 86_400_000;

/// Days before the end of a credential from which staff are warned of it, the last one first.
pub const WARNED_DAYS: [i64; 4] = [1, 7, 14, 30];

/// A live credential that ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingCredential {
    /// The company key of its tenant.
    pub key: String,
    /// Its public part.
    pub key_id: String,
    /// How it is used.
    pub kind: String,
    /// When it ends, in milliseconds since 1970 UTC.
    pub expires_ms: i64,
    /// The least of [`WARNED_DAYS`] that it ends within.
    pub within_days: i64,
    /// Whether staff have not been told since that is so.
    pub is_untold: bool,
}

/// The live credentials of a region that end soon, as of one moment.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The next to end first.
    pub credentials: Vec<EndingCredential>,
    now_ms: i64,
    told_ms: i64,
}

impl Ending {
    /// How many end within so many days.
    #[must_use]
    pub fn within(&self, days: i64) -> usize {
        self.credentials.iter().filter(|ending| ending.within_days <= days).count()
    }
}

impl Registry {
    /// The live credentials that end within the longest of [`WARNED_DAYS`], at most so many: the next to end.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ending_credentials(&self, most: i64) -> Result<Ending, RegistryError> {
        let now_ms = self.now_ms();
        self.store.read(move |tx| ending(tx, now_ms, most)).await
    }

    /// Notes that staff are told of all of them; false when another process has told them meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_told(&self, ending: &Ending) -> Result<bool, RegistryError> {
        let (told_ms, now_ms) = (ending.told_ms, ending.now_ms);
        let work = move |tx: &mut WriteTx<'_>| {
            let as_before = tick::table.filter(tick::expiries_told_ms.eq(told_ms));
            let row = diesel::update(as_before).set(tick::expiries_told_ms.eq(now_ms));
            Ok(row.execute(tx.connection())? == 1)
        };
        self.store.write(work).await
    }
}

fn ending(tx: &mut ReadTx<'_>, now_ms: i64, most: i64) -> Result<Ending, RegistryError> {
    let told_ms = tick::table.select(tick::expiries_told_ms).get_result(tx.connection())?;
    let [.., longest] = WARNED_DAYS;
    let ends_soon =
        credentials::expires_ms.gt(now_ms).and(credentials::expires_ms.le(now_ms + longest * DAY_MS));
    let rows: Vec<(String, String, String, Option<i64>, i64)> = credentials::table
        .inner_join(tenants::table)
        .filter(ends_soon.and(credentials::revoked_ms.is_null()))
        .filter(tenants::state.ne(TenantState::Deleting.key()))
        .order((credentials::expires_ms, credentials::key_id))
        .limit(most)
        .select((
            tenants::company_key,
            credentials::key_id,
            credentials::kind,
            credentials::expires_ms,
            credentials::created_ms,
        ))
        .load(tx.connection())?;
    let ending = |(key, key_id, kind, expires_ms, created_ms): (_, _, _, Option<i64>, i64)| {
        let expires_ms = expires_ms?;
        let stage = within_days(expires_ms, now_ms)?;
        let is_untold = created_ms >= told_ms || within_days(expires_ms, told_ms) != Some(stage);
        Some(EndingCredential { key, key_id, kind, expires_ms, within_days: stage, is_untold })
    };
    Ok(Ending { credentials: rows.into_iter().filter_map(ending).collect(), now_ms, told_ms })
}

/// The least of [`WARNED_DAYS`] within which a credential ends, seen from this moment.
fn within_days(expires_ms: i64, at_ms: i64) -> Option<i64> {
    let left = expires_ms.saturating_sub(at_ms);
    WARNED_DAYS.into_iter().find(|days| left <= days * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_enters_a_stage_30_14_7_and_1_days_before_its_end() {
        let stage = |left| within_days(1_800_000_000_000 + left, 1_800_000_000_000);
        assert_eq!(stage(30 * DAY_MS + 1), None);
        for (left, days) in [(30, 30), (14, 14), (7, 7), (1, 1)] {
            assert_eq!(stage(left * DAY_MS), Some(days));
        }
        for (left, days) in [(14, 30), (7, 14), (1, 7)] {
            assert_eq!(stage(left * DAY_MS + 1), Some(days));
        }
    }
}
