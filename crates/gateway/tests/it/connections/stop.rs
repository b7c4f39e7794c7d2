//! An orderly stop under load: every request on an open connection is answered.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use testkit::{
    gateway::{Gateway, Signal, Tenant, signal},
    wire::Connection,
};

use crate::running::{gateway_with, roomy, wait_for};

const STOPS: usize = 5;

/// Kept alive, and their pauses between two requests: none, and shorter than the quiet moment after which a connection is closed.
const PAUSES_MS: [u64; 6] = [0, 0, 0, 1, 20, 300];

/// One connection a request.
const NEWCOMERS: usize = 2;

/// How often these ask before the stop begins.
const WARM: usize = 300;

#[derive(Default)]
struct Tally {
    answered: AtomicUsize,
    told_to_go: AtomicUsize,
    broken: AtomicUsize,
}

impl Tally {
    /// Asks on one connection until it ends. A request counts as broken when no whole answer comes to it, though it was sent
    /// before the server had ended its side, and after no answer that ends the connection.
    fn ask_on(&self, mut client: Connection, ask: &str, (times, pause): (usize, Duration)) {
        for _ in 0..times {
            thread::sleep(pause);
            if client.is_ended() {
                return;
            }
            match client.ask(ask) {
                Ok(heard) => {
                    assert!(matches!(heard.status, 200 | 503), "{}", heard.text);
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    if heard.is_last() {
                        self.told_to_go.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                }
                Err(_) => {
                    self.broken.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    /// Connects again and again until connections are refused.
    fn ask_until_refused(&self, url: &str, ask: &str, of_each: (usize, Duration)) {
        loop {
            match Connection::open(url) {
                Ok(client) => self.ask_on(client, ask, of_each),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return,
                Err(_) => {
                    self.broken.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

fn stop_under_load(gateway: &mut Gateway, acme: &Tenant) -> Tally {
    let tally = Tally::default();
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    let url = gateway.url.clone();
    thread::scope(|scope| {
        for pause in PAUSES_MS {
            let pause = Duration::from_millis(pause);
            let (tally, ask, url) = (&tally, &ask, &url);
            scope.spawn(move || tally.ask_until_refused(url, ask, (usize::MAX, pause)));
        }
        for _ in 0..NEWCOMERS {
            let (tally, ask, url) = (&tally, &ask, &url);
            scope.spawn(move || tally.ask_until_refused(url, ask, (1, Duration::ZERO)));
        }
        while tally.answered.load(Ordering::Relaxed) < WARM {
            thread::yield_now();
        }
        assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
    });
    tally
}

#[test]
fn no_request_on_an_open_connection_is_left_without_an_answer_by_a_stop() {
    let (mut gateway, acme) = roomy();
    for stop in 0..STOPS {
        let tally = stop_under_load(&mut gateway, &acme);
        let (answered, told) = (tally.answered.into_inner(), tally.told_to_go.into_inner());
        println!("stop {stop}: {answered} answered, {told} of them the last");
        assert_eq!(tally.broken.into_inner(), 0, "of {answered}");
        assert!(told >= PAUSES_MS.len(), "{told} were told that their connection ends");
        gateway.start_again();
    }
}

/// So many clients keep a connection each, and ask without a pause.
const BUSY: usize = 200;

#[test]
fn two_hundred_busy_clients_lose_no_answer_to_a_stop() {
    const STOP: Duration = Duration::from_secs(20);
    let mut gateway = gateway_with(&[
        ("USHER__SERVER__SHUTDOWN_LEAD_SECONDS", "1"),
        ("USHER__SERVER__SHUTDOWN_SECONDS", &STOP.as_secs().to_string()),
    ]);
    let acme = gateway.tenant("ire", "acme", None, None);
    acme.create_user("ada", "").expect(201);
    let (tally, url) = (Tally::default(), gateway.url.clone());
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    let took = thread::scope(|scope| {
        for _ in 0..BUSY {
            scope.spawn(|| tally.ask_until_refused(&url, &ask, (usize::MAX, Duration::ZERO)));
        }
        wait_for("all are busy", || tally.answered.load(Ordering::Relaxed) > BUSY * 10);
        let began = Instant::now();
        assert_eq!(gateway.stop(), Some(0), "{}", gateway.log());
        began.elapsed()
    });
    let (answered, told) = (tally.answered.into_inner(), tally.told_to_go.into_inner());
    println!("stopped in {took:?}: {answered} answered, {told} of them the last");
    assert_eq!(tally.broken.into_inner(), 0, "of {answered}");
    assert!(told >= BUSY, "{told} were told that their connection ends");
    assert!(took < STOP, "{took:?}");
    assert!(!gateway.log().contains("requests were cut"), "{}", gateway.log());
}

#[test]
fn at_a_stop_readiness_goes_first_and_all_are_served_as_ever_for_the_lead() {
    let mut gateway = gateway_with(&[("USHER__SERVER__SHUTDOWN_LEAD_SECONDS", "2")]);
    let acme = gateway.tenant("ire", "acme", None, None);
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    let mut idle = gateway.connect();
    assert!(!idle.ask(&ask).unwrap().is_last());
    let url = gateway.url.clone();
    thread::scope(|scope| {
        let stopping = scope.spawn(|| gateway.stop());
        let began = Instant::now();
        let ready = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
        wait_for("it is not ready", || Connection::open(&url).unwrap().ask(ready).unwrap().status == 503);
        let served = Connection::open(&url).unwrap().ask(&ask).unwrap();
        assert_eq!((served.status, served.is_last()), (200, false), "{}", served.body);
        let served = idle.ask(&ask).unwrap();
        assert_eq!((served.status, served.is_last()), (200, false), "{}", served.body);
        // After the lead each answer ends its connection.
        while !idle.ask(&ask).unwrap().is_last() {
            thread::sleep(Duration::from_millis(10));
        }
        assert!(began.elapsed() > Duration::from_millis(1_500), "{:?}", began.elapsed());
        assert_eq!(stopping.join().unwrap(), Some(0));
    });
}

/// Begins a request whose body does not come, which holds a stop up.
fn hold_up(gateway: &Gateway, acme: &Tenant) -> Connection {
    let mut slow = gateway.connect();
    slow.send(acme.as_written("POST", "/Users", "Content-Length: 1000\r\n", "")).unwrap();
    // Its head is read before the next request is answered by the same worker.
    acme.get("/Users?count=1").expect(200);
    slow
}

#[test]
fn a_stop_ends_at_its_deadline_whatever_is_under_way() {
    let settings = [("USHER__SERVER__SHUTDOWN_SECONDS", "4"), ("USHER__SERVER__WORKERS", "1")];
    let mut gateway = gateway_with(&settings);
    let acme = gateway.tenant("ire", "acme", None, None);
    let _slow = hold_up(&gateway, &acme);
    let began = Instant::now();
    assert_eq!(gateway.stop(), Some(0));
    let took = began.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&took), "{took:?}");
    assert!(gateway.log().contains("requests were cut"), "{}", gateway.log());
}

#[test]
fn a_second_signal_ends_the_process_at_once_and_nothing_acknowledged_is_lost() {
    let (mut gateway, acme) = roomy();
    for (second, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let name = format!("ada{code}");
        acme.create_user(&name, "").expect(201);
        let _slow = hold_up(&gateway, &acme);
        signal(gateway.pid(), Signal::TERM);
        wait_for("the stop has begun", || gateway.log().matches("stopping").count() > 0);
        let began = Instant::now();
        signal(gateway.pid(), second);
        assert_eq!(gateway.wait_for_end(), Some(code), "{}", gateway.log());
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        gateway.start_again();
        assert_eq!(
            acme.find("/Users", &format!("userName eq \"{name}\"")).expect(200).body["totalResults"],
            1
        );
        std::fs::write(gateway.log_file(), "").unwrap();
    }
}
