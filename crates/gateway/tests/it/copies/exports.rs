//! `usher tenant export` and `import`: one file that is the tenant.

use std::fs;

use serde_json::Value;
use testkit::{
    gateway::{Gateway, Tenant},
    http::Request,
};

use super::{at, export, files_below, furnished, rows, rows_of, stderr};
use crate::running::gateway;

#[test]
fn an_export_has_everything_but_secrets_and_imports_as_the_same_tenant_into_another_region() {
    let gateway = gateway();
    let acme = furnished(&gateway, "ire", "acme");
    let file = gateway.data_dir().with_file_name("acme.jsonl");
    let exported = export(&gateway, &acme, &file);
    for line in exported.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
    let secret = &acme.token[acme.token.len() - 32..];
    assert!(!exported.contains(secret), "the secret of a token is in the export");
    for kind in ["{\"tenant\":", "{\"credential\":", "{\"staff_act\":", "{\"table\":\"seat_ledger\""] {
        assert!(exported.lines().any(|line| line.starts_with(kind)), "{kind}");
    }

    let words = [
        "tenant",
        "import",
        "--region",
        "us",
        "--key",
        "acme-us",
        "--from",
        file.to_str().unwrap(),
        "--json",
    ];
    let made: Value = serde_json::from_str(&gateway.cli_ok(&words)).unwrap();
    assert_eq!((made["key"].as_str(), made["state"].as_str()), (Some("acme-us"), Some("active")));
    let moved = Tenant { region: "us".into(), key: "acme-us".into(), ..acme.clone() };
    assert_eq!(rows_of(&gateway, &moved), rows(&exported));
    gateway.audit(&moved);
    assert_eq!(gateway.seats(&moved), gateway.seats(&acme));
    // A token works in the region of its prefix.
    acme.get("/Users").expect(200);
    at(&gateway, &moved).get("/Users").expect_error(401, "");
    let issued = gateway.admin("POST", &format!("{}/tokens", moved.admin_path()), None).expect(201);
    let token = issued.body["token"].as_str().unwrap().to_owned();
    let moved = Tenant { token, ..at(&gateway, &moved) };
    assert_eq!(moved.get("/Users").expect(200).body["totalResults"], 4);
    moved.create_user("after the import", "").expect(201);
    gateway.audit(&moved);
}

#[test]
fn a_deleted_tenant_is_imported_with_its_tokens_except_those_that_were_revoked_since() {
    let gateway = gateway();
    let acme = furnished(&gateway, "ire", "acme");
    let issued = gateway.admin("POST", &format!("{}/tokens", acme.admin_path()), None).expect(201);
    let stolen = Tenant { token: issued.body["token"].as_str().unwrap().to_owned(), ..acme.clone() };
    let file = gateway.data_dir().with_file_name("acme.jsonl");
    let exported = export(&gateway, &acme, &file);
    stolen.get("/Users").expect(200);
    let key_id = issued.body["key_id"].as_str().unwrap();
    gateway.admin("DELETE", &format!("{}/tokens/{key_id}", acme.admin_path()), None);
    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    acme.get("/Users").expect_error(401, "");

    gateway.cli_ok(&["tenant", "import", "--region", "ire", "--from", file.to_str().unwrap()]);
    acme.get("/Users").expect(200);
    stolen.get("/Users").expect_error(401, "");
    assert_eq!(rows_of(&gateway, &acme), rows(&exported));
    gateway.audit(&acme);
}

fn state(gateway: &Gateway) -> (String, Vec<std::path::PathBuf>) {
    let us = gateway.data_dir().join("us");
    let stores = if us.exists() { files_below(&us) } else { Vec::new() };
    let is_store = |file: &std::path::PathBuf| file.extension().is_some_and(|e| e == "db");
    (gateway.cli_ok(&["tenant", "list", "--json"]), stores.into_iter().filter(is_store).collect())
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_a_sentence_and_nothing_is_left() {
    let gateway = gateway();
    let acme = furnished(&gateway, "ire", "acme");
    let (whole, bad) =
        (gateway.data_dir().with_file_name("a.jsonl"), gateway.data_dir().with_file_name("b.jsonl"));
    let exported = export(&gateway, &acme, &whole);
    let before = state(&gateway);
    let cut = &exported[..exported.len() - 90];
    let damaged = exported.replacen("007", "008", 1);
    let newer_store = exported.replacen("0001_directory", "9001_directory", 1);
    let newer_form = exported.replacen("\"usher_export\":1", "\"usher_export\":7", 1);
    for (text, told) in [
        (cut, "incomplete"),
        (damaged.as_str(), "checksum"),
        (newer_store.as_str(), "checksum"),
        (newer_form.as_str(), "newer version"),
        ("SQLite format 3\0", "no export of a tenant"),
        ("", "no export of a tenant"),
    ] {
        fs::write(&bad, text).unwrap();
        let words = ["tenant", "import", "--region", "us", "--from", bad.to_str().unwrap()];
        let sentence = stderr(&gateway, &words);
        assert!(sentence.contains(told), "{told}: {sentence}");
        assert_eq!(state(&gateway), before);
    }
    let missing = stderr(&gateway, &["tenant", "import", "--region", "us", "--from", "/no/such/file"]);
    assert!(missing.contains("/no/such/file"), "{missing}");
}

#[test]
fn an_import_takes_no_key_that_is_taken_and_no_tenant_that_is_there() {
    let gateway = gateway();
    let acme = furnished(&gateway, "ire", "acme");
    let file = gateway.data_dir().with_file_name("acme.jsonl");
    export(&gateway, &acme, &file);
    let import = |key: &str| {
        stderr(
            &gateway,
            &["tenant", "import", "--region", "ire", "--key", key, "--from", file.to_str().unwrap()],
        )
    };
    assert!(import("acme").contains("the company key acme is taken"));
    assert!(import("other").contains("already, under the company key acme"));
    acme.get("/Users").expect(200);
    // The file of an export is not overwritten.
    let again = ["tenant", "export", "--region", "ire", "--key", "acme", "--to", file.to_str().unwrap()];
    assert!(stderr(&gateway, &again).contains("is there already"));
}

#[test]
fn only_the_admin_token_exports_imports_and_restores() {
    let gateway = gateway();
    let acme = gateway.tenant("ire", "acme", None, None);
    let tenant = format!("{}/admin/v1/regions/ire/tenants/acme", gateway.url);
    for (method, url) in [
        ("GET", format!("{tenant}/export")),
        ("POST", format!("{tenant}/restore")),
        ("POST", format!("{}/admin/v1/regions/ire/import?key=x", gateway.url)),
    ] {
        for token in [acme.token.as_str(), "", "wrong"] {
            let sent = Request::new(method, &url)
                .bearer(token)
                .header("content-type", "application/x-ndjson")
                .bytes(b"x");
            sent.send().expect(401);
        }
    }
    // Another media type is not read.
    gateway.admin("POST", "/regions/ire/import", Some(&serde_json::json!({}))).expect(415);
}
