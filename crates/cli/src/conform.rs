//! `usher conformance`: the checks of the crate of that name, against any server.

use std::{fs, process::ExitCode, sync::atomic::AtomicBool, time::Duration};

use conformance::{Plan, Report, Server, groups, junit, run};
use uuid::Uuid;

use crate::{client, commands::ConformanceWords, mistake::Mistake, output};

/// For one answer.
const TIME_TO_ANSWER: Duration = Duration::from_secs(30);

/// Checks a server. When `interrupted` becomes true, it stops, deletes what it made and says what it found until then.
#[must_use]
pub fn conformance(words: &ConformanceWords, interrupted: &AtomicBool) -> ExitCode {
    match checked(words, interrupted).and_then(|report| told(words, &report).map(|()| report)) {
        Ok(report) => ExitCode::from(u8::from(!report.holds())),
        Err(mistake) => mistake.report(),
    }
}

fn checked(words: &ConformanceWords, interrupted: &AtomicBool) -> Result<Report, Mistake> {
    let token = fs::read_to_string(&words.token_file)
        .map_err(|e| Mistake::usage(format!("{} cannot be read: {e}.", words.token_file.display())))?;
    let agent = client::agent(words.base.trim(), words.ca_file.as_deref(), TIME_TO_ANSWER)
        .map_err(Mistake::into_usage)?;
    let server = Server::new(agent, &words.base, &token, interrupted).map_err(Mistake::Usage)?;
    let groups = groups().map_err(Mistake::Failed)?;
    let id = Uuid::new_v4().simple().to_string();
    let plan = Plan { groups: &groups, claims: &words.claim, run: id.get(..8).unwrap_or(&id) };
    // A server that cannot be reached is no failed check.
    run(&server, plan).map_err(Mistake::Usage)
}

fn told(words: &ConformanceWords, report: &Report) -> Result<(), Mistake> {
    if let Some(file) = &words.junit {
        fs::write(file, junit(report))
            .map_err(|e| Mistake::usage(format!("{} cannot be written: {e}.", file.display())))?;
    }
    let json = || serde_json::to_string(report).map_err(|e| Mistake::failed(e.to_string()));
    output::text(&if words.json { json()? } else { report.text() })
}
