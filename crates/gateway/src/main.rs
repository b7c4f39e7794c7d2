//! The binary `usher`: the gateway (`usher serve`) and the command line that talks to a running one.

mod admin;
mod api_error;
mod app;
mod attempts;
mod backups;
mod breaker;
mod bucket;
mod client_address;
mod counters;
mod credential;
mod data_dir;
mod descriptors;
mod doctor;
mod dropped;
mod expiry;
mod health;
mod health_check;
mod health_writer;
mod http;
mod interruption;
mod issuers;
mod listeners;
mod log_writer;
mod migrate;
mod oauth;
mod outgoing;
mod process_limits;
mod protection;
mod pulses;
mod rate_limit;
mod recognition;
mod refusal_page;
mod refused_writes;
mod regions;
mod request_id;
mod scim;
mod secret_file;
mod serve;
mod service_manager;
mod settings;
mod shared;
mod shares;
mod signatures;
#[cfg(test)]
mod some_tenant;
mod stop;
mod telemetry;
mod tenant_rules;
mod tick;
mod traffic;

use std::process::ExitCode;

/// Requests are made of many small allocations that move between threads; the system's allocator takes locks for those.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before a secret is read, in the command line too.
    let dumps = process_limits::leave_no_dumps();
    let command = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli.command,
        Err(code) => return code,
    };
    let done = match command {
        cli::Command::Serve { config } => {
            dumps.and_then(|()| serve::serve(config.as_deref())).map(|()| ExitCode::SUCCESS)
        }
        cli::Command::Healthcheck { config } => health_check::check(config.as_deref()),
        cli::Command::Doctor { config, json } => doctor::look(config.as_deref(), json),
        cli::Command::Migrate { config, json } => {
            dumps.and_then(|()| migrate::migrate(config.as_deref(), json))
        }
        cli::Command::OpenApi { profile, strict } => {
            scim::openapi::document(&profile, strict).map(|document| cli::show_document(&document))
        }
        cli::Command::Backup(words) => backups::back_up(words),
        cli::Command::Restore(words) => backups::restore(words),
        cli::Command::Conformance(words) => {
            interruption::watch().map(|interrupted| cli::conformance(&words, interrupted))
        }
        cli::Command::Client(command) => Ok(cli::dispatch(command)),
    };
    done.unwrap_or_else(|sentence| cli::fail(&sentence))
}
