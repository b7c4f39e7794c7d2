//! An issuer on loopback: it shows its keys, or does anything else.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use testkit::signing::{SigningKey, key_set};

use crate::staff::https::certified;

/// What it answers.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// This body with this status line.
    Says(String, String),
    /// A redirect to this address.
    Redirects(String),
    /// Nothing for three seconds.
    Slow,
    /// It closes each connection.
    Refuses,
}

pub(crate) struct Issuer {
    base: String,
    behaviour: Arc<Mutex<Behaviour>>,
    asked: Arc<AtomicUsize>,
    heard: Arc<Mutex<String>>,
    /// The authority that signed its certificate, as PEM; empty over http.
    pub(crate) authority: String,
}

impl Issuer {
    /// One with these keys, over http.
    pub(crate) fn start(keys: &[&SigningKey]) -> Self {
        Self::begin(keys, None, String::new())
    }

    /// The same over https.
    pub(crate) fn start_tls(keys: &[&SigningKey]) -> Self {
        let (config, authority) = certified("127.0.0.1");
        Self::begin(keys, Some(config), authority)
    }

    fn begin(keys: &[&SigningKey], tls: Option<Arc<ServerConfig>>, authority: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (behaviour, asked) = (Arc::new(Mutex::new(showing(keys))), Arc::new(AtomicUsize::new(0)));
        let heard = Arc::new(Mutex::new(String::new()));
        let (does, counts, hears) = (Arc::clone(&behaviour), Arc::clone(&asked), Arc::clone(&heard));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                counts.fetch_add(1, Ordering::SeqCst);
                let (does, tls) = (does.lock().unwrap().clone(), tls.clone());
                let hears = Arc::clone(&hears);
                thread::spawn(move || match tls {
                    Some(config) => {
                        let tls = ServerConnection::new(config).unwrap();
                        answer(StreamOwned::new(tls, stream), &does, &hears);
                    }
                    None => answer(stream, &does, &hears),
                });
            }
        });
        Self { base, behaviour, asked, heard, authority }
    }

    /// Its `iss`.
    pub(crate) fn name(&self) -> String {
        format!("{}/", self.base)
    }

    /// Where its keys are.
    pub(crate) fn url(&self) -> String {
        format!("{}/keys", self.base)
    }

    /// Connections so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The head of the last request.
    pub(crate) fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn does(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// From now on it has these keys.
    pub(crate) fn shows(&self, keys: &[&SigningKey]) {
        self.does(showing(keys));
    }
}

fn showing(keys: &[&SigningKey]) -> Behaviour {
    Behaviour::Says("200 OK".to_owned(), key_set(keys).to_string())
}

fn answer(mut stream: impl Read + Write, does: &Behaviour, hears: &Mutex<String>) {
    if matches!(does, Behaviour::Refuses) {
        return;
    }
    let mut reader = BufReader::new(&mut stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    *hears.lock().unwrap() = head;
    let (status, more, body) = match does {
        Behaviour::Says(status, body) => (status.as_str(), String::new(), body.as_str()),
        Behaviour::Redirects(to) => ("302 Found", format!("location: {to}\r\n"), ""),
        Behaviour::Slow | Behaviour::Refuses => {
            thread::sleep(Duration::from_secs(3));
            return;
        }
    };
    let head =
        format!("HTTP/1.1 {status}\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _is_gone = stream.write_all(format!("{head}{body}").as_bytes());
    let _is_gone = stream.flush();
}

/// An address where nobody listens.
pub(crate) fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/keys", listener.local_addr().unwrap())
}

/// Counts connections to an address of the test's own, which nobody should call.
pub(crate) fn trap() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

/// Whether nobody came.
pub(crate) fn is_empty(trap: &TcpListener) -> bool {
    let came: Result<(TcpStream, _), _> = trap.accept();
    came.is_err()
}
