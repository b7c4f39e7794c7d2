//! Whether a tenant is served, and what its identity provider may do.

mod activation;
mod contact;
mod features;

use serde_json::Value;
use testkit::{
    gateway::{Gateway, Tenant},
    http::Answer,
};

/// Runs words of the command line on a tenant; its answer.
fn on(gateway: &Gateway, words: &[&str], tenant: &Tenant) -> Value {
    let target = ["--region", tenant.region.as_str(), "--key", tenant.key.as_str(), "--json"];
    serde_json::from_str(&gateway.cli_ok(&[words, &target].concat())).unwrap()
}

/// The newest act on a tenant: its actor, its kind and its detail.
fn newest_act(gateway: &Gateway, tenant: &Tenant) -> [Value; 3] {
    let acts = gateway.admin("GET", &format!("{}/acts?limit=1", tenant.admin_path()), None).expect(200);
    ["actor", "act", "detail"].map(|name| acts.body[0][name].clone())
}

/// Asserts a refusal with this keyword; its detail.
#[track_caller]
fn refusal(answer: Answer, scim_type: &str) -> String {
    answer.expect_error(403, scim_type).body["detail"].as_str().unwrap().to_owned()
}
