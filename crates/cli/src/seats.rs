//! `usher seats …`: a tenant's quotas and policies, the seats in use, who waits, and whether the ledger adds up.

use seat_ledger::Grace;
use serde_json::Value;
use staff::{LicenseChange, NewLine, PlanChange};

use crate::{
    commands::{Options, SeatsAct, Target},
    mistake::Mistake,
    output::{cell, elements, list, member, members, with},
    plan::{Choice, once_each},
    session::Session,
};

/// What `seats show` gives to scripts.
const SHOWN: &[&str] = &[
    "quota", "used", "waiting", "policy", "in_force", "why", "overage", "grace", "borrowed", "debt", "next",
];

pub(crate) fn run(act: SeatsAct, options: &Options) -> Result<(), Mistake> {
    match act {
        SeatsAct::Show(target) => seats(&Session::open(options)?, &target, None, SHOWN),
        SeatsAct::Set { target, seats: quotas } => {
            let change = |quota| LicenseChange { quota: Some(quota), ..LicenseChange::default() };
            let plan = change_each(once_each(quotas)?, change);
            seats(&Session::open(options)?, &target, Some(&plan), &["quota", "used", "waiting"])
        }
        SeatsAct::Policy { target, policies } => {
            let change = |Choice { policy, overage }| LicenseChange {
                policy: Some(policy),
                overage: overage.map(Some),
                ..LicenseChange::default()
            };
            let plan = change_each(once_each(policies)?, change);
            let plan = Some(&plan).filter(|plan| !plan.is_empty());
            seats(&Session::open(options)?, &target, plan, &["policy", "in_force", "why", "overage"])
        }
        SeatsAct::Grace { target, grace, minutes } => {
            let (license, seats) = grace.parts();
            let grace = Some(seats.map(|seats| Grace { seats, minutes }));
            let plan = PlanChange::from([(license, LicenseChange { grace, ..LicenseChange::default() })]);
            seats_and_grace(&Session::open(options)?, &target, &plan)
        }
        SeatsAct::Add { target, seats, from, until, source } => {
            let (license, seats) = seats.parts();
            let Some(seats) = seats else {
                return Err(Mistake::usage(
                    "A line has a number of seats; `seats set` makes a license unlimited.",
                ));
            };
            let session = Session::open(options)?;
            let line = NewLine { license, seats, from, until, source };
            let line = session.client.post(&target.path("/seats/lines"), &line)?;
            session.show(&line, |line| lines(std::slice::from_ref(line)))
        }
        SeatsAct::Plan(target) => {
            let session = Session::open(options)?;
            session.show(&session.client.get(&target.path("/seats/lines"))?, |all| lines(elements(all)))
        }
        SeatsAct::Remove { target, line } => {
            let session = Session::open(options)?;
            session.client.delete(&target.path(&format!("/seats/lines/{line}")))?;
            session.show(&Value::Null, |_| format!("Line {line} of {target} is gone."))
        }
        SeatsAct::Waiting(target) => {
            let session = Session::open(options)?;
            let waiting = session.client.get(&target.path("/seats/waiting"))?;
            let columns = ["place", "user_name", "license", "since"];
            session.show(&waiting, |waiting| list(columns, elements(waiting)))
        }
        SeatsAct::Audit(target) => audit(&Session::open(options)?, &target),
    }
}

fn lines(lines: &[Value]) -> String {
    list(["line", "license", "seats", "from", "until", "source"], lines)
}

/// Sets the grace of a license and shows its seats.
fn seats_and_grace(session: &Session, target: &Target, change: &PlanChange) -> Result<(), Mistake> {
    seats(session, target, Some(change), &["grace", "borrowed"])
}

fn change_each<T>(
    values: impl IntoIterator<Item = (String, T)>,
    change: impl Fn(T) -> LicenseChange,
) -> PlanChange {
    values.into_iter().map(|(license, value)| (license, change(value))).collect()
}

/// Changes the seats, if there is a change, and shows them. Scripts rely on exactly the members that `for_scripts` names.
fn seats(
    session: &Session,
    target: &Target,
    change: Option<&PlanChange>,
    for_scripts: &[&str],
) -> Result<(), Mistake> {
    let path = target.path("/seats");
    let seats = match change {
        None => session.client.get(&path)?,
        Some(change) => session.client.patch(&path, change)?,
    };
    if session.json {
        let pick = |facts: &Value| -> Value {
            for_scripts.iter().map(|name| ((*name).to_owned(), member(facts, name).clone())).collect()
        };
        let picked = members(&seats).map(|(license, facts)| (license.clone(), pick(facts)));
        return session.show(&picked.collect(), Value::to_string);
    }
    let rows: Vec<Value> = members(&seats).map(|(license, facts)| row(license, facts)).collect();
    session.show(&seats, |_| list(["license", "title", "quota", "used", "waiting", "policy"], &rows))
}

fn row(license: &str, facts: &Value) -> Value {
    let row = with(facts.clone(), "license", license);
    if member(facts, "quota").is_null() { with(row, "quota", "unlimited") } else { row }
}

fn audit(session: &Session, target: &Target) -> Result<(), Mistake> {
    let audit = session.client.get(&target.path("/seats/audit"))?;
    session.show(&audit, describe)?;
    if *member(&audit, "ok") == true {
        return Ok(());
    }
    Err(Mistake::failed(format!("The seats of {target} do not add up: {}.", problems(&audit).join("; "))))
}

fn describe(audit: &Value) -> String {
    let counts = members(member(audit, "licenses"));
    let rows: Vec<Value> =
        counts.map(|(license, counts)| with(counts.clone(), "license", &**license)).collect();
    let table = list(["license", "ledger", "used", "holders"], &rows);
    let found = problems(audit);
    let verdict = if found.is_empty() { "The ledger adds up.".to_owned() } else { found.join("\n") };
    format!("{table}\n\nActive users: {}.\n{verdict}", cell(audit, "active_users"))
}

fn problems(audit: &Value) -> Vec<String> {
    let text = |problem: &Value| problem.as_str().map_or_else(|| problem.to_string(), str::to_owned);
    elements(member(audit, "problems")).iter().map(text).collect()
}
