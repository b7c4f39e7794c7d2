//! Requests without a credential are summed up in few lines, and none of them is lost; requests with a token have a line each.

use serde_json::Value;
use testkit::{gateway::Gateway, http::Request};

use super::token;
use crate::running::gateway_with;

const MANY: u64 = 60;

fn logging() -> Gateway {
    gateway_with(&[("USHER__LOG__FORMAT", "json")])
}

/// The lines of the log after a stop, with one of these messages.
fn lines(gateway: &mut Gateway, messages: [&str; 2]) -> Vec<Value> {
    assert_eq!(gateway.stop(), Some(0));
    let log = gateway.log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| messages.iter().any(|message| line["message"] == *message)).collect()
}

/// How many events these lines tell of.
fn told(lines: &[Value]) -> u64 {
    lines.iter().map(|line| line["count"].as_u64().unwrap_or(1)).sum()
}

/// A few seconds of one kind: its first line, and the sums of the intervals that it lasted.
#[track_caller]
fn assert_summed_up(lines: &[Value]) {
    assert!(lines.len() < 10, "{} lines: {lines:#?}", lines.len());
    assert_eq!(told(lines), MANY, "{lines:#?}");
}

#[test]
fn requests_without_a_credential_are_summed_up() {
    let mut gateway = logging();
    let acme = gateway.tenant("ire", "acme", None, None);
    for n in 0..MANY / 2 {
        Request::new("GET", &format!("{}/Users", acme.base_url))
            .bearer(&format!("{}x", acme.token))
            .send()
            .expect(401);
        Request::new("GET", &format!("{}/nothing/{n}", gateway.url)).send().expect(404);
    }
    let lines = lines(&mut gateway, ["a request was refused", "more requests were refused"]);
    assert_summed_up(&lines);
    let of_401: Vec<_> = lines.into_iter().filter(|line| line["code"] == 401).collect();
    assert_eq!(told(&of_401), MANY / 2);
}

#[test]
fn requests_that_cannot_be_read_are_summed_up() {
    let mut gateway = logging();
    for _ in 0..MANY {
        assert_eq!(gateway.talk(b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n").statuses(), [400]);
    }
    let lines = lines(&mut gateway, ["a request could not be read", "more requests could not be read"]);
    assert_summed_up(&lines);
}

#[test]
fn attack_21_wrong_admin_tokens_are_told_and_counted() {
    let mut gateway = logging();
    for n in 0..MANY {
        let request = Request::new("GET", &format!("{}/admin/v1/regions", gateway.url));
        request.bearer(&format!("ush_admin_{n:040}")).send().expect(401);
    }
    assert!(
        gateway.metrics().contains(&format!("usher_admin_auth_failures_total{{reason=\"unknown\"}} {MANY}"))
    );
    let right = token(&gateway);
    let lines = lines(&mut gateway, ["an admin request was refused", "more admin requests were refused"]);
    assert_summed_up(&lines);
    assert!(
        lines.iter().all(|line| line["level"] == "WARN" && line["cause"] == "a wrong admin token"),
        "{lines:#?}"
    );
    assert_eq!(lines[0]["peer"], "127.0.0.1");
    assert!(!gateway.log().contains(&right) && !gateway.log().contains("ush_admin_"));
}

#[test]
fn each_refusal_of_a_tenants_own_requests_keeps_its_line() {
    let mut gateway = logging();
    let acme = gateway.tenant("ire", "acme", None, None);
    let mut ids = Vec::new();
    for n in 0..20 {
        let answers = [
            acme.get(&format!("/Users/{n}")).expect(404),
            Request::new("GET", &acme.base_url.replace("/ire/", "/us/"))
                .bearer(&acme.token)
                .send()
                .expect(401),
            Request::new("GET", &format!("{}/lost", gateway.url)).bearer(&acme.token).send().expect(404),
        ];
        ids.extend(answers.iter().map(|answer| answer.header("x-request-id").unwrap().to_owned()));
    }
    let lines = lines(&mut gateway, ["a request was refused", "more requests were refused"]);
    let logged: Vec<_> = lines.iter().map(|line| line["request_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(logged, ids);
}
