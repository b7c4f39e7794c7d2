//! Keys in an index. PostgreSQL refuses index rows above 2.7 kB, while the RFC sets no bound on a name or an
//! address; so a long text is represented by its beginning and a digest of the whole. Two texts have one key exactly when
//! they are equal, so keys alone decide equality and uniqueness; operators such as `co` need the text itself.

use std::borrow::Cow;

use scim_core::fold::{fold, user_name_key};
use sha2::{Digest, Sha256};

/// Longest text that is its own key, in bytes. Two keys in one index stay well below 2.7 kB.
const MAX_BYTES: usize = 512;

/// The key of a text that compares as it is (`caseExact: true`).
pub(crate) fn exact(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_BYTES {
        return text.into();
    }
    // Longer than any text that is its own key, so it cannot be taken for one.
    let beginning = text.split_at(text.floor_char_boundary(MAX_BYTES)).0;
    format!("{beginning}{:x}", Sha256::digest(text)).into()
}

/// The key of a text that compares without letter case. A change of this rule needs a step that writes the stored keys anew: an
/// update that leaves a name as it is does not.
pub(crate) fn folded(text: &str) -> String {
    exact(&fold(text)).into_owned()
}

/// The key by which a userName is unique.
#[must_use]
pub fn user_name(user_name: &str) -> String {
    exact(&user_name_key(user_name)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_its_own_key() {
        for text in ["", "bob", &"x".repeat(MAX_BYTES)] {
            assert_eq!(exact(text), text);
        }
    }

    #[test]
    fn long_texts_have_bounded_keys_that_differ_when_the_texts_do() {
        let long = "\u{1f600}".repeat(16_384);
        let texts = [long.clone(), format!("{long}x"), format!("x{long}"), "x".repeat(MAX_BYTES + 1)];
        let keys = texts.map(|text| exact(&text).into_owned());
        for (index, key) in keys.iter().enumerate() {
            assert!((MAX_BYTES + 1..=MAX_BYTES + 64).contains(&key.len()), "{}", key.len());
            assert!(!keys[..index].contains(key));
            // A caller who sends a key as a name does not get the name of the key.
            assert_ne!(&exact(key), key);
        }
    }
}
