//! The one comparison form of strings without letter case (`caseExact: false`, RFC 7643 §2.2), computed here and
//! nowhere else, because SQLite's and PostgreSQL's own rules differ from each other and with the collation.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// More rounds than any assigned character needs to reach a form that no longer changes.
const MAX_ROUNDS: usize = 8;

/// Two strings are equal without letter case when their folds are equal: compatibility forms (full width,
/// ligatures, the Kelvin sign) made plain, lower case, NFC, invisible characters removed. Folding twice changes
/// nothing.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let has_capitals = text.bytes().any(|b| b.is_ascii_uppercase());
        return if has_capitals { text.to_ascii_lowercase().into() } else { text.into() };
    }
    if is_folded(text) {
        return text.into();
    }
    let mut folded = fold_once(text);
    // Lower case can make a sequence that normalises further, as a capital with two marks does.
    for _ in 1..MAX_ROUNDS {
        if is_folded(&folded) {
            break;
        }
        let again = fold_once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded.into()
}

/// What [`str::trim`] takes from the ends of a text (the property White_Space), for a database that does the same.
pub const BLANKS: &str = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2001}\u{2002}\u{2003}\u{2004}\u{2005}\
\u{2006}\u{2007}\u{2008}\u{2009}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";

/// The key by which a `userName` is unique in a tenant: blanks around it don't count. `ß` stays `ß`: a user name
/// is lower-cased as in RFC 8265 §3.3 (UsernameCaseMapped), not case-folded.
#[must_use]
pub fn user_name_key(user_name: &str) -> String {
    // After folding, because an invisible character may come before a blank.
    fold(user_name).trim().to_owned()
}

/// Whether a text consists of blanks and invisible characters only, so that its key is empty.
pub(crate) fn is_blank(text: &str) -> bool {
    // A visible ASCII character stays, whatever is around it, so that most texts need no folding.
    !text.bytes().any(|b| b.is_ascii_graphic()) && user_name_key(text).is_empty()
}

/// Whether folding would certainly change nothing, which is cheaper to see than to try.
fn is_folded(text: &str) -> bool {
    let stays = |c: char| c.is_ascii_lowercase() || (!is_invisible(c) && lower_case(c).eq([c]));
    text.chars().all(stays) && is_nfkc_quick(text.chars()) == IsNormalized::Yes
}

fn fold_once(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).nfkc().flat_map(lower_case).nfc().collect()
}

/// Character by character: `str::to_lowercase` looks at the neighbours of a sigma, and a key must not.
fn lower_case(c: char) -> std::char::ToLowercase {
    let c = if c == 'ς' { 'σ' } else { c };
    c.to_lowercase()
}

/// Default_Ignorable_Code_Point of the Unicode Character Database: shown as nothing, so two names that differ
/// only in these look the same.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}'
        | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blanks_are_those_of_unicode() {
        let all: String = ('\0'..=char::MAX).filter(|c| c.is_whitespace()).collect();
        assert_eq!(BLANKS, all);
    }

    #[test]
    fn attack_43_names_that_look_alike_have_one_key() {
        for (a, b) in [
            ("Ana@X.example", "ana@x.EXAMPLE"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("ÉLODIE", "e\u{301}lodie"),
            ("ＡＢＣ", "abc"),
            ("\u{212a}im", "kim"),
            ("\u{fb01}nn", "finn"),
            ("a\u{200b}b", "ab"),
            ("a\u{202e}b", "ab"),
            ("a\u{ad}b", "ab"),
            ("a\u{fe0f}b", "ab"),
            ("  ana\u{a0}\u{3000}", "ana"),
            ("\u{200b} ana", "ana"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
            ("İ", "i\u{307}"),
            ("STRAẞE", "straße"),
            // Marks in any order, composed or not.
            ("\u{1e69}", "s\u{307}\u{323}"),
            ("\u{1e69}", "s\u{323}\u{307}"),
            ("\u{212b}ngström", "a\u{30a}ngstro\u{308}m"),
            ("\u{1c5}", "\u{1c4}"),
            ("ß\u{feff}", "ß"),
        ] {
            assert_eq!(user_name_key(a), user_name_key(b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn different_people_keep_different_keys() {
        for (a, b) in [
            ("strasse", "straße"),
            ("STRASSE", "straße"),
            ("ana", "anna"),
            ("a b", "ab"),
            ("a", "а"),
            // No letter is Turkish here: `I` is `i` to everybody, and neither dotted nor dotless i is plain.
            ("ı", "i"),
            ("ı", "I"),
            ("İ", "i"),
            ("İ", "ı"),
            ("cafe", "café"),
        ] {
            assert_ne!(user_name_key(a), user_name_key(b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn plain_lower_case_is_not_copied() {
        assert!(matches!(fold("ana@x.example"), Cow::Borrowed(_)));
        assert_eq!(fold("%_\\'\"  A"), "%_\\'\"  a");
    }

    #[test]
    fn a_name_of_nothing_but_invisible_characters_has_an_empty_key() {
        assert_eq!(user_name_key(" \u{200b}\u{feff}\t"), "");
    }

    #[test]
    fn folding_any_one_character_twice_changes_nothing() {
        // The planes between hold nothing that is assigned.
        for c in ('\u{80}'..='\u{323af}').chain('\u{e0000}'..='\u{e0fff}') {
            let once = fold(c.encode_utf8(&mut [0; 4])).into_owned();
            assert_eq!(fold(&once), once, "{c:?}");
        }
    }

    #[test]
    fn a_text_is_blank_when_its_key_is_empty_whatever_character_it_has_beside_a_mark() {
        for c in ('\0'..='\u{323af}').chain('\u{e0000}'..='\u{e0fff}') {
            for text in [c.to_string(), format!("{c}\u{301}"), format!("\u{200b}{c}\u{338} ")] {
                assert_eq!(is_blank(&text), user_name_key(&text).is_empty(), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_taken_as_folded_is_what_folding_leaves_as_it_is() {
        for c in ('\0'..='\u{323af}').chain('\u{e0000}'..='\u{e0fff}') {
            for text in [c.to_string(), format!("a{c}\u{301}"), format!("\u{e5}{c}")] {
                assert!(!is_folded(&text) || fold_once(&text) == text, "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_short_ways_agree_with_the_long_ones(text in "[ -~\u{200b}\u{a0}\u{338}\u{3000}\\PC]{0,6}") {
            prop_assert_eq!(is_blank(&text), user_name_key(&text).is_empty());
            prop_assert!(!is_folded(&text) || fold_once(&text) == text);
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC*") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
            let key = user_name_key(&text);
            prop_assert_eq!(user_name_key(&key), key);
        }

        #[test]
        fn the_normal_form_does_not_matter(text in "[a-zA-Zäöüéñ\u{e5}\u{301}ΣσςЖжİ]{0,12}") {
            let folded = fold(&text);
            let (composed, decomposed): (String, String) = (text.nfc().collect(), text.nfd().collect());
            prop_assert_eq!(&folded, &fold(&composed));
            prop_assert_eq!(&folded, &fold(&decomposed));
        }
    }
}
