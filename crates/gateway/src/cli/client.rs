//! The thin client of the admin API: one request, one JSON answer, or the sentence of the problem document (RFC 9457).

use std::time::Duration;

use serde_json::Value;
use ureq::{Agent, Body, http};

use super::{Target, answer::cell, connection::Connection, mistake::Mistake, path_word::Region};

/// Deleting a large tenant is the slowest thing that is asked.
const PATIENCE: Duration = Duration::from_secs(60);
const TIME_TO_CONNECT: Duration = Duration::from_secs(5);

/// A gateway's admin API.
pub(super) struct Client {
    agent: Agent,
    connection: Connection,
}

impl Client {
    pub(super) fn new(connection: Connection) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // The token goes to the named server and nowhere else: no proxy of the environment, no redirect.
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(TIME_TO_CONNECT))
            .timeout_global(Some(PATIENCE))
            .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self { agent, connection }
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, Mistake> {
        self.send(http::Method::GET, path, None)
    }

    /// All elements of a list that comes in pages, each of which begins after the element whose name the last one ended with.
    pub(super) fn all(&self, path: &str, name: &str) -> Result<Vec<Value>, Mistake> {
        const PAGE: usize = 1_000;
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or_else(String::new, |last| format!("&after={}", cell(last, name)));
            let page = self.get(&format!("{path}?limit={PAGE}{after}"))?;
            let Value::Array(mut elements) = page else {
                return Err(Mistake::failed("The gateway answered with something that is no list."));
            };
            if elements.is_empty() {
                return Ok(all);
            }
            all.append(&mut elements);
        }
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Mistake> {
        self.send(http::Method::POST, path, Some(body))
    }

    pub(super) fn patch(&self, path: &str, body: &Value) -> Result<Value, Mistake> {
        self.send(http::Method::PATCH, path, Some(body))
    }

    pub(super) fn delete(&self, path: &str) -> Result<Value, Mistake> {
        self.send(http::Method::DELETE, path, None)
    }

    fn send(&self, method: http::Method, path: &str, body: Option<&Value>) -> Result<Value, Mistake> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/admin/v1/{path}", self.connection.server))
            .header("Authorization", self.connection.token.bearer())
            .header("Accept", "application/json");
        let answer = match body {
            None => request.body(()).map(|request| self.agent.run(request)),
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body.to_string());
                request.map(|request| self.agent.run(request))
            }
        };
        match answer {
            Ok(Ok(answer)) => self.read(answer),
            Ok(Err(error)) => Err(self.unreachable(&error)),
            Err(_) => Err(Mistake::usage(format!("`{}` is no server's address.", self.connection.server))),
        }
    }

    fn read(&self, mut answer: http::Response<Body>) -> Result<Value, Mistake> {
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(|error| self.unreachable(&error))?;
        let json = serde_json::from_str::<Value>(&text).ok();
        match json {
            Some(value) if status.is_success() => Ok(value),
            None if status.is_success() && text.is_empty() => Ok(Value::Null),
            _ if status == http::StatusCode::UNAUTHORIZED => Err(self.not_let_in()),
            Some(problem) if sentence(&problem).is_some() => {
                Err(Mistake::failed(sentence(&problem).unwrap_or_default()))
            }
            _ => Err(Mistake::failed(format!(
                "{} answered {} as no Usher gateway does; is that its address?",
                self.connection.server,
                status.as_u16()
            ))),
        }
    }

    fn not_let_in(&self) -> Mistake {
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
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve)
            | ureq::Error::Io(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed => {
                let cause = cause(error);
                format!(
                    "No gateway answers at {server} ({cause}): start it with `usher serve`, or name another with --server."
                )
            }
            other => format!(
                "The gateway at {server} did not finish its answer ({other}); look before you try again."
            ),
        })
    }
}

fn cause(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// The sentence of a problem document.
fn sentence(problem: &Value) -> Option<String> {
    let text = |name| problem.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("detail").or_else(|| text("title")).map(str::to_owned)
}

/// A region's tenants.
pub(super) fn tenants_of(region: &Region) -> String {
    format!("regions/{region}/tenants")
}

impl Target {
    /// The tenant's place in the admin API.
    pub(super) fn path(&self) -> String {
        format!("regions/{}/tenants/{}", self.region, self.key)
    }

    /// The tenant as people say it: `ire/acme`.
    pub(super) fn label(&self) -> String {
        format!("{}/{}", self.region, self.key)
    }
}
