//! `make demo`: two identity providers provision two tenants in two regions and run out of seats, over HTTP, against the
//! real binary. The table at the end is made of the answers; when they are not what the story says, the demo fails.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the demo is told on a terminal")]

mod acme;
mod admin;
mod entra;
mod gateway;
mod globex;
mod idp;
mod okta;
mod story;
mod table;
mod told;

use std::{env, process::ExitCode};

use gateway::Gateway;
use story::{Story, Wrong};
use told::Told;

fn main() -> ExitCode {
    let mut gateway = match Gateway::start() {
        Ok(gateway) => gateway,
        Err(wrong) => return failed(&wrong, None),
    };
    match play(&gateway) {
        Err(_) if gateway.is_told_to_stop() => ExitCode::from(130),
        Err(wrong) => failed(&wrong, Some(gateway)),
        Ok(()) if env::var("DEMO_EXIT").is_ok_and(|value| !value.is_empty() && value != "0") => {
            end(&mut gateway)
        }
        Ok(()) => {
            gateway.what_to_try_next();
            gateway.wait();
            ExitCode::SUCCESS
        }
    }
}

fn end(gateway: &mut Gateway) -> ExitCode {
    match gateway.stop() {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => failed(&wrong, None),
    }
}

/// The two stories, the table, and the recount.
fn play(gateway: &Gateway) -> Result<(), Wrong> {
    let told = Told::new();
    let mut acme = Story::new(&told, "ire/acme");
    acme::play(gateway, &mut acme)?;
    let mut globex = Story::new(&told, "us/globex");
    globex::play(gateway, &mut globex)?;

    table::print(&told, &[&acme, &globex]);
    told.heading("The ledgers, recounted");
    for tenant in [("ire", "acme"), ("us", "globex")] {
        admin::audit(gateway, &told, tenant)?;
    }
    told.closing(&format!(
        "{} SCIM requests were answered, all as the story says.",
        acme.requests() + globex.requests()
    ));
    Ok(())
}

fn failed(wrong: &Wrong, gateway: Option<Gateway>) -> ExitCode {
    eprintln!("\nThe demo did not go as its story says: {wrong}");
    if let Some(gateway) = gateway {
        eprintln!("What the gateway wrote: {}", gateway.keep_data().display());
    }
    ExitCode::FAILURE
}
