//! The gateway under test: a release `usher serve` in a process of its own with a fresh data directory, set up
//! through its own command line as a customer's staff would do it.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper::Method;
use serde::Deserialize;

use super::Result;
use super::closed_loop::Target;
use super::connection::Connection;
use crate::ports;

/// A gateway that is not ready in this time does not become ready.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(2);
/// The region all tenants of the benchmark live in.
const REGION: &str = "ire";

/// A running gateway; it ends when this is dropped.
pub struct Gateway {
    process: Child,
    program: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    /// From the start of the process to the first 200 of `/readyz`.
    pub started_in: Duration,
}

/// What `usher token issue --json` prints.
#[derive(Deserialize)]
struct Credential {
    base_url: String,
    token: String,
}

impl Gateway {
    /// Starts `program serve` with its data below `folder` and its log beside them.
    pub async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let (data, log) = (folder.join("data"), folder.join("gateway.log"));
        let out = File::create(&log)?;
        let (address, metrics) = (free_address(), free_address());
        let begun = Instant::now();
        let process = Command::new(program)
            .arg("serve")
            .env("USHER__SERVER__LISTEN", address.to_string())
            .env("USHER__METRICS__LISTEN", metrics.to_string())
            .env("USHER__DATA_DIR", &data)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let program = program.to_path_buf();
        let mut gateway = Self { process, program, data, address, started_in: Duration::ZERO };
        while !gateway.is_ready().await {
            if gateway.process.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let said = fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("the gateway is not ready:\n{}", last_lines(&said, 20)).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        gateway.started_in = begun.elapsed();
        Ok(gateway)
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.address, None).await else {
            return false;
        };
        connection.send(Method::GET, "/readyz", None).await.is_ok_and(|answer| answer.status == 200)
    }

    /// The server's process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Makes a tenant with seats for everybody and a token for its identity provider.
    pub fn onboard(&self, key: &str) -> Result<Target> {
        let seats = ["--seats", "member=unlimited", "--seats", "member_lite=unlimited"];
        let name = ["--name", key, "--json"];
        self.cli(&["tenant", "create", "--region", REGION, "--key", key], &[&seats[..], &name[..]].concat())?;
        let issued = self.cli(&["token", "issue", "--region", REGION, "--key", key], &["--json"])?;
        let credential: Credential = serde_json::from_str(&issued)?;
        let base_path = path_of(&credential.base_url).to_owned();
        Ok(Target {
            address: self.address,
            base_path,
            token: Some(credential.token),
            process: self.process(),
        })
    }

    /// The tenant's seat ledger adds up; else the error says what `usher seats audit` said.
    pub fn audit(&self, key: &str) -> Result<()> {
        self.cli(&["seats", "audit", "--region", REGION, "--key", key], &[]).map(drop)
    }

    fn cli(&self, words: &[&str], options: &[&str]) -> Result<String> {
        let token = fs::read_to_string(self.data.join("admin-token"))?;
        let output = Command::new(&self.program)
            .args(words)
            .args(options)
            .env("USHER_SERVER", format!("http://{}", self.address))
            .env("USHER_ADMIN_TOKEN", token.trim())
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("usher {}: {}", words.join(" "), said.trim()).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, ports::claim()).into()
}

/// What follows the authority of a URL.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("", |slash| rest[slash..].trim_end_matches('/'))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_what_follows_the_authority() {
        assert_eq!(path_of("http://127.0.0.1:8080/ire/a/scim/v2"), "/ire/a/scim/v2");
        assert_eq!(path_of("https://ire.example.com/a/scim/v2/"), "/a/scim/v2");
        assert_eq!(path_of("http://host"), "");
    }

    #[test]
    fn only_the_end_of_a_log_is_shown() {
        assert_eq!(last_lines("a\nb\nc", 2), "b\nc");
        assert_eq!(last_lines("a", 20), "a");
    }
}
