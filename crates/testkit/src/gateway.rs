//! A real gateway: the built binary in a process of its own, on free loopback ports, over a fresh data directory. Tests, the
//! benchmark and the demo talk to it as its users do: over HTTP and through the command line.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant, SystemTime},
};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    database::Database,
    http::{Answer, Request},
    ports,
    small_disk::SmallDisk,
    urn::{PATCH_OP, USER},
    wire::{Connection, Heard},
};

/// How long a gateway may take to start.
const START: Duration = Duration::from_secs(20);

/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(2);

/// The name of its log, beside the data.
const LOG: &str = "gateway.log";

/// A running gateway; its process ends with this value.
pub struct Gateway {
    binary: PathBuf,
    environment: Vec<(String, String)>,
    /// The file of settings, where there is one: variables alone cannot name cells.
    config: Option<PathBuf>,
    /// Limits of open files, soft and hard, where they are not those of the test.
    open_files: Option<(u64, u64)>,
    process: Child,
    /// `http://127.0.0.1:<port>`
    pub url: String,
    /// `http://127.0.0.1:<port>/metrics`
    pub metrics_url: String,
    /// From the start of the process until it was ready, the last time.
    pub started_in: Duration,
    /// Unmounted before the directory is removed.
    disk: Option<SmallDisk>,
    /// Where it keeps everything when it keeps no files.
    _database: Option<Arc<Database>>,
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

/// How a gateway is started, where it differs from the default.
#[derive(Default)]
pub struct Setup<'a> {
    /// Settings such as `("USHER__LIMITS__WRONG_SECRETS", "5")`.
    pub settings: &'a [(&'a str, &'a str)],
    /// How many files it may open: the soft limit and the hard one.
    pub open_files: Option<(u64, u64)>,
    /// MiB of a disk of its own for the data, so small that a test can fill it.
    pub disk_mib: Option<u32>,
    /// Where data and log go and stay, in place of a temporary directory.
    pub folder: Option<&'a Path>,
    /// The ports for requests and for metrics.
    pub ports: Option<[u16; 2]>,
    /// The settings file, where variables cannot say it.
    pub config: Option<&'a str>,
    /// The database that it shares with other gateways, in place of one of its own or of files.
    pub database: Option<Arc<Database>>,
    /// Whether it is an earlier release, which refuses settings that came after it.
    pub is_older: bool,
}

impl Gateway {
    /// Starts the binary with default settings. In the gateway's own tests the path is `env!("CARGO_BIN_EXE_usher")`.
    pub fn start(binary: &str) -> Self {
        Self::start_with(binary, &[])
    }

    /// Starts the binary with settings.
    pub fn start_with(binary: &str, settings: &[(&str, &str)]) -> Self {
        Self::set_up(binary, Setup { settings, ..Setup::default() })
    }

    /// Starts the binary.
    pub fn set_up(binary: impl Into<PathBuf>, setup: Setup<'_>) -> Self {
        let temporary = setup.folder.is_none().then(|| tempfile::tempdir().unwrap());
        let folder = setup.folder.or(temporary.as_ref().map(TempDir::path)).unwrap().to_owned();
        let disk = setup.disk_mib.map(|mib| SmallDisk::mount(&folder.join("data"), mib));
        let [port, metrics] = setup.ports.unwrap_or_else(|| [ports::claim(), ports::claim()]);
        let mut environment: Vec<(String, String)> = vec![
            ("USHER__DATA_DIR".into(), folder.join("data").display().to_string()),
            ("USHER__SERVER__LISTEN".into(), format!("127.0.0.1:{port}")),
            ("USHER__METRICS__LISTEN".into(), format!("127.0.0.1:{metrics}")),
        ];
        if !setup.is_older {
            // No load balancer looks at it.
            environment.push(("USHER__SERVER__SHUTDOWN_LEAD_SECONDS".into(), "0".into()));
        }
        let of_its_own =
            || (Database::is_wanted() && setup.config.is_none()).then(|| Arc::new(Database::create()));
        let database = setup.database.or_else(of_its_own);
        let written = setup.config.map(|text| {
            let file = folder.join("usher.toml");
            std::fs::write(&file, text).unwrap();
            file
        });
        let config = database.as_ref().map(|database| database.write_settings(&folder)).or(written);
        if database.is_some() {
            environment.push(("USHER_SERVER".into(), format!("http://127.0.0.1:{port}")));
        }
        environment.extend(setup.settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let (binary, began) = (binary.into(), Instant::now());
        let program = program(&binary, setup.open_files);
        let process = spawn(program, &environment, config.as_deref(), &folder.join(LOG));
        let mut gateway = Self {
            binary,
            environment,
            config,
            open_files: setup.open_files,
            process,
            url: format!("http://127.0.0.1:{port}"),
            metrics_url: format!("http://127.0.0.1:{metrics}/metrics"),
            started_in: Duration::ZERO,
            disk,
            _database: database,
            folder,
            _temporary: temporary,
        };
        gateway.wait_until_ready(began);
        gateway
    }

    fn wait_until_ready(&mut self, began: Instant) {
        let ready = format!("{}/readyz", self.url);
        while !Request::new("GET", &ready).try_send().is_ok_and(|answer| answer.status == 200) {
            assert!(began.elapsed() < START && self.is_alive(), "it is not ready; its log:\n{}", self.log());
            sleep(PAUSE);
        }
        self.started_in = began.elapsed();
    }

    /// The disk that it was started on.
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Dates every store back by an hour, as if nothing had been written since: one that changed just now counts as changed. The
    /// gateway must be stopped.
    pub fn age_stores(&self) {
        let hour_ago = SystemTime::now() - Duration::from_secs(3_600);
        let regions = std::fs::read_dir(self.data_dir()).unwrap().map(|entry| entry.unwrap().path());
        let folders =
            regions.flat_map(|region| [region.join("tenants"), region]).filter(|path| path.is_dir());
        for store in folders.flat_map(|folder| stores_in(&folder)) {
            std::fs::File::options().write(true).open(&store).unwrap().set_modified(hour_ago).unwrap();
        }
    }

    /// The one file in which a tenant's rows lie, when the region has that tenant alone.
    pub fn only_store(&self, region: &str) -> PathBuf {
        let stores = stores_in(&self.data_dir().join(region).join("tenants"));
        assert_eq!(stores.len(), 1, "{stores:?}");
        stores.into_iter().next().unwrap()
    }

    /// Where the process writes its log.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join(LOG)
    }

    /// Everything that the process has logged so far, over restarts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The most memory of the process that was ever resident, in MiB.
    pub fn peak_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// How many files the process has open.
    pub fn open_files(&self) -> u64 {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        u64::try_from(files.count()).unwrap()
    }

    /// `kill -9`, then wait until it is gone.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// SIGTERM; the exit code, or `None` after a signal.
    pub fn stop(&mut self) -> Option<i32> {
        signal(self.process.id(), Signal::TERM);
        self.wait_for_end()
    }

    /// Waits for the end after a signal that was sent elsewhere; the exit code, or `None` when the signal ended it.
    pub fn wait_for_end(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    /// Starts the process again over the same data and ports.
    pub fn start_again(&mut self) {
        self.begin_again(program(&self.binary, self.open_files));
        self.wait_until_ready(Instant::now());
    }

    /// The same, under another program that executes it, such as `strace -D`.
    pub fn start_again_under(&mut self, program: &str, words: &[&str]) {
        let mut command = Command::new(program);
        command.args(words).arg(&self.binary);
        self.begin_again(command);
        self.wait_until_ready(Instant::now());
    }

    /// Starts the process again where it is not expected to become ready; waits until it listens.
    pub fn start_again_unready(&mut self) {
        self.begin_again(program(&self.binary, self.open_files));
    }

    fn begin_again(&mut self, command: Command) {
        let (config, log) = (self.config.as_deref(), self.log_file());
        self.process = spawn(command, &self.environment, config, &log);
        let (began, health) = (Instant::now(), format!("{}/livez", self.url));
        while Request::new("GET", &health).try_send().is_err() {
            assert!(began.elapsed() < START && self.is_alive(), "it does not listen:\n{}", self.log());
            sleep(PAUSE);
        }
    }

    /// Its address, as the header `Host` names it.
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// A connection on which bytes are sent as they are written.
    pub fn connect(&self) -> Connection {
        Connection::open(&self.url).unwrap()
    }

    /// Sends bytes on a connection of their own and reads until the gateway closes it.
    pub fn talk(&self, bytes: impl AsRef<[u8]>) -> Heard {
        let mut connection = self.connect();
        // The gateway may close before it has taken everything; its answer is read all the same.
        let _ = connection.send(bytes);
        connection.hear_all()
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Runs the command line against this gateway.
    pub fn cli(&self, words: &[&str]) -> Output {
        self.cli_command(words).output().unwrap()
    }

    /// Begins to run the command line beside this gateway, with its settings.
    pub fn cli_process(&self, words: &[&str]) -> Child {
        let mut command = self.cli_command(words);
        if let Some(file) = &self.config {
            command.arg("--config").arg(file);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Begins to run words of the command line that go on until they are ended; their standard output is piped.
    pub fn cli_following(&self, words: &[&str]) -> Child {
        self.cli_command(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn cli_command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(words).stdin(Stdio::null());
        command.env_remove("USHER_SERVER").env_remove("USHER_ADMIN_TOKEN");
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Runs the command line, which must succeed; its standard output.
    pub fn cli_ok(&self, words: &[&str]) -> String {
        let output = self.cli(words);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "usher {words:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A request to the admin API, with the admin token; `path` follows `/admin/v1`.
    pub fn admin(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let token = std::fs::read_to_string(self.data_dir().join("admin-token")).unwrap();
        let request = Request::new(method, &format!("{}/admin/v1{path}", self.url)).bearer(token.trim());
        body.into_iter().fold(request, Request::json).send()
    }

    /// Onboards a tenant of the default profile with these quotas (`None`: unlimited) and issues a token.
    pub fn tenant(&self, region: &str, key: &str, member: Option<i64>, member_lite: Option<i64>) -> Tenant {
        let seats = json!({ "member": member, "member_lite": member_lite });
        self.onboard(region, &json!({ "key": key, "name": key, "seats": seats }))
    }

    /// Onboards a tenant from a whole body of `POST …/tenants` and issues a token.
    pub fn onboard(&self, region: &str, body: &Value) -> Tenant {
        let made = self.admin("POST", &format!("/regions/{region}/tenants"), Some(body)).expect(201);
        let key = made.body["key"].as_str().unwrap().to_owned();
        let issued = self.admin("POST", &format!("/regions/{region}/tenants/{key}/tokens"), None).expect(201);
        Tenant {
            base_url: issued.body["base_url"].as_str().unwrap().to_owned(),
            token: issued.body["token"].as_str().unwrap().to_owned(),
            region: region.to_owned(),
            key,
        }
    }

    /// `{"member": {"quota", "used", "waiting", "policy"}, "member_lite": {…}}`
    pub fn seats(&self, tenant: &Tenant) -> Value {
        self.admin("GET", &format!("{}/seats", tenant.admin_path()), None).expect(200).body
    }

    /// Asserts that the tenant's ledger adds up.
    pub fn audit(&self, tenant: &Tenant) {
        let report =
            self.admin("GET", &format!("{}/seats/audit", tenant.admin_path()), None).expect(200).body;
        assert_eq!(report["ok"], true, "{report}");
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> String {
        self.metrics_at("/metrics")
    }

    /// `127.0.0.1:<port>` of the listener of metrics.
    pub fn metrics_address(&self) -> &str {
        self.metrics_url.trim_start_matches("http://").trim_end_matches("/metrics")
    }

    /// The text of a page of the listener of metrics.
    pub fn metrics_at(&self, path: &str) -> String {
        let root = self.metrics_url.trim_end_matches("/metrics");
        Request::new("GET", &format!("{root}{path}")).send().expect(200).text
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process by its id; a small system has no program `kill`.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, signal).unwrap();
}

/// The stores in a folder of the data directory.
fn stores_in(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|e| e == "db")).collect()
}

/// The binary, where it may open so many files.
fn program(binary: &Path, open_files: Option<(u64, u64)>) -> Command {
    let Some((soft, hard)) = open_files else { return Command::new(binary) };
    let mut shell = Command::new("sh");
    let limited = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    shell.args(["-c", &limited]).arg(binary);
    shell
}

fn spawn(mut command: Command, environment: &[(String, String)], config: Option<&Path>, log: &Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    let spawned = command
        .arg("serve")
        .args(config.into_iter().flat_map(|file| [OsStr::new("--config"), file.as_os_str()]))
        .envs(environment.iter().map(|(k, v)| (k, v)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    spawned.unwrap_or_else(|e| panic!("{} cannot be started: {e}", command.get_program().display()))
}

/// One tenant and a token that opens it.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `http://…/{region}/{key}/scim/v2`
    pub base_url: String,
    /// The bearer token.
    pub token: String,
    /// Its region.
    pub region: String,
    /// Its company key.
    pub key: String,
}

impl Tenant {
    /// The tenant's path in the admin API.
    pub fn admin_path(&self) -> String {
        format!("/regions/{}/tenants/{}", self.region, self.key)
    }

    /// A request below the base URL, with the token and a SCIM content type.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, &format!("{}{path}", self.base_url)).bearer(&self.token)
    }

    /// A request as it is sent on a [`Connection`], with the token and these further header lines.
    pub fn as_written(&self, method: &str, path: &str, more: &str, body: &str) -> String {
        let Self { region, key, token, .. } = self;
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        format!(
            "{method} /{region}/{key}/scim/v2{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             {length}{more}\r\n{body}"
        )
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// POST of a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// PUT of a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.request("PUT", path).json(body).send()
    }

    /// PATCH of these operations.
    pub fn patch(&self, path: &str, operations: &Value) -> Answer {
        let body = json!({ "schemas": [PATCH_OP], "Operations": operations });
        self.request("PATCH", path).json(&body).send()
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send()
    }

    /// GET with a filter, encoded.
    pub fn find(&self, path: &str, filter: &str) -> Answer {
        self.get(&format!("{path}?filter={}", crate::http::encode(filter)))
    }

    /// Creates a user of this name and `userType` (empty: none); any answer is returned.
    pub fn create_user(&self, user_name: &str, user_type: &str) -> Answer {
        let mut body = json!({ "schemas": [USER], "userName": user_name });
        if !user_type.is_empty() {
            body["userType"] = user_type.into();
        }
        self.post("/Users", &body)
    }
}
