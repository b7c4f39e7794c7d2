//! The connection to Redis: made in the background, pinged, and made again when it is lost. A request waits for Redis only a moment,
//! and only while Redis is prompt.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, Msg, PushInfo, PushKind, RedisResult, ScriptInvocation,
    aio::MultiplexedConnection, cmd,
};
use store::TRACES;
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tracing::{Instrument as _, info, info_span, warn};

use super::{
    messages::{CHANNEL, Caches, Forget, Outbox},
    trust::Trust,
};
use metrics::RedisMetrics;

/// A request waits no longer for Redis; a prompt ping takes no longer either.
const PATIENCE: Duration = Duration::from_millis(100);
/// A lost connection is noticed after this and [`SILENCE`] at the latest, which is less than [`CACHE_TIME_ALONE`].
const PING_EVERY: Duration = Duration::from_millis(250);
/// A Redis that says nothing for so long is down.
const SILENCE: Duration = Duration::from_millis(500);
/// For a new connection, which no request waits for.
const CONNECTING: Duration = Duration::from_secs(1);
/// Between two attempts to connect: it doubles from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(2);
/// A connection that lasted so long has shown that Redis is well.
const LASTING: Duration = Duration::from_secs(10);

/// While messages arrive, what is cached may be older, but not without end: a process that Redis cannot be reached from sends none.
const CACHE_TIME_LINKED: Duration = Duration::from_secs(5);
/// Without Redis, so that what staff change holds at every process within a second.
pub(crate) const CACHE_TIME_ALONE: Duration = Duration::from_millis(800);

enum State {
    /// No connection: no messages, no counts.
    Down,
    /// Messages arrive, but requests do not wait for counts.
    Slow,
    Up(MultiplexedConnection),
}

/// This process's connection to Redis.
pub(crate) struct Link {
    client: Client,
    state: RwLock<State>,
    outbox: Arc<Outbox>,
    metrics: RedisMetrics,
}

impl Link {
    /// Connects to nothing yet; see [`Self::keep`].
    pub(crate) fn new(client: Client, metrics: RedisMetrics) -> Self {
        let link = Self { client, state: RwLock::new(State::Down), outbox: Arc::default(), metrics };
        link.put(State::Down);
        link
    }

    /// Messages to the other processes.
    pub(crate) fn outbox(&self) -> Arc<Outbox> {
        Arc::clone(&self.outbox)
    }

    /// Runs a script. `None` when Redis cannot be asked, or did not answer in time: the caller decides alone.
    pub(super) async fn ask<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Option<T> {
        let mut connection = match &*self.state.read().unwrap_or_else(PoisonError::into_inner) {
            State::Up(connection) => connection.clone(),
            State::Down | State::Slow => return None,
        };
        let answered = {
            let _timed = self.metrics.seconds.start_timer();
            let span = info_span!(target: TRACES, "script", otel.kind = "client", db.system.name = "redis");
            timeout(PATIENCE, call.invoke_async(&mut connection)).instrument(span).await
        };
        let cause = match answered {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it did not answer in time".to_owned(),
        };
        self.metrics.errors.inc();
        self.slow_down(&cause);
        None
    }

    /// Keeps a connection for as long as the process lives, and tells the caches what arrives.
    pub(crate) async fn keep(&self, caches: Arc<dyn Caches>) {
        let (mut pause, mut is_told) = (FIRST_PAUSE, false);
        loop {
            let lost = Arc::new(Notify::new());
            let cause = match self.connect(&caches, &lost).await {
                Ok(connection) => {
                    let began = Instant::now();
                    // What was sent since the last connection was lost is lost as well.
                    caches.forget_everything();
                    caches.limit_cache_time(CACHE_TIME_LINKED);
                    self.put(State::Up(connection.clone()));
                    info!("redis is reached");
                    let cause = self.watch(connection, &lost).await;
                    self.put(State::Down);
                    caches.limit_cache_time(CACHE_TIME_ALONE);
                    is_told = false;
                    if began.elapsed() > LASTING {
                        pause = FIRST_PAUSE;
                    }
                    cause
                }
                Err(error) => error.to_string(),
            };
            self.metrics.errors.inc();
            if !std::mem::replace(&mut is_told, true) {
                warn!(cause, "redis is not reached; limits are those of this process, and caches last 0.8 s");
            }
            sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    async fn connect(
        &self,
        caches: &Arc<dyn Caches>,
        lost: &Arc<Notify>,
    ) -> RedisResult<MultiplexedConnection> {
        let (caches, lost) = (Arc::clone(caches), Arc::clone(lost));
        let hear = move |push: PushInfo| {
            match push.kind {
                PushKind::Disconnection => lost.notify_one(),
                PushKind::Message => obey(caches.as_ref(), push),
                _ => {}
            }
            Ok::<_, std::convert::Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(SILENCE))
            .set_push_sender(hear);
        let connecting = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            connection.subscribe(CHANNEL).await?;
            Ok(connection)
        };
        // The library bounds each step of a handshake; this is the bound of the whole.
        let late = |_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
        timeout(CONNECTING * 2, connecting).await.unwrap_or_else(late)
    }

    /// Pings and sends messages until the connection is lost; returns why.
    async fn watch(&self, mut connection: MultiplexedConnection, lost: &Notify) -> String {
        let mut trust = Trust::new();
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                _ = pings.tick() => self.ping(&mut connection, &mut trust).await,
                () = self.outbox.filled() => self.outbox.send(&mut connection).await,
                () = lost.notified() => return "the connection was closed".to_owned(),
            };
            if let Err(error) = done {
                return error.to_string();
            }
        }
    }

    async fn ping(&self, connection: &mut MultiplexedConnection, trust: &mut Trust) -> RedisResult<()> {
        let has_lapsed = trust.is_trusted() && !self.is_up();
        let began = Instant::now();
        cmd("PING").exec_async(connection).await?;
        if !trust.note(began.elapsed() <= PATIENCE, has_lapsed) {
            self.slow_down("a ping was answered late");
        } else if !self.is_up() {
            self.put(State::Up(connection.clone()));
            info!("redis is prompt again");
        }
        Ok(())
    }

    fn is_up(&self) -> bool {
        matches!(*self.state.read().unwrap_or_else(PoisonError::into_inner), State::Up(_))
    }

    /// Requests do not wait for Redis any more, until it has shown that it is prompt.
    fn slow_down(&self, cause: &str) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Up(_)) {
            *state = State::Slow;
            self.metrics.fallback_active.set(1);
            warn!(cause, "redis is slow; limits are those of this process");
        }
    }

    fn put(&self, next: State) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        self.metrics.up.set((!matches!(next, State::Down)).into());
        self.metrics.fallback_active.set((!matches!(next, State::Up(_))).into());
        *state = next;
    }
}

/// Forgets what a message names; everything when it cannot be read.
fn obey(caches: &dyn Caches, push: PushInfo) {
    match Msg::from_push_info(push).and_then(|message| Forget::read(message.get_payload_bytes())) {
        Some(what) => caches.forget(&what),
        None => caches.forget_everything(),
    }
}
