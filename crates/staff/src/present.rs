//! Members of a body whose `null` means something other than their absence.

use serde::{Deserialize, Deserializer};

/// `Some(None)` is `null`, `None` is absent.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
