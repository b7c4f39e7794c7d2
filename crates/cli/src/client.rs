//! The client of the admin API: one request, one JSON answer, or the sentence of the problem document (RFC 9457).

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    path::Path,
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use staff::Fault;
use ureq::{Agent, AsSendBody, Body, SendBody, http, tls::TlsConfig};

use crate::{connection::Connection, mistake::Mistake, output::cell, tls};

/// Deleting a large tenant is the slowest request.
pub(crate) const TIME_TO_ANSWER: Duration = Duration::from_secs(60);
/// Bytes of an answer: a comparison of a large directory names many people.
const LONGEST_ANSWER: u64 = 512 << 20;
/// Lines of JSON.
const LINES: &str = "application/x-ndjson";
const TIME_TO_CONNECT: Duration = Duration::from_secs(5);

/// A gateway's admin API.
pub(crate) struct Client {
    agent: Agent,
    connection: Connection,
}

impl Client {
    pub(crate) fn new(connection: Connection, time: Duration) -> Result<Self, Mistake> {
        let agent = agent(&connection.server, connection.ca_file.as_deref(), time)?;
        Ok(Self { agent, connection })
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Mistake> {
        self.send(http::Method::GET, path, None)
    }

    /// Reads all pages of a list. Each page begins after the last element of the one before, by its member `name`.
    pub(crate) fn all(&self, path: &str, name: &str) -> Result<Value, Mistake> {
        const PAGE: usize = 1_000;
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or_else(String::new, |last| format!("&after={}", cell(last, name)));
            let and = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{and}limit={PAGE}{after}"))?;
            let Value::Array(mut elements) = page else {
                return Err(Mistake::failed("The gateway answered with something that is no list."));
            };
            if elements.is_empty() {
                return Ok(all.into());
            }
            all.append(&mut elements);
        }
    }

    pub(crate) fn post(&self, path: &str, body: &impl Serialize) -> Result<Value, Mistake> {
        self.send(http::Method::POST, path, serde_json::to_string(body).ok())
    }

    pub(crate) fn patch(&self, path: &str, body: &impl Serialize) -> Result<Value, Mistake> {
        self.send(http::Method::PATCH, path, serde_json::to_string(body).ok())
    }

    pub(crate) fn put(&self, path: &str, body: &impl Serialize) -> Result<Value, Mistake> {
        self.send(http::Method::PUT, path, serde_json::to_string(body).ok())
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Value, Mistake> {
        self.send(http::Method::DELETE, path, None)
    }

    fn send(&self, method: http::Method, path: &str, body: Option<String>) -> Result<Value, Mistake> {
        let request = self.begin(method, path);
        self.read(match body {
            None => self.run(request.body(()))?,
            Some(body) => self.run(request.header("Content-Type", "application/json").body(body))?,
        })
    }

    /// Sends a text in TOML.
    pub(crate) fn send_toml(&self, method: http::Method, path: &str, text: &str) -> Result<Value, Mistake> {
        let request = self.begin(method, path).header("Content-Type", "application/toml");
        self.read(self.run(request.body(text))?)
    }

    /// Sends a request whose answer is lines of JSON, each handed on as it arrives; the last one.
    pub(crate) fn post_for_lines(
        &self,
        path: &str,
        body: &impl Serialize,
        each: impl FnMut(&Value),
    ) -> Result<Value, Mistake> {
        let request = self.request(http::Method::POST, path, LINES);
        let request = request.header("Content-Type", "application/json");
        let answer = self.run(request.body(serde_json::to_string(body).unwrap_or_default()))?;
        // Only the last line says how it ended.
        self.read_lines(answer, each, |line| ["rows", "read"].iter().all(|name| line.get(name).is_none()))
    }

    fn read_lines(
        &self,
        mut answer: http::Response<Body>,
        mut each: impl FnMut(&Value),
        is_last: impl FnOnce(&Value) -> bool,
    ) -> Result<Value, Mistake> {
        if !answer.status().is_success() {
            return self.read(answer);
        }
        let broken = || Mistake::failed("The gateway broke its answer off; look before you try again.");
        let mut last = None;
        for line in BufReader::new(answer.body_mut().with_config().limit(u64::MAX).reader()).lines() {
            let value = serde_json::from_str(&line.map_err(|_| broken())?).map_err(|_| broken())?;
            each(&value);
            last = Some(value);
        }
        last.filter(is_last).ok_or_else(broken)
    }

    /// Sends a body of this length as it is read. The gateway is asked first whether it takes it.
    pub(crate) fn upload(
        &self,
        path: &str,
        media_type: &str,
        body: &mut dyn Read,
        length: u64,
    ) -> Result<Value, Mistake> {
        let request = long(self.begin(http::Method::POST, path), media_type, length);
        self.read(self.run(request.body(SendBody::from_reader(body)))?)
    }

    /// The same of a request whose answer is lines of JSON, each handed on as it arrives; the last one.
    pub(crate) fn upload_for_lines(
        &self,
        path: &str,
        media_type: &str,
        body: &mut dyn Read,
        length: u64,
        each: impl FnMut(&Value),
    ) -> Result<Value, Mistake> {
        let request = long(self.request(http::Method::POST, path, LINES), media_type, length);
        let answer = self.run(request.body(SendBody::from_reader(body)))?;
        // The last line alone says nothing of how far it is.
        self.read_lines(answer, each, |line| line.get("read").is_none())
    }

    /// Writes a body as it arrives; `begin` gets its length.
    pub(crate) fn download(
        &self,
        path: &str,
        begin: impl FnOnce(Option<u64>) -> Result<Box<dyn Write>, Mistake>,
    ) -> Result<u64, Mistake> {
        let mut answer = self.run(self.begin(http::Method::GET, path).body(()))?;
        if !answer.status().is_success() {
            return Err(self
                .read(answer)
                .err()
                .unwrap_or_else(|| Mistake::failed("The gateway sent nothing.")));
        }
        let mut out = begin(answer.body().content_length())?;
        let copied = std::io::copy(&mut answer.body_mut().with_config().limit(u64::MAX).reader(), &mut out)
            .and_then(|copied| out.flush().map(|()| copied));
        copied.map_err(|error| Mistake::failed(format!("The export broke off: {error}.")))
    }

    fn begin(&self, method: http::Method, path: &str) -> http::request::Builder {
        self.request(method, path, "application/json")
    }

    fn request(&self, method: http::Method, path: &str, accept: &str) -> http::request::Builder {
        http::Request::builder()
            .method(method)
            .uri(format!("{}/admin/v1/{path}", self.connection.server))
            .header("Authorization", &self.connection.token.bearer)
            .header("Accept", accept)
    }

    /// Sends a request; the answer, of any status, with its body still to be read.
    fn run(
        &self,
        request: Result<http::Request<impl AsSendBody>, http::Error>,
    ) -> Result<http::Response<Body>, Mistake> {
        let no_address = |_| Mistake::usage(format!("`{}` is no server's address.", self.connection.server));
        self.agent.run(request.map_err(no_address)?).map_err(|error| self.unreachable(&error))
    }

    fn read(&self, mut answer: http::Response<Body>) -> Result<Value, Mistake> {
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(LONGEST_ANSWER)
            .read_to_string()
            .map_err(|error| self.unreachable(&error))?;
        let json = serde_json::from_str::<Value>(&text).ok();
        match json {
            Some(value) if status.is_success() => Ok(value),
            None if status.is_success() && text.is_empty() => Ok(Value::Null),
            _ if status == http::StatusCode::UNAUTHORIZED => Err(self.token_refused()),
            Some(problem) if !faults(&problem).is_empty() => Err(Mistake::Faults(faults(&problem))),
            problem => Err(Mistake::failed(problem.as_ref().and_then(sentence).unwrap_or_else(|| {
                let (server, status) = (&self.connection.server, status.as_u16());
                format!("{server} answered {status} as no Usher gateway does; is that its address?")
            }))),
        }
    }

    fn token_refused(&self) -> Mistake {
        Mistake::failed(format!(
            "The gateway at {} does not accept the admin token of {}; name its data directory with --data-dir, or set \
             USHER_ADMIN_TOKEN.",
            self.connection.server, self.connection.token.source
        ))
    }

    fn unreachable(&self, error: &ureq::Error) -> Mistake {
        let server = &self.connection.server;
        Mistake::failed(match error {
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => format!("`{server}` is no server's address."),
            error if tls::is_refusal(error) => format!(
                "{server} did not prove that it is this server ({}); nothing was sent to it. Check its name, or name a file \
                 with the certificate of its authority with --ca-file.",
                cause(error)
            ),
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve)
            | ureq::Error::Io(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed => format!(
                "No gateway answers at {server} ({}): start it with `usher serve`, or name another with --server.",
                cause(error)
            ),
            other => format!(
                "The gateway at {server} did not finish its answer ({other}); look before you try again."
            ),
        })
    }
}

/// A request with a body of this length, which asks first whether it is taken.
fn long(request: http::request::Builder, media_type: &str, length: u64) -> http::request::Builder {
    request
        .header("Content-Type", media_type)
        .header("Content-Length", length)
        .header("Expect", "100-continue")
}

/// A client of one server, which has so much time for each answer.
pub(crate) fn agent(server: &str, ca_file: Option<&Path>, time: Duration) -> Result<Agent, Mistake> {
    let tls = if server.starts_with("https://") { tls::config(ca_file)? } else { TlsConfig::default() };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // The token goes to the named server and nowhere else: no proxy of the environment, no redirect.
        .proxy(None)
        .max_redirects(0)
        .timeout_connect(Some(TIME_TO_CONNECT))
        .timeout_global(Some(time))
        .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls);
    Ok(config.build().into())
}

fn cause(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// The faults of a profile, or of overrides, in a problem document.
fn faults(problem: &Value) -> Vec<Fault> {
    let errors = problem.get("errors").cloned().unwrap_or_default();
    serde_json::from_value(errors).unwrap_or_default()
}

/// The sentence of a problem document.
fn sentence(problem: &Value) -> Option<String> {
    let text = |name| problem.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("detail").or_else(|| text("title")).map(str::to_owned)
}
