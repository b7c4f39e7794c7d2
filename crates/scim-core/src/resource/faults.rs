//! The faults of one body, told together (MC12): an administrator who repairs a mapping should not need one
//! failed provisioning cycle per fault.

use crate::ScimError;

/// More than these would not fit into one line.
const MAX_FAULTS: usize = 10;

#[derive(Debug, Default)]
pub(super) struct Faults(Vec<ScimError>);

impl Faults {
    /// The value, or nothing while its fault is kept for the end.
    pub(super) fn keep<T>(&mut self, result: Result<T, ScimError>) -> Option<T> {
        result.map_err(|fault| self.add(fault)).ok()
    }

    pub(super) fn add(&mut self, fault: ScimError) {
        if self.0.len() < MAX_FAULTS && !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }

    /// One error under the first fault's status and keyword, with the sentences of all.
    pub(super) fn into_result(self) -> Result<(), ScimError> {
        let Some(first) = self.0.first() else {
            return Ok(());
        };
        let sentences: Vec<&str> = self.0.iter().map(|fault| fault.detail.as_str()).collect();
        Err(ScimError::new(first.status, first.scim_type, sentences.join(" ")))
    }
}
