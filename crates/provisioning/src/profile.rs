//! Profiles: how one product reads provisioning, as data (`profiles/*.toml`). A profile says which attribute carries the
//! role, which license a role needs, and which attributes are mandatory.

use std::{collections::BTreeMap, sync::LazyLock};

use scim_core::{Document, ResourceType, schema::alike};
use seat_ledger::{Definition, License, Licenses, Policy, SeatRequest};
use serde::Deserialize;
use serde_json::Value;

/// The needs of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its place among the roles, 0 the dearest: who wait for a license are promoted in this order.
    pub rank: i64,
    /// The license whose seat the role uses.
    pub license: License,
    /// Whether the license's fallback will do when none is left.
    pub may_fall_back: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRole {
    license: String,
    may_fall_back: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    class_attribute: String,
    default_role: String,
    required: Vec<String>,
    binding_values: Vec<String>,
    roles: BTreeMap<String, RawRole>,
    values: BTreeMap<String, String>,
}

/// One product's reading of provisioning.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name, as `--profile` takes it.
    pub name: String,
    /// The core attribute that carries the role, such as `userType`.
    pub class_attribute: String,
    licenses: Licenses,
    default_role: (String, Role),
    required: Vec<String>,
    /// Full names of attributes whose canonical values are the only legal ones.
    binding_values: Vec<String>,
    /// Legal values as they are shown to people.
    values: Vec<String>,
    /// Comparable value → role.
    roles: BTreeMap<String, (String, Role)>,
}

/// The profiles that ship with Usher.
const BUILT_IN: [(&str, &str); 2] = [
    ("default", include_str!("../profiles/default.toml")),
    ("mentimeter", include_str!("../profiles/mentimeter.toml")),
];

/// The licenses that every profile has.
static LICENSES: LazyLock<Result<Licenses, String>> = LazyLock::new(|| {
    let license = |key: &str, title: &str, policy, fallback: Option<&str>| Definition {
        key: key.to_owned(),
        title: title.to_owned(),
        quota: Some(0),
        policy,
        fallback: fallback.map(str::to_owned),
    };
    Licenses::new(vec![
        license("member", "Member", Policy::Fallback, Some("member_lite")),
        license("member_lite", "Member Lite", Policy::Refuse, None),
    ])
});

impl Profile {
    /// The names of the profiles that ship with Usher.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The profile of this name among those that ship with Usher.
    ///
    /// # Errors
    /// A sentence, when there is none or its text is wrong.
    pub fn built_in(name: &str) -> Result<Self, String> {
        let known = || Self::built_in_names().collect::<Vec<_>>().join(", ");
        let (_, text) = BUILT_IN
            .iter()
            .find(|(n, _)| *n == name)
            .ok_or_else(|| format!("there is no profile {name:?}; the profiles are {}", known()))?;
        Self::parse(name, text)
    }

    /// Reads a profile from TOML.
    ///
    /// # Errors
    /// A sentence that names the fault of the text.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let raw: RawProfile = toml::from_str(text).map_err(|e| format!("profile {name}: {e}"))?;
        let licenses = LICENSES.clone()?;
        let needs = needs(&licenses, raw.roles).map_err(|fault| format!("profile {name}: {fault}"))?;
        let role = |key: &str| {
            let found = needs.get(key).map(|role| (key.to_owned(), role.clone()));
            found.ok_or_else(|| format!("profile {name}: the role {key:?} is not defined"))
        };
        let mut roles = BTreeMap::new();
        for (value, key) in &raw.values {
            roles.insert(alike(value), role(key)?);
        }
        Ok(Self {
            name: name.to_owned(),
            licenses,
            default_role: role(&raw.default_role)?,
            class_attribute: raw.class_attribute,
            required: raw.required,
            binding_values: raw.binding_values,
            values: raw.values.into_keys().collect(),
            roles,
        })
    }

    /// The licenses of this profile, dearest first.
    #[must_use]
    pub fn licenses(&self) -> &Licenses {
        &self.licenses
    }

    /// Applies the mandatory attributes and legal values of this profile to a `User` type with the tenant's own extensions.
    /// Tenants share a profile, so names that this tenant's schemas do not have are ignored.
    pub fn shape(&self, user: &mut ResourceType) {
        user.set_canonical_values(&self.class_attribute, self.values.clone());
        user.require(&self.required);
        user.bind_values(&self.binding_values);
    }

    /// The value that carries the role, if there is one.
    #[must_use]
    pub fn class_value<'d>(&self, document: &'d Document) -> Option<&'d Value> {
        document.get(&self.class_attribute)
    }

    /// The seat request of a document. A value that the map does not have is kept as sent and means the default role; where
    /// the profile binds the values, no such value comes this far (MO9).
    #[must_use]
    pub fn seat_request(&self, document: &Document) -> SeatRequest {
        let value = self.class_value(document).and_then(Value::as_str);
        let (name, role) =
            value.and_then(|value| self.roles.get(&alike(value))).unwrap_or(&self.default_role);
        SeatRequest {
            role: name.clone(),
            role_rank: role.rank,
            license: role.license.clone(),
            may_fall_back: role.may_fall_back,
            waits: false,
            seat_grace_days: 0,
            active: is_active(document),
        }
    }

    /// Where a person's role comes from, as staff are told: the attribute, or `default`.
    #[must_use]
    pub fn role_from(&self, document: &Document) -> &str {
        let value = self.class_value(document).and_then(Value::as_str);
        let is_mapped = value.is_some_and(|value| self.roles.contains_key(&alike(value)));
        if is_mapped { &self.class_attribute } else { "default" }
    }

    /// The roles that a person can have, by name, each with the values that mean it.
    #[must_use]
    pub fn roles(&self) -> BTreeMap<&str, (Role, Vec<&str>)> {
        let known = self.roles.values().chain(std::iter::once(&self.default_role));
        let mut roles: BTreeMap<&str, (Role, Vec<&str>)> =
            known.map(|(name, role)| (name.as_str(), (role.clone(), Vec::new()))).collect();
        for value in &self.values {
            let meant = self.roles.get(&alike(value)).and_then(|(name, _)| roles.get_mut(name.as_str()));
            if let Some((_, values)) = meant {
                values.push(value);
            }
        }
        roles
    }

    /// The role of a user without a value.
    #[must_use]
    pub fn default_role(&self) -> &str {
        &self.default_role.0
    }

    /// The seat request of a role; `None` when the profile does not know it (any more).
    #[must_use]
    pub fn request_of(&self, role: &str, active: bool) -> Option<SeatRequest> {
        let Role { rank, license, may_fall_back } = self.role(role)?;
        Some(SeatRequest {
            role: role.to_owned(),
            role_rank: *rank,
            license: license.clone(),
            may_fall_back: *may_fall_back,
            active,
            waits: false,
            seat_grace_days: 0,
        })
    }

    /// Whether this is the role of a user without a value.
    #[must_use]
    pub fn is_default_role(&self, role: &str) -> bool {
        self.default_role.0 == role
    }

    /// The needs of a role; `None` when the profile does not know it (any more).
    #[must_use]
    pub fn role(&self, name: &str) -> Option<&Role> {
        let mut known = self.roles.values().chain(std::iter::once(&self.default_role));
        known.find(|(known, _)| known == name).map(|(_, role)| role)
    }
}

/// The needs of each role. Its rank is that of its license; of two roles of a license the one that takes no other is the dearer.
fn needs(licenses: &Licenses, raw: BTreeMap<String, RawRole>) -> Result<BTreeMap<String, Role>, String> {
    let mut roles = Vec::new();
    for (name, RawRole { license, may_fall_back }) in raw {
        let license = licenses.get(&license).ok_or_else(|| {
            format!(
                "the license {license:?} of the role {name:?} is not defined; they are {}",
                licenses.keys()
            )
        })?;
        roles.push((license, may_fall_back, name));
    }
    roles.sort();
    let ranked = (0..).zip(roles);
    Ok(ranked
        .map(|(rank, (license, may_fall_back, name))| (name, Role { rank, license, may_fall_back }))
        .collect())
}

/// A person without `active` counts as suspended: the attribute was taken away (table of disagreements, `active`).
#[must_use]
pub fn is_active(document: &Document) -> bool {
    document.bool("active") == Some(true)
}

#[cfg(test)]
mod tests {
    use scim_core::{leniency::Tolerance, resource, schema};
    use serde_json::json;

    use super::*;

    fn may_fall_back(profile: &Profile, role: &str) -> bool {
        profile.role(role).unwrap().may_fall_back
    }

    fn document(user_type: Option<&str>) -> Document {
        let mut document = Document::default();
        document.0.insert("active".into(), true.into());
        if let Some(value) = user_type {
            document.0.insert("userType".into(), value.into());
        }
        document
    }

    #[test]
    fn mo1_user_type_compares_without_case_blank_underscore_and_hyphen() {
        let profile = Profile::built_in("mentimeter").unwrap();
        for (value, role, license) in [
            ("admin", "admin", "member"),
            ("User", "member", "member"),
            ("MEMBER", "member", "member"),
            ("member_lite", "member_lite", "member_lite"),
            ("Member Lite", "member_lite", "member_lite"),
            ("member-lite", "member_lite", "member_lite"),
        ] {
            let document = document(Some(value));
            let request = profile.seat_request(&document);
            assert_eq!((request.role.as_str(), request.license.key()), (role, license), "{value}");
        }
    }

    #[test]
    fn mo9_an_unmapped_value_is_refused_with_the_legal_ones() {
        let mut user = schema::user();
        Profile::built_in("mentimeter").unwrap().shape(&mut user);
        let body = json!({ "schemas": [user.core.id], "userName": "ann", "userType": "Employee" });
        let error = resource::create(&user, &body, &mut Tolerance::lenient()).unwrap_err();
        assert_eq!(error.status, 400);
        assert_eq!(error.detail, "userType must be one of: admin, member, member_lite, user.");
    }

    #[test]
    fn mo18_no_class_or_an_unmapped_one_means_the_free_license_by_default() {
        let profile = Profile::built_in("default").unwrap();
        for value in [None, Some("Employee")] {
            assert_eq!(profile.seat_request(&document(value)).license.key(), "member_lite");
        }
    }

    #[test]
    fn an_admin_never_falls_back() {
        let profile = Profile::built_in("default").unwrap();
        assert!(!may_fall_back(&profile, "admin"));
        assert!(may_fall_back(&profile, "member"));
        let ranks = ["admin", "member", "member_lite"].map(|role| profile.role(role).unwrap().rank);
        assert_eq!(ranks, [0, 1, 2]);
    }

    #[test]
    fn every_built_in_profile_parses() {
        for name in Profile::built_in_names() {
            let profile = Profile::built_in(name).unwrap();
            let mut user = schema::user();
            assert_eq!(user.require(&profile.required), [""; 0], "{name}");
            profile.shape(&mut user);
            assert_eq!(user.bind_values(&profile.binding_values), [""; 0], "{name}");
        }
        assert!(Profile::built_in("none").unwrap_err().contains("default, mentimeter"));
    }
}
