//! [`json::parse`] takes exactly what serde_json takes and our bounds allow, and changes nothing in it.

use std::collections::HashSet;
use std::fmt;

use scim_core::json;
use scim_core::patch::PatchRequest;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::refusal::assert_is_a_refusal;

/// The property.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let parsed = json::parse(bytes, &json::Limits::SCIM);
    let expected = serde_json::from_slice::<Raw>(bytes).ok().filter(|raw| raw.is_within_bounds(0));
    let expected = expected.filter(|raw| raw.count() <= json::Limits::SCIM.values);
    let expected = expected.filter(Raw::has_few_operations).map(Raw::into_value);
    match (parsed, expected) {
        (Ok(parsed), Some(expected)) => {
            assert_eq!(parsed, expected);
            let printed = serde_json::to_vec(&parsed).unwrap();
            assert_eq!(
                json::parse(&printed, &json::Limits::SCIM).as_ref(),
                Ok(&parsed),
                "printed and read again"
            );
        }
        (Err(error), None) => {
            assert_is_a_refusal(&error);
        }
        (parsed, expected) => panic!("we say {parsed:?}, the rules say {expected:?}"),
    }
}

/// A document with every key, repeated ones included. It states the rules of [`json::parse`] a second time, in the plainest way
/// and not in the fastest.
#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Array(Vec<Raw>),
    Object(#[serde(deserialize_with = "every_member")] Vec<(String, Raw)>),
    Simple(Value),
}

impl Raw {
    fn is_within_bounds(&self, depth: usize) -> bool {
        match self {
            Self::Simple(Value::String(text)) => is_plain(text),
            Self::Simple(_) => true,
            Self::Array(elements) => {
                depth < json::Limits::SCIM.depth
                    && elements.iter().all(|element| element.is_within_bounds(depth + 1))
            }
            Self::Object(members) => {
                let keys: HashSet<String> = members.iter().map(|(key, _)| key.to_ascii_lowercase()).collect();
                depth < json::Limits::SCIM.depth
                    && members.len() <= json::Limits::SCIM.keys
                    && keys.len() == members.len()
                    && members.iter().all(|(key, value)| is_plain(key) && value.is_within_bounds(depth + 1))
            }
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Simple(_) => 1,
            Self::Array(elements) => {
                json::WEIGHT_OF_CONTAINER + elements.iter().map(Self::count).sum::<usize>()
            }
            Self::Object(members) => {
                json::WEIGHT_OF_CONTAINER + members.iter().map(|(_, value)| value.count()).sum::<usize>()
            }
        }
    }

    fn has_few_operations(&self) -> bool {
        let Self::Object(members) = self else { return true };
        members.iter().filter(|(key, _)| key.eq_ignore_ascii_case("operations")).all(|(_, value)| match value
        {
            Self::Array(operations) => operations.len() <= PatchRequest::MAX_OPERATIONS,
            _ => true,
        })
    }

    fn into_value(self) -> Value {
        match self {
            Self::Simple(value) => value,
            Self::Array(elements) => elements.into_iter().map(Self::into_value).collect(),
            Self::Object(members) => {
                members.into_iter().map(|(key, value)| (key, value.into_value())).collect()
            }
        }
    }
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || "\t\n\r".contains(c))
}

fn every_member<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Raw)>, D::Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, Raw)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| map.next_entry().transpose()).collect()
        }
    }

    deserializer.deserialize_map(Members)
}
