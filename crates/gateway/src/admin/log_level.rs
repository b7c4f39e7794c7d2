//! The level of the log for a region or a tenant, raised for a while. It holds in the process that answers, and ends by itself.

use std::time::Duration;

use actix_web::{HttpResponse, web::Data};
use provisioning::{Act, timestamp::iso};
use serde::Deserialize;
use serde_json::{Value, json};
use tenant_registry::Registry;
use tracing::{Level, info};

use super::{
    Problem,
    acts::{Acts, OfRegion},
    body::Body,
    response::list,
};
use crate::{
    app::App,
    telemetry::levels::{LEVELS, Raised, Whose},
};

/// The request of staff.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    level: Wordy,
    #[serde(default = "an_hour")]
    minutes: u64,
}

/// A level that shows more than usual.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wordy {
    Info,
    Debug,
    Trace,
}

fn an_hour() -> u64 {
    60
}

/// A day: whoever looks for longer asks again.
const MOST_MINUTES: u64 = 1_440;

impl Wanted {
    fn lasts(&self) -> Result<Duration, Problem> {
        if (1..=MOST_MINUTES).contains(&self.minutes) {
            return Ok(Duration::from_secs(self.minutes * 60));
        }
        Err(Problem::bad_request(format!("minutes is 1 to {MOST_MINUTES}, not {}.", self.minutes)))
    }

    fn level(&self) -> Level {
        match self.level {
            Wordy::Info => Level::INFO,
            Wordy::Debug => Level::DEBUG,
            Wordy::Trace => Level::TRACE,
        }
    }
}

pub(super) async fn of_region(region: OfRegion) -> HttpResponse {
    shown(&Whose { region: region.registry.region().clone(), key: None })
}

pub(super) async fn of_tenant(acts: Acts) -> Result<HttpResponse, Problem> {
    let tenant = acts.registry.tenant(&acts.key).await?;
    Ok(shown(&Whose { region: tenant.region, key: Some(tenant.company_key) }))
}

pub(super) async fn raise_of_region(
    app: Data<App>,
    OfRegion { registry, act }: OfRegion,
    Body(wanted): Body<Wanted>,
) -> Result<HttpResponse, Problem> {
    let whose = Whose { region: registry.region().clone(), key: None };
    raise(&app, &registry, whose, &act, &wanted).await
}

pub(super) async fn raise_of_tenant(
    app: Data<App>,
    acts: Acts,
    Body(wanted): Body<Wanted>,
) -> Result<HttpResponse, Problem> {
    let whose = Whose { region: acts.registry.region().clone(), key: Some(acts.key.clone()) };
    raise(&app, &acts.registry, whose, &acts.act, &wanted).await
}

pub(super) async fn lower_of_region(OfRegion { registry, act }: OfRegion) -> Result<HttpResponse, Problem> {
    lower(&registry, &Whose { region: registry.region().clone(), key: None }, &act).await
}

pub(super) async fn lower_of_tenant(acts: Acts) -> Result<HttpResponse, Problem> {
    let whose = Whose { region: acts.registry.region().clone(), key: Some(acts.key.clone()) };
    lower(&acts.registry, &whose, &acts.act).await
}

/// The act is recorded first: nothing is seen without a record of who wanted to see it.
async fn raise(
    app: &App,
    registry: &Registry,
    whose: Whose,
    act: &Act,
    wanted: &Wanted,
) -> Result<HttpResponse, Problem> {
    let (lasts, level) = (wanted.lasts()?, wanted.level());
    let detail = json!({ "level": word(level), "minutes": wanted.minutes });
    registry.record_act(whose.key.clone(), "log_level.raised", detail, staff::by(act)).await?;
    let raised = LEVELS.raise(whose, level, lasts, app.stores.clock().now_ms());
    let Whose { region, key } = &raised.whose;
    let key = key.as_ref().map(ToString::to_string);
    info!(request_id = act.request_id, %region, key, to = word(level), "the log level of a region or tenant is raised");
    Ok(list([line(&raised)].into_iter()))
}

async fn lower(registry: &Registry, whose: &Whose, act: &Act) -> Result<HttpResponse, Problem> {
    registry.record_act(whose.key.clone(), "log_level.lowered", json!({}), staff::by(act)).await?;
    LEVELS.lower(whose);
    Ok(shown(whose))
}

/// The levels of a region and of all its tenants, or those of one tenant.
fn shown(whose: &Whose) -> HttpResponse {
    let is_meant = |raised: &&Raised| {
        raised.whose.region == whose.region && (whose.key.is_none() || raised.whose.key == whose.key)
    };
    list(LEVELS.all().iter().filter(is_meant).map(line))
}

fn line(raised: &Raised) -> Value {
    let Whose { region, key } = &raised.whose;
    json!({ "region": region, "key": key, "level": word(raised.level), "until": iso(raised.until_ms) })
}

fn word(level: Level) -> String {
    level.as_str().to_ascii_lowercase()
}
