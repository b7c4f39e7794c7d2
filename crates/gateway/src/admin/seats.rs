//! A tenant's plan: show, set, audit. A change takes effect with the next request.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    web::{Data, Path, ReqData},
};
use provisioning::{Act, ProvisioningError, audit, plan};
use seat_ledger::{License, Policy, pools};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{ReadTx, Store, WriteTx};

use super::{
    Problem,
    body::Body,
    json,
    tenants::{place, present, write_as_staff},
};
use crate::app::App;

/// Quotas and policies to set, checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// `None` is unlimited.
    quotas: Vec<(License, Option<i64>)>,
    policies: Vec<(License, Policy)>,
}

impl Plan {
    /// # Errors
    /// A sentence that names what is wrong.
    pub(super) fn new(
        quotas: &BTreeMap<String, Option<i64>>,
        policies: &BTreeMap<String, String>,
    ) -> Result<Self, Problem> {
        let mut plan = Self::default();
        for (key, quota) in quotas {
            plan.set_quota(key, *quota)?;
        }
        for (key, policy) in policies {
            plan.set_policy(key, policy)?;
        }
        Ok(plan)
    }

    fn set_quota(&mut self, key: &str, quota: Option<i64>) -> Result<(), Problem> {
        if quota.is_some_and(|q| q < 0) {
            return Err(Problem::bad_request(format!(
                "The quota of {key} is 0 or more, or null for unlimited."
            )));
        }
        self.quotas.push((license(key)?, quota));
        Ok(())
    }

    fn set_policy(&mut self, key: &str, policy: &str) -> Result<(), Problem> {
        let license = license(key)?;
        let policy = Policy::from_key(policy)
            .ok_or_else(|| Problem::bad_request(format!("The policy of {key} is refuse or fallback.")))?;
        if policy == Policy::Fallback && license.fallback().is_none() {
            let sentence =
                format!("{license} has no license to fall back to; its policy can only be refuse.");
            return Err(Problem::bad_request(sentence));
        }
        self.policies.push((license, policy));
        Ok(())
    }

    pub(super) fn apply(&self, tx: &mut WriteTx<'_>, act: &Act) -> Result<(), ProvisioningError> {
        for (license, policy) in &self.policies {
            plan::set_policy(tx, *license, *policy, act)?;
        }
        for (license, quota) in &self.quotas {
            plan::set_quota(tx, *license, *quota, act)?;
        }
        Ok(())
    }
}

fn license(key: &str) -> Result<License, Problem> {
    License::from_key(key).ok_or_else(|| {
        let known: Vec<&str> = License::ALL.iter().map(|l| l.key()).collect();
        Problem::bad_request(format!("There is no license {key:?}; the licenses are {}.", known.join(", ")))
    })
}

pub(super) async fn store_of(app: &App, path: &(String, String)) -> Result<Store, Problem> {
    let (registry, key) = place(app, &path.0, &path.1)?;
    let tenant = registry.tenant(&key).await?;
    Ok(registry.store_of(&tenant).await?)
}

fn pools_json(tx: &mut ReadTx<'_>) -> Result<Value, ProvisioningError> {
    let mut body = Map::new();
    for pool in pools::all(tx)? {
        let value = serde_json::to_value(&pool).unwrap_or_default();
        body.insert(pool.license.key().to_owned(), value);
    }
    Ok(Value::Object(body))
}

pub(super) async fn show(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let body = store_of(&app, &path).await?.read(pools_json).await?;
    Ok(json(200, &body))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LicenseChange {
    /// Absent: stays. Null: unlimited.
    #[serde(default, deserialize_with = "present")]
    quota: Option<Option<i64>>,
    policy: Option<String>,
}

pub(super) async fn set(
    app: Data<App>,
    path: Path<(String, String)>,
    act: ReqData<Act>,
    Body(changes): Body<BTreeMap<String, LicenseChange>>,
) -> Result<HttpResponse, Problem> {
    let mut plan = Plan::default();
    for (key, change) in &changes {
        license(key)?;
        if let Some(quota) = change.quota {
            plan.set_quota(key, quota)?;
        }
        if let Some(policy) = &change.policy {
            plan.set_policy(key, policy)?;
        }
    }
    let act = act.into_inner();
    let work = move |tx: &mut WriteTx<'_>| {
        plan.apply(tx, &act)?;
        pools_json(tx)
    };
    let (registry, key) = place(&app, &path.0, &path.1)?;
    let body = write_as_staff(&registry, &registry.tenant(&key).await?, work).await?;
    Ok(json(200, &body))
}

pub(super) async fn audit(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let report = store_of(&app, &path).await?.read(audit::run).await?;
    Ok(json(200, &serde_json::to_value(&report).unwrap_or_default()))
}
