//! JSON objects put together as text. The computed parts of a response are a few strings under names that are known here, and
//! most responses have them: making values of them first, and text of the values then, was a sixth of a look-up.

/// A JSON object that is being written at the end of a text.
pub struct ObjectText<'t> {
    text: &'t mut String,
    has_members: bool,
}

impl<'t> ObjectText<'t> {
    /// Begins an object behind what the text holds.
    pub fn begin(text: &'t mut String) -> Self {
        text.push('{');
        Self { text, has_members: false }
    }

    /// A member that is a string.
    pub fn string(&mut self, name: &'static str, value: &str) {
        self.joined(name, [value]);
    }

    /// A member that is one string of these parts.
    pub fn joined<const N: usize>(&mut self, name: &'static str, parts: [&str; N]) {
        self.name(name);
        if parts.into_iter().all(is_plain) {
            self.text.push('"');
            parts.into_iter().for_each(|part| self.text.push_str(part));
            self.text.push('"');
        } else {
            self.text.push_str(&serde_json::Value::from(parts.concat()).to_string());
        }
    }

    /// A member whose JSON text is written by `write`.
    pub fn written(&mut self, name: &'static str, write: impl FnOnce(&mut String)) {
        self.name(name);
        write(self.text);
    }

    /// Ends the object.
    pub fn end(self) {
        self.text.push('}');
    }

    fn name(&mut self, name: &'static str) {
        self.text.push_str(if self.has_members { ",\"" } else { "\"" });
        self.text.push_str(name);
        self.text.push_str("\":");
        self.has_members = true;
    }
}

/// Whether a string is its own JSON text between quotation marks (RFC 8259 §7). Looks at every byte, because a loop that may end
/// early is not vectorised.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ObjectText;

    #[test]
    fn an_object_is_what_its_members_are_as_values() {
        for odd in ["", "plain", "\"", "\\", "a\nb", "\u{1f}", "\u{7f}", "é\u{2028}"] {
            let mut text = "[".to_owned();
            let mut object = ObjectText::begin(&mut text);
            object.string("a", odd);
            object.joined("b", [odd, "/", "x"]);
            object.written("c", |text| text.push_str("true"));
            object.end();
            let value = json!({ "a": odd, "b": format!("{odd}/x"), "c": true });
            assert_eq!(text, format!("[{value}"));
        }
        let mut text = String::new();
        ObjectText::begin(&mut text).end();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({}));
    }
}
