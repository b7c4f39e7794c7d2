//! Log lines: one a request that was refused or failed, and what the process does. JSON or text, as the settings say.

use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::{LogFormat, Settings};

/// Starts logging to standard error.
///
/// # Errors
/// One sentence when `log.level` is no filter.
pub(crate) fn start(settings: &Settings) -> Result<(), String> {
    let filter = EnvFilter::try_new(&settings.log.level)
        .map_err(|e| format!("settings: log.level {:?}: {e}", settings.log.level))?;
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = match settings.log.format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
    started.map_err(|e| format!("logging: {e}"))
}
