//! `POST /Bulk` (RFC 7644 §3.7): what HTTP adds to [`provisioning::bulk`].

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{http::StatusCode, rt, web::Data};
use directory::DirectoryError;
use provisioning::{
    Outcome, ProvisioningError, RequestContext, SentPerson,
    bulk::{Bulk, Step},
    dry_run::{self, Preview},
    refusals,
    version::etag,
};
use scim_core::{
    ScimError,
    bulk::{self, BulkRequest},
};
use store::in_background;
use tokio::runtime::Handle;

use super::{
    body::{Body, Parsed},
    caller::Caller,
    dry_run::with_seats,
    outcome::{Part, SentBy, Subject, conclude},
    refusal::{count_refusals, explain},
    response::Response,
};
use crate::{
    api_error::ApiError,
    app::App,
    shares::{Held, TooMuchUnderWay},
};

/// How long one transaction of a bulk goes on before other writers of the tenant get their turn. The operation that is being
/// done then, or the circle of operations, is still ended.
const TURN: Duration = Duration::from_millis(20);

/// Bytes of the answer to one operation: its place and version, or an error's detail with what stands around it.
const ANSWER: usize = 768;

/// Transactions that may fail before the rest is not attempted: each may have waited `store.admission_deadline_ms`.
const FAILURES: usize = 3;

/// Does what a bulk asks for; each operation has an answer of its own.
///
/// # Errors
/// 400 and 413 for a body that is no bulk; the store's error when nothing could be done at all.
pub(super) async fn bulk(
    app: &Data<App>,
    caller: Caller,
    body: Option<Body>,
    context: &mut RequestContext,
    is_dry_run: bool,
) -> Result<Response, ApiError> {
    let read = |body, context: &mut RequestContext| Ok(BulkRequest::parse(body, &mut context.tolerance)?);
    let body = body.ok_or(ApiError::BodyBroken)?;
    let Parsed { value: request, memory } = body.parse(app, &caller.tenant, context, read).await?;
    // What could not be answered is not begun.
    let mut room = app.shares.answers().room(&caller.tenant);
    if !room.fits(request.operations.len() * ANSWER) {
        return Err(TooMuchUnderWay { read: true }.into());
    }
    let work = Work {
        app: app.clone(),
        // Each transaction takes its whole turn.
        caller: Caller { store: caller.store.in_background(), ..caller },
        sent_by: SentBy { credential: context.credential.clone(), sender: context.sender.clone() },
        context: context.attempt(),
        ended: request.operations.iter().map(|_| None).collect(),
        bulk: Arc::new(Mutex::new(Bulk::new(request))),
        is_dry_run,
        _memory: memory,
    };
    // A task of its own: the client may hang up, and what was begun is ended, counted and logged all the same.
    let (answers, preview) = rt::spawn(work.run()).await.map_err(|_| ApiError::Panicked)??;
    let text = move || {
        let body = bulk::response(answers.iter()).to_string();
        match preview {
            Some(preview) => with_seats(&body, &preview),
            None => Ok(body),
        }
    };
    let text = in_background(text).await?;
    Ok(Response { room: room.held(), ..Response::ok(text) })
}

/// A bulk between its transactions.
struct Work {
    app: Data<App>,
    caller: Caller,
    context: RequestContext,
    sent_by: SentBy,
    bulk: Arc<Mutex<Bulk>>,
    /// By operation; `None` while it was not attempted.
    ended: Vec<Option<Ended>>,
    is_dry_run: bool,
    /// Of the body.
    _memory: Option<Held>,
}

/// The status of success with the version that the resource has, or the error.
type Ended = Result<(u16, Option<i64>), ScimError>;

impl Work {
    async fn run(mut self) -> Result<(Vec<bulk::OperationResponse>, Option<Preview>), ApiError> {
        let preview = if self.is_dry_run { Some(self.dry_run().await?) } else { None };
        let (mut failures, began) = (0, Instant::now());
        while locked(&self.bulk).goes_on() {
            let done = match self.transaction().await {
                // Nothing was attempted: staff have changed a schema since these rules were made.
                Err(error) if error.met_newer_schemas() => self.renew_rules().await,
                Ok(step) => {
                    let refused = step.refused();
                    self.end_step(step);
                    if refused > 0 {
                        count_refusals(&self.app, &self.caller, &self.context, refused).await;
                    }
                    Ok(())
                }
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => {}
                Err(error) if self.ended.iter().all(Option::is_none) => return Err(error),
                Err(error) => {
                    failures += 1;
                    self.end_failed(error, failures == FAILURES);
                }
            }
            if !self.has_time(began) {
                self.end_rest();
            }
        }
        Ok((self.answers(), preview))
    }

    /// Does all of it in one transaction, in which each operation meets what those before it did, and which is undone. Other writers
    /// of the tenant wait for it.
    async fn dry_run(&mut self) -> Result<Preview, ApiError> {
        let began = Instant::now();
        let (step, preview) = loop {
            match self.undone(began).await {
                Err(error) if error.met_newer_schemas() && self.has_time(began) => self.renew_rules().await?,
                done => break done?,
            }
        };
        self.end_step(step);
        let has_rest = locked(&self.bulk).goes_on();
        if has_rest {
            self.end_rest();
        }
        Ok(preview)
    }

    fn has_time(&self, began: Instant) -> bool {
        began.elapsed() < self.app.settings.limits.bulk_seconds.0
    }

    /// The steps of a dry run.
    async fn undone(&self, began: Instant) -> Result<(Step, Preview), ApiError> {
        let (bulk, context) = (Arc::clone(&self.bulk), self.context.attempt());
        let limits = &self.app.settings.limits;
        let (refusals_before_hold, seconds) = (i64::from(limits.refusals_before_hold), limits.bulk_seconds.0);
        let work = move |tx: &mut store::WriteTx<'_>| {
            let (mut bulk, rules) = (locked(&bulk), &context.rules);
            let ((), preview) = dry_run::watch(tx, rules, |tx| {
                while bulk.goes_on() && began.elapsed() < seconds {
                    let turn = Instant::now();
                    let before = bulk.refused_so_far();
                    bulk.step(tx, &context, || turn.elapsed() >= TURN)?;
                    // They count between two steps, as of a bulk that is stored: from some number on nobody is refused.
                    let refused = bulk.refused_so_far() - before;
                    if refused > 0 {
                        let (credential, id) = (&context.credential, &context.request_id);
                        refusals::count(tx, rules, credential, refused, refusals_before_hold, id)?;
                    }
                }
                Ok::<_, ApiError>(())
            })?;
            Ok::<_, ApiError>((bulk.take_step(), preview))
        };
        self.caller.store.dry_run(work).await
    }

    /// Takes the rules anew. However often that is needed, the bulk's time comes to its end.
    async fn renew_rules(&mut self) -> Result<(), ApiError> {
        let Caller { tenant, store, registry } = &self.caller;
        self.app.rules.forget(tenant);
        let base = || self.context.rules.base.clone();
        self.context.rules = self.app.rules.of(registry, tenant, base, store).await?;
        Ok(())
    }

    async fn transaction(&self) -> Result<Step, ApiError> {
        let bulk = Arc::clone(&self.bulk);
        let context = self.context.attempt();
        let (registry, tenant) = (Arc::clone(&self.caller.registry), self.caller.tenant.id.clone());
        let here = Handle::current();
        let work = move |tx: &mut store::WriteTx<'_>| {
            let began = Instant::now();
            locked(&bulk).step(tx, &context, || began.elapsed() >= TURN)?;
            // A step cannot be done again, so it waits for the registry; there are only a few bulks at a time.
            if let Some(at_ms) = registry.unnoted(&tenant, tx) {
                here.block_on(registry.note_due(&tenant, at_ms))?;
            }
            Ok::<_, ApiError>(())
        };
        self.caller.store.write(work).await?;
        Ok(locked(&self.bulk).take_step())
    }

    fn end_step(&mut self, step: Step) {
        for (operation, outcome) in step.outcomes {
            let not_done = outcome.not_done();
            let outcome = outcome.map_err(|error| self.explained(not_done, error));
            self.end(operation, &outcome);
        }
    }

    /// Ends the operations of a transaction that failed, and after the last failure those that are not attempted any more.
    fn end_failed(&mut self, error: ApiError, was_the_last: bool) {
        let mut lost = locked(&self.bulk).lose_step();
        if was_the_last {
            lost.extend(locked(&self.bulk).give_up());
        }
        let not_done = error.to_scim(&self.context.request_id);
        let outcome = Outcome {
            kind: None,
            method: None,
            id: None,
            sent: SentPerson::default(),
            result: Err(error),
            leniencies: Vec::new(),
        };
        self.conclude(Part::Transaction, "", not_done.status, &outcome);
        lost.into_iter().for_each(|operation| self.end_undone(operation, &not_done));
    }

    /// Ends what is left when the time is over: it is not done, and answered so, or a client that has hung up would send all of
    /// it again.
    fn end_rest(&mut self) {
        let rest = locked(&self.bulk).give_up();
        let seconds = self.app.settings.limits.bulk_seconds.0.as_secs();
        let detail = format!(
            "Not attempted: the bulk has taken longer than {seconds} seconds. Send this operation again."
        );
        let error = ScimError::new(503, None, detail);
        rest.into_iter().for_each(|operation| self.end_undone(operation, &error));
    }

    fn end_undone(&mut self, operation: usize, error: &ScimError) {
        let outcome =
            locked(&self.bulk).refused(operation, ApiError::NotDone(error.clone()), &self.context.rules);
        self.end(operation, &outcome);
    }

    /// The error of an operation: that of a request of its own, except that a circle of groups is a conflict here
    /// (RFC 7644 §3.7.1).
    fn explained(&self, not_done: &str, error: ProvisioningError) -> ApiError {
        let is_circle = matches!(error, ProvisioningError::Directory(DirectoryError::GroupCycle(_)));
        let error = explain(&self.app, &self.caller.tenant, &self.context, not_done, error.into());
        if is_circle {
            return ScimError::new(409, None, error.failure().detail).into();
        }
        error
    }

    fn end(&mut self, operation: usize, outcome: &Outcome<ApiError>) {
        let result = match &outcome.result {
            Ok(done) => Ok((done.status, done.version)),
            Err(error) => Err(error.to_refusal(&self.context.request_id)),
        };
        let status = result.as_ref().map_or_else(|error| error.status, |(status, _)| *status);
        let method = locked(&self.bulk).operations().get(operation).and_then(|sent| sent.method.clone());
        self.conclude(Part::Operation(operation), &method.unwrap_or_default(), status, outcome);
        if let Some(ended) = self.ended.get_mut(operation) {
            *ended = Some(result);
        }
    }

    fn conclude(&self, part: Part<'_>, method: &str, status: u16, outcome: &Outcome<ApiError>) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (request_id, tenant) = (&self.context.request_id, Some(&self.caller.tenant));
        let subject = Subject {
            request_id,
            tenant,
            sent_by: Some(&self.sent_by),
            method,
            is_dry_run: self.is_dry_run,
            part,
        };
        conclude(&self.app, &subject, status, outcome);
    }

    /// In the order of the request; what was not attempted is left out (§3.7.3).
    fn answers(&mut self) -> Vec<bulk::OperationResponse> {
        let (bulk, rules) = (locked(&self.bulk), &self.context.rules);
        let operations = bulk.operations().iter().zip(self.ended.drain(..)).enumerate();
        let answer = |(place, (sent, ended)): (usize, (&bulk::Operation, Option<Ended>))| {
            let ended = ended?;
            let location =
                bulk.resource(place).map(|(kind, id)| rules.base.location(rules.resource_type(kind), id));
            Some(bulk::OperationResponse {
                method: sent.method.clone(),
                bulk_id: sent.bulk_id.clone(),
                location,
                version: ended.as_ref().ok().and_then(|(_, version)| version.map(etag)),
                status: ended.map(|(status, _)| status),
            })
        };
        operations.filter_map(answer).collect()
    }
}

/// A step that panicked is rolled back, and what it did is taken for failed.
fn locked(bulk: &Mutex<Bulk>) -> MutexGuard<'_, Bulk> {
    bulk.lock().unwrap_or_else(PoisonError::into_inner)
}
