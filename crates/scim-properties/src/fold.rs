//! Two names are equal for the unique key exactly when they are equal for a filter; Unicode normal forms, letter case and blanks
//! around a name make no difference.

use scim_core::filter::Filter;
use scim_core::fold::{fold, user_name_key};
use scim_core::leniency::Tolerance;
use scim_core::resource;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization;

use crate::refusal::taken;
use crate::types::TYPES;

/// The property over two names, each on a line of its own.
///
/// # Panics
/// When it does not hold.
pub fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, text));
    for name in [one, other] {
        assert_has_one_key(name);
        assert_is_echoed(name);
    }
    let same = user_name_key(one) == user_name_key(other);
    assert_eq!(finds(0, "userName", one, other), same, "userName {one:?} eq {other:?}");
    let same = fold(one) == fold(other);
    assert_eq!(finds(1, "displayName", one, other), same, "displayName {one:?} eq {other:?}");
    assert_eq!(finds(0, "emails.value", one, other), same, "emails.value {one:?} eq {other:?}");
}

fn assert_has_one_key(name: &str) {
    let (folded, key) = (fold(name), user_name_key(name));
    assert_eq!(fold(&folded), folded, "folded twice: {name:?}");
    assert_eq!(user_name_key(&key), key, "the key of a key: {name:?}");
    assert_eq!(key, user_name_key(&format!(" {name}\u{a0}")), "blanks around: {name:?}");
    let forms: [String; 4] =
        [name.nfc().collect(), name.nfd().collect(), name.nfkc().collect(), name.nfkd().collect()];
    for form in forms {
        assert_eq!(fold(&form), folded, "{name:?} as {form:?}");
    }
    assert_eq!(fold(&name.to_ascii_uppercase()), folded, "{name:?}");
    let lower: String = name.chars().flat_map(char::to_lowercase).collect();
    assert_eq!(fold(&lower), folded, "{name:?} as {lower:?}");
}

/// A response holds the name as the client sent it.
fn assert_is_echoed(name: &str) {
    let body = json!({"schemas": [TYPES[0].core.id], "userName": name});
    if let Some(document) = taken(resource::create(&TYPES[0], &body, &mut Tolerance::lenient())) {
        assert_eq!(document.str("userName"), Some(name));
    }
}

/// Whether a filter for `wanted` finds the resource that has `actual`.
fn finds(rt: usize, attribute: &str, actual: &str, wanted: &str) -> bool {
    let filter = format!("{attribute} eq {}", Value::from(wanted));
    // A control character can be in no filter and in no resource.
    let Ok(filter) = Filter::parse(&filter, &TYPES[rt], &mut Tolerance::lenient()) else {
        assert!(wanted.contains('\0') || filter.len() > Filter::MAX_BYTES, "{filter}");
        let key =
            |text: &str| if attribute == "userName" { user_name_key(text) } else { fold(text).into_owned() };
        return key(actual) == key(wanted);
    };
    let value = match attribute.split_once('.') {
        Some((attribute, sub)) => json!({ attribute: [{ sub: actual }] }),
        None => json!({ attribute: actual }),
    };
    let resource: Map<String, Value> = value.as_object().unwrap().clone();
    filter.matches(&resource)
}
