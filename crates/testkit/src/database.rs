//! Databases of the throwaway PostgreSQL, each for one gateway or several that share it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _,
    connection::SimpleConnection as _,
    sql_types::{BigInt, Text},
};

use crate::stores::PostgresServer;

/// With the value `postgres`, the gateways of the tests keep everything in PostgreSQL instead of files.
pub const VARIABLE: &str = "USHER_TEST_DATABASE";

/// The regions that the default settings define.
pub const REGIONS: [&str; 5] = ["ire", "us", "nl", "uk", "ca"];

/// An empty database; it is dropped with this value.
pub struct Database {
    name: String,
    /// The URL of the server.
    server: String,
    /// How the gateways reach it.
    gateways: String,
}

impl Database {
    /// Whether the tests of this run are to use PostgreSQL.
    pub fn is_wanted() -> bool {
        match std::env::var(VARIABLE).as_deref() {
            Ok("postgres") => true,
            Ok("" | "sqlite") | Err(_) => false,
            Ok(other) => panic!("{VARIABLE} is postgres or sqlite, not {other}"),
        }
    }

    /// Makes one.
    pub fn create() -> Self {
        let server = PostgresServer::get().url();
        Self::on(server, server)
    }

    /// Makes one on the server of this URL, which the gateways reach by another one.
    pub fn on(server: &str, gateways: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("usher_{}_{count}", std::process::id());
        execute(server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        execute(server, &format!("CREATE DATABASE {name}"));
        Self { name, server: server.to_owned(), gateways: gateways.to_owned() }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (host, _database) = self.gateways.rsplit_once('/').unwrap();
        format!("{host}/{}", self.name)
    }

    /// The names of its schemas that begin so.
    pub fn schemas(&self, beginning: &str) -> Vec<String> {
        let mut connection = PgConnection::establish(&self.url()).unwrap();
        let names = diesel::sql_query(
            "SELECT nspname::text AS name FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY 1",
        );
        let names: Vec<Name> = names.bind::<Text, _>(beginning).load(&mut connection).unwrap();
        names.into_iter().map(|name| name.name).collect()
    }

    /// Runs statements in it.
    pub fn execute(&self, sql: &str) {
        execute(&self.url(), sql);
    }

    /// The one number that a query finds, which it calls `number`.
    pub fn count(&self, sql: &str) -> i64 {
        let query = diesel::sql_query(sql);
        let found: Number = query.get_result(&mut PgConnection::establish(&self.url()).unwrap()).unwrap();
        found.number
    }

    /// Settings of a gateway that has the registries of all regions in this database, and one cell, which is the same database.
    pub fn settings(&self) -> String {
        let url = self.url();
        REGIONS.iter().fold(String::new(), |mut text, region| {
            writeln!(text, "[regions.{region}]\nregistry_url = {url:?}").unwrap();
            writeln!(text, "[[regions.{region}.cells]]\nname = \"c1\"\nurl = {url:?}").unwrap();
            text
        })
    }

    /// Writes the settings into a file of this folder, with an admin token beside it.
    pub fn write_settings(&self, folder: &Path) -> PathBuf {
        let (file, token) = (folder.join("usher.toml"), folder.join("data").join("admin-token"));
        std::fs::create_dir_all(folder.join("data")).unwrap();
        if !token.exists() {
            std::fs::write(
                &token,
                format!("ush_admin_{}", uuid::Uuid::new_v4().simple().to_string().repeat(2)),
            )
            .unwrap();
        }
        // The same for all processes of one test.
        let secret = folder.join("data").join("signing-secret");
        std::fs::write(&secret, "of-a-test-".repeat(5)).unwrap();
        let admin = format!("[admin]\ntoken_file = {:?}\n", token.display().to_string());
        let auth = format!("[auth]\nkey_file = {:?}\n", secret.display().to_string());
        std::fs::write(&file, admin + &auth + &self.settings()).unwrap();
        file
    }
}

#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn execute(server: &str, sql: &str) {
    let mut connection = PgConnection::establish(server).unwrap();
    connection.batch_execute(sql).unwrap();
}
