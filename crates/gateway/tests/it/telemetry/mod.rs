//! What operators see of requests: one id from the proxy to the log, fields that are documented, levels that are raised for a while.

pub(crate) mod deepest;
mod levels;
mod request_ids;

use serde_json::Value;
use testkit::gateway::Gateway;

/// The lines of a log in JSON.
fn lines(gateway: &Gateway) -> Vec<Value> {
    let log = gateway.log();
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Those with this message.
pub(crate) fn with_message(gateway: &Gateway, message: &str) -> Vec<Value> {
    lines(gateway).into_iter().filter(|line| line["message"] == message).collect()
}
