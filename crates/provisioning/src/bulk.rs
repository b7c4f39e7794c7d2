//! A bulk at work (RFC 7644 §3.7): units of operations, a few in each transaction, so that no other writer waits long. Each
//! operation runs like a request of its own ([`Write`]), in a savepoint of its own, so its failure undoes no other operation.
//! Operations whose references form a circle share a savepoint, because none of them may be there without the others.

use std::{
    collections::{HashMap, HashSet},
    mem,
};

use scim_core::{
    ResourceKind, ScimError,
    bulk::{BulkRequest, Id, Method, Operation, Plan},
    leniency::Leniency,
};
use seat_ledger::pools;
use serde_json::Value;
use store::{StoreError, WriteTx};

use crate::{
    Outcome, Preconditions, ProvisioningError, RequestContext, Rules, SentPerson, Write, view::Shown,
};

/// One bulk on its way.
#[derive(Debug)]
pub struct Bulk {
    operations: Vec<Operation>,
    plan: Plan,
    /// By operation.
    progress: Vec<Progress>,
    /// The next unit of the plan.
    next: usize,
    /// After so many errors the rest is not attempted.
    errors_left: Option<u64>,
    /// The people in bodies that are used up, by operation.
    sent: HashMap<usize, SentPerson>,
    /// The last step, until it is known to be stored.
    step: Step,
}

/// How far one operation is.
#[derive(Clone, Debug, Default)]
enum Progress {
    #[default]
    Waits,
    /// A POST that is running or done, with the id of its resource.
    Made(String),
    /// Ended otherwise.
    Ended,
}

/// The result of one step.
#[derive(Debug, Default)]
pub struct Step {
    /// Outcomes with their operation's place in the request, in the order in which the operations were done.
    pub outcomes: Vec<(usize, Outcome)>,
    /// Its first unit.
    from: usize,
    /// As it was before.
    errors_left: Option<u64>,
}

impl Step {
    /// How many of its operations were refused for want of a seat.
    #[must_use]
    pub fn refused(&self) -> i64 {
        let is_refused = |(_, outcome): &&(usize, Outcome)| {
            outcome.result.as_ref().is_err_and(ProvisioningError::is_for_want_of_a_seat)
        };
        i64::try_from(self.outcomes.iter().filter(is_refused).count()).unwrap_or(i64::MAX)
    }
}

impl Bulk {
    /// A bulk before its first step.
    #[must_use]
    pub fn new(request: BulkRequest) -> Self {
        let BulkRequest { operations, plan, fail_on_errors } = request;
        let progress = vec![Progress::default(); operations.len()];
        let step = Step { errors_left: fail_on_errors, ..Step::default() };
        Self { operations, plan, progress, next: 0, errors_left: fail_on_errors, sent: HashMap::new(), step }
    }

    /// Whether anything is left to attempt.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.errors_left != Some(0) && self.next < self.plan.units.len()
    }

    /// Does the next units, at least one, until `enough`, in a transaction of its own. When that is committed,
    /// [`Bulk::take_step`] returns the outcomes; when it is not, [`Bulk::lose_step`] marks them as failed.
    ///
    /// # Errors
    /// [`directory::DirectoryError::SchemasChanged`] before anything was attempted: the step is to be done under newer rules.
    /// The store's, when it failed for the whole transaction; roll back then.
    pub fn step(
        &mut self,
        tx: &mut WriteTx<'_>,
        context: &RequestContext,
        enough: impl Fn() -> bool,
    ) -> Result<(), ProvisioningError> {
        // Schemas before seats, as in every other write: a circle takes the turn before its first operation begins.
        context.rules.hold_schemas(tx)?;
        while self.goes_on() {
            let Some(unit) = self.plan.units.get(self.next).cloned() else { break };
            self.next += 1;
            if unit.is_impossible {
                let refuse =
                    |operation: &usize| self.refuse(*operation, circular(), Vec::new(), &context.rules);
                unit.operations.iter().for_each(refuse);
                continue;
            }
            let faults = self.faults(&unit.operations);
            if !faults.is_empty() {
                self.refuse_all(&unit.operations, faults, Vec::new(), &context.rules);
                continue;
            }
            self.run(tx, &unit.operations, context)?;
            // Where others write at the same time, locks are held until the commit, and several requests in one transaction
            // take locks in an order that no single request has. There each unit has a transaction of its own.
            if tx.has_rivals() || enough() {
                break;
            }
        }
        Ok(())
    }

    /// The result of the last step, which is stored.
    pub fn take_step(&mut self) -> Step {
        let next = Step { from: self.next, errors_left: self.errors_left, ..Step::default() };
        mem::replace(&mut self.step, next)
    }

    /// How many operations of the last step were refused for want of a seat so far.
    #[must_use]
    pub fn refused_so_far(&self) -> i64 {
        self.step.refused()
    }

    /// Marks the operations of the last step as failed, because none of it was stored, and returns them.
    pub fn lose_step(&mut self) -> Vec<usize> {
        let Step { from, errors_left, outcomes } = self.take_step();
        for (operation, outcome) in outcomes {
            if let Ok(done) = outcome.result {
                self.sent.entry(operation).or_default().role_received = done.role_received;
            }
        }
        let units = self.plan.units.get(from..self.next).unwrap_or_default();
        let lost: Vec<usize> = units.iter().flat_map(|unit| unit.operations.iter().copied()).collect();
        let errors = u64::try_from(lost.len()).unwrap_or(u64::MAX);
        self.errors_left = errors_left.map(|left| left.saturating_sub(errors));
        self.step.errors_left = self.errors_left;
        lost.iter().for_each(|operation| self.set(*operation, Progress::Ended));
        lost
    }

    /// Ends the bulk here; the operations that were not attempted.
    pub fn give_up(&mut self) -> Vec<usize> {
        let rest = self.plan.units.get(self.next..).unwrap_or_default();
        let rest = rest.iter().flat_map(|unit| unit.operations.iter().copied()).collect();
        self.next = self.plan.units.len();
        rest
    }

    /// The operations, in the order of the request.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The resource that an operation is about, where there is one or was to be one.
    #[must_use]
    pub fn resource(&self, operation: usize) -> Option<(ResourceKind, &str)> {
        let sent = self.operations.get(operation)?;
        match (&sent.resource, &sent.asked) {
            (Some((kind, Id::Known(id))), _) => Some((*kind, id)),
            (Some((kind, Id::Reference(bulk_id))), _) => {
                Some((*kind, made(&self.progress, self.plan.creator(bulk_id)?)?))
            }
            (None, Ok(asked)) => Some((asked.kind, made(&self.progress, operation)?)),
            (None, Err(_)) => None,
        }
    }

    fn set(&mut self, operation: usize, progress: Progress) {
        if let Some(place) = self.progress.get_mut(operation) {
            *place = progress;
        }
    }

    /// The outcome of a refused operation.
    pub fn refused<E>(&self, operation: usize, error: E, rules: &Rules) -> Outcome<E> {
        let (made, id) = self.resource(operation).map(|(kind, id)| (kind, id.to_owned())).unzip();
        let asked = self.operations.get(operation).and_then(|asked| asked.asked.as_ref().ok());
        let of_body =
            || asked.map(|asked| SentPerson::of(&rules.product, asked.kind, asked.method, &asked.data));
        Outcome {
            kind: made.or(asked.map(|asked| asked.kind)),
            method: asked.map(|asked| asked.method),
            id,
            sent: self.sent.get(&operation).cloned().or_else(of_body).unwrap_or_default(),
            result: Err(error),
            leniencies: Vec::new(),
        }
    }

    fn refuse(&mut self, operation: usize, error: ProvisioningError, leniencies: Leniencies, rules: &Rules) {
        let outcome = Outcome { leniencies, ..self.refused(operation, error, rules) };
        self.set(operation, Progress::Ended);
        self.errors_left = self.errors_left.map(|left| left.saturating_sub(1));
        self.step.outcomes.push((operation, outcome));
    }

    /// Does one operation, or several whose references form a circle: all of them or none.
    fn run(
        &mut self,
        tx: &mut WriteTx<'_>,
        unit: &[usize],
        context: &RequestContext,
    ) -> Result<(), StoreError> {
        for operation in unit {
            let is_post = |o: &Operation| o.asked.as_ref().is_ok_and(|asked| asked.method == Method::Post);
            let post = self.operations.get(*operation).is_some_and(is_post);
            self.set(*operation, if post { Progress::Made(tx.new_id()) } else { Progress::Ended });
        }
        let jobs: Vec<Job> =
            unit.iter().filter_map(|operation| self.job(*operation, &context.rules)).collect();
        let mut at = unit.first().copied().unwrap_or_default();
        let mut met = Met::default();
        let done = tx.savepoint(|tx| {
            // A circle may begin with a group: seats before rows of the directory, as everywhere.
            if unit.len() > 1 {
                pools::take_turn(tx)?;
            }
            let mut done = Vec::with_capacity(unit.len());
            for job in jobs {
                at = job.operation;
                done.push((at, job.run(tx, context, &mut met)?));
            }
            Ok::<_, ProvisioningError>(done)
        });
        match done {
            Ok(done) => {
                for (operation, outcome) in &done {
                    // A POST that took somebody over has made no new id.
                    if let (Some(Progress::Made(id)), Some(real)) =
                        (self.progress.get_mut(*operation), &outcome.id)
                    {
                        id.clone_from(real);
                    }
                }
                self.step.outcomes.extend(done);
            }
            Err(error) => {
                let fault = (at, of_the_operation(error)?);
                self.sent.insert(at, met.sent);
                self.refuse_all(unit, vec![fault], met.leniencies, &context.rules);
            }
        }
        Ok(())
    }

    /// Refuses all operations of a unit: a faulty operation with its fault, the others because they refer to a failed one. The
    /// leniencies were met before the first fault.
    fn refuse_all(
        &mut self,
        unit: &[usize],
        mut faults: Vec<(usize, ProvisioningError)>,
        mut leniencies: Leniencies,
        rules: &Rules,
    ) {
        let first = faults.first().map(|(operation, _)| *operation).unwrap_or_default();
        for operation in unit {
            let own = faults.iter().position(|(faulty, _)| faulty == operation);
            let error = own.map(|place| faults.swap_remove(place).1);
            let met = if *operation == first { mem::take(&mut leniencies) } else { Vec::new() };
            self.refuse(*operation, error.unwrap_or_else(|| refers_to_failure(first)), met, rules);
        }
    }

    /// Which operations of a unit cannot be attempted, and why.
    fn faults(&self, unit: &[usize]) -> Vec<(usize, ProvisioningError)> {
        let together: HashSet<usize> = unit.iter().copied().collect();
        let fault = |operation: usize| {
            if let Err(error) = &self.operations.get(operation)?.asked {
                return Some(error.clone().into());
            }
            let mut needs = self.plan.needs(operation).iter().filter(|need| !together.contains(need));
            needs.find(|need| made(&self.progress, **need).is_none()).map(|need| refers_to_failure(*need))
        };
        unit.iter().filter_map(|operation| Some((*operation, fault(*operation)?))).collect()
    }

    /// An operation as a job, with an id in the place of every reference.
    fn job(&mut self, operation: usize, rules: &Rules) -> Option<Job> {
        let (kind, id) = self.resource(operation).map(|(kind, id)| (kind, id.to_owned()))?;
        let Self { operations, plan, progress, sent, .. } = self;
        let asked = operations.get_mut(operation)?.asked.as_mut().ok()?;
        plan.resolve(asked, |creator| made(progress, creator).map(str::to_owned));
        let body = mem::replace(&mut asked.data, Value::Null);
        let method = asked.method;
        sent.insert(operation, SentPerson::of(&rules.product, kind, method, &body));
        let version = asked.version.take().filter(|_| method != Method::Post);
        let conditions = Preconditions { if_match: version, if_none_match: None };
        Some(Job { operation, kind, method, id, body, conditions })
    }
}

/// The id of the resource that a POST has made, or is about to make.
fn made(progress: &[Progress], operation: usize) -> Option<&str> {
    match progress.get(operation)? {
        Progress::Made(id) => Some(id),
        Progress::Waits | Progress::Ended => None,
    }
}

/// One operation as a request of its own.
struct Job {
    operation: usize,
    kind: ResourceKind,
    method: Method,
    id: String,
    body: Value,
    conditions: Preconditions,
}

impl Job {
    /// Runs it; of one that fails it leaves in `met` what was met before.
    fn run(
        self,
        tx: &mut WriteTx<'_>,
        context: &RequestContext,
        met: &mut Met,
    ) -> Result<Outcome, ProvisioningError> {
        let mut context = context.attempt();
        let run = |context: &mut RequestContext| {
            let write = Write::new(self.kind, self.method, Some(self.id), self.body, context)?;
            match write.run(tx, Shown::Version, &self.conditions, context) {
                Ok(done) => Ok(write.outcome(Ok(done), context)),
                Err(error) => {
                    context.sent.role_received = write.role_received(&context.rules);
                    Err(error)
                }
            }
        };
        let outcome = run(&mut context);
        if outcome.is_err() {
            *met = Met { leniencies: context.tolerance.seen, sent: context.sent };
        }
        outcome
    }
}

/// What an operation met before it failed.
#[derive(Default)]
struct Met {
    leniencies: Leniencies,
    sent: SentPerson,
}

/// Leniencies, as in [`scim_core::leniency::Tolerance::seen`].
type Leniencies = Vec<(Leniency, String)>;

/// RFC 7644 §3.7.1.
fn circular() -> ProvisioningError {
    let detail = "The references are circular: a group would be, perhaps through others, a member of itself.";
    ScimError::new(409, None, detail).into()
}

fn refers_to_failure(operation: usize) -> ProvisioningError {
    let detail = format!("Not done, because it refers to what operation {} failed to create.", operation + 1);
    ScimError::new(409, None, detail).into()
}

/// An error that is one operation's. Any other failure of the store fails the whole transaction.
pub(crate) fn of_the_operation(error: ProvisioningError) -> Result<ProvisioningError, StoreError> {
    match error {
        ProvisioningError::Store(
            error @ (StoreError::OverLimit { .. }
            | StoreError::Panicked
            | StoreError::Unique(_)
            | StoreError::Query(_)),
        ) => Ok(error.into()),
        ProvisioningError::Store(failure) => Err(failure),
        error => Ok(error),
    }
}
