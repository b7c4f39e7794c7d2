//! What a write was tolerated with, as the log tells it.

use scim_core::leniency::Leniency;

/// Names of leniencies that a row holds at the most, and characters of the name of an attribute that no schema knows.
const MOST_NAMES: usize = 20;
const LONGEST_NAME: usize = 100;

/// The kinds of these leniencies, each once.
pub(crate) fn kinds<'a>(met: impl Iterator<Item = &'a (Leniency, String)>) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for (leniency, _) in met {
        if !kinds.contains(&leniency.kind()) {
            kinds.push(leniency.kind());
        }
    }
    kinds
}

/// The names of attributes that no schema knows, as far as they look like names.
pub(crate) fn unknown_names<'a>(met: impl Iterator<Item = &'a (Leniency, String)>) -> Vec<&'a str> {
    let unknown = met.filter(|(kind, name)| *kind == Leniency::UnknownAttribute && is_name(name));
    let mut names: Vec<&str> = unknown.map(|(_, name)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(MOST_NAMES);
    names
}

/// Whether a text looks like the name of an attribute, and not like a value that stands in the wrong place.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-' | '$');
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(fits)
}
