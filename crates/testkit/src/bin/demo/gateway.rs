//! The gateway under the story: the built binary `usher`, on loopback, with a fresh data directory that is gone afterwards.

use std::{
    env,
    fs::File,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::story::Wrong;

const PORT: u16 = 8080;
const METRICS_PORT: u16 = 9464;
/// A first start makes keys and five registries; a slow machine may need a while.
const TIME_TO_START: Duration = Duration::from_secs(30);
const TIME_TO_STOP: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Gateway {
    usher: PathBuf,
    process: Child,
    data: TempDir,
    url: String,
    metrics: String,
    told_to_stop: Arc<AtomicBool>,
}

impl Gateway {
    /// Starts `$USHER_BIN`, or the `usher` that was built beside this program, and waits until it is ready.
    pub(crate) fn start() -> Result<Self, Wrong> {
        let usher = binary()?;
        let data = tempfile::Builder::new()
            .prefix("usher-demo-")
            .tempdir()
            .map_err(cannot("make a data directory"))?;
        let (listen, metrics) = (free_near(PORT), free_near(METRICS_PORT));
        let log = File::create(data.path().join("gateway.log")).map_err(cannot("write the gateway's log"))?;
        let process = Command::new(&usher)
            .arg("serve")
            .env("USHER__SERVER__LISTEN", &listen)
            .env("USHER__METRICS__LISTEN", &metrics)
            .env("USHER__DATA_DIR", data.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(cannot("write the gateway's log"))?)
            .stderr(log)
            // Ctrl-C reaches this program only, which stops the gateway in order.
            .process_group(0)
            .spawn()
            .map_err(cannot(&format!("start {}", usher.display())))?;
        let told_to_stop = Arc::new(AtomicBool::new(false));
        let mut gateway = Self {
            usher,
            process,
            data,
            url: format!("http://{listen}"),
            metrics,
            told_to_stop: told_to_stop.clone(),
        };
        let pid = Pid::from_child(&gateway.process);
        thread::spawn(move || stop_on_signal(pid, &told_to_stop));
        match gateway.wait_until_ready() {
            Ok(()) => Ok(gateway),
            Err(wrong) => {
                Err(Wrong::new(format!("{wrong} What it wrote: {}", gateway.keep_data().display())))
            }
        }
    }

    fn wait_until_ready(&mut self) -> Result<(), Wrong> {
        println!("Starting {} on {}", self.usher.display(), self.url);
        let deadline = Instant::now() + TIME_TO_START;
        let agent: ureq::Agent =
            ureq::Agent::config_builder().proxy(None).timeout_global(Some(PAUSE * 20)).build().into();
        let ready = format!("{}/readyz", self.url);
        while agent.get(&ready).call().is_err() {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(Wrong::new(format!("the gateway ended at once ({status}).")));
            }
            if Instant::now() > deadline {
                return Err(Wrong::new(format!(
                    "the gateway was not ready after {} s.",
                    TIME_TO_START.as_secs()
                )));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Runs the command line against this gateway; an exit code other than 0 is a fault of the story.
    pub(crate) fn usher(&self, words: &[&str]) -> Result<String, Wrong> {
        let done = Command::new(&self.usher)
            .args(words)
            .env("USHER__DATA_DIR", self.data.path())
            .env_remove("USHER_SERVER")
            .env_remove("USHER_ADMIN_TOKEN")
            .output()
            .map_err(cannot("run usher"))?;
        let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        if done.status.success() {
            Ok(out.into_owned())
        } else {
            Err(Wrong::new(format!("`usher {}` failed: {}{out}", words.join(" "), err.trim_end())))
        }
    }

    pub(crate) fn token_file(&self, key: &str) -> PathBuf {
        self.data.path().join(format!("{key}.token"))
    }

    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.told_to_stop.load(Ordering::Relaxed)
    }

    pub(crate) fn what_to_try_next(&self) {
        let (url, usher, data) = (&self.url, self.usher.display(), self.data.path().display());
        println!("\nThe gateway goes on at {url}. Try, in another terminal:\n");
        println!("  export USHER__DATA_DIR={data}");
        println!("  {usher} seats show --region ire --key acme");
        println!("  {usher} seats set --region ire --key acme member=10");
        println!("  {usher} tenant changes --region ire --key acme --limit 10\n");
        println!("  TOKEN=$(cat {})", self.token_file("acme").display());
        println!("  curl -s -H \"Authorization: Bearer $TOKEN\" '{url}/ire/acme/scim/v2/Users?count=2'");
        println!(
            "  curl -s -H \"Authorization: Bearer $TOKEN\" -G '{url}/ire/acme/scim/v2/Users' --data-urlencode 'filter=userName sw \"fiona\"'"
        );
        println!("  curl -s http://{}/metrics\n", self.metrics);
        println!("Its log is {data}/gateway.log. Ctrl-C ends it and removes its data.");
    }

    /// Until Ctrl-C, or until the gateway ends by itself.
    pub(crate) fn wait(&mut self) {
        match self.process.wait() {
            Ok(_) if self.is_told_to_stop() => println!("\nThe gateway has ended."),
            ended => eprintln!("The gateway ended by itself: {ended:?}"),
        }
    }

    /// SIGTERM to the one process that was started here, and its end.
    pub(crate) fn stop(&mut self) -> Result<(), Wrong> {
        terminate(Pid::from_child(&self.process))?;
        let status = self.wait_for_end()?;
        if status.success() { Ok(()) } else { Err(Wrong::new(format!("the gateway ended with {status}."))) }
    }

    fn wait_for_end(&mut self) -> Result<ExitStatus, Wrong> {
        let deadline = Instant::now() + TIME_TO_STOP;
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(PAUSE),
                Ok(None) => {
                    return Err(Wrong::new(format!(
                        "the gateway did not end within {} s.",
                        TIME_TO_STOP.as_secs()
                    )));
                }
                Err(error) => return Err(Wrong::new(format!("the gateway's end cannot be seen: {error}"))),
            }
        }
    }

    /// Leaves the data directory for who wants to know why; gives the log's path.
    pub(crate) fn keep_data(mut self) -> PathBuf {
        self.data.disable_cleanup(true);
        self.data.path().join("gateway.log")
    }
}

/// However the story ends, no gateway outlives it.
impl Drop for Gateway {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) && self.stop().is_err() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

fn binary() -> Result<PathBuf, Wrong> {
    let beside = || env::current_exe().ok().map(|demo| demo.with_file_name("usher"));
    let usher = env::args_os().nth(1).or_else(|| env::var_os("USHER_BIN")).map(PathBuf::from).or_else(beside);
    usher
        .filter(|path| Path::is_file(path))
        .ok_or_else(|| Wrong::new("there is no usher beside this program; `make demo` builds it."))
}

/// The known port, so that what the reader has seen elsewhere works here, or any that is free.
fn free_near(port: u16) -> String {
    if TcpListener::bind(("127.0.0.1", port)).is_ok() {
        return format!("127.0.0.1:{port}");
    }
    let other = testkit::ports::claim();
    println!("Port {port} is taken; using {other} instead.");
    format!("127.0.0.1:{other}")
}

/// Waits for Ctrl-C or SIGTERM, then ends the gateway; the main thread sees its end.
fn stop_on_signal(pid: Pid, told_to_stop: &AtomicBool) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    let came = runtime.block_on(async {
        let (mut interrupt, mut term) =
            (signal(SignalKind::interrupt()).ok()?, signal(SignalKind::terminate()).ok()?);
        tokio::select! { came = interrupt.recv() => came, came = term.recv() => came }
    });
    if came.is_some() {
        told_to_stop.store(true, Ordering::Relaxed);
        let _ = terminate(pid);
    }
}

fn terminate(pid: Pid) -> Result<(), Wrong> {
    kill_process(pid, Signal::TERM)
        .map_err(|error| Wrong::new(format!("the gateway cannot be told to end: {error}")))
}

fn cannot(act: &str) -> impl Fn(std::io::Error) -> Wrong {
    move |error| Wrong::new(format!("cannot {act}: {error}"))
}
