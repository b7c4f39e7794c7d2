//! Filters and PATCH paths as weapons: oracles, injection, wildcards, depth, width (rows 30 to 36).

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{gateway::Tenant, http::encode};

use super::{SEARCH_REQUEST, assert_no_leak, gateway, operation, roomy, user};

/// What the list of attacks grants a hostile filter; far above what it takes.
const BOUND: Duration = Duration::from_secs(4);

fn names(tenant: &Tenant, filter: &str) -> Vec<String> {
    let found = tenant.find("/Users", filter).expect(200).body;
    let mut names: Vec<String> = found["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["userName"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn attack_30_a_password_can_be_neither_asked_nor_guessed() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let id = acme.post("/Users", &user("ada", &json!({ "password": "apple" }))).expect(201).id();
    for filter in [
        "password sw \"a\"",
        "password eq \"apple\"",
        "password pr",
        "not (password pr)",
        "PASSWORD co \"p\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:password pr",
        "userName eq \"ada\" and password pr",
        "emails[password pr]",
    ] {
        acme.find("/Users", filter).expect_error(400, "invalidFilter");
    }
    for path in [
        format!("/Users/{id}"),
        format!("/Users/{id}?attributes=password"),
        format!("/Users/{id}?attributes=userName,password"),
    ] {
        let read = acme.get(&path).expect(200);
        assert!(read.body.get("password").is_none() && !read.text.contains("apple"), "{}", read.text);
    }
    acme.get("/Users?sortBy=password").expect_error(400, "invalidPath");
    for path in ["/.search", "/Users/.search"] {
        let search = |name: &str, value: Value| json!({ "schemas": [SEARCH_REQUEST], name: value });
        acme.post(path, &search("filter", "password pr".into())).expect_error(400, "invalidFilter");
        acme.post(path, &search("sortBy", "password".into())).expect_error(400, "invalidPath");
        let named = acme.post(path, &search("attributes", json!(["password"]))).expect(200);
        assert!(!named.text.contains("password") && !named.text.contains("apple"), "{}", named.text);
    }
    let patched = acme.patch(
        &format!("/Users/{id}?attributes=password"),
        &operation("replace", "password", "other".into()),
    );
    assert!(!patched.text.contains("other"), "{}", patched.text);
}

#[test]
fn attack_31_text_is_text_and_never_sql() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let strange = [
        "x' OR '1'='1",
        "x\" OR \"1\"=\"1",
        "x'; DROP TABLE users; --",
        "x' UNION select document from users --",
        "$$x$$",
        "back\\slash",
        "\\'",
        "%' OR 1=1 --",
        "/* x */",
        "?1",
        ":id",
        "{}",
        "x\\",
        "'; ATTACH DATABASE '/x' AS y; --",
    ];
    for name in strange {
        acme.create_user(name, "").expect(201);
    }
    acme.create_user("innocent", "").expect(201);
    for name in strange {
        let literal = Value::from(name).to_string();
        for attribute in ["userName", "emails.value", "externalId", "displayName", "title", "groups.value"] {
            let found = names(&acme, &format!("{attribute} eq {literal}"));
            let expected: &[&str] = if attribute == "userName" { &[name] } else { &[] };
            assert_eq!(found, expected, "{attribute} eq {literal}");
        }
        acme.find("/Groups", &format!("displayName eq {literal} or members.value eq {literal}")).expect(200);
        let (id, encoded) = (encode(name), encode(name));
        assert_no_leak(&acme.get(&format!("/Users/{id}")).expect(404), &[]);
        for query in [
            "attributes",
            "excludedAttributes",
            "sortBy",
            "sortOrder",
            "startIndex",
            "count",
            "filter",
            "cursor",
            "sortBy=userName&cursor",
        ] {
            let answer = acme.get(&format!("/Users?{query}={encoded}"));
            assert!(matches!(answer.status, 200 | 400), "{query}={name}: {} {}", answer.status, answer.text);
            assert_no_leak(&answer, &[]);
        }
        let in_name = acme.find("/Users", &format!("{name} eq \"x\"")).expect_error(400, "invalidFilter");
        assert_no_leak(&in_name, &[]);
    }
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], strange.len() + 1);
}

#[test]
fn attack_32_wildcards_of_like_are_letters() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for name in ["plain", "100%-x_y", "a_b", "axb", "back\\slash", "%", "under_"] {
        acme.post(
            "/Users",
            &user(name, &json!({ "title": name, "emails": [{ "value": name, "type": "work" }] })),
        )
        .expect(201);
    }
    for attribute in ["userName", "title", "emails.value"] {
        assert_eq!(names(&acme, &format!("{attribute} co \"%\"")), ["%", "100%-x_y"], "{attribute}");
        assert_eq!(names(&acme, &format!("{attribute} sw \"_\"")), [""; 0], "{attribute}");
        assert_eq!(
            names(&acme, &format!("{attribute} co \"_\"")),
            ["100%-x_y", "a_b", "under_"],
            "{attribute}"
        );
        assert_eq!(names(&acme, &format!("{attribute} sw \"a_\"")), ["a_b"], "{attribute}");
        assert_eq!(names(&acme, &format!("{attribute} ew \"%\"")), ["%"], "{attribute}");
        assert_eq!(names(&acme, &format!("{attribute} co \"\\\\\"")), ["back\\slash"], "{attribute}");
        assert_eq!(names(&acme, &format!("{attribute} eq \"100%-x_y\"")), ["100%-x_y"], "{attribute}");
    }
}

#[test]
fn attack_33_a_filter_is_understood_as_a_whole_or_refused() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    acme.create_user("ada", "").expect(201);
    let broken = [
        "",
        " ",
        "userName",
        "userName eq",
        "eq \"ada\"",
        "userName eq ada",
        "userName eq 'ada'",
        "userName eq \"ada",
        "userName = \"ada\"",
        "userName eq \"ada\" and",
        "and userName eq \"ada\"",
        "userName eq \"ada\" or or active eq true",
        "(userName eq \"ada\"",
        "userName eq \"ada\")",
        "userName eq \"ada\" xor active eq true",
        "not userName eq \"ada\"",
        "userName eqq \"ada\"",
        "userName pr \"x\"",
        "emails[type eq \"work\"",
        "emails[]",
        "emails[type eq \"work\"]]",
        "nothing eq \"x\"",
        "userName.x eq \"ada\"",
        "name eq",
        "userName eq \"ada\" trailing",
        "active gt true",
        "userName eq \"\\x\"",
        "userName eq \"\\ud800\"",
        "userName eq 1e",
        "()",
        "\0",
        "userName eq \"ada\"; active eq true",
        "userName\teq\n",
        "meta.created gt \"yesterday\"",
    ];
    for filter in broken {
        acme.find("/Users", filter).expect_error(400, "invalidFilter");
    }
    for filter in ["displayName", "members[", "userName eq \"x\""] {
        acme.find("/Groups", filter).expect_error(400, "invalidFilter");
    }
    assert_eq!(names(&acme, "(userName eq \"ada\" or active eq false) and not (title pr)"), ["ada"]);
}

#[test]
fn attack_34_35_and_36_deep_and_wide_filters_and_paths_end_neither_in_time_nor_in_the_stack() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let path = format!("/Users/{}", acme.create_user("ada", "").expect(201).id());
    let pid = gateway.pid();
    let filters = [
        "(".repeat(2_000),
        format!("{}bad", "not (".repeat(1_200)),
        format!("{}userName pr{}", "(".repeat(2_000), ")".repeat(2_000)),
        "emails[".repeat(1_500),
        format!("{}type eq \"x\"{}", "emails[".repeat(1_500), "]".repeat(1_500)),
        vec!["userName eq \"x\""; 600].join(" or "),
        vec!["userName co \"x\""; 600].join(" and "),
        format!("userName eq \"{}\"", "x".repeat(15_000)),
        "a.".repeat(6_000),
        "urn:".repeat(4_000),
    ];
    for filter in &filters {
        let began = Instant::now();
        let answer = acme.find("/Users", filter);
        assert!(
            answer.status == 200 && answer.body["totalResults"] == 0 || answer.status == 400,
            "{filter:.60}: {}",
            answer.text
        );
        assert!(began.elapsed() < BOUND, "{filter:.60} took {:?}", began.elapsed());
    }
    let paths = [
        ".".repeat(20_000),
        "emails[".repeat(20_000),
        format!("emails[{}type eq \"x\"", "(".repeat(20_000)),
        format!("emails[{}].value", vec!["type eq \"x\""; 5_000].join(" or ")),
        "a.".repeat(20_000),
        "urn:ietf:params:scim:schemas:core:2.0:User:".repeat(1_000),
    ];
    for hostile in &paths {
        let began = Instant::now();
        let answer = acme.patch(&path, &operation("replace", hostile, json!("x"))).expect(400);
        assert!(began.elapsed() < BOUND, "{hostile:.60} took {:?}", began.elapsed());
        assert_no_leak(&answer, &[]);
    }
    let search = json!({ "schemas": [SEARCH_REQUEST], "filter": "(".repeat(100_000) });
    for path in ["/.search", "/Users/.search"] {
        let began = Instant::now();
        acme.post(path, &search).expect_error(400, "invalidFilter");
        assert!(began.elapsed() < BOUND, "{path} took {:?}", began.elapsed());
    }
    assert!(gateway.is_alive() && gateway.pid() == pid);
    acme.get(&path).expect(200);
}
