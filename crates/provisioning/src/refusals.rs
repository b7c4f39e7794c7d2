//! Refusals for want of a seat, and the switch to a hold that they lead to (S10). Each switch has its record.

use seat_ledger::refusals;
use serde_json::json;
use store::WriteTx;

use crate::{ProvisioningError, Rules, facts::Cause, records};

/// Counts refused requests of one credential; the reason, when nobody is refused from now on. A limit of 0 is never reached, and nothing
/// is counted.
///
/// # Errors
/// When the store fails.
pub fn count(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    credential: &str,
    refused: i64,
    limit: i64,
    request_id: &str,
) -> Result<Option<String>, ProvisioningError> {
    if limit == 0 {
        return Ok(None);
    }
    let why = refusals::count(tx, rules.product.licenses(), credential, refused, limit)?;
    if let Some(why) = &why {
        records::record_plan(tx, Cause::of_many(request_id), "plan.hold", &json!({ "why": why }))?;
    }
    Ok(why)
}

/// Lets the policies hold again if it is time.
pub(crate) fn end_hold(tx: &mut WriteTx<'_>, limit: i64, request_id: &str) -> Result<(), ProvisioningError> {
    if refusals::end_hold(tx, limit)? {
        records::record_plan(tx, Cause::of_many(request_id), "plan.hold_ended", &json!({}))?;
    }
    Ok(())
}
