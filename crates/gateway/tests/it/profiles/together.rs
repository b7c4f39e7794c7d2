//! Two processes that serve the same tenants: what staff change through one holds at the other.

use std::fs;

use serde_json::json;
use testkit::http::Answer;

use super::{files, overridden};
use crate::{
    products::{create, standing},
    running::{at, two_processes, wait_for},
};

/// A request that is sent again at 503, as every identity provider does: the first one after a change may meet rules of before.
fn sent_again(mut request: impl FnMut() -> Answer) -> Answer {
    let answer = request();
    if answer.status == 503 { request() } else { answer }
}

#[test]
fn an_override_and_a_new_version_of_a_profile_hold_at_the_other_process_too() {
    let [one, two] = two_processes(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("atlas.toml");
    let add = |text: &str| {
        fs::write(&file, text).unwrap();
        files::add(&one, file.to_str().unwrap());
    };
    add(files::ATLAS);
    let acme = one.onboard("ire", &json!({ "key": "acme", "name": "Acme", "profile": "atlas" }));
    let there = at(&two, &acme);
    create(&there, "ada", &json!({ "tier": "pen" })).expect(201);

    let mut nth = 0;
    let mut role_of = |tier: &str| {
        nth += 1;
        let made = sent_again(|| create(&there, &format!("user{nth}"), &json!({ "tier": tier }))).expect(201);
        there.delete(&format!("/Users/{}", made.id())).expect(204);
        standing(&made)[0].to_owned()
    };
    assert_eq!(role_of("brush"), "viewer");
    add(&files::ATLAS.replace("{ pen = ", "{ brush = \"editor\", pen = "));
    wait_for("the new version holds at the other process", || role_of("brush") == "editor");

    overridden(&one, &acme, &["refusal.status=429"]);
    let bob = sent_again(|| create(&there, "bob", &json!({ "tier": "pen" }))).expect(201);
    assert_eq!(standing(&bob), ["editor", "editor", "granted"]);
    wait_for("the override holds at the other process", || {
        create(&there, "cid", &json!({ "tier": "pen" })).status == 429
    });
    one.audit(&acme);
}
