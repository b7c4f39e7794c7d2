//! Workers in a closed loop: each sends, waits for the whole answer, checks it, sends the next. All of them live
//! on one thread beside the server, so that the driver never takes more than one core.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::Method;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::Value;

use super::Result;
use super::connection::{Answer, Connection};
use super::process::cpu_time;
use super::record::Record;

/// The server that the workers talk to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The address that the server listens on.
    pub address: SocketAddr,
    /// The path before `/Users`; empty for the empty handler.
    pub base_path: String,
    /// The value of `Authorization`, if it wants one.
    pub authorization: Option<String>,
    /// The process whose CPU time counts as the server's.
    pub process: u32,
}

/// The end of a phase: a time or a number of turns, whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    time: Option<Duration>,
    turns: usize,
}

impl Bound {
    /// Ends when the time is over.
    pub fn time(time: Duration) -> Self {
        Self { time: Some(time), turns: usize::MAX }
    }

    /// Ends after so many turns of all workers together.
    pub fn turns(turns: usize) -> Self {
        Self { time: None, turns }
    }

    /// Ends when the time is over or after so many turns.
    pub fn time_or_turns(time: Duration, turns: usize) -> Self {
        Self { time: Some(time), turns }
    }
}

/// One worker: its connection, its random numbers, its record.
pub struct Worker<'a> {
    /// 0 to `workers - 1`.
    pub number: usize,
    /// The number of workers.
    pub workers: usize,
    /// The same in every run that plays the same phases. Each phase has its own seed: with that of an earlier one a `PATCH` would send a
    /// value that is stored already.
    pub rng: StdRng,
    /// The path before `/Users`.
    base_path: String,
    connection: Connection,
    record: Record,
    turns: &'a Cell<usize>,
    bound: Bound,
    ends: Option<Instant>,
}

/// The result of one or more rounds of a phase.
#[derive(Default)]
pub struct Phase {
    /// The workers' records.
    pub record: Record,
    /// The time that they took.
    pub time: Duration,
    /// CPU time of the server meanwhile.
    pub server_cpu: Duration,
    /// CPU time of this process meanwhile.
    pub driver_cpu: Duration,
}

impl Phase {
    /// Adds another round of the same phase.
    pub fn absorb(&mut self, other: Phase) -> Result<()> {
        self.time += other.time;
        self.server_cpu += other.server_cpu;
        self.driver_cpu += other.driver_cpu;
        self.record.absorb(other.record)
    }

    /// Right answers a second to one operation.
    pub fn rate(&self, operation: &str) -> f64 {
        self.record.count(operation) as f64 / self.time.as_secs_f64()
    }

    /// Right answers a second to all operations.
    pub fn overall_rate(&self) -> f64 {
        self.record.total() as f64 / self.time.as_secs_f64()
    }
}

/// Runs `work` in each of `workers` workers at once; each calls [`Worker::turn`] until the phase is over.
pub async fn play<T>(
    target: &Target,
    workers: usize,
    bound: Bound,
    work: impl AsyncFn(&mut Worker<'_>) -> Result<T>,
) -> Result<(Phase, Vec<T>)> {
    /// The number of the next phase. It counts through the whole run, so that no two phases have the same seed.
    static PHASES: AtomicU64 = AtomicU64::new(0);
    let phase = PHASES.fetch_add(1, Ordering::Relaxed);
    let turns = Cell::new(0);
    let mut crew = Vec::with_capacity(workers);
    for number in 0..workers {
        crew.push(Worker {
            number,
            workers,
            rng: StdRng::seed_from_u64((phase << 32) | number as u64),
            base_path: target.base_path.clone(),
            connection: Connection::open(target.address, target.authorization.as_deref()).await?,
            record: Record::default(),
            turns: &turns,
            bound,
            ends: None,
        });
    }

    let cpu_before = (cpu_time(target.process)?, cpu_time(std::process::id())?);
    let begun = Instant::now();
    let mut running: FuturesUnordered<_> = crew
        .iter_mut()
        .map(|worker| {
            worker.ends = bound.time.map(|time| begun + time);
            work(worker)
        })
        .collect();
    let mut results = Vec::with_capacity(workers);
    while let Some(result) = running.next().await {
        results.push(result?);
    }
    drop(running);

    let mut phase = Phase {
        time: begun.elapsed(),
        server_cpu: cpu_time(target.process)?.saturating_sub(cpu_before.0),
        driver_cpu: cpu_time(std::process::id())?.saturating_sub(cpu_before.1),
        ..Phase::default()
    };
    for worker in crew {
        phase.record.absorb(worker.record)?;
    }
    Ok((phase, results))
}

/// Runs `work` in each worker again and again, with the number of the turn.
pub async fn play_turns(
    target: &Target,
    workers: usize,
    bound: Bound,
    work: impl AsyncFn(&mut Worker<'_>, usize) -> Result<()>,
) -> Result<Phase> {
    let turns = async |worker: &mut Worker<'_>| {
        while let Some(turn) = worker.turn() {
            work(worker, turn).await?;
        }
        Ok(())
    };
    let (phase, _) = play(target, workers, bound, turns).await?;
    Ok(phase)
}

impl Worker<'_> {
    /// The number of the next turn, counted over all workers; `None` when the phase is over.
    pub fn turn(&self) -> Option<usize> {
        let turn = self.turns.get();
        if turn >= self.bound.turns || self.ends.is_some_and(|ends| Instant::now() >= ends) {
            return None;
        }
        self.turns.set(turn + 1);
        Some(turn)
    }

    /// Talks to another tenant of the same server from now on.
    pub fn turn_to(&mut self, tenant: &Target) -> Result<()> {
        self.base_path.clone_from(&tenant.base_path);
        self.connection.authorize(tenant.authorization.as_deref())
    }

    /// One request and the check of its answer: `Some` when it was right, else the answer is kept as a fault.
    /// `Err` only when there was no answer at all.
    pub async fn ask<T>(
        &mut self,
        operation: &'static str,
        method: Method,
        path: &str,
        body: Option<&Value>,
        check: impl FnOnce(&Answer) -> std::result::Result<T, String>,
    ) -> Result<Option<T>> {
        let body = body.map(serde_json::to_vec).transpose()?.map(Bytes::from);
        self.ask_bytes(|_| operation, method, path, body, check).await
    }

    /// As [`Worker::ask`], with a body as it is sent and a name that the answer decides.
    pub async fn ask_bytes<T>(
        &mut self,
        name: impl FnOnce(&Answer) -> &'static str,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        check: impl FnOnce(&Answer) -> std::result::Result<T, String>,
    ) -> Result<Option<T>> {
        let whole_path = format!("{}{path}", self.base_path);
        let answer = self.connection.send(method.clone(), &whole_path, body).await?;
        let checked = check(&answer);
        let operation = name(&answer);
        match checked {
            Ok(found) => {
                self.record.right(operation, answer.took)?;
                Ok(Some(found))
            }
            Err(why) => {
                let text = String::from_utf8_lossy(&answer.body);
                self.record.wrong(operation, &format!("{method} {path}: {why}: {} {text}", answer.status));
                Ok(None)
            }
        }
    }

    /// A fault that is no single answer's: a walk that ended early, a member too few.
    pub fn complain(&mut self, operation: &str, why: &str) {
        self.record.wrong(operation, why);
    }
}
