//! The tenant's own words for a refusal: for want of a seat or of room, and of a feature that is off. And how many for want of a seat
//! there were, because an identity provider that meets too many gives the tenant up (S10).

use std::sync::Arc;

use provisioning::{FeatureDisabled, ProvisioningError, RequestContext, refusal::Refusal, refusals};
use seat_ledger::{Policy, SeatError};
use store::{StoreError, WriteTx};
use tenant_registry::{DueGuard, Tenant};
use tracing::warn;

use super::caller::Caller;
use crate::{api_error::ApiError, app::App};

/// Gives a refusal for want of a seat or of room, or of a feature that is off, its words; any other error passes. `not_done` is what the resource was not:
/// created or changed.
pub(crate) fn explain(
    app: &App,
    tenant: &Tenant,
    context: &RequestContext,
    not_done: &str,
    error: ApiError,
) -> ApiError {
    let profile = context.rules.profile();
    let contact = app.contact_about_seats(tenant, &context.rules);
    match error {
        ApiError::Store(StoreError::OverLimit { limit })
        | ApiError::Provisioning(ProvisioningError::Store(StoreError::OverLimit { limit })) => {
            ApiError::TenantFull { limit, contact: contact.to_owned() }
        }
        ApiError::Provisioning(ProvisioningError::Seats(SeatError::LimitReached(shortage))) => {
            let reference = &context.request_id;
            let advice = context.rules.product.advice(&shortage);
            let refusal = Refusal {
                shortage: &shortage,
                tenant: &tenant.name,
                form: &profile.refusal,
                advice: advice.as_deref(),
                contact,
                not_done,
                reference,
                help: &format!("{}/s/{reference}", app.public_url),
            };
            let policy = if shortage.fallback_full.is_some() { Policy::Fallback } else { Policy::Refuse };
            ApiError::NoSeat {
                license: shortage.license.clone(),
                policy,
                error: Box::new(refusal.to_error()),
            }
        }
        ApiError::Provisioning(ProvisioningError::FeatureDisabled(FeatureDisabled(feature))) => {
            ApiError::FeatureDisabled { feature, contact: contact.to_owned() }
        }
        error => error,
    }
}

/// Counts requests that were refused for want of a seat. They are answered after that, so the next request of their sender finds what
/// follows from it. What cannot be counted is refused all the same.
pub(super) async fn count_refusals(app: &App, caller: &Caller, context: &RequestContext, refused: i64) {
    let limit = i64::from(app.settings.limits.refusals_before_hold);
    if limit == 0 {
        return;
    }
    let Caller { tenant, store, registry } = caller;
    let once = async |guard: DueGuard| {
        let (rules, credential) = (Arc::clone(&context.rules), context.credential.clone());
        let request_id = context.request_id.clone();
        let work = move |tx: &mut WriteTx<'_>| {
            let why = refusals::count(tx, &rules, &credential, refused, limit, &request_id)?;
            guard.admit(tx)?;
            Ok::<_, ApiError>(why)
        };
        store.write_repeatable(work).await
    };
    let (request_id, tenant_name) = (&context.request_id, &context.tenant);
    match registry.write_noting(&tenant.id, once).await {
        Ok(None) => {}
        Ok(Some(why)) => {
            warn!(
                request_id,
                tenant = tenant_name,
                why,
                "nobody is refused any more: who finds no seat waits"
            );
        }
        Err(error) => {
            warn!(request_id, tenant = tenant_name, %error, "a refusal could not be counted");
        }
    }
}
