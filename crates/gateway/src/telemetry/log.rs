//! Log lines: one a request that was refused or failed, and what the process does. JSON or text, as the settings say.

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _,
};

use super::{levels::ByLevel, traces::Exporting};
use crate::settings::{LogFormat, Settings};

/// Starts logging to standard error, and the sending of traces.
///
/// # Errors
/// One sentence when `log.level` is no filter, or about a setting of `[traces]`.
pub(crate) fn start(settings: &Settings) -> Result<Exporting, String> {
    let usual = EnvFilter::try_new(&settings.log.level)
        .map_err(|e| format!("settings: log.level {:?}: {e}", settings.log.level))?;
    let (lines, filter) = (fmt::layer().with_writer(std::io::stderr).with_target(false), ByLevel { usual });
    let exporting = Exporting::start(&settings.traces)?;
    let lines = match settings.log.format {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
    };
    // A layer that is none would have every span made, for nobody.
    let layers: Vec<_> = exporting.layer().into_iter().chain([lines]).collect();
    registry().with(layers).try_init().map_err(|e| format!("logging: {e}"))?;
    Ok(exporting)
}
