//! What one tenant says differently from its profile: a JSON object nested like the file, merged by RFC 7396 and checked by the
//! same validator.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::load::{MAX_BYTES, Origin};
use crate::profile::Profile;

/// The overrides of one tenant, without nulls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Overrides(pub Map<String, Value>);

/// One key of a profile: what its file says, what the tenant says, and what holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Dotted: `leaving.deleted`. A list is one key.
    pub key: String,
    /// The profile's value, or its default.
    pub profile: Value,
    /// The tenant's; null when it has none.
    #[serde(rename = "override")]
    pub own: Value,
    /// What holds.
    pub in_force: Value,
}

/// What makes a file what it is; no tenant changes it.
const FIXED: [&str; 2] = ["format", "name"];

impl Overrides {
    /// These overrides after a change: null takes a key away, objects are merged, everything else is replaced.
    #[must_use]
    pub fn patched(&self, patch: &Map<String, Value>) -> Self {
        let mut overrides = self.clone();
        merge(&mut overrides.0, patch);
        prune(&mut overrides.0);
        overrides
    }

    /// Whether the tenant says nothing of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Takes away the tables in which nothing is left.
fn prune(members: &mut Map<String, Value>) {
    members.retain(|_, value| match value {
        Value::Object(inner) => {
            prune(inner);
            !inner.is_empty()
        }
        _ => true,
    });
}

/// RFC 7396.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    match patch {
        Value::Object(patch) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            if let Value::Object(target) = target {
                merge(target, patch);
            }
        }
        other => *target = other.clone(),
    }
}

fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (key, value) in patch {
        if value.is_null() {
            target.shift_remove(key);
        } else {
            merge_patch(target.entry(key.as_str()).or_insert(Value::Null), value);
        }
    }
}

impl Profile {
    /// This profile with the overrides of a tenant.
    ///
    /// # Errors
    /// Every fault at once, as of a file; without lines.
    pub fn with(&self, overrides: &Overrides) -> Result<Self, Vec<Fault>> {
        let fixed = FIXED.iter().filter(|key| overrides.0.contains_key(**key));
        let mut faults: Vec<Fault> =
            fixed.map(|key| Fault::new(*key, "is the profile's own; no tenant overrides it")).collect();
        if Value::Object(overrides.0.clone()).to_string().len() > MAX_BYTES {
            faults.push(Fault::new("(file)", format!("the overrides are longer than {MAX_BYTES} bytes")));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut whole = self.to_json();
        merge(&mut whole, &overrides.0);
        Self::of_json(&self.name, &Value::Object(whole), Origin::Tenant)
    }

    /// Every key with the profile's value, the tenant's and the one in force.
    ///
    /// # Errors
    /// The faults of the overrides.
    pub fn keys(&self, overrides: &Overrides) -> Result<Vec<Row>, Vec<Fault>> {
        let in_force = self.with(overrides)?;
        let mut rows = Vec::new();
        add_rows(&mut rows, "", &self.to_json(), &overrides.0, &in_force.to_json());
        Ok(rows)
    }

    /// The profile in the form of its file, every default filled in.
    #[must_use]
    #[allow(
        clippy::missing_panics_doc,
        clippy::expect_used,
        reason = "plain structs with string keys always serialise"
    )]
    pub fn to_json(&self) -> Map<String, Value> {
        match serde_json::to_value(self).expect("a profile serialises") {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// One row a leaf; all three have the same keys, the overrides fewer.
fn add_rows(
    rows: &mut Vec<Row>,
    above: &str,
    profile: &Map<String, Value>,
    own: &Map<String, Value>,
    in_force: &Map<String, Value>,
) {
    let nothing = Map::new();
    for (name, value) in profile {
        let key = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        let (own, force) = (own.get(name), in_force.get(name).unwrap_or(&Value::Null));
        match (value, force) {
            (Value::Object(value), Value::Object(force)) => {
                add_rows(rows, &key, value, own.and_then(Value::as_object).unwrap_or(&nothing), force);
            }
            _ if FIXED.contains(&key.as_str()) => {}
            _ => rows.push(Row {
                key,
                profile: value.clone(),
                own: own.cloned().unwrap_or_default(),
                in_force: force.clone(),
            }),
        }
    }
}
