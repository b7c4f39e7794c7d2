//! A stop in order: readiness goes first and clients are served as ever while load balancers notice; then nothing more is accepted and each
//! response ends its connection; what is under way ends; stores are written back. A second signal ends the process at once.

use std::{sync::Arc, time::Duration};

use actix_web::rt::{self, time::sleep_until};
use futures_util::future::join_all;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::Instant,
};
use tracing::{info, warn};

use crate::{
    app::App,
    http::{Connections, Stopper},
    service_manager,
    settings::Server,
};

/// The part of a stop that is kept for background work and stores.
const FOR_STORES: Duration = Duration::from_secs(2);

/// SIGTERM and SIGINT.
pub(crate) struct Signals(Option<[Signal; 2]>);

impl Signals {
    /// From here on the signals do not end the process by themselves.
    pub(crate) fn watch() -> Self {
        let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
        Self(match signals {
            (Ok(terminate), Ok(interrupt)) => Some([terminate, interrupt]),
            _ => None,
        })
    }

    /// Waits for the next one.
    async fn next(&mut self) -> SignalKind {
        let Some([terminate, interrupt]) = &mut self.0 else {
            warn!("signals cannot be waited for; stop this process with SIGKILL");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => SignalKind::terminate(),
            _ = interrupt.recv() => SignalKind::interrupt(),
        }
    }

    /// Ends the process at the next one, as `kill -9` would: stores are ready for that at any time.
    async fn end_at_next(mut self) {
        /// What a shell adds to the number of the signal that ended a program.
        const ENDED_BY_SIGNAL: i32 = 128;
        let signal = self.next().await;
        warn!("a second signal ends the process at once");
        std::process::exit(ENDED_BY_SIGNAL + signal.as_raw_value());
    }
}

/// The times of a stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Until nothing more is accepted.
    lead: Duration,
    /// Until the process has ended.
    whole: Duration,
}

impl Schedule {
    pub(crate) fn of(server: &Server) -> Self {
        Self { lead: server.shutdown_lead_seconds.0, whole: server.shutdown_seconds.0 }
    }
}

/// Waits for a signal, then until the clients have their answers. Returns when the process must have ended.
pub(crate) async fn when_asked(
    mut signals: Signals,
    schedule: Schedule,
    app: Arc<App>,
    connections: Connections,
    listeners: Vec<Stopper>,
) -> Instant {
    signals.next().await;
    let began = Instant::now();
    rt::spawn(signals.end_at_next());
    app.stop_being_ready();
    service_manager::tell_stopping();
    info!("stopping");
    sleep_until(began + schedule.lead).await;
    connections.stop();
    let deadline = began + schedule.whole;
    let ended = join_all(listeners.into_iter().map(|listener| listener.stop(deadline - FOR_STORES))).await;
    if ended.contains(&false) {
        warn!("requests were cut, because server.shutdown_seconds were nearly over");
    }
    deadline
}
