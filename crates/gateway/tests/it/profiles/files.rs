//! A product is one file that staff add while the gateway runs.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use testkit::{
    gateway::Gateway,
    http::{Answer, Request},
};

use crate::{
    people::said,
    products::{create, standing},
    running::gateway,
    staff::{problem, token},
};

/// A product with one paid license, by an attribute of its own.
pub(crate) const ATLAS: &str = r#"format = 1
name = "atlas"
title = "Atlas"
default_role = "viewer"

[[licenses]]
key = "editor"
title = "Editor"
quota = 2

[[licenses]]
key = "viewer"
title = "Viewer"
quota = "unlimited"

[[roles]]
key = "editor"
license = "editor"

[[roles]]
key = "viewer"
license = "viewer"

[[attributes]]
name = "tier"
in = "core"
type = "string"
description = "What the person may do."

[[sources]]
attribute = "tier"
values = { pen = "editor" }
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let file: PathBuf = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

pub(crate) fn add(gateway: &Gateway, file: &str) -> Value {
    serde_json::from_str(&gateway.cli_ok(&["profile", "add", "--file", file, "--json"])).unwrap()
}

/// The row of a profile in the list.
fn listed(gateway: &Gateway, name: &str) -> Option<Value> {
    let list: Value = serde_json::from_str(&gateway.cli_ok(&["profile", "list", "--json"])).unwrap();
    list.as_array().unwrap().iter().find(|profile| profile["name"] == name).cloned()
}

fn put(gateway: &Gateway, name: &str, media: &str, text: &str) -> Answer {
    let url = format!("{}/admin/v1/profiles/{name}", gateway.url);
    let request = Request::new("PUT", &url).bearer(&token(gateway)).header("Content-Type", media);
    request.bytes(text.as_bytes()).send()
}

#[test]
fn a_sixth_product_is_one_file_that_is_added_while_the_gateway_runs() {
    let (gateway, folder) = (gateway(), Folder::new());
    let file = folder.file("atlas.toml", ATLAS);
    gateway.cli_ok(&["profile", "check", "--file", &file]);
    assert_eq!(listed(&gateway, "atlas"), None, "a check stores nothing");
    assert_eq!(add(&gateway, &file)["version"], 1);
    let info = json!({ "name": "atlas", "version": 1, "built_in": false, "tenants": 0 });
    assert_eq!(listed(&gateway, "atlas"), Some(info));
    let shipped = json!({ "name": "iomete", "version": 1, "built_in": true, "tenants": 0 });
    assert_eq!(listed(&gateway, "iomete"), Some(shipped));
    assert_eq!(gateway.cli_ok(&["profile", "show", "atlas"]).trim(), ATLAS.trim());

    let acme = gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme", "profile": "atlas" }));
    let ada = create(&acme, "ada", &json!({ "tier": "pen" })).expect(201);
    assert_eq!(standing(&ada), ["editor", "editor", "granted"]);
    assert_eq!(standing(&create(&acme, "bob", &json!({})).expect(201)), ["viewer", "viewer", "granted"]);

    // The same text again is no new version; another text holds for the next write.
    assert_eq!(add(&gateway, &file)["version"], 1);
    let second = ATLAS.replace("{ pen = ", "{ brush = \"editor\", pen = ");
    assert_eq!(add(&gateway, &folder.file("atlas.toml", &second))["version"], 2);
    let cid = create(&acme, "cid", &json!({ "tier": "brush" })).expect(201);
    assert_eq!(standing(&cid), ["editor", "editor", "granted"]);
    let changes = said(&gateway, &acme, &["tenant", "changes"]);
    let by = |user: &str| {
        let of_user = |change: &&Value| change["resource_id"] == user;
        changes.as_array().unwrap().iter().find(of_user).unwrap()["profile"].clone()
    };
    assert_eq!([by(&cid.id()), by(&ada.id())], ["atlas@2", "atlas@1"]);

    let refused = gateway.cli(&["profile", "remove", "atlas"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("1 tenants have the profile atlas"));
    gateway.cli_ok(&["tenant", "delete", "--region", "ire", "--key", "acme", "--yes"]);
    gateway.cli_ok(&["profile", "remove", "atlas"]);
    assert_eq!(listed(&gateway, "atlas"), None);
    problem(&gateway.admin("GET", "/profiles/atlas", None), 404);
    // A number of a version never means two texts.
    assert_eq!(add(&gateway, &file)["version"], 4);
}

#[test]
fn every_fault_of_a_file_is_a_line_with_its_place_and_nothing_is_stored() {
    let (gateway, folder) = (gateway(), Folder::new());
    let wrong =
        ATLAS.replace("quota = 2", "quota = -2").replace("license = \"viewer\"", "license = \"none\"");
    let file = folder.file("atlas.toml", &wrong);
    for verb in ["check", "add"] {
        let output = gateway.cli(&["profile", verb, "--file", &file]);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 2, "{told}");
        assert!(lines[0].starts_with(&format!("{file}:9 licenses[0].quota: ")), "{told}");
        assert!(lines[1].starts_with(&format!("{file}:22 roles[1].license: ")), "{told}");
    }
    assert_eq!(listed(&gateway, "atlas"), None);
    let answer = put(&gateway, "atlas", "application/toml", &wrong);
    problem(&answer, 400);
    let errors = answer.body["errors"].as_array().unwrap();
    assert_eq!(
        (errors.len(), &errors[0]["line"], &errors[0]["key"]),
        (2, &json!(9), &json!("licenses[0].quota"))
    );
    assert!(errors[0]["reason"].is_string(), "{}", answer.text);
}

#[test]
fn a_file_of_another_name_type_or_length_is_refused() {
    let gateway = gateway();
    let answer = put(&gateway, "other", "application/toml", ATLAS);
    problem(&answer, 400);
    assert_eq!(answer.body["errors"][0]["key"], "name");
    problem(&put(&gateway, "atlas", "application/json", ATLAS), 415);
    problem(&put(&gateway, "atlas", "application/toml", &format!("{ATLAS}#{}", "x".repeat(65_536))), 413);
    let shipped = put(&gateway, "iomete", "application/toml", &ATLAS.replace("\"atlas\"", "\"iomete\""));
    problem(&shipped, 409);
    assert!(shipped.body["detail"].as_str().unwrap().contains("ships with Usher"), "{}", shipped.text);
    problem(&gateway.admin("DELETE", "/profiles/iomete", None), 409);
    problem(&gateway.admin("DELETE", "/profiles/atlas", None), 404);
    problem(
        &gateway.admin("POST", "/regions/ire/tenants", Some(&json!({ "name": "A", "profile": "atlas" }))),
        400,
    );
}

#[test]
fn a_new_version_keeps_the_licenses_and_attributes_that_tenants_have() {
    let (gateway, folder) = (gateway(), Folder::new());
    add(&gateway, &folder.file("atlas.toml", ATLAS));
    gateway.onboard("ire", &json!({ "key": "acme", "name": "Acme", "profile": "atlas" }));
    let renamed = ATLAS.replace("editor", "author");
    let without = ATLAS
        .replace("name = \"tier\"", "name = \"level\"")
        .replace("attribute = \"tier\"", "attribute = \"level\"");
    for (text, lacking) in [(renamed, "the license editor"), (without, "the attribute tier")] {
        let answer = put(&gateway, "atlas", "application/toml", &text);
        problem(&answer, 409);
        assert!(answer.body["detail"].as_str().unwrap().contains(lacking), "{}", answer.text);
    }
    assert_eq!(listed(&gateway, "atlas").unwrap()["version"], 1);
}

#[test]
fn a_profile_is_in_all_regions_of_the_process_and_a_bound_token_does_not_reach_it() {
    let (gateway, folder) = (gateway(), Folder::new());
    add(&gateway, &folder.file("atlas.toml", ATLAS));
    let tenant = gateway.onboard("us", &json!({ "key": "acme", "name": "Acme", "profile": "atlas" }));
    create(&tenant, "ada", &json!({ "tier": "pen" })).expect(201);
    let words = ["admin-token", "add", "--json", "--name", "lena", "--region", "us"];
    let lena: Value = serde_json::from_str(&gateway.cli_ok(&words)).unwrap();
    let url = format!("{}/admin/v1/profiles", gateway.url);
    problem(&Request::new("GET", &url).bearer(lena["token"].as_str().unwrap()).send(), 403);
    let acts: Value = serde_json::from_str(&gateway.cli_ok(&["acts", "--json"])).unwrap();
    let puts: Vec<&Value> =
        acts.as_array().unwrap().iter().filter(|act| act["act"] == "profile.put").collect();
    assert!(!puts.is_empty() && puts.iter().all(|act| act["actor"] == "root"), "{acts}");
    assert_eq!(puts[0]["detail"], json!({ "profile": "atlas", "version": 1 }));
}
