//! `--max-bytes`: how much a tenant's store may hold, as it is typed and as the admin API reads it.

use std::{num::NonZeroU64, str::FromStr};

use serde_json::Value;

/// A number of bytes, or no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxBytes(Option<NonZeroU64>);

impl FromStr for MaxBytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "unlimited" => Ok(Self(None)),
            number => number.parse().map(|bytes| Self(Some(bytes))).map_err(|_| {
                format!("`{number}` is no number of bytes; give a whole number from 1, or `unlimited`")
            }),
        }
    }
}

impl From<MaxBytes> for Value {
    fn from(limit: MaxBytes) -> Self {
        limit.0.map(NonZeroU64::get).into()
    }
}
