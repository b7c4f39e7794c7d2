//! What a PostgreSQL does without a gateway, by its own `pgbench`: one-row commits and point selects of rows as large as a user,
//! prepared, from a number of connections.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

use super::BODY;
use crate::bench::Result;

/// Rows of the table that is selected from.
const ROWS: usize = 100_000;

/// A database with a table for each of the two, and their scripts.
pub struct Pgbench {
    url: String,
    commit: PathBuf,
    select: PathBuf,
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = BigInt)]
    pid: i64,
}

impl Pgbench {
    /// Makes the tables in this database, and the scripts in this folder.
    pub fn prepare(url: &str, folder: &Path) -> Result<Self> {
        PgConnection::establish(url)?.batch_execute(&format!(
            "CREATE SCHEMA raw; \
             CREATE TABLE raw.written (id UUID PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL); \
             CREATE TABLE raw.read (id BIGINT PRIMARY KEY, body TEXT NOT NULL); \
             INSERT INTO raw.read SELECT n, repeat('u', {BODY}) FROM generate_series(1, {ROWS}) n"
        ))?;
        // An index is usable at once, the counts for the planner are not.
        PgConnection::establish(url)?.batch_execute("VACUUM ANALYZE raw.read")?;
        let [commit, select] = ["commit.sql", "select.sql"].map(|name| folder.join(name));
        let body = "u".repeat(BODY);
        fs::write(
            &commit,
            format!(
                "INSERT INTO raw.written VALUES (gen_random_uuid(), gen_random_uuid()::text, '{body}');\n"
            ),
        )?;
        fs::write(
            &select,
            format!("\\set id random(1, {ROWS})\nSELECT body FROM raw.read WHERE id = :id;\n"),
        )?;
        Ok(Self { url: url.to_owned(), commit, select })
    }

    /// One-row commits a second.
    pub fn commits(&self, clients: usize, time: Duration) -> Result<f64> {
        self.run(&self.commit, clients, time)
    }

    /// Point selects a second.
    pub fn selects(&self, clients: usize, time: Duration) -> Result<f64> {
        self.run(&self.select, clients, time)
    }

    /// Private memory of each of the other connections to the database that are open, in MiB.
    pub fn connections_mib(&self) -> Result<Vec<f64>> {
        let query = "SELECT pid::bigint FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let backends: Vec<Backend> =
            diesel::sql_query(query).load(&mut PgConnection::establish(&self.url)?)?;
        backends
            .iter()
            .map(|backend| super::super::process::private_mib(u32::try_from(backend.pid)?))
            .collect()
    }

    /// One thread drives all connections, as with the gateway.
    fn run(&self, script: &Path, clients: usize, time: Duration) -> Result<f64> {
        let seconds = time.as_secs_f64().ceil().max(1.0).to_string();
        let clients = clients.to_string();
        let mut command = Command::new("pgbench");
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=1", "--client", &clients]);
        command.args(["--time", &seconds]).arg("--file").arg(script).arg(&self.url);
        let output =
            command.output().map_err(|error| format!("pgbench of the package postgresql: {error}"))?;
        let told = String::from_utf8_lossy(&output.stdout);
        rate(&told)
            .ok_or_else(|| format!("pgbench: {told}{}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// The rate of what it says: `tps = 1234.5 (without initial connection time)`.
fn rate(told: &str) -> Option<f64> {
    let line = told.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;

    #[test]
    fn both_scripts_run() {
        let (folder, database) = (tempfile::tempdir().unwrap(), Database::create());
        let raw = Pgbench::prepare(&database.url(), folder.path()).unwrap();
        let second = Duration::from_secs(1);
        assert!(raw.commits(2, second).unwrap() > 0.0);
        assert!(raw.selects(2, second).unwrap() > 0.0);
        let _connection = PgConnection::establish(&database.url()).unwrap();
        assert!(raw.connections_mib().unwrap().iter().any(|mib| *mib > 0.0));
    }

    #[test]
    fn what_says_no_rate_has_none() {
        assert_eq!(rate("latency average = 2 ms\ntps = 812.25 (without initial)\n"), Some(812.25));
        assert_eq!(rate("pgbench: error: connection failed"), None);
    }
}
