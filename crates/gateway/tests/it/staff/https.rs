//! The command line speaks https: it verifies the server's certificate before it sends anything.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    sync::{Arc, mpsc},
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

const TOKEN: &str = "ush_admin_of_this_test";

/// A server on loopback whose certificate is for this name.
struct Server {
    url: String,
    /// The authority that signed its certificate, as PEM.
    authority: String,
    /// What it reads on each connection once the handshake is done; nothing when that fails.
    heard: mpsc::Receiver<String>,
}

/// A server's side of TLS, with a new certificate for this name, and the new authority that signed it, as PEM.
pub(crate) fn certified(name: &str) -> (Arc<ServerConfig>, String) {
    let (ca_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = ca.self_signed(&ca_key).unwrap().pem();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (Arc::new(config), authority)
}

impl Server {
    fn start(name: &str) -> Self {
        let (config, authority) = certified(name);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), Arc::clone(&config), &tell);
            }
        });
        Self { url, authority, heard }
    }

    /// The command line's answer, and what the server heard of it.
    fn asked(&self, words: &[&str], variable: Option<(&str, &Path)>) -> (Output, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.args(["tenant", "list", "--region", "ire", "--json", "--server", &self.url]).args(words);
        command.env_clear().env("USHER_ADMIN_TOKEN", TOKEN).envs(variable);
        let output = command.output().unwrap();
        (output, self.heard.try_iter().collect())
    }
}

/// Tells what the first request on a connection is, then answers it with an empty list. In this order, a client
/// that has its answer has been heard.
fn answer(stream: TcpStream, config: Arc<ServerConfig>, tell: &mpsc::Sender<String>) {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while !heard.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => heard.extend_from_slice(&buffer[..length]),
        }
    }
    let _ = tell.send(String::from_utf8(heard).unwrap());
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]");
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// Asserts that nothing was sent, and one sentence that says `said`.
#[track_caller]
fn refused((output, heard): (Output, String), said: &str) {
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), heard.as_str()), (Some(1), ""), "{sentence}");
    assert_eq!(sentence.trim_end().lines().count(), 1, "{sentence}");
    assert!(sentence.contains(said) && !sentence.contains(TOKEN), "{sentence}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_certificate_of_the_named_authority_is_accepted() {
    let (server, dir) = (Server::start("127.0.0.1"), tempfile::tempdir().unwrap());
    let authority = dir.path().join("authority.pem");
    std::fs::write(&authority, &server.authority).unwrap();
    let by_flag = server.asked(&["--ca-file", authority.to_str().unwrap()], None);
    let by_variable = server.asked(&[], Some(("USHER_CA_FILE", &authority)));
    for (output, heard) in [by_flag, by_variable] {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "[]\n");
        assert!(heard.starts_with("GET /admin/v1/regions/ire/tenants?limit="), "{heard}");
        assert!(heard.to_ascii_lowercase().contains(&format!("authorization: bearer {TOKEN}")), "{heard}");
    }
}

#[test]
fn no_other_certificate_gets_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (server, elsewhere) = (Server::start("127.0.0.1"), Server::start("usher.example.com"));
    // An authority that this machine does not know, another one than the named, and another server's name.
    refused(server.asked(&[], None), "--ca-file");
    let other = file("other.pem", &elsewhere.authority);
    refused(server.asked(&["--ca-file", &other], None), "--ca-file");
    refused(elsewhere.asked(&["--ca-file", &other], None), "did not prove that it is this server");
    // What is no list of authorities is no reason to trust all.
    for (name, text) in [("empty.pem", ""), ("text.pem", "no certificate"), ("key.pem", "-----BEGIN X-----")]
    {
        refused(server.asked(&["--ca-file", &file(name, text)], None), name);
    }
    refused(server.asked(&["--ca-file", "/nowhere.pem"], None), "/nowhere.pem cannot be read");
}
