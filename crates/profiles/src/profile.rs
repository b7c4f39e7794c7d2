//! A profile as data, section by section as in its file: written out, it is the file's form with every default filled in.

use std::collections::BTreeSet;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use strum::VariantArray;

use crate::choice::{
    Activation, AdoptBy, AttributeType, Credential, Deleted, Empty, Feature, ForeignOrigin, Groupless,
    LastAdmin, LocalWins, OnReactivate, People, Policy, Recreate, UnknownMembers, Unmapped,
};
use crate::lookup::{Groups, Reader};

/// One product's reading of provisioning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Profile {
    /// The version of the file's format.
    pub format: i64,
    /// Its name, as `--profile` takes it: the file's stem.
    pub name: String,
    /// The product's name for people.
    pub title: String,
    /// The role of a person about whom nothing was said.
    pub default_role: String,
    /// Whether a tenant is open at once.
    pub activation: Activation,
    /// The kinds of credentials that may be made.
    pub credentials: Vec<Credential>,
    /// Full names of attributes that every user must have.
    pub required: Vec<String>,
    /// Pools of seats, dearest first.
    pub licenses: Vec<License>,
    /// Dearest first.
    pub roles: Vec<Role>,
    /// Attributes of the product's own.
    pub attributes: Vec<OwnAttribute>,
    /// Where the role is read, in the order in which they are asked.
    pub sources: Vec<Source>,
    /// What identity providers may do.
    pub features: Features,
    /// Which resources of licenses and roles there are.
    pub discovery: Discovery,
    /// What becomes of unusual members of a group.
    pub members: Members,
    /// What becomes of people who leave.
    pub leaving: Leaving,
    /// What a choice of staff is worth.
    pub local: Local,
    /// How people are found who were here before.
    pub matching: Matching,
    /// What an identity provider must not do by accident.
    pub protect: Protect,
    /// The form of a refused seat.
    pub refusal: Refusal,
    /// Words in answers.
    pub words: Words,
    /// What the log holds.
    pub log: Log,
    /// For how long a run can be undone.
    pub undo: Undo,
    /// What is refused although it is known from an identity provider.
    pub leniencies: Leniencies,
    #[serde(skip)]
    pub(crate) groups: Groups,
}

/// A pool of seats.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct License {
    /// Its key in the ledger, in metrics and in the API.
    pub key: String,
    /// Its name for people.
    pub title: String,
    /// The seats of a tenant that is made without a plan of its own.
    pub quota: Quota,
    /// What happens when none is left.
    pub policy: Policy,
    /// The license below that is tried instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Seats beyond the quota under the policy `overage`.
    pub overage: i64,
}

/// How many seats a license has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// So many.
    Seats(i64),
    /// Any number.
    Unlimited,
}

impl Quota {
    /// The word for no limit, in the file and in the API.
    pub const UNLIMITED: &'static str = "unlimited";
    /// Most seats of one license.
    pub const MAX: i64 = 1_000_000_000;

    /// The number of seats, if there is a limit.
    #[must_use]
    pub fn seats(self) -> Option<i64> {
        match self {
            Self::Seats(seats) => Some(seats),
            Self::Unlimited => None,
        }
    }
}

impl Serialize for Quota {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.seats() {
            Some(seats) => serializer.serialize_i64(seats),
            None => serializer.serialize_str(Self::UNLIMITED),
        }
    }
}

/// What a person may do in the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its key in records and in the API.
    pub key: String,
    /// Its name for people.
    pub title: String,
    /// The license whose seat it uses.
    pub license: String,
    /// Whether it counts as an administrator (MO11).
    pub admin: bool,
    /// Whether the license's fallback will do when no seat is left.
    pub may_fall_back: bool,
}

/// An attribute that the RFC does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnAttribute {
    /// Its name.
    pub name: String,
    /// `core`, or the URN of the extension that holds it.
    #[serde(rename = "in")]
    pub home: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// One sentence for people.
    pub description: String,
}

impl OwnAttribute {
    /// The word for the top of a resource.
    pub const CORE: &'static str = "core";

    /// The extension's URN; `None` at the top of a resource.
    #[must_use]
    pub fn urn(&self) -> Option<&str> {
        (self.home != Self::CORE).then_some(self.home.as_str())
    }
}

/// Where the role is read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Source {
    /// In an attribute.
    Attribute(AttributeSource),
    /// In the groups of the person.
    Groups(GroupSource),
}

/// An attribute whose values mean roles.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributeSource {
    /// The path, as the file writes it: `roles[primary eq true].value`.
    pub attribute: String,
    /// The legal values in the order of the file.
    #[serde(serialize_with = "as_map")]
    pub values: Vec<ValueRule>,
    /// What any other value means.
    pub unmapped: Unmapped,
    /// What an empty value does.
    pub empty: Empty,
    #[serde(skip)]
    pub(crate) reader: Box<Reader>,
}

/// One value of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueRule {
    /// As the file writes it.
    pub value: String,
    /// The key of the role that it means.
    pub role: String,
}

fn as_map<S: Serializer>(rules: &[ValueRule], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rules.iter().map(|rule| (&rule.value, &rule.role)))
}

/// Groups that mean roles; the first rule that matches decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupSource {
    /// In order.
    pub groups: Vec<GroupRule>,
}

/// One group that means a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupRule {
    /// Which group.
    #[serde(flatten)]
    pub group: GroupKey,
    /// The key of the role.
    pub role: String,
}

/// How a rule names its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupKey {
    /// By its displayName, without letter case.
    Name(String),
    /// By its externalId, byte for byte.
    ExternalId(String),
    /// By its id, in the override of a tenant.
    Id(String),
}

/// What a tenant's identity provider may do; all of it unless it is switched off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    pub(crate) off: BTreeSet<Feature>,
}

impl Features {
    /// Whether it is allowed.
    #[must_use]
    pub fn allow(&self, feature: Feature) -> bool {
        !self.off.contains(&feature)
    }
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Feature::VARIANTS.len()))?;
        for feature in Feature::VARIANTS {
            let word: &'static str = feature.into();
            map.serialize_entry(word, &self.allow(*feature))?;
        }
        map.end()
    }
}

/// `discovery`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// `/Roles` and `/Licenses` under Okta's URNs.
    pub okta_entitlements: bool,
    /// `/Roles` and `/Entitlements` of draft-ietf-scim-roles-entitlements.
    pub roles_and_entitlements: bool,
}

/// `members`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Members {
    /// Members that the tenant does not have (IO9).
    pub unknown: UnknownMembers,
    /// Members whose origin is not the identity provider (IO17).
    pub foreign_origin: ForeignOrigin,
}

/// `leaving`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Leaving {
    /// What DELETE does (CX24, IO18).
    pub deleted: Deleted,
    /// What the same userName makes afterwards.
    pub recreate: Recreate,
    /// Who has left the last pushed group (IO11).
    pub groupless: Groupless,
    /// After so many minutes.
    pub groupless_after_minutes: i64,
    /// For so many days a suspended person keeps the seat (S5).
    pub seat_grace_days: i64,
    /// The role of a person who comes back (CX23).
    pub on_reactivate: OnReactivate,
}

/// `local`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Local {
    /// Who decides after a choice of staff (CX14); of role and `active`.
    pub wins: LocalWins,
}

/// `matching`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matching {
    /// By what a POST finds a LOCAL person, in this order (CX20).
    pub adopt: Vec<AdoptBy>,
}

/// `protect`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Protect {
    /// A change that would leave no active admin.
    pub last_admin: LastAdmin,
    /// userNames that an identity provider never suspends, lowers or deletes.
    pub users: Vec<String>,
    /// A change that takes the seats of more than so many percent of a group of 10 or more is held; 0 is off.
    pub group_wipe_percent: i64,
}

/// `refusal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The status of a refused seat.
    pub status: i64,
    /// Its `scimType`.
    pub scim_type: String,
}

/// `words`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// Whom people ask about seats; empty for the contact of the settings.
    pub contact: String,
}

/// `log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    /// How people stand in it.
    pub people: People,
    /// For how many days.
    pub keep_days: i64,
    /// More changes of role than this in a day are told (MO19).
    pub flapping_per_day: i64,
}

/// `undo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Undo {
    /// For how many days a run can be undone.
    pub keep_days: i64,
}

/// `leniencies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Leniencies {
    /// Kinds as in `usher_scim_leniency_total{kind}` that are refused, or taken literally, as for a strict tenant.
    pub refuse: Vec<String>,
}

impl Profile {
    /// The license of this key.
    #[must_use]
    pub fn license(&self, key: &str) -> Option<&License> {
        self.licenses.iter().find(|license| license.key == key)
    }

    /// The role of this key.
    #[must_use]
    pub fn role_of_key(&self, key: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.key == key)
    }

    /// The place of a license, the dearest being 0.
    #[must_use]
    pub fn license_rank(&self, key: &str) -> Option<usize> {
        self.licenses.iter().position(|license| license.key == key)
    }

    /// The place of a role, the dearest being 0.
    #[must_use]
    pub fn role_rank(&self, key: &str) -> Option<usize> {
        self.roles.iter().position(|role| role.key == key)
    }

    /// The sources that are attributes, in order.
    pub fn attribute_sources(&self) -> impl Iterator<Item = &AttributeSource> {
        self.sources.iter().filter_map(|source| match source {
            Source::Attribute(source) => Some(source),
            Source::Groups(_) => None,
        })
    }

    /// Whether groups give roles, so that a change of memberships moves seats.
    #[must_use]
    pub fn is_group_driven(&self) -> bool {
        self.sources.iter().any(|source| matches!(source, Source::Groups(_)))
    }
}
