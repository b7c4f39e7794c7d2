//! The command line of `usher`. Its words are in [`commands`]; what they do is in [`tenants`], [`credentials`], [`tokens`], [`profiles`],
//! [`schemas`], [`seats`] and [`admin_tokens`]: requests to the admin API of a running gateway. `serve` and `openapi` are left to the binary.

mod admin_tokens;
mod breaker;
mod cells;
mod client;
mod commands;
mod conform;
mod connection;
mod copies;
mod credentials;
mod diagnose;
mod explain;
mod guide;
mod health;
mod log;
mod log_level;
mod mistake;
mod output;
mod people;
mod plan;
mod probe;
mod profiles;
mod progress;
mod schemas;
mod seats;
mod session;
mod tables;
mod tenants;
#[cfg(test)]
mod tests;
mod tick;
mod tls;
mod tokens;
mod undo;
mod words;

use std::{ffi::OsString, fs::File, process::ExitCode};

use clap::Parser as _;

pub use commands::{BackupWords, Cli, Command, ConformanceWords, Options, RestoreWords, Target};
pub use conform::conformance;
pub use probe::{Probed, probe};
pub use progress::Progress;
pub use tls::{certificates, system_authorities, trusting};

use commands::ClientCommand;
use mistake::Mistake;

/// Parses the command line. Help, version and mistakes are printed here; the caller exits with the returned code.
///
/// # Errors
/// The exit code to end with.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    Cli::try_parse_from(args).map_err(|error| {
        if error.use_stderr()
            && error.kind() != clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        {
            return mistake::from_clap(&error).report();
        }
        let shown = output::text(error.render().to_string().trim_end());
        let code = u8::try_from(error.exit_code()).unwrap_or(2);
        shown.map_or_else(|mistake| mistake.report(), |()| ExitCode::from(code))
    })
}

/// Does what a client command says; a mistake is one sentence on stderr.
#[must_use]
pub fn dispatch(command: ClientCommand) -> ExitCode {
    ended(match command {
        ClientCommand::Tenant { options, act } => tenants::run(act, &options),
        ClientCommand::Token { options, act } => tokens::run(act, &options),
        ClientCommand::Credential { options, act } => credentials::run(act, &options),
        ClientCommand::Schema { options, act } => schemas::run(act, &options),
        ClientCommand::Profile { options, act } => profiles::run(act, &options),
        ClientCommand::Cell { options, act } => cells::run(act, &options),
        ClientCommand::User { options, act } => people::run(act, &options),
        ClientCommand::Group { options, act } => people::run_groups(act, &options),
        ClientCommand::Seats { options, act } => seats::run(act, &options),
        ClientCommand::Breaker { options, act } => breaker::run(act, &options),
        ClientCommand::AdminToken { options, act } => admin_tokens::run(act, &options),
        ClientCommand::Acts { options, scope, limit } => admin_tokens::acts(&scope, limit, &options),
        ClientCommand::Explain { options, user } => explain::run(user, &options),
        ClientCommand::Health { options, of } => health::run(of, &options),
        ClientCommand::Log { options, words } => log::run(words, &options),
        ClientCommand::LogLevel { options, act } => log_level::run(act, &options),
        ClientCommand::Diagnose { options, target, token_file } => {
            diagnose::run(&target, token_file.as_deref(), &options)
        }
        ClientCommand::Preview { options, words } => tables::preview(&words, &options),
        ClientCommand::Reconcile { options, words } => tables::reconcile(&words, &options),
        ClientCommand::Undo { options, words } => undo::run(words, &options),
        ClientCommand::Tick { options } => tick::run(&options),
    })
}

/// Sends an export to the running gateway, which puts the tenant back to it.
#[must_use]
pub fn restore_tenant(export: File, target: &Target, options: &Options) -> ExitCode {
    ended(tenants::restore(export, target, options))
}

/// Says why a command could not be done; exit code 1.
#[must_use]
pub fn fail(sentence: &str) -> ExitCode {
    Mistake::failed(sentence).report()
}

/// Writes a text; exit code 1 when that fails.
#[must_use]
pub fn show_text(text: &str) -> ExitCode {
    ended(output::text(text))
}

/// Writes a document, indented; exit code 1 when that fails.
#[must_use]
pub fn show_document(document: &serde_json::Value) -> ExitCode {
    ended(output::text(&format!("{document:#}")))
}

/// Prints an answer as one line of JSON, or as text; exit code 1 when that fails.
#[must_use]
pub fn answer(json: bool, value: &serde_json::Value, words: &str) -> ExitCode {
    ended(output::text(&if json { value.to_string() } else { words.to_owned() }))
}

fn ended(done: Result<(), Mistake>) -> ExitCode {
    done.map_or_else(|mistake| mistake.report(), |()| ExitCode::SUCCESS)
}
