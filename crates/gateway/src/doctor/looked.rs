//! One part that the doctor has looked at: how it is, and what to do if it is not well.

use std::fmt;

use serde::Serialize;

/// A sentence about a part.
#[derive(Debug, Serialize)]
pub(super) struct Looked {
    part: &'static str,
    sentence: String,
    /// What to do; absent where all is well.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Looked {
    pub(super) fn well(part: &'static str, sentence: impl Into<String>) -> Self {
        Self { part, sentence: sentence.into(), remedy: None }
    }

    pub(super) fn finding(part: &'static str, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { part, sentence: fault.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn is_finding(&self) -> bool {
        self.remedy.is_some()
    }
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, sentence, remedy } = self;
        match remedy {
            None => write!(f, "ok       {part}: {sentence}"),
            Some(remedy) => write!(f, "finding  {part}: {}: {remedy}.", sentence.trim_end_matches('.')),
        }
    }
}
