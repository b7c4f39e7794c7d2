//! The admin API: requests of staff, their answers, the listener, and the refusal of requests that are not from staff.

mod acts;
mod admin_tokens;
mod bodies;
mod doors;
pub(crate) mod https;
mod lists;
mod log;
mod parameters;
mod texts;
mod together;

use testkit::{
    gateway::Gateway,
    http::{Answer, Request},
};

/// The admin token.
pub(crate) fn token(gateway: &Gateway) -> String {
    std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap().trim().to_owned()
}

/// Asserts a problem document of this status; its sentence.
#[track_caller]
pub(crate) fn problem(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text);
    assert_eq!(answer.body["status"], status, "{}", answer.text);
    assert_eq!(answer.header("x-request-id"), answer.body["request_id"].as_str(), "{}", answer.text);
    answer.body["detail"].as_str().unwrap().to_owned()
}

/// A request of staff with these bytes as its body.
fn send(gateway: &Gateway, method: &str, path: &str, media: &str, body: &[u8]) -> Answer {
    let request = Request::new(method, &format!("{}/admin/v1{path}", gateway.url)).bearer(&token(gateway));
    let request = if media.is_empty() { request } else { request.header("content-type", media) };
    request.bytes(body).send()
}
