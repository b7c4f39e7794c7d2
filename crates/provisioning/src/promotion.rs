//! People who waited and got a seat: their resource says something else now, so it gets a new version, and the change is
//! recorded, in the transaction that freed the seat.

use directory::{
    changes::{self, Change},
    users,
};
use seat_ledger::Seat;
use serde_json::json;
use store::WriteTx;

use crate::{Act, ProvisioningError};

pub(crate) fn record(tx: &mut WriteTx<'_>, promoted: &[Seat], act: &Act) -> Result<(), ProvisioningError> {
    for seat in promoted {
        let Some(record) = users::find(tx, &seat.user_id)? else { continue };
        let record = users::touch(tx, &record)?;
        let change = Change {
            kind: "user.promoted",
            resource_id: &record.id,
            version: record.version,
            request_id: &act.request_id,
            detail: json!({ "grantedLicense": seat.granted.map(|l| l.key()) }),
        };
        changes::append(tx, &change)?;
    }
    Ok(())
}
