//! The breaker on mass loss: what staff see of it and set, and what they do with the people whose loss waits.

use std::sync::Arc;

use provisioning::{
    Rules,
    breaker::{self, Change, Released, RolledBack, Shown},
};
use serde::Deserialize;
use store::{ReadTx, WriteTx};

use crate::{StaffError, TenantActs};

/// The body of a change: people, percent and minutes, or `off`. What is left out of a breaker that is on stays.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerRequest {
    /// So many people may lose their access in a window in any case.
    pub people: Option<i64>,
    /// So many percent of those who were active when it began.
    pub percent: Option<i64>,
    /// The length of a window.
    pub minutes: Option<i64>,
    /// `true`, alone: no further loss is held.
    pub off: Option<bool>,
}

impl BreakerRequest {
    fn check(self) -> Result<Change> {
        let Self { people, percent, minutes, off } = self;
        match off {
            None => Ok(Change::On { people, percent, minutes }),
            Some(true) if people.or(percent).or(minutes).is_none() => Ok(Change::Off),
            Some(true) => Err(StaffError::BadRequest(
                "off is sent alone, without people, percent and minutes".to_owned(),
            )),
            Some(false) => Err(StaffError::BadRequest("off is true, or it is not sent".to_owned())),
        }
    }
}

type Result<T> = std::result::Result<T, StaffError>;

impl TenantActs {
    /// The breaker.
    pub async fn breaker(&self) -> Result<Shown> {
        let now_ms = self.registry.now_ms();
        self.read(move |tx: &mut ReadTx<'_>| breaker::show(tx, now_ms)).await
    }

    /// Turns the breaker on or off, or changes its limits.
    pub async fn set_breaker(&self, change: BreakerRequest) -> Result<Shown> {
        let (change, act) = (change.check()?, self.act.clone());
        self.write(move |tx: &mut WriteTx<'_>| breaker::set(tx, change, &act)).await
    }

    /// Carries out all losses that wait.
    pub async fn release_breaker(&self, rules: Arc<Rules>) -> Result<Released> {
        let act = self.act.clone();
        self.write(move |tx: &mut WriteTx<'_>| breaker::release(tx, &rules, &act)).await
    }

    /// Gives back all losses of the window.
    pub async fn roll_breaker_back(&self, rules: Arc<Rules>) -> Result<RolledBack> {
        let act = self.act.clone();
        self.write(move |tx: &mut WriteTx<'_>| breaker::rollback(tx, &rules, &act)).await
    }
}
