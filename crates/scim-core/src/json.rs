//! The one door for JSON from outside: bytes to a [`Value`], bounded and unambiguous. What the value means is
//! [`crate::resource`]'s and [`crate::patch`]'s business. serde_json alone keeps the last of two equal keys
//! and lets `\u0000` pass, which one store keeps and another refuses.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::ScimError;
use crate::leniency::{Leniency, Tolerance};

/// What one document may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Arrays and objects inside each other.
    pub depth: usize,
    /// Values, where an array or object counts [`WEIGHT_OF_CONTAINER`]. A value that is two bytes in a body may be 300 in
    /// memory, so the bound on the body alone is not enough.
    pub values: usize,
    /// Members of one object. Every key is compared with all others of its object, and with every name of a schema.
    pub keys: usize,
    /// Elements of the outermost `Operations`: a PATCH or a bulk (RFC 7644 §3.5.2, §3.7) is refused before all of them are
    /// in memory.
    pub operations: usize,
}

impl Limits {
    /// Those of a SCIM message: it needs six levels; 100,000 members have three sub-attributes each; the widest object, a
    /// user with every extension, has about fifty members.
    pub const SCIM: Self = Self { depth: 64, values: 800_000, keys: 10_000, operations: 1_000 };
}

/// What an array or object takes beside its contents, in simple values: memory of its own, in several pieces.
pub const WEIGHT_OF_CONTAINER: usize = 4;

/// Room for the members of the outermost object; a user has about twenty.
const USUAL_KEYS: usize = 24;

/// Up to here a scan of an object's keys is cheaper than a set of them.
const FEW_KEYS: usize = 32;

/// Longest key that an error text repeats.
const MAX_QUOTED_KEY: usize = 100;

/// Reads exactly one JSON document in UTF-8 (RFC 8259 §8.1).
///
/// # Errors
/// 400 `invalidSyntax` for anything else: broken JSON, text after the document, a key that appears twice in one
/// object (letter case ignored, RFC 7643 §2.1), a control character in a string, too deep a nesting, too many values.
/// 413 for more operations than a PATCH or a bulk may have.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, ScimError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ScimError::invalid_syntax("The body must be JSON in UTF-8."))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let (values, too_many_operations) = (Cell::new(0), Cell::new(false));
    let refusal = |error: serde_json::Error| {
        if too_many_operations.get() {
            return ScimError::too_many_operations(limits.operations);
        }
        // serde_json's own texts name a place and never a value, and so do the ones below.
        ScimError::invalid_syntax(format!("The body must be one valid JSON document: {error}."))
    };
    Nested { limits, depth: 0, values: &values, most: usize::MAX, exceeded: &too_many_operations }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(refusal)
}

/// The body without a byte order mark before the document, which "implementations … MAY ignore" (RFC 8259 §8.1).
///
/// # Errors
/// A strict tenant's 400 `invalidSyntax`.
pub fn without_byte_order_mark<'b>(body: &'b [u8], tolerance: &mut Tolerance) -> Result<&'b [u8], ScimError> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let Some(rest) = body.strip_prefix(MARK) else { return Ok(body) };
    let refusal =
        || ScimError::invalid_syntax("The body begins with a byte order mark; send it without one.");
    tolerance.allow(Leniency::ByteOrderMark, "body", refusal).map(|()| rest)
}

/// One value at a depth; the limit is met before the next level is entered, so no input reaches the stack's end.
#[derive(Clone, Copy)]
struct Nested<'c> {
    limits: &'c Limits,
    depth: usize,
    /// Counted over the whole document.
    values: &'c Cell<usize>,
    /// How many elements it may have, if it is an array.
    most: usize,
    /// Set when an array has more.
    exceeded: &'c Cell<bool>,
}

impl Nested<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth >= self.limits.depth {
            return Err(E::custom(format!("more than {} levels of nesting", self.limits.depth)));
        }
        self.count(WEIGHT_OF_CONTAINER - 1)?;
        Ok(Self { depth: self.depth + 1, most: usize::MAX, ..self })
    }

    fn member(self, key: &str) -> Self {
        let is_operations = self.depth == 1 && key.eq_ignore_ascii_case("Operations");
        Self { most: if is_operations { self.limits.operations } else { usize::MAX }, ..self }
    }

    fn count<E: Error>(self, values: usize) -> Result<(), E> {
        self.values.set(self.values.get() + values);
        if self.values.get() > self.limits.values {
            return Err(E::custom(format!("more than {} values", self.limits.values)));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Nested<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.count(1)?;
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
            if array.len() >= self.most {
                self.exceeded.set(true);
                return Err(A::Error::custom("too many operations"));
            }
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::with_capacity(if self.depth == 0 { USUAL_KEYS } else { 0 });
        let mut keys = Keys::default();
        while let Some(key) = members.next_key::<String>()? {
            without_control_characters(&key)?;
            let most = self.limits.keys;
            if object.len() >= most {
                return Err(A::Error::custom(format!("more than {most} members in one object")));
            }
            if keys.repeats(&object, &key) {
                return Err(A::Error::custom(format!("the key {} appears twice", quoted(&key))));
            }
            let value = members.next_value_seed(inner.member(&key))?;
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

/// PostgreSQL refuses NUL, and terminals and logs obey the others: no name needs one. A postal address may hold a tab and
/// line ends.
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

    fn parse(bytes: &[u8]) -> Result<Value, ScimError> {
        super::parse(bytes, &Limits::SCIM)
    }

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
        let most = format!("{}{}", "[".repeat(Limits::SCIM.depth), "]".repeat(Limits::SCIM.depth));
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
    fn attack_38_many_keys_and_a_long_string_are_read_and_too_many_keys_are_refused() {
        let object = |keys: usize| {
            format!("{{{}}}", (0..keys).map(|i| format!(r#""key{i}":0"#)).collect::<Vec<_>>().join(","))
        };
        let most = parse(object(Limits::SCIM.keys).as_bytes()).unwrap();
        assert_eq!(most.as_object().unwrap().len(), Limits::SCIM.keys);
        assert!(refused(object(Limits::SCIM.keys + 1).as_bytes()).contains("10000 members"));
        assert!(parse(format!("\"{}\"", "x".repeat(2 << 20)).as_bytes()).is_ok());
    }

    #[test]
    fn attack_38_millions_of_tiny_values_are_refused_before_they_fill_the_memory() {
        assert!(refused(format!("[{}0]", "{},".repeat(1_000_000)).as_bytes()).contains("800000 values"));
        assert!(parse(format!("[{}0]", "0,".repeat(400_000)).as_bytes()).is_ok());
    }

    #[test]
    fn attack_38_the_largest_push_of_members_fits() {
        let member = r#"{"value":"0193b5a0-7c1e-7d52-8a54-2f9a1c0d4e11","type":"User","display":"A"}"#;
        let members = vec![member; crate::resource::MAX_MEMBERS].join(",");
        let group = format!(r#"{{"schemas":["g"],"displayName":"all","members":[{members}]}}"#);
        assert!(group.len() <= 8 << 20, "{}", group.len());
        assert!(parse(group.as_bytes()).is_ok());
    }

    #[test]
    fn attack_38_too_many_operations_are_refused_before_all_of_them_are_read() {
        let body = |key: &str, count: usize| format!(r#"{{"{key}":[{}0"#, "{},".repeat(count - 1));
        for key in ["Operations", "OPERATIONS"] {
            let error = parse((body(key, 1_001) + "broken").as_bytes()).unwrap_err();
            assert_eq!((error.status, error.scim_type), (413, None), "{error}");
            assert!(parse((body(key, 1_000) + "]}").as_bytes()).is_ok());
        }
        // Only where a message has them.
        assert!(parse((body("operation", 1_001) + "]}").as_bytes()).is_ok());
        assert!(parse(format!(r#"{{"x":{}]}}}}"#, body("Operations", 1_001)).as_bytes()).is_ok());
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
    fn one_byte_order_mark_is_passed_over_and_counted_and_a_strict_tenant_is_told() {
        let marked = "\u{feff}{}".as_bytes();
        let mut t = Tolerance::lenient();
        assert_eq!(without_byte_order_mark(marked, &mut t), Ok(&b"{}"[..]));
        assert_eq!(without_byte_order_mark(b"{}", &mut t), Ok(&b"{}"[..]));
        assert_eq!(t.seen, [(Leniency::ByteOrderMark, "body".into())]);
        let error = without_byte_order_mark(marked, &mut Tolerance::strict()).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)));
        let twice = ["\u{feff}".as_bytes(), marked].concat();
        refused(without_byte_order_mark(&twice, &mut t).unwrap());
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
