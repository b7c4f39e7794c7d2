//! A TCP proxy before a PostgreSQL or a Redis, which cuts connections where a test wants them cut, or keeps answers for a while.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Where a connection is cut, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server never sees a statement of the transaction that contains this word.
    Before(&'static str),
    /// The server commits, and its answer is lost.
    AfterCommit,
}

/// Ends with the process.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    next_cut: Mutex<Option<Cut>>,
    cuts: AtomicU64,
    delay: Mutex<Duration>,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// One on a free port, before the server of this URL.
    pub fn before(url: &str) -> Self {
        let (_, rest) = url.split_once('@').unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        Self::start(address.to_socket_addrs().unwrap().next().unwrap())
    }

    /// One on a free port, before this address.
    pub fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            next_cut: Mutex::default(),
            cuts: AtomicU64::new(0),
            delay: Mutex::default(),
            open: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                // Where there is no server its clients see the connection end.
                let Ok(server) = TcpStream::connect(*own.target.lock().unwrap()) else { continue };
                own.join(client, server);
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a server with the proxy in place of its address.
    pub fn url(&self, of: &str) -> String {
        let (user, rest) = of.split_once('@').unwrap();
        let (_, database) = rest.split_once('/').unwrap();
        format!("{user}@{}/{database}", self.address)
    }

    /// From now on new connections lead elsewhere; those that are open end.
    pub fn lead_to(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = target;
        self.cut_all();
    }

    /// Ends all connections.
    pub fn cut_all(&self) {
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ended = stream.shutdown(Shutdown::Both);
        }
    }

    /// Cuts the next connection where this happens on it.
    pub fn cut_once(&self, cut: Cut) {
        *self.shared.next_cut.lock().unwrap() = Some(cut);
    }

    /// Keeps each answer for so long.
    pub fn delay_answers(&self, by: Duration) {
        *self.shared.delay.lock().unwrap() = by;
    }

    /// How many connections were cut.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let both = [client.try_clone().unwrap(), server.try_clone().unwrap()];
        self.open.lock().unwrap().extend(both.iter().map(|stream| stream.try_clone().unwrap()));
        for stream in &both {
            stream.set_nodelay(true).unwrap();
        }
        let [to_client, from_server] = both;
        // The answers; while one is to be lost, they go nowhere.
        let losing = Arc::new(Mutex::new(false));
        let (own, is_losing) = (Arc::clone(self), Arc::clone(&losing));
        thread::spawn(move || {
            copy(from_server, to_client, |_| {
                let delay = *own.delay.lock().unwrap();
                thread::sleep(delay);
                if *is_losing.lock().unwrap() {
                    own.cuts.fetch_add(1, Ordering::SeqCst);
                    Pass::End
                } else {
                    Pass::On
                }
            })
        });
        let own = Arc::clone(self);
        thread::spawn(move || {
            copy(client, server, |bytes| {
                let mut next_cut = own.next_cut.lock().unwrap();
                match *next_cut {
                    Some(Cut::Before(word)) if contains(bytes, word) => {
                        *next_cut = None;
                        own.cuts.fetch_add(1, Ordering::SeqCst);
                        Pass::End
                    }
                    Some(Cut::AfterCommit) if contains(bytes, "COMMIT") => {
                        *next_cut = None;
                        *losing.lock().unwrap() = true;
                        Pass::On
                    }
                    _ => Pass::On,
                }
            })
        });
    }
}

#[derive(PartialEq, Eq)]
enum Pass {
    On,
    End,
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Statements here are short, so each arrives in one piece.
fn copy(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8]) -> Pass) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        let bytes = buffer.get(..length).unwrap_or_default();
        if bytes.is_empty() || look(bytes) == Pass::End || to.write_all(bytes).is_err() {
            let _ended = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            return;
        }
    }
}
