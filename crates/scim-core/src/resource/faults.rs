//! The faults of one resource, told together (MC12): an administrator who repairs a mapping should not need one
//! failed provisioning cycle per fault.

use super::place::Place;
use crate::{ScimError, ScimType};

/// Faults that are told apart; a body can hold more of them than anybody reads.
const MAX_KEPT: usize = 50;
/// More sentences than these would not be read.
const MAX_TOLD: usize = 10;
/// Room in a detail for " And 123 more faults.".
const ROOM_FOR_MORE: usize = 30;
/// Room for names in one sentence; names of extension attributes are long.
const ROOM_FOR_NAMES: usize = 380;

/// What is wrong with one resource, in the order it was found; bounded in number and in length.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    kept: Vec<ScimError>,
    /// Found, but not kept.
    further: usize,
    /// Full names of required attributes that are not there.
    missing: Vec<String>,
    /// Full names of attributes whose values were refused: they are not missing as well.
    refused: Vec<String>,
    /// Full names of what the request itself asks to remove.
    removed: Vec<String>,
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
    pub(super) fn refuse(&mut self, at: Place<'_>, fault: ScimError) {
        push_once(&mut self.refused, at.to_string());
        self.add(fault);
    }

    /// A required attribute is not there, by its full name.
    pub(super) fn miss(&mut self, name: String) {
        push_once(&mut self.missing, name);
    }

    /// The request removes this, by its full name. That is no fault, unless it is required: then it is told as one that must
    /// not go (RFC 7644 §3.5.2.2), and not as one that was left out.
    pub(crate) fn note_removal(&mut self, name: String) {
        push_once(&mut self.removed, name);
    }

    /// Whether nothing was found so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.missing.is_empty()
    }

    /// One error under the first fault's status and keyword, with the sentences of all, as far as one line holds them.
    pub(crate) fn into_result(mut self) -> Result<(), ScimError> {
        self.tell_missing();
        let Some(first) = self.kept.first() else {
            return Ok(());
        };
        if self.kept.len() == 1 && self.further == 0 {
            return Err(first.clone());
        }
        Err(ScimError::new(first.status, first.scim_type, self.sentences()))
    }

    /// All that is missing, in one sentence.
    fn tell_missing(&mut self) {
        let mut missing = std::mem::take(&mut self.missing);
        missing.retain(|name| !self.refused.iter().any(|refused| is_of(refused, name)));
        let sentence = match missing.as_slice() {
            [] => return,
            [one] => format!("The required attribute {one} is missing."),
            many => format!("These required attributes are missing: {}.", listed(many)),
        };
        let is_removed = |name: &String| self.removed.iter().any(|removed| is_of(removed, name));
        let scim_type =
            if missing.iter().all(is_removed) { ScimType::Mutability } else { ScimType::InvalidValue };
        self.add(ScimError::bad_request(scim_type, sentence));
    }

    fn sentences(&self) -> String {
        let mut detail = String::new();
        let mut told = 0;
        for fault in self.kept.iter().take(MAX_TOLD) {
            let length = detail.chars().count() + fault.detail.chars().count();
            if told > 0 && length > ScimError::MAX_DETAIL - ROOM_FOR_MORE {
                break;
            }
            if told > 0 {
                detail.push(' ');
            }
            detail.push_str(&fault.detail);
            told += 1;
        }
        match self.kept.len() - told + self.further {
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

/// Whether what was touched is the attribute, a part of it, or the extension that it belongs to.
fn is_of(touched: &str, name: &str) -> bool {
    let part = touched.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    part || name.strip_prefix(touched).is_some_and(|rest| rest.starts_with(':'))
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
    fn s12_many_missing_names_are_one_bounded_sentence() {
        let mut faults = Faults::default();
        (0..40).for_each(|i| faults.miss(format!("urn:example:hr:2.0:User:attribute{i}")));
        let detail = detail(faults);
        assert!(detail.starts_with("These required attributes are missing: urn:example"), "{detail}");
        assert!(detail.ends_with(" more."), "{detail}");
        assert!(detail.len() < 500);
    }

    #[test]
    fn what_was_refused_is_not_missing_as_well() {
        let mut faults = Faults::default();
        faults.refuse(
            Place::of("name").sub("givenName"),
            Place::of("name").sub("givenName").must_be("a string"),
        );
        faults.miss("name".into());
        faults.miss("nameless".into());
        faults.refuse(Place::of("urn:x"), Place::of("urn:x").must_be("an object"));
        faults.miss("urn:x:badge".into());
        assert_eq!(
            detail(faults),
            "name.givenName must be a string. urn:x must be an object. The required attribute nameless is missing."
        );
    }
}
