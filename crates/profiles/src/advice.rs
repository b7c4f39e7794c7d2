//! What a refusal advises: the value that would take a cheaper license, in words that the identity provider of the tenant knows.

use std::fmt;

use crate::profile::{AttributeSource, License, Profile};
use crate::role::RoleFrom;

/// One way to a cheaper license: `send seated false`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advice<'p> {
    /// The license that it takes.
    pub license: &'p License,
    /// The attribute as the identity provider knows it: without a URN and without a filter.
    pub attribute: &'p str,
    /// The value.
    pub value: &'p str,
}

impl fmt::Display for Advice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "send {} {}", self.attribute, self.value)
    }
}

impl Profile {
    /// The ways to licenses below this one, the dearest of them first, so that the caller takes the first that has a seat. They
    /// are of the source that has decided; where none has, of the first source that is an attribute. A group or a choice of
    /// staff is nothing that can be sent.
    pub fn cheaper_words<'p>(
        &'p self,
        from: RoleFrom<'_>,
        license: &str,
    ) -> impl Iterator<Item = Advice<'p>> {
        let source = match from {
            RoleFrom::Attribute(path) => self.attribute_sources().find(|source| source.attribute == path),
            RoleFrom::Default => self.attribute_sources().next(),
            RoleFrom::Group(_) | RoleFrom::Local => None,
        };
        let rank = self.license_rank(license).unwrap_or(self.licenses.len());
        let below = self.licenses.get(rank + 1..).unwrap_or_default();
        below.iter().filter_map(move |license| self.way(source?, license))
    }

    /// The first value whose role uses the license.
    fn way<'p>(&'p self, source: &'p AttributeSource, license: &'p License) -> Option<Advice<'p>> {
        let uses = |role: &str| self.role_of_key(role).is_some_and(|role| role.license == license.key);
        let rule = source.values.iter().find(|rule| uses(&rule.role))?;
        Some(Advice { license, attribute: &source.reader.attribute.attribute.name, value: &rule.value })
    }
}
