//! A connection to one gateway, and how its answers are printed.

use std::time::Duration;

use serde_json::Value;

use crate::{
    client::{Client, TIME_TO_ANSWER},
    commands::Options,
    connection,
    mistake::Mistake,
    output,
};

/// A client, and how its answers are printed.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) json: bool,
}

impl Session {
    /// Finds the gateway that the options, the environment or the data directory name.
    pub(crate) fn open(options: &Options) -> Result<Self, Mistake> {
        Self::open_for(options, TIME_TO_ANSWER)
    }

    /// The same, for requests that take so long.
    pub(crate) fn open_for(options: &Options, time: Duration) -> Result<Self, Mistake> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Ok(Self { client: Client::new(connection::find(options, variable)?, time)?, json: options.json })
    }

    /// Prints the answer as one line of JSON, or as the text that `words` makes of it.
    pub(crate) fn show(&self, answer: &Value, words: impl FnOnce(&Value) -> String) -> Result<(), Mistake> {
        output::text(&if self.json { answer.to_string() } else { words(answer) })
    }
}
