//! The faults of one resource, reported together (MC12): an administrator who repairs a mapping should not need one
//! failed provisioning cycle per fault.

use std::collections::BTreeMap;

use crate::attribute_name::BorrowedName;
use crate::{ScimError, ScimType};

/// Most faults that are kept; further ones are only counted.
const MAX_KEPT: usize = 50;
/// Most sentences in one error.
const MAX_SENTENCES: usize = 10;
/// Room in a detail for " And 123 more faults.".
const ROOM_FOR_MORE: usize = 30;
/// Room for names in one sentence; names of extension attributes are long.
const ROOM_FOR_NAMES: usize = 380;

/// The faults of one resource in the order in which they were found, bounded in number and in length.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    kept: Vec<ScimError>,
    /// Found, but not kept.
    further: usize,
    /// Full names of required attributes that are not there.
    missing: Vec<String>,
    /// Full names of attributes whose values were refused: they are not missing as well.
    refused: Vec<String>,
    /// What the operations of a PATCH touch, in their order.
    touched: Vec<Touched>,
}

/// What one operation of a PATCH touches.
#[derive(Debug)]
struct Touched {
    /// Which operation it is, counted from one.
    operation: usize,
    /// The attribute's full name.
    name: String,
    /// Whether the operation removes it.
    removed: bool,
}

impl Faults {
    /// The value, or nothing while its fault is kept for the end.
    pub(crate) fn keep<T>(&mut self, result: Result<T, ScimError>) -> Option<T> {
        result.map_err(|fault| self.add(fault)).ok()
    }

    pub(crate) fn add(&mut self, fault: ScimError) {
        if self.kept.contains(&fault) {
            return;
        }
        if self.kept.len() < MAX_KEPT {
            self.kept.push(fault);
        } else {
            self.further += 1;
        }
    }

    /// One attribute's value is not what it must be.
    pub(super) fn refuse(&mut self, at: BorrowedName<'_>, fault: ScimError) {
        push_once(&mut self.refused, at.to_string());
        self.add(fault);
    }

    /// A required attribute is not there, by its full name.
    pub(super) fn miss(&mut self, name: String) {
        push_once(&mut self.missing, name);
    }

    /// An operation of a PATCH touches this, by its full name: faults found at the end name that operation. Removing a
    /// required attribute is a `mutability` fault (RFC 7644 §3.5.2.2), leaving one out is an `invalidValue` fault.
    pub(crate) fn note_operation(&mut self, operation: usize, name: String, removed: bool) {
        self.touched.push(Touched { operation, name, removed });
    }

    /// The fault of an attribute, by its full name, after all operations.
    pub(super) fn about(&mut self, name: &str, fault: ScimError) {
        let last = self.touched.iter().rev().find(|touched| concerns(&touched.name, name));
        let fault = last.map_or(fault.clone(), |touched| in_operation(touched.operation, &fault));
        self.add(fault);
    }

    /// Whether nothing was found so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.missing.is_empty()
    }

    /// One error under the first fault's status and keyword, with the sentences of all, as far as one line holds them.
    pub(crate) fn into_result(mut self) -> Result<(), ScimError> {
        self.report_missing();
        let Some(first) = self.kept.first() else {
            return Ok(());
        };
        if self.kept.len() == 1 && self.further == 0 {
            return Err(first.clone());
        }
        Err(ScimError::new(first.status, first.scim_type, self.sentences()))
    }

    /// All that is missing, in one sentence, or in one for each operation that is to blame; before all other faults, because
    /// it is what an administrator has to map.
    fn report_missing(&mut self) {
        let mut missing = std::mem::take(&mut self.missing);
        missing.retain(|name| !self.refused.iter().any(|refused| is_of(refused, name)));
        let mut by_operation: BTreeMap<Option<usize>, (Vec<String>, bool)> = BTreeMap::new();
        for name in missing {
            let last = self.touched.iter().rev().find(|touched| concerns(&touched.name, &name));
            let removed = last.is_some_and(|touched| touched.removed);
            let (names, all_removed) =
                by_operation.entry(last.map(|touched| touched.operation)).or_insert((Vec::new(), true));
            names.push(name);
            *all_removed &= removed;
        }
        let faults = by_operation.into_iter().map(|(operation, (names, removed))| {
            let scim_type = if removed { ScimType::Mutability } else { ScimType::InvalidValue };
            let fault = ScimError::bad_request(scim_type, missing_sentence(&names));
            operation.map_or(fault.clone(), |operation| in_operation(operation, &fault))
        });
        self.kept.splice(0..0, faults);
    }

    fn sentences(&self) -> String {
        let mut detail = String::new();
        let mut written = 0;
        for fault in self.kept.iter().take(MAX_SENTENCES) {
            let length = detail.chars().count() + fault.detail.chars().count();
            if written > 0 && length > ScimError::MAX_DETAIL - ScimError::REFERENCE - ROOM_FOR_MORE {
                break;
            }
            if written > 0 {
                detail.push(' ');
            }
            detail.push_str(&fault.detail);
            written += 1;
        }
        match self.kept.len() - written + self.further {
            0 => {}
            1 => detail.push_str(" And 1 more fault."),
            more => detail.push_str(&format!(" And {more} more faults.")),
        }
        detail
    }
}

fn push_once(names: &mut Vec<String>, name: String) {
    if names.len() < MAX_KEPT && !names.contains(&name) {
        names.push(name);
    }
}

/// The beginnings of the sentences that name what is missing.
const ONE_IS_MISSING: &str = "The required attribute ";
const MANY_ARE_MISSING: &str = "These required attributes are missing: ";

fn missing_sentence(names: &[String]) -> String {
    match names {
        [one] => format!("{ONE_IS_MISSING}{one} is missing."),
        many => format!("{MANY_ARE_MISSING}{}.", listed(many)),
    }
}

/// The names of the required attributes that a refusal's detail says are missing, with commas between them.
#[must_use]
pub fn missing_names(detail: &str) -> Option<&str> {
    if let Some((_, names)) = detail.split_once(MANY_ARE_MISSING) {
        // Names hold full stops, and no blanks.
        let end = names.find(". ").unwrap_or(names.len());
        return names.get(..end).map(|names| names.trim_end_matches('.'));
    }
    detail.split_once(ONE_IS_MISSING)?.1.split_once(" is missing.").map(|(name, _)| name)
}

/// The fault with the number of its PATCH operation, counted from one.
pub(crate) fn in_operation(number: usize, fault: &ScimError) -> ScimError {
    ScimError::new(fault.status, fault.scim_type, format!("Operation {number}: {}", fault.detail))
}

/// Whether what was touched is the attribute, a part of it, or what it is a part of.
fn concerns(touched: &str, name: &str) -> bool {
    is_of(touched, name) || name.strip_prefix(touched).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether what was touched is the attribute, a part of it, or the extension that it belongs to.
fn is_of(touched: &str, name: &str) -> bool {
    let part = touched.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    part || name.strip_prefix(touched).is_some_and(|rest| rest.starts_with(':'))
}

/// 400 `invalidValue` with the legal values of an attribute or path.
pub fn not_legal(at: &impl std::fmt::Display, legal: &[impl AsRef<str>]) -> ScimError {
    ScimError::invalid_value(format!("{at} must be one of: {}.", listed(legal)))
}

/// Names with commas between them, as many as one sentence holds.
pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        let name = name.as_ref();
        if index > 0 && text.len() + name.len() > ROOM_FOR_NAMES {
            text.push_str(&format!(" and {} more", names.len() - index));
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(faults: Faults) -> String {
        faults.into_result().unwrap_err().detail
    }

    #[test]
    fn s12_many_faults_are_one_bounded_line_that_counts_the_rest() {
        let mut faults = Faults::default();
        for i in 0..200 {
            faults.add(ScimError::invalid_value(format!("attribute{i} must be a string.")));
        }
        let detail = detail(faults);
        assert!(detail.starts_with("attribute0 must be a string. attribute1 must be"), "{detail}");
        assert!(detail.ends_with(" And 190 more faults."), "{detail}");
        assert!(detail.len() < 500);
    }

    #[test]
    fn s12_long_faults_are_cut_between_sentences() {
        let mut faults = Faults::default();
        for i in 0..5 {
            faults.add(ScimError::invalid_value(format!("{}{i} must be a string.", "x".repeat(150))));
        }
        let detail = detail(faults);
        assert!(detail.ends_with("1 must be a string. And 3 more faults."), "{detail}");
        assert!(detail.len() < 500);
    }

    #[test]
    fn the_names_of_what_is_missing_are_read_out_of_the_detail() {
        let names = ["userName", "urn:example:2.0:User:badge", "name.givenName"].map(str::to_owned);
        for number in 1..=3 {
            let detail =
                format!("Operation 2: {} Ask it@acme.example. Ref 1.", missing_sentence(&names[..number]));
            assert_eq!(missing_names(&detail), Some(names[..number].join(", ").as_str()));
        }
        assert_eq!(missing_names("userName is not a string."), None);
    }

    #[test]
    fn s12_many_missing_names_are_one_bounded_sentence() {
        let mut faults = Faults::default();
        (0..40).for_each(|i| faults.miss(format!("urn:example:hr:2.0:User:attribute{i}")));
        let detail = detail(faults);
        assert!(detail.starts_with("These required attributes are missing: urn:example"), "{detail}");
        assert!(detail.ends_with(" more."), "{detail}");
        assert!(detail.len() < 500);
    }

    #[test]
    fn mc12_what_is_missing_is_named_before_all_that_is_wrong() {
        let mut faults = Faults::default();
        (0..20).for_each(|i| faults.add(ScimError::invalid_syntax(format!("attribute{i} is unknown."))));
        ["userName", "displayName"].into_iter().for_each(|name| faults.miss(name.into()));
        let error = faults.into_result().unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
        let first = "These required attributes are missing: userName, displayName. attribute0 is";
        assert!(error.detail.starts_with(first), "{}", error.detail);
    }

    #[test]
    fn what_was_refused_is_not_missing_as_well() {
        let mut faults = Faults::default();
        faults.refuse(
            BorrowedName::of("name").sub("givenName"),
            BorrowedName::of("name").sub("givenName").must_be("a string"),
        );
        faults.miss("name".into());
        faults.miss("nameless".into());
        faults.refuse(BorrowedName::of("urn:x"), BorrowedName::of("urn:x").must_be("an object"));
        faults.miss("urn:x:badge".into());
        assert_eq!(
            detail(faults),
            "The required attribute nameless is missing. name.givenName must be a string. urn:x must be an object."
        );
    }
}
