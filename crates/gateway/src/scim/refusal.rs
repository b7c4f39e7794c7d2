//! The tenant's own words for a refusal: for want of a seat, and for want of room.

use provisioning::{ProvisioningError, refusal::Refusal};
use seat_ledger::SeatError;
use store::StoreError;

use super::caller::Caller;
use crate::{api_error::ApiError, app::App};

/// What a seat refusal says beside the numbers, taken down before the transaction takes the caller away.
pub(super) struct Refused {
    tenant: String,
    contact: String,
    reference: String,
    not_done: &'static str,
}

impl Refused {
    pub(super) fn of(app: &App, caller: &Caller, not_done: &'static str) -> Self {
        Self {
            tenant: caller.tenant.name.clone(),
            contact: app.contact(&caller.tenant).to_owned(),
            reference: caller.act.request_id.clone(),
            not_done,
        }
    }

    /// Gives a refusal for want of room its words, and one for want of a seat, which is counted; any other error passes.
    pub(super) fn explain(&self, app: &App, error: ApiError) -> ApiError {
        if let ApiError::Store(StoreError::OverLimit { limit })
        | ApiError::Provisioning(ProvisioningError::Store(StoreError::OverLimit { limit })) = error
        {
            return ApiError::TenantFull { limit, contact: self.contact.clone() };
        }
        let ApiError::Provisioning(ProvisioningError::Seats(SeatError::LimitReached(shortage))) = error
        else {
            return error;
        };
        app.metrics.seat_refusals.with_label_values(&[shortage.license.key()]).inc();
        let refusal = Refusal {
            shortage: &shortage,
            tenant: &self.tenant,
            contact: &self.contact,
            not_done: self.not_done,
            reference: &self.reference,
            help: &format!("{}/s/{}", app.public_url, self.reference),
        };
        ApiError::Scim(refusal.to_error())
    }
}
