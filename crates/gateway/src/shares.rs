//! The limits on work in the background, request bodies and responses that are under way at once: for each tenant, and for all
//! tenants together. A request waits first for its tenant's share and then for the common one, so that a busy tenant delays
//! itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    thread::available_parallelism,
    time::Duration,
};

use metrics::Metrics;
use scim_core::json;
use tenant_registry::{Tenant, TenantId, TenantLocation};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};

use crate::{settings::Settings, telemetry::stores::OfTurn};

/// Bodies and responses up to this size, in bytes, are not counted. The thread that serves the request also parses and writes
/// them, in less than a millisecond.
pub(crate) const SHORT: usize = 64 * 1024;

/// Jobs of one tenant that run in the background at once. Half of the default `store.read_connections` stays free for its other
/// requests.
const WORKS: u32 = 2;

/// Jobs that run in the background at once for each core. One tenant's jobs leave room for those of others.
const WORKS_EACH_CORE: usize = 2;

/// Bytes of one tenant's bodies that are announced, or received and not yet parsed: eight of the largest.
const BODIES: usize = 64 << 20;

/// Bytes of all bodies that are received and not yet parsed.
const ALL_BODIES: usize = 192 << 20;

/// Bytes of memory for one tenant's parsed bodies: two of the largest.
const VALUES: usize = 96 << 20;

/// Bytes of memory for all parsed bodies.
const ALL_VALUES: usize = 256 << 20;

/// Bytes of one tenant's responses that are not yet written: two of the longest pages.
const ANSWERS: usize = 32 << 20;

/// Bytes of all responses that are not yet written.
const ALL_ANSWERS: usize = 128 << 20;

/// Bytes of memory for one value of a parsed body, including its entry in an array or an object.
const VALUE: usize = 40;

/// Too many large requests or responses of a tenant are under way.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many large requests or responses of the tenant are under way")]
pub(crate) struct TooMuchUnderWay {
    /// Whether the body was read to its end, if there is one.
    pub(crate) read: bool,
}

/// The shares of all tenants.
pub(crate) struct Shares {
    work: Quota,
    /// Units of its tenant's share that a job takes whose tenant is in a cell.
    job_in_cell: u32,
    bodies: Quota,
    values: Quota,
    answers: Arc<Quota>,
    turns: OfTurn,
    /// The longest wait for a share.
    longest_wait: Duration,
}

impl Shares {
    pub(crate) fn new(settings: &Settings, metrics: &Metrics) -> Self {
        let works = settings.store.read_connections.saturating_sub(1).clamp(1, WORKS);
        let cores = available_parallelism().map_or(1, usize::from);
        let all_works = WORKS_EACH_CORE * cores;
        let longest = settings.server.body_limit_bytes;
        let largest = memory_of(longest);
        Self {
            work: Quota::new(works, u32::try_from(all_works).unwrap_or(u32::MAX).max(works * 2)),
            job_in_cell: job_in_cell(works, cores),
            bodies: Quota::new(kib(BODIES.max(longest)), kib(ALL_BODIES.max(longest))),
            values: Quota::new(kib(VALUES.max(largest)), kib(ALL_VALUES.max(largest))),
            answers: Arc::new(Quota::new(kib(ANSWERS), kib(ALL_ANSWERS))),
            turns: OfTurn::of(metrics, "background"),
            longest_wait: settings.store.admission_deadline(),
        }
    }

    /// Waits until one more job of the tenant may run in the background. The holder must not wait for another share.
    ///
    /// # Errors
    /// 503 after the longest wait.
    pub(crate) async fn work(&self, tenant: &Tenant) -> Result<Held, TooMuchUnderWay> {
        self.job(tenant, self.job_in_cell).await
    }

    /// The same for a table that staff send, which may take many seconds: in a cell the tenant's own requests need not wait for it.
    ///
    /// # Errors
    /// 503 after the longest wait.
    pub(crate) async fn work_on_a_table(&self, tenant: &Tenant) -> Result<Held, TooMuchUnderWay> {
        self.job(tenant, u32::from(self.job_in_cell == 1)).await
    }

    /// One job; of the share of a tenant in a cell it takes so many units.
    async fn job(&self, tenant: &Tenant, in_cell: u32) -> Result<Held, TooMuchUnderWay> {
        let own = match tenant.location {
            TenantLocation::File => 1,
            TenantLocation::Cell { .. } => in_cell,
        };
        let began = Instant::now();
        let held = self.work.wait(&tenant.id, Units { own, all: 1 }, self.longest_wait).await;
        let turns = &self.turns;
        match &held {
            Some(_) => turns.wait.observe(began.elapsed().as_secs_f64()),
            None => turns.timeouts.inc(),
        }
        held.ok_or(TooMuchUnderWay { read: true })
    }

    /// Waits until a tenant may send a body of so many bytes. Bytes count for the common share only when they are received.
    ///
    /// # Errors
    /// 503 after the longest wait.
    pub(crate) async fn body(&self, tenant: &Tenant, bytes: usize) -> Result<Arriving, TooMuchUnderWay> {
        let held = self.bodies.wait_for_own(&tenant.id, kib(bytes), self.longest_wait).await;
        let held = held.ok_or(TooMuchUnderWay { read: false })?;
        Ok(Arriving { held, longest_wait: self.longest_wait })
    }

    /// Waits until there is memory to parse a body of so many bytes.
    ///
    /// # Errors
    /// 503 after the longest wait.
    pub(crate) async fn values(&self, tenant: &Tenant, bytes: usize) -> Result<Held, TooMuchUnderWay> {
        let memory = Units::of(kib(memory_of(bytes)));
        let held = self.values.wait(&tenant.id, memory, self.longest_wait).await;
        held.ok_or(TooMuchUnderWay { read: true })
    }

    /// The jobs that run in the background.
    pub(crate) fn background(&self) -> InUse {
        let limit = self.work.limit;
        InUse { in_use: limit.saturating_sub(self.work.all.available_permits()), limit }
    }

    /// The share of responses.
    pub(crate) fn answers(&self) -> Answers {
        Answers(Arc::clone(&self.answers))
    }
}

/// Units that are taken, and that there are.
pub(crate) struct InUse {
    pub(crate) in_use: usize,
    pub(crate) limit: usize,
}

/// The share of responses.
#[derive(Clone)]
pub(crate) struct Answers(Arc<Quota>);

impl Answers {
    /// Room for one response of a tenant, empty at first.
    pub(crate) fn room(&self, tenant: &Arc<Tenant>) -> AnswerRoom {
        AnswerRoom { quota: Arc::clone(&self.0), tenant: Arc::clone(tenant), held: None }
    }
}

/// The share of one long body, until it is parsed.
pub(crate) struct Arriving {
    held: Held,
    longest_wait: Duration,
}

impl Arriving {
    /// Waits until so many bytes of it may be received.
    ///
    /// # Errors
    /// 503 after the longest wait.
    pub(crate) async fn comes_to(&mut self, bytes: usize) -> Result<(), TooMuchUnderWay> {
        let here = self.held.fills_up_to(kib(bytes), self.longest_wait).await;
        here.ok_or(TooMuchUnderWay { read: false })
    }
}

/// Units of its tenant's share that a job takes whose tenant is in a cell: all of it where the jobs of one tenant would take every core. Then
/// of two cores one is left for the server's session of another tenant's request, which would wait for the kernel's next tick else.
fn job_in_cell(works: u32, cores: usize) -> u32 {
    if cores > size(works) { 1 } else { works }
}

/// The most memory that a body of so many bytes takes with its parsed values.
fn memory_of(body: usize) -> usize {
    body.saturating_add((body / 2).min(json::Limits::SCIM.values).saturating_mul(VALUE))
}

/// Room for one response, from its making until it is written.
pub(crate) struct AnswerRoom {
    quota: Arc<Quota>,
    tenant: Arc<Tenant>,
    held: Option<Held>,
}

impl AnswerRoom {
    /// Takes room for a response of so many bytes; false if there is none.
    pub(crate) fn fits(&mut self, bytes: usize) -> bool {
        if bytes <= SHORT {
            self.held = None;
            return true;
        }
        match &mut self.held {
            Some(held) => held.becomes(kib(bytes)),
            None => {
                self.held = self.quota.take(&self.tenant.id, kib(bytes));
                self.held.is_some()
            }
        }
    }

    /// The share to hold until the response is written; `None` for a short one.
    pub(crate) fn held(self) -> Option<Held> {
        self.held
    }
}

/// Units to be taken of a tenant's share and of the common one.
#[derive(Clone, Copy)]
struct Units {
    own: u32,
    all: u32,
}

impl Units {
    /// The same number of both.
    fn of(units: u32) -> Self {
        Self { own: units, all: units }
    }
}

/// A limit for each tenant and a limit for all of them, in units.
struct Quota {
    each: u32,
    all: Arc<Semaphore>,
    /// The units that there are.
    limit: usize,
    /// The shares of the tenants that hold units or wait for them.
    own: Mutex<HashMap<TenantId, Weak<Semaphore>>>,
}

impl Quota {
    fn new(each: u32, all: u32) -> Self {
        let each = each.min(all);
        let limit = size(all);
        Self { each, all: Arc::new(Semaphore::new(limit)), limit, own: Mutex::default() }
    }

    fn own(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut all = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get(tenant).and_then(Weak::upgrade) {
            return own;
        }
        all.retain(|_, own| own.strong_count() > 0);
        let own = Arc::new(Semaphore::new(size(self.each)));
        all.insert(tenant.clone(), Arc::downgrade(&own));
        own
    }

    /// A request for more than a tenant's share takes the whole share. Both queues are first in, first out; a tenant waits in the
    /// common queue with at most its own share.
    async fn wait(&self, tenant: &TenantId, units: Units, longest_wait: Duration) -> Option<Held> {
        let deadline = Instant::now() + longest_wait;
        let mut held = self.wait_for_own(tenant, units.own, longest_wait).await?;
        held.fills_up_to(units.all, deadline - Instant::now()).await?;
        Some(held)
    }

    /// Takes units of the tenant's share and none of the common share.
    async fn wait_for_own(&self, tenant: &TenantId, units: u32, longest_wait: Duration) -> Option<Held> {
        let taking = self.own(tenant).acquire_many_owned(units.min(self.each));
        let own = timeout(longest_wait, taking).await.ok()?.ok()?;
        let all = Arc::clone(&self.all).try_acquire_many_owned(0).ok()?;
        Some(Held { own, all, most: self.each })
    }

    fn take(&self, tenant: &TenantId, units: u32) -> Option<Held> {
        let units = units.min(self.each);
        let own = self.own(tenant).try_acquire_many_owned(units).ok()?;
        let all = Arc::clone(&self.all).try_acquire_many_owned(units).ok()?;
        Some(Held { own, all, most: self.each })
    }
}

/// Units of a tenant's share. Dropping it returns them.
#[derive(Debug)]
pub(crate) struct Held {
    own: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
    /// A tenant's whole share.
    most: u32,
}

impl Held {
    /// Waits until it holds so many units of the common share too.
    async fn fills_up_to(&mut self, units: u32, longest_wait: Duration) -> Option<()> {
        let more = size(units.min(self.most)).saturating_sub(self.all.num_permits());
        let all = Arc::clone(self.all.semaphore());
        let taking = all.acquire_many_owned(u32::try_from(more).ok()?);
        self.all.merge(timeout(longest_wait, taking).await.ok()?.ok()?);
        Some(())
    }

    /// Changes the number of units; without enough free units it returns false and changes nothing.
    fn becomes(&mut self, units: u32) -> bool {
        let (now, wanted) = (self.own.num_permits(), size(units.min(self.most)));
        if wanted <= now {
            drop((self.own.split(now - wanted), self.all.split(now - wanted)));
            return true;
        }
        let more = u32::try_from(wanted - now).unwrap_or(u32::MAX);
        let take =
            |from: &OwnedSemaphorePermit| Arc::clone(from.semaphore()).try_acquire_many_owned(more).ok();
        let (Some(own), Some(all)) = (take(&self.own), take(&self.all)) else { return false };
        self.own.merge(own);
        self.all.merge(all);
        true
    }
}

/// Bytes as units of a quota.
fn kib(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

/// Units as a semaphore counts them.
fn size(units: u32) -> usize {
    usize::try_from(units).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::some_tenant::some_tenant;

    const AT_ONCE: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(60);

    fn tenant(number: u8) -> TenantId {
        some_tenant(number).id.clone()
    }

    #[tokio::test]
    async fn a_tenant_has_its_share_and_no_more_and_others_have_theirs() {
        let quota = Quota::new(2, 3);
        let (first, second) = (tenant(1), tenant(2));
        let held = quota.wait(&first, Units::of(2), AT_ONCE).await.unwrap();
        assert!(quota.wait(&first, Units::of(1), AT_ONCE).await.is_none());
        let other = quota.wait(&second, Units::of(1), AT_ONCE).await.unwrap();
        assert!(quota.wait(&second, Units::of(1), AT_ONCE).await.is_none(), "no more than there is in all");
        drop(held);
        assert!(quota.wait(&second, Units::of(1), AT_ONCE).await.is_some());
        drop(other);
        assert_eq!(quota.all.available_permits(), 3);
    }

    #[tokio::test]
    async fn the_jobs_of_a_tenant_in_a_cell_leave_a_core_where_there_is_more_than_one() {
        assert_eq!([1, 2, 3, 8].map(|cores| WORKS / job_in_cell(WORKS, cores)), [1, 1, 2, 2]);
        let quota = Quota::new(WORKS, 4);
        let job = Units { own: job_in_cell(WORKS, 2), all: 1 };
        let running = quota.wait(&tenant(1), job, AT_ONCE).await.unwrap();
        assert!(quota.wait(&tenant(1), job, AT_ONCE).await.is_none());
        assert!(quota.wait(&tenant(2), job, AT_ONCE).await.is_some());
        assert_eq!(quota.all.available_permits(), 3);
        drop(running);
        assert!(quota.wait(&tenant(1), job, AT_ONCE).await.is_some());
    }

    #[tokio::test]
    async fn who_asks_for_much_waits_for_itself() {
        let quota = Arc::new(Quota::new(1, 2));
        let running = [quota.take(&tenant(1), 1).unwrap(), quota.take(&tenant(2), 1).unwrap()];
        // Many of one tenant came before one of another.
        let ask = |who: TenantId| {
            let quota = Arc::clone(&quota);
            tokio::spawn(async move { quota.wait(&who, Units::of(1), LONG).await })
        };
        let greedy: Vec<_> = (0..20).map(|_| ask(tenant(1))).collect();
        tokio::task::yield_now().await;
        let modest = ask(tenant(3));
        tokio::task::yield_now().await;
        drop(running);
        let held = modest.await.unwrap().unwrap();
        assert!(greedy.iter().filter(|waiting| waiting.is_finished()).count() <= 1);
        drop(held);
        greedy.into_iter().for_each(|waiting| waiting.abort());
    }

    #[tokio::test]
    async fn what_is_announced_and_does_not_come_keeps_nobody_else_waiting() {
        let quota = Quota::new(2, 2);
        let mut announced = quota.wait_for_own(&tenant(1), 2, AT_ONCE).await.unwrap();
        assert!(quota.take(&tenant(1), 1).is_none());
        let other = quota.take(&tenant(2), 1).unwrap();
        assert!(announced.fills_up_to(1, AT_ONCE).await.is_some());
        assert!(announced.fills_up_to(2, AT_ONCE).await.is_none(), "it is here and takes room now");
        drop(other);
        assert!(announced.fills_up_to(2, AT_ONCE).await.is_some());
        drop(announced);
        assert_eq!(quota.all.available_permits(), 2);
    }

    #[tokio::test]
    async fn what_is_larger_than_a_share_takes_all_of_it() {
        let quota = Quota::new(2, 4);
        let held = quota.wait(&tenant(1), Units::of(9), AT_ONCE).await.unwrap();
        assert!(quota.take(&tenant(1), 1).is_none());
        drop(held);
        assert!(quota.take(&tenant(1), 1).is_some());
    }

    #[test]
    fn an_answer_grows_while_there_is_room_and_gives_it_back() {
        let quota = Arc::new(Quota::new(200, 300));
        let answers = Answers(Arc::clone(&quota));
        let room = |number| answers.room(&some_tenant(number));
        let mut long = room(1);
        assert!(long.fits(100 * 1024) && long.fits(150 * 1024));
        let mut next = room(1);
        assert!(next.fits(SHORT) && !next.fits(SHORT + 1), "what is short fits always");
        let mut other = room(2);
        assert!(other.fits(150 * 1024) && !other.fits(151 * 1024), "no more than there is in all");
        drop(other.held());
        assert!(long.fits(100 * 1024) && next.fits(100 * 1024), "what is not needed any more is free");
        drop((long, next));
        assert_eq!(quota.all.available_permits(), 300);
    }

    #[test]
    fn tenants_that_hold_nothing_are_forgotten() {
        let quota = Quota::new(1, 1);
        for number in 0..50 {
            drop(quota.take(&tenant(number), 1));
        }
        assert!(quota.own.lock().unwrap().len() <= 1);
    }
}
