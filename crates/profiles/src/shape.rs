//! The `User` type of a profile: own attributes, legal values, required ones, as `/Schemas` tells them and validation holds them.

use scim_core::resource::not_legal;
use scim_core::schema::{Attribute, Extension, Schema, Type};
use scim_core::{Document, ResourceType, ScimError};

use crate::choice::{AttributeType, Empty, Unmapped};
use crate::lookup::Found;
use crate::profile::{AttributeSource, OwnAttribute, Profile};

/// An attribute that a PUT keeps when it leaves it out (MO13): a lost mapping must not move anybody's license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAttribute {
    /// Its full name, without a sub-attribute.
    pub name: String,
    /// Whether it stays also when it is sent empty.
    pub when_empty: bool,
}

/// Most values whose meaning a description tells; all of them are canonical.
const MEANINGS: usize = 20;

impl Profile {
    /// Applies own attributes, legal values and required attributes to a `User` type that may have extensions of the tenant's
    /// own.
    pub fn shape_user(&self, user: &mut ResourceType) {
        add_own(user, &self.attributes);
        for source in self.attribute_sources() {
            self.describe_source(source, user);
            source.tell_values(user);
        }
        user.require(&self.required);
    }

    /// Says in `/Schemas` which value means which role, in the product's words.
    fn describe_source(&self, source: &AttributeSource, user: &mut ResourceType) {
        let path = source.reader.attribute.to_string();
        let is_at = |own: &&OwnAttribute| match own.urn() {
            Some(urn) => path.eq_ignore_ascii_case(&format!("{urn}:{}", own.name)),
            None => path.eq_ignore_ascii_case(&own.name),
        };
        let own = self.attributes.iter().find(is_at);
        let title = |key: &str| self.role_of_key(key).map_or(String::new(), |role| role.title.clone());
        let meanings = source
            .values
            .iter()
            .take(MEANINGS)
            .map(|rule| format!("{} means {}", rule.value, title(&rule.role)));
        let meanings = meanings.collect::<Vec<_>>().join(", ");
        let Some(attribute) = user.attribute_mut(&source.told_at(path)) else { return };
        attribute.description = match own {
            Some(own) => format!("{} {meanings}.", own.description).trim_start().to_owned(),
            None => format!("The role in {}: {meanings}.", self.title),
        };
    }

    /// The attributes that carry the role, by their full names, each once. A PUT that leaves one out keeps it.
    #[must_use]
    pub fn source_attributes(&self) -> Vec<KeptAttribute> {
        let mut all: Vec<KeptAttribute> = Vec::new();
        for source in self.attribute_sources() {
            let name = source.reader.attribute.to_string();
            let when_empty = source.empty == Empty::Keep;
            match all.iter_mut().find(|other| other.name == name) {
                // Of two sources in one attribute the one that clears decides: the client says that nothing is there.
                Some(other) => other.when_empty &= when_empty,
                None => all.push(KeptAttribute { name, when_empty }),
            }
        }
        all
    }

    /// Whether two documents of one person carry the same values of every source, as they were sent (MO13).
    #[must_use]
    pub fn has_same_sources(&self, old: &Document, new: &Document) -> bool {
        self.attribute_sources().all(|source| {
            let path = &source.reader.path;
            path.values(&old.0).eq(path.values(&new.0))
        })
    }

    /// Whether a document has a value of any source.
    #[must_use]
    pub fn has_source(&self, document: &Document) -> bool {
        self.attribute_sources().any(|source| source.reader.find(document) != Found::Nothing)
    }

    /// Refuses values that a source with `unmapped = "refuse"` does not know, also where an earlier source decides. What was
    /// stored before stays legal, so that a person can still be changed after the profile has narrowed.
    ///
    /// # Errors
    /// 400 `invalidValue` with the legal values.
    pub fn check_values(&self, before: Option<&Document>, after: &Document) -> Result<(), ScimError> {
        let refusing = self.attribute_sources().filter(|source| source.unmapped == Unmapped::Refuse);
        for source in refusing.filter(|source| source.reader.find(after) == Found::Unmapped) {
            let held = before.map(|before| source.reader.values(before)).unwrap_or_default();
            if source.reader.values(after).iter().any(|value| !held.contains(value)) {
                return Err(not_legal(&source.attribute, &source.legal_values()));
            }
        }
        Ok(())
    }
}

impl AttributeSource {
    fn legal_values(&self) -> Vec<&str> {
        self.values.iter().map(|rule| rule.value.as_str()).collect()
    }

    /// The attribute that has the values: this one, or a part of it.
    fn told_at(&self, attribute: String) -> String {
        match self.reader.path.sub() {
            Some(sub) => format!("{attribute}.{}", sub.name),
            None => attribute,
        }
    }

    /// Canonical values of a text attribute; they bind where the path is a plain attribute, so that `/Schemas` says so.
    fn tell_values(&self, user: &mut ResourceType) {
        let reader = &self.reader;
        let name = self.told_at(reader.attribute.to_string());
        let Some(attribute) = user.attribute_mut(&name).filter(|attribute| attribute.kind == Type::String)
        else {
            return;
        };
        for value in self.legal_values() {
            if !attribute.canonical_values.iter().any(|known| known == value) {
                attribute.canonical_values.push(value.to_owned());
            }
        }
        let is_plain = reader.path.sub().is_none() && !reader.attribute.attribute.multi_valued;
        if is_plain && self.unmapped == Unmapped::Refuse {
            user.bind_values(&[name]);
        }
    }
}

/// Adds own attributes at the top and in extensions; one that the tenant's own schema has already stays as it is there.
pub(crate) fn add_own(user: &mut ResourceType, attributes: &[OwnAttribute]) {
    for own in attributes {
        let new = Attribute::simple(&own.name, kind(own.kind), &own.description);
        let Some(urn) = own.urn() else {
            if user.attribute(&own.name).is_none() {
                user.core.attributes.push(new);
            }
            continue;
        };
        match user.extensions.iter_mut().find(|extension| extension.schema.id.eq_ignore_ascii_case(urn)) {
            Some(extension) if extension.schema.attribute(&own.name).is_some() => {}
            Some(extension) => extension.schema.attributes.push(new),
            None => user.add_extension(extension(urn, new)),
        }
    }
}

fn extension(urn: &str, first: Attribute) -> Extension {
    let name =
        urn.rsplit(':').find(|part| *part != "User" && !part.starts_with(|c: char| c.is_ascii_digit()));
    let schema = Schema {
        id: urn.to_owned(),
        name: name.unwrap_or(urn).to_owned(),
        description: "Attributes of the product's own.".to_owned(),
        attributes: vec![first],
    };
    Extension { schema, required: false }
}

fn kind(kind: AttributeType) -> Type {
    match kind {
        AttributeType::Boolean => Type::Boolean,
        AttributeType::String => Type::String,
        AttributeType::Integer => Type::Integer,
        AttributeType::Decimal => Type::Decimal,
        AttributeType::DateTime => Type::DateTime,
    }
}
