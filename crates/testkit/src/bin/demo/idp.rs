//! An identity provider as HTTP: its base URL and token, its headers, its requests. What it asks for is in `entra` and `okta`.

use std::time::Duration;

use serde_json::Value;
use ureq::{Agent, http};

use crate::story::{Story, Wrong, text};

/// Okta's own limit (idp-wire §2).
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection as an administrator sets it up in an identity provider.
pub(crate) struct Idp {
    agent: Agent,
    base_url: String,
    token: String,
}

/// Status and body; a 204 has none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Idp {
    pub(crate) fn new(base_url: &str, token: &str, user_agent: &'static str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(user_agent)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { agent: config.into(), base_url: base_url.to_owned(), token: token.to_owned() }
    }

    pub(crate) fn get(&self, story: &mut Story<'_>, path: &str) -> Result<Answer, Wrong> {
        self.send(story, http::Method::GET, path, None)
    }

    pub(crate) fn post(&self, story: &mut Story<'_>, path: &str, body: &Value) -> Result<Answer, Wrong> {
        self.send(story, http::Method::POST, path, Some(body))
    }

    pub(crate) fn put(&self, story: &mut Story<'_>, path: &str, body: &Value) -> Result<Answer, Wrong> {
        self.send(story, http::Method::PUT, path, Some(body))
    }

    pub(crate) fn patch(&self, story: &mut Story<'_>, path: &str, body: &Value) -> Result<Answer, Wrong> {
        self.send(story, http::Method::PATCH, path, Some(body))
    }

    fn send(
        &self,
        story: &mut Story<'_>,
        method: http::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Wrong> {
        story.count_request();
        let what = format!("{method} {path}");
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base_url))
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Accept", "application/scim+json");
        let answer = match body {
            None => request.body(()).map(|request| self.agent.run(request)),
            Some(body) => request
                .header("Content-Type", "application/scim+json; charset=utf-8")
                .body(body.to_string())
                .map(|request| self.agent.run(request)),
        };
        let answer = answer.map_err(|error| Wrong::new(format!("{what} is no request: {error}")))?;
        read(answer.map_err(|error| Wrong::new(format!("{what} got no answer: {error}")))?, &what)
    }
}

fn read(mut answer: http::Response<ureq::Body>, what: &str) -> Result<Answer, Wrong> {
    let status = answer.status().as_u16();
    let body = answer.body_mut().read_to_string();
    let body = body.map_err(|error| Wrong::new(format!("{what}: the answer breaks off: {error}")))?;
    if body.is_empty() {
        return Ok(Answer { status, body: Value::Null });
    }
    let body = serde_json::from_str(&body);
    let body =
        body.map_err(|error| Wrong::new(format!("{what}: the answer {status} is no JSON: {error}")))?;
    Ok(Answer { status, body })
}

impl Answer {
    /// The resource's id; an error has none.
    pub(crate) fn id(&self) -> Option<String> {
        Some(text(&self.body, "id")).filter(|id| !id.is_empty())
    }

    /// What a list found; `None` when this is no list.
    pub(crate) fn total(&self) -> Option<u64> {
        self.body.get("totalResults").and_then(Value::as_u64)
    }

    /// Whether a list found nobody: 200 with an empty list, never 404.
    pub(crate) fn found_none(&self) -> bool {
        self.status == 200 && self.total() == Some(0)
    }

    /// How many members a group's answer lists.
    pub(crate) fn members(&self) -> usize {
        self.body.get("members").and_then(Value::as_array).map_or(0, Vec::len)
    }
}
