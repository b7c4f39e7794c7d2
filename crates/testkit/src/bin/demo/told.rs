//! The output of the demo: headings, one line for each act, colours only on a terminal.

use std::{
    cell::Cell,
    io::{self, IsTerminal as _},
    time::Instant,
};

/// The columns of an act before its result.
const ACT_WIDTH: usize = 68;

/// The teller.
pub(crate) struct Told {
    colours: bool,
    acts: Cell<usize>,
    began: Instant,
}

/// The meaning of a text, shown by its colour.
#[derive(Clone, Copy)]
pub(crate) enum Tone {
    Good,
    Lesser,
    Refused,
    Plain,
}

impl Told {
    pub(crate) fn new() -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colours, acts: Cell::new(0), began: Instant::now() }
    }

    pub(crate) fn heading(&self, text: &str) {
        println!("\n{}", self.paint(text, "1"));
    }

    /// One line of progress: the act and its result.
    pub(crate) fn act(&self, what: &str, result: &str, tone: Tone) {
        let number = self.acts.get() + 1;
        self.acts.set(number);
        let dots = ".".repeat(ACT_WIDTH.saturating_sub(what.chars().count()).max(2));
        println!("  {number:>2}  {what} {} {}", self.paint(&dots, "2"), self.toned(result, tone));
    }

    pub(crate) fn line(&self, text: &str) {
        println!("{text}");
    }

    pub(crate) fn closing(&self, text: &str) {
        println!("\n{} ({:.1} s)", self.paint(text, "1"), self.began.elapsed().as_secs_f32());
    }

    pub(crate) fn toned(&self, text: &str, tone: Tone) -> String {
        match tone {
            Tone::Good => self.paint(text, "32"),
            Tone::Lesser => self.paint(text, "33"),
            Tone::Refused => self.paint(text, "31"),
            Tone::Plain => text.to_owned(),
        }
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
