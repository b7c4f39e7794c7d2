//! One conversation with a gateway: requests go to the client, answers to standard output.

use serde_json::Value;

use crate::{client::Client, commands::Options, connection, mistake::Mistake, output};

/// A client, and for whom its answers are written.
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

    /// Writes one line of JSON for scripts, or what `words` makes of the answer for people.
    pub(crate) fn show(&self, answer: &Value, words: impl FnOnce(&Value) -> String) -> Result<(), Mistake> {
        output::text(&if self.json { answer.to_string() } else { words(answer) })
    }
}
