//! An orderly stop under load: every request on an open connection is answered.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use testkit::{
    gateway::{Gateway, Tenant},
    wire::Connection,
};

use crate::running::roomy;

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

#[test]
fn at_a_stop_readiness_goes_first_and_newcomers_are_served_for_a_moment() {
    let (mut gateway, acme) = roomy();
    let ask = acme.as_written("GET", "/Users?count=1", "", "");
    let mut idle = gateway.connect();
    assert!(!idle.ask(&ask).unwrap().is_last());
    let url = gateway.url.clone();
    thread::scope(|scope| {
        let stopping = scope.spawn(|| gateway.stop());
        let ready = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
        let last = loop {
            let heard = Connection::open(&url).unwrap().ask(ready).unwrap();
            if heard.status != 200 {
                break heard;
            }
        };
        assert_eq!(last.status, 503, "{}", last.body);
        assert!(last.is_last(), "{:?}", last.headers);
        let served = Connection::open(&url).unwrap().ask(&ask).unwrap();
        assert_eq!((served.status, served.is_last()), (200, true), "{}", served.body);
        let served = idle.ask(&ask).unwrap();
        assert_eq!((served.status, served.is_last()), (200, true), "{}", served.body);
        assert_eq!(stopping.join().unwrap(), Some(0));
    });
}
