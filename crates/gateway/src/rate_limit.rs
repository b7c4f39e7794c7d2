//! Requests of each tenant, limited where staff have set a rate. The bucket that all processes share is in Redis; each process has the
//! whole bucket too. It decides while Redis cannot, and a flood that it refuses costs Redis nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use prometheus::IntCounterVec;
use quick_cache::sync::Cache;
use tenant_registry::{Rate, Tenant, TenantId};

use crate::{bucket::Bucket, counters::counter, shared::Link};

/// Tenants whose buckets are kept at the same time; the least used are forgotten first, which fills their buckets.
const BUCKETS: usize = 20_000;

/// A tenant has sent more than its rate.
#[derive(Debug, thiserror::Error)]
#[error("more than {per_second} requests a second of {tenant}")]
pub(crate) struct TooManyRequests {
    /// `region/company_key`
    tenant: String,
    pub(crate) per_second: u32,
    /// Until the bucket has a token again, rounded up.
    pub(crate) seconds: u64,
}

/// The buckets of this process.
pub(crate) struct RateLimits {
    /// When each bucket is full again, in microseconds from `began`.
    full_at: Cache<TenantId, Arc<AtomicU64>>,
    began: Instant,
    link: Option<Arc<Link>>,
    /// By region and scope.
    refused: IntCounterVec,
}

impl RateLimits {
    pub(crate) fn new(link: Option<Arc<Link>>, refused: IntCounterVec) -> Self {
        Self { full_at: Cache::new(BUCKETS), began: Instant::now(), link, refused }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// When the tenant has to wait.
    pub(crate) async fn admit(&self, tenant: &Tenant) -> Result<(), TooManyRequests> {
        let Some(rate) = tenant.settings.rate else { return Ok(()) };
        let Err(wait) = self.take(&tenant.id, rate).await else { return Ok(()) };
        self.refused.with_label_values(&[tenant.region.as_str(), "tenant"]).inc();
        let seconds = u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1);
        let tenant = tenant.region_and_key();
        Err(TooManyRequests { tenant, per_second: rate.per_second(), seconds })
    }

    async fn take(&self, tenant: &TenantId, rate: Rate) -> Result<(), Duration> {
        let bucket = Bucket::from(rate);
        self.take_here(tenant, bucket)?;
        match &self.link {
            Some(link) => link.take(tenant, bucket).await.unwrap_or(Ok(())),
            None => Ok(()),
        }
    }

    fn take_here(&self, tenant: &TenantId, bucket: Bucket) -> Result<(), Duration> {
        let full_at = counter(&self.full_at, tenant, Arc::default);
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut before = full_at.load(Ordering::Relaxed);
        loop {
            let after = bucket.take(before, now)?;
            match full_at.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => before = other,
            }
        }
    }
}
