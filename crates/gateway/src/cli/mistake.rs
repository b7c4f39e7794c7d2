//! What went wrong, as one sentence on stderr and an exit code: 1 when the gateway refused or failed, 2 when the command line
//! was wrong.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// A sentence and whose fault it tells of.
#[derive(Debug)]
pub(super) enum Mistake {
    /// The command line asks for what cannot be meant.
    Usage(String),
    /// The act was refused or failed.
    Failed(String),
}

impl Mistake {
    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(sentence.into())
    }

    pub(super) fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    /// Says it and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let (sentence, code) = match self {
            Self::Failed(sentence) => (sentence, 1),
            Self::Usage(sentence) => (sentence, 2),
        };
        // Nobody is left to tell when stderr is closed; the exit code still says it.
        let _ = writeln!(io::stderr().lock(), "{}", one_line(sentence));
        ExitCode::from(code)
    }
}

/// Sentences may quote a server: what would break the line or move the cursor is blanked.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Clap's message (a paragraph, a list, the usage, a hint) as one sentence.
pub(super) fn from_clap(error: &clap::Error) -> Mistake {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_one_line_whatever_it_quotes() {
        assert_eq!(one_line("a\r\nb\u{1b}[2J"), "a  b [2J");
    }
}
