//! The binary `usher`: the gateway (`usher serve`) and the command line that talks to a running one.

mod admin;
mod api_error;
mod app;
mod attempts;
mod cli;
mod dropped;
mod health;
mod http;
mod protection;
mod request_id;
mod scim;
mod serve;
mod settings;
mod telemetry;
mod tenant_rules;

use std::process::ExitCode;

/// Requests are made of many small allocations that move between threads; the system's allocator takes locks for those.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(cli::Cli { command: cli::Command::Serve { config } }) => match serve::serve(config.as_deref()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(sentence) => cli::fail(&sentence),
        },
        Ok(cli::Cli { command: cli::Command::Client(command) }) => cli::dispatch(command),
        Err(code) => code,
    }
}
