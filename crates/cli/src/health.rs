//! `usher health`: what a tenant needs a hand for, and which tenants of a region do.

use serde_json::Value;

use crate::{
    commands::{HealthOf, Options, Target},
    mistake::Mistake,
    output::{cell, elements, list, member, members, steps, with},
    session::Session,
};

/// Prints the verdict; a mistake with findings.
pub(crate) fn run(HealthOf { region, key, all: _ }: HealthOf, options: &Options) -> Result<(), Mistake> {
    let session = Session::open(options)?;
    match key {
        Some(key) => of_tenant(&Target { region, key }, &session),
        None => {
            let told = session.client.get(&format!("regions/{region}/health"))?;
            session.show(&told, |told| list(["tenant", "codes", "since"], &in_words(told)))?;
            verdict(elements(&told).len(), &format!("{region}: tenants that need a hand"))
        }
    }
}

fn of_tenant(target: &Target, session: &Session) -> Result<(), Mistake> {
    let told = session.client.get(&target.path("/health"))?;
    session.show(&told, describe)?;
    verdict(elements(member(&told, "findings")).len(), &format!("{target}: findings"))
}

fn verdict(findings: usize, of: &str) -> Result<(), Mistake> {
    match findings {
        0 => Ok(()),
        many => Err(Mistake::findings(format!("{of}: {many}."))),
    }
}

/// The codes of each tenant as one text.
fn in_words(tenants: &Value) -> Vec<Value> {
    let codes = |tenant: &Value| {
        let codes = elements(member(tenant, "codes")).iter().filter_map(Value::as_str);
        with(tenant.clone(), "codes", codes.collect::<Vec<_>>().join(", "))
    };
    elements(tenants).iter().map(codes).collect()
}

fn describe(told: &Value) -> String {
    let mut lines = vec![cell(told, "status")];
    for finding in elements(member(told, "findings")) {
        lines.push(String::new());
        lines.push(format!(
            "{}, since {}: {}",
            cell(finding, "code"),
            cell(finding, "since"),
            cell(finding, "sentence")
        ));
        lines.extend(steps(finding));
    }
    let idps = elements(member(told, "idps"));
    if !idps.is_empty() {
        lines.push(String::new());
    }
    for idp in idps {
        let (lookups, creates, refused) =
            (cell(idp, "lookups_24h"), cell(idp, "creates_24h"), cell(idp, "refused_24h"));
        lines.push(format!(
            "{}. In 24 hours: {lookups} look-ups, {creates} creates, {refused} refused writes.",
            cell(idp, "sentence")
        ));
    }
    let seats: Vec<Value> = members(member(told, "seats"))
        .map(|(license, seats)| with(seats.clone(), "license", license.as_str()))
        .collect();
    let lines: Vec<String> = lines.iter().map(|line| staff::printable::on_one_line(line)).collect();
    let credentials = elements(member(told, "credentials"));
    [
        lines.join("\n"),
        list(["key_id", "kind", "idp", "state", "expires", "last_used", "wrong_secrets"], credentials),
        list(["license", "quota", "used", "waiting"], &seats),
    ]
    .join("\n\n")
}
