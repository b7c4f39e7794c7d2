//! An object as a client sent it, each member beside its attribute. The members are walked, and not the schema, because a
//! body holds far fewer attributes than its schema.

use serde_json::{Map, Value};

use crate::schema::Attribute;

/// The members of one object.
pub(super) struct Sent<'a> {
    /// Every attribute in the schema's order, with its value if one was sent.
    pub(super) attributes: Vec<(&'a Attribute, Option<&'a Value>)>,
    /// Keys that name none of the attributes, in the order they were sent.
    pub(super) unknown: Vec<&'a str>,
}

impl<'a> Sent<'a> {
    /// Letter case is ignored (RFC 7643 §2.1); of a key in two spellings, the schema's counts.
    pub(super) fn of(
        attributes: impl Iterator<Item = &'a Attribute>,
        object: &'a Map<String, Value>,
    ) -> Self {
        let mut attributes: Vec<(&Attribute, Option<&Value>)> = attributes.map(|a| (a, None)).collect();
        let mut unknown = Vec::new();
        for (key, value) in object {
            match attributes.iter_mut().find(|(attribute, _)| attribute.is_called(key)) {
                Some((attribute, sent)) if sent.is_none() || attribute.name == *key => *sent = Some(value),
                Some(_) => {}
                None => unknown.push(key.as_str()),
            }
        }
        Self { attributes, unknown }
    }

    /// Room for all that these members can leave behind.
    pub(super) fn room(&self) -> usize {
        self.attributes.iter().filter(|(_, value)| value.is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    #[test]
    fn members_are_found_in_any_case_in_the_order_of_the_schema() {
        let user = schema::user();
        let name = user.core.attribute("name").unwrap();
        let object = json!({"x": 0, "GIVENNAME": 1, "familyName": 2, "FamilyName": 3, "FORMATTED": 4, "formatted": 5, "y": 6});
        let sent = Sent::of(name.sub_attributes.iter(), object.as_object().unwrap());
        let found: Vec<_> = sent
            .attributes
            .iter()
            .filter_map(|(a, value)| Some((a.name.as_str(), value.as_ref()?.as_u64()?)))
            .collect();
        assert_eq!(found, [("formatted", 5), ("familyName", 2), ("givenName", 1)]);
        assert_eq!((sent.unknown.as_slice(), sent.room()), (["x", "y"].as_slice(), 3));
    }
}
