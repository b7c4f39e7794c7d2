//! What a run made and has to delete: what its answers told, and at the end what bears its name.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::{
    server::{Answer, Request, Server},
    variables::encode,
};

/// Where resources are made, and the attribute that bears the run's name.
const MADE_AT: [(&str, &str); 2] = [("/Users", "userName"), ("/Groups", "displayName")];

/// More pages than a run can fill.
const MOST_PAGES: usize = 50;

/// Paths of what is still there, in the order in which it was made.
#[derive(Debug, Default)]
pub(crate) struct Litter {
    made: Mutex<Vec<String>>,
}

impl Litter {
    /// Learns from an answer what was made, or is gone.
    pub(crate) fn note(&self, request: &Request, answer: &Answer) {
        if !answer.is_success() {
            return;
        }
        let path = request.path.split('?').next().unwrap_or_default();
        match request.method.as_str() {
            "POST" if path == "/Bulk" => {
                let operations = answer.body.get("Operations").and_then(Value::as_array);
                operations.into_iter().flatten().filter_map(made_in_bulk).for_each(|path| self.push(path));
            }
            "POST" if MADE_AT.iter().any(|(endpoint, _)| path.trim_end_matches('/') == *endpoint) => {
                if let Some(id) = answer.body.get("id").and_then(Value::as_str) {
                    self.push(format!("{}/{}", path.trim_end_matches('/'), encode(id)));
                }
            }
            "DELETE" => self.lock().retain(|made| made != path),
            _ => {}
        }
    }

    fn push(&self, path: String) {
        self.lock().push(path);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes what is known, groups and what was made last first; what stays is tried again at the end.
    pub(crate) fn clear(&self, server: &Server<'_>) {
        let made = std::mem::take(&mut *self.lock());
        let left = made.into_iter().rev().filter(|path| !delete(server, path));
        let left: Vec<String> = left.collect();
        self.lock().extend(left.into_iter().rev());
    }

    /// Deletes what is known, and what the server finds by the beginning of its name; what could not be deleted.
    pub(crate) fn sweep(&self, server: &Server<'_>, beginning: &str) -> Vec<String> {
        self.clear(server);
        for (endpoint, attribute) in MADE_AT {
            for _page in 0..MOST_PAGES {
                let found = named_so(server, endpoint, attribute, beginning);
                let deleted = found.iter().filter(|path| delete(server, path)).count();
                if deleted == 0 {
                    break;
                }
            }
        }
        let mut left = self.lock().clone();
        left.retain(|path| !is_gone(server, path));
        left
    }
}

/// A server that ignores filters answers with resources of others, so each name is looked at.
fn named_so(server: &Server<'_>, endpoint: &str, attribute: &str, beginning: &str) -> Vec<String> {
    let filter = encode(&format!("{attribute} sw \"{beginning}\""));
    let answer = server.send(&get(&format!("{endpoint}?filter={filter}&count=100")));
    let body = answer.map(|answer| answer.body).unwrap_or_default();
    let resources = body.get("Resources").and_then(Value::as_array).into_iter().flatten();
    let ours = resources.filter(|resource| {
        let name = resource.get(attribute).and_then(Value::as_str).unwrap_or_default();
        name.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    });
    let ids = ours.filter_map(|resource| resource.get("id")?.as_str());
    ids.map(|id| format!("{endpoint}/{}", encode(id))).collect()
}

fn get(path: &str) -> Request {
    Request { method: "GET".into(), path: path.to_owned(), ..Request::default() }
}

fn delete(server: &Server<'_>, path: &str) -> bool {
    let request = Request { method: "DELETE".into(), ..get(path) };
    server.send(&request).is_ok_and(|answer| answer.is_success() || answer.status == 404)
}

fn is_gone(server: &Server<'_>, path: &str) -> bool {
    server.send(&get(path)).is_ok_and(|answer| answer.status == 404)
}

/// The path of what an operation of a bulk answer made.
fn made_in_bulk(operation: &Value) -> Option<String> {
    let is_post = operation.get("method")?.as_str()?.eq_ignore_ascii_case("POST");
    let mut parts = operation.get("location")?.as_str()?.trim_end_matches('/').rsplit('/');
    let (id, endpoint) = (parts.next()?, format!("/{}", parts.next()?));
    let is_known = MADE_AT.iter().any(|(known, _)| *known == endpoint);
    (is_post && is_known).then(|| format!("{endpoint}/{id}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn noted(litter: &Litter, method: &str, path: &str, body: Value) {
        let request = Request { method: method.into(), path: path.into(), ..Request::default() };
        let answer = Answer { status: 200, headers: vec![], text: String::new(), body };
        litter.note(&request, &answer);
    }

    #[test]
    fn what_is_made_is_known_until_it_is_deleted() {
        let litter = Litter::default();
        noted(&litter, "POST", "/Users", json!({ "id": "a/b" }));
        noted(&litter, "POST", "/Users/.search", json!({ "id": "no" }));
        let made = json!({ "method": "POST", "location": "http://h/x/Groups/g", "status": "201" });
        let changed = json!({ "method": "PATCH", "location": "http://h/x/Users/u", "status": "200" });
        noted(&litter, "POST", "/Bulk", json!({ "Operations": [made, changed] }));
        assert_eq!(*litter.lock(), ["/Users/a%2Fb", "/Groups/g"]);
        noted(&litter, "DELETE", "/Groups/g", Value::Null);
        assert_eq!(*litter.lock(), ["/Users/a%2Fb"]);
    }
}
