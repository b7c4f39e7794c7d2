//! No secret and no person in files at rest, logs, metrics and errors (rows 22 to 25, 66).

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use super::{assert_no_leak, files_with, gateway, gateway_with, group, operation, roomy, user};
use crate::running::wait_for;

const PASSWORD: &str = "pAss-canary-41x";

/// Requests of every kind, right and wrong, each with the password in it somewhere.
fn busy_day(gateway: &Gateway, tenant: &Tenant) -> Vec<Answer> {
    let with_password = user("ada", &json!({ "password": PASSWORD, "title": "Dr" }));
    let made = tenant.post("/Users", &with_password).expect(201);
    let path = format!("/Users/{}", made.id());
    let post = |body: &[u8]| {
        tenant.request("POST", "/Users").header("content-type", "application/scim+json").bytes(body).send()
    };
    let whole = with_password.to_string();
    let url = format!("{}/Users", tenant.base_url);
    let own_token = format!("Bearer {}", tenant.token);
    vec![
        made,
        tenant.post("/Users", &with_password).expect(409),
        tenant.put(&path, &with_password).expect(200),
        tenant.patch(&path, &operation("replace", "password", PASSWORD.into())),
        tenant
            .patch(&path, &json!([{ "op": "replace", "value": { "password": PASSWORD, "title": "Prof" } }])),
        tenant.patch(&path, &json!([{ "op": PASSWORD, "path": "title", "value": PASSWORD }])),
        tenant.patch(&path, &operation("replace", "active", PASSWORD.into())),
        tenant.post("/Users", &user("bob", &json!({ "password": { "secret": PASSWORD } }))),
        tenant.post("/Users", &user("bob", &json!({ "password": PASSWORD, "active": "maybe" }))),
        tenant.post("/Users", &user("bob", &json!({ "password": PASSWORD, "emails": PASSWORD }))),
        post(&whole.as_bytes()[..whole.len() - 1]),
        post(
            format!("{{\"userName\":\"x\",\"password\":\"{PASSWORD}\",\"password\":\"{PASSWORD}\"}}")
                .as_bytes(),
        ),
        post(format!("{{\"password\":\"{PASSWORD}\u{1}\"}}").as_bytes()),
        tenant.find("/Users", &format!("password eq \"{PASSWORD}\"")),
        tenant.find("/Users", "password sw \"p\""),
        tenant.get("/Users?attributes=password"),
        tenant.get(&format!("/Users?sortBy=password&x={PASSWORD}")),
        tenant.get(&path),
        tenant.post("/Groups", &group("club", &[])),
        tenant.post(
            "/Groups",
            &json!({ "schemas": [super::GROUP], "displayName": PASSWORD.len(), "password": PASSWORD }),
        ),
        tenant.get(&format!("/Users/{PASSWORD}")),
        tenant.get(&format!("/{PASSWORD}")),
        tenant.post("/Bulk", &with_password),
        Request::new("GET", &url).bearer(&format!("{}x", tenant.token)).send(),
        Request::new("GET", &url)
            .header("authorization", &own_token)
            .header("authorization", &own_token)
            .send(),
        Request::new("GET", &url.replace("/ire/", "/us/")).bearer(&tenant.token).send(),
        Request::new("GET", &format!("{}/admin/v1/regions", gateway.url)).bearer(&tenant.token).send(),
        Request::new("GET", &format!("{url}?access_token={}", tenant.token)).send(),
        gateway.admin(
            "PATCH",
            &tenant.admin_path(),
            Some(&json!({ "settings": { "contact": "help@example.com" } })),
        ),
        gateway.admin("PATCH", &tenant.admin_path(), Some(&json!({ "password": PASSWORD }))),
        gateway.admin("GET", &format!("{}/tokens", tenant.admin_path()), None),
        gateway.admin("GET", &format!("{}/changes?limit=1000", tenant.admin_path()), None),
        gateway.admin("GET", &format!("{}/seats/audit", tenant.admin_path()), None),
    ]
}

#[test]
fn attack_22_23_and_66_no_secret_rests_is_logged_counted_or_told() {
    let mut gateway = gateway_with(&[("USHER__LOG__LEVEL", "trace"), ("USHER__LOG__FORMAT", "json")]);
    let acme = roomy(&gateway, "ire", "acme");
    let admin_token = std::fs::read_to_string(gateway.data_dir().join("admin-token")).unwrap();
    let secrets = [acme.token.as_str(), &acme.token["ush_ire_".len() + 12..], admin_token.trim(), PASSWORD];
    for answer in busy_day(&gateway, &acme) {
        assert_no_leak(&answer, &secrets);
    }
    let metrics = gateway.metrics();
    assert_eq!(gateway.stop(), Some(0));
    let log = gateway.log();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG"),
        "the log is not at its deepest level: {log:.300}"
    );
    assert!(log.contains("a request was refused"));
    for secret in secrets {
        assert!(!metrics.contains(secret), "{secret} is in the metrics");
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
        let mut files = files_with(&gateway.data_dir(), secret);
        files.retain(|file| !(file.ends_with("admin-token") && secret == admin_token.trim()));
        assert!(files.is_empty(), "{secret} rests in {files:?}");
    }
}

#[test]
fn attack_22_only_this_user_can_read_what_rests() {
    use std::os::unix::fs::PermissionsExt as _;
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    acme.create_user("ada", "").expect(201);
    let data = gateway.data_dir();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("admin-token")), 0o600);
    assert_eq!(mode(&data), 0o700);
    for file in super::files(&data).iter().filter(|f| f.extension().is_some_and(|e| e != "tmp")) {
        assert_eq!(mode(file) & 0o077, 0, "{} is open to others: {:o}", file.display(), mode(file));
    }
}

#[test]
fn attack_23_the_log_names_no_person() {
    let mut gateway = gateway_with(&[("USHER__LOG__LEVEL", "trace"), ("USHER__LOG__FORMAT", "json")]);
    let acme = gateway.tenant("ire", "acme", Some(1), Some(0));
    let person = "canary.person@example.com";
    let body = user(
        person,
        &json!({ "displayName": "Canary Person", "userType": "user", "emails": [{ "value": person }] }),
    );
    let id = acme.post("/Users", &body).expect(201).id();
    acme.post("/Users", &body).expect(409);
    acme.post("/Users", &user("second@canary.example", &json!({ "userType": "user" }))).expect(403);
    acme.find("/Users", &format!("userName eq \"{person}\"")).expect(200);
    acme.find("/Users", &format!("userName eq '{person}'")).expect(400);
    acme.find("/Users", &format!("nothing eq \"{person}\"")).expect(400);
    acme.patch(&format!("/Users/{id}"), &operation("replace", person, "x".into())).expect(400);
    acme.patch(&format!("/Users/{id}"), &operation("replace", "emails", person.into()));
    acme.patch(
        &format!("/Users/{id}"),
        &operation("replace", &format!("emails[value eq \"{person}\"].value"), "x".into()),
    );
    acme.post("/Groups", &group("g", &[person])).expect(400);
    acme.get(&format!("/Users/{person}")).expect(404);
    gateway.stop();
    let log = gateway.log();
    for told in [person, "Canary Person", "second@canary.example"] {
        let line = log.lines().find(|line| line.contains(told));
        assert_eq!(line, None, "{told} is in the log");
    }
}

#[test]
fn attack_24_nobody_writes_lines_into_the_log() {
    let mut gateway = gateway_with(&[("USHER__LOG__LEVEL", "trace"), ("USHER__LOG__FORMAT", "json")]);
    let acme = roomy(&gateway, "ire", "acme");
    let forged = "x\r\n{\"level\":\"ERROR\",\"message\":\"forged\"}\u{1b}[31m";
    acme.post("/Users", &user(forged, &json!({}))).expect_error(400, "invalidSyntax");
    acme.find("/Users", &format!("userName eq \"{forged}")).expect_error(400, "invalidFilter");
    acme.get(&format!("/Users/{}", testkit::http::encode(forged))).expect_error(404, "");
    acme.get(&format!("/{}", testkit::http::encode(forged))).expect_error(404, "");
    let long = "y".repeat(1 << 20);
    acme.post("/Users", &user(&long, &json!({})));
    acme.post("/Users", &user("ada", &json!({ long.as_str(): 1 })));
    acme.patch(super::NOBODY, &operation("add", &long, json!(1)));
    gateway.stop();
    let log = gateway.log();
    for line in log.lines() {
        let parsed: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:.300}"));
        assert!(line.len() < 8_000, "a line of {} bytes: {line:.300}", line.len());
        assert_ne!(parsed["message"], "forged");
        assert!(!line.contains('\u{1b}'));
    }
    assert!(log.lines().count() > 5);
}

#[test]
fn attack_24_the_text_log_keeps_to_its_lines_too() {
    let mut gateway = gateway_with(&[("USHER__LOG__LEVEL", "debug"), ("USHER__LOG__FORMAT", "text")]);
    let acme = roomy(&gateway, "ire", "acme");
    let forged = "x\r\nFORGED line \u{1b}[31m";
    acme.find("/Users", &format!("userName eq \"{forged}")).expect(400);
    acme.patch(super::NOBODY, &json!([{ "op": forged, "path": forged }])).expect(400);
    let strange =
        json!({ "schemas": [super::USER, "urn:x:\u{2028}FORGED"], "userName": "ada", "at\u{85}FORGED": 1 });
    acme.post("/Users", &strange);
    gateway.stop();
    let log = gateway.log();
    assert!(!log.contains('\u{1b}') && !log.lines().any(|line| line.starts_with("FORGED")), "{log}");
}

#[test]
fn attack_25_labels_stay_few_whatever_is_asked() {
    let gateway = gateway_with(&[("USHER__LIMITS__WRONG_SECRETS", "100000")]);
    let acme = roomy(&gateway, "ire", "acme");
    let ask = |n: u32| {
        acme.get(&format!("/canary{n}"));
        acme.get(&format!("/Users/canary{n}"));
        acme.get(&format!("/Schemas/urn:canary{n}"));
        Request::new("GET", &format!("{}/ire/canary{n}/scim/v2/Users", gateway.url)).send();
        Request::new("GET", &format!("{}/canary{n}", gateway.url)).send();
        Request::new(&format!("CANARY{n}"), &format!("{}/Users", acme.base_url)).bearer(&acme.token).send();
        acme.post(
            "/Users",
            &user(
                &format!("canary{n}"),
                &json!({ format!("canary{n}"): n, "userType": format!("canary{n}") }),
            ),
        );
    };
    let series = || {
        let text = gateway.metrics();
        assert!(!text.to_ascii_lowercase().contains("canary") && !text.contains("acme"), "{text}");
        text.lines().filter(|line| !line.starts_with('#')).count()
    };
    (0..20).for_each(ask);
    // A moment after the start the regions are looked at, and their stores counted.
    wait_for("the regions are looked at", || gateway.metrics().contains("usher_store_migrations_behind"));
    // The sums of seats are there from the first look at the tenant on.
    gateway.cli(&["health", "--region", "ire", "--key", "acme"]);
    let few = series();
    (20..120).for_each(ask);
    assert_eq!(series(), few);
}

#[test]
fn attack_66_a_panic_or_a_refusal_below_http_tells_nothing() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let odd = [
        acme.request("POST", "/Users")
            .header("content-type", "application/scim+json")
            .bytes(b"\xff\xfe{")
            .send(),
        acme.get("/Users?count=%00"),
        acme.get("/Users?filter=%ff"),
        gateway.admin("GET", &format!("{}/changes?limit=x", acme.admin_path()), None),
        gateway.admin("POST", "/regions/ire/tenants", Some(&json!({ "name": 1 }))),
        gateway.admin(
            "POST",
            "/regions/ire/tenants",
            Some(&json!({ "name": "x", "profile": "../../etc/passwd" })),
        ),
        gateway.admin("GET", "/regions/..%2f..%2fetc/tenants", None),
        gateway.admin("GET", "/regions/ire/tenants/%00", None),
        gateway.admin("GET", "/regions/ire/tenants/%ff", None),
    ];
    for answer in odd {
        assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text);
        assert!(answer.body["detail"].is_string(), "no sentence in {} {}", answer.status, answer.text);
        assert_no_leak(&answer, &[&acme.token]);
    }
    let malformed = gateway.talk(b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n");
    assert_eq!(malformed.statuses(), [400]);
    assert!(!malformed.text.contains(".rs"), "{}", malformed.text);
}
