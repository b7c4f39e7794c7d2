//! Under systemd, as its manual pages say: what the process tells (sd_notify(3)), and sockets that it is handed (sd_listen_fds(3)). The test
//! stands in for systemd.

use std::{
    net::TcpListener,
    os::{
        fd::{AsRawFd as _, RawFd},
        unix::net::UnixDatagram,
    },
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::io::{FdFlags, fcntl_setfd};
use testkit::{
    gateway::{Gateway, Signal, Tenant, signal},
    ports,
    wire::Connection,
};

use crate::running::{BINARY, gateway_with, wait_for};

/// The socket that a service tells its state on.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { socket, path, _folder: folder }
    }

    /// The next message that is not about the watchdog.
    fn hears(&self) -> String {
        loop {
            match self.hears_anything(Duration::from_secs(10)) {
                Some(told) if told == "WATCHDOG=1" => {}
                told => return told.unwrap(),
            }
        }
    }

    fn hears_anything(&self, patience: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let mut told = [0; 256];
        let length = self.socket.recv(&mut told).ok()?;
        Some(String::from_utf8_lossy(&told[..length]).trim().to_owned())
    }
}

#[test]
fn systemd_is_told_when_the_process_serves_and_when_it_stops() {
    let manager = Manager::new();
    let mut gateway = gateway_with(&[("NOTIFY_SOCKET", manager.path.to_str().unwrap())]);
    assert_eq!(manager.hears(), "READY=1");
    assert_eq!(gateway.stop(), Some(0));
    assert_eq!(manager.hears(), "STOPPING=1");
    assert_eq!(manager.hears_anything(Duration::from_millis(100)), None, "no watchdog was asked for");
}

#[test]
fn systemd_is_not_told_of_a_start_that_was_refused() {
    let manager = Manager::new();
    let refused = Command::new(BINARY)
        .arg("serve")
        .env("NOTIFY_SOCKET", &manager.path)
        .env("USHER__SERVER__LISTEN", "nowhere")
        .status();
    assert_eq!(refused.unwrap().code(), Some(1));
    assert_eq!(manager.hears_anything(Duration::from_millis(100)), None);
}

#[test]
fn the_watchdog_is_fed_at_half_of_its_time_and_only_while_the_process_turns() {
    const WATCHDOG: Duration = Duration::from_millis(1_000);
    let manager = Manager::new();
    let microseconds = WATCHDOG.as_micros().to_string();
    let gateway =
        gateway_with(&[("NOTIFY_SOCKET", manager.path.to_str().unwrap()), ("WATCHDOG_USEC", &microseconds)]);
    let acme = gateway.tenant("ire", "acme", None, None);
    acme.create_user("ada", "").expect(201);
    let fed = |patience| manager.hears_anything(patience).is_some_and(|told| told == "WATCHDOG=1");
    manager.hears();
    let began = Instant::now();
    for _ in 0..6 {
        assert!(fed(WATCHDOG), "{}", gateway.log());
    }
    let six = began.elapsed();
    assert!(six > WATCHDOG * 2, "six in {six:?} are more than two in each second");
    signal(gateway.pid(), Signal::STOP);
    // What was told before it stopped.
    while fed(WATCHDOG / 4) {}
    assert!(!fed(WATCHDOG * 2), "a process that does not turn says nothing");
    signal(gateway.pid(), Signal::CONT);
    assert!(fed(WATCHDOG * 4), "it turns again:\n{}", gateway.log());
}

/// Lets the socket live on in a program that is executed.
fn hand_down(socket: &TcpListener) -> RawFd {
    fcntl_setfd(socket, FdFlags::empty()).unwrap();
    socket.as_raw_fd()
}

/// Starts the gateway again with these sockets, as systemd would: from number 3 on, under these names.
fn start_with(gateway: &mut Gateway, sockets: &[(&str, &TcpListener)]) {
    let mut moves = String::new();
    for (place, (_, socket)) in sockets.iter().enumerate() {
        // Far away first, so that no socket lies where another goes.
        moves.push_str(&format!("exec {}<&{};", place + 100, hand_down(socket)));
    }
    for place in 0..sockets.len() {
        moves.push_str(&format!("exec {}<&{};", place + 3, place + 100));
    }
    let names: Vec<&str> = sockets.iter().map(|(name, _)| *name).collect();
    let script = format!(
        "{moves} export LISTEN_PID=$$ LISTEN_FDS={} LISTEN_FDNAMES={}; exec \"$0\" \"$@\"",
        sockets.len(),
        names.join(":")
    );
    gateway.start_again_under("bash", &["-c", &script]);
}

fn at_the_address_of(gateway: &Gateway) -> TcpListener {
    TcpListener::bind(gateway.host()).unwrap()
}

#[test]
fn sockets_that_are_handed_down_are_used_under_their_names() {
    let mut gateway = gateway_with(&[]);
    let acme = gateway.tenant("ire", "acme", None, None);
    gateway.stop();
    let scim = at_the_address_of(&gateway);
    let [admin, metrics, health] =
        [(); 3].map(|()| TcpListener::bind(("127.0.0.1", ports::claim())).unwrap());
    let sockets = [("metrics", &metrics), ("scim", &scim), ("health", &health), ("admin", &admin)];
    start_with(&mut gateway, &sockets);
    acme.create_user("ada", "").expect(201);
    let status = |listener: &TcpListener, path: &str| {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut connection = Connection::open(&url).unwrap();
        connection.ask(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).unwrap().status
    };
    assert_eq!(status(&metrics, "/metrics"), 200);
    assert_eq!((status(&health, "/livez"), status(&health, "/metrics")), (200, 404));
    assert_eq!(status(&admin, "/admin/v1/regions"), 401, "it has a listener of its own");
    assert_eq!(status(&scim, "/admin/v1/regions"), 404, "so it is not on that of SCIM");
    assert!(gateway.cli_ok(&["tenant", "list"]).contains("acme"), "server-url names the admin API's");
    assert_eq!(gateway.stop(), Some(0));
    // The sockets outlive the process: who connects now waits for the next one.
    let mut waiting = gateway.connect();
    waiting.send(acme.as_written("GET", "/Users?count=1", "", "")).unwrap();
    start_with(&mut gateway, &sockets);
    assert_eq!(waiting.hear().unwrap().status, 200);
}

#[test]
fn a_socket_without_a_known_name_is_refused_in_one_sentence() {
    let socket = TcpListener::bind(("127.0.0.1", ports::claim())).unwrap();
    for (name, told) in [("usher.socket", "FileDescriptorName="), ("", "FileDescriptorName=")] {
        let script = format!(
            "exec 3<&{}; export LISTEN_FDS=1 LISTEN_FDNAMES={name}; exec \"$0\" serve",
            hand_down(&socket)
        );
        let folder = tempfile::tempdir().unwrap();
        let start =
            Command::new("bash").args(["-c", &script, BINARY]).env("USHER__DATA_DIR", folder.path()).output();
        let start = start.unwrap();
        let said = String::from_utf8(start.stderr).unwrap();
        assert_eq!(start.status.code(), Some(1), "{said}");
        assert!(said.contains(told) && said.contains("scim, admin, metrics or health"), "{said}");
    }
}

#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    /// Connections refused or reset, and requests without an answer.
    lost: AtomicUsize,
    is_over: AtomicBool,
}

impl Seen {
    /// Asks on one connection until it is told to connect anew; again and again.
    fn ask(&self, url: &str, ask: &str) {
        while !self.is_over.load(Ordering::Relaxed) {
            if self.ask_on_one(url, ask).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn ask_on_one(&self, url: &str, ask: &str) -> std::io::Result<()> {
        let mut connection = Connection::open(url)?;
        while !self.is_over.load(Ordering::Relaxed) && !connection.is_ended() {
            let answer = connection.ask(ask)?;
            assert_eq!(answer.status, 200, "{}", answer.text);
            self.answered.fetch_add(1, Ordering::Relaxed);
            if answer.is_last() {
                break;
            }
        }
        Ok(())
    }
}

#[test]
fn a_restart_under_load_with_a_socket_that_is_held_refuses_nobody() {
    const CLIENTS: usize = 24;
    const RESTARTS: usize = 3;
    let mut gateway = gateway_with(&[]);
    let acme: Tenant = gateway.tenant("ire", "acme", None, None);
    acme.create_user("ada", "").expect(201);
    gateway.stop();
    let socket = at_the_address_of(&gateway);
    start_with(&mut gateway, &[("scim", &socket)]);
    let (seen, url) = (Seen::default(), gateway.url.clone());
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    thread::scope(|scope| {
        (0..CLIENTS).for_each(|_| drop(scope.spawn(|| seen.ask(&url, &ask))));
        for _ in 0..RESTARTS {
            let before = seen.answered.load(Ordering::Relaxed);
            wait_for("clients are served", || seen.answered.load(Ordering::Relaxed) > before + 200);
            assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
            start_with(&mut gateway, &[("scim", &socket)]);
        }
        let before = seen.answered.load(Ordering::Relaxed);
        wait_for("clients are served", || seen.answered.load(Ordering::Relaxed) > before + 200);
        seen.is_over.store(true, Ordering::Relaxed);
    });
    let answered = seen.answered.into_inner();
    println!("{RESTARTS} restarts, {CLIENTS} clients, {answered} answers");
    assert_eq!(seen.lost.into_inner(), 0, "of {answered}");
}
