//! What a run found, for people: a table, then each failure with its request and answer. As JSON it is the same, by serde.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{claims::Profile, play::Failure};

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// The server does not claim what it needs.
    NotMade,
}

/// A check and its result.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The check's name.
    pub id: String,
    /// Its group.
    pub group: String,
    /// What it states.
    pub title: String,
    /// Where that stands.
    pub source: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Why it does not count; `None` when it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_claimed: Option<String>,
    /// The answer that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The server.
    pub base_url: String,
    /// The profiles that count.
    pub claims: Vec<Profile>,
    /// How many checks hold, of those that count.
    pub passed: usize,
    /// How many do not.
    pub failed: usize,
    /// How many do not count, because the server does not claim what they are about.
    pub not_claimed: usize,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// What could not be deleted.
    pub left_behind: Vec<String>,
    /// Every check.
    pub checks: Vec<Outcome>,
}

impl Report {
    pub(crate) fn new(
        base_url: &str,
        claims: &[Profile],
        checks: Vec<Outcome>,
        left_behind: Vec<String>,
        interrupted: bool,
    ) -> Self {
        let counted = |verdict| checks.iter().filter(|one| one.counts() && one.verdict == verdict).count();
        Self {
            base_url: base_url.to_owned(),
            claims: claims.to_vec(),
            passed: counted(Verdict::Passed),
            failed: counted(Verdict::Failed),
            not_claimed: checks.iter().filter(|one| !one.counts()).count(),
            interrupted,
            left_behind,
            checks,
        }
    }

    /// Whether all that is claimed holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.failed == 0 && !self.interrupted
    }

    /// The report as text.
    #[must_use]
    pub fn text(&self) -> String {
        let (counted, apart): (Vec<_>, Vec<_>) = self.checks.iter().partition(|one| one.counts());
        let mut text = table(&counted);
        if !apart.is_empty() {
            text.push_str("\nNot claimed, so it does not count:\n");
            text.push_str(&table(&apart));
        }
        for outcome in counted.iter().chain(&apart) {
            if let Some(failure) = &outcome.failure {
                let apart = if outcome.counts() { "" } else { " (not claimed)" };
                let _written =
                    write!(text, "\n{}{apart}: {}, {}\n", outcome.id, outcome.source, outcome.title);
                let _written = writeln!(text, "  step {}: {}", failure.step, printable(&failure.difference));
                indent(&mut text, "> ", &failure.request);
                indent(&mut text, "< ", &failure.answer);
            }
        }
        for path in &self.left_behind {
            let _written = write!(text, "\nThis could not be deleted: {path}");
        }
        let interrupted = if self.interrupted { "Interrupted. " } else { "" };
        let _written = write!(
            text,
            "\n{interrupted}{} passed, {} failed; {} are not claimed and do not count.",
            self.passed, self.failed, self.not_claimed
        );
        text
    }
}

impl Outcome {
    /// Whether the run's result depends on it.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.not_claimed.is_none()
    }

    fn word(&self) -> &'static str {
        match (self.verdict, self.counts()) {
            (Verdict::Passed, true) => "passed",
            (Verdict::Failed, true) => "FAILED",
            (Verdict::Passed, false) => "holds",
            (Verdict::Failed, false) => "differs",
            (Verdict::NotMade, _) => "-",
        }
    }
}

/// One line for each check, below the heading of its group.
fn table(outcomes: &[&Outcome]) -> String {
    let width =
        |cell: fn(&Outcome) -> &str| outcomes.iter().map(|one| cell(one).chars().count()).max().unwrap_or(0);
    let (ids, sources) = (width(|one| &one.id), width(|one| &one.source));
    let (mut text, mut group) = (String::new(), "");
    for outcome in outcomes {
        if outcome.group != group {
            group = &outcome.group;
            let _written = writeln!(text, "\n{group}");
        }
        let (word, Outcome { id, source, title, .. }) = (outcome.word(), outcome);
        let why = outcome.not_claimed.as_deref().map_or_else(String::new, |why| format!(" ({why})"));
        let _written = writeln!(text, "  {word:7} {id:ids$}  {source:sources$}  {title}{why}");
    }
    text
}

fn indent(text: &mut String, mark: &str, lines: &str) {
    for line in lines.lines() {
        let _written = writeln!(text, "  {mark}{}", printable(line));
    }
}

/// An answer's control characters must not reach the terminal.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
