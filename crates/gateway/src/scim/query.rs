//! The query string: decoded once, unknown parameters ignored (Entra's `aadOptscim062020`), known ones at most once.

use scim_core::{ResourceType, ScimError, projection::Projection, search::SearchRequest};

use crate::http;

/// The parameters of RFC 7644 §3.4.2 and §3.9, as sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) search: SearchRequest,
}

impl Query {
    /// # Errors
    /// 400 for a parameter that stands twice (attack 64).
    pub(super) fn parse(text: &str) -> Result<Self, ScimError> {
        let mut query = Self::default();
        let text = http::restore(text);
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let Some(slot) = query.search.slot(&name) else { continue };
            if slot.is_some() {
                return Err(ScimError::invalid_value(format!(
                    "The parameter {name} stands twice; send it once."
                )));
            }
            if value.contains(char::REPLACEMENT_CHARACTER) && !text.to_ascii_uppercase().contains("%EF%BF%BD")
            {
                return Err(ScimError::invalid_value(format!("The parameter {name} is not UTF-8.")));
            }
            *slot = Some(value.into_owned());
        }
        Ok(query)
    }

    pub(super) fn projection(&self, rt: &ResourceType) -> Result<Projection, ScimError> {
        self.search.projection(rt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_decoded_once_and_a_plus_is_a_blank() {
        let query = Query::parse("filter=userName+eq+%22a%2Bb%2540x%22&aadOptscim062020&").unwrap();
        assert_eq!(query.search.filter.as_deref(), Some("userName eq \"a+b%40x\""));
    }

    #[test]
    fn attack_64_a_parameter_that_stands_twice_is_refused() {
        assert!(Query::parse("count=1&count=2").is_err());
        assert!(Query::parse("filter=a&Filter=b").is_err());
        assert!(Query::parse("x=1&x=2").is_ok());
    }

    #[test]
    fn attack_42_a_parameter_that_is_not_utf_8_is_refused() {
        assert!(Query::parse("filter=userName+eq+%22%ff%22").is_err());
        assert!(Query::parse("filter=userName+eq+%22%EF%BF%BD%22").is_ok());
    }
}
