//! The one place where what came of a request, or of an operation of a bulk, is counted and logged.

use std::{sync::Arc, time::Duration};

use actix_web::http::StatusCode;
use directory::resources::is_id;
use metrics::{Answered, Operation};
use provisioning::{
    Done, Outcome, Verdict,
    explain::{NO_SUCH_PATH, SUSPENDED},
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
    telemetry::{
        tally::{TALLY, What},
        traces::{self, Told},
    },
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
    /// All of it.
    Request { region: &'a str, route: &'a str, operation: Operation, took: Duration },
    /// An operation of a bulk, by its place.
    Operation(usize),
    /// A transaction of a bulk, with all the operations in it.
    Transaction,
}

/// Counts and logs an outcome that is answered with this status.
pub(super) fn conclude(app: &App, subject: &Subject<'_>, status: StatusCode, outcome: &Outcome<ApiError>) {
    let method = if subject.is_dry_run { dry_run::METHOD } else { known_method(subject.method) };
    if let Part::Request { region, route, operation, took } = subject.part {
        let code = status.as_str();
        let answered = Answered { listener: SCIM, region, route, method, code, operation, took };
        app.metrics.count_answered(&answered);
    }
    if !subject.is_dry_run {
        count_operation(app, subject, status, outcome);
        count_effects(app, subject, outcome);
    }
    log(subject, method, status.as_u16(), outcome);
    if traces::is_traced() {
        end_span(subject, method, status.as_u16(), outcome);
    }
}

/// The listener of identity providers, as metrics name it.
pub(crate) const SCIM: &str = "scim";

/// Counts an operation on a person or a group.
fn count_operation(app: &App, subject: &Subject<'_>, status: StatusCode, outcome: &Outcome<ApiError>) {
    let Some((tenant, _)) = subject.tenant.zip(subject.sent_by) else { return };
    let resource = match outcome.kind {
        Some(kind @ (ResourceKind::User | ResourceKind::Group)) => kind.name(),
        Some(_) => "other",
        // Discovery, and a bulk, whose operations count.
        None => return,
    };
    let operation = match (subject.part, outcome.method) {
        (Part::Transaction, _) => return,
        (_, Some(Method::Post)) => "create",
        (_, Some(Method::Put)) => "replace",
        (_, Some(Method::Patch)) => "update",
        (_, Some(Method::Delete)) => "delete",
        (Part::Request { operation: Operation::Read, .. }, None) => "read",
        (_, None) => "list",
    };
    let came = match &outcome.result {
        Ok(Done { verdict: Some(Verdict::NoChange), .. }) => metrics::Outcome::Noop,
        Ok(_) | Err(_) => metrics::Outcome::of_status(status.as_u16()),
    };
    let labels = [tenant.region.as_str(), resource, operation, came.word()];
    app.metrics.scim_operations.with_label_values(&labels).inc();
}

/// What a seat did, by the state that it came to.
fn movement(state: &str) -> &'static str {
    match state {
        "granted" => "claim",
        "promoted" => "promote",
        "fallback" => "fallback",
        "waitlisted" | "held" => "wait",
        _ => "release",
    }
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
            let Some(tenant) = subject.tenant else { return };
            for (requested, state) in &done.seats {
                let labels = [tenant.region.as_str(), requested.key(), movement(state)];
                metrics.seat_movements.with_label_values(&labels).inc();
            }
            if let Some(held) = done.held {
                breaker::count(metrics, tenant, held, subject.request_id);
            }
        }
        Err(error) => {
            let Some(tenant) = subject.tenant else { return };
            if let ApiError::NoSeat { license, policy, .. } = error {
                let labels = [tenant.region.as_str(), license.key(), policy.key()];
                metrics.seats_refused.with_label_values(&labels).inc();
            }
            if let Some(row) = refused(subject, outcome, &seen) {
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
        let is_read = outcome.method.is_none() && outcome.result.is_ok();
        let is_lookup = is_read && matches!(route, "/Users" | "/Users/.search");
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
        no_seat: match &outcome.result {
            Err(ApiError::NoSeat { license, .. }) => Some(license.key()),
            Ok(_) | Err(_) => None,
        },
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
        (Part::Request { .. }, _) if is_whole_bulk && outcome.method.is_some() => (None, None),
        (Part::Request { .. }, _) => (None, Some(outcome.method?)),
        (Part::Operation(_), _) => (None, outcome.method),
    };
    let is_of_bulk = is_whole_bulk || matches!(subject.part, Part::Operation(_));
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
        is_of_bulk,
        resource_id: outcome.id.clone().filter(|_| outcome.method != Some(Method::Post)),
        sent: outcome.sent.clone(),
        status: scim.status,
        scim_type: scim.keyword().map(str::to_owned),
        detail: without_quotations(&scim.detail),
        license_requested,
        cause: match &outcome.result {
            Err(ApiError::TenantSuspended { .. }) => Some(SUSPENDED),
            Err(ApiError::NoSuchPath { .. }) => Some(NO_SUCH_PATH),
            Err(ApiError::MethodNotAllowed { .. } | ApiError::NotImplemented(_)) if kind.is_none() => {
                Some(NO_SUCH_PATH)
            }
            _ => None,
        },
        leniencies: outcome.leniencies.clone(),
    })
}

/// Writes the outcome of a request into its span, and ends that.
fn end_span(subject: &Subject<'_>, method: &str, code: u16, outcome: &Outcome<ApiError>) {
    // A span is of a request; what its operations came to is in the log.
    let Part::Request { region, route, .. } = subject.part else { return };
    let tenant = subject.tenant.map(|tenant| tenant.region_and_key());
    let sent_by = subject.sent_by;
    let (scim_type, cause) = match &outcome.result {
        Ok(_) => (None, None),
        Err(error) => {
            let scim_type = error.to_scim(subject.request_id).keyword().map(str::to_owned);
            (scim_type, Some(cause(error, code)))
        }
    };
    let told = Told {
        listener: SCIM,
        request_id: subject.request_id,
        region: Some(region),
        tenant: tenant.as_deref(),
        credential: sent_by.map(|sent_by| sent_by.credential.as_str()),
        idp: sent_by.map(|sent_by| sent_by.sender.idp.word()),
        method,
        route,
        code,
        scim_type: scim_type.as_deref(),
        cause: cause.as_deref(),
    };
    told.end();
}

fn log(subject: &Subject<'_>, method: &str, code: u16, outcome: &Outcome<ApiError>) {
    let request_id = subject.request_id;
    let region = subject.tenant.map(|tenant| tenant.region.as_str());
    let tenant = || subject.tenant.map(|tenant| tenant.region_and_key());
    let trace_id = traces::trace_id();
    let (credential, idp) = match subject.sent_by {
        Some(SentBy { credential, sender }) => (Some(credential.as_str()), Some(sender.idp.word())),
        None => (None, None),
    };
    let (route, ms, operation) = match subject.part {
        Part::Request { route, took, .. } => (Some(route), Some(milliseconds(took)), None),
        Part::Operation(place) => (None, None, Some(place + 1)),
        Part::Transaction => (None, None, None),
    };
    if !outcome.leniencies.is_empty() {
        let tolerated: Vec<_> = outcome.leniencies.iter().take(SHOWN_LENIENCIES).collect();
        debug!(
            request_id,
            region,
            tenant = tenant(),
            operation,
            ?tolerated,
            trace_id,
            "the request was accepted with leniency"
        );
    }
    let error = match &outcome.result {
        Ok(done) => {
            log_skipped(request_id, &tenant, done);
            debug!(
                request_id,
                region,
                tenant = tenant(),
                credential,
                idp,
                method,
                route,
                operation,
                code,
                ms,
                result = done.verdict.map(Verdict::word),
                trace_id,
                "a request was answered"
            );
            return;
        }
        Err(error) => error,
    };
    // Neither callers without a credential nor tenants beyond their rate may fill the log.
    let is_anybodys = subject.tenant.is_none() && !error.is_logged() && !error.is_about_a_tenant();
    let is_counted = is_anybodys || matches!(error, ApiError::TooManyRequests(_));
    if is_counted && !TALLY.is_first(What::Request, code, &error.to_string()) {
        return;
    }
    let tenant = tenant();
    let told = error.to_scim(request_id);
    let scim_type = told.keyword();
    let (failed, cause) = (is_failure(code), cause(error, code));
    // One set of fields in all of them; what does not exist is left out.
    macro_rules! line {
        ($level:ident, $message:literal) => {
            $level!(
                request_id, region, tenant, credential, idp, method, route, operation, code, scim_type, ms,
                cause, trace_id, $message
            )
        };
    }
    match subject.part {
        _ if error.is_logged() => line!(debug, "a request failed"),
        Part::Request { .. } if failed => line!(error, "a request failed"),
        Part::Request { .. } => line!(info, "a request was refused"),
        _ if failed => line!(error, "an operation of a bulk failed"),
        _ => line!(info, "an operation of a bulk was refused"),
    }
}

/// Not built is an answer, not a failure.
fn is_failure(code: u16) -> bool {
    matches!(code, 500 | 502..)
}

/// The cause of a failure is in our words; that of a refusal repeats what the caller sent, in quotation marks.
fn cause(error: &ApiError, code: u16) -> String {
    let cause = error.to_string();
    if is_failure(code) { cause } else { without_quotations(&cause) }
}

/// Milliseconds, to the microsecond.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn log_skipped(request_id: &str, tenant: &impl Fn() -> Option<String>, done: &Done) {
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
        trace_id = traces::trace_id(),
        "members that are not here were skipped"
    );
}

/// What callers send may be about a person: a PATCH path can hold an e-mail address. The answer repeats it, the log does not
/// (attack 23).
fn without_quotations(text: &str) -> String {
    let (Some(first), Some(last)) = (text.find('"'), text.rfind('"')) else { return text.to_owned() };
    // A text that was cut may have lost the mark behind the last quotation; its Ref stands behind the cut.
    let is_cut = text.len() >= ScimError::MAX_DETAIL || text.matches('"').count() % 2 == 1;
    let end = if is_cut { text.rfind(" Ref ").unwrap_or(text.len()) } else { last + 1 };
    let (before, after) = (text.get(..first), text.get(end..));
    format!("{}\"...\"{}", before.unwrap_or_default(), after.unwrap_or_default())
}

/// A caller can invent methods; labels must stay few (attack 25).
pub(crate) fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
