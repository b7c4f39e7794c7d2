//! Fresh stores for tests, on both databases: a SQLite file and a PostgreSQL schema, removed afterwards.
//! A test that cannot have its PostgreSQL fails with a sentence; it never passes by being skipped.

// A helper of tests fails by panicking, as a test does.
#![allow(clippy::expect_used)]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};
use store::{Migration, PostgresUrl, SchemaName, Store, StoreFile, StoreLocation, StoreSettings, Stores};

use crate::small_disk::SmallDisk;

/// The variable that names a running PostgreSQL for tests, as `deploy/test-services.sh start` prints it.
pub const POSTGRES_VARIABLE: &str = "USHER_TEST_POSTGRES";

const SERVICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/test-services.sh");

/// A throwaway PostgreSQL: the one that `USHER_TEST_POSTGRES` names, else one of this process's own.
pub struct PostgresServer {
    url: String,
    own: Option<Own>,
}

/// A server that this process has started.
struct Own {
    script: Child,
    /// The server ends when its script's standard input is closed, so also when this process is killed.
    talk: Option<Mutex<(ChildStdin, BufReader<ChildStdout>)>>,
}

impl PostgresServer {
    /// The server of this process, started at the first call. Blocks for about a second then.
    ///
    /// # Panics
    /// When there is none and none can be started; the message names the remedy.
    pub fn get() -> &'static Self {
        static SERVER: OnceLock<PostgresServer> = OnceLock::new();
        SERVER.get_or_init(|| match std::env::var(POSTGRES_VARIABLE) {
            Ok(url) if !url.is_empty() => Self { url, own: None },
            _ => Self::start(),
        })
    }

    /// Another server, of the caller's own: for tests that stop or disturb it. Ends with its value.
    ///
    /// # Panics
    /// As for [`PostgresServer::get`].
    pub fn start() -> Self {
        Self::launch(&mut Command::new(SERVICES))
    }

    /// The same, with its data below this folder, which is made, and synced to disk at each commit.
    ///
    /// # Panics
    /// As for [`PostgresServer::get`].
    pub fn start_on(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("the folder can be made");
        // The server is another user.
        std::fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("it is the caller's own");
        let folder = folder.canonicalize().expect("it was made just now");
        Self::launch(Command::new(SERVICES).env("TMPDIR", folder).env("USHER_TEST_FSYNC", "on"))
    }

    fn launch(script: &mut Command) -> Self {
        let mut script = script
            .arg("attached")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("deploy/test-services.sh must be there and executable");
        let input = script.stdin.take().expect("standard input was piped");
        let mut output = BufReader::new(script.stdout.take().expect("standard output was piped"));
        let mut first_line = String::new();
        let _read = output.read_line(&mut first_line);
        let Some((_, url)) = first_line.trim_end().split_once('=') else {
            panic!(
                "these tests need PostgreSQL: set {POSTGRES_VARIABLE} to the URL of a throwaway server, or install \
                 the package postgresql, so that deploy/test-services.sh can start one"
            );
        };
        Self { url: url.to_owned(), own: Some(Own { script, talk: Some(Mutex::new((input, output))) }) }
    }

    /// Stops this server of the caller's own, `fast` as an operator does, or `immediate` as if it had crashed.
    ///
    /// # Panics
    /// When it is another's, or does not stop.
    pub fn stop(&self, mode: &str) {
        self.ask(&format!("stop {mode}"));
    }

    /// Starts it again, on the same port.
    ///
    /// # Panics
    /// When it is another's, or does not start.
    pub fn start_again(&self) {
        self.ask("start");
    }

    /// Keeps the tables that are made from now on, on a disk that a test can fill.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn keep_tables_on(&self, disk: &SmallDisk) {
        let at = disk.path();
        // The server is another user.
        for (path, mode) in [(at.parent().expect("it has one"), 0o755), (at, 0o777)] {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("they are the test's own");
        }
        let at = at.display();
        let mut outside = PgConnection::establish(&self.url).expect("the server runs");
        for sql in [
            format!("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; umask 077; mkdir {at}/space'"),
            format!("CREATE TABLESPACE small LOCATION '{at}/space'"),
            "ALTER SYSTEM SET default_tablespace TO 'small'".to_owned(),
            "SELECT pg_reload_conf()".to_owned(),
        ] {
            outside.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }

    fn ask(&self, word: &str) {
        let talk = self.own.as_ref().and_then(|own| own.talk.as_ref()).expect("this server is another's");
        let mut talk = talk.lock().expect("no test panics while it asks");
        writeln!(talk.0, "{word}").expect("deploy/test-services.sh is still there");
        let mut answer = String::new();
        talk.1.read_line(&mut answer).expect("it answers");
        assert_eq!(answer, "done\n", "{word}");
    }

    /// Its URL as a cell that can hold many schemas.
    pub fn cell(&self) -> PostgresUrl {
        PostgresUrl::new(&self.url).expect("USHER_TEST_POSTGRES is a postgres:// URL")
    }

    /// Its URL as text, for `psql` and Diesel.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            // Closing its standard input is the request to end.
            drop(own.talk.take());
            let _ended = own.script.wait();
        }
    }
}

/// A location for a new store on PostgreSQL, different at every call.
pub fn postgres_location() -> StoreLocation {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let name = format!("t_{}_{nanos}_{count}", std::process::id());
    let schema = SchemaName::new(&name).expect("the name is made of digits");
    StoreLocation::Postgres { cell: PostgresServer::get().cell(), schema }
}

/// A location for a new store on SQLite, below `directory`.
pub fn sqlite_location(directory: &Path) -> StoreLocation {
    StoreLocation::Sqlite(StoreFile::new(directory, "store").expect("the stem is a plain word"))
}

/// A new store with its file or schema. [`FreshStore::remove`] removes both.
pub struct FreshStore {
    /// The store, migrated.
    pub store: Store,
    /// Where it is, for opening it again.
    pub location: StoreLocation,
    /// The cache that opened it.
    pub stores: Stores,
    /// `SQLite` or `PostgreSQL`.
    pub database: &'static str,
    directory: Option<tempfile::TempDir>,
}

impl FreshStore {
    /// A new SQLite file in a directory of its own.
    pub async fn sqlite(migrations: &'static [Migration]) -> Self {
        Self::sqlite_with(migrations, StoreSettings::default()).await
    }

    /// The same, with settings.
    pub async fn sqlite_with(migrations: &'static [Migration], settings: StoreSettings) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let location = sqlite_location(directory.path());
        Self::create("SQLite", location, migrations, settings, Some(directory)).await
    }

    /// A new PostgreSQL schema.
    pub async fn postgres(migrations: &'static [Migration]) -> Self {
        Self::postgres_with(migrations, StoreSettings::default()).await
    }

    /// The same, with settings.
    pub async fn postgres_with(migrations: &'static [Migration], settings: StoreSettings) -> Self {
        Self::create("PostgreSQL", postgres_location(), migrations, settings, None).await
    }

    async fn create(
        database: &'static str,
        location: StoreLocation,
        migrations: &'static [Migration],
        settings: StoreSettings,
        directory: Option<tempfile::TempDir>,
    ) -> Self {
        let stores = Stores::new(settings).expect("the settings are sound");
        let store = stores.create(&location, migrations).await;
        let store = store.unwrap_or_else(|error| panic!("no fresh {database} store: {error}"));
        Self { store, location, stores, database, directory }
    }

    /// Closes the store and removes its file or schema.
    pub async fn remove(self) {
        let removed = self.stores.destroy(&self.location).await;
        removed.unwrap_or_else(|error| panic!("the {} store could not be removed: {error}", self.database));
        self.stores.shutdown().await;
        drop(self.directory);
    }
}

/// Runs a test body on a fresh SQLite file, then on a fresh PostgreSQL schema. When the body panics, the database
/// that it ran on is named on standard error.
pub async fn on_each_store<F, Fut>(migrations: &'static [Migration], body: F)
where
    F: Fn(Store) -> Fut,
    Fut: Future<Output = ()>,
{
    on_each_store_with(migrations, StoreSettings::default(), body).await;
}

/// The same, with settings.
pub async fn on_each_store_with<F, Fut>(migrations: &'static [Migration], settings: StoreSettings, body: F)
where
    F: Fn(Store) -> Fut,
    Fut: Future<Output = ()>,
{
    let sqlite = FreshStore::sqlite_with(migrations, settings.clone()).await;
    for fresh in [sqlite, FreshStore::postgres_with(migrations, settings).await] {
        let naming = NameWhenPanicking(fresh.database);
        body(fresh.store.clone()).await;
        drop(naming);
        fresh.remove().await;
    }
}

struct NameWhenPanicking(&'static str);

impl Drop for NameWhenPanicking {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test failed on the {} store", self.0);
        }
    }
}
