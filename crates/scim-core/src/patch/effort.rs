//! What applying one PATCH may cost. A request of a few KiB can ask that each of 2,000 elements is compared with 200,000
//! values, or that a long text is copied into each of them a thousand times; neither its length nor the number of its
//! operations bounds that, so the work itself is counted before it is done.

use serde_json::Value;

use super::change::SubAttribute;
use crate::{ScimError, ScimType};

/// Work that is left to one PATCH, in bytes of text looked at or copied.
#[derive(Debug)]
pub(super) struct Effort(usize);

impl Effort {
    /// Enough to compare one value with each of 2,000 usual elements some 250 times: about 0.1 s.
    pub(super) const MAX_BYTES: usize = 64 << 20;

    /// Finding one value in an element, or putting one there, costs as much as reading so much text.
    const ONE: usize = 64;

    /// Normalising text beyond ASCII costs so many times what plain text does.
    const BEYOND_ASCII: usize = 16;

    pub(super) fn of_one_request() -> Self {
        Self(Self::MAX_BYTES)
    }

    /// Comparing each element so many times.
    ///
    /// # Errors
    /// 400 `tooMany` when the request has asked for too much.
    pub(super) fn compare<'v>(
        &mut self,
        elements: impl IntoIterator<Item = &'v Value>,
        times: usize,
    ) -> Result<(), ScimError> {
        elements.into_iter().try_for_each(|element| self.spend(weight(element).saturating_mul(times)))
    }

    /// Writing these sub-attributes into so many elements.
    ///
    /// # Errors
    /// As [`Self::compare`].
    pub(super) fn write(&mut self, written: &[SubAttribute], elements: usize) -> Result<(), ScimError> {
        let each: usize = written.iter().map(|(_, value)| value.as_ref().map_or(Self::ONE, weight)).sum();
        self.spend(each.saturating_mul(elements))
    }

    fn spend(&mut self, bytes: usize) -> Result<(), ScimError> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(|| {
            let detail = "The operations select or change too many elements; send several requests.";
            ScimError::bad_request(ScimType::TooMany, detail)
        })?;
        Ok(())
    }
}

/// What it costs to read a value once.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) if text.is_ascii() => Effort::ONE + text.len(),
        Value::String(text) => Effort::ONE + text.len() * Effort::BEYOND_ASCII,
        Value::Array(elements) => elements.iter().map(weight).sum(),
        Value::Object(members) => members.values().map(weight).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Effort::ONE,
    }
}
