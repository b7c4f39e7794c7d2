//! What the role of a person follows from: the stored document, the groups, what staff have chosen, and what the write carries.

use std::collections::HashMap;

use scim_core::Document;

/// The facts about one person in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// The document as it will rest.
    pub document: &'f Document,
    /// The groups that the person is in, in any order.
    pub groups: &'f [Group<'f>],
    /// Which rules are bound to which groups; those that are about these groups are enough
    /// ([`crate::Profile::rules_about`]).
    pub bindings: &'f Bindings,
    /// The key of the role that staff have chosen and not released.
    pub local: Option<&'f str>,
    /// Which sources the write carries.
    pub carried: Carried,
}

/// A group of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'f> {
    /// Its SCIM id.
    pub id: &'f str,
    /// Its displayName.
    pub name: &'f str,
    /// Its externalId.
    pub external_id: Option<&'f str>,
}

/// Which sources a write carries: a body or a PATCH names the attribute, also with an empty value; of group sources, the person
/// has come or gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried(u32);

impl Carried {
    /// None of them.
    pub const NOTHING: Self = Self(0);

    /// The source of this place among the sources of the profile.
    pub(crate) fn source(place: usize) -> Self {
        Self(u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place)).unwrap_or_default())
    }

    /// What either carries.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it carries no source.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn holds(self, place: usize) -> bool {
        self.0 & Self::source(place).0 != 0
    }
}

/// Rules that are bound to the group that they matched first, so that a rename changes nothing (IO14). A binding ends with its
/// group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings {
    groups: HashMap<String, String>,
    rules: HashMap<String, Vec<String>>,
}

/// A rule and the group that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The rule, as [`crate::Profile::rules_about`] writes it.
    pub rule: String,
    /// The group's id.
    pub group: String,
}

impl Bindings {
    /// Adds one; a rule has one group.
    pub fn add(&mut self, binding: Binding) {
        let Binding { rule, group } = binding;
        if let Some(before) = self.groups.insert(rule.clone(), group.clone())
            && let Some(rules) = self.rules.get_mut(&before)
        {
            rules.retain(|other| *other != rule);
        }
        self.rules.entry(group).or_default().push(rule);
    }

    /// The id of the group that a rule is bound to.
    #[must_use]
    pub fn group_of(&self, rule: &str) -> Option<&str> {
        self.groups.get(rule).map(String::as_str)
    }

    /// The rules that are bound to a group.
    pub fn rules_of(&self, group: &str) -> impl Iterator<Item = &str> {
        self.rules.get(group).into_iter().flatten().map(String::as_str)
    }
}

impl FromIterator<Binding> for Bindings {
    fn from_iter<I: IntoIterator<Item = Binding>>(all: I) -> Self {
        let mut bindings = Self::default();
        all.into_iter().for_each(|binding| bindings.add(binding));
        bindings
    }
}
