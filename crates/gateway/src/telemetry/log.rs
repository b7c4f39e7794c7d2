//! Log lines: one a request that was refused or failed, and what the process does. JSON or text, as the settings say.

use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _,
};

use super::levels::ByLevel;
use crate::settings::{LogFormat, Settings};

/// A layer of the subscriber of the process.
pub(super) type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging to standard error, beside the layer of traces where there is one.
///
/// # Errors
/// One sentence when `log.level` is no filter.
pub(crate) fn start(settings: &Settings, traces: Option<BoxedLayer>) -> Result<(), String> {
    let usual = EnvFilter::try_new(&settings.log.level)
        .map_err(|e| format!("settings: log.level {:?}: {e}", settings.log.level))?;
    let (lines, filter) = (fmt::layer().with_writer(std::io::stderr).with_target(false), ByLevel { usual });
    let lines = match settings.log.format {
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Text => lines.with_ansi(false).with_filter(filter).boxed(),
    };
    // A layer that is none would have every span made, for nobody.
    let layers: Vec<_> = traces.into_iter().chain([lines]).collect();
    registry().with(layers).try_init().map_err(|e| format!("logging: {e}"))
}
