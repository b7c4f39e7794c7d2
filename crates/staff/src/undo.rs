//! Undo of a run: for real, or to see what it would do.

use std::sync::Arc;

use provisioning::{
    Rules,
    log::Idp,
    undo::{self, Asked, Undone},
};
use seat_ledger::DAY_MS;
use serde::Deserialize;
use store::WriteTx;

use crate::{
    StaffError, TenantActs,
    acts::Result,
    words::{moment, one_of},
};

/// Which run is to be undone, as it was sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// The time of the first write of the run, in RFC 3339.
    pub since: String,
    /// The identity provider whose writes are the run: a word of [`Idp`].
    #[serde(default)]
    pub idp: Option<String>,
    /// Whether nothing is to be changed.
    #[serde(default)]
    pub dry_run: bool,
}

impl TenantActs {
    /// Gives back what a run changed, in one transaction; a dry run ends by undoing it.
    ///
    /// # Errors
    /// A time or an identity provider that is none, a time before what is kept, or the store's.
    pub async fn undo(&self, rules: Arc<Rules>, request: UndoRequest) -> Result<Undone> {
        let UndoRequest { since, idp, dry_run } = request;
        let profile = rules.profile();
        let days = profile.undo.keep_days.min(profile.log.keep_days);
        let since_ms = moment("since", &since)?;
        if since_ms < self.registry.now_ms().saturating_sub(days.saturating_mul(DAY_MS)) {
            return Err(StaffError::BadRequest(format!(
                "A run can be undone for {days} days; since is before that"
            )));
        }
        let words: Vec<&str> = Idp::ALL.iter().map(|idp| idp.word()).collect();
        let idp = idp.map(|word| one_of("idp", &word, &words).map(str::to_owned)).transpose()?;
        let (asked, act) = (Asked { since_ms, idp }, self.act.clone());
        let work = move |tx: &mut WriteTx<'_>| undo::run(tx, &rules, &asked, &act, "undo");
        self.write_or_try(dry_run, work).await
    }
}
