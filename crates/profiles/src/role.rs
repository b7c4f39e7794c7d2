//! The role of a person: one pure function of what is stored, the groups and the choice of staff.

use std::fmt;

use scim_core::Document;
use serde::{Serialize, Serializer};
use strum::IntoStaticStr;

use crate::choice::{LocalWins, Unmapped};
use crate::facts::{Binding, Bindings, Carried, Facts, Group};
use crate::lookup::{Found, RuleOrder, by_external_id, by_id, by_name};
use crate::profile::{Profile, Role, Source};

/// The role of a person and why it is that.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'r> {
    /// The role in force.
    pub role: &'r Role,
    /// Which source has decided.
    pub from: RoleFrom<'r>,
    /// What the write carried (MO12).
    pub received: Received,
    /// The role that the identity provider asks for, where a choice of staff wins over it (CX14).
    pub overruled: Option<&'r Role>,
    /// Whether the choice of staff ends with this write.
    pub local_ends: bool,
    /// Rules that are to be bound from now on.
    pub bound: Vec<Binding>,
}

/// `role_from`: `userType`, `group:ID`, `local` or `default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleFrom<'r> {
    /// The source's path, as the profile writes it.
    Attribute(&'r str),
    /// The id of a group.
    Group(&'r str),
    /// A choice of staff.
    Local,
    /// Nobody has said anything that means a role.
    Default,
}

impl fmt::Display for RoleFrom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(path) => f.write_str(path),
            Self::Group(id) => write!(f, "group:{id}"),
            Self::Local => f.write_str("local"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl Serialize for RoleFrom<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `role_received`: what a write carried of all sources together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Received {
    /// No source.
    Absent,
    /// Sources without a value.
    Empty,
    /// A value that means a role.
    Mapped,
    /// Values that mean none.
    Unmapped,
}

/// What the sources say, before staff are asked.
struct Asked<'r> {
    rank: Option<usize>,
    from: RoleFrom<'r>,
}

/// A group rule that holds for a person.
struct Match<'f> {
    place: RuleOrder,
    group: &'f str,
}

impl Profile {
    /// The role of a person. It never fails: values that a source refuses are refused before, by
    /// [`Profile::check_values`].
    #[must_use]
    pub fn role<'r>(&'r self, facts: &Facts<'r>) -> Reading<'r> {
        let (matches, bound) = self.matches(facts.groups, facts.bindings);
        let asked = self.ask(facts, &matches);
        let asked_role = asked.rank.and_then(|rank| self.roles.get(rank)).unwrap_or_else(|| self.free_role());
        let received = self.received(facts.document, facts.carried, &matches);
        let local = facts.local.and_then(|key| self.role_of_key(key));
        let local_ends =
            self.local.wins == LocalWins::Idp && facts.local.is_some() && !facts.carried.is_nothing();
        match local.filter(|_| !local_ends) {
            Some(role) => {
                let overruled = (asked_role != role).then_some(asked_role);
                Reading { role, from: RoleFrom::Local, received, overruled, local_ends, bound }
            }
            None => {
                Reading { role: asked_role, from: asked.from, received, overruled: None, local_ends, bound }
            }
        }
    }

    /// The role of a person about whom nothing was said.
    ///
    /// # Panics
    /// Never: a profile without its default role is not loaded.
    #[must_use]
    #[allow(clippy::expect_used, reason = "checked when the profile is loaded")]
    pub fn free_role(&self) -> &Role {
        self.role_of_key(&self.default_role).expect("the default role is one of the roles")
    }

    /// Sources in order: the first that gives a role decides.
    fn ask<'r>(&'r self, facts: &Facts<'r>, matches: &[Match<'r>]) -> Asked<'r> {
        for (place, source) in self.sources.iter().enumerate() {
            match source {
                Source::Attribute(source) => match source.reader.find(facts.document) {
                    Found::Role(rank) => {
                        return Asked { rank: Some(rank), from: RoleFrom::Attribute(&source.attribute) };
                    }
                    Found::Unmapped if source.unmapped == Unmapped::Default => break,
                    Found::Unmapped | Found::Nothing => {}
                },
                Source::Groups(_) => {
                    let first = matches
                        .iter()
                        .filter(|found| found.place.source == place)
                        .min_by_key(|found| found.place);
                    if let Some(found) = first {
                        return Asked { rank: Some(found.place.rank), from: RoleFrom::Group(found.group) };
                    }
                }
            }
        }
        Asked { rank: None, from: RoleFrom::Default }
    }

    /// What a write carried of the attributes that mean roles.
    #[must_use]
    pub fn received_in(&self, document: &Document, carried: Carried) -> Received {
        self.received(document, carried, &[])
    }

    fn received(&self, document: &Document, carried: Carried, matches: &[Match<'_>]) -> Received {
        let mut received = Received::Absent;
        for (place, source) in self.sources.iter().enumerate().filter(|(place, _)| carried.holds(*place)) {
            let found = match source {
                Source::Attribute(source) => source.reader.find(document),
                Source::Groups(_) => {
                    let found = matches.iter().find(|found| found.place.source == place);
                    found.map_or(Found::Nothing, |found| Found::Role(found.place.rank))
                }
            };
            received = match (received, found) {
                (_, Found::Role(_)) => return Received::Mapped,
                (_, Found::Unmapped) | (Received::Unmapped, Found::Nothing) => Received::Unmapped,
                (_, Found::Nothing) => Received::Empty,
            };
        }
        received
    }

    /// The rules that hold for a person in these groups, and those that are new to their group.
    fn matches<'f>(&self, groups: &'f [Group<'f>], bindings: &Bindings) -> (Vec<Match<'f>>, Vec<Binding>) {
        let (mut matches, mut new): (Vec<Match<'f>>, Vec<Binding>) = (Vec::new(), Vec::new());
        if self.groups.is_empty() {
            return (matches, new);
        }
        let mut in_order: Vec<&Group<'_>> = groups.iter().collect();
        // Of two groups with one externalId the older one is bound; ids are in the order of time.
        in_order.sort_by_key(|group| group.id);
        for group in in_order {
            let held = bindings.rules_of(group.id).filter_map(|rule| self.groups.get(rule));
            matches.extend(held.map(|place| Match { place, group: group.id }));
            if let Some(place) = self.groups.get(&by_id(group.id)) {
                matches.push(Match { place, group: group.id });
            }
            for rule in rules_by_words(group) {
                let is_free =
                    bindings.group_of(&rule).is_none() && new.iter().all(|binding| binding.rule != rule);
                if let Some(place) = self.groups.get(&rule).filter(|_| is_free) {
                    matches.push(Match { place, group: group.id });
                    new.push(Binding { rule, group: group.id.to_owned() });
                }
            }
        }
        (matches, new)
    }

    /// The rules that these groups may bind or have bound, for the store to read: bindings of these rules and of these groups
    /// are all that [`Profile::role`] asks for.
    #[must_use]
    pub fn rules_about(&self, groups: &[Group<'_>]) -> Vec<String> {
        let all = groups.iter().flat_map(|group| rules_by_words(group).chain([by_id(group.id)]));
        all.filter(|rule| self.groups.get(rule).is_some()).collect()
    }

    /// The rules that groups bind by being there, also before anybody is in them; those by id too, so that a store knows of every
    /// group that gives a role.
    #[must_use]
    pub fn bind(&self, groups: &[Group<'_>], bindings: &Bindings) -> Vec<Binding> {
        let mut new = self.matches(groups, bindings).1;
        let by_id = groups.iter().map(|group| Binding { rule: by_id(group.id), group: group.id.to_owned() });
        let has = |binding: &Binding| self.groups.get(&binding.rule).is_some();
        new.extend(by_id.filter(|binding| has(binding) && bindings.group_of(&binding.rule).is_none()));
        new
    }

    /// The role that a group gives to which these rules are bound.
    #[must_use]
    pub fn role_of_rules<'n>(&self, rules: impl IntoIterator<Item = &'n str>) -> Option<&Role> {
        let first = rules.into_iter().filter_map(|rule| self.groups.get(rule)).min()?;
        self.roles.get(first.rank)
    }

    /// Which sources a write carries that names these attributes, by their full names without sub-attributes.
    #[must_use]
    pub fn carried_by<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Carried {
        let mut carried = Carried::NOTHING;
        for name in names {
            for (place, source) in self.sources.iter().enumerate() {
                if let Source::Attribute(source) = source
                    && source.reader.is_in(name)
                {
                    carried = carried.and(Carried::source(place));
                }
            }
        }
        carried
    }

    /// Which sources a change of somebody's groups carries.
    #[must_use]
    pub fn carried_by_groups(&self) -> Carried {
        let groups =
            self.sources.iter().enumerate().filter(|(_, source)| matches!(source, Source::Groups(_)));
        groups.fold(Carried::NOTHING, |carried, (place, _)| carried.and(Carried::source(place)))
    }
}

/// The rules that would name a group, by name and by externalId.
fn rules_by_words<'g>(group: &'g Group<'_>) -> impl Iterator<Item = String> + use<'g> {
    std::iter::once(by_name(group.name)).chain(group.external_id.map(by_external_id))
}
