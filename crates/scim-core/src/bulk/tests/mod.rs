//! A bulk as a value: requests, references, order.

mod order;
mod references;
mod requests;

use serde_json::{Value, json};

use super::{BulkRequest, Operation};
use crate::ScimError;
use crate::leniency::Tolerance;
use crate::urn;

fn parse_whole(body: Value) -> Result<BulkRequest, ScimError> {
    BulkRequest::parse(body, &mut Tolerance::lenient())
}

fn parse(operations: Value) -> BulkRequest {
    parse_whole(json!({ "schemas": [urn::BULK_REQUEST], "Operations": operations })).unwrap()
}

fn one(operation: Value) -> Operation {
    parse(json!([operation])).operations.pop().unwrap()
}

fn fault(operation: &Operation) -> &ScimError {
    operation.asked.as_ref().unwrap_err()
}

/// The order of the units, as places in the request.
fn order(request: &BulkRequest) -> Vec<Vec<usize>> {
    request.plan.units.iter().map(|unit| unit.operations.clone()).collect()
}
