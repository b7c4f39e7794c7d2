//! The parameters of a query, from a query string (RFC 7644 §3.4.2) or from the body of a search (§3.4.3): one set, read by
//! one set of rules, so that both ways mean the same.

use serde_json::{Number, Value};

use crate::filter::Filter;
use crate::leniency::{Leniency, Tolerance};
use crate::list::Paging;
use crate::projection::Projection;
use crate::sort::Sort;
use crate::{ResourceType, ScimError, ScimType, message, projection, urn};

/// The parameters as sent, each as the text that a query string would hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the RFCs' own words")]
pub struct SearchRequest {
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub sort_order: Option<String>,
    pub start_index: Option<String>,
    pub count: Option<String>,
    pub cursor: Option<String>,
    pub attributes: Option<String>,
    pub excluded_attributes: Option<String>,
}

impl SearchRequest {
    /// The parameter of this name, letter case ignored; `None` for a name that no parameter of a query has.
    pub fn slot(&mut self, name: &str) -> Option<&mut Option<String>> {
        Some(match name.to_ascii_lowercase().as_str() {
            "filter" => &mut self.filter,
            "sortby" => &mut self.sort_by,
            "sortorder" => &mut self.sort_order,
            "startindex" => &mut self.start_index,
            "count" => &mut self.count,
            "cursor" => &mut self.cursor,
            "attributes" => &mut self.attributes,
            "excludedattributes" => &mut self.excluded_attributes,
            _ => return None,
        })
    }

    /// Whether no parameter was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the body of a search. Null counts as absent; members that are no parameters are ignored, as in a query
    /// string.
    ///
    /// # Errors
    /// 400 `invalidSyntax` for a body that is no SearchRequest, `invalidValue` (`invalidCursor`, `invalidCount` for those
    /// two) for a parameter of another type than RFC 7644 §3.4.3 gives it.
    pub fn from_body(body: &Value, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        let Value::Object(members) = body else {
            return Err(ScimError::invalid_syntax("A search needs a JSON object."));
        };
        message::check(members, urn::SEARCH_REQUEST, "a search", tolerance)?;
        let has_cursor = members.iter().any(|(name, v)| name.eq_ignore_ascii_case("cursor") && !v.is_null());
        let mut request = Self::default();
        for (name, value) in members {
            let Some(slot) = request.slot(name) else { continue };
            // RFC 7643 §2.5: an empty array is as absent as null.
            if !value.is_null() && value.as_array().is_none_or(|names| !names.is_empty()) {
                *slot = Some(text_of(name, value, has_cursor)?);
            }
        }
        Ok(request)
    }

    /// Notes lists of attribute names that are not in the form of RFC 7644 §3.9, whether or not the response depends on
    /// them.
    pub fn note_dialects(&self, tolerance: &mut Tolerance) {
        for (name, parameter) in
            [("attributes", &self.attributes), ("excludedAttributes", &self.excluded_attributes)]
        {
            if parameter.as_deref().is_some_and(projection::has_blank_for_comma) {
                tolerance.note(Leniency::BlankForComma, name);
            }
        }
    }

    /// Without the empty parameters that templates send (`?count=&sortBy=`). An empty filter and an empty cursor have a
    /// meaning, and a list of no attributes is a list (RFC 7644 §3.9).
    ///
    /// # Errors
    /// A strict tenant's 400 `invalidValue`.
    pub fn without_empty(mut self, tolerance: &mut Tolerance) -> Result<Self, ScimError> {
        for (name, parameter) in [
            ("startIndex", &mut self.start_index),
            ("count", &mut self.count),
            ("sortBy", &mut self.sort_by),
            ("sortOrder", &mut self.sort_order),
        ] {
            // Blanks are no number.
            let is_empty = |text: &str| text.is_empty() || name.starts_with("sort") && text.trim().is_empty();
            if parameter.as_deref().is_some_and(is_empty) {
                let refusal = || ScimError::invalid_value(format!("{name} is empty; leave it out."));
                tolerance.allow(Leniency::EmptyParameter, name, refusal)?;
                *parameter = None;
            }
        }
        Ok(self)
    }

    /// Which page is asked for; none is longer than `max`.
    ///
    /// # Errors
    /// As [`Paging::parse`].
    pub fn paging(&self, max: u64) -> Result<Paging, ScimError> {
        Paging::parse(self.start_index.as_deref(), self.count.as_deref(), self.cursor.as_deref(), max)
    }

    /// The filter over resources of a type that may be listed together with others.
    ///
    /// # Errors
    /// As [`Filter::parse_among`].
    pub fn filter(
        &self,
        rt: &ResourceType,
        others: &[&ResourceType],
        tolerance: &mut Tolerance,
    ) -> Result<Option<Filter>, ScimError> {
        self.filter.as_deref().map(|text| Filter::parse_among(text, rt, others, tolerance)).transpose()
    }

    /// The order of resources of a type that may be listed together with others.
    ///
    /// # Errors
    /// As [`Sort::parse`].
    pub fn sort(
        &self,
        rt: &ResourceType,
        others: &[&ResourceType],
        tolerance: &mut Tolerance,
    ) -> Result<Option<Sort>, ScimError> {
        Sort::parse(rt, others, self.sort_by.as_deref(), self.sort_order.as_deref(), tolerance)
    }

    /// Which attributes are returned.
    ///
    /// # Errors
    /// As [`Projection::parse`].
    pub fn projection(&self, rt: &ResourceType) -> Result<Projection, ScimError> {
        Projection::parse(rt, self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }
}

fn text_of(name: &str, value: &Value, has_cursor: bool) -> Result<String, ScimError> {
    let (keyword, form) = match name.to_ascii_lowercase().as_str() {
        "startindex" => (ScimType::InvalidValue, "an integer"),
        "count" if has_cursor => (ScimType::InvalidCount, "an integer"),
        "count" => (ScimType::InvalidValue, "an integer"),
        "cursor" => (ScimType::InvalidCursor, "a string"),
        "attributes" | "excludedattributes" => (ScimType::InvalidValue, "an array of strings"),
        _ => (ScimType::InvalidValue, "a string"),
    };
    let text = match (form, value) {
        ("an integer", Value::Number(number)) => whole(number),
        ("a string", Value::String(text)) => Some(text.clone()),
        ("an array of strings", Value::Array(names)) => {
            let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
            names.map(|names| names.join(","))
        }
        _ => None,
    };
    text.ok_or_else(|| ScimError::bad_request(keyword, format!("{name} must be {form}.")))
}

/// The number as a query string would write it. One beyond 64 bits is a floating-point number here, whose fraction is
/// lost; it is capped as one in a URL is.
fn whole(number: &Number) -> Option<String> {
    const TWO_TO_THE_63: f64 = 9_223_372_036_854_775_808.0;
    match number.as_f64() {
        Some(large) if number.is_f64() && large.abs() >= TWO_TO_THE_63 => Some(format!("{large:.0}")),
        _ => (number.is_i64() || number.is_u64()).then(|| number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(more: Value) -> Result<SearchRequest, ScimError> {
        let mut body = json!({ "schemas": [urn::SEARCH_REQUEST] });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        SearchRequest::from_body(&body, &mut Tolerance::lenient())
    }

    #[test]
    fn a_search_is_what_the_same_query_string_is() {
        let request = read(json!({
            "filter": "userName pr", "SORTBY": "userName", "sortOrder": "descending", "startIndex": 3, "count": -1,
            "attributes": ["userName", "name.givenName"], "excludedAttributes": null, "domain": "x",
        }));
        let text = |text: &str| Some(text.to_owned());
        let expected = SearchRequest {
            filter: text("userName pr"),
            sort_by: text("userName"),
            sort_order: text("descending"),
            start_index: text("3"),
            count: text("-1"),
            attributes: text("userName,name.givenName"),
            ..SearchRequest::default()
        };
        assert_eq!(request, Ok(expected));
        assert_eq!(read(json!({ "cursor": "" })).unwrap().cursor.as_deref(), Some(""));
        assert!(read(json!({ "cursor": null })).unwrap().is_empty());
        assert!(
            read(json!({ "attributes": [] })).unwrap().projection(&crate::schema::user()).unwrap().is_all()
        );
    }

    #[test]
    fn attack_44_a_number_beyond_64_bits_is_capped_as_in_a_url() {
        let body = format!(
            r#"{{"schemas": ["{}"], "count": 18446744073709551616, "startIndex": -9223372036854775809}}"#,
            urn::SEARCH_REQUEST
        );
        let request = SearchRequest::from_body(
            &crate::json::parse(body.as_bytes(), &crate::json::Limits::SCIM).unwrap(),
            &mut Tolerance::strict(),
        )
        .unwrap();
        let Ok(Paging::Index(page)) = request.paging(1000) else { panic!("{request:?}") };
        assert_eq!((page.start_index, page.count), (1, 1000));
        let far = read(json!({ "startIndex": 1e300 })).unwrap().paging(1000);
        assert_eq!(far, Paging::parse(Some("99999999999999999999"), None, None, 1000));
    }

    #[test]
    fn an_empty_parameter_is_as_absent_but_an_empty_filter_is_none() {
        let empty = json!({ "sortBy": " ", "sortOrder": "", "filter": "" });
        let mut t = Tolerance::lenient();
        let asked = SearchRequest { count: Some(String::new()), ..read(empty).unwrap() };
        let request = asked.clone().without_empty(&mut t).unwrap();
        assert_eq!(request, SearchRequest { filter: Some(String::new()), ..SearchRequest::default() });
        let names: Vec<&str> = t.seen.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["count", "sortBy", "sortOrder"]);
        assert!(asked.without_empty(&mut Tolerance::strict()).is_err());
    }

    #[test]
    fn a_search_of_another_urn_is_refused_and_one_without_any_is_counted() {
        for body in [
            json!([]),
            json!("x"),
            json!(null),
            json!({ "schemas": urn::SEARCH_REQUEST }),
            json!({ "schemas": {} }),
            json!({ "schemas": [urn::PATCH_OP] }),
            json!({ "schemas": [1], "filter": "userName pr" }),
        ] {
            let error = SearchRequest::from_body(&body, &mut Tolerance::lenient()).unwrap_err();
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{body}");
        }
        for body in [json!({}), json!({ "schemas": [] }), json!({ "schemas": null, "filter": "userName pr" })]
        {
            let mut t = Tolerance::lenient();
            assert!(SearchRequest::from_body(&body, &mut t).is_ok(), "{body}");
            assert_eq!(t.seen, [(Leniency::MissingSchemas, urn::SEARCH_REQUEST.into())]);
            let strictly = SearchRequest::from_body(&body, &mut Tolerance::strict()).unwrap_err();
            assert_eq!(strictly.scim_type, Some(ScimType::InvalidSyntax));
        }
        assert!(
            SearchRequest::from_body(
                &json!({ "Schemas": [urn::SEARCH_REQUEST.to_lowercase()] }),
                &mut Tolerance::strict()
            )
            .is_ok()
        );
    }

    #[test]
    fn attack_44_parameters_have_the_types_of_the_rfc() {
        use ScimType::{InvalidCount, InvalidCursor, InvalidValue};
        for (more, keyword) in [
            (json!({ "startIndex": "10" }), InvalidValue),
            (json!({ "startIndex": 1.5 }), InvalidValue),
            (json!({ "startIndex": 1.0 }), InvalidValue),
            (json!({ "startIndex": 1e18 }), InvalidValue),
            (json!({ "startIndex": true }), InvalidValue),
            (json!({ "count": "10" }), InvalidValue),
            (json!({ "count": [1] }), InvalidValue),
            (json!({ "count": "10", "cursor": "" }), InvalidCount),
            (json!({ "cursor": 1 }), InvalidCursor),
            (json!({ "filter": {} }), InvalidValue),
            (json!({ "sortBy": ["userName"] }), InvalidValue),
            (json!({ "sortOrder": 1 }), InvalidValue),
            (json!({ "attributes": "userName,title" }), InvalidValue),
            (json!({ "attributes": [1] }), InvalidValue),
            (json!({ "excludedAttributes": { "0": "x" } }), InvalidValue),
        ] {
            let error = read(more.clone()).unwrap_err();
            assert_eq!((error.status, error.scim_type), (400, Some(keyword)), "{more}");
        }
    }
}
