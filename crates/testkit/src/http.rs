//! The smallest HTTP client that a test needs: one request, one answer, no redirects, no opinions about statuses.

use std::time::Duration;

use crate::urn::ERROR;
use serde_json::Value;
use ureq::http::{HeaderValue, Request as HttpRequest};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request.
#[must_use]
pub struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case, in the order of the answer.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; `Null` when it is none.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Request {
    /// A request without headers or body.
    pub fn new(method: &str, url: &str) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header; the same name may stand twice.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// A JSON body as SCIM sends it.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/scim+json").bytes(body.to_string().as_bytes())
    }

    /// Any body.
    pub fn bytes(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    /// Sends it; panics when there is no answer.
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.url);
        self.try_send().unwrap_or_else(|e| panic!("{what}: {e}"))
    }

    /// Sends it.
    ///
    /// # Errors
    /// When there is no answer: a connection refused, cut off, or silent for too long.
    pub fn try_send(self) -> Result<Answer, ureq::Error> {
        let agent = agent();
        let mut request = HttpRequest::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = if self.has_length() {
            agent.run(request.body(self.body).map_err(ureq::Error::Http)?)?
        } else {
            agent.run(request.body(()).map_err(ureq::Error::Http)?)?
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let text = response.body_mut().with_config().limit(256 << 20).read_to_string()?;
        Ok(Answer::new(response.status().as_u16(), headers, text))
    }

    /// Whether it says how long its body is.
    pub(crate) fn has_length(&self) -> bool {
        !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH")
    }
}

impl Answer {
    pub(crate) fn new(status: u16, headers: Vec<(String, String)>, text: String) -> Self {
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    /// Asserts the status; the answer itself, for going on.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Asserts a SCIM error of this status and `scimType` (empty: none).
    #[track_caller]
    pub fn expect_error(self, status: u16, scim_type: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.body["schemas"][0], ERROR, "{}", self.text);
        assert_eq!(self.body["status"], status.to_string(), "{}", self.text);
        assert_eq!(self.body["scimType"].as_str().unwrap_or_default(), scim_type, "{}", self.text);
        self
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The text, with a dash where the id of its request stands: two answers may differ in that alone.
    pub fn without_reference(&self) -> String {
        self.header("x-request-id").map_or_else(|| self.text.clone(), |id| self.text.replace(id, "-"))
    }

    /// Whether the gateway said that the connection ends with it.
    pub fn is_last(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The `id` of the resource in the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.text)).to_owned()
    }
}

/// A client that tells every answer as it is.
pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .timeout_global(Some(PATIENCE));
    config.build().into()
}

/// Percent-encodes a query value.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
