//! The keys of all issuers, and the one task that fetches them. At one address one request is under way at a time; whoever waits for it gets
//! what it brings.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use prometheus::IntCounterVec;
use tenant_registry::KeySource;
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, JoinSet},
};
use tracing::{info, warn};

use super::{
    download::Downloads,
    key_set::{KeySet, PublicKey},
    source::{Knowledge, Source},
};

/// Requests that wait for the task. One more is answered with "later".
const WAITING: usize = 1_024;
/// Fetches under way at a time.
const AT_ONCE: usize = 8;

/// What is known of a key by the end of a request's patience.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    Key(Arc<PublicKey>),
    /// The issuer has no such key.
    No,
    /// The issuer is down, or no fetch is due for so many seconds.
    Later(u64),
}

struct Asked {
    url: String,
    kid: String,
    /// `None`: nobody waits.
    reply: Option<oneshot::Sender<Found>>,
}

type Sources = Arc<Mutex<HashMap<String, Source>>>;

/// The keys of all issuers.
pub(super) struct Keys {
    sources: Sources,
    pause: Duration,
    ask: mpsc::Sender<Asked>,
}

impl Keys {
    /// Starts the task, which ends with this value.
    pub(super) fn start(downloads: Downloads, pause: Duration, fetches: IntCounterVec) -> Self {
        let (ask, asked) = mpsc::channel(WAITING);
        let sources = Sources::default();
        let task = Task {
            sources: Arc::clone(&sources),
            pause,
            downloads,
            fetches,
            under_way: JoinSet::new(),
            waiting: HashMap::new(),
        };
        actix_web::rt::spawn(task.run(asked));
        Self { sources, pause, ask }
    }

    /// The key of this name; fetched where it is unknown and a fetch is due.
    pub(super) async fn find(&self, source: &KeySource, kid: &str) -> Found {
        let url = match source {
            KeySource::Url(url) => url,
            KeySource::Set(set) => {
                let key = KeySet::of(set.clone()).ok().and_then(|set| set.get(kid));
                return key.map_or(Found::No, Found::Key);
            }
        };
        let known =
            lock(&self.sources).entry(url.clone()).or_default().knows(kid, Instant::now(), self.pause);
        let asked = |reply| Asked { url: url.clone(), kid: kid.to_owned(), reply };
        match known {
            Knowledge::Key(key) => Found::Key(key),
            Knowledge::OldKey(key) => {
                let _the_next_request_asks_again = self.ask.try_send(asked(None));
                Found::Key(key)
            }
            Knowledge::Lacking => Found::No,
            Knowledge::Later(seconds) => Found::Later(seconds),
            Knowledge::Unknown => {
                let (reply, answer) = oneshot::channel();
                match self.ask.try_send(asked(Some(reply))) {
                    Ok(()) => answer.await.unwrap_or(Found::Later(1)),
                    Err(_) => Found::Later(1),
                }
            }
        }
    }
}

/// A fetch that has ended.
struct Fetched {
    url: String,
    result: Result<KeySet, String>,
}

struct Task {
    sources: Sources,
    pause: Duration,
    downloads: Downloads,
    fetches: IntCounterVec,
    under_way: JoinSet<Fetched>,
    /// By address: who waits for the fetch, and for those that have yet to begin.
    waiting: HashMap<String, Vec<Asked>>,
}

impl Task {
    async fn run(mut self, mut asked: mpsc::Receiver<Asked>) {
        loop {
            tokio::select! {
                request = asked.recv(), if self.under_way.len() < AT_ONCE => match request {
                    Some(request) => self.take(request),
                    None => return,
                },
                Some(ended) = self.under_way.join_next() => self.end(ended),
            }
        }
    }

    /// Answers a request, or lets it wait for a fetch.
    fn take(&mut self, asked: Asked) {
        if let Some(waiting) = self.waiting.get_mut(&asked.url) {
            return waiting.push(asked);
        }
        let known = lock(&self.sources).entry(asked.url.clone()).or_default().knows(
            &asked.kid,
            Instant::now(),
            self.pause,
        );
        let found = match known {
            Knowledge::Key(key) => Found::Key(key),
            Knowledge::Lacking => Found::No,
            Knowledge::Later(seconds) => Found::Later(seconds),
            Knowledge::Unknown | Knowledge::OldKey(_) => {
                let (downloads, url) = (self.downloads.clone(), asked.url.clone());
                self.waiting.insert(url.clone(), vec![asked]);
                self.under_way.spawn_blocking(move || Fetched { result: downloads.fetch(&url), url });
                return;
            }
        };
        if let Some(reply) = asked.reply {
            let _is_gone = reply.send(found);
        }
    }

    /// Keeps what a fetch has brought, and answers who waits for it.
    fn end(&mut self, ended: Result<Fetched, JoinError>) {
        let Fetched { url, result } = match ended {
            Ok(fetched) => fetched,
            // It panicked, and whose it was is not known: let all try again.
            Err(error) => {
                warn!(%error, "a fetch of an issuer's keys broke off");
                return self.waiting.clear();
            }
        };
        let outcome = match &result {
            Ok(_) => {
                info!(url, "the keys of an issuer were fetched");
                "ok"
            }
            Err(why) => {
                warn!(url, why, "the keys of an issuer cannot be fetched; known ones go on for a day");
                "down"
            }
        };
        self.fetches.with_label_values(&[outcome]).inc();
        let waiting = self.waiting.remove(&url).unwrap_or_default();
        let mut sources = lock(&self.sources);
        let source = sources.entry(url).or_default();
        let now = Instant::now();
        source.learn(result.ok(), waiting.iter().map(|asked| &asked.kid), now);
        for Asked { kid, reply, .. } in waiting {
            let found = match source.knows(&kid, now, self.pause) {
                Knowledge::Key(key) | Knowledge::OldKey(key) => Found::Key(key),
                Knowledge::Lacking => Found::No,
                Knowledge::Later(seconds) => Found::Later(seconds),
                Knowledge::Unknown => Found::Later(1),
            };
            if let Some(reply) = reply {
                let _is_gone = reply.send(found);
            }
        }
    }
}

fn lock(sources: &Sources) -> MutexGuard<'_, HashMap<String, Source>> {
    sources.lock().unwrap_or_else(PoisonError::into_inner)
}
