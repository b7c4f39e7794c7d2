//! A resource type gets a tenant's own characteristics: required attributes, legal values, uniqueness.

use super::attribute::{Attribute, Mutability, Type, Uniqueness};
use super::resource_type::ResourceType;
use crate::attribute_name;

impl ResourceType {
    /// The attribute or sub-attribute of this full name (`userType`, `emails.type`, `urn:…:User:badge`), so that a
    /// tenant's own characteristics can be set.
    pub fn attribute_mut(&mut self, full_name: &str) -> Option<&mut Attribute> {
        let (found, _) = attribute_name::find(self, full_name)?;
        let schema = match &found.urn {
            Some(urn) => &mut self.extensions.iter_mut().find(|e| e.schema.id == *urn)?.schema,
            None if self.common.attribute(&found.attribute.name).is_some() => &mut self.common,
            None => &mut self.core,
        };
        let attribute = schema.attributes.iter_mut().find(|a| a.name == found.attribute.name)?;
        match found.sub {
            Some(sub) => attribute.sub_attributes.iter_mut().find(|a| a.name == sub.name),
            None => Some(attribute),
        }
    }

    /// The attribute or sub-attribute of this full name.
    #[must_use]
    pub fn attribute_of(&self, full_name: &str) -> Option<&Attribute> {
        let (found, definition) = attribute_name::find(self, full_name)?;
        match found.sub {
            Some(sub) => definition.sub_attribute(&sub.name),
            None => Some(definition),
        }
    }

    /// Makes the attributes of these full names required (MC12); names that this type does not have are returned. With a
    /// sub-attribute its attribute is required too: `name.givenName` of everybody, not only of those who have a name.
    pub fn require(&mut self, names: &[String]) -> Vec<String> {
        let unknown = self.mark(names, require);
        for name in names {
            if let Some((mut found, _)) = attribute_name::find(self, name) {
                found.sub = None;
                self.attribute_mut(&found.to_string()).map(require);
            }
        }
        unknown
    }

    /// Makes the canonical values of these attributes the only ones that are accepted (RFC 7643 §2.3.1: a provider may
    /// "restrict accepted values to the specified values"), and says so in their descriptions; names that this type
    /// does not have, or that have no canonical values, are returned.
    pub fn bind_values(&mut self, names: &[String]) -> Vec<String> {
        self.mark(names, Attribute::bind_values)
    }

    /// Narrows the type to the interoperability profile (draft-zollner-scim-interop-profile): every multi-valued complex attribute with a
    /// `type` has canonical values of it and keeps to them, and no schema has a secret.
    pub fn narrow_for_interop(&mut self) {
        let secret = |attribute: &Attribute| attribute.mutability == Mutability::WriteOnly;
        let extensions = self.extensions.iter_mut().map(|extension| &mut extension.schema);
        for schema in std::iter::once(&mut self.core).chain(extensions) {
            schema.attributes.retain(|attribute| !secret(attribute));
            for attribute in schema.attributes.iter_mut().filter(|attribute| attribute.multi_valued) {
                attribute.sub_attributes.retain(|sub| !secret(sub));
                let is_type = |sub: &&mut Attribute| sub.is_called("type") && sub.kind == Type::String;
                if let Some(kind) = attribute.sub_attributes.iter_mut().find(is_type) {
                    if kind.canonical_values.is_empty() {
                        kind.canonical_values = ["work", "home", "other"].map(str::to_owned).to_vec();
                    }
                    kind.bind_values();
                }
            }
        }
    }

    /// Marks the attributes of these full names. Names that `mark` refuses, or that this type does not have, are returned.
    fn mark(&mut self, names: &[String], mark: impl Fn(&mut Attribute) -> bool) -> Vec<String> {
        names.iter().filter(|name| !self.attribute_mut(name).is_some_and(&mark)).cloned().collect()
    }

    /// Sets the scope in which an attribute's value is unique in this tenant.
    pub fn set_uniqueness(&mut self, name: &str, uniqueness: Uniqueness) {
        if let Some(attribute) = self.attribute_mut(name) {
            attribute.uniqueness = uniqueness;
        }
    }

    /// Sets the legal values of an attribute, as `/Schemas` shows them (MO9).
    pub fn set_canonical_values(&mut self, name: &str, values: Vec<String>) {
        if let Some(attribute) = self.attribute_mut(name) {
            attribute.canonical_values = values;
        }
    }
}

fn require(attribute: &mut Attribute) -> bool {
    attribute.required = true;
    true
}
