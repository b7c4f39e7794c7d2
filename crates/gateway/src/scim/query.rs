//! The query string: decoded once, unknown parameters ignored (Entra's `aadOptscim062020`), known ones at most once.

use scim_core::{
    ResourceType, ScimError, filter::Filter, leniency::Tolerance, list::Page, projection::Projection,
};

use crate::{api_error::ApiError, http};

/// The parameters of RFC 7644 §3.4.2 and §3.9, as sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) filter: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
    sort_by: Option<String>,
    cursor: Option<String>,
}

impl Query {
    /// # Errors
    /// 400 for a parameter that stands twice (attack 64).
    pub(super) fn parse(text: &str) -> Result<Self, ScimError> {
        let mut query = Self::default();
        let text = http::restore(text);
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let slot = match name.to_ascii_lowercase().as_str() {
                "filter" => &mut query.filter,
                "startindex" => &mut query.start_index,
                "count" => &mut query.count,
                "attributes" => &mut query.attributes,
                "excludedattributes" => &mut query.excluded_attributes,
                "sortby" => &mut query.sort_by,
                "cursor" => &mut query.cursor,
                _ => continue,
            };
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

    pub(super) fn page(&self, max_results: u64) -> Result<Page, ScimError> {
        let mut page = Page::parse(self.start_index.as_deref(), self.count.as_deref())?;
        page.count = page.count.min(max_results);
        Ok(page)
    }

    pub(super) fn filter(&self, rt: &ResourceType, t: &mut Tolerance) -> Result<Option<Filter>, ScimError> {
        self.filter.as_deref().map(|text| Filter::parse(text, rt, t)).transpose()
    }

    pub(super) fn projection(&self, rt: &ResourceType) -> Result<Projection, ScimError> {
        Projection::parse(rt, self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }

    /// What `ServiceProviderConfig` announces as unsupported is refused, not ignored.
    pub(super) fn refuse_unsupported(&self) -> Result<(), ApiError> {
        match (&self.sort_by, &self.cursor) {
            (Some(_), _) => Err(ApiError::NotImplemented("Sorting (sortBy)")),
            (None, Some(_)) => Err(ApiError::NotImplemented("Cursor paging (cursor)")),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_decoded_once_and_a_plus_is_a_blank() {
        let query = Query::parse("filter=userName+eq+%22a%2Bb%2540x%22&aadOptscim062020&").unwrap();
        assert_eq!(query.filter.as_deref(), Some("userName eq \"a+b%40x\""));
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
