//! The unread rest of a filter's text; every error names its position.

use crate::ScimError;

/// The unread rest of a text.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// `rest` is the end of `text`: the text before it counts for positions only.
    pub(crate) fn new(text: &'a str, rest: &'a str) -> Self {
        Self { text, rest }
    }

    pub(super) fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    pub(super) fn blank(&mut self, expected: &str) -> Result<(), ScimError> {
        if !self.rest.starts_with(' ') {
            return Err(self.error(expected));
        }
        self.blanks();
        Ok(())
    }

    /// After a value: a space, a closing bracket or the end.
    pub(super) fn boundary(&self) -> Result<(), ScimError> {
        match self.rest.chars().next() {
            None | Some(' ' | ')' | ']') => Ok(()),
            Some(_) => Err(self.error("expected a space")),
        }
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn expect(&mut self, wanted: char) -> Result<(), ScimError> {
        if self.eat(wanted) { Ok(()) } else { Err(self.error(&format!("expected \"{wanted}\""))) }
    }

    pub(super) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    pub(super) fn error(&self, what: &str) -> ScimError {
        self.error_at(self.rest, what)
    }

    /// `place` is the rest of the text from the fault on; characters count from 1.
    pub(super) fn error_at(&self, place: &str, what: &str) -> ScimError {
        let read = self.text.len() - place.len();
        let position = self.text.get(..read).map_or(0, |before| before.chars().count()) + 1;
        ScimError::invalid_filter(format!("The filter cannot be read at character {position}: {what}."))
    }
}

/// The JSON string at the beginning of a text, with its quotation marks, and what follows it; `None` when it has no end.
pub(crate) fn split_quoted(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let (closing, _) = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    })?;
    text.split_at_checked(closing + 1)
}
