//! `usher seats …`: what a tenant has bought, what is in use, and whether the ledger agrees.

use serde_json::{Map, Value, json};

use super::{
    Options, Policies, Quotas, SeatsAct, Target,
    answer::{cell, elements, members},
    client::Client,
    mistake::Mistake,
    output::{self, Output},
};

pub(super) fn run(act: SeatsAct, options: &Options) -> Result<(), Mistake> {
    let output = options.output();
    match act {
        SeatsAct::Show(target) => show(&options.connect()?.get(&seats_of(&target))?, output),
        SeatsAct::Set { target, seats } => {
            let plan = each("quota", Quotas::try_from(seats)?.0);
            show(&options.connect()?.patch(&seats_of(&target), &plan)?, output)
        }
        SeatsAct::Policy { target, policies } => {
            policy(&options.connect()?, &target, Policies::try_from(policies)?, output)
        }
        SeatsAct::Audit(target) => audit(&options.connect()?, &target, output),
    }
}

fn seats_of(target: &Target) -> String {
    format!("{}/seats", target.path())
}

/// `{"member": 5}` as `{"member": {"quota": 5}}`.
fn each(name: &str, values: Map<String, Value>) -> Value {
    values.into_iter().map(|(license, value)| (license, json!({ name: value }))).collect()
}

/// `{"member": {"quota": 5, "used": 5, "policy": …}}` with only the named facts of each license.
fn only(names: &[&str], seats: &Value) -> Value {
    let pick = |facts: &Value| -> Value {
        names.iter().map(|name| ((*name).to_owned(), facts.get(name).cloned().unwrap_or_default())).collect()
    };
    members(seats).map(|(license, facts)| (license.clone(), pick(facts))).collect()
}

fn show(seats: &Value, output: Output) -> Result<(), Mistake> {
    if output == Output::Json {
        // Scripts rely on exactly these three; `seats policy --json` tells the policies.
        return output::json(&only(&["quota", "used", "waiting"], seats));
    }
    let row = |(license, facts): (&String, &Value)| {
        let quota = if facts.get("quota").is_some_and(Value::is_null) {
            "unlimited".into()
        } else {
            cell(facts, "quota")
        };
        [license.clone(), quota, cell(facts, "used"), cell(facts, "waiting"), cell(facts, "policy")]
    };
    let rows: Vec<_> = members(seats).map(row).collect();
    output::table(["LICENSE", "QUOTA", "USED", "WAITING", "WHEN FULL"], &rows)
}

fn policy(client: &Client, target: &Target, wanted: Policies, output: Output) -> Result<(), Mistake> {
    let path = seats_of(target);
    let seats = if wanted.0.is_empty() {
        client.get(&path)?
    } else {
        client.patch(&path, &each("policy", wanted.0))?
    };
    match output {
        Output::Human => show(&seats, Output::Human),
        Output::Json => output::json(&only(&["policy"], &seats)),
    }
}

fn audit(client: &Client, target: &Target, output: Output) -> Result<(), Mistake> {
    let audit = client.get(&format!("{}/audit", seats_of(target)))?;
    match output {
        Output::Json => output::json(&audit)?,
        Output::Human => show_audit(&audit)?,
    }
    if audit.get("ok") == Some(&Value::Bool(true)) {
        return Ok(());
    }
    Err(Mistake::failed(format!(
        "The seats of {} do not add up: {}.",
        target.label(),
        problems(&audit).join("; ")
    )))
}

fn show_audit(audit: &Value) -> Result<(), Mistake> {
    let row = |(license, counts): (&String, &Value)| {
        [license.clone(), cell(counts, "ledger"), cell(counts, "used"), cell(counts, "holders")]
    };
    let licenses = audit.get("licenses").unwrap_or(&Value::Null);
    let rows: Vec<_> = members(licenses).map(row).collect();
    output::table(["LICENSE", "LEDGER", "USED", "HOLDERS"], &rows)?;
    let found = problems(audit);
    let verdict = if found.is_empty() { "The ledger adds up.".to_owned() } else { found.join("\n") };
    output::text(&format!("\nActive users: {}.\n{verdict}", cell(audit, "active_users")))
}

fn problems(audit: &Value) -> Vec<String> {
    let listed = elements(audit.get("problems").unwrap_or(&Value::Null));
    listed.iter().map(|problem| problem.as_str().map_or_else(|| problem.to_string(), str::to_owned)).collect()
}
