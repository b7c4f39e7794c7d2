//! The part of the run for credentials: the same probe by each kind, held against the opaque bearer token.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{REGION, Run, goals, onboard, rates_table};
use crate::bench::Result;
use crate::bench::closed_loop::{Bound, Phase, Target};
use crate::bench::workloads::{Directory, single};
use crate::gateway::Gateway;
use crate::http::Request;
use crate::signing::{SigningKey, key_set};

/// The tenant's company key.
const KEY: &str = "bench-credentials";
/// Each window is so many short ones in turns, because what is compared differs by less than a minute of a machine does.
const TURNS: u32 = 10;
/// Probes by each kind that are not measured.
const FIRST_PROBES: usize = 1_000;
/// The issuer that the tenant trusts.
const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "api://usher";

/// The values of `Authorization` by which the tenant is opened, the opaque bearer token first; one more kind is one more element.
fn every_kind(gateway: &Gateway, target: &Target) -> Result<Vec<(&'static str, String)>> {
    let opaque = target.authorization.clone().ok_or("a tenant has a token")?;
    let basic = add(gateway, &["basic"])?;
    let client = add(gateway, &["oauth"])?;
    Ok(vec![
        ("bearer token", opaque),
        ("key with its secret", pair(text(&basic, "key")?, text(&basic, "secret")?)),
        ("access token", format!("Bearer {}", exchange(&client)?)),
        ("token of a trusted issuer, RS256", format!("Bearer {}", trusted(gateway)?)),
    ])
}

fn add(gateway: &Gateway, words: &[&str]) -> Result<Value> {
    let of = ["--region", REGION, "--key", KEY, "--json"];
    Ok(serde_json::from_str(&gateway.cli_ok(&[&["credential", "add"], words, &of].concat()))?)
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name].as_str().ok_or_else(|| format!("{name} is no text in {value}").into())
}

fn pair(key: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

fn exchange(client: &Value) -> Result<String> {
    let answer = Request::new("POST", text(client, "token_url")?)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", &pair(text(client, "client_id")?, text(client, "client_secret")?))
        .bytes(b"grant_type=client_credentials")
        .send();
    Ok(text(&answer.body, "access_token")?.to_owned())
}

/// A token as Entra ID signs one.
fn trusted(gateway: &Gateway) -> Result<String> {
    let key = SigningKey::rsa(0, "bench");
    let file = gateway.data_dir().join("keys.json");
    std::fs::write(&file, key_set(&[&key]).to_string())?;
    let file = file.display().to_string();
    add(gateway, &["issuer", "--issuer", ISSUER, "--audience", AUDIENCE, "--jwks-file", &file])?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims =
        json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "bench", "iat": now, "nbf": now, "exp": now + 3_600 });
    Ok(key.token(&claims))
}

impl Run {
    /// The probe by each kind of credential, in turns. They are compared by what a probe costs the gateway in CPU time, which other
    /// work on the machine changes least.
    pub(super) async fn kinds_of_credentials(&mut self) -> Result<()> {
        self.say("a probe by each kind of credential in turns …");
        let target = onboard(&self.gateway, KEY)?;
        let kinds = every_kind(&self.gateway, &target)?;
        let with =
            |authorization: &String| Target { authorization: Some(authorization.clone()), ..target.clone() };
        let mut sums: Vec<(&str, Directory, Phase)> = kinds
            .iter()
            .map(|(kind, authorization)| (*kind, Directory::empty(with(authorization)), Phase::default()))
            .collect();
        let workers = self.options.workers;
        for (_, directory, _) in &sums {
            self.noted(single::probe(directory, workers, Bound::turns(FIRST_PROBES))).await?;
        }
        let bound = Bound::time(self.options.window / TURNS);
        for _ in 0..self.options.rounds * TURNS {
            for (_, directory, sum) in &mut sums {
                sum.absorb(self.noted(single::probe(directory, workers, bound)).await?)?;
            }
        }
        let cost = |phase: &Phase| phase.server_cpu.as_secs_f64() / phase.record.total().max(1) as f64;
        let mut table = rates_table("An authenticated probe by each kind of credential");
        let opaque = sums.first().map(|(_, _, phase)| cost(phase)).unwrap_or_default();
        for (nth, (kind, _, phase)) in sums.iter().enumerate() {
            let mut row = self.row(workers, phase, single::PROBE);
            row[0] = format!("probe by {kind}");
            if nth > 0 {
                row.push("CPU, bearer token".into());
                let ratio = cost(phase) / opaque;
                row.extend(self.report.judge(&format!("probe by {kind}"), ratio, goals::CREDENTIALS));
            }
            table.row(row);
            self.cost(&format!("probe by {kind}"), phase);
        }
        self.show(table);
        Ok(())
    }
}
