//! A tenant's profile with its licenses as the ledger knows them: the step from a document, or from a role, to a seat request.

use std::collections::{BTreeMap, BTreeSet};

use profiles::{
    Binding, Bindings, Carried, Facts, Group, KeptAttribute, Profile, Reading, Received, RoleFrom, choice,
};
use scim_core::{
    Document, ResourceType,
    fold::user_name_key,
    leniency::{Leniencies, Leniency},
    resource,
};
use seat_ledger::{Definition, License, Licenses, Policy, SeatRequest, Shortage};

/// What is known of a person's role in a write (MO12).
#[derive(Clone, Debug, Default)]
pub(crate) struct RoleFacts {
    /// What the write carried.
    pub(crate) received: Option<Received>,
    /// Where the role comes from; `None` where groups may give it and this write had no reason to read them.
    pub(crate) source: Option<String>,
}

/// What the ledger is asked for on behalf of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The role's place among the roles, 0 the dearest: who wait for a license are promoted in this order.
    pub(crate) rank: i64,
    license: License,
    pub(crate) may_fall_back: bool,
}

/// The version of every profile that ships with Usher.
pub const BUILT_IN_VERSION: i64 = 1;

/// One tenant's product.
#[derive(Clone, Debug)]
pub struct Product {
    /// All that its file says.
    pub profile: Profile,
    name_and_version: String,
    licenses: Licenses,
    /// By the key of the role.
    needs: BTreeMap<String, Needs>,
    /// Those of the default role.
    free: Needs,
    /// The attributes that carry the role.
    sources: Vec<KeptAttribute>,
    /// The keys of the roles that make an admin.
    admins: BTreeSet<String>,
    /// Keys of userNames that an identity provider never suspends, lowers or deletes.
    protected: BTreeSet<String>,
    /// What is not tolerated.
    unwanted: Leniencies,
}

impl Product {
    /// The product of this version of a profile.
    ///
    /// # Errors
    /// A sentence, when the ledger cannot hold its licenses; a profile that was loaded has none such.
    pub fn new(profile: Profile, version: i64) -> Result<Self, String> {
        let licenses = Licenses::new(profile.licenses.iter().map(definition).collect())?;
        let mut needs = BTreeMap::new();
        for (rank, role) in (0..).zip(&profile.roles) {
            let license = licenses.get(&role.license);
            let license = license.ok_or_else(|| format!("the role {} has no license", role.key))?;
            needs.insert(role.key.clone(), Needs { rank, license, may_fall_back: role.may_fall_back });
        }
        let free = needs.get(&profile.default_role).cloned();
        let free = free.ok_or_else(|| format!("the role {} is not defined", profile.default_role))?;
        let admins = profile.roles.iter().filter(|role| role.admin).map(|role| role.key.clone()).collect();
        let protected = profile.protect.users.iter().map(|name| user_name_key(name)).collect();
        let sources = profile.source_attributes();
        let name_and_version = format!("{}@{version}", profile.name);
        let is_unwanted =
            |leniency: &Leniency| profile.leniencies.refuse.iter().any(|kind| kind == leniency.kind());
        let unwanted = Leniency::ALL.iter().copied().filter(is_unwanted).collect();
        Ok(Self { unwanted, profile, name_and_version, licenses, needs, free, sources, admins, protected })
    }

    /// The product of this name among those that ship with Usher.
    ///
    /// # Errors
    /// A sentence, when there is none.
    pub fn built_in(name: &str) -> Result<Self, String> {
        Self::new(Profile::built_in(name)?, BUILT_IN_VERSION)
    }

    /// The profile as change records name it: `mentimeter@1`.
    #[must_use]
    pub fn name_and_version(&self) -> &str {
        &self.name_and_version
    }

    /// The licenses, dearest first.
    #[must_use]
    pub fn licenses(&self) -> &Licenses {
        &self.licenses
    }

    /// The leniencies that the product does not want.
    #[must_use]
    pub fn unwanted(&self) -> Leniencies {
        self.unwanted
    }

    /// Whether a new tenant is served only when staff have activated it (CX16).
    #[must_use]
    pub fn awaits_activation(&self) -> bool {
        self.profile.activation == choice::Activation::ByStaff
    }

    /// The needs of a role; `None` when the profile does not know it (any more).
    pub(crate) fn needs(&self, role: &str) -> Option<&Needs> {
        self.needs.get(role)
    }

    /// For how many days a suspended person keeps the seat (S5).
    pub(crate) fn seat_grace_days(&self) -> u32 {
        u32::try_from(self.profile.leaving.seat_grace_days).unwrap_or(u32::MAX)
    }

    fn request(&self, role: &str, needs: &Needs, active: bool) -> SeatRequest {
        SeatRequest {
            role: role.to_owned(),
            role_rank: needs.rank,
            license: needs.license.clone(),
            may_fall_back: needs.may_fall_back,
            active,
            waits: false,
            seat_grace_days: self.seat_grace_days(),
        }
    }

    /// Puts back the sources that an empty value leaves as they are (`empty = "keep"`).
    pub(crate) fn keep_when_empty(&self, rt: &ResourceType, old: &Document, new: &mut Document) {
        for source in self.sources.iter().filter(|source| source.when_empty) {
            resource::keep(rt, &source.name, old, new);
        }
    }

    /// The seat request of a document, and of the rules that are bound to the person's groups. A value that no source knows is
    /// kept as sent and means the default role (MO18). For a role that a group gives the person waits, whatever the policy is (S9).
    #[must_use]
    pub fn seat_request(&self, document: &Document, bound: &[Binding]) -> SeatRequest {
        self.read(document, bound, Carried::NOTHING, |reading| self.request_of_reading(reading, document))
    }

    /// The seat request of a person who is in no group yet, and what is known of the role.
    pub(crate) fn first_request(&self, document: &Document, carried: Carried) -> (SeatRequest, RoleFacts) {
        self.read(document, &[], carried, |reading| {
            let facts =
                RoleFacts { received: Some(reading.received), source: Some(reading.from.to_string()) };
            (self.request_of_reading(reading, document), facts)
        })
    }

    fn request_of_reading(&self, reading: &Reading<'_>, document: &Document) -> SeatRequest {
        let role = &reading.role.key;
        let waits = matches!(reading.from, RoleFrom::Group(_));
        let request = self.request(role, self.needs(role).unwrap_or(&self.free), is_active(document));
        SeatRequest { waits, ..request }
    }

    fn read<T>(
        &self,
        document: &Document,
        bound: &[Binding],
        carried: Carried,
        then: impl FnOnce(&Reading<'_>) -> T,
    ) -> T {
        // A rule that holds is bound, so names and external ids need not be known.
        let group = |bound| Group { id: bound, name: "", external_id: None };
        let ids: BTreeSet<&str> = bound.iter().map(|bound| bound.group.as_str()).collect();
        let groups: Vec<Group<'_>> = ids.into_iter().map(group).collect();
        let bindings: Bindings = bound.iter().cloned().collect();
        let facts = Facts { document, groups: &groups, bindings: &bindings, local: None, carried };
        then(&self.profile.role(&facts))
    }

    /// Where a person's role comes from, as staff are told: the path of the source, `group:ID`, or `default`.
    #[must_use]
    pub fn role_from(&self, document: &Document, bound: &[Binding]) -> String {
        self.read(document, bound, Carried::NOTHING, |reading| reading.from.to_string())
    }

    /// The seat request of a role; `None` when the profile does not know it (any more).
    #[must_use]
    pub fn request_of(&self, role: &str, active: bool) -> Option<SeatRequest> {
        self.needs(role).map(|needs| self.request(role, needs, active))
    }

    /// Which sources a write carries, of which it is known whether it carries an attribute.
    pub(crate) fn carried(&self, carries: impl Fn(&str) -> bool) -> Carried {
        self.profile.carried_by(self.source_names().filter(|name| carries(name)))
    }

    /// The attributes that carry the role, by their full names. A PUT that leaves one out keeps it (MO13).
    pub(crate) fn source_names(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| source.name.as_str())
    }

    /// The way to a lesser license of which a seat is free, in words that the identity provider knows: `send userType
    /// member_lite`.
    #[must_use]
    pub fn advice(&self, shortage: &Shortage) -> Option<String> {
        let lesser = shortage.lesser_free.as_ref()?;
        let mut ways = self.profile.cheaper_words(RoleFrom::Default, shortage.license.key());
        ways.find(|way| way.license.key == lesser.key()).map(|way| way.to_string())
    }

    /// Whether a person is protected.
    pub(crate) fn protects(&self, user_name: &str) -> bool {
        !self.protected.is_empty() && self.protected.contains(&*user_name_key(user_name))
    }

    /// Whether a role makes an admin.
    pub(crate) fn is_admin(&self, role: &str) -> bool {
        self.admins.contains(role)
    }

    /// The keys of the roles that make an admin.
    pub(crate) fn admin_roles(&self) -> Vec<&str> {
        self.admins.iter().map(String::as_str).collect()
    }
}

fn definition(license: &profiles::License) -> Definition {
    Definition {
        key: license.key.clone(),
        title: license.title.clone(),
        quota: license.quota.seats(),
        policy: policy(license.policy),
        fallback: license.fallback.clone(),
    }
}

fn policy(policy: choice::Policy) -> Policy {
    match policy {
        choice::Policy::Refuse => Policy::Refuse,
        choice::Policy::Fallback => Policy::Fallback,
        choice::Policy::Hold => Policy::Hold,
        choice::Policy::Overage => Policy::Overage,
    }
}

/// A person without `active` counts as suspended: the attribute was taken away (table of disagreements, `active`).
#[must_use]
pub fn is_active(document: &Document) -> bool {
    document.bool("active") == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(user_type: Option<&str>) -> Document {
        let mut document = Document::default();
        document.0.insert("active".into(), true.into());
        if let Some(value) = user_type {
            document.0.insert("userType".into(), value.into());
        }
        document
    }

    #[test]
    fn every_product_that_ships_has_roles_and_licenses_that_the_ledger_takes() {
        for name in profiles::built_in_names() {
            let product = Product::built_in(name).unwrap();
            let request = product.seat_request(&document(None), &[]);
            assert_eq!(request.role, product.profile.default_role, "{name}");
            assert!(product.licenses().get(request.license.key()).is_some(), "{name}");
        }
        assert!(Product::built_in("none").unwrap_err().contains("default, mentimeter"));
    }

    #[test]
    fn mo18_no_role_or_an_unmapped_one_means_the_free_license_by_default() {
        let product = Product::built_in("default").unwrap();
        for value in [None, Some("Employee")] {
            assert_eq!(product.seat_request(&document(value), &[]).license.key(), "member_lite");
        }
    }

    #[test]
    fn an_admin_is_dearest_and_never_falls_back() {
        let product = Product::built_in("default").unwrap();
        let request = |value| product.seat_request(&document(Some(value)), &[]);
        let (admin, member, lite) = (request("admin"), request("User"), request("Member Lite"));
        assert_eq!((admin.license.key(), admin.may_fall_back, admin.role_rank), ("member", false, 0));
        assert_eq!((member.license.key(), member.may_fall_back, member.role_rank), ("member", true, 1));
        assert_eq!((lite.license.key(), lite.may_fall_back, lite.role_rank), ("member_lite", false, 2));
    }
}
