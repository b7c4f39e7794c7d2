//! The server that is checked: one request, one answer, each as a report shows it, without secrets.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use ureq::{
    Agent,
    http::{HeaderValue, Request as HttpRequest, header},
};

/// What a request without a body of its own shows of another one.
const MASK: &str = "***";

/// The longest body that is read.
const LONGEST_BODY: u64 = 64 << 20;

/// The longest text of a request or an answer in a report.
const LONGEST_SHOWN: usize = 3_000;

/// How often a server may say 429, and the longest wait that it may ask for each time.
const PATIENCE: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A server, and the right to use it.
pub struct Server<'a> {
    agent: Agent,
    base: String,
    authorization: HeaderValue,
    secret: String,
    interrupted: &'a AtomicBool,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Below the base URL, or a whole URL at the same server.
    pub(crate) path: String,
    /// In place of the usual ones; `None` leaves one out.
    pub(crate) headers: Vec<(String, Option<String>)>,
    pub(crate) body: Option<String>,
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
    /// `Null` when the body is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl<'a> Server<'a> {
    /// A server at a base URL. The token is sent as a bearer's, unless it names its scheme: `Basic …`. After `interrupted` is set, nothing
    /// is waited for.
    ///
    /// # Errors
    /// What is wrong with the URL or the token.
    pub fn new(agent: Agent, base: &str, token: &str, interrupted: &'a AtomicBool) -> Result<Self, String> {
        let base = base.trim().trim_end_matches('/');
        let host = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).unwrap_or_default();
        if host.is_empty() || base.contains(['?', '#', '@']) || base.contains(char::is_whitespace) {
            return Err(format!("`{base}` is no base URL; give one such as https://HOST/scim/v2."));
        }
        let token = token.trim();
        let scheme = ["bearer ", "basic "]
            .iter()
            .any(|s| token.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)));
        let text = if scheme { token.to_owned() } else { format!("Bearer {token}") };
        let secret = text.split_once(' ').map_or_else(String::new, |(_, secret)| secret.trim().to_owned());
        let authorization = HeaderValue::from_str(&text).ok();
        let authorization =
            authorization.filter(|_| !secret.is_empty() && secret.chars().all(|c| c.is_ascii_graphic()));
        let mut authorization = authorization.ok_or("The token's file holds no token.")?;
        authorization.set_sensitive(true);
        Ok(Self { agent, base: base.to_owned(), authorization, secret, interrupted })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Sends a request; a server that asks for a pause gets it.
    pub(crate) fn send(&self, request: &Request) -> Result<Answer, String> {
        let mut answer = self.send_once(request)?;
        for _ in 0..PATIENCE {
            let asked = answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            let Some(seconds) = asked.filter(|_| answer.status == 429) else { break };
            if !self.pause(Duration::from_secs(seconds).min(LONGEST_WAIT)) {
                break;
            }
            answer = self.send_once(request)?;
        }
        Ok(answer)
    }

    /// Waits; `false` when it was interrupted.
    fn pause(&self, time: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < time && !self.is_interrupted() {
            sleep(Duration::from_millis(50).min(time));
        }
        !self.is_interrupted()
    }

    /// Sends a request once, whatever comes back.
    pub(crate) fn send_once(&self, request: &Request) -> Result<Answer, String> {
        let url = self.url(&request.path)?;
        let mut building = HttpRequest::builder().method(request.method.as_str()).uri(url);
        let own = |name: &str| request.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if !own("authorization") {
            building = building.header(header::AUTHORIZATION, &self.authorization);
        }
        if !own("accept") {
            building = building.header(header::ACCEPT, "application/scim+json");
        }
        if request.body.is_some() && !own("content-type") {
            building = building.header(header::CONTENT_TYPE, "application/scim+json");
        }
        for (name, value) in &request.headers {
            if let Some(value) = value {
                building = building.header(name, value);
            }
        }
        let sent = match &request.body {
            Some(body) => {
                building.body(body.as_str()).map_err(ureq::Error::Http).and_then(|r| self.agent.run(r))
            }
            None => building.body(()).map_err(ureq::Error::Http).and_then(|r| self.agent.run(r)),
        };
        let no_answer = |error: ureq::Error| self.masked(&format!("no answer: {error}"));
        let mut response = sent.map_err(no_answer)?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let text =
            response.body_mut().with_config().limit(LONGEST_BODY).read_to_string().map_err(no_answer)?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status: response.status().as_u16(), headers, text, body })
    }

    /// The token goes to the server of the base URL and to no other.
    fn url(&self, path: &str) -> Result<String, String> {
        if !path.starts_with("http://") && !path.starts_with("https://") {
            return Ok(format!("{}{path}", self.base));
        }
        if origin(path) == origin(&self.base) {
            Ok(path.to_owned())
        } else {
            Err(format!("the URL {path} leads to another server than {}", self.base))
        }
    }

    /// A request as a report shows it.
    pub(crate) fn show_request(&self, request: &Request) -> String {
        let mut text = format!("{} {}", request.method, request.path);
        for (name, value) in &request.headers {
            let value = value.as_deref().unwrap_or("(none)");
            let value =
                if name.eq_ignore_ascii_case("authorization") && value != "(none)" { MASK } else { value };
            let _written = write!(text, "\n{name}: {value}");
        }
        if let Some(body) = &request.body {
            let _written = write!(text, "\n{}", shown_body(body));
        }
        self.masked(&text)
    }

    /// An answer as a report shows it.
    pub(crate) fn show_answer(&self, answer: &Answer) -> String {
        let mut text = answer.status.to_string();
        for name in ["content-type", "location", "etag", "www-authenticate", "allow", "retry-after"] {
            if let Some(value) = answer.header(name) {
                let _written = write!(text, "\n{name}: {value}");
            }
        }
        let _written = write!(text, "\n{}", shown_body(&answer.text));
        self.masked(&text)
    }

    /// The text without the token, wherever it stands.
    pub(crate) fn masked(&self, text: &str) -> String {
        text.replace(&self.secret, MASK)
    }
}

fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/").to_ascii_lowercase()
}

/// A body on one line, without passwords, cut where it is long.
fn shown_body(text: &str) -> String {
    let shown = serde_json::from_str::<Value>(text).map_or_else(
        |_| text.to_owned(),
        |mut body| {
            mask(&mut body);
            body.to_string()
        },
    );
    let mut cut: String = shown.chars().take(LONGEST_SHOWN).collect();
    if cut.len() < shown.len() {
        cut.push('…');
    }
    cut
}

/// Puts the mask in the place of every password, also where a PATCH names it by path.
fn mask(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        Value::Object(members) => {
            let is_named = |name: &str| name.to_lowercase().ends_with("password");
            let by_path = members.get("path").and_then(Value::as_str).is_some_and(is_named);
            for (name, member) in members {
                if is_named(name) && member.is_string() || by_path && name.eq_ignore_ascii_case("value") {
                    *member = MASK.into();
                } else {
                    mask(member);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in tests a panic is how they fail")]

    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn server(base: &str, token: &str) -> Result<Server<'static>, String> {
        Server::new(Agent::new_with_defaults(), base, token, &NEVER)
    }

    #[test]
    fn secrets_are_masked_in_requests_and_answers() {
        let server = server("http://localhost:1/", "top-secret\n").unwrap();
        let request = Request {
            method: "PATCH".into(),
            path: "/Users/1?x=top-secret".into(),
            headers: vec![("Authorization".into(), Some("Bearer other".into()))],
            body: Some(r#"{"password":"p1","Operations":[{"path":"password","value":"p2"}]}"#.into()),
        };
        let text = server.show_request(&request);
        for secret in ["top-secret", "other", "p1", "p2"] {
            assert!(!text.contains(secret), "{text}");
        }
        let answer =
            Answer { status: 400, headers: vec![], text: "echo top-secret".into(), body: Value::Null };
        assert_eq!(server.show_answer(&answer), "400\necho ***");
    }

    #[test]
    fn the_token_goes_to_no_other_server() {
        let server = server("http://localhost:1/scim", "t").unwrap();
        assert_eq!(server.url("/Users").unwrap(), "http://localhost:1/scim/Users");
        assert_eq!(server.url("http://LOCALHOST:1/other").unwrap(), "http://LOCALHOST:1/other");
        for elsewhere in
            ["http://localhost:12/scim", "https://localhost:1/scim", "http://localhost:1.example/"]
        {
            assert!(server.url(elsewhere).is_err(), "{elsewhere}");
        }
    }

    #[test]
    fn what_is_no_base_url_and_no_token_is_refused() {
        for base in ["", "localhost", "http://", "http://h/?a=b", "http://u:p@h", "ftp://h"] {
            assert!(server(base, "t").is_err(), "{base}");
        }
        for token in ["", " \n", "a b", "Basic a b", "a\nb"] {
            assert!(server("http://h", token).is_err(), "{token:?}");
        }
        assert_eq!(server("http://h", "Basic abc").unwrap().authorization, "Basic abc");
        assert_eq!(server("http://h", "abc").unwrap().authorization, "Bearer abc");
    }
}
