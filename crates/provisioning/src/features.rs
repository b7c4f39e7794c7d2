//! What a tenant's identity provider may do: each feature can be switched off (CX19). Staff are not bound by it.

use std::{collections::BTreeSet, fmt};

use scim_core::{Document, ResourceKind, bulk::Method};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::product::is_active;

/// One feature.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Feature {
    /// Users are created.
    Create,
    /// Users are changed, apart from whether they are active.
    Update,
    /// Users are deactivated.
    Deactivate,
    /// Users are activated again.
    Reactivate,
    /// Users are deleted.
    Delete,
    /// Groups are written.
    PushGroups,
    /// All users are listed.
    ImportUsers,
    /// All groups are listed.
    ImportGroups,
}

impl Feature {
    /// Every feature.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// Its name: `push_groups`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What it allows, for the text of a refusal.
    fn what(self) -> &'static str {
        match self {
            Self::Create => "Creating users",
            Self::Update => "Changing users",
            Self::Deactivate => "Deactivating users",
            Self::Reactivate => "Reactivating users",
            Self::Delete => "Deleting users",
            Self::PushGroups => "Writing groups",
            Self::ImportUsers => "Listing all users",
            Self::ImportGroups => "Listing all groups",
        }
    }

    /// The text of a refusal, which names the setting.
    #[must_use]
    pub fn refusal(self, contact: &str) -> String {
        let (what, so) = (self.what(), if self.is_read() { "" } else { "; nothing was stored" });
        format!("{what} is switched off for this tenant (features.{}){so}. Ask {contact}.", self.name())
    }

    fn is_read(self) -> bool {
        matches!(self, Self::ImportUsers | Self::ImportGroups)
    }
}

/// As staff write it: `features.create`.
impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "features.{}", self.name())
    }
}

/// The tenant's identity provider may not do this.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the feature {0} is off")]
pub struct FeatureDisabled(pub Feature);

/// The features of a tenant: all but those that are off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    off: BTreeSet<Feature>,
}

impl Features {
    /// All but these.
    #[must_use]
    pub fn without(off: BTreeSet<Feature>) -> Self {
        Self { off }
    }

    /// # Errors
    /// [`FeatureDisabled`] when it is off.
    pub fn require(&self, feature: Feature) -> Result<(), FeatureDisabled> {
        if self.off.contains(&feature) { Err(FeatureDisabled(feature)) } else { Ok(()) }
    }

    /// What a write needs, as far as its method and type tell. An edit of a user is judged by what it changes.
    pub(crate) fn require_write(&self, kind: ResourceKind, method: Method) -> Result<(), FeatureDisabled> {
        match (kind, method) {
            (ResourceKind::Group, _) => self.require(Feature::PushGroups),
            (_, Method::Post) => self.require(Feature::Create),
            (_, Method::Delete) => self.require(Feature::Delete),
            (_, Method::Put | Method::Patch) => Ok(()),
        }
    }

    /// What an edit of a user needs: it is judged by all that it changes.
    pub(crate) fn require_edit(&self, old: &Document, new: &Document) -> Result<(), FeatureDisabled> {
        // Nothing is compared for a tenant that has everything on.
        if self.off.is_empty() {
            return Ok(());
        }
        match (is_active(old), is_active(new)) {
            (true, false) => self.require(Feature::Deactivate)?,
            (false, true) => self.require(Feature::Reactivate)?,
            _ => {}
        }
        let without_active = |document: &Document| {
            let mut document = document.0.clone();
            document.remove("active");
            document
        };
        if without_active(old) == without_active(new) { Ok(()) } else { self.require(Feature::Update) }
    }

    /// What a list needs: of this type, without a filter, and of so many at once. Okta tests a credential by the first two.
    ///
    /// # Errors
    /// [`FeatureDisabled`].
    pub fn require_list(&self, kind: ResourceKind, count: u64) -> Result<(), FeatureDisabled> {
        const FEW: u64 = 2;
        match kind {
            ResourceKind::User if count > FEW => self.require(Feature::ImportUsers),
            ResourceKind::Group if count > FEW => self.require(Feature::ImportGroups),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(value: &Value) -> Document {
        Document(value.as_object().unwrap().clone())
    }

    #[test]
    fn cx19_an_edit_is_judged_by_all_that_it_changes() {
        let old = document(&json!({ "userName": "ada", "active": true, "title": "Dr" }));
        let cases = [
            (json!({ "userName": "ada", "active": true, "title": "Dr" }), vec![]),
            (json!({ "userName": "ada", "active": false, "title": "Dr" }), vec![Feature::Deactivate]),
            (json!({ "userName": "ada", "active": true }), vec![Feature::Update]),
            (json!({ "userName": "ada", "active": false }), vec![Feature::Deactivate, Feature::Update]),
        ];
        for (new, needed) in cases {
            for feature in Feature::ALL {
                let features = Features::without([*feature].into());
                let judged = features.require_edit(&old, &document(&new));
                assert_eq!(judged.is_err(), needed.contains(feature), "{feature}: {new}");
            }
        }
    }
}
