//! One verdict for a tenant: each code with what provokes it, and with what comes near and does not.

mod calls;
mod credentials;
mod region;
mod roles;
mod seats;
mod writes;

use serde_json::Value;
use testkit::{
    clocks::MachineClock,
    gateway::{Gateway, Tenant},
};

use crate::tick::under;

/// A gateway that lives by a clock, and a tenant with room for everybody.
fn by_a_clock() -> (MachineClock, Gateway, Tenant) {
    let clock = MachineClock::new();
    let gateway = under(&clock);
    let acme = gateway.tenant("ire", "acme", None, None);
    (clock, gateway, acme)
}

/// What `usher health --json` prints. It exits with 3 if, and only if, there are findings, each of which has a sentence and something to
/// do.
#[track_caller]
fn health(gateway: &Gateway, tenant: &Tenant) -> Value {
    let target = ["health", "--region", &tenant.region, "--key", &tenant.key, "--json"];
    let output = gateway.cli(&target);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = told["findings"].as_array().unwrap();
    for finding in findings {
        assert!(finding["sentence"].as_str().unwrap().ends_with(['.', 'd']), "{finding}");
        assert!(!finding["do"].as_array().unwrap().is_empty(), "{finding}");
        assert!(finding["since"].as_str().unwrap().ends_with('Z'), "{finding}");
    }
    let (status, code) = if findings.is_empty() { ("ok", 0) } else { ("attention", 3) };
    assert_eq!((told["status"].as_str(), output.status.code()), (Some(status), Some(code)));
    told
}

/// The codes of the findings.
#[track_caller]
fn codes(gateway: &Gateway, tenant: &Tenant) -> Vec<String> {
    let told = health(gateway, tenant);
    let findings = told["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// The sentence of the finding with this code.
#[track_caller]
fn sentence(gateway: &Gateway, tenant: &Tenant, code: &str) -> String {
    let told = health(gateway, tenant);
    let findings = told["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == code);
    found.unwrap_or_else(|| panic!("{code} is not in {told}"))["sentence"].as_str().unwrap().to_owned()
}
