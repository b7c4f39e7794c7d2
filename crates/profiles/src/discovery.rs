//! Licenses and roles as identity providers read them, with the seats of the moment: the attributes of Okta's entitlement discovery,
//! and those of draft-ietf-scim-roles-entitlements-01. URNs, `meta` and ETags are the caller's.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::profile::{AttributeSource, GroupKey, License, Profile, Role, Source};

/// How one license stands in one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seats {
    /// The quota in force; none where there is no limit.
    pub quota: Option<i64>,
    /// Seats in use.
    pub used: i64,
    /// People who wait.
    pub waiting: i64,
    /// Whether a lesser seat will do when none is left.
    pub falls_back: bool,
}

/// The numbers of one tenant, by the keys of its profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Each license.
    pub licenses: BTreeMap<String, Seats>,
    /// How many active people have each role.
    pub roles: BTreeMap<String, i64>,
}

/// One read-only resource without `schemas` and `meta`; it has its `id`.
pub type Attributes = Map<String, Value>;

/// Characters of a description: Okta shows no more.
const MAX_DESCRIPTION: usize = 1_000;

/// `RolesAndEntitlements` of `/ServiceProviderConfig`: both endpoints, and what a user's attributes may hold.
#[must_use]
pub fn roles_and_entitlements() -> Value {
    let both = json!({"supported": true, "primarySupported": true, "typeSupported": true});
    let with = |name: &str| {
        let mut options = both.clone();
        if let Value::Object(members) = &mut options {
            members.insert(name.to_owned(), true.into());
        }
        options
    };
    json!({"roles": with("multipleRolesSupported"), "entitlements": with("multipleEntitlementsSupported")})
}

impl Profile {
    /// `/Licenses` as Okta reads them.
    #[must_use]
    pub fn okta_licenses(&self, numbers: &Numbers) -> Vec<Attributes> {
        let one = |license: &License| {
            let told =
                numbers.licenses.get(&license.key).map(|seats| sentence(license, seats)).unwrap_or_default();
            okta(&license.key, &license.title, "License", &told)
        };
        self.licenses.iter().map(one).collect()
    }

    /// `/Roles` as Okta reads them.
    #[must_use]
    pub fn okta_roles(&self, numbers: &Numbers) -> Vec<Attributes> {
        let one = |role: &Role| okta(&role.key, &role.title, "Role", &self.describe(role, numbers));
        self.roles.iter().map(one).collect()
    }

    /// `/Entitlements` of the draft: the licenses.
    #[must_use]
    pub fn entitlements(&self, numbers: &Numbers) -> Vec<Attributes> {
        let one = |license: &License| {
            let seats = numbers.licenses.get(&license.key);
            let limit = seats.and_then(|seats| seats.quota);
            let value = self.value_of("entitlements", |role| role.license == license.key);
            let used = seats.map_or(0, |seats| seats.used);
            assignable(&license.key, value, &license.title, "License", Assignments { limit, used })
        };
        self.licenses.iter().map(one).collect()
    }

    /// `/Roles` of the draft. Roles may share a license, so a role's limit is what it uses and what the license has left.
    #[must_use]
    pub fn assignable_roles(&self, numbers: &Numbers) -> Vec<Attributes> {
        let one = |role: &Role| {
            let used = numbers.roles.get(&role.key).copied().unwrap_or_default();
            let seats = numbers.licenses.get(&role.license);
            let left = seats.and_then(|seats| Some(seats.quota?.saturating_sub(seats.used).max(0)));
            let limit = left.map(|left| left.saturating_add(used));
            let value = self.value_of("roles", |other| other.key == role.key);
            assignable(&role.key, value, &role.title, "Role", Assignments { limit, used })
        };
        self.roles.iter().map(one).collect()
    }

    /// The value that gives such a role when it is sent in this attribute, if a source reads it there.
    fn value_of(&self, attribute: &str, is_meant: impl Fn(&Role) -> bool) -> Option<&str> {
        let mut sources =
            self.attribute_sources().filter(|source| source.reader.attribute.is_name(attribute, None));
        sources.find_map(|source| {
            let meant = |key: &str| self.role_of_key(key).is_some_and(&is_meant);
            source.values.iter().find(|rule| meant(&rule.role)).map(|rule| rule.value.as_str())
        })
    }

    /// The license of a role, its seats in use, and what gives the role.
    fn describe(&self, role: &Role, numbers: &Numbers) -> String {
        let Some(license) = self.license(&role.license) else { return String::new() };
        let mut text = format!("Uses a {} seat", license.title);
        if let Some(seats) = numbers.licenses.get(&license.key) {
            let lesser = license.fallback.as_deref().and_then(|key| self.license(key));
            if let Some(lesser) = lesser.filter(|_| role.may_fall_back && seats.falls_back) {
                // Writing to a String cannot fail, here and below.
                let _ = write!(text, ", or a {} seat while none is free", lesser.title);
            }
            let _ = write!(text, ". {}", sentence(license, seats));
        } else {
            text.push('.');
        }
        let none = if role.key == self.default_role { " or by none" } else { "" };
        if let Some(given) = self.given_by(role) {
            let _ = write!(text, " Given by {given}{none}.");
        }
        text.chars().take(MAX_DESCRIPTION).collect()
    }

    /// The values of the first source that gives the role, or the groups.
    fn given_by(&self, role: &Role) -> Option<String> {
        self.sources.iter().find_map(|source| match source {
            Source::Attribute(source) => values(source, role),
            Source::Groups(source) => {
                let names = source.groups.iter().filter(|rule| rule.role == role.key);
                let names = names.filter_map(|rule| match &rule.group {
                    GroupKey::Name(name) => Some(name.as_str()),
                    GroupKey::ExternalId(_) | GroupKey::Id(_) => None,
                });
                some("the group", &names.collect::<Vec<_>>())
            }
        })
    }
}

fn values(source: &AttributeSource, role: &Role) -> Option<String> {
    let values = source.values.iter().filter(|rule| rule.role == role.key).map(|rule| rule.value.as_str());
    some(&source.reader.attribute.attribute.name, &values.collect::<Vec<_>>())
}

fn some(what: &str, names: &[&str]) -> Option<String> {
    (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
}

/// The seats of a license in one sentence, such as `5 of 5 Member seats in use; 2 waiting.`
fn sentence(license: &License, seats: &Seats) -> String {
    let (used, title) = (seats.used, &license.title);
    let in_use = match seats.quota {
        None => format!("{used} {title} seats in use, without limit"),
        Some(0) if used == 0 => format!("The plan has no {title} seats"),
        Some(quota) => format!("{used} of {quota} {title} seats in use"),
    };
    format!("{in_use}; {} waiting.", seats.waiting)
}

fn okta(id: &str, name: &str, kind: &str, description: &str) -> Attributes {
    let texts = [("id", id), ("displayName", name), ("type", kind), ("description", description)];
    texts.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect()
}

struct Assignments {
    limit: Option<i64>,
    used: i64,
}

fn assignable(
    id: &str,
    value: Option<&str>,
    display: &str,
    kind: &str,
    assignments: Assignments,
) -> Attributes {
    let Assignments { limit, used } = assignments;
    let mut attributes = Map::new();
    for (name, text) in [("id", id), ("value", value.unwrap_or(id)), ("display", display), ("type", kind)] {
        attributes.insert(name.into(), text.into());
    }
    attributes.insert("supported".into(), true.into());
    attributes.insert("limitedAssignmentsPermitted".into(), limit.is_some().into());
    attributes.extend(limit.map(|limit| ("totalAssignmentsPermitted".to_owned(), limit.into())));
    attributes.insert("totalAssignmentsUsed".into(), used.into());
    attributes
}
