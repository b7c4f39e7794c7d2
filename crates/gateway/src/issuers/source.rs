//! What is known of the keys at one address, and when they are fetched: a rule of times alone, without a connection.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use super::key_set::{KeySet, PublicKey};

/// Known keys are good for so long after they were fetched, while the issuer is down.
const GOOD_FOR: Duration = Duration::from_hours(24);
/// Known keys are fetched again after so long, so that a withdrawn one is noticed.
const REFRESHED_AFTER: Duration = Duration::from_hours(1);

/// What is known of one `kid`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Knowledge {
    /// Its key.
    Key(Arc<PublicKey>),
    /// Its key, and the set is old enough to be fetched again meanwhile.
    OldKey(Arc<PublicKey>),
    /// The set was fetched for it and lacks it.
    Lacking,
    /// A fetch would tell, and may be made.
    Unknown,
    /// A fetch would tell, and may be made after so many seconds.
    Later(u64),
}

/// The keys at one address.
#[derive(Debug, Default)]
pub(super) struct Source {
    keys: KeySet,
    fetched: Option<Instant>,
    tried: Option<Instant>,
    /// Names that the newest set lacks though they were asked for, or were in the set before.
    lacking: HashSet<String>,
}

impl Source {
    /// Whether the newest fetch failed.
    pub(super) fn is_down(&self) -> bool {
        self.tried.is_some() && self.tried != self.fetched
    }

    /// What is known of a `kid` now. Between two fetches lies `pause` at least.
    pub(super) fn knows(&self, kid: &str, now: Instant, pause: Duration) -> Knowledge {
        let since = |then: Option<Instant>| then.map(|then| now.saturating_duration_since(then));
        let wait = since(self.tried).and_then(|gone| pause.checked_sub(gone)).filter(|wait| !wait.is_zero());
        let age = since(self.fetched).filter(|age| *age < GOOD_FOR);
        match (age, self.keys.get(kid), wait) {
            (Some(age), Some(key), None) if age >= REFRESHED_AFTER => Knowledge::OldKey(key),
            (Some(_), Some(key), _) => Knowledge::Key(key),
            (_, _, None) => Knowledge::Unknown,
            (Some(_), None, Some(_)) if self.lacking.contains(kid) => Knowledge::Lacking,
            (_, _, Some(wait)) => Knowledge::Later(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
        }
    }

    /// Takes what a fetch brought: `None` when the issuer was down. `asked` are the names for which it was made.
    pub(super) fn learn<'k>(
        &mut self,
        fetched: Option<KeySet>,
        asked: impl IntoIterator<Item = &'k String>,
        now: Instant,
    ) {
        self.tried = Some(now);
        // While the issuer is down nobody knows whether it has the key by now.
        self.lacking.clear();
        let Some(keys) = fetched else { return };
        let withdrawn = std::mem::replace(&mut self.keys, keys);
        let names = withdrawn.kids().cloned().chain(asked.into_iter().cloned());
        self.lacking = names.filter(|kid| self.keys.get(kid).is_none()).collect();
        self.fetched = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);

    fn set(kids: &[&str]) -> Option<KeySet> {
        let key = |kid: &&str| json!({ "kty": "RSA", "kid": kid, "n": "AQAB", "e": "AQAB" });
        Some(KeySet::of(json!({ "keys": kids.iter().map(key).collect::<Vec<_>>() })).unwrap())
    }

    /// A word for what is known of it.
    fn word(source: &Source, kid: &str, now: Instant) -> &'static str {
        match source.knows(kid, now, PAUSE) {
            Knowledge::Key(_) => "key",
            Knowledge::OldKey(_) => "old",
            Knowledge::Lacking => "lacking",
            Knowledge::Unknown => "unknown",
            Knowledge::Later(_) => "later",
        }
    }

    #[test]
    fn a_name_that_a_fresh_set_lacks_is_wrong_and_a_newer_one_waits_for_the_next_fetch() {
        let (mut source, t) = (Source::default(), Instant::now());
        let (a, b) = ("a".to_owned(), "b".to_owned());
        assert_eq!(word(&source, "a", t), "unknown");
        source.learn(set(&["a"]), [&a, &b], t);
        assert_eq!(
            [word(&source, "a", t), word(&source, "b", t), word(&source, "c", t)],
            ["key", "lacking", "later"]
        );
        assert_eq!(source.knows("c", t + PAUSE / 2, PAUSE), Knowledge::Later(30));
        let due = t + PAUSE;
        assert_eq!([word(&source, "a", due), word(&source, "b", due)], ["key", "unknown"]);
        // The issuer has changed its key.
        source.learn(set(&["b"]), [&b], due);
        assert_eq!([word(&source, "a", due), word(&source, "b", due)], ["lacking", "key"]);
    }

    #[test]
    fn known_keys_go_on_for_a_day_while_the_issuer_is_down() {
        let (mut source, t) = (Source::default(), Instant::now());
        source.learn(None, [], t);
        assert_eq!([word(&source, "a", t), word(&source, "a", t + PAUSE)], ["later", "unknown"]);
        source.learn(set(&["a"]), [], t);
        assert_eq!(word(&source, "a", t + REFRESHED_AFTER), "old");
        let almost = t + GOOD_FOR - Duration::from_secs(1);
        let b = "b".to_owned();
        source.learn(set(&["a"]), [&b], t);
        assert_eq!(word(&source, "b", t), "lacking");
        source.learn(None, [&b], almost);
        assert_eq!([word(&source, "a", almost), word(&source, "b", almost)], ["key", "later"]);
        assert_eq!(word(&source, "a", t + GOOD_FOR), "later");
        assert_eq!(word(&source, "a", almost + PAUSE), "unknown");
    }
}
