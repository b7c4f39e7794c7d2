//! Overrides as the command line writes them: `KEY=TOML` words and `--unset KEY` become one merge patch.

use serde_json::{Map, Value};

use crate::fault::{Fault, shown};
use crate::tree::json_of_toml;

/// The merge patch of `KEY=TOML …` and of the keys that are unset.
///
/// # Errors
/// Every word that cannot be read.
pub fn patch_of_words(set: &[String], unset: &[String]) -> Result<Map<String, Value>, Vec<Fault>> {
    let mut patch = Value::Object(Map::new());
    let mut faults = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for word in set {
        match assignment(word) {
            Ok((key, _)) if collides(&seen, key) => faults.push(Fault::new(key, "is set twice")),
            Ok((key, value)) => {
                seen.push(key);
                join(&mut patch, nested(key, value));
            }
            Err(fault) => faults.push(fault),
        }
    }
    for key in unset {
        if !is_key(key) {
            faults.push(not_a_key(key));
        } else if collides(&seen, key) {
            faults.push(Fault::new(key.as_str(), "is set or unset twice"));
        } else {
            seen.push(key);
            join(&mut patch, nested(key, Value::Null));
        }
    }
    match patch {
        Value::Object(patch) if faults.is_empty() => Ok(patch),
        _ => Err(faults),
    }
}

fn assignment(word: &str) -> Result<(&str, Value), Fault> {
    let Some((key, text)) = word.split_once('=') else {
        return Err(Fault::new(shown(word), "must be KEY=VALUE, such as leaving.deleted=archive"));
    };
    let (key, text) = (key.trim(), text.trim());
    if !is_key(key) {
        return Err(not_a_key(key));
    }
    match json_of_toml(text) {
        Ok(value) => Ok((key, value)),
        // A shell takes the quotes away.
        Err(_) if is_bare_word(text) => Ok((key, text.into())),
        Err(why) => Err(Fault::new(key, format!("the value is no TOML: {why}"))),
    }
}

fn not_a_key(key: &str) -> Fault {
    Fault::new(shown(key), "is no key; a key is dotted, such as leaving.deleted, and a list is set whole")
}

fn is_key(key: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    key.len() <= 100 && key.split('.').all(is_part)
}

fn is_bare_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@'))
}

/// Whether a key, or one above or below it, is there already.
fn collides(seen: &[&str], key: &str) -> bool {
    let below = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    seen.iter().any(|other| below(other, key) || below(key, other))
}

fn nested(key: &str, value: Value) -> Value {
    key.rsplit('.').fold(value, |inner, part| Value::Object(Map::from_iter([(part.to_owned(), inner)])))
}

/// The words never meet in one key, so that merging loses no null.
fn join(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                match target.get_mut(&key) {
                    Some(there) => join(there, value),
                    None => {
                        target.insert(key, value);
                    }
                }
            }
        }
        (target, patch) => *target = patch,
    }
}
