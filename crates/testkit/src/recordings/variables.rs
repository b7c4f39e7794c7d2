//! `${…}` in a recording: names that are new in every case, and values of earlier answers.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use super::path::plain;
use crate::http::encode;

static CASES: AtomicUsize = AtomicUsize::new(1);

/// The variables of one case.
#[derive(Clone)]
pub(super) struct Variables {
    given: BTreeMap<String, String>,
    captured: BTreeMap<String, String>,
    /// Part of this case's made-up ids.
    case: usize,
}

impl Variables {
    pub(super) fn new(base: &str) -> Self {
        let case = CASES.fetch_add(1, Ordering::Relaxed);
        let given =
            [("uniq", format!("u{case:05}")), ("UNIQ", format!("U{case:05}")), ("base", base.to_owned())];
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { given, captured: BTreeMap::new(), case }
    }

    /// The run of a repeated step.
    pub(super) fn set_run(&mut self, run: usize) {
        self.given.insert("i".to_owned(), run.to_string());
    }

    pub(super) fn capture(&mut self, name: &str, value: &Value) {
        self.captured.insert(self.text(name), plain(value));
    }

    /// Adds the captures of a run of a repeated step.
    pub(super) fn learn(&mut self, run: Self) {
        self.captured.extend(run.captured);
    }

    pub(super) fn text(&self, text: &str) -> String {
        self.filled(text, str::to_owned)
    }

    /// In a path, captured values are percent-encoded; the rest is sent as written.
    pub(super) fn path(&self, path: &str) -> String {
        self.filled(path, encode)
    }

    pub(super) fn tree(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(elements) => elements.iter().map(|element| self.tree(element)).collect(),
            Value::Object(members) => {
                let filled = members.iter().map(|(key, value)| (self.text(key), self.tree(value)));
                Value::Object(filled.collect())
            }
            other => other.clone(),
        }
    }

    fn filled(&self, text: &str, captured: impl Fn(&str) -> String) -> String {
        // `${u${i}}`: the run's number comes first.
        let text = self.given.get("i").map_or_else(|| text.to_owned(), |run| text.replace("${i}", run));
        let mut parts = text.split("${");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, after) = part.split_once('}').unwrap_or_else(|| panic!("no end of ${{{part}"));
            filled.push_str(&self.value(name, &captured));
            filled.push_str(after);
        }
        filled
    }

    fn value(&self, name: &str, captured: impl Fn(&str) -> String) -> String {
        if let Some(value) = self.given.get(name) {
            return value.clone();
        }
        if let Some(label) = name.strip_prefix("uuid:") {
            return made_up_id(self.case, label);
        }
        let value = self.captured.get(name).unwrap_or_else(|| panic!("unknown variable ${{{name}}}"));
        captured(value)
    }
}

/// A UUID that is the same for one label of one case and that no server gives out.
fn made_up_id(case: usize, label: &str) -> String {
    let sum =
        label.bytes().fold(0xcbf2_9ce4_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0193));
    format!("00000000-0000-4000-8000-{:04x}{:08x}", case & 0xffff, sum & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Variables;

    #[test]
    fn variables_are_filled_in_texts_trees_and_paths() {
        let mut variables = Variables::new("http://base");
        variables.set_run(2);
        variables.capture("u${i}", &json!("a b"));
        assert_eq!(variables.text("x-${u${i}}-${i}"), "x-a b-2");
        assert_eq!(variables.path("/Users/${u2}?f=%22"), "/Users/a%20b?f=%22");
        assert_eq!(variables.tree(&json!({ "${u2}": ["${base}", 1] })), json!({ "a b": ["http://base", 1] }));
        assert_eq!(variables.text("${uuid:x}"), variables.text("${uuid:x}"));
        assert_ne!(variables.text("${uuid:x}"), variables.text("${uuid:y}"));
        assert_ne!(variables.text("${uniq}"), Variables::new("").text("${uniq}"));
    }
}
