//! What staff do, through the real command line: onboard, issue a token, change a plan, recount.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _};

use serde_json::Value;

use crate::{
    gateway::Gateway,
    story::{Wrong, text},
    told::{Told, Tone},
};

/// What an administrator enters in an identity provider.
pub(crate) struct Connection {
    pub(crate) base_url: String,
    pub(crate) token: String,
}

/// `tenant create` and `token issue`; the token is left in a file for the reader's own curl.
pub(crate) fn onboard(
    gateway: &Gateway,
    told: &Told,
    (region, key, name): (&str, &str, &str),
    plan: &[&str],
) -> Result<Connection, Wrong> {
    let words = ["tenant", "create", "--region", region, "--key", key, "--name", name, "--json"];
    let tenant = json(&gateway.usher(&[&words[..], plan].concat())?)?;
    told.act(
        &format!("usher tenant create --region {region} --key {key} …"),
        &text(&tenant, "state"),
        Tone::Plain,
    );
    let issued = json(&gateway.usher(&["token", "issue", "--region", region, "--key", key, "--json"])?)?;
    let connection = Connection { base_url: text(&issued, "base_url"), token: text(&issued, "token") };
    told.act("usher token issue …", &connection.base_url, Tone::Plain);
    keep(gateway, key, &connection.token)?;
    Ok(connection)
}

/// For the owner's eyes only, as every credential.
fn keep(gateway: &Gateway, key: &str, token: &str) -> Result<(), Wrong> {
    let path = gateway.token_file(key);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let written = file.and_then(|mut file| writeln!(file, "{token}"));
    written.map_err(|error| Wrong::new(format!("{} cannot be written: {error}", path.display())))
}

pub(crate) fn set_seats(
    gateway: &Gateway,
    told: &Told,
    (region, key): (&str, &str),
    seats: &str,
) -> Result<(), Wrong> {
    let shown = json(&gateway.usher(&["seats", "set", "--region", region, "--key", key, seats, "--json"])?)?;
    told.act(&format!("usher seats set --region {region} --key {key} {seats}"), &quotas(&shown), Tone::Plain);
    Ok(())
}

/// `member 3, member_lite null`, as the gateway answered.
fn quotas(seats: &Value) -> String {
    let licenses = seats.as_object().into_iter().flatten();
    let quota = |facts: &Value| facts.get("quota").map_or_else(String::new, Value::to_string);
    licenses.map(|(license, facts)| format!("{license} {}", quota(facts))).collect::<Vec<_>>().join(", ")
}

/// `seats audit`, whose exit code is the verdict.
pub(crate) fn audit(gateway: &Gateway, told: &Told, (region, key): (&str, &str)) -> Result<(), Wrong> {
    told.line(&format!("\n$ usher seats audit --region {region} --key {key}"));
    told.line(gateway.usher(&["seats", "audit", "--region", region, "--key", key])?.trim_end());
    Ok(())
}

fn json(text: &str) -> Result<Value, Wrong> {
    serde_json::from_str(text)
        .map_err(|error| Wrong::new(format!("usher answered no JSON ({error}): {text}")))
}
