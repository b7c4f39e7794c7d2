//! The facts of a row that have no column of their own.

use directory::log::LogRow;
use serde_json::{Value, json};

/// The facts of one row; none of a row that is damaged.
pub struct Details(Value);

impl Details {
    /// Those of a row.
    #[must_use]
    pub fn of(row: &LogRow) -> Self {
        Self::of_text(&row.detail)
    }

    /// Those of the JSON text of a record.
    #[must_use]
    pub fn of_text(detail: &str) -> Self {
        Self(serde_json::from_str(detail).unwrap_or_default())
    }

    /// A fact; null where it is not known.
    #[must_use]
    pub fn fact(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_default()
    }

    /// A fact that is a list; empty where it is not known.
    #[must_use]
    pub fn list(&self, name: &str) -> Value {
        self.0.get(name).cloned().unwrap_or_else(|| json!([]))
    }

    /// A fact that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The status of the answer; 0 where it is not known.
    #[must_use]
    pub fn status(&self) -> u64 {
        self.0.get("status").and_then(Value::as_u64).unwrap_or_default()
    }

    /// Whether the write changed this attribute.
    #[must_use]
    pub fn has_changed(&self, attribute: &str) -> bool {
        let changed = self.0.get("changed").and_then(Value::as_array);
        changed.is_some_and(|changed| changed.iter().any(|name| name == attribute))
    }
}
