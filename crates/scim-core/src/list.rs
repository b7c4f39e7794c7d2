//! Pages of a query and the envelope they are answered in (RFC 7644 §3.4.2 and §3.4.2.4). Finding what stands on
//! the page is the directory's work.

use serde_json::{Value, json};

use crate::{ScimError, urn};

/// Which part of the matches is asked for (RFC 7644 §3.4.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// 1-based, at least 1, at most what a database takes as an offset.
    pub start_index: u64,
    /// At most [`Page::MAX_COUNT`]; 0 asks for the total alone.
    pub count: u64,
}

impl Page {
    /// What a query without `count` gets: what Okta asks for itself.
    pub const DEFAULT_COUNT: u64 = 100;
    /// No page is longer; `itemsPerPage` tells what was given.
    pub const MAX_COUNT: u64 = 1000;

    /// Reads `startIndex` and `count`: below 1 is 1, below 0 is 0, too many is capped.
    ///
    /// # Errors
    /// 400 `invalidValue` for what is no integer.
    pub fn parse(start: Option<&str>, count: Option<&str>) -> Result<Self, ScimError> {
        let start_index = start.map_or(Ok(1), |text| integer("startIndex", text))?.max(1);
        let count =
            count.map_or(Ok(Self::DEFAULT_COUNT), |text| integer("count", text))?.min(Self::MAX_COUNT);
        Ok(Self { start_index, count })
    }
}

/// A whole number in ASCII digits; one below zero is 0, one too large the largest a database's offset can be.
fn integer(name: &str, text: &str) -> Result<u64, ScimError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ScimError::invalid_value(format!("{name} must be an integer.")));
    }
    let largest = i64::MAX.unsigned_abs();
    let number = digits.parse::<u64>().unwrap_or(largest).min(largest);
    Ok(if text.starts_with('-') { 0 } else { number })
}

/// The envelope of RFC 7644 §3.4.2; `Resources` stands there even when it is empty, which Okta and Entra need.
#[must_use]
pub fn list_response(total: u64, page: &Page, resources: Vec<Value>) -> Value {
    json!({
        "schemas": [urn::LIST_RESPONSE],
        "totalResults": total,
        "startIndex": page.start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// The same envelope around resources that are JSON text already, so that a page is put together without parsing it.
#[must_use]
pub fn list_text(total: u64, page: &Page, resources: &[String]) -> String {
    let length = resources.iter().map(|r| r.len() + 1).sum::<usize>();
    let head = format!(
        "{{\"schemas\":[\"{}\"],\"totalResults\":{total},\"startIndex\":{},\"itemsPerPage\":{},\"Resources\":[",
        urn::LIST_RESPONSE,
        page.start_index,
        resources.len(),
    );
    let mut text = String::with_capacity(head.len() + length + 2);
    text.push_str(&head);
    for (place, resource) in resources.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(resource);
    }
    text.push_str("]}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScimType;

    fn page(start: &str, count: &str) -> (u64, u64) {
        let page = Page::parse(Some(start), Some(count)).unwrap();
        (page.start_index, page.count)
    }

    #[test]
    fn without_parameters_the_first_hundred() {
        assert_eq!(Page::parse(None, None), Ok(Page { start_index: 1, count: 100 }));
    }

    #[test]
    fn below_one_is_one_below_zero_is_zero_and_count_is_capped() {
        assert_eq!(page("101", "100"), (101, 100));
        assert_eq!(page("0", "0"), (1, 0));
        assert_eq!(page("-7", "-7"), (1, 0));
        assert_eq!(page("007", "1001"), (7, 1000));
    }

    #[test]
    fn attack_44_huge_numbers_saturate() {
        let largest = 9_223_372_036_854_775_807;
        assert_eq!(page("99999999999999999999", "2000000000"), (largest, 1000));
        assert_eq!(page("9223372036854775808", "18446744073709551616"), (largest, 1000));
        assert_eq!(page("-99999999999999999999", "-99999999999999999999"), (1, 0));
    }

    #[test]
    fn attack_44_what_is_no_integer_is_refused() {
        for text in ["1.5", "1e3", "", "-", "+1", " 1", "1 ", "\0", "1\0", "٣", "1_000", "0x10", "--1", "abc"]
        {
            for (start, count) in [(Some(text), None), (None, Some(text))] {
                let error = Page::parse(start, count).unwrap_err();
                assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{text:?}");
            }
        }
    }

    #[test]
    fn an_empty_page_holds_an_empty_array_and_integers() {
        let body = list_response(0, &Page { start_index: 1, count: 100 }, Vec::new());
        assert_eq!(
            body.to_string(),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#
        );
    }
}
