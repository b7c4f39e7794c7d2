//! The query parameters of admin routes, each at most once. Unknown ones are refused: a misspelt filter that is ignored would return
//! everything.

use actix_web::{dev::ServiceRequest, http::Method, http::header::LINK};
use serde::Deserialize;
use serde_json::Value;

use super::{Problem, response::json};

/// The parameters of a list in pages.
const PAGE: &[&str] = &["limit", "after"];

/// The parameters of a GET.
fn parameters(pattern: &str) -> &'static [&'static str] {
    if matches!(pattern, "/admin/v1/acts" | "/admin/v1/regions/{region}/acts") {
        return &["limit"];
    }
    match pattern.strip_prefix("/admin/v1/regions/{region}/tenants") {
        Some("" | "/{key}/credentials" | "/{key}/tokens") => PAGE,
        Some("/{key}/users") => &["limit", "after", "state", "role", "origin", "user_name"],
        Some("/{key}/groups") => PAGE,
        Some("/{key}/acts") => &["limit"],
        Some("/{key}/changes") => &["limit", "resource"],
        Some("/{key}/explain") => &["user"],
        Some("/{key}/log") => {
            &["user", "result", "idp", "since", "until", "limit", "cursor", "follow", "after"]
        }
        _ => &[],
    }
}

/// # Errors
/// 400 for an unknown or repeated parameter. A path without a route is left to become a 404.
pub(super) fn check(request: &ServiceRequest) -> Result<(), Problem> {
    let Some(pattern) = request.match_pattern() else { return Ok(()) };
    let known = match *request.method() {
        Method::GET | Method::HEAD => parameters(&pattern),
        Method::POST if pattern == "/admin/v1/regions/{region}/import" => &["key"],
        Method::POST if pattern.ends_with("/groups/{id}/release") => &["drop"],
        Method::POST if pattern == "/admin/v1/profiles" => &["check", "name"],
        Method::POST if pattern.ends_with("/profile/reapply") => &["dry_run"],
        _ => &[],
    };
    let mut seen: Vec<&str> = Vec::new();
    for (name, _) in form_urlencoded::parse(request.query_string().as_bytes()) {
        let Some(known_name) = known.iter().find(|known| **known == name) else {
            return Err(unknown(&name, known));
        };
        if seen.contains(known_name) {
            return Err(Problem::bad_request(format!(
                "The parameter {known_name} is there twice; send it once."
            )));
        }
        seen.push(*known_name);
    }
    Ok(())
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    /// Characters of an unknown name that are repeated in the response.
    const SHOWN: usize = 60;
    let name: String = name.chars().take(SHOWN).collect();
    let takes = match known {
        [] => "this takes none".to_owned(),
        known => format!("this takes {}", known.join(" and ")),
    };
    Problem::bad_request(format!("There is no parameter {name:?} here; {takes}."))
}

/// Which part of a list: at most `limit` elements after the one named `after`. Lists are sorted by values that never change, so a
/// client that reads all pages sees each element that stays exactly once.
#[derive(Deserialize)]
pub(super) struct Page {
    limit: Option<i64>,
    pub(super) after: Option<String>,
}

impl Page {
    const DEFAULT: i64 = 100;
    const MOST: i64 = 1_000;

    pub(super) fn new(limit: Option<i64>, after: Option<String>) -> Self {
        Self { limit, after }
    }

    /// The most elements of the page. Callers read one more, to see whether there is a next page.
    pub(super) fn limit(&self) -> i64 {
        self.limit.unwrap_or(Self::DEFAULT).clamp(1, Self::MOST)
    }

    /// The response, from up to one element more than the limit, with a link to the next page (RFC 8288).
    pub(super) fn answer(&self, elements: Vec<Value>, name: &str, path: &str) -> actix_web::HttpResponse {
        self.answer_of(elements, name, path, "")
    }

    /// The same of a list that was narrowed by these parameters, such as `&origin=LOCAL`.
    pub(super) fn answer_of(
        &self,
        mut elements: Vec<Value>,
        name: &str,
        path: &str,
        narrowed: &str,
    ) -> actix_web::HttpResponse {
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        let has_next = elements.len() > limit;
        elements.truncate(limit);
        let last = elements.last().and_then(|last| last.get(name)).and_then(Value::as_str);
        let link = last
            .filter(|_| has_next)
            .map(|last| format!("<{path}?limit={limit}&after={last}{narrowed}>; rel=\"next\""));
        let mut answer = json(200, &Value::Array(elements));
        if let Some(link) = link.and_then(|link| link.parse().ok()) {
            answer.headers_mut().insert(LINK, link);
        }
        answer
    }
}
