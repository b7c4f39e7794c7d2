//! The command line of `usher`: every word of it stands on this page. What the words do is told by [`tenants`], [`tokens`],
//! [`schemas`] and [`seats`], and is a request to the admin API each time; `serve` and `openapi` are none of that, and are left to `main`.

mod answer;
mod client;
mod connection;
mod max_bytes;
mod mistake;
mod output;
mod path_word;
mod plan;
mod schemas;
mod seats;
mod tenants;
#[cfg(test)]
mod tests;
mod tokens;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

use mistake::Mistake;
use output::Output;
use path_word::{KeyId, PathWord, Region, Urn};
use plan::{Policies, Quotas};

use crate::printable::{MAX_CONTACT, MAX_NAME, line};

/// A SCIM 2.0 provisioning gateway: identity providers fill tenants, and no seat is given twice.
#[derive(Debug, Parser)]
#[command(name = "usher", version, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The first word.
#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "made once in the life of the process")]
pub(crate) enum Command {
    /// Run the gateway until Ctrl-C or SIGTERM.
    Serve {
        /// Settings (TOML); variables such as USHER__SERVER__LISTEN and USHER__DATA_DIR win over the file.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the OpenAPI 3.1 document of the SCIM endpoints; asks no gateway.
    #[command(name = "openapi")]
    OpenApi {
        /// The profile of the tenants it is for.
        #[arg(long, default_value = "default")]
        profile: String,
        /// For strict tenants.
        #[arg(long)]
        strict: bool,
    },
    /// What is asked of a running gateway.
    #[command(flatten)]
    Client(ClientCommand),
}

/// The words that are requests to a running gateway.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Onboard tenants, look at them, suspend, resume and delete them.
    Tenant {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: TenantAct,
    },
    /// Issue, list and revoke the tokens that identity providers use.
    Token {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: TokenAct,
    },
    /// Give a tenant schemas of its own, look at them, take them away.
    Schema {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: SchemaAct,
    },
    /// Look at a tenant's seats, change its plan, recount its ledger.
    Seats {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: SeatsAct,
    },
}

/// How to reach the gateway and how to answer.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Gateway and output")]
pub(crate) struct Options {
    /// Answer with one line of JSON, for scripts.
    #[arg(long, global = true)]
    json: bool,
    /// The gateway, such as http://127.0.0.1:8080 [default: $USHER_SERVER, then server-url in the data directory].
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Where the gateway keeps its data [default: $USHER__DATA_DIR, then ./data].
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A file with the admin token [default: $USHER_ADMIN_TOKEN, then admin-token in the data directory].
    #[arg(long, global = true, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
}

/// Which tenant.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// The tenant's region, such as ire, us, nl, uk or ca.
    #[arg(long)]
    region: Region,
    /// The tenant's company key.
    #[arg(long)]
    key: PathWord,
}

/// `usher tenant …`
#[derive(Debug, Subcommand)]
pub(crate) enum TenantAct {
    /// Onboard a tenant: its own store, its plan, its profile.
    Create(NewTenant),
    /// List the tenants of one region, or of all.
    List {
        /// Only this region.
        #[arg(long)]
        region: Option<Region>,
        /// Only the tenant with this company key.
        #[arg(long)]
        key: Option<PathWord>,
    },
    /// Show one tenant: state, profile, settings, base URL.
    Show(Target),
    /// Stop a tenant's provisioning; its data stays, its tokens are answered 403.
    Suspend(Target),
    /// Let a suspended tenant's provisioning go on.
    Resume(Target),
    /// Delete a tenant with all its users, groups, seats and tokens.
    Delete {
        #[command(flatten)]
        target: Target,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Change a tenant's settings; what is not named stays.
    Set {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        settings: Settings,
    },
    /// List what happened in a tenant, newest first.
    Changes {
        #[command(flatten)]
        target: Target,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Only the user or group with this id.
        #[arg(long, value_name = "ID")]
        resource: Option<PathWord>,
    },
}

/// What a new tenant is given.
#[derive(Args, Debug)]
pub(crate) struct NewTenant {
    /// The region that keeps the tenant's data.
    #[arg(long)]
    region: Region,
    /// The company key, a part of the base URL; one is made when it is left out.
    #[arg(long)]
    key: Option<PathWord>,
    /// The name people know, shown in refusals.
    #[arg(long, value_parser = name)]
    name: String,
    /// How userType becomes role and license: default or mentimeter.
    #[arg(long)]
    profile: Option<String>,
    /// Seats of a license: a number or `unlimited`; a license that is not named has none.
    #[arg(long, value_name = "LICENSE=SEATS")]
    seats: Vec<plan::Quota>,
    /// What a full license answers: refuse, or fallback to the lesser one.
    #[arg(long, value_name = "LICENSE=POLICY")]
    policy: Vec<plan::PolicyOf>,
    /// Whether two groups may not have one name; chosen once.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    unique_group_names: Option<bool>,
    /// Whether two users may not have one externalId; chosen once.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    unique_external_ids: Option<bool>,
    #[command(flatten)]
    settings: Settings,
}

/// A tenant's switches that can be changed later.
#[derive(Args, Debug, Default)]
pub(crate) struct Settings {
    /// Whom people ask for more seats: an address or a link, shown in refusals; an empty one takes it away.
    #[arg(long, value_parser = contact)]
    contact: Option<String>,
    /// Hold requests to the letter of the RFC instead of tolerating what identity providers send.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    strict: Option<bool>,
    /// What a group request with members that are no users here gets: a refusal, or all but those.
    #[arg(long, value_name = "HOW")]
    unknown_members: Option<UnknownMembers>,
    /// How many bytes the tenant's store may hold, or `unlimited`.
    #[arg(long, value_name = "N")]
    max_bytes: Option<max_bytes::MaxBytes>,
}

/// What happens to group members that are no users of the tenant.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum UnknownMembers {
    /// The request is answered 400 and names them.
    Refuse,
    /// The rest of the request is applied.
    Skip,
}

/// `usher token …`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAct {
    /// Issue a token and show it, once, with the base URL; older tokens stay valid.
    Issue {
        #[command(flatten)]
        target: Target,
        /// Days until it expires; without this it lives until it is revoked.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_660))]
        expires_in_days: Option<u32>,
    },
    /// List a tenant's tokens: ids and dates, never the tokens.
    List(Target),
    /// Revoke one token, at once.
    Revoke {
        #[command(flatten)]
        target: Target,
        /// The token's id, as `token list` shows it; not needed when only one token is live.
        key_id: Option<KeyId>,
    },
}

/// `usher schema …`
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaAct {
    /// Add a schema document (RFC 7643, section 7), or put it in the place of the one with its URN; a running gateway obeys
    /// at once.
    Add {
        #[command(flatten)]
        target: Target,
        /// The document, as JSON; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// Whose extension it is [default: as it is, User for a new one].
        #[arg(long, value_enum, ignore_case = true, value_name = "TYPE")]
        resource: Option<ResourceName>,
        /// Whether every user or group must have data of it [default: as it is, false for a new one].
        #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
        required: Option<bool>,
    },
    /// List a tenant's own schemas.
    List(Target),
    /// Show one schema, its attributes, and how many users or groups hold data of it.
    Show {
        #[command(flatten)]
        target: Target,
        /// The schema's URN, as `schema list` shows it.
        urn: Urn,
    },
    /// Remove a schema; refused as long as a user or group holds data of it.
    Remove {
        #[command(flatten)]
        target: Target,
        /// The schema's URN, as `schema list` shows it.
        urn: Urn,
    },
}

/// The resource types that take extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResourceName {
    /// Users.
    #[value(name = "User")]
    User,
    /// Groups.
    #[value(name = "Group")]
    Group,
}

/// `usher seats …`
#[derive(Debug, Subcommand)]
pub(crate) enum SeatsAct {
    /// Show quota, use and waiting people of each license.
    Show(Target),
    /// Change quotas; a running gateway obeys at once.
    Set {
        #[command(flatten)]
        target: Target,
        /// Seats of a license: a number or `unlimited`.
        #[arg(required = true, value_name = "LICENSE=SEATS")]
        seats: Vec<plan::Quota>,
    },
    /// Change, or without a choice show, what a full license answers.
    Policy {
        #[command(flatten)]
        target: Target,
        /// refuse, or fallback to the lesser license.
        #[arg(value_name = "LICENSE=POLICY")]
        policies: Vec<plan::PolicyOf>,
    },
    /// Recount the ledger; exits 0 only if it adds up.
    Audit(Target),
}

/// Held to one line here too: what does not show in a terminal is refused before it is sent anywhere.
fn name(text: &str) -> Result<String, String> {
    line("a name", text, MAX_NAME)
}

fn contact(text: &str) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { line("a contact", text, MAX_CONTACT) }
}

/// Reads the command line. What is not a command (help, version, a mistake) has been answered when this returns an exit
/// code.
///
/// # Errors
/// The exit code to end with.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
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
pub(crate) fn dispatch(command: ClientCommand) -> ExitCode {
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => mistake.report(),
    }
}

/// Says why a command could not be done; exit code 1.
#[must_use]
pub(crate) fn fail(sentence: &str) -> ExitCode {
    Mistake::failed(sentence).report()
}

/// Writes a document, indented; exit code 1 when that fails.
#[must_use]
pub(crate) fn show_document(document: &serde_json::Value) -> ExitCode {
    match output::text(&format!("{document:#}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => mistake.report(),
    }
}

fn run(command: ClientCommand) -> Result<(), Mistake> {
    match command {
        ClientCommand::Tenant { options, act } => tenants::run(act, &options),
        ClientCommand::Token { options, act } => tokens::run(act, &options),
        ClientCommand::Schema { options, act } => schemas::run(act, &options),
        ClientCommand::Seats { options, act } => seats::run(act, &options),
    }
}

impl Options {
    fn connect(&self) -> Result<client::Client, Mistake> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Ok(client::Client::new(connection::find(self, variable)?))
    }

    fn output(&self) -> Output {
        if self.json { Output::Json } else { Output::Human }
    }
}
