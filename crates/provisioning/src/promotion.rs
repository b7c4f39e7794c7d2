//! Users who waited and got a seat. Their resource gets a new version and a change record, in the transaction that freed the
//! seat.

use directory::resources;
use scim_core::ResourceKind;
use seat_ledger::{License, Seat};
use serde_json::json;
use store::WriteTx;

use crate::{ProvisioningError, records};

pub(crate) fn record(
    tx: &mut WriteTx<'_>,
    promoted: &[Seat],
    request_id: &str,
) -> Result<(), ProvisioningError> {
    for seat in promoted {
        let kind = ResourceKind::User;
        let Some(record) = resources::find(tx, kind, &seat.user_id)? else { continue };
        let record = resources::touch(tx, kind, &record)?;
        let detail = json!({ "grantedLicense": seat.granted.as_ref().map(License::key) });
        records::record(tx, request_id, kind, "promoted", &record, detail)?;
    }
    Ok(())
}
