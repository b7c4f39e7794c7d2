//! The checks, which are data: the files of `checks/` are groups of them, in the order of a report.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::claims::{Feature, Profile};

const GROUPS: &[&str] = &[
    include_str!("../checks/discovery.json"),
    include_str!("../checks/resources.json"),
    include_str!("../checks/put.json"),
    include_str!("../checks/patch.json"),
    include_str!("../checks/members.json"),
    include_str!("../checks/filters.json"),
    include_str!("../checks/lists.json"),
    include_str!("../checks/projection.json"),
    include_str!("../checks/versions.json"),
    include_str!("../checks/bulk.json"),
    include_str!("../checks/errors.json"),
    include_str!("../checks/strict.json"),
    include_str!("../checks/okta.json"),
    include_str!("../checks/entra.json"),
    include_str!("../checks/interop.json"),
];

/// One file: checks of one subject.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The heading of a report.
    pub group: String,
    /// In the order in which they are made.
    pub checks: Vec<Check>,
}

/// One statement about a server, and the requests that show whether it holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its name for scripts.
    pub id: String,
    /// The sentence that holds when it passes.
    pub title: String,
    /// The section of the RFC, or the profile's line.
    pub source: String,
    /// A feature that the server must announce; without it, the check is not made.
    #[serde(default)]
    pub needs: Vec<Feature>,
    /// The profile that must be claimed, or the check does not count.
    pub claim: Option<Profile>,
    /// The profile that asks for the contrary.
    pub unless: Option<Profile>,
    /// The requests, each with the answer that must come back.
    pub steps: Vec<Step>,
}

/// One request and the answer that it must get.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Method and path, such as `GET /Users/${u}`; a whole URL is followed if it leads to the same server.
    #[serde(rename = "do")]
    pub(crate) line: Option<String>,
    /// In its place: make a user or a group that any server takes, and call its id so.
    pub(crate) make: Option<Make>,
    #[serde(rename = "as", default)]
    pub(crate) name: String,
    /// Members in which it differs.
    #[serde(default)]
    pub(crate) with: Map<String, Value>,
    /// Parameters of the query, which are encoded; a path may have others, which are sent as they are written.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, String>,
    /// Headers beside the usual ones, or in their place; `null` leaves one out.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    pub(crate) body: Option<Value>,
    /// A body that is sent as it is written.
    pub(crate) text: Option<String>,
    /// In place of a body: the operations of a PATCH.
    pub(crate) patch: Option<Value>,
    /// The number of repetitions, with `${i}` from 1.
    #[serde(default = "once")]
    pub(crate) repeat: usize,
    /// Over how many connections at once.
    #[serde(default = "once")]
    pub(crate) parallel: usize,
    /// Statuses that are right.
    #[serde(default)]
    pub(crate) status: Vec<u16>,
    /// In its place: a SCIM error.
    pub(crate) error: Option<WantedError>,
    /// What the answer's headers must match.
    #[serde(default)]
    pub(crate) answer: BTreeMap<String, Value>,
    /// What must match at these paths.
    #[serde(default)]
    pub(crate) json: Map<String, Value>,
    /// Values that later steps name.
    #[serde(default)]
    pub(crate) capture: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) capture_header: BTreeMap<String, String>,
}

fn once() -> usize {
    1
}

/// What every server must be able to make.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Make {
    User,
    Group,
}

/// An error as RFC 7644, section 3.12 describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedError {
    pub(crate) status: Vec<u16>,
    /// What `scimType` is if it is there at all; the RFC leaves that open.
    #[serde(rename = "scimType")]
    pub(crate) scim_type: Option<String>,
    /// Whether it must be there.
    #[serde(default)]
    pub(crate) exact: bool,
}

/// All checks.
///
/// # Errors
/// When a file of checks cannot be read, which a test excludes.
pub fn groups() -> Result<Vec<Group>, String> {
    GROUPS.iter().map(|text| serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in tests a panic is how they fail")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_can_be_read_and_every_check_has_its_own_name_a_source_and_an_end() {
        let groups = groups().unwrap();
        let checks: Vec<&Check> = groups.iter().flat_map(|group| &group.checks).collect();
        assert!(checks.len() >= 120, "only {} checks", checks.len());
        let names: BTreeSet<&str> = checks.iter().map(|check| check.id.as_str()).collect();
        assert_eq!(names.len(), checks.len(), "two checks have one name");
        for check in checks {
            let is_told = !check.title.is_empty() && !check.source.is_empty();
            assert!(is_told && !check.steps.is_empty(), "{}", check.id);
            for step in &check.steps {
                let is_judged = !step.status.is_empty() || step.error.is_some() || step.make.is_some();
                assert!(is_judged && step.line.is_some() != step.make.is_some(), "{}: {step:?}", check.id);
            }
        }
    }

    /// What a run leaves behind is found by its name.
    #[test]
    fn everything_that_is_made_begins_with_the_name_of_its_run() {
        for check in groups().unwrap().iter().flat_map(|group| &group.checks) {
            for step in &check.steps {
                let named = step.body.as_ref().unwrap_or(&Value::Null);
                for key in ["userName", "displayName"] {
                    let name = named.get(key).and_then(Value::as_str).unwrap_or("${uniq}");
                    let is_ours =
                        name.starts_with("${uniq}") || name.starts_with("${UNIQ}") || name.trim().is_empty();
                    assert!(is_ours, "{}: {name}", check.id);
                }
            }
        }
    }
}
