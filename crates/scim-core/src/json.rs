//! The one door for JSON from outside: bytes to a [`Value`], bounded and unambiguous. What the value means is
//! [`crate::resource`]'s and [`crate::patch`]'s business. serde_json alone keeps the last of two equal keys
//! and lets `\u0000` pass, which one store keeps and another refuses.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::ScimError;

/// How many arrays and objects may stand inside each other; a SCIM message needs six.
pub const MAX_DEPTH: usize = 64;

/// How many values one document may hold; a push of 100,000 members with two sub-attributes each has 300,000.
/// A value that is two bytes in a body may be 200 in memory, so the bound on the body alone is not enough.
pub const MAX_VALUES: usize = 500_000;

/// Up to here a scan of an object's keys is cheaper than a set of them.
const FEW_KEYS: usize = 32;

/// Longest key that an error text repeats.
const MAX_QUOTED_KEY: usize = 100;

/// Reads exactly one JSON document in UTF-8 (RFC 8259 §8.1).
///
/// # Errors
/// 400 `invalidSyntax` for anything else: broken JSON, text after the document, a key that appears twice in one
/// object (letter case ignored, RFC 7643 §2.1), a control character in a string, too deep a nesting.
pub fn parse(bytes: &[u8]) -> Result<Value, ScimError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ScimError::invalid_syntax("The body must be JSON in UTF-8."))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let values = Cell::new(0);
    Nested { depth: 0, values: &values }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| refusal(&error))
}

/// serde_json's own texts name a place and never a value, and so do the ones below.
fn refusal(error: &serde_json::Error) -> ScimError {
    ScimError::invalid_syntax(format!("The body must be one valid JSON document: {error}."))
}

/// One value at a depth; the limit is met before the next level is entered, so no input reaches the stack's end.
#[derive(Clone, Copy)]
struct Nested<'c> {
    depth: usize,
    /// Counted over the whole document.
    values: &'c Cell<usize>,
}

impl Nested<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format!("more than {MAX_DEPTH} levels of nesting")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn count<E: Error>(self) -> Result<(), E> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > MAX_VALUES {
            return Err(E::custom(format!("more than {MAX_VALUES} values")));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        without_control_characters(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        without_control_characters(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        let mut keys = Keys::default();
        while let Some(key) = members.next_key::<String>()? {
            without_control_characters(&key)?;
            if keys.repeats(&object, &key) {
                return Err(A::Error::custom(format!("the key {} appears twice", quoted(&key))));
            }
            let value = members.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// The keys of one object in lower case, kept only when there are too many to scan.
#[derive(Default)]
struct Keys {
    lower_case: HashSet<String>,
}

impl Keys {
    fn repeats(&mut self, so_far: &Map<String, Value>, key: &str) -> bool {
        if so_far.len() < FEW_KEYS {
            return so_far.keys().any(|k| k.eq_ignore_ascii_case(key));
        }
        if self.lower_case.is_empty() {
            self.lower_case.extend(so_far.keys().map(|k| k.to_ascii_lowercase()));
        }
        !self.lower_case.insert(key.to_ascii_lowercase())
    }
}

fn quoted(key: &str) -> String {
    key.chars().take(MAX_QUOTED_KEY).collect()
}

/// PostgreSQL refuses NUL, and terminals and logs obey the others: no name needs one. A tab and line ends may
/// stand in a postal address.
fn without_control_characters<E: Error>(text: &str) -> Result<(), E> {
    let harmless = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    let plain = text.bytes().all(|b| (0x20..0x7f).contains(&b));
    if plain || text.chars().all(harmless) {
        return Ok(());
    }
    Err(E::custom("a control character in a string"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScimType;

    fn refused(bytes: &[u8]) -> String {
        let error = parse(bytes).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)), "{error}");
        error.detail
    }

    #[test]
    fn every_kind_of_value_arrives_in_the_order_it_was_sent() {
        let text = r#"{"b":[1,-2,1.5,18446744073709551615],"a":{"x":null,"y":true,"z":"é\n\t\r𝄞"},"c":[]}"#;
        let value = parse(text.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["b", "a", "c"]);
    }

    #[test]
    fn attack_37_deep_json_is_refused_and_no_stack_overflows() {
        assert!(refused("[".repeat(100_000).as_bytes()).contains("64 levels"));
        assert!(refused(r#"{"a":"#.repeat(50_000).as_bytes()).contains("64 levels"));
        let most = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(parse(most.as_bytes()).is_ok());
        refused(format!("[{most}]").as_bytes());
    }

    #[test]
    fn attack_40_the_same_key_twice_is_refused_in_every_object_and_in_any_case() {
        for text in [
            r#"{"userName":"a","userName":"b"}"#,
            r#"{"userName":"a","username":"b"}"#,
            r#"{"name":{"givenName":"a","GIVENNAME":"b"}}"#,
            r#"{"emails":[{"value":"a","Value":"b"}]}"#,
            r#"{"userName":"a","userNam\u0065":"b"}"#,
        ] {
            assert!(refused(text.as_bytes()).contains("twice"), "{text}");
        }
    }

    #[test]
    fn attack_40_a_repeat_is_found_among_many_keys_too() {
        let mut text: String = (0..40).map(|i| format!(r#""k{i}":1,"#)).collect();
        text = format!("{{{text}\"K17\":2}}");
        assert!(refused(text.as_bytes()).contains("K17"));
        refused(format!("{{{}}}", (0..17).map(|_| r#""a":1"#).collect::<Vec<_>>().join(",")).as_bytes());
    }

    #[test]
    fn attack_38_a_hundred_thousand_keys_and_a_long_string_are_read_in_time() {
        let members = (0..100_000).map(|i| format!(r#""key{i}":0"#)).collect::<Vec<_>>().join(",");
        let started = std::time::Instant::now();
        assert_eq!(parse(format!("{{{members}}}").as_bytes()).unwrap().as_object().unwrap().len(), 100_000);
        assert!(started.elapsed().as_secs() < 4);
        assert!(parse(format!("\"{}\"", "x".repeat(2 << 20)).as_bytes()).is_ok());
    }

    #[test]
    fn attack_38_millions_of_tiny_values_are_refused_before_they_fill_the_memory() {
        assert!(refused(format!("[{}0]", "{},".repeat(1_000_000)).as_bytes()).contains("500000 values"));
        assert!(parse(format!("[{}0]", "0,".repeat(400_000)).as_bytes()).is_ok());
    }

    #[test]
    fn attack_41_broken_numbers_trailing_text_and_two_documents_are_refused() {
        for text in [
            "",
            " ",
            "{",
            "{}}",
            "{} {}",
            "{},",
            "NaN",
            "Infinity",
            "1e999999",
            "-1e999999",
            "01",
            "'a'",
            "{a:1}",
            "[1,]",
            "nul",
            "// x\n{}",
            "\u{feff}{}",
        ] {
            refused(text.as_bytes());
        }
    }

    #[test]
    fn attack_42_control_characters_lone_surrogates_and_other_encodings_are_refused() {
        for text in [
            r#"{"userName":"a\u0000b"}"#,
            r#"{"user\u0000Name":"a"}"#,
            r#"["\u001b[31m"]"#,
            r#"["\b"]"#,
            r#"["\u007f"]"#,
            r#"["\u0085"]"#,
            "[\"a\nb\"]",
            r#"["\ud800"]"#,
            r#"["\udc00\ud800"]"#,
        ] {
            refused(text.as_bytes());
        }
        refused(b"[\"\xff\"]");
        refused(b"[\"\xed\xa0\x80\"]");
        let utf_16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        refused(&utf_16);
    }

    #[test]
    fn attack_66_the_detail_repeats_no_value() {
        for text in
            [r#"{"password":"hunter2" "x"}"#, r#"{"password":"hunter2","password":"hunter2"}"#, "\"hunter2"]
        {
            assert!(!refused(text.as_bytes()).contains("hunter2"));
        }
    }
}
