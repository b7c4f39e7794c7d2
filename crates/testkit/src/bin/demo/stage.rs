//! The gateway under the story: the built binary `usher`, on loopback, with a fresh data directory that is removed afterwards.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tempfile::TempDir;
use testkit::{
    database::Database,
    gateway::{self, Gateway, Setup, Signal},
    ports,
    redis::Redis,
};
use tokio::signal::unix::{SignalKind, signal};

const PORT: u16 = 8080;
const METRICS_PORT: u16 = 9464;

pub(crate) struct Stage {
    /// Ends before its folder is removed.
    pub(crate) gateway: Gateway,
    /// The other processes of a cluster; none where the gateway is embedded.
    others: Vec<Gateway>,
    /// What they tell each other by; it ends after them.
    _redis: Option<Redis>,
    binary: PathBuf,
    folder: TempDir,
    told_to_stop: Arc<AtomicBool>,
}

impl Stage {
    /// Starts the binary that is named first, or `$USHER_BIN`, or the `usher` that was built beside this program.
    pub(crate) fn set() -> Self {
        let named = env::args_os().nth(1).or_else(|| env::var_os("USHER_BIN")).map(PathBuf::from);
        let binary = named.unwrap_or_else(|| env::current_exe().unwrap().with_file_name("usher"));
        assert!(binary.is_file(), "there is no {}; `make demo` builds it", binary.display());
        let folder = tempfile::Builder::new().prefix("usher-demo-").tempdir().unwrap();
        let ports = Some([free_near(PORT), free_near(METRICS_PORT)]);
        println!("Starting {}", binary.display());
        let (database, redis) = match env::var("DEMO_MODE").as_deref() {
            Ok("cluster") => {
                println!("Two processes share a PostgreSQL and a Redis of their own");
                (Some(Arc::new(Database::create())), Some(Redis::start()))
            }
            Ok("" | "embedded") | Err(_) => (None, None),
            Ok(other) => panic!("MODE is embedded or cluster, not {other}"),
        };
        let redis_url = redis.as_ref().map(Redis::url);
        let mut settings: Vec<_> = redis_url.iter().map(|url| ("USHER__REDIS__URL", url.as_str())).collect();
        let setup = Setup {
            settings: &settings,
            folder: Some(folder.path()),
            ports,
            database: database.clone(),
            ..Setup::default()
        };
        let gateway = Gateway::set_up(&binary, setup);
        println!("It serves {}", gateway.url);
        let mut others = Vec::new();
        if let Some(database) = database {
            settings.push(("USHER__SERVER__PUBLIC_URL", gateway.url.as_str()));
            let other = folder.path().join("second");
            std::fs::create_dir(&other).unwrap();
            let setup = Setup {
                settings: &settings,
                folder: Some(&other),
                database: Some(database),
                ..Setup::default()
            };
            others.push(Gateway::set_up(&binary, setup));
            println!("The second process serves {}; requests take turns", others[0].url);
        }
        let told_to_stop = Arc::new(AtomicBool::new(false));
        let (pid, told) = (gateway.pid(), Arc::clone(&told_to_stop));
        thread::spawn(move || stop_on_signal(pid, &told));
        Self { gateway, others, _redis: redis, binary, folder, told_to_stop }
    }

    /// The URL of each process.
    pub(crate) fn urls(&self) -> Vec<String> {
        [&self.gateway].into_iter().chain(&self.others).map(|process| process.url.clone()).collect()
    }

    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.told_to_stop.load(Ordering::Relaxed)
    }

    pub(crate) fn what_to_try_next(&self) {
        let (url, usher, data) = (&self.gateway.url, self.binary.display(), self.gateway.data_dir());
        let data = data.display();
        println!("\nThe gateway goes on at {url}. Try, in another terminal:\n");
        println!("  export USHER__DATA_DIR={data}");
        if !self.others.is_empty() {
            println!("  export USHER_SERVER={url}");
        }
        println!("  {usher} seats show --region ire --key acme");
        println!("  {usher} seats set --region ire --key acme member=10");
        println!("  {usher} tenant changes --region ire --key acme --limit 10\n");
        println!("  TOKEN=$(cat {data}/acme.token)");
        println!("  curl -s -H \"Authorization: Bearer $TOKEN\" '{url}/ire/acme/scim/v2/Users?count=2'");
        println!(
            "  curl -s -H \"Authorization: Bearer $TOKEN\" -G '{url}/ire/acme/scim/v2/Users' --data-urlencode 'filter=userName sw \"fiona\"'"
        );
        println!("  curl -s {}\n", self.gateway.metrics_url);
        println!("Its log is {}. Ctrl-C ends it and removes its data.", self.gateway.log_file().display());
    }

    /// Until Ctrl-C, or until the gateway ends by itself.
    pub(crate) fn wait(&mut self) {
        match self.gateway.wait_for_end() {
            _ if self.is_told_to_stop() => println!("\nThe gateway has ended."),
            code => eprintln!("The gateway ended by itself: {code:?}"),
        }
    }

    /// Keeps the data directory for the search for the cause; the log's path.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.gateway.log_file()
    }
}

/// The usual port, so that examples of the documents work here; or any free port.
fn free_near(port: u16) -> u16 {
    if TcpListener::bind(("127.0.0.1", port)).is_ok() {
        return port;
    }
    let other = ports::claim();
    println!("Port {port} is taken; using {other} instead.");
    other
}

/// Waits for Ctrl-C or SIGTERM, then ends the gateway; the main thread sees its end.
fn stop_on_signal(pid: u32, told_to_stop: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).unwrap();
        let mut term = signal(SignalKind::terminate()).unwrap();
        tokio::select! { _ = interrupt.recv() => {}, _ = term.recv() => {} }
    });
    told_to_stop.store(true, Ordering::Relaxed);
    gateway::signal(pid, Signal::TERM);
}
