//! Levels of the log that differ for a region or a tenant for a while, because staff look into something there. Lines that name the tenant
//! or the region follow them; all others follow `log.level`.

use std::{
    fmt,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tenant_registry::{CompanyKey, RegionCode};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    info,
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{
    EnvFilter,
    layer::{Context, Filter},
};

/// The levels of the process.
pub(crate) static LEVELS: Levels = Levels::new();

/// Whose lines are meant: a region's, or one tenant's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) region: RegionCode,
    pub(crate) key: Option<CompanyKey>,
}

/// A level until it ends.
#[derive(Clone, Debug)]
pub(crate) struct Raised {
    pub(crate) whose: Whose,
    pub(crate) level: Level,
    /// Milliseconds since 1970 UTC, for people.
    pub(crate) until_ms: i64,
    ends: Instant,
}

/// All levels that are raised now.
pub(crate) struct Levels {
    raised: RwLock<Vec<Raised>>,
    /// The most verbose of them, as [`verbosity`] counts: 0 where there is none.
    most: AtomicUsize,
}

impl Levels {
    const fn new() -> Self {
        Self { raised: RwLock::new(Vec::new()), most: AtomicUsize::new(0) }
    }

    /// Raises a level for a while, in the place of an earlier one.
    pub(crate) fn raise(&self, whose: Whose, level: Level, lasts: Duration, now_ms: i64) -> Raised {
        let until_ms = now_ms.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX));
        let raised = Raised { whose, level, until_ms, ends: Instant::now() + lasts };
        self.change(|all| {
            all.retain(|other| other.whose != raised.whose);
            all.push(raised.clone());
        });
        raised
    }

    /// Ends a level before its time; whether there was one.
    pub(crate) fn lower(&self, whose: &Whose) -> bool {
        let mut found = false;
        self.change(|all| {
            all.retain(|raised| {
                found |= raised.whose == *whose;
                raised.whose != *whose
            })
        });
        found
    }

    /// Ends those whose time is over; returns them.
    pub(crate) fn end_due(&self) -> Vec<Raised> {
        let now = Instant::now();
        let is_due = |raised: &Raised| raised.ends <= now;
        if !self.all().iter().any(is_due) {
            return Vec::new();
        }
        let mut ended = Vec::new();
        self.change(|all| {
            ended = all.extract_if(.., |raised| is_due(raised)).collect();
        });
        ended
    }

    /// Those that hold now.
    pub(crate) fn all(&self) -> Vec<Raised> {
        self.raised.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Raised>)) {
        {
            let mut all = self.raised.write().unwrap_or_else(PoisonError::into_inner);
            change(&mut all);
            let most = all.iter().map(|raised| verbosity(raised.level)).max().unwrap_or(0);
            self.most.store(most, Ordering::Relaxed);
        }
        // Each line remembers whether anybody wants it.
        tracing::callsite::rebuild_interest_cache();
    }

    fn may_want(&self, level: Level) -> bool {
        verbosity(level) <= self.most.load(Ordering::Relaxed)
    }

    fn wants(&self, event: &Event<'_>) -> bool {
        let level = *event.metadata().level();
        if !self.may_want(level) {
            return false;
        }
        let mut named = Named::default();
        event.record(&mut named);
        let all = self.raised.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|raised| verbosity(level) <= verbosity(raised.level) && named.is(&raised.whose))
    }
}

/// Ends the levels whose time is over, for as long as the process lives.
pub(crate) async fn go_on() {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for Raised { whose: Whose { region, key }, .. } in LEVELS.end_due() {
            let key = key.as_ref().map(ToString::to_string);
            info!(%region, key, "the log level of a region or tenant is as usual again");
        }
    }
}

/// How much a level lets through.
fn verbosity(level: Level) -> usize {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        _ => 5,
    }
}

/// Whom a line is about.
#[derive(Default)]
struct Named {
    region: Option<String>,
    /// `region/key`.
    tenant: Option<String>,
}

impl Named {
    fn is(&self, whose: &Whose) -> bool {
        let in_tenant = self.tenant.as_ref().and_then(|tenant| tenant.split_once('/'));
        match (&whose.key, in_tenant) {
            (Some(key), Some((region, named))) => region == whose.region.as_str() && key.is(named),
            (Some(_), None) => false,
            (None, Some((region, _))) => region == whose.region.as_str(),
            (None, None) => self.region.as_deref() == Some(whose.region.as_str()),
        }
    }

    fn take(&mut self, field: &Field, text: impl FnOnce() -> String) {
        match field.name() {
            "region" => self.region = Some(text()),
            "tenant" => self.tenant = Some(text()),
            _ => {}
        }
    }
}

impl Visit for Named {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, || value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, || format!("{value:?}"));
    }
}

/// `log.level`, and the levels that are raised.
pub(super) struct ByLevel {
    pub(super) usual: EnvFilter,
}

impl<S: Subscriber> Filter<S> for ByLevel {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        // Spans are for traces; lines name what they are about themselves.
        metadata.is_event()
            && (Filter::<S>::enabled(&self.usual, metadata, context) || LEVELS.may_want(*metadata.level()))
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        Filter::<S>::enabled(&self.usual, event.metadata(), context) || LEVELS.wants(event)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() {
            return Interest::never();
        }
        let usual = Filter::<S>::callsite_enabled(&self.usual, metadata);
        if usual.is_never() && LEVELS.may_want(*metadata.level()) { Interest::sometimes() } else { usual }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let usual = Filter::<S>::max_level_hint(&self.usual)?;
        let raised = match LEVELS.most.load(Ordering::Relaxed) {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        };
        Some(usual.max(raised))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whose(key: Option<&str>) -> Whose {
        Whose { region: RegionCode::new("ire").unwrap(), key: key.map(|key| CompanyKey::new(key).unwrap()) }
    }

    fn named(region: Option<&str>, tenant: Option<&str>) -> Named {
        Named { region: region.map(str::to_owned), tenant: tenant.map(str::to_owned) }
    }

    #[test]
    fn a_line_is_whose_region_or_tenant_it_names() {
        for (region, tenant, in_region, in_tenant) in [
            (None, Some("ire/acme"), true, true),
            (Some("ire"), Some("ire/acme"), true, true),
            (Some("ire"), None, true, false),
            (None, Some("ire/acme2"), true, false),
            (None, Some("us/acme"), false, false),
            (Some("us"), None, false, false),
            (None, None, false, false),
        ] {
            let named = named(region, tenant);
            assert_eq!(named.is(&whose(None)), in_region, "{region:?} {tenant:?}");
            assert_eq!(named.is(&whose(Some("acme"))), in_tenant, "{region:?} {tenant:?}");
        }
    }

    #[test]
    fn a_level_ends_by_itself_and_a_later_one_takes_its_place() {
        let levels = Levels::new();
        let hour = Duration::from_secs(3_600);
        levels.raise(whose(None), Level::TRACE, Duration::ZERO, 0);
        let raised = levels.raise(whose(Some("acme")), Level::INFO, hour, 1_000);
        assert_eq!(raised.until_ms, 3_601_000);
        levels.raise(whose(Some("acme")), Level::DEBUG, hour, 1_000);
        assert!(levels.may_want(Level::TRACE));
        assert_eq!(levels.end_due().len(), 1);
        assert_eq!(levels.all().iter().map(|raised| raised.level).collect::<Vec<_>>(), [Level::DEBUG]);
        assert!(levels.may_want(Level::DEBUG) && !levels.may_want(Level::TRACE));
        assert!(levels.lower(&whose(Some("acme"))) && !levels.lower(&whose(Some("acme"))));
        assert!(!levels.may_want(Level::ERROR));
    }
}
