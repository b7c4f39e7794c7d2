//! `usher doctor`: what keeps a gateway on this machine from serving well, one sentence for each part, with what to do. It changes nothing,
//! and works beside a running gateway as well as before its first start.

mod data;
mod looked;
mod machine;
mod secrets;
mod services;

use std::{path::Path, process::ExitCode};

use serde_json::json;
use store::Stores;

use self::looked::Looked;
use crate::settings::Settings;

/// The exit code for findings, as of all commands.
const FINDINGS: u8 = 3;

/// Prints what was looked at; exit code 3 with findings.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn look(config: Option<&Path>, as_json: bool) -> Result<ExitCode, String> {
    let all = match Settings::read(config) {
        Ok(settings) => {
            let regions: Vec<&str> =
                settings.regions.keys().map(tenant_registry::RegionCode::as_str).collect();
            let told = format!("The settings are right; regions {} are served.", regions.join(", "));
            let mut all = vec![Looked::well("settings", told)];
            all.extend(parts(&settings)?);
            all
        }
        // Everything else depends on them.
        Err(fault) => vec![Looked::finding("settings", fault, "correct the key that is named")],
    };
    let findings = all.iter().filter(|looked| looked.is_finding()).count();
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    let count = match findings {
        0 => "Nothing to do.".to_owned(),
        1 => "One finding.".to_owned(),
        more => format!("{more} findings."),
    };
    let words = format!("{}\n{count}", lines.join("\n"));
    let shown = cli::answer(as_json, &json!({ "findings": findings, "looked": all }), &words);
    Ok(if findings == 0 { shown } else { ExitCode::from(FINDINGS) })
}

fn parts(settings: &Settings) -> Result<Vec<Looked>, String> {
    let stores = Stores::new(settings.store.settings()).map_err(|e| format!("stores: {e}"))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|e| format!("threads: {e}"))?;
    let (data, is_served) = data::directory(settings);
    let (of_stores, newest_ms) = data::stores(settings);
    let mut all = vec![data];
    all.extend(of_stores);
    all.push(machine::clock(settings, stores.clock().now_ms(), newest_ms));
    all.extend(machine::disks(settings));
    all.push(machine::descriptors(settings));
    all.extend(machine::ports(settings, is_served));
    all.extend(runtime.block_on(services::databases(settings, &stores)));
    all.push(runtime.block_on(services::redis(settings)));
    all.extend(secrets::files(settings));
    runtime.block_on(stores.shutdown());
    Ok(all)
}
