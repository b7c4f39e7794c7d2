//! All words of the command line, and what each of them takes.

use std::{fmt, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use conformance::Profile;
use scim_core::ResourceKind;
use seat_ledger::Day;
use staff::Activation;
use tenant_registry::{
    CellName, CompanyKey, Placement, RegionCode, TenantMode, TokenName, UnknownMemberRule,
};
use uuid::Uuid;

use crate::{
    plan::{self, Choice, OfLicense, Quota},
    words::{
        Guide, MaxBytes, OfFeature, PerSecond, burst, extensible_kind, feature, instant_ms, key, max_bytes,
        on_or_off, pair, per_second, profile, region, urn, word,
    },
};

/// A SCIM 2.0 provisioning gateway: identity providers fill tenants, and no seat is given twice.
#[derive(Debug, Parser)]
#[command(name = "usher", version, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The first word.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway until Ctrl-C or SIGTERM.
    Serve {
        /// Settings (TOML); variables such as USHER__SERVER__LISTEN and USHER__DATA_DIR win over the file.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Ask the gateway on this machine whether it is ready, for containers; exits 0 if it is, else 1.
    Healthcheck {
        /// The settings that the gateway is started with (TOML).
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Say what keeps a gateway on this machine from serving well, and what to do; changes nothing. Exits 0, or 3 with findings.
    Doctor {
        /// The settings that the gateway is started with (TOML).
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Answer with one line of JSON, for scripts.
        #[arg(long)]
        json: bool,
    },
    /// Bring every store to the newest migration, while gateways serve them; exits 0 only if none is behind.
    Migrate {
        /// The settings of the gateways (TOML).
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Answer with one line of JSON, for scripts.
        #[arg(long)]
        json: bool,
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
    /// Copy the data directory of a gateway on this machine into a folder, while it is served; again and again, copying what changed.
    Backup(BackupWords),
    /// Restore a whole backup into a new data directory, or one tenant of it through the running gateway.
    Restore(RestoreWords),
    /// Check any SCIM server from outside: RFC 7643 and 7644, what Okta and Entra ask, the interoperability profile. It makes users and
    /// groups with names of their own and deletes them again. Exits 0 if all that the server claims holds, 1 if something does not.
    Conformance(ConformanceWords),
    /// A request to a running gateway.
    #[command(flatten)]
    Client(ClientCommand),
}

/// `usher conformance`
#[derive(Args, Debug)]
pub struct ConformanceWords {
    /// The base URL, such as `https://usher.example.com/ire/acme/scim/v2`.
    #[arg(long, value_name = "URL")]
    pub base: String,
    /// A file with the token; a text that begins with `Basic` is sent as it is.
    #[arg(long, value_name = "FILE")]
    pub token_file: PathBuf,
    /// Count what a profile asks that the server has no way to claim: okta, entra, strict (the RFCs' letter, where those ask for the
    /// contrary), interop.
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    pub claim: Vec<Profile>,
    /// A file with the certificates (PEM) that an https server's must come from [default: the system's].
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Answer with one line of JSON, for scripts.
    #[arg(long)]
    pub json: bool,
    /// Write the result as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// `usher backup`
#[derive(Args, Debug)]
pub struct BackupWords {
    /// The folder of the backup; it is made at the first run.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// The gateway's data directory [default: that of the settings, which $USHER__DATA_DIR wins over].
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub data_dir: Option<PathBuf>,
    /// The settings that the gateway is started with.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// After the run, remove all runs but the newest N.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Answer with one line of JSON, for scripts.
    #[arg(long)]
    pub json: bool,
}

/// `usher restore`
#[derive(Args, Debug)]
pub struct RestoreWords {
    /// The folder of the backup.
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The newest run that began at this time (RFC 3339) or before [default: the newest run].
    #[arg(long, value_name = "TIME", value_parser = instant_ms)]
    pub at: Option<i64>,
    /// The region of the tenant.
    #[arg(long, value_parser = region, requires = "tenant")]
    pub region: Option<RegionCode>,
    /// Restore only the tenant with this company key, through the running gateway; without it, everything into the new
    /// directory that --data-dir names.
    #[arg(long, value_name = "KEY", value_parser = key, requires = "region")]
    pub tenant: Option<CompanyKey>,
    /// The running gateway, or with --data-dir the new directory.
    #[command(flatten)]
    pub options: Options,
}

/// The words that are requests to a running gateway.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
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
    /// Make, list, test and revoke the credentials of every kind that identity providers use.
    Credential {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: CredentialAct,
    },
    /// Give a tenant schemas of its own, look at them, take them away.
    Schema {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: SchemaAct,
    },
    /// Add a product while the gateway runs: look at profiles, check a file, add it, take one away.
    Profile {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: ProfileAct,
    },
    /// Look at the databases that hold a region's tenants; open and close them for new ones.
    Cell {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: CellAct,
    },
    /// Look at a tenant's people; add, set, release and delete them.
    User {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: UserAct,
    },
    /// Look at a tenant's groups.
    Group {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: GroupAct,
    },
    /// Look at a tenant's seats, change its plan, recount its ledger.
    Seats {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: SeatsAct,
    },
    /// Hold further losses of access when a tenant loses too many people in a short time: look, set, release, roll back.
    Breaker {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: BreakerAct,
    },
    /// Give people and programs of the staff admin tokens of their own, look at them, revoke them.
    AdminToken {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: AdminTokenAct,
    },
    /// List what staff did, newest first: who, to which tenant, by which request.
    Acts {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        scope: Scope,
        /// How many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Say why a person is missing, or without the license, and what to do about it.
    Explain {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        user: ExplainedUser,
    },
    /// Say what a tenant needs a hand for, since when, and what to do about it; or, with --all, which tenants of a region do. Exits 0, or 3
    /// with findings.
    Health {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        of: HealthOf,
    },
    /// List what came of each write of the identity provider and of staff, newest first.
    Log {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        words: LogWords,
    },
    /// Raise the level of the gateway's log for one region or tenant, for an hour unless told otherwise; the act is recorded. It holds in the
    /// process that answers.
    LogLevel {
        #[command(flatten)]
        options: Options,
        #[command(subcommand)]
        act: LogLevelAct,
    },
    /// Say which of region, company key and credential is wrong. The credential is read from a file or from standard input, never from
    /// an argument; a pair is `key:secret`. Exits 0 only if all is right.
    Diagnose {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        target: Asked,
        /// A file with the credential [default: standard input].
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Say what a sync of a table of people (CSV) would do to a tenant, row by row; nothing is changed.
    Preview {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        words: TableWords,
    },
    /// Compare a table of people (CSV), as the identity provider exports it, with those who are here: who is only here, only there, or
    /// different, and why. Exits 0 if all are equal, 3 if not.
    Reconcile {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        words: TableWords,
    },
    /// Give back what a run of writes changed, where nothing has changed it since, and list the rest with its reason. Nothing is changed
    /// with --dry-run.
    Undo {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        words: UndoWords,
    },
    /// Carry out now what has fallen due: dates, delays, grace. A running gateway does it by itself once a minute.
    Tick {
        #[command(flatten)]
        options: Options,
    },
}

/// `usher undo`
#[derive(Args, Debug)]
pub struct UndoWords {
    #[command(flatten)]
    pub target: Target,
    /// When the run began, such as 2026-11-29T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: String,
    /// Only what this identity provider changed: okta, entra, onelogin, jumpcloud, ping, google, authentik, other, or staff.
    #[arg(long, value_name = "IDP")]
    pub idp: Option<String>,
    /// Say what would be given back; nothing is changed.
    #[arg(long)]
    pub dry_run: bool,
}

/// A table of people beside a tenant.
#[derive(Args, Debug)]
pub struct TableWords {
    #[command(flatten)]
    pub target: Target,
    /// The table: a header of SCIM paths, userName among them, then a person in each row.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// `usher explain`
#[derive(Args, Debug)]
pub struct ExplainedUser {
    #[command(flatten)]
    pub target: Target,
    /// The person: userName, e-mail address, externalId, id, or the Ref of a refusal.
    #[arg(long, value_name = "PERSON|REF")]
    pub user: String,
}

/// `usher health`
#[derive(Args, Debug)]
pub struct HealthOf {
    /// The region.
    #[arg(long, value_parser = region)]
    pub region: RegionCode,
    /// The tenant's company key.
    #[arg(long, value_parser = key, required_unless_present = "all", conflicts_with = "all")]
    pub key: Option<CompanyKey>,
    /// All tenants of the region.
    #[arg(long)]
    pub all: bool,
}

/// `usher log`
#[derive(Args, Debug)]
pub struct LogWords {
    #[command(flatten)]
    pub target: Target,
    /// Only writes about the person with this userName or id.
    #[arg(long, value_name = "USERNAME|ID")]
    pub user: Option<String>,
    /// Only writes with this result: applied, no_change, refused, held or linked.
    #[arg(long, value_name = "RESULT")]
    pub result: Option<String>,
    /// Only writes of this identity provider: okta, entra, onelogin, jumpcloud, ping, google, authentik, other, or staff.
    #[arg(long, value_name = "IDP")]
    pub idp: Option<String>,
    /// From this moment on, such as 2026-11-29T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this moment.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// The number of rows [default: 50; with --follow 10 to begin with].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: Option<u16>,
    /// Go on where a page ended: the cursor that it told.
    #[arg(long, conflicts_with = "follow")]
    pub cursor: Option<String>,
    /// Print rows as they come, oldest first, until Ctrl-C.
    #[arg(long)]
    pub follow: bool,
}

/// `usher profile …`
#[derive(Debug, Subcommand)]
pub enum ProfileAct {
    /// List the profiles: those that ship with Usher and those that were added.
    List,
    /// Show a profile's file.
    Show {
        /// Its name.
        name: String,
    },
    /// Check a file and tell all its faults, one a line; nothing is stored.
    Check {
        /// The file, which has the profile's name and the ending `.toml`.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Add a profile, or a new version of one, which holds for the next write of each of its tenants; no seat moves by it.
    Add {
        /// The file, which has the profile's name and the ending `.toml`.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Take a profile away that no tenant has.
    Remove {
        /// Its name.
        name: String,
    },
}

/// `usher admin-token …`
#[derive(Debug, Subcommand)]
pub enum AdminTokenAct {
    /// Make a token and show it, once. Without --tenant and --region it reaches everything, other admin tokens too.
    Add {
        /// Whose it is, such as lena: the actor in the records of what it does.
        #[arg(long, value_parser = TokenName::new)]
        name: TokenName,
        #[command(flatten)]
        scope: Scope,
    },
    /// List the live tokens: names, ids and what they reach, never the tokens.
    List,
    /// Revoke one token, at once. Tokens that it issued to tenants stay valid.
    Revoke {
        /// Its name, as `admin-token list` shows it.
        #[arg(long, value_parser = TokenName::new)]
        name: TokenName,
    },
}

/// One tenant, one region, or everything.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub struct Scope {
    /// Only this tenant, such as ire/acme.
    #[arg(long, value_name = "REGION/KEY", value_parser = Target::parse)]
    pub tenant: Option<Target>,
    /// Only this region.
    #[arg(long, value_parser = region)]
    pub region: Option<RegionCode>,
}

/// The options of the connection to the gateway and of the output.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Gateway and output")]
pub struct Options {
    /// Answer with one line of JSON, for scripts.
    #[arg(long, global = true)]
    pub json: bool,
    /// The gateway, such as `https://usher.example.com` [default: $USHER_SERVER, then server-url in the data directory].
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// A file with the certificates (PEM) that an https server's must come from [default: $USHER_CA_FILE, then the system's].
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The gateway's data directory [default: $USHER__DATA_DIR, then ./data].
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A file with the admin token [default: $USHER_ADMIN_TOKEN, then admin-token in the data directory].
    #[arg(long, global = true, value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,
}

/// Which tenant.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// The tenant's region, such as ire, us, nl, uk or ca.
    #[arg(long, value_parser = region)]
    pub region: RegionCode,
    /// The tenant's company key.
    #[arg(long, value_parser = key)]
    pub key: CompanyKey,
}

/// `usher tenant …`
#[derive(Debug, Subcommand)]
pub enum TenantAct {
    /// Onboard a tenant: its own store, its plan, its profile.
    Create(Box<NewTenant>),
    /// List the tenants of one region, or of all.
    List {
        /// Only this region.
        #[arg(long, value_parser = region)]
        region: Option<RegionCode>,
        /// Only the tenant with this company key.
        #[arg(long, value_parser = key)]
        key: Option<CompanyKey>,
    },
    /// Show one tenant: state, profile, settings, base URL.
    Show(Target),
    /// Let a tenant's provisioning begin that was made with `--activation by-staff`.
    Activate(Target),
    /// Say whether a tenant's plan has provisioning; without it, its requests are answered 403.
    Plan {
        #[command(flatten)]
        target: Target,
        /// Whether it has.
        #[arg(long, value_name = "on|off", action = clap::ArgAction::Set, value_parser = on_or_off)]
        scim: bool,
    },
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
        /// Its profile from now on; seats move when you say `tenant reapply`.
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Show what a tenant's profile says, what the tenant says differently, and what holds.
    Profile(Target),
    /// Say something differently from the profile, for one tenant; seats move when you say `tenant reapply`.
    Override {
        #[command(flatten)]
        target: Target,
        /// A key as in the profile's file, dotted, and its value, such as `leaving.deleted=archive`; a list is set whole.
        #[arg(value_name = "KEY=TOML", required_unless_present = "unset")]
        set: Vec<String>,
        /// Let the profile's own value hold again.
        #[arg(long, value_name = "KEY")]
        unset: Vec<String>,
    },
    /// Read everybody's role again by the profile that holds now, and move seats accordingly.
    Reapply {
        #[command(flatten)]
        target: Target,
        /// Tell what would happen, and undo it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Move a tenant's store: between cells, between a file and a cell, or into another region. Reads go on; writes are answered 503
    /// until it is there.
    Move {
        #[command(flatten)]
        target: Target,
        /// The cell that holds its data from then on, or `file`.
        #[arg(long, value_name = "CELL")]
        to_cell: Placement,
        /// Its region from then on.
        #[arg(long, value_name = "REGION", value_parser = region)]
        to_region: Option<RegionCode>,
    },
    /// Write everything that a tenant is into one file: lines of JSON with a checksum.
    Export {
        #[command(flatten)]
        target: Target,
        /// The file, which must not exist yet.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Make a tenant of an export; ids, versions, ledger, log and tokens are those of the export.
    Import {
        /// The region that keeps the tenant's data from now on.
        #[arg(long, value_parser = region)]
        region: RegionCode,
        /// The company key [default: that of the export].
        #[arg(long, value_parser = key)]
        key: Option<CompanyKey>,
        /// The file that `tenant export` wrote.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
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
        resource: Option<Uuid>,
    },
}

/// What a new tenant is given.
#[derive(Args, Debug)]
pub struct NewTenant {
    /// The region that keeps the tenant's data.
    #[arg(long, value_parser = region)]
    pub region: RegionCode,
    /// The company key, a part of the base URL; one is made when it is left out.
    #[arg(long, value_parser = key)]
    pub key: Option<CompanyKey>,
    /// The name people know, shown in refusals.
    #[arg(long, value_parser = staff::line_of_name)]
    pub name: String,
    /// The product: a name of `usher profile list` [default: default].
    #[arg(long)]
    pub profile: Option<String>,
    /// Seats of a license: a number or `unlimited`; a license that is not named has what the profile says.
    #[arg(long, value_name = "LICENSE=SEATS", value_parser = plan::quota)]
    pub seats: Vec<Quota>,
    /// The policy of a license for when no seat is left: refuse, fallback to the lesser one, hold, overage:SEATS or overage:SEATS:DAY.
    #[arg(long, value_name = "LICENSE=POLICY", value_parser = plan::policy)]
    pub policy: Vec<OfLicense<Choice>>,
    /// Whether two groups may not have one name; chosen once.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub unique_group_names: Option<bool>,
    /// Whether two users may not have one externalId; chosen once.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub unique_external_ids: Option<bool>,
    /// When its requests are served: at-once, or by-staff, which is when staff say `tenant activate` [default: at-once].
    #[arg(long, value_name = "WHEN", value_parser = word::<Activation>())]
    pub activation: Option<Activation>,
    /// The cell that holds its data, or `file` [default: the open cell with the fewest tenants; a file where there is no cell].
    #[arg(long, value_name = "CELL")]
    pub cell: Option<Placement>,
    /// Make a credential too, and tell what the administrator of this identity provider types in.
    #[arg(long, value_name = "IDP", value_parser = word::<Guide>())]
    pub guide: Option<Guide>,
    #[command(flatten)]
    pub settings: Settings,
}

/// `usher cell …`
#[derive(Debug, Subcommand)]
pub enum CellAct {
    /// List a region's cells: whether they take new tenants, and how many they hold.
    List {
        /// The region.
        #[arg(long, value_parser = region)]
        region: RegionCode,
    },
    /// Let a cell take new tenants.
    Open(CellTarget),
    /// Let a cell take no new tenants; those that it holds stay.
    Close(CellTarget),
}

/// Which cell.
#[derive(Args, Clone, Debug)]
pub struct CellTarget {
    /// The region.
    #[arg(long, value_parser = region)]
    pub region: RegionCode,
    /// The cell's name in the settings.
    #[arg(long, value_parser = CellName::new)]
    pub cell: CellName,
}

/// A tenant's switches that can be changed later.
#[derive(Args, Debug, Default)]
pub struct Settings {
    /// Whom people ask for more seats: an address or a link, shown in refusals; an empty one takes it away.
    #[arg(long, value_parser = staff::line_of_contact)]
    pub contact: Option<String>,
    /// The mode in which requests are read: lenient, as identity providers send them; strict, by the letter of the RFCs; interop, by the SCIM
    /// interoperability profile.
    #[arg(long, value_name = "MODE", value_parser = word::<TenantMode>(), conflicts_with = "strict")]
    pub mode: Option<TenantMode>,
    /// A short form of `--mode strict`; with `false`, of `--mode lenient`.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub strict: Option<bool>,
    /// What a group request with members that are no users here gets: a refusal, or all but those.
    #[arg(long, value_name = "HOW", value_parser = word::<UnknownMemberRule>())]
    pub unknown_members: Option<UnknownMemberRule>,
    /// How many bytes the tenant's store may hold, or `unlimited`.
    #[arg(long, value_name = "N", value_parser = max_bytes)]
    pub max_bytes: Option<MaxBytes>,
    /// The most requests a second of the tenant, from 25, or `off`.
    #[arg(long, value_name = "N", value_parser = per_second)]
    pub rate: Option<PerSecond>,
    /// The most requests at once, from 500 [default: 500].
    #[arg(long, value_name = "N", requires = "rate", value_parser = burst)]
    pub burst: Option<u32>,
    /// Switch a feature off or on: create, update, deactivate, reactivate, delete, push_groups, import_users, import_groups.
    #[arg(long, value_name = "FEATURE=on|off", value_parser = feature)]
    pub feature: Vec<OfFeature>,
}

/// `usher token …`
#[derive(Debug, Subcommand)]
pub enum TokenAct {
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
        key_id: Option<String>,
    },
}

/// Region and company key as the customer has them, right or wrong.
#[derive(Args, Clone, Debug)]
pub struct Asked {
    /// The region in the customer's base URL.
    #[arg(long)]
    pub region: String,
    /// The company key in it.
    #[arg(long)]
    pub key: String,
}

/// `usher credential …`
#[derive(Debug, Subcommand)]
pub enum CredentialAct {
    /// Make a credential and show its secret, once, with the base URL; older ones stay valid.
    Add {
        #[command(subcommand)]
        kind: NewKind,
    },
    /// List a tenant's credentials: ids, kinds, scopes, dates, never a secret.
    List(Target),
    /// Revoke one credential, at once.
    Revoke {
        #[command(flatten)]
        target: Target,
        /// Its id, as `credential list` shows it.
        key_id: String,
    },
    /// Make a new key that signs access tokens; tokens that the old one signed stay valid until they expire.
    RotateSigningKey {
        /// Only this region's [default: of all regions].
        #[arg(long, value_parser = region)]
        region: Option<RegionCode>,
    },
    /// Say whether a request with this credential would be served now; exits 0 only if it would.
    Test {
        #[command(flatten)]
        target: Target,
        /// Its id, as `credential list` shows it.
        key_id: String,
    },
}

/// `usher credential add …`
#[derive(Debug, Subcommand)]
pub enum NewKind {
    /// A token for the header `Authorization: Bearer`.
    Bearer(NewCredential),
    /// A key and a secret for HTTP Basic.
    Basic(NewCredential),
    /// An OAuth client and a secret, which it exchanges for access tokens.
    Oauth {
        #[command(flatten)]
        new: NewCredential,
        /// One more secret for this client, so that one can be changed for another without a gap [default: a new client].
        #[arg(long, value_name = "ID")]
        client_id: Option<String>,
    },
    /// Another issuer whose signed tokens are trusted; it has no secret.
    Issuer(Box<NewIssuer>),
}

/// An issuer to trust.
#[derive(Debug, Args)]
pub struct NewIssuer {
    #[command(flatten)]
    pub new: NewCredential,
    /// The `iss` of its tokens, compared exactly.
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// A value that `aud` may have; may be repeated.
    #[arg(long, value_name = "AUD", required = true)]
    pub audience: Vec<String>,
    /// The address of its public keys.
    #[arg(long, value_name = "URL", required_unless_present = "jwks_file")]
    pub jwks_url: Option<String>,
    /// A file with its public keys, a JSON Web Key Set, for an issuer that shows them nowhere.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_url")]
    pub jwks_file: Option<PathBuf>,
    /// The algorithms that may sign, with commas between them; may be repeated [default: RS256].
    #[arg(long, value_name = "ALG", value_delimiter = ',', value_parser = word::<tenant_registry::PublicKeyAlgorithm>())]
    pub algorithms: Vec<tenant_registry::PublicKeyAlgorithm>,
    /// A claim that must have this value; may be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = pair)]
    pub claims: Vec<(String, String)>,
    /// The use of its tokens: `bearer`, sent with each request, or `assertion`, with which a client proves itself at the token endpoint.
    #[arg(long = "for", value_name = "USE", value_parser = word::<tenant_registry::TrustedFor>(), default_value = "bearer")]
    pub purpose: tenant_registry::TrustedFor,
    /// The OAuth client that its assertions prove [default: a new one].
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
}

/// The parts of a new credential that staff choose.
#[derive(Args, Debug)]
pub struct NewCredential {
    #[command(flatten)]
    pub target: Target,
    /// Its scopes, with commas between them [default: all].
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', value_parser = word::<tenant_registry::Scope>())]
    pub scopes: Vec<tenant_registry::Scope>,
    /// Days until it expires; without this it lives until it is revoked.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_660))]
    pub expires_in_days: Option<u32>,
    /// A note for staff, such as the purpose.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The userName of the person of the tenant for whom it is made. When that person leaves, it lives on, and a record says so.
    #[arg(long, value_name = "USERNAME")]
    pub made_by: Option<String>,
}

/// `usher schema …`
#[derive(Debug, Subcommand)]
pub enum SchemaAct {
    /// Add a schema document (RFC 7643, section 7), or put it in the place of the one with its URN; a running gateway obeys
    /// at once.
    Add {
        #[command(flatten)]
        target: Target,
        /// The document, as JSON; `-` reads standard input.
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// Whose extension it is [default: as it is, User for a new one].
        #[arg(long, ignore_case = true, value_name = "TYPE", value_parser = extensible_kind())]
        resource: Option<ResourceKind>,
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
        #[arg(value_parser = urn)]
        urn: String,
    },
    /// Remove a schema; refused as long as a user or group holds data of it.
    Remove {
        #[command(flatten)]
        target: Target,
        /// The schema's URN, as `schema list` shows it.
        #[arg(value_parser = urn)]
        urn: String,
    },
}

/// `usher user …`
#[derive(Debug, Subcommand)]
pub enum UserAct {
    /// List people: role, license, and who they are of.
    List {
        #[command(flatten)]
        target: Target,
        /// Only those whose seat is in this state, such as granted, fallback, suspended or held.
        #[arg(long)]
        state: Option<String>,
        /// Only those with this role.
        #[arg(long)]
        role: Option<String>,
        /// Only those of the identity provider, or of staff.
        #[arg(long, value_parser = ["IDP", "LOCAL"], ignore_case = true)]
        origin: Option<String>,
    },
    /// Show one person.
    Show(UserTarget),
    /// Add a person, who is of staff until the identity provider takes the person over.
    Add {
        #[command(flatten)]
        target: Target,
        /// The userName.
        #[arg(long, value_name = "NAME")]
        user_name: String,
        /// A role of the tenant's profile [default: the profile's].
        #[arg(long)]
        role: Option<String>,
        /// The id that the identity provider will send.
        #[arg(long, value_name = "ID")]
        external_id: Option<String>,
        /// The e-mail address.
        #[arg(long)]
        email: Option<String>,
    },
    /// Set a person's role, or activate or deactivate the person; the profile says who wins later.
    Set {
        #[command(flatten)]
        user: UserTarget,
        /// A role of the tenant's profile.
        #[arg(long, required_unless_present = "active", conflicts_with = "active")]
        role: Option<String>,
        /// Whether the person may work.
        #[arg(long, value_name = "BOOL")]
        active: Option<bool>,
    },
    /// Forget what was set here: what the identity provider says holds, also where it was held.
    Release(UserTarget),
    /// Delete a person, or archive where the profile keeps people.
    Delete(UserTarget),
}

/// Which person.
#[derive(Args, Clone, Debug)]
pub struct UserTarget {
    #[command(flatten)]
    pub target: Target,
    /// The userName, or the id.
    #[arg(long, value_name = "NAME")]
    pub user: String,
}

/// `usher group …`
#[derive(Debug, Subcommand)]
pub enum GroupAct {
    /// List groups.
    List(Target),
    /// Show one group and its members.
    Show {
        #[command(flatten)]
        target: Target,
        /// The id, or the name if no other group has it.
        #[arg(long, value_name = "GROUP")]
        group: String,
    },
    /// Carry out what waits for a group, because it would take the seats of too many people at once; or drop it.
    Release {
        #[command(flatten)]
        target: Target,
        /// The id, or the name if no other group has it.
        #[arg(long, value_name = "GROUP")]
        group: String,
        /// People keep role and seat.
        #[arg(long)]
        drop: bool,
    },
}

/// `usher breaker …`
#[derive(Debug, Subcommand)]
pub enum BreakerAct {
    /// Show the limits, the window that runs, and how many people wait.
    Show(Target),
    /// Turn the breaker on, change its limits, or turn it off; a running gateway obeys at once.
    Set {
        #[command(flatten)]
        target: Target,
        /// So many people may lose their access in a window in any case.
        #[arg(long, value_name = "NUMBER")]
        people: Option<i64>,
        /// So many percent of those who were active when the window began may; the greater of the two counts.
        #[arg(long, value_name = "PERCENT")]
        percent: Option<i64>,
        /// The length of a window, which begins with a loss.
        #[arg(long, value_name = "MINUTES")]
        minutes: Option<i64>,
        /// `off`: hold no further loss; who waits goes on waiting.
        #[arg(value_name = "off", value_parser = ["off"], conflicts_with_all = ["people", "percent", "minutes"])]
        off: Option<String>,
    },
    /// The same as `set off`.
    Off(Target),
    /// Carry out all losses that wait.
    Release(Target),
    /// Give back all that the window took: to the people who wait, and to those who lost their access before them.
    Rollback(Target),
}

/// `usher log-level …`
#[derive(Debug, Subcommand)]
pub enum LogLevelAct {
    /// Raise it; it ends by itself.
    Set {
        #[command(flatten)]
        whose: LogLevelOf,
        /// The level of detail: info, debug or trace.
        #[arg(long, value_parser = ["info", "debug", "trace"])]
        level: String,
        /// For how long.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_440))]
        minutes: u32,
    },
    /// Show the levels of a region that are raised now.
    Show(LogLevelOf),
    /// End one before its time.
    Unset(LogLevelOf),
}

/// The region or tenant whose lines are meant.
#[derive(Args, Clone, Debug)]
pub struct LogLevelOf {
    /// The region.
    #[arg(long, value_parser = region)]
    pub region: RegionCode,
    /// Only those of the tenant with this company key.
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub key: Option<CompanyKey>,
}

/// `usher seats …`
#[derive(Debug, Subcommand)]
pub enum SeatsAct {
    /// Show quota, use and waiting people of each license.
    Show(Target),
    /// Change quotas; a running gateway obeys at once.
    Set {
        #[command(flatten)]
        target: Target,
        /// Seats of a license: a number or `unlimited`.
        #[arg(required = true, value_name = "LICENSE=SEATS", value_parser = plan::quota)]
        seats: Vec<Quota>,
    },
    /// Change, or without a choice show, what a full license answers.
    Policy {
        #[command(flatten)]
        target: Target,
        /// refuse, fallback to the lesser license, hold (who finds no seat waits), or overage:SEATS or overage:SEATS:DAY.
        #[arg(value_name = "LICENSE=POLICY", value_parser = plan::policy)]
        policies: Vec<OfLicense<Choice>>,
    },
    /// Let who joins at full seats borrow one for a while, because another may be about to leave.
    Grace {
        #[command(flatten)]
        target: Target,
        /// Seats that may be borrowed at the same time, or `off`.
        #[arg(value_name = "LICENSE=SEATS", value_parser = plan::grace)]
        grace: OfLicense<Option<u32>>,
        /// For how long.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=525_600))]
        minutes: u32,
    },
    /// Add seats from one day until another, on top of `seats set`.
    Add {
        #[command(flatten)]
        target: Target,
        /// Seats of a license.
        #[arg(value_name = "LICENSE=SEATS", value_parser = plan::quota)]
        seats: Quota,
        /// The first day (UTC) [default: at once].
        #[arg(long, value_name = "DAY")]
        from: Option<Day>,
        /// The first day without them [default: for good].
        #[arg(long, value_name = "DAY")]
        until: Option<Day>,
        /// Where they come from, such as an order.
        #[arg(long, value_name = "TEXT", default_value = "")]
        source: String,
    },
    /// List the dated lines of the quotas.
    Plan(Target),
    /// Take a dated line away.
    Remove {
        #[command(flatten)]
        target: Target,
        /// Its number, as `seats plan` shows it.
        line: i64,
    },
    /// List who waits for a seat, in order.
    Waiting(Target),
    /// Recount the ledger; exits 0 only if it adds up.
    Audit(Target),
}

impl Target {
    /// Reads `ire/acme`.
    fn parse(text: &str) -> Result<Self, String> {
        let (of_region, of_key) =
            text.split_once('/').ok_or("a tenant is its region and its company key, such as ire/acme")?;
        let region = region(of_region).map_err(|error| error.to_string())?;
        Ok(Self { region, key: key(of_key).map_err(|error| error.to_string())? })
    }

    /// The path of the admin API below the tenant.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("regions/{}/tenants/{}{below}", self.region, self.key)
    }
}

/// The tenant as people write it: `ire/acme`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.region, self.key)
    }
}
