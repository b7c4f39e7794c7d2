//! Counts in Redis: each is one script, which Redis runs as one step and by its own clock.

use std::{sync::LazyLock, time::Duration};

use redis::Script;
use tenant_registry::TenantId;

use super::Link;
use crate::bucket::Bucket;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));
static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("count.lua")));

impl Link {
    /// Takes one token of the tenant's bucket, or says how long to wait for it. `None` when Redis cannot be asked.
    pub(crate) async fn take(&self, tenant: &TenantId, bucket: Bucket) -> Option<Result<(), Duration>> {
        let mut call = TAKE.key(format!("usher:bucket:{tenant}"));
        call.arg(bucket.interval).arg(bucket.capacity);
        let wait: u64 = self.ask(&call).await?;
        Some(if wait == 0 { Ok(()) } else { Err(Duration::from_micros(wait)) })
    }

    /// Counts a wrong credential for each of these sources; how long to wait when there were more than the limit. `None` when there
    /// were not, or Redis cannot be asked.
    pub(crate) async fn count_wrong(
        &self,
        sources: &[String],
        limit: u32,
        window: Duration,
    ) -> Option<Duration> {
        let mut call = COUNT.prepare_invoke();
        for source in sources {
            call.key(format!("usher:wrong:{source}"));
        }
        call.arg(limit).arg(u64::try_from(window.as_millis()).unwrap_or(u64::MAX));
        let wait: u64 = self.ask(&call).await?;
        Some(wait).filter(|wait| *wait > 0).map(Duration::from_millis)
    }
}
