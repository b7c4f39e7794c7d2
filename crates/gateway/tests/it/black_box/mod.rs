//! `usher conformance` against the running gateway, and against wrong servers, so that each of its checks can fail.

mod faults;
mod wrong_server;

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{
    gateway::{Gateway, Signal, Tenant, signal},
    ports,
};

use crate::running::{BINARY, onboarded, roomy, wait_for};
use faults::Fault;
use wrong_server::WrongServer;

/// Runs the checks against a base URL with a tenant's token.
fn run_at(gateway: &Gateway, base: &str, token: &str, words: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, token).unwrap();
    let all = [&["conformance", "--base", base, "--token-file", file.to_str().unwrap()][..], words].concat();
    gateway.cli(&all)
}

fn report(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

/// The checks that failed and count, with what they say.
fn failures(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|one| one["verdict"] == "failed" && one["not_claimed"].is_null());
    failed.map(|one| format!("{}: {}", one["id"], one["failure"])).collect()
}

/// All that the tenant claims holds, and the run leaves nothing behind.
#[track_caller]
pub(crate) fn assert_conforms(gateway: &Gateway, tenant: &Tenant, claims: &[&str]) {
    let words: Vec<&str> = claims.iter().flat_map(|claim| ["--claim", *claim]).chain(["--json"]).collect();
    let output = run_at(gateway, &tenant.base_url, &tenant.token, &words);
    let report = report(&output);
    assert_eq!(failures(&report), Vec::<String>::new());
    assert_eq!(output.status.code(), Some(0));
    assert!(report["passed"].as_u64().unwrap() > 150, "{}", report["passed"]);
    assert_is_empty(tenant, &report);
    gateway.audit(tenant);
}

#[track_caller]
fn assert_is_empty(tenant: &Tenant, report: &Value) {
    assert_eq!(report["left_behind"], json!([]));
    for list in ["/Users?count=0", "/Groups?count=0"] {
        assert_eq!(tenant.get(list).expect(200).body["totalResults"], 0, "{list}");
    }
}

#[test]
fn a_default_tenant_holds_the_rfcs_and_what_okta_and_entra_ask() {
    let (gateway, tenant) = roomy();
    assert_conforms(&gateway, &tenant, &["okta", "entra"]);
}

#[test]
fn a_tenant_of_mentimeter_holds_them_with_twenty_seats() {
    let seats = json!({ "member": 20, "member_lite": 20 });
    let body = json!({ "key": "menti", "name": "Menti", "profile": "mentimeter", "seats": seats });
    let (gateway, tenant) = onboarded(&body);
    assert_conforms(&gateway, &tenant, &["okta", "entra"]);
}

#[test]
fn a_strict_tenant_holds_the_rfcs_to_the_letter() {
    let (gateway, tenant) = onboarded(
        &json!({ "key": "strict", "name": "Strict", "seats": { "member": null, "member_lite": null }, "settings": { "strict": true } }),
    );
    assert_conforms(&gateway, &tenant, &["strict"]);
}

#[test]
fn what_is_not_claimed_is_shown_apart_and_the_table_says_where_each_check_is_from() {
    let (gateway, tenant) = onboarded(
        &json!({ "key": "strict", "name": "Strict", "seats": { "member": null, "member_lite": null }, "settings": { "strict": true } }),
    );
    let output = run_at(&gateway, &tenant.base_url, &tenant.token, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let (counted, apart) = text.split_once("Not claimed, so it does not count:").unwrap();
    assert!(counted.contains("RFC 7644 §3.5.2.2"), "{text}");
    assert!(apart.contains("differs entra-boolean-text"), "{text}");
    assert!(apart.contains("interopProfileConformant"), "{text}");
}

#[test]
fn a_wrong_server_is_told_with_request_and_answer_and_without_its_token() {
    let (gateway, tenant) = roomy();
    let server = WrongServer::before(&tenant, Fault::named("no match is 404"));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("junit.xml");
    let words = ["--json", "--junit", file.to_str().unwrap()];
    let output = run_at(&gateway, server.base_url(), &tenant.token, &words);
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    let failed =
        report["checks"].as_array().unwrap().iter().find(|one| one["id"] == "filter-no-match").unwrap();
    assert_eq!(failed["source"], "RFC 7644 §3.4.2.2");
    assert!(failed["failure"]["request"].as_str().unwrap().starts_with("GET /Users?filter="), "{failed}");
    assert!(failed["failure"]["answer"].as_str().unwrap().starts_with("404"), "{failed}");
    let xml = fs::read_to_string(file).unwrap();
    assert!(xml.contains("<failure message=\"want status 200, got 404\">"), "{xml}");
    for text in [xml, String::from_utf8(output.stdout).unwrap()] {
        assert!(!text.contains(&tenant.token), "the token is told");
    }
    assert_is_empty(&tenant, &report);
}

#[test]
fn a_run_that_is_interrupted_deletes_what_it_made() {
    let (_gateway, tenant) = roomy();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, &tenant.token).unwrap();
    // Everything takes a moment, so that the signal comes in the middle of a check.
    let server = WrongServer::before(&tenant, Fault::named("slow"));
    let mut command = Command::new(BINARY);
    command.args(["conformance", "--json", "--base", server.base_url(), "--token-file"]).arg(&file);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("it makes a user", || tenant.get("/Users?count=0").body["totalResults"] != 0);
    signal(run.id(), Signal::INT);
    let output = run.wait_with_output().unwrap();
    let report = report(&output);
    assert_eq!((output.status.code(), &report["interrupted"]), (Some(1), &Value::Bool(true)));
    assert!(report["checks"].as_array().unwrap().len() < 100, "it went on to its end");
    assert_is_empty(&tenant, &report);
}

#[test]
fn what_cannot_be_checked_is_exit_2_with_a_sentence() {
    let (gateway, tenant) = roomy();
    let nowhere = format!("http://127.0.0.1:{}/scim/v2", ports::claim());
    let (base, token) = (tenant.base_url.as_str(), tenant.token.as_str());
    let metrics = gateway.metrics_url.as_str();
    for (base, token, sentence) in [
        (base, "wrong", "does not accept the token"),
        (base, "", "holds no token"),
        (nowhere.as_str(), token, "cannot be reached"),
        ("scim.example.com", token, "is no base URL"),
        (metrics, token, "is no SCIM server's base URL"),
    ] {
        let output = run_at(&gateway, base, token, &[]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{base}: {told}");
        assert!(told.contains(sentence), "{told}");
        assert!(token.is_empty() || !told.contains(token), "{told}");
    }
    for words in [&["--claim", "nobody"][..], &["--junit", "/nowhere/junit.xml"]] {
        assert_eq!(
            run_at(&gateway, &tenant.base_url, &tenant.token, words).status.code(),
            Some(2),
            "{words:?}"
        );
    }
}

#[test]
fn each_check_fails_at_some_server() {
    faults::each_check_fails_at_some_server();
}
