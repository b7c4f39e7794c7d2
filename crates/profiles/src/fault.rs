//! The faults of a profile or an override: every fault at once, each with its line, its key and a reason.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The line of the file, from 1. Overrides have no lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The key, dotted, elements of a list counted from 0: `licenses[1].fallback`. In parentheses where no key can be told:
    /// `(syntax)`, `(file)`.
    pub key: String,
    /// What is wrong, without a full stop.
    pub reason: String,
}

impl Fault {
    pub(crate) fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { line: None, key: key.into(), reason: reason.into() }
    }

    pub(crate) fn at(line: Option<usize>, key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { line, ..Self::new(key, reason) }
    }

    /// The fault on one line, `FILE:LINE KEY: reason`; without a line `KEY: reason`.
    #[must_use]
    pub fn in_file<'f>(&'f self, file: &'f str) -> impl fmt::Display {
        InFile { fault: self, file }
    }
}

/// Without the name of a file: `KEY: reason`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

struct InFile<'f> {
    fault: &'f Fault,
    file: &'f str,
}

impl fmt::Display for InFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault.line {
            Some(line) => write!(f, "{}:{line} {}", self.file, self.fault),
            None => self.fault.fmt(f),
        }
    }
}

/// The faults of one text, collected while it is read.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: RefCell<Vec<Fault>>,
    damage: Damage,
    /// The lines whose value the parser has made up.
    damaged: Vec<Option<usize>>,
}

/// How far syntax faults have made the rest of a file unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Damage {
    #[default]
    None,
    /// Some values are lost, so that nothing can be called missing.
    Values,
    /// A header is lost, so that no key can be told from another.
    Tables,
}

impl Faults {
    /// What the reader of the syntax has found.
    pub(crate) fn of_syntax(found: Vec<Fault>, damage: Damage) -> Self {
        let damaged = match damage {
            Damage::None => Vec::new(),
            Damage::Values | Damage::Tables => found.iter().map(|fault| fault.line).collect(),
        };
        Self { found: RefCell::new(found), damage, damaged }
    }

    /// A fault of one value by itself.
    pub(crate) fn add(&self, fault: Fault) {
        if self.damage != Damage::Tables && !self.damaged.contains(&fault.line) {
            self.found.borrow_mut().push(fault);
        }
    }

    /// A fault of one value with respect to others, which damage may have hidden.
    pub(crate) fn add_of_whole(&self, fault: Fault) {
        if self.damage == Damage::None {
            self.add(fault);
        }
    }

    /// All of them in order of their lines, each once.
    pub(crate) fn into_inner(self) -> Vec<Fault> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|fault| fault.line);
        let mut seen = BTreeSet::new();
        found.retain(|fault| seen.insert((fault.line, fault.to_string())));
        found
    }
}

/// A text of a file as a message shows it: on one line and not endless.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let cut: String = text.chars().take(MOST).collect();
    let rest = if cut.len() < text.len() { "…" } else { "" };
    format!("\"{}{rest}\"", cut.escape_debug())
}
