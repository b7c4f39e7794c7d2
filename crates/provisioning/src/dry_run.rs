//! What a dry run tells beside the answer: the seats in use before and after. That the write is undone is the store's part
//! (`Store::dry_run`).

use scim_core::urn;
use seat_ledger::{License, pools};
use serde_json::{Map, Value, json};
use store::WriteTx;

use crate::{ProvisioningError, Rules};

/// The seats of each license, before a write and after it.
#[derive(Debug)]
pub struct Preview(Vec<Used>);

#[derive(Debug)]
struct Used {
    license: License,
    before: i64,
    after: i64,
}

/// Runs a write, and counts the seats before and after it.
///
/// # Errors
/// The write's own, or the store's.
pub fn watch<T, E: From<ProvisioningError>>(
    tx: &mut WriteTx<'_>,
    rules: &Rules,
    write: impl FnOnce(&mut WriteTx<'_>) -> Result<T, E>,
) -> Result<(T, Preview), E> {
    let licenses = rules.product.licenses();
    // As in every write: schemas, then seats. From here on no other writer moves a seat.
    rules.hold_schemas(tx).map_err(ProvisioningError::from)?;
    pools::take_turn(tx).map_err(ProvisioningError::from)?;
    let before = pools::used(tx, licenses).map_err(ProvisioningError::from)?;
    let done = write(tx)?;
    let after = pools::used(tx, licenses).map_err(ProvisioningError::from)?;
    let both = before.into_iter().zip(after);
    let used = both.map(|((license, before), (_, after))| Used { license, before, after });
    Ok((done, Preview(used.collect())))
}

impl Preview {
    /// The body of a success with the seats in it.
    #[must_use]
    pub fn shown_in(&self, mut body: Map<String, Value>) -> Map<String, Value> {
        if let Some(Value::Array(schemas)) = body.get_mut("schemas") {
            schemas.push(urn::PREVIEW.into());
        }
        body.insert(urn::PREVIEW.to_owned(), self.to_json());
        body
    }

    fn to_json(&self) -> Value {
        let of = |used: &Used| {
            let seats = json!({ "used_before": used.before, "used_after": used.after });
            (used.license.key().to_owned(), seats)
        };
        json!({ "seats": self.0.iter().map(of).collect::<Map<_, _>>() })
    }
}
