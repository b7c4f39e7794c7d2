//! The smallest HTTP client that a test needs: one request, one answer, no redirects, no opinions about statuses.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request as HttpRequest, Response};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request.
#[must_use]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
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
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut request = HttpRequest::builder().method(self.method.as_str()).uri(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response =
            if self.body.is_empty() && !matches!(self.method.as_str(), "POST" | "PUT" | "PATCH") {
                agent.run(request.body(()).map_err(ureq::Error::Http)?)?
            } else {
                agent.run(request.body(self.body).map_err(ureq::Error::Http)?)?
            };
        let headers = headers(&response);
        let text = response.body_mut().with_config().limit(256 << 20).read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status: response.status().as_u16(), headers, body, text })
    }
}

fn headers<B>(response: &Response<B>) -> Vec<(String, String)> {
    let text = |v: &ureq::http::HeaderValue| String::from_utf8_lossy(v.as_bytes()).into_owned();
    response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

impl Answer {
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
        assert_eq!(self.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{}", self.text);
        assert_eq!(self.body["status"], status.to_string(), "{}", self.text);
        assert_eq!(self.body["scimType"].as_str().unwrap_or_default(), scim_type, "{}", self.text);
        self
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The `id` of the resource in the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.text)).to_owned()
    }
}

/// Percent-encodes a query value.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
