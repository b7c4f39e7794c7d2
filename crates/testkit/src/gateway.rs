//! A real gateway for tests: the built binary in a process of its own, on free loopback ports, over a fresh data directory.
//! Tests talk to it as its users do: over HTTP and through the command line.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http::{Answer, Request},
    ports,
    small_disk::SmallDisk,
};

/// How long a gateway may take to start.
const START: Duration = Duration::from_secs(20);

/// A running gateway; its process ends with this value.
pub struct Gateway {
    binary: PathBuf,
    environment: Vec<(String, String)>,
    /// Limits of open files, soft and hard, where they are not those of the test.
    open_files: Option<(u64, u64)>,
    process: Child,
    /// `http://127.0.0.1:<port>`
    pub url: String,
    /// `http://127.0.0.1:<port>/metrics`
    pub metrics_url: String,
    /// Unmounted before the directory is removed.
    disk: Option<SmallDisk>,
    data: TempDir,
}

impl Gateway {
    /// Starts the binary with default settings. In the gateway's own tests the path is `env!("CARGO_BIN_EXE_usher")`.
    pub fn start(binary: &str) -> Self {
        Self::start_with(binary, &[])
    }

    /// Starts the binary with settings such as `("USHER__LIMITS__WRONG_SECRETS", "5")`.
    pub fn start_with(binary: &str, settings: &[(&str, &str)]) -> Self {
        Self::start_over(binary, None, settings, |_| None)
    }

    /// Starts the binary where it may open so many files: the soft limit and the hard one.
    pub fn start_with_open_files(binary: &str, limits: (u64, u64), settings: &[(&str, &str)]) -> Self {
        Self::start_over(binary, Some(limits), settings, |_| None)
    }

    /// Starts the binary with its data on a disk of its own, so small that a test can fill it.
    pub fn start_on_small_disk(binary: &str, settings: &[(&str, &str)], mib: u32) -> Self {
        Self::start_over(binary, None, settings, |data| Some(SmallDisk::mount(data, mib)))
    }

    fn start_over(
        binary: &str,
        open_files: Option<(u64, u64)>,
        settings: &[(&str, &str)],
        disk: impl FnOnce(&Path) -> Option<SmallDisk>,
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let disk = disk(&data.path().join("data"));
        let (port, metrics) = (ports::claim(), ports::claim());
        let mut environment: Vec<(String, String)> = vec![
            ("USHER__DATA_DIR".into(), data.path().join("data").display().to_string()),
            ("USHER__SERVER__LISTEN".into(), format!("127.0.0.1:{port}")),
            ("USHER__METRICS__LISTEN".into(), format!("127.0.0.1:{metrics}")),
        ];
        environment.extend(settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let program = program(Path::new(binary), open_files);
        let process = spawn(program, &environment, &data.path().join("log"));
        let mut gateway = Self {
            binary: binary.into(),
            environment,
            open_files,
            process,
            url: format!("http://127.0.0.1:{port}"),
            metrics_url: format!("http://127.0.0.1:{metrics}/metrics"),
            disk,
            data,
        };
        gateway.wait_until_ready();
        gateway
    }

    fn wait_until_ready(&mut self) {
        let began = Instant::now();
        while began.elapsed() < START && self.is_alive() {
            if Request::new("GET", &format!("{}/readyz", self.url)).try_send().is_ok_and(|a| a.status == 200)
            {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("the gateway did not start; its log says:\n{}", self.log());
    }

    /// The disk that it was started on.
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// The one file in which a tenant's rows lie, when the region has that tenant alone.
    pub fn only_store(&self, region: &str) -> PathBuf {
        let files = std::fs::read_dir(self.data_dir().join(region).join("tenants")).unwrap();
        let stores = files.map(|file| file.unwrap().path());
        let stores: Vec<PathBuf> =
            stores.filter(|path| path.extension().is_some_and(|e| e == "db")).collect();
        assert_eq!(stores.len(), 1, "{stores:?}");
        stores.into_iter().next().unwrap()
    }

    /// Everything that the process has logged so far, over restarts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("log")).unwrap_or_default()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
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

    /// The exit code, or `None` after a signal: when whoever has sent one cannot wait for the end.
    pub fn wait_for_end(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    /// Starts the process again over the same data and ports.
    pub fn start_again(&mut self) {
        self.start_again_unready();
        self.wait_until_ready();
    }

    /// The same, as the last words of another program that becomes it, such as `strace -D`.
    pub fn start_again_under(&mut self, program: &str, words: &[&str]) {
        let mut command = Command::new(program);
        command.args(words).arg(&self.binary);
        self.begin_again(command);
        self.wait_until_ready();
    }

    /// Starts the process again, of which it is not expected that it is ready; waits until it listens.
    pub fn start_again_unready(&mut self) {
        self.begin_again(program(&self.binary, self.open_files));
    }

    fn begin_again(&mut self, command: Command) {
        self.process = spawn(command, &self.environment, &self.data.path().join("log"));
        let began = Instant::now();
        while Request::new("GET", &format!("{}/healthz", self.url)).try_send().is_err() {
            assert!(began.elapsed() < START && self.is_alive(), "it does not listen:\n{}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Runs the command line against this gateway.
    pub fn cli(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        command.args(words).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        command.output().unwrap()
    }

    /// Runs the command line, which must succeed; what it wrote to standard output.
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
        match body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
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
        Request::new("GET", &self.metrics_url).send().expect(200).text
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

/// The binary, where it may open so many files.
fn program(binary: &Path, open_files: Option<(u64, u64)>) -> Command {
    let Some((soft, hard)) = open_files else { return Command::new(binary) };
    let mut shell = Command::new("sh");
    let limited = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    shell.args(["-c", &limited]).arg(binary);
    shell
}

fn spawn(mut command: Command, environment: &[(String, String)], log: &Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    let spawned = command
        .arg("serve")
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
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
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

    /// Creates a user of this name and `userType` (empty: none); the answer, whatever it is.
    pub fn create_user(&self, user_name: &str, user_type: &str) -> Answer {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
        });
        if !user_type.is_empty() {
            body["userType"] = user_type.into();
        }
        self.post("/Users", &body)
    }
}

/// Reads what is left of a stream, for raw-socket tests; ends at the peer's close or its silence.
pub fn read_rest(stream: &mut std::net::TcpStream, patience: Duration) -> Vec<u8> {
    stream.set_read_timeout(Some(patience)).unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}
