//! A failure of the command line, on stderr and as an exit code: 1 when the gateway refused or failed, 2 when the command line was
//! wrong, 3 for findings: a tenant needs a hand, or two things differ.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use staff::{Fault, printable::on_one_line};

/// A sentence and its kind.
#[derive(Debug)]
pub(crate) enum Mistake {
    /// The command line is wrong.
    Usage(String),
    /// The act was refused or failed.
    Failed(String),
    /// A tenant needs a hand, or two things that were compared differ.
    Findings(String),
    /// A profile, or overrides, have faults; a line each.
    Faults(Vec<Fault>),
}

impl Mistake {
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(sentence.into())
    }

    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    pub(crate) fn findings(sentence: impl Into<String>) -> Self {
        Self::Findings(sentence.into())
    }

    /// The same sentence, where a failure before the first request is the command line's.
    pub(crate) fn into_usage(self) -> Self {
        match self {
            Self::Usage(sentence) | Self::Failed(sentence) => Self::Usage(sentence),
            other @ (Self::Findings(_) | Self::Faults(_)) => other,
        }
    }

    /// The same of a file: each fault with its line.
    pub(crate) fn in_file(self, file: &str) -> Self {
        let told = |fault: Fault| Fault {
            key: fault.line.map_or_else(|| fault.key.clone(), |line| format!("{file}:{line} {}", fault.key)),
            ..fault
        };
        match self {
            Self::Faults(faults) => Self::Faults(faults.into_iter().map(told).collect()),
            other => other,
        }
    }

    /// Says it and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (lines, code) = match self {
            Self::Failed(sentence) => (vec![sentence.clone()], 1),
            Self::Usage(sentence) => (vec![sentence.clone()], 2),
            Self::Findings(sentence) => (vec![sentence.clone()], 3),
            Self::Faults(faults) => (faults.iter().map(Fault::to_string).collect(), 1),
        };
        for line in lines {
            // Sentences may quote a server. When stderr is closed the exit code still says it.
            let _ = writeln!(io::stderr().lock(), "{}", on_one_line(&line));
        }
        ExitCode::from(code)
    }
}

/// The first paragraph of clap's message as one sentence.
pub(crate) fn from_clap(error: &clap::Error) -> Mistake {
    let text = error.render().to_string();
    let paragraph = text.trim_start_matches("error: ").lines().take_while(|line| !line.trim().is_empty());
    let mut sentence = String::new();
    for line in paragraph.map(str::trim) {
        let link = match sentence.chars().last() {
            None => "",
            Some(':') => " ",
            Some(_) if line.starts_with('[') => " ",
            Some(_) => ", ",
        };
        sentence.push_str(link);
        sentence.push_str(line);
    }
    Mistake::Usage(format!("{}; see `usher --help`.", capitalised(&sentence)))
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
