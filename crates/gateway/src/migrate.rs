//! `usher migrate`: brings every store of every served region to the newest migration, beside the processes that serve them.

use std::{path::Path, process::ExitCode};

use cli::Progress;
use futures_util::{StreamExt as _, stream};
use provisioning::TENANT_MIGRATIONS;
use serde_json::json;
use store::Stores;
use tenant_registry::{RegionCode, Upgrade};

use crate::{process_limits::make_files_for_this_user_only, settings::Settings};

/// Stores that are migrated at the same time: enough for two cores, few beside requests.
const AT_ONCE: usize = 4;

/// Prints how many stores are behind afterwards; exit code 1 when there are any.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn migrate(config: Option<&Path>, as_json: bool) -> Result<ExitCode, String> {
    make_files_for_this_user_only();
    let settings = Settings::read(config)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| format!("threads: {e}"))?;
    let Outcome { migrated, behind } = runtime.block_on(all(&settings))?;
    let said = if as_json {
        json!({ "behind": behind }).to_string()
    } else {
        format!("{migrated} stores were migrated; {behind} are behind.")
    };
    let shown = cli::show_text(&said);
    Ok(if behind == 0 { shown } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Outcome {
    migrated: usize,
    behind: usize,
}

async fn all(settings: &Settings) -> Result<Outcome, String> {
    let stores = Stores::new(settings.store.settings()).map_err(|e| format!("stores: {e}"))?;
    let mut outcome = Outcome::default();
    for (code, region) in &settings.regions {
        let failed = |error: tenant_registry::RegistryError| format!("region {code}: {error}");
        let begun = Upgrade::begin(&stores, code.clone(), region.place.clone(), TENANT_MIGRATIONS);
        if let Some(upgrade) = begun.await.map_err(failed)? {
            of_region(code, &upgrade, &mut outcome).await.map_err(failed)?;
        }
    }
    stores.shutdown().await;
    Ok(outcome)
}

async fn of_region(
    code: &RegionCode,
    upgrade: &Upgrade,
    outcome: &mut Outcome,
) -> Result<(), tenant_registry::RegistryError> {
    let behind = upgrade.behind().await?;
    let (all, mut done) = (u64::try_from(behind.len()).unwrap_or(u64::MAX), 0);
    let progress = Progress::of_things(format!("{code}: stores"), Some(all));
    let mut migrations = stream::iter(behind)
        .map(async |store| (store.company_key.clone(), upgrade.migrate(store).await))
        .buffer_unordered(AT_ONCE);
    while let Some((key, migrated)) = migrations.next().await {
        done += 1;
        match migrated {
            Ok(()) => outcome.migrated += 1,
            Err(error) => {
                outcome.behind += 1;
                progress.tell(&format!("{code}/{key}: {error}"));
            }
        }
        progress.reached(done);
    }
    Ok(())
}
