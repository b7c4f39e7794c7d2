//! The keys of all issuers, and the one task that fetches them. At one address one request is under way at a time; whoever waits for it gets
//! what it brings.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use prometheus::IntCounterVec;
use quick_cache::sync::Cache;
use store::TRACES;
use tenant_registry::{KeySource, TenantTrust};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinError, JoinSet},
    time::timeout,
};
use tracing::{Span, info, info_span, warn};

use super::{
    download::Downloads,
    key_set::{KeySet, PublicKey},
    source::{Knowledge, Source},
};

/// Requests that wait for the task. One more is answered with "later".
const WAITING: usize = 1_024;
/// Fetches under way at a time, from issuers that were there at the last fetch or are new, …
const AT_ONCE: usize = 8;
/// … and from those that were down, so that they do not keep the others waiting.
const OF_DOWN_AT_ONCE: usize = 4;
/// Longest time that a request waits for a fetch.
const PATIENCE: Duration = Duration::from_secs(3);
/// Sets that came with their trust and are parsed, at the same time.
const PARSED: usize = 1_000;

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
    /// The span of the request that waits.
    span: Span,
}

type Sources = Arc<Mutex<HashMap<String, Source>>>;

/// The keys of all issuers.
pub(super) struct Keys {
    sources: Sources,
    pause: Duration,
    ask: mpsc::Sender<Asked>,
    /// By the key id of the trust, which never changes.
    parsed: Cache<String, Arc<KeySet>>,
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
            of_down_under_way: JoinSet::new(),
            due: VecDeque::new(),
            of_down_due: VecDeque::new(),
            waiting: HashMap::new(),
        };
        actix_web::rt::spawn(task.run(asked));
        Self { sources, pause, ask, parsed: Cache::new(PARSED) }
    }

    /// The key of this name that a trust means; fetched where it is unknown and a fetch is due.
    pub(super) async fn find(&self, whose: &TenantTrust, kid: &str) -> Found {
        match &whose.trust.keys {
            KeySource::Url(url) => self.find_at(url, kid).await,
            KeySource::Set(set) => {
                let parse = || KeySet::of(set.clone()).map(Arc::new);
                let set = self.parsed.get_or_insert_with(&whose.key_id, parse);
                set.ok().and_then(|set| set.get(kid)).map_or(Found::No, Found::Key)
            }
        }
    }

    /// The key of this name at an address.
    pub(super) async fn find_at(&self, url: &str, kid: &str) -> Found {
        let known =
            lock(&self.sources).entry(url.to_owned()).or_default().knows(kid, Instant::now(), self.pause);
        let asked = |reply: Option<_>| {
            // A request that does not wait for the fetch is not where it belongs.
            let span = if reply.is_some() { Span::current() } else { Span::none() };
            Asked { url: url.to_owned(), kid: kid.to_owned(), reply, span }
        };
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
                    Ok(()) => match timeout(PATIENCE, answer).await {
                        Ok(Ok(found)) => found,
                        Ok(Err(_)) | Err(_) => Found::Later(1),
                    },
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
    of_down_under_way: JoinSet<Fetched>,
    /// Addresses whose fetch has yet to begin.
    due: VecDeque<String>,
    of_down_due: VecDeque<String>,
    /// By address: who waits for its fetch, which is due or under way.
    waiting: HashMap<String, Vec<Asked>>,
}

impl Task {
    async fn run(mut self, mut asked: mpsc::Receiver<Asked>) {
        loop {
            tokio::select! {
                request = asked.recv() => match request {
                    Some(request) => self.take(request),
                    None => return,
                },
                Some(ended) = self.under_way.join_next() => self.end(ended),
                Some(ended) = self.of_down_under_way.join_next() => self.end(ended),
            }
            self.begin();
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
                let url = asked.url.clone();
                let is_down = lock(&self.sources).get(&url).is_some_and(Source::is_down);
                if is_down { &mut self.of_down_due } else { &mut self.due }.push_back(url.clone());
                self.waiting.insert(url, vec![asked]);
                return;
            }
        };
        if let Some(reply) = asked.reply {
            let _is_gone = reply.send(found);
        }
    }

    /// Begins as many fetches as may be under way.
    fn begin(&mut self) {
        let queues = [
            (&mut self.due, &mut self.under_way, AT_ONCE),
            (&mut self.of_down_due, &mut self.of_down_under_way, OF_DOWN_AT_ONCE),
        ];
        for (due, under_way, most) in queues {
            while under_way.len() < most {
                let Some(url) = due.pop_front() else { break };
                let downloads = self.downloads.clone();
                let span = match self.waiting.get(&url).and_then(|waiting| waiting.first()) {
                    Some(first) => first.span.in_scope(|| span(&url)),
                    None => Span::none(),
                };
                under_way
                    .spawn_blocking(move || Fetched { result: span.in_scope(|| downloads.fetch(&url)), url });
            }
        }
    }

    /// Keeps what a fetch has brought, and answers who waits for it.
    fn end(&mut self, ended: Result<Fetched, JoinError>) {
        let Fetched { url, result } = match ended {
            Ok(fetched) => fetched,
            // It panicked, and whose it was is not known: let all try again.
            Err(error) => {
                warn!(%error, "a fetch of an issuer's keys broke off");
                self.waiting.clear();
                self.due.clear();
                return self.of_down_due.clear();
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

/// The span of a fetch, below that of the request which asked first.
fn span(url: &str) -> Span {
    info_span!(target: TRACES, "keys of an issuer", otel.kind = "client", http.request.method = "GET", url.full = url)
}

fn lock(sources: &Sources) -> MutexGuard<'_, HashMap<String, Source>> {
    sources.lock().unwrap_or_else(PoisonError::into_inner)
}
