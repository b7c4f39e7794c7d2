//! `POST /Bulk` (RFC 7644 §3.7): what HTTP adds to [`provisioning::bulk`].

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{rt, web::Data};
use directory::DirectoryError;
use provisioning::{
    Done, Outcome, ProvisioningError, Rules,
    bulk::{Bulk, Step},
    version::etag,
};
use scim_core::{
    ScimError,
    bulk::{self, BulkRequest},
    leniency::{Leniency, Tolerance},
};
use store::in_background;
use tracing::{error, info};

use super::{
    answer::Answer,
    body::{Body, Made},
    caller::Caller,
    entry::{status_text, without_quotations},
    refusal::Refused,
    write::tell,
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
    body: Body,
    tolerance: &mut Tolerance,
) -> Result<Answer, ApiError> {
    let parse = |body, _: &Rules, t: &mut Tolerance| Ok(BulkRequest::parse(body, t)?);
    let Made { what: request, memory } = body.make(app, &caller, tolerance, parse).await?;
    // What could not be told is not begun.
    let mut room = app.shares.answers().room(&caller.tenant);
    if !room.fits(request.operations.len() * ANSWER) {
        return Err(TooMuchUnderWay { read: true }.into());
    }
    let work = Work::new(app.clone(), caller, request, memory);
    // A task of its own: whoever asked may hang up, and what was begun is ended, counted and logged all the same.
    let (answers, tolerated) = rt::spawn(work.run()).await.map_err(|_| ApiError::Panicked)??;
    tolerance.seen.extend(tolerated);
    let text = in_background(move || Ok::<_, ApiError>(bulk::response(answers.iter()).to_string())).await?;
    Ok(Answer { room: room.held(), ..Answer::ok(text) })
}

/// A bulk between its transactions.
struct Work {
    app: Data<App>,
    caller: Caller,
    bulk: Arc<Mutex<Bulk>>,
    /// By operation; `None` while it was not attempted.
    ended: Vec<Option<Ended>>,
    tolerated: Vec<(Leniency, String)>,
    /// Of the body.
    _memory: Option<Held>,
}

/// The status of success with the version that the resource has, or the error.
type Ended = Result<(u16, Option<i64>), ScimError>;

type Answers = (Vec<bulk::Answer>, Vec<(Leniency, String)>);

impl Work {
    fn new(app: Data<App>, caller: Caller, request: BulkRequest, memory: Option<Held>) -> Self {
        let ended = request.operations.iter().map(|_| None).collect();
        let bulk = Arc::new(Mutex::new(Bulk::new(request)));
        // Each transaction takes its whole turn.
        let caller = Caller { store: caller.store.in_background(), ..caller };
        Self { app, caller, bulk, ended, tolerated: Vec::new(), _memory: memory }
    }

    async fn run(mut self) -> Result<Answers, ApiError> {
        let (mut failures, began) = (0, Instant::now());
        while locked(&self.bulk).goes_on() {
            let done = match self.transaction().await {
                // Nothing was attempted: staff have changed a schema since these rules were made.
                Err(error) if error.met_newer_schemas() => self.renew_rules().await.map(|()| None),
                done => done.map(Some),
            };
            match done {
                Ok(step) => step.into_iter().for_each(|step| self.note(step)),
                Err(error) if self.ended.iter().all(Option::is_none) => return Err(error),
                Err(error) => {
                    failures += 1;
                    self.note_failure(error, failures == FAILURES);
                }
            }
            if began.elapsed() >= self.app.settings.bulk_time {
                self.note_rest();
            }
        }
        Ok((self.answers(), self.tolerated))
    }

    /// Takes the rules anew. However often that is needed, the bulk's time comes to its end.
    async fn renew_rules(&mut self) -> Result<(), ApiError> {
        let Caller { tenant, store, .. } = &self.caller;
        self.app.rules.forget(tenant);
        self.caller.rules = self.app.rules.of(tenant, &self.caller.base, store).await?;
        Ok(())
    }

    async fn transaction(&self) -> Result<Step, ApiError> {
        let bulk = Arc::clone(&self.bulk);
        let context = self.caller.context();
        let work = move |tx: &mut store::WriteTx<'_>| {
            let began = Instant::now();
            Ok::<_, ApiError>(locked(&bulk).step(tx, &context, || began.elapsed() >= TURN)?)
        };
        self.caller.store.write(work).await?;
        Ok(locked(&self.bulk).take_step())
    }

    fn note(&mut self, step: Step) {
        for (operation, Outcome { result, leniencies, .. }) in step.outcomes {
            self.tolerated.extend(leniencies);
            let result = match result {
                Ok(Done { status, version, seats, skipped, .. }) => {
                    tell(&self.app, (&seats, &skipped), &self.caller.tenant, &self.caller.act.request_id);
                    Ok((status, version))
                }
                Err(error) => Err(self.explained(operation, error)),
            };
            self.end(operation, result);
        }
    }

    /// The operations of a transaction that failed are told so, and those that are not attempted any more.
    fn note_failure(&mut self, error: ApiError, was_the_last: bool) {
        let lost = {
            let mut bulk = locked(&self.bulk);
            let mut lost = bulk.lose_step();
            if was_the_last {
                lost.extend(bulk.give_up());
            }
            lost
        };
        let told = error.to_scim(&self.caller.act.request_id);
        self.log(None, &error, told.status);
        lost.into_iter().for_each(|operation| self.end(operation, Err(told.clone())));
    }

    /// What is left when the time is over is not done, and told so: a client that has hung up would send all of it again.
    fn note_rest(&mut self) {
        let rest = locked(&self.bulk).give_up();
        let seconds = self.app.settings.bulk_time.as_secs();
        let detail = format!(
            "Not attempted: the bulk has taken longer than {seconds} seconds. Send this operation again."
        );
        let error = ScimError::new(503, None, detail);
        rest.into_iter().for_each(|operation| self.end(operation, Err(error.clone())));
    }

    /// What the client is told of an operation's failure: what a request of its own would have been told, except that a circle
    /// of groups is a conflict here (RFC 7644 §3.7.1).
    fn explained(&self, operation: usize, error: ProvisioningError) -> ScimError {
        let is_post = self.method(operation).as_deref() == Some("POST");
        let not_done = if is_post { "created" } else { "changed" };
        let circle = matches!(error, ProvisioningError::Directory(DirectoryError::GroupCycle(_)));
        let error = Refused::of(&self.app, &self.caller, not_done).explain(&self.app, error.into());
        let mut told = error.to_scim(&self.caller.act.request_id);
        if circle {
            told = ScimError::new(409, None, told.detail);
        }
        self.log(Some(operation), &error, told.status);
        told
    }

    fn method(&self, operation: usize) -> Option<String> {
        locked(&self.bulk).operations().get(operation)?.method.clone()
    }

    fn log(&self, operation: Option<usize>, error: &ApiError, status: u16) {
        let (request_id, tenant) = (&self.caller.act.request_id, &self.caller.tenant);
        let tenant = format!("{}/{}", tenant.region, tenant.company_key);
        let cause = error.to_string();
        let number = operation.map(|operation| operation + 1);
        if status >= 500 {
            error!(request_id, tenant, operation = number, status, cause, "an operation of a bulk failed");
        } else {
            let cause = without_quotations(&cause);
            info!(
                request_id,
                tenant,
                operation = number,
                status,
                cause,
                "an operation of a bulk was refused"
            );
        }
    }

    fn end(&mut self, operation: usize, result: Ended) {
        let status = result.as_ref().map_or_else(|error| error.status, |(status, _)| *status);
        let method = self.method(operation).unwrap_or_default();
        let method = ["POST", "PUT", "PATCH", "DELETE"].into_iter().find(|m| *m == method).unwrap_or("other");
        self.app.metrics.bulk_operations.with_label_values(&[method, status_text(status)]).inc();
        if let Some(place) = self.ended.get_mut(operation) {
            *place = Some(result);
        }
    }

    /// In the order of the request; what was not attempted is left out (§3.7.3).
    fn answers(&mut self) -> Vec<bulk::Answer> {
        let bulk = locked(&self.bulk);
        let (base, rules) = (&self.caller.base, &self.caller.rules);
        let answers = bulk.operations().iter().zip(self.ended.drain(..)).enumerate();
        let answer = |(place, (sent, ended)): (usize, (&bulk::Operation, Option<Ended>))| {
            let ended = ended?;
            let location =
                bulk.resource(place).map(|(kind, id)| base.location(rules.resource_type(kind), id));
            Some(bulk::Answer {
                method: sent.method.clone(),
                bulk_id: sent.bulk_id.clone(),
                location,
                version: ended.as_ref().ok().and_then(|(_, version)| version.map(etag)),
                status: ended.map(|(status, _)| status),
            })
        };
        answers.filter_map(answer).collect()
    }
}

/// A step that panicked is rolled back, and what it did is taken for failed.
fn locked(bulk: &Mutex<Bulk>) -> MutexGuard<'_, Bulk> {
    bulk.lock().unwrap_or_else(PoisonError::into_inner)
}
