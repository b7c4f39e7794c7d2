//! What systemd is told (sd_notify(3)): that the process serves, that it stops, and, as long as it really serves, that it is alive. Where
//! `NOTIFY_SOCKET` is absent nobody is told.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use sd_notify::NotifyState;
use tokio::time::{interval, timeout};
use tracing::warn;

use crate::{app::App, pulses::Pulses};

/// The process serves.
pub(crate) fn tell_ready() {
    tell(&[NotifyState::Ready]);
}

/// A stop has begun.
pub(crate) fn tell_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "the service manager could not be told");
    }
}

/// Twice within the time after which systemd ends a silent process (`WatchdogSec=`): the process looks at itself and tells that it is alive,
/// if all its workers turn and each registry's threads answer. Any answer counts: a database that is away is not cured by a restart.
pub(crate) async fn feed_watchdog(app: Arc<App>, pulses: Pulses) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let half = patience / 2;
    let mut turns = interval(half);
    let mut is_known_silent = false;
    loop {
        turns.tick().await;
        match silent_part(&app, &pulses, half).await {
            None => {
                tell(&[NotifyState::Watchdog]);
                is_known_silent = false;
            }
            Some(part) if !is_known_silent => {
                warn!(part, "the watchdog is not told that this process is alive");
                is_known_silent = true;
            }
            Some(_) => {}
        }
    }
}

/// A part of the process that did not answer in time.
async fn silent_part(app: &App, pulses: &Pulses, longest: Duration) -> Option<&'static str> {
    if !pulses.all_beat_within(longest) {
        return Some("a worker");
    }
    let registries = app.regions.registries().filter_map(Result::ok);
    let asked = join_all(registries.map(async |registry| registry.page(None, 1).await));
    // The rest of the time is for the tick after this one.
    timeout(longest / 2, asked).await.err().map(|_| "a registry")
}

/// Whether somebody looks whether this process is alive.
pub(crate) fn watches() -> bool {
    sd_notify::watchdog_enabled().is_some()
}
