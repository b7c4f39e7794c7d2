//! Acts of staff, through the real command line: onboard, issue a token, change a plan, recount.

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _};

use serde_json::Value;
use testkit::gateway::{Gateway, Tenant};

use crate::{
    story::{Story, text},
    told::{Told, Tone},
};

/// `tenant create` and `token issue`; the token is left in a file for the reader's own curl.
pub(crate) fn onboard(gateway: &Gateway, told: &Told, region: &str, name: &str, plan: &[&str]) -> Tenant {
    let key = name.to_lowercase();
    let words = ["tenant", "create", "--region", region, "--key", &key, "--name", name, "--json"];
    let made = json(gateway, &[&words[..], plan].concat());
    let act = format!("usher tenant create --region {region} --key {key} …");
    told.act(&act, &text(&made, "state"), Tone::Plain);
    let issued = json(gateway, &["token", "issue", "--region", region, "--key", &key, "--json"]);
    let (base_url, token) = (text(&issued, "base_url"), text(&issued, "token"));
    told.act("usher token issue …", &base_url, Tone::Plain);
    // For the owner's eyes only, as every credential.
    let path = gateway.data_dir().join(format!("{key}.token"));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    writeln!(file, "{token}").unwrap();
    Tenant { base_url, token, region: region.to_owned(), key }
}

/// `tenant activate`.
pub(crate) fn activate(gateway: &Gateway, story: &Story<'_>) {
    let Tenant { region, key, .. } = &story.tenant;
    let made = json(gateway, &["tenant", "activate", "--region", region, "--key", key, "--json"]);
    let act = format!("usher tenant activate --region {region} --key {key}");
    story.told.act(&act, &text(&made, "provisioning"), Tone::Plain);
}

/// `seats set`; shows `member 3, member_lite null`, as the gateway answered.
pub(crate) fn set_seats(gateway: &Gateway, story: &Story<'_>, seats: &str) {
    let Tenant { region, key, .. } = &story.tenant;
    let shown = json(gateway, &["seats", "set", "--region", region, "--key", key, seats, "--json"]);
    let quotas = shown.as_object().into_iter().flatten();
    let quotas: Vec<_> = quotas.map(|(license, facts)| format!("{license} {}", facts["quota"])).collect();
    let act = format!("usher seats set --region {region} --key {key} {seats}");
    story.told.act(&act, &quotas.join(", "), Tone::Plain);
}

/// `seats audit`, whose exit code is the verdict.
pub(crate) fn audit(gateway: &Gateway, story: &Story<'_>) {
    let Tenant { region, key, .. } = &story.tenant;
    story.told.line(&format!("\n$ usher seats audit --region {region} --key {key}"));
    story.told.line(gateway.cli_ok(&["seats", "audit", "--region", region, "--key", key]).trim_end());
}

fn json(gateway: &Gateway, words: &[&str]) -> Value {
    serde_json::from_str(&gateway.cli_ok(words)).unwrap()
}
