//! `make demo`: five products side by side: the identity providers of five tenants provision them over HTTP, against the real binary. The table at the end is made of the answers; when one differs from the story, the demo fails.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the demo is told on a terminal, and fails by panicking"
)]

mod acme;
mod admin;
mod entra;
mod globex;
mod hooli;
mod initech;
mod okta;
mod questions;
mod stage;
mod story;
mod summary;
mod told;
mod umbrella;

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use stage::Stage;
use told::Told;

fn main() -> ExitCode {
    let mut stage = Stage::set();
    let played = catch_unwind(AssertUnwindSafe(|| play(&stage)));
    if stage.is_told_to_stop() {
        stage.gateway.wait_for_end();
        return ExitCode::from(130);
    }
    if played.is_err() {
        eprintln!(
            "\nThe demo did not go as its story says. What the gateway wrote: {}",
            stage.keep().display()
        );
        return ExitCode::FAILURE;
    }
    if env::var("DEMO_EXIT").is_ok_and(|value| !value.is_empty() && value != "0") {
        return if stage.gateway.stop() == Some(0) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    stage.what_to_try_next();
    stage.wait();
    ExitCode::SUCCESS
}

/// The five stories, the table, the recount, and three questions.
fn play(stage: &Stage) {
    let told = Told::new();
    let stories = [
        acme::play(stage, &told),
        globex::play(stage, &told),
        initech::play(stage, &told),
        umbrella::play(stage, &told),
        hooli::play(stage, &told),
    ];
    summary::print(&told, &stories);
    told.heading("The ledgers, recounted");
    for story in &stories {
        admin::audit(&stage.gateway, story);
    }
    questions::ask(&stage.gateway, &told);
    let requests: usize = stories.iter().map(|story| story.requests).sum();
    told.closing(&format!("{requests} SCIM requests were answered, all as the story says."));
}
