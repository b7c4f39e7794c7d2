//! Pages of a query and the envelope of their response (RFC 7644 §3.4.2 and §3.4.2.4, RFC 9865 §2). The directory finds
//! the resources of a page; the gateway writes and reads cursors.

use std::fmt::Write as _;

use crate::{ScimError, ScimType, urn};

/// A page request by index (RFC 7644 §3.4.2.4).
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
    /// No page is longer; `itemsPerPage` holds the actual number.
    pub const MAX_COUNT: u64 = 1000;
}

/// How a query is paged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// By index; the default (RFC 9865 §2.4).
    Index(Page),
    /// From page to page.
    Cursor {
        /// As sent; empty asks for the first page.
        cursor: String,
        /// As in [`Page`].
        count: u64,
    },
}

impl Paging {
    /// The most resources of the page.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Index(page) => page.count,
            Self::Cursor { count, .. } => *count,
        }
    }

    /// Reads `startIndex`, `count` and `cursor` as a query string writes them; no page is longer than `max`. By index:
    /// below 1 is 1, below 0 is 0, too many is capped.
    ///
    /// # Errors
    /// 400 `invalidValue` for a text that is no integer, and for both ways at once. With a cursor 400 `invalidCount` for
    /// a `count` that is no integer or above `max` (RFC 9865 §2.1).
    pub fn parse(
        start: Option<&str>,
        count: Option<&str>,
        cursor: Option<&str>,
        max: u64,
    ) -> Result<Self, ScimError> {
        let default = Page::DEFAULT_COUNT.min(max);
        let start_index = start.map(|text| integer("startIndex", text)).transpose()?;
        let Some(cursor) = cursor else {
            let count = count.map_or(Ok(default), |text| integer("count", text))?.min(max);
            return Ok(Self::Index(Page { start_index: start_index.unwrap_or(1).max(1), count }));
        };
        if start_index.is_some() {
            return Err(ScimError::invalid_value("Page by startIndex or by cursor, not by both."));
        }
        let wrong = || {
            ScimError::bad_request(
                ScimType::InvalidCount,
                format!("With a cursor, count must be an integer from 0 to {max}."),
            )
        };
        let count = count.map_or(Ok(default), |text| integer("count", text)).map_err(|_| wrong())?;
        if count > max { Err(wrong()) } else { Ok(Self::Cursor { cursor: cursor.to_owned(), count }) }
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

/// The position of a page in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PagePosition {
    /// Its first resource is this one, counted from 1.
    Index(u64),
    /// The cursors of its neighbours, where there are any (RFC 9865 §2).
    Cursor {
        /// The page before; none before the first.
        previous: Option<String>,
        /// The page behind; none behind the last.
        next: Option<String>,
    },
}

/// The envelope of RFC 7644 §3.4.2 around resources that are JSON text already, so that a page is put together without
/// parsing it. `Resources` is there even when it is empty, which Okta and Entra need; `startIndex` only where the page
/// was requested by index (RFC 9865 §2). Cursors are of the characters that need no escape.
#[must_use]
pub fn list_text(total: u64, place: &PagePosition, resources: &[String]) -> String {
    let length = resources.iter().map(|r| r.len() + 1).sum::<usize>();
    let mut text = String::with_capacity(length + 2048);
    // Writing to a String cannot fail, here and below.
    let _ = write!(text, "{{\"schemas\":[\"{}\"],\"totalResults\":{total},", urn::LIST_RESPONSE);
    match place {
        PagePosition::Index(start_index) => drop(write!(text, "\"startIndex\":{start_index},")),
        PagePosition::Cursor { previous, next } => {
            for (name, cursor) in [("previousCursor", previous), ("nextCursor", next)] {
                if let Some(cursor) = cursor {
                    let _ = write!(text, "\"{name}\":\"{cursor}\",");
                }
            }
        }
    }
    let _ = write!(text, "\"itemsPerPage\":{},\"Resources\":[", resources.len());
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

    fn page(start: &str, count: &str) -> (u64, u64) {
        match Paging::parse(Some(start), Some(count), None, 1000).unwrap() {
            Paging::Index(page) => (page.start_index, page.count),
            Paging::Cursor { .. } => panic!("no cursor was given"),
        }
    }

    #[test]
    fn without_parameters_the_first_hundred_by_index() {
        let first = |count| Ok(Paging::Index(Page { start_index: 1, count }));
        assert_eq!(Paging::parse(None, None, None, 1000), first(100));
        assert_eq!(Paging::parse(None, None, None, 7), first(7));
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
                let error = Paging::parse(start, count, None, 1000).unwrap_err();
                assert_eq!(error.scim_type, Some(ScimType::InvalidValue), "{text:?}");
            }
            let error = Paging::parse(None, Some(text), Some(""), 1000).unwrap_err();
            assert_eq!(error.scim_type, Some(ScimType::InvalidCount), "{text:?}");
        }
    }

    #[test]
    fn rfc_9865_a_count_beside_a_cursor_is_from_zero_to_the_largest_page() {
        let parse = |count| Paging::parse(None, count, Some("x"), 50);
        let read = |count| Ok(Paging::Cursor { cursor: "x".into(), count });
        assert_eq!(parse(None), read(50));
        assert_eq!(parse(Some("0")), read(0));
        assert_eq!(parse(Some("-3")), read(0));
        assert_eq!(parse(Some("50")), read(50));
        assert_eq!(parse(Some("51")).unwrap_err().scim_type, Some(ScimType::InvalidCount));
        let both = Paging::parse(Some("1"), None, Some(""), 50).unwrap_err();
        assert_eq!(both.scim_type, Some(ScimType::InvalidValue));
    }

    #[test]
    fn an_empty_page_holds_an_empty_array_and_integers() {
        assert_eq!(
            list_text(0, &PagePosition::Index(1), &[]),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}"#
        );
    }

    #[test]
    fn a_page_by_cursor_has_no_start_index() {
        let place = PagePosition::Cursor { previous: Some("p".into()), next: Some("n".into()) };
        assert_eq!(
            list_text(3, &place, &["{}".into(), "{}".into()]),
            r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":3,"previousCursor":"p","nextCursor":"n","itemsPerPage":2,"Resources":[{},{}]}"#
        );
        let alone = list_text(0, &PagePosition::Cursor { previous: None, next: None }, &[]);
        assert!(!alone.contains("Cursor") && !alone.contains("startIndex"), "{alone}");
    }
}
