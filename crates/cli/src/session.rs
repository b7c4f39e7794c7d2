//! A connection to one gateway, and how its answers are printed.

use serde_json::Value;

use crate::{client::Client, commands::Options, connection, mistake::Mistake, output};

/// A client, and how its answers are printed.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) json: bool,
}

impl Session {
    /// Finds the gateway that the options, the environment or the data directory name.
    pub(crate) fn open(options: &Options) -> Result<Self, Mistake> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Ok(Self { client: Client::new(connection::find(options, variable)?)?, json: options.json })
    }

    /// Prints the answer as one line of JSON, or as the text that `words` makes of it.
    pub(crate) fn show(&self, answer: &Value, words: impl FnOnce(&Value) -> String) -> Result<(), Mistake> {
        output::text(&if self.json { answer.to_string() } else { words(answer) })
    }
}
