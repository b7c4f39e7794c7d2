//! Bulk (RFC 7644 §3.7) as a value: what one request asks for, which of its operations need which others, and the order
//! in which they are done. Other crates do them.
//!
//! A fault of one operation is that operation's alone (§3.7: "The service provider MUST continue performing as many changes
//! as possible"); only what makes the whole request unreadable refuses it as a whole.

mod operation;
mod order;
mod plan;
mod references;
mod response;

use serde_json::{Map, Value};

pub use operation::{Asked, Id, Method, Operation};
pub use order::Unit;
pub use plan::Plan;
pub use response::{OperationResponse, response};

use crate::json::Limits;
use crate::leniency::{Leniency, Tolerance};
use crate::value::{member, take};
use crate::{ScimError, message, urn};

/// Most operations in one request; more is 413. A PATCH takes as many, because clients cut both by the one number that is
/// announced.
pub const MAX_OPERATIONS: usize = Limits::SCIM.operations;

/// One request to `/Bulk`, ready to be done.
#[derive(Debug)]
pub struct BulkRequest {
    /// As sent, in the order of the request.
    pub operations: Vec<Operation>,
    /// The order in which the operations are done.
    pub plan: Plan,
    /// After so many errors the rest is not attempted.
    pub fail_on_errors: Option<u64>,
}

impl BulkRequest {
    /// Reads the body of a request to `/Bulk`.
    ///
    /// # Errors
    /// 400 `invalidSyntax` when it is no BulkRequest; 413 for too many operations (RFC 7644 §3.7.4).
    pub fn parse(body: Value, t: &mut Tolerance) -> Result<Self, ScimError> {
        let Value::Object(mut body) = body else {
            return Err(ScimError::invalid_syntax("The body of a bulk request must be a JSON object."));
        };
        message::check(&body, urn::BULK_REQUEST, "a bulk request", t)?;
        let fail_on_errors = fail_on_errors(&body, t)?;
        let Some(Value::Array(sent)) = take(&mut body, "Operations") else {
            let detail = "A bulk request needs \"Operations\", an array of operations.";
            return Err(ScimError::invalid_syntax(detail));
        };
        message::check_operations(&sent, t)?;
        let mut operations: Vec<Operation> = sent.into_iter().map(|o| Operation::parse(o, t)).collect();
        let plan = Plan::of(&mut operations);
        Ok(Self { operations, plan, fail_on_errors })
    }
}

fn fail_on_errors(body: &Map<String, Value>, t: &mut Tolerance) -> Result<Option<u64>, ScimError> {
    let refusal = || ScimError::invalid_syntax("\"failOnErrors\" must be an integer of 1 or more.");
    match member(body, "failOnErrors") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().ok_or_else(refusal)? {
            0 => t.allow(Leniency::ZeroFailOnErrors, "failOnErrors", refusal).map(|()| None),
            limit => Ok(Some(limit)),
        },
    }
}

#[cfg(test)]
mod tests;
