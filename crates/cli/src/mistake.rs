//! A failure of the command line, as one sentence on stderr and an exit code: 1 when the gateway refused or failed, 2 when the command line was
//! wrong.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use staff::printable::on_one_line;

/// A sentence and its kind.
#[derive(Debug)]
pub(crate) enum Mistake {
    /// The command line is wrong.
    Usage(String),
    /// The act was refused or failed.
    Failed(String),
}

impl Mistake {
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(sentence.into())
    }

    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    /// The same sentence, where a failure before the first request is the command line's.
    pub(crate) fn into_usage(self) -> Self {
        match self {
            Self::Usage(sentence) | Self::Failed(sentence) => Self::Usage(sentence),
        }
    }

    /// Says it and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (sentence, code) = match self {
            Self::Failed(sentence) => (sentence, 1),
            Self::Usage(sentence) => (sentence, 2),
        };
        // Sentences may quote a server. When stderr is closed the exit code still says it.
        let _ = writeln!(io::stderr().lock(), "{}", on_one_line(sentence));
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
