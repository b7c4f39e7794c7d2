//! A web server that does nothing, in a process of its own: the rate of actix-web on this machine with the same client, the
//! same number of connections and the same number of server threads as the gateway.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use actix_web::{App, HttpResponse, HttpServer, web};

use super::BODY;
use crate::bench::Result;
use crate::bench::closed_loop::Target;

/// Answers with an empty body.
pub const EMPTY: &str = "/";
/// Answers with a body of [`BODY`] bytes.
pub const FULL: &str = "/body";

/// The running server; it ends when this is dropped.
pub struct EmptyHandler {
    process: Child,
    /// Where it listens.
    pub target: Target,
}

impl EmptyHandler {
    /// Starts this very program once more, as the server.
    pub fn start(program: &Path, workers: usize) -> Result<Self> {
        let mut process = Command::new(program)
            .args(["empty-handler", "--workers", &workers.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(|_| format!("the empty handler said {line:?}"))?;
        let target = Target { address, base_path: String::new(), authorization: None, process: process.id() };
        Ok(Self { process, target })
    }
}

impl Drop for EmptyHandler {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Serves until the process is ended; writes its address as the first line of its output.
pub fn serve(workers: usize) -> Result<()> {
    let body = web::Bytes::from("u".repeat(BODY));
    let app = move || {
        let body = body.clone();
        App::new()
            .route(EMPTY, web::get().to(async || HttpResponse::Ok().finish()))
            .route(FULL, web::get().to(move || std::future::ready(HttpResponse::Ok().body(body.clone()))))
    };
    let server = HttpServer::new(app).workers(workers).bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    if let Some(address) = server.addrs().first() {
        let mut out = std::io::stdout();
        writeln!(out, "{address}")?;
        out.flush()?;
    }
    Ok(actix_web::rt::System::new().block_on(server.run())?)
}
