//! The one place where what came of a request, or of an operation of a bulk, is counted and logged.

use std::{sync::Arc, time::Duration};

use actix_web::http::StatusCode;
use directory::resources::is_id;
use provisioning::{
    Done, Outcome, Verdict,
    health::{Traffic, Written},
    log::{Refused, Sender},
};
use scim_core::{ResourceKind, ScimError, bulk::Method};
use tenant_registry::Tenant;
use tracing::{debug, error, info};

use super::dry_run;
use crate::{
    api_error::ApiError,
    app::App,
    breaker,
    telemetry::tally::{TALLY, What},
    traffic::Call,
};

/// Most leniencies, and most skipped members, of one outcome that the log shows; a request can have thousands.
const SHOWN_LENIENCIES: usize = 50;
const SHOWN_MEMBERS: usize = 8;

/// What an outcome is of, and whose.
pub(super) struct Subject<'a> {
    pub(super) request_id: &'a str,
    /// `None` until a right credential was given.
    pub(super) tenant: Option<&'a Arc<Tenant>>,
    /// The same.
    pub(super) sent_by: Option<&'a SentBy>,
    /// As sent.
    pub(super) method: &'a str,
    /// Nothing of it was stored, so it counts as a request only.
    pub(super) is_dry_run: bool,
    pub(super) part: Part<'a>,
}

/// Who sent a request with a right credential.
pub(super) struct SentBy {
    /// The key's id.
    pub(super) credential: String,
    pub(super) sender: Sender,
}

/// How much of a request it is.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// All of it; its route, and the time to answer it.
    Request { route: &'a str, took: Duration },
    /// An operation of a bulk, by its place.
    Operation(usize),
    /// A transaction of a bulk, with all the operations in it.
    Transaction,
}

/// Counts and logs an outcome that is answered with this status.
pub(super) fn conclude(app: &App, subject: &Subject<'_>, status: StatusCode, outcome: &Outcome<ApiError>) {
    let metrics = &app.metrics;
    let method = if subject.is_dry_run { dry_run::METHOD } else { known_method(subject.method) };
    match subject.part {
        Part::Request { route, took } => {
            metrics.requests.with_label_values(&[route, method, status.as_str()]).inc();
            metrics.seconds.with_label_values(&[route, method]).observe(took.as_secs_f64());
        }
        Part::Operation(_) if subject.is_dry_run => {}
        Part::Operation(_) => {
            metrics.bulk_operations.with_label_values(&[method, status.as_str()]).inc();
        }
        Part::Transaction => {}
    }
    if !subject.is_dry_run {
        count_effects(app, subject, outcome);
    }
    log(subject, method, status.as_u16(), outcome);
}

/// Counts what a write did and met, and has a refused one logged.
fn count_effects(app: &App, subject: &Subject<'_>, outcome: &Outcome<ApiError>) {
    let metrics = &app.metrics;
    for (leniency, _) in &outcome.leniencies {
        metrics.leniencies.with_label_values(&[leniency.kind()]).inc();
    }
    let refusal = outcome.result.as_ref().err().map(|error| error.to_refusal(subject.request_id));
    let seen = Seen { at_ms: app.stores.clock().now_ms(), refusal: refusal.as_ref() };
    if let (Some(tenant), Some(sent_by)) = (subject.tenant, subject.sent_by) {
        app.dropped.count(tenant.id.as_str(), &outcome.leniencies);
        let call = Call { tenant, credential: &sent_by.credential };
        app.traffic.add(call, |traffic| remember(traffic, subject, outcome, &seen));
    }
    match &outcome.result {
        Ok(done) => {
            for (requested, state) in &done.seats {
                metrics.seat_changes.with_label_values(&[requested.key(), state]).inc();
            }
            if let (Some(tenant), Some(held)) = (subject.tenant, done.held) {
                breaker::count(metrics, tenant, held, subject.request_id);
            }
        }
        Err(error) => {
            if let ApiError::NoSeat { license, .. } = error {
                metrics.seat_refusals.with_label_values(&[license.key()]).inc();
            }
            if let (Some(tenant), Some(row)) = (subject.tenant, refused(subject, outcome, &seen)) {
                app.refused.add(tenant, row);
            }
        }
    }
}

/// An outcome as it was answered.
struct Seen<'a> {
    /// Milliseconds since 1970 UTC.
    at_ms: i64,
    /// The error that was sent; `None` of a success.
    refusal: Option<&'a ScimError>,
}

/// Adds a request, or an operation of a bulk, to what is remembered of its credential.
fn remember(traffic: &mut Traffic, subject: &Subject<'_>, outcome: &Outcome<ApiError>, seen: &Seen<'_>) {
    let at_ms = seen.at_ms;
    if let (Part::Request { route, .. }, Some(sent_by)) = (subject.part, subject.sent_by) {
        let is_lookup = outcome.method.is_none() && matches!(route, "/Users" | "/Users/.search");
        traffic.call(at_ms, sent_by.sender.idp, is_lookup);
    }
    let is_write = match subject.part {
        // Its operations are the writes.
        Part::Request { route: "/Bulk", .. } => outcome.method.is_some() && outcome.result.is_err(),
        Part::Request { .. } => outcome.method.is_some(),
        Part::Operation(_) => true,
        Part::Transaction => false,
    };
    if !is_write {
        return;
    }
    let role_received = outcome.result.as_ref().ok().and_then(|done| done.role_received);
    traffic.write(&Written {
        at_ms,
        is_of_person: outcome.kind == Some(ResourceKind::User),
        method: outcome.method,
        result: seen.refusal.map_or(Ok(role_received), |refusal| Err(refusal.detail.as_str())),
        leniencies: &outcome.leniencies,
    });
}

/// The row that the provisioning log gets of a refused write; `None` for what is no write of people or groups.
fn refused(subject: &Subject<'_>, outcome: &Outcome<ApiError>, seen: &Seen<'_>) -> Option<Refused> {
    let scim = seen.refusal?;
    let SentBy { credential, sender } = subject.sent_by?;
    let is_whole_bulk = matches!(subject.part, Part::Request { route: "/Bulk", .. });
    let (kind, method) = match (subject.part, outcome.kind) {
        // Each of its operations has a row.
        (Part::Transaction, _) => return None,
        (_, Some(kind @ (ResourceKind::User | ResourceKind::Group))) => (Some(kind), Some(outcome.method?)),
        (Part::Request { .. }, None) if is_whole_bulk && outcome.method.is_some() => (None, None),
        (Part::Operation(_), None) => (None, outcome.method),
        _ => return None,
    };
    let license_requested = match &outcome.result {
        Err(ApiError::NoSeat { license, .. }) => Some(license.key().to_owned()),
        _ => None,
    };
    Some(Refused {
        at_ms: seen.at_ms,
        request_id: subject.request_id.to_owned(),
        sender: sender.clone(),
        credential: credential.clone(),
        method,
        kind,
        resource_id: outcome.id.clone().filter(|_| outcome.method != Some(Method::Post)),
        user_name: outcome.user_name.clone(),
        status: scim.status,
        scim_type: scim.keyword().map(str::to_owned),
        detail: without_quotations(&scim.detail),
        license_requested,
        leniencies: outcome.leniencies.clone(),
    })
}

fn log(subject: &Subject<'_>, method: &str, status: u16, outcome: &Outcome<ApiError>) {
    let request_id = subject.request_id;
    let tenant = || match subject.tenant {
        Some(tenant) => format!("{}/{}", tenant.region, tenant.company_key),
        None => "-".to_owned(),
    };
    let (route, micros, operation) = match subject.part {
        Part::Request { route, took } => (Some(route), Some(took.as_micros()), None),
        Part::Operation(place) => (None, None, Some(place + 1)),
        Part::Transaction => (None, None, None),
    };
    let micros = micros.map(|micros| u64::try_from(micros).unwrap_or(u64::MAX));
    if !outcome.leniencies.is_empty() {
        let tolerated: Vec<_> = outcome.leniencies.iter().take(SHOWN_LENIENCIES).collect();
        debug!(request_id, operation, ?tolerated, "the request was accepted with leniency");
    }
    let error = match &outcome.result {
        Ok(done) => {
            log_skipped(request_id, &tenant, done);
            debug!(
                request_id,
                tenant = tenant(),
                method,
                route,
                operation,
                status,
                micros,
                result = done.verdict.map(Verdict::word),
                "a request was answered"
            );
            return;
        }
        Err(error) => error,
    };
    let cause = error.to_string();
    // Neither callers without a credential nor tenants beyond their rate may fill the log.
    let is_anybodys = subject.tenant.is_none() && !error.is_logged() && !error.is_about_a_tenant();
    let is_counted = is_anybodys || matches!(error, ApiError::TooManyRequests(_));
    if is_counted && !TALLY.is_first(What::Request, status, &cause) {
        return;
    }
    let tenant = tenant();
    // The cause of a failure is in our words; that of a refusal repeats what the caller sent, in quotation marks. Not built is an
    // answer, not a failure.
    let failed = matches!(status, 500 | 502..);
    let cause = if failed { cause } else { without_quotations(&cause) };
    match subject.part {
        _ if error.is_logged() => {
            debug!(request_id, tenant, method, route, operation, status, micros, cause, "a request failed");
        }
        Part::Request { .. } if failed => {
            error!(request_id, tenant, method, route, status, micros, cause, "a request failed");
        }
        Part::Request { .. } => {
            info!(request_id, tenant, method, route, status, micros, cause, "a request was refused");
        }
        _ if failed => {
            error!(request_id, tenant, method, operation, status, cause, "an operation of a bulk failed");
        }
        _ => {
            info!(request_id, tenant, method, operation, status, cause, "an operation of a bulk was refused");
        }
    }
}

fn log_skipped(request_id: &str, tenant: &impl Fn() -> String, done: &Done) {
    if done.skipped.is_empty() {
        return;
    }
    // Whatever has not the form of our ids may be a person's name or address (attack 23), and of any length.
    let ids = done.skipped.iter().filter(|id| is_id(id)).take(SHOWN_MEMBERS);
    let ids: Vec<&String> = ids.collect();
    info!(
        request_id,
        tenant = tenant(),
        number = done.skipped.len(),
        ?ids,
        "members that are not here were skipped"
    );
}

/// What callers send may be about a person: a PATCH path can hold an e-mail address. The answer repeats it, the log does not
/// (attack 23).
fn without_quotations(text: &str) -> String {
    match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) => {
            let (before, after) = (text.get(..first), text.get(last + 1..));
            format!("{}\"...\"{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}

/// A caller can invent methods; labels must stay few (attack 25).
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
