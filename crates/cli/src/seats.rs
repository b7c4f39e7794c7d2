//! `usher seats …`: a tenant's quotas, the seats in use, and whether the ledger adds up.

use serde_json::Value;
use staff::{LicenseChange, PlanChange};

use crate::{
    commands::{Options, SeatsAct, Target},
    mistake::Mistake,
    output::{cell, elements, list, member, members, with},
    plan::once_each,
    session::Session,
};

pub(crate) fn run(act: SeatsAct, options: &Options) -> Result<(), Mistake> {
    match act {
        SeatsAct::Show(target) => {
            seats(&Session::open(options)?, &target, None, &["quota", "used", "waiting"])
        }
        SeatsAct::Set { target, seats: quotas } => {
            let change = |quota| LicenseChange { quota: Some(quota), policy: None };
            let plan = change_each(once_each(quotas)?, change);
            seats(&Session::open(options)?, &target, Some(&plan), &["quota", "used", "waiting"])
        }
        SeatsAct::Policy { target, policies } => {
            let change = |policy| LicenseChange { quota: None, policy: Some(policy) };
            let plan = change_each(once_each(policies)?, change);
            let plan = Some(&plan).filter(|plan| !plan.is_empty());
            seats(&Session::open(options)?, &target, plan, &["policy"])
        }
        SeatsAct::Audit(target) => audit(&Session::open(options)?, &target),
    }
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
    session.show(&seats, |_| list(["license", "quota", "used", "waiting", "policy"], &rows))
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
