//! `usher backup` and `usher restore`: a process of their own beside the one that serves. One tenant is restored by the latter, which
//! is sent the tenant's export.

use std::{
    io::{Seek as _, Write as _},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use backup::{Folder, Moment, Run, Summary};
use cli::{BackupWords, Progress, RestoreWords, Target};
use provisioning::timestamp::iso;
use serde_json::json;
use tenant_registry::{CompanyKey, RegionCode};

use crate::{process_limits::make_files_for_this_user_only, settings::Settings};

/// Runs a backup.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn back_up(words: BackupWords) -> Result<ExitCode, String> {
    make_files_for_this_user_only();
    let data_dir = match words.data_dir {
        Some(named) => named,
        None => Settings::read(words.config.as_deref())?.data_dir,
    };
    let folder = Folder::open_to_write(&words.to).map_err(sentence)?;
    let progress = Progress::of_things("stores", None);
    let mut note = |done: usize| progress.reached(u64::try_from(done).unwrap_or_default());
    let done = backup::back_up(&data_dir, &folder, &now()?, &mut note).map_err(sentence)?;
    let removed = match words.keep {
        Some(keep) => {
            backup::prune(&folder, usize::try_from(keep).unwrap_or(usize::MAX)).map_err(sentence)?
        }
        None => 0,
    };
    drop(progress);
    let mut answer = serde_json::to_value(&done).unwrap_or_default();
    if let Some(members) = answer.as_object_mut() {
        members.insert("removed_runs".to_owned(), removed.into());
    }
    let printed = cli::answer(words.json, &answer, &told(&done));
    match done.problems.as_slice() {
        [] => Ok(printed),
        problems => Err(format!("{}.", problems.join("; "))),
    }
}

fn told(done: &Summary) -> String {
    format!(
        "The run of {} holds {} stores: {} were copied ({} bytes), {} had not changed.",
        done.at, done.stores, done.copied, done.bytes, done.unchanged
    )
}

/// Restores a whole backup, or one tenant.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn restore(words: RestoreWords) -> Result<ExitCode, String> {
    make_files_for_this_user_only();
    match (&words.region, &words.tenant) {
        (Some(region), Some(key)) => restore_tenant(&words, region, key),
        _ => restore_all(&words),
    }
}

fn restore_all(words: &RestoreWords) -> Result<ExitCode, String> {
    let Some(data_dir) = &words.options.data_dir else {
        return Err("Name the new data directory with --data-dir.".to_owned());
    };
    let folder = Folder::open(&words.from).map_err(sentence)?;
    let run = Run::find(&folder, words.at).map_err(sentence)?;
    let done = backup::restore(&folder, &run, data_dir).map_err(sentence)?;
    let mut told = format!(
        "The run of {} is restored into {}: {} stores, {} bytes. Its admin token is a new one, made at the first start.",
        done.at,
        data_dir.display(),
        done.stores,
        done.bytes
    );
    for problem in &done.problems {
        told = format!("{told}\nThe run had told: {problem}.");
    }
    Ok(cli::answer(words.options.json, &json!(done), &told))
}

fn restore_tenant(words: &RestoreWords, region: &RegionCode, key: &CompanyKey) -> Result<ExitCode, String> {
    let folder = Folder::open(&words.from).map_err(sentence)?;
    let run = Run::find(&folder, words.at).map_err(sentence)?;
    let unwritten = |error: std::io::Error| format!("The export cannot be written: {error}.");
    let mut export = tempfile::tempfile().map_err(unwritten)?;
    let mut out = std::io::BufWriter::new(&export);
    backup::extract(&folder, &run, region, key, &mut out).map_err(sentence)?;
    out.flush().map_err(unwritten)?;
    drop(out);
    export.rewind().map_err(unwritten)?;
    let target = Target { region: region.clone(), key: key.clone() };
    Ok(cli::restore_tenant(export, &target, &words.options))
}

fn now() -> Result<Moment, String> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    let ms = ms.ok_or_else(|| "The machine's clock is before 1970: set it.".to_owned())?;
    Ok(Moment { text: iso(ms), ms })
}

fn sentence(error: impl std::fmt::Display) -> String {
    format!("{error}.")
}
