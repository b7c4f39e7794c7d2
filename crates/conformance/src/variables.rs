//! `${…}` in a step: names that are new in every case, values of earlier answers, and short names of URNs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::path::plain;

/// What the steps call the schemas and messages.
const URNS: &[(&str, &str)] = &[
    ("User", "urn:ietf:params:scim:schemas:core:2.0:User"),
    ("Group", "urn:ietf:params:scim:schemas:core:2.0:Group"),
    ("Enterprise", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
    ("PatchOp", "urn:ietf:params:scim:api:messages:2.0:PatchOp"),
    ("List", "urn:ietf:params:scim:api:messages:2.0:ListResponse"),
    ("Search", "urn:ietf:params:scim:api:messages:2.0:SearchRequest"),
    ("BulkRequest", "urn:ietf:params:scim:api:messages:2.0:BulkRequest"),
    ("BulkResponse", "urn:ietf:params:scim:api:messages:2.0:BulkResponse"),
    ("Error", "urn:ietf:params:scim:api:messages:2.0:Error"),
];

/// The variables of one case.
#[derive(Clone, Debug)]
pub struct Variables {
    given: BTreeMap<String, String>,
    captured: BTreeMap<String, String>,
}

impl Variables {
    /// Those of a case whose names begin with `uniq`, at a server's base URL.
    #[must_use]
    pub fn new(base: &str, uniq: &str) -> Self {
        let own = [("uniq", uniq.to_owned()), ("UNIQ", uniq.to_uppercase()), ("base", base.to_owned())];
        let urns = URNS.iter().map(|(name, urn)| (*name, (*urn).to_owned()));
        let given = own.into_iter().chain(urns).map(|(name, value)| (name.to_owned(), value));
        Self { given: given.collect(), captured: BTreeMap::new() }
    }

    /// The run of a repeated step.
    pub fn set_run(&mut self, run: usize) {
        self.given.insert("i".to_owned(), run.to_string());
    }

    /// Keeps a value of an answer.
    ///
    /// # Errors
    /// When the name has a variable that is unknown.
    pub fn capture(&mut self, name: &str, value: &Value) -> Result<(), String> {
        self.captured.insert(self.text(name)?, plain(value));
        Ok(())
    }

    /// Adds the captures of a run of a repeated step.
    pub fn learn(&mut self, run: Self) {
        self.captured.extend(run.captured);
    }

    /// A text with its variables filled in.
    ///
    /// # Errors
    /// When it has a variable that is unknown.
    pub fn text(&self, text: &str) -> Result<String, String> {
        self.filled(text, str::to_owned)
    }

    /// A path: captured values are percent-encoded, the rest is sent as written.
    ///
    /// # Errors
    /// When it has a variable that is unknown.
    pub fn path(&self, path: &str) -> Result<String, String> {
        self.filled(path, encode)
    }

    /// A document with the variables of its names and texts filled in.
    ///
    /// # Errors
    /// When it has a variable that is unknown.
    pub fn tree(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::String(text) => self.text(text).map(Value::from),
            Value::Array(elements) => elements.iter().map(|element| self.tree(element)).collect(),
            Value::Object(members) => {
                let filled = members.iter().map(|(key, value)| Ok((self.text(key)?, self.tree(value)?)));
                filled.collect::<Result<_, _>>().map(Value::Object)
            }
            other => Ok(other.clone()),
        }
    }

    fn filled(&self, text: &str, captured: impl Fn(&str) -> String) -> Result<String, String> {
        // `${u${i}}`: the run's number comes first.
        let text = self.given.get("i").map_or_else(|| text.to_owned(), |run| text.replace("${i}", run));
        let mut parts = text.split("${");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, after) = part.split_once('}').ok_or_else(|| format!("no end of ${{{part}"))?;
            filled.push_str(&self.value(name, &captured)?);
            filled.push_str(after);
        }
        Ok(filled)
    }

    fn value(&self, name: &str, captured: impl Fn(&str) -> String) -> Result<String, String> {
        if let Some(value) = self.given.get(name) {
            return Ok(value.clone());
        }
        if let Some(label) = name.strip_prefix("uuid:") {
            let uniq = self.given.get("uniq").map_or("", String::as_str);
            return Ok(made_up_id(uniq, label));
        }
        let value = self.captured.get(name).ok_or_else(|| format!("unknown variable ${{{name}}}"))?;
        Ok(captured(value))
    }
}

/// Percent-encodes a value for a path or a query.
pub(crate) fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A UUID that is the same for one label of one case and that no server gives out.
fn made_up_id(uniq: &str, label: &str) -> String {
    let sum = |text: &str| {
        text.bytes().fold(0xcbf2_9ce4_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0193))
    };
    format!("00000000-0000-4000-8000-{:04x}{:08x}", sum(uniq) & 0xffff, sum(label) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in tests a panic is how they fail")]

    use serde_json::json;

    use super::Variables;

    #[test]
    fn variables_are_filled_in_texts_trees_and_paths() {
        let mut variables = Variables::new("http://base", "u1");
        variables.set_run(2);
        variables.capture("u${i}", &json!("a b")).unwrap();
        assert_eq!(variables.text("x-${u${i}}-${i}").unwrap(), "x-a b-2");
        assert_eq!(variables.path("/Users/${u2}?f=%22").unwrap(), "/Users/a%20b?f=%22");
        let tree = variables.tree(&json!({ "${u2}": ["${base}", 1] })).unwrap();
        assert_eq!(tree, json!({ "a b": ["http://base", 1] }));
        assert_eq!(variables.text("${uuid:x}"), variables.text("${uuid:x}"));
        assert_ne!(variables.text("${uuid:x}"), variables.text("${uuid:y}"));
        assert_ne!(variables.text("${uuid:x}"), Variables::new("", "u2").text("${uuid:x}"));
        assert!(variables.text("${nobody}").is_err());
    }
}
