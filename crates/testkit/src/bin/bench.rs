//! `make bench`: plays an identity provider against a release build of the gateway, holds every figure against the raw limits
//! of the machine taken in the same run, and prints one report. The run itself is in `testkit::bench`.

#![allow(clippy::print_stdout, reason = "the report is this program's output")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use testkit::bench::plan::{self, Options, Outcome};
use testkit::bench::raw::empty_handler;
use testkit::bench::{Result, goals, machine};

/// The project's closed-loop HTTP benchmark.
#[derive(Parser)]
#[command(name = "bench", args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Hidden>,
    /// The release binary under test [default: the one beside this program].
    #[arg(long, value_name = "FILE")]
    usher: Option<PathBuf>,
    /// Where data is kept while it runs, in a folder `run`; a real disk.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    folder: PathBuf,
    /// Writes the report as Markdown, too.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// The date in the report, instead of the system's.
    #[arg(long)]
    date: Option<String>,
    /// Length of one measured window.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How often each comparison is repeated.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Connections that ask at the same time.
    #[arg(long, default_value_t = 8)]
    workers: usize,
    /// Threads of the empty handler [default: one a core, as the gateway].
    #[arg(long)]
    server_workers: Option<usize>,
    /// Users of the small directory.
    #[arg(long, default_value_t = 1_000)]
    users_small: usize,
    /// Users of the directory of the steady mix.
    #[arg(long, default_value_t = 10_000)]
    users_usual: usize,
    /// Users of the large directory.
    #[arg(long, default_value_t = 100_000)]
    users_large: usize,
    /// Tenants that are probed in turn, beside one; 0 for none.
    #[arg(long, default_value_t = 10_000)]
    tenants: usize,
    /// Users of the directory that is walked by startIndex; 0 for none.
    #[arg(long, default_value_t = 1_000_000)]
    users: usize,
    /// Plays the rows of many tenants and of the large directory alone.
    #[arg(long)]
    size_only: bool,
    /// Tenants of the cell on PostgreSQL, which are asked in turn; 0 for no PostgreSQL.
    #[arg(long, default_value_t = 1_000)]
    cluster_tenants: usize,
    /// Plays the rows on PostgreSQL alone.
    #[arg(long)]
    cluster_only: bool,
    /// Compares the kinds of credentials alone.
    #[arg(long)]
    credentials_only: bool,
    /// Measures the cost of the provisioning log alone.
    #[arg(long)]
    log_only: bool,
    /// Another release's binary, to be compared with in turns, such as that of the commit before.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Operations a second of the fastest peer in the steady mix.
    #[arg(long, default_value_t = goals::PEER_MIX)]
    peer_mix: f64,
}

#[derive(Subcommand)]
enum Hidden {
    /// Serves empty answers until it is ended; prints its address.
    #[command(hide = true)]
    EmptyHandler {
        /// Threads.
        #[arg(long, default_value_t = 1)]
        workers: usize,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Hidden::EmptyHandler { workers }) => empty_handler::serve(workers).map(|()| ExitCode::SUCCESS),
        None => bench(arguments),
    };
    done.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::FAILURE
    })
}

fn bench(arguments: Arguments) -> Result<ExitCode> {
    let (options, markdown) = options(arguments)?;
    let folder = options.folder.clone();
    remove(&folder)?;
    // One thread: the driver must not take more than one core from the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(plan::run(options, |what| println!("{what}")))?;
    println!("{}\n{}", outcome.facts.text(), outcome.report.verdict());
    if let Some(file) = markdown {
        std::fs::write(&file, outcome.facts.markdown() + "\n" + &outcome.report.markdown())?;
    }
    if outcome.faults > 0 {
        return Err(faulty(&outcome, &folder).into());
    }
    remove(&folder)?;
    Ok(ExitCode::SUCCESS)
}

fn faulty(outcome: &Outcome, folder: &Path) -> String {
    let first = outcome.samples.join("\n- ");
    let folder = folder.display();
    let faults = outcome.faults;
    format!("{faults} unexpected answers: this run does not count. Data and log are in {folder}.\n- {first}")
}

fn options(arguments: Arguments) -> Result<(Options, Option<PathBuf>)> {
    let users = [arguments.users_small, arguments.users_usual, arguments.users_large];
    if users.iter().any(|&users| users < 200) || arguments.workers == 0 || arguments.rounds == 0 {
        return Err("at least 200 users in each directory, one worker and one round are needed".into());
    }
    let bench = std::env::current_exe()?;
    let options = Options {
        usher: arguments.usher.unwrap_or_else(|| bench.with_file_name("usher")),
        bench,
        folder: arguments.folder.join("run"),
        window: Duration::try_from_secs_f64(arguments.seconds)?,
        rounds: arguments.rounds,
        workers: arguments.workers,
        server_workers: arguments.server_workers.unwrap_or_else(machine::cores),
        users,
        tenants: arguments.tenants,
        users_walked: arguments.users,
        size_only: arguments.size_only,
        cluster_tenants: arguments.cluster_tenants,
        cluster_only: arguments.cluster_only,
        credentials_only: arguments.credentials_only,
        log_only: arguments.log_only,
        against: arguments.against,
        peer_mix: arguments.peer_mix,
        date: arguments.date,
    };
    Ok((options, arguments.markdown))
}

/// Removes the data of an earlier run.
fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", folder.display()).into())
        }
        _ => Ok(()),
    }
}
