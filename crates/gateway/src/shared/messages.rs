//! Messages between processes: which tenant is to be read again before it is served. They wait in the outbox while Redis cannot be
//! reached.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{RedisResult, aio::ConnectionLike, cmd};
use serde::{Deserialize, Serialize};
use tenant_registry::{RegionCode, TenantId};
use tokio::sync::Notify;

/// Every process listens to this channel.
pub(super) const CHANNEL: &str = "usher:forget";

/// Messages that wait at the same time; of more, each region becomes one message.
const MOST_WAITING: usize = 10_000;

/// What is cached of a tenant does not hold any more; without a tenant, what is cached of the region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Forget {
    pub(crate) region: RegionCode,
    pub(crate) tenant: Option<TenantId>,
}

impl Forget {
    /// Reads a message; `None` for one of a version that says more.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }
}

/// What this process caches.
pub(crate) trait Caches: Send + Sync {
    /// Forgets what another process has changed.
    fn forget(&self, what: &Forget);
    /// Forgets everything: messages may have been lost.
    fn forget_everything(&self);
    /// How long what was read may be served without being read again.
    fn limit_cache_time(&self, longest: Duration);
}

/// Messages that are not sent yet.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<BTreeSet<Forget>>,
    filled: Notify,
}

impl Outbox {
    pub(crate) fn put(&self, message: Forget) {
        let mut waiting = self.lock();
        waiting.insert(message);
        if waiting.len() > MOST_WAITING {
            let regions = std::mem::take(&mut *waiting).into_iter().map(|message| message.region);
            waiting.extend(regions.map(|region| Forget { region, tenant: None }));
        }
        self.filled.notify_one();
    }

    /// Waits for a message.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Sends what waits. What could not be sent goes on waiting.
    pub(super) async fn send(&self, connection: &mut impl ConnectionLike) -> RedisResult<()> {
        let messages = std::mem::take(&mut *self.lock());
        for message in &messages {
            let payload = serde_json::to_string(message).unwrap_or_default();
            let sent = cmd("PUBLISH").arg(CHANNEL).arg(payload).exec_async(connection).await;
            if sent.is_err() {
                self.lock().extend(messages);
                self.filled.notify_one();
                return sent;
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Forget>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: usize) -> Forget {
        let id = TenantId::new(&format!("0190d3a5-0000-7000-8000-{number:012}")).unwrap();
        Forget { region: RegionCode::new("ire").unwrap(), tenant: Some(id) }
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let written = serde_json::to_string(&tenant(1)).unwrap();
        assert_eq!(written, r#"{"region":"ire","tenant":"0190d3a5-0000-7000-8000-000000000001"}"#);
        assert_eq!(Forget::read(written.as_bytes()), Some(tenant(1)));
        assert_eq!(Forget::read(b"ire"), None);
    }

    #[test]
    fn an_outbox_that_nobody_empties_stays_small_and_loses_nothing() {
        let outbox = Outbox::default();
        (0..=MOST_WAITING).for_each(|number| outbox.put(tenant(number)));
        let waiting: Vec<_> = outbox.lock().iter().cloned().collect();
        assert_eq!(waiting, [Forget { tenant: None, ..tenant(0) }]);
    }
}
