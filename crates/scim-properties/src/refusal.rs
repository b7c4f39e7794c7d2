//! What every refusal must be.

use scim_core::ScimError;

/// The outcome of a request, unless it was refused as every refusal must be.
#[track_caller]
pub(crate) fn taken<T>(outcome: Result<T, ScimError>) -> Option<T> {
    outcome.inspect_err(assert_is_a_refusal).ok()
}

/// A refusal tells a client what to change, in one line that is safe to log (RFC 7644 §3.12).
#[track_caller]
pub(crate) fn assert_is_a_refusal(error: &ScimError) {
    assert!(matches!(error.status, 400 | 413), "{error}");
    assert!(error.status == 413 || error.scim_type.is_some(), "{error}");
    let plain = error.detail.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    assert!(plain && (1..=ScimError::MAX_DETAIL).contains(&error.detail.len()), "{error}");
}
