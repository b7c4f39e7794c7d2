//! The blocks of a resource (RFC 7643 §3): common and core attributes are at its top, those of each extension in an
//! object under the extension's URN.

use serde_json::{Map, Value};

use super::{Attribute, ResourceType};
use crate::attribute_name::AttributeName;

/// One block, as the resource type describes it.
#[derive(Clone, Copy, Debug)]
pub struct Block<'r> {
    /// The extension's URN; `None` at the top of the resource.
    pub urn: Option<&'r str>,
    /// Whether every resource must have it.
    pub required: bool,
    common: &'r [Attribute],
    own: &'r [Attribute],
}

impl ResourceType {
    /// The block of the extension with this URN, in the schema's spelling; without a URN the top of a resource.
    #[must_use]
    pub fn block(&self, urn: Option<&str>) -> Option<Block<'_>> {
        self.blocks().find(|block| block.urn == urn)
    }

    /// The top of a resource, then its extensions in order.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'_>> + Clone {
        let (common, own) = (&self.common.attributes, &self.core.attributes);
        let top = Block { urn: None, required: true, common, own };
        let extensions = self.extensions.iter().map(|extension| Block {
            urn: Some(&extension.schema.id),
            required: extension.required,
            common: &[],
            own: &extension.schema.attributes,
        });
        std::iter::once(top).chain(extensions)
    }
}

impl<'r> Block<'r> {
    /// The attributes, in the schema's order.
    pub fn attributes(self) -> impl Iterator<Item = &'r Attribute> + Clone {
        self.common.iter().chain(self.own)
    }

    /// The attribute of this name, letter case ignored.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'r Attribute> {
        self.attributes().find(|attribute| attribute.is_called(name))
    }

    /// The full name of one of its attributes.
    #[must_use]
    pub fn name<'a>(self, attribute: &'a str) -> AttributeName<&'a str, &'a str>
    where
        'r: 'a,
    {
        AttributeName { urn: self.urn, attribute, sub: None }
    }

    /// What a resource has in this block.
    #[must_use]
    pub fn members(self, resource: &Map<String, Value>) -> Option<&Map<String, Value>> {
        self.urn.map_or(Some(resource), |urn| resource.get(urn)?.as_object())
    }

    /// Changes what a resource has in this block, if it has any; an extension that is left empty goes.
    pub(crate) fn edit<T>(
        self,
        resource: &mut Map<String, Value>,
        change: impl FnOnce(&mut Map<String, Value>) -> T,
    ) -> Option<T> {
        let Some(urn) = self.urn else { return Some(change(resource)) };
        let members = resource.get_mut(urn)?.as_object_mut()?;
        let outcome = change(members);
        if members.is_empty() {
            resource.shift_remove(urn);
        }
        Some(outcome)
    }

    /// As [`Self::edit`], and makes the block first where there is none.
    pub(crate) fn fill<T>(
        self,
        resource: &mut Map<String, Value>,
        change: impl FnOnce(&mut Map<String, Value>) -> T,
    ) -> Option<T> {
        if let Some(urn) = self.urn {
            resource.entry(urn).or_insert_with(|| Value::Object(Map::new()));
        }
        self.edit(resource, change)
    }
}
