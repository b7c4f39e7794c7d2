//! The tenant's own words for a refusal: for want of a seat or of room, and of a feature that is off.

use provisioning::{FeatureDisabled, ProvisioningError, RequestContext, refusal::Refusal};
use seat_ledger::SeatError;
use store::StoreError;
use tenant_registry::Tenant;

use crate::{api_error::ApiError, app::App};

/// Gives a refusal for want of a seat or of room, or of a feature that is off, its words; any other error passes. `not_done` is what the resource was not:
/// created or changed.
pub(super) fn explain(
    app: &App,
    tenant: &Tenant,
    context: &RequestContext,
    not_done: &str,
    error: ApiError,
) -> ApiError {
    let contact = app.contact(tenant);
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
                advice: advice.as_deref(),
                contact,
                not_done,
                reference,
                help: &format!("{}/s/{reference}", app.public_url),
            };
            ApiError::NoSeat { license: shortage.license.clone(), error: Box::new(refusal.to_error()) }
        }
        ApiError::Provisioning(ProvisioningError::FeatureDisabled(FeatureDisabled(feature))) => {
            ApiError::FeatureDisabled { feature, contact: contact.to_owned() }
        }
        error => error,
    }
}
