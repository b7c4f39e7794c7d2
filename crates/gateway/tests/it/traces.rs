//! Traces, as a collector gets them (`cargo nextest run -p gateway --features otel traces`).

use std::{
    collections::BTreeSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{
    collector::{Collector, Span},
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
    ports,
    redis::Redis,
    signing::SigningKey,
    urn::USER,
};

use crate::{
    credentials::{added, exchanged},
    issuers::{
        probe,
        server::{Behaviour, Issuer},
        token, trust,
    },
    running::{gateway_with, wait_for},
    telemetry::{deepest, with_message},
};

/// The trace and the span of the W3C's own example.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

const BEHIND_PROXY: (&str, &str) = ("USHER__SERVER__TRUSTED_PROXIES", "127.0.0.0/8");

/// A gateway that sends its spans at once, and logs in JSON, down to `debug`.
fn tracing(collector: &Collector, more: &[(&str, &str)]) -> Gateway {
    let usual = [
        ("USHER__TRACES__ENDPOINT", collector.url.as_str()),
        ("USHER__LOG__FORMAT", "json"),
        ("USHER__LOG__LEVEL", "debug"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    gateway_with(&[&usual, more].concat())
}

fn acme(gateway: &Gateway) -> Tenant {
    gateway.tenant("ire", "acme", Some(1), Some(0))
}

fn create(acme: &Tenant, name: &str, traceparent: &str) -> Answer {
    let body = json!({ "schemas": [USER], "userName": name, "userType": "user" });
    acme.request("POST", "/Users").header("traceparent", traceparent).json(&body).send()
}

/// The span of the request that was answered so, once it has come.
fn span_of(collector: &Collector, answer: &Answer) -> Span {
    let id = answer.header("x-request-id").unwrap();
    let find = || collector.requests().into_iter().find(|span| span.attributes["request_id"] == id);
    wait_for("the span of the request", || find().is_some());
    find().unwrap()
}

/// The step of this name below a span, once it has come.
fn step(collector: &Collector, of: &Span, name: &str) -> Span {
    let find = || collector.spans().into_iter().find(|span| span.parent == of.id && span.name == name);
    wait_for(name, || find().is_some());
    find().unwrap()
}

#[test]
fn a_request_is_a_span_of_its_proxys_trace_with_the_fields_of_its_log_line() {
    let collector = Collector::start();
    let gateway = tracing(&collector, &[BEHIND_PROXY]);
    let acme = acme(&gateway);
    for (answer, name, message) in [
        (create(&acme, "ada", SAMPLED).expect(201), "POST /Users", "a request was answered"),
        (create(&acme, "ben", SAMPLED).expect(403), "POST /Users", "a request was refused"),
    ] {
        let span = span_of(&collector, &answer);
        assert_eq!((span.trace.as_str(), span.parent.as_str(), span.name.as_str()), (TRACE, PARENT, name));
        assert!(!span.is_error && span.took_ms > 0.0, "{span:?}");
        assert_eq!(span.resource["service.name"], "usher");
        assert!(span.resource["service.version"].is_string(), "{:?}", span.resource);
        let lines = with_message(&gateway, message);
        let line = lines.iter().find(|line| line["request_id"] == span.attributes["request_id"]).unwrap();
        assert_eq!(line["trace_id"], TRACE, "{line}");
        for field in ["request_id", "region", "tenant", "credential", "idp", "scim_type", "cause"] {
            let told = span.attributes.get(field).unwrap_or(&Value::Null);
            assert_eq!(told, &line[field], "{field} of {span:?}");
        }
        for (attribute, field) in [
            ("http.request.method", "method"),
            ("http.route", "route"),
            ("http.response.status_code", "code"),
        ] {
            assert_eq!(span.attributes[attribute], line[field], "{attribute} of {span:?}");
        }
        assert_eq!(span.attributes["listener"], "scim");
    }
}

#[test]
fn what_a_request_waits_for_is_a_span_below_its_own() {
    let collector = Collector::start();
    let redis = Redis::start();
    let gateway = tracing(&collector, &[("USHER__REDIS__URL", &redis.url())]);
    wait_for("redis is reached", || gateway.metrics().contains("usher_redis_up 1"));
    let acme = acme(&gateway);
    let created = acme.post("/Users", &json!({ "schemas": [USER], "userName": "ada", "userType": "user" }));
    let created = created.expect(201);
    let span = span_of(&collector, &created);
    assert_eq!((span.parent.as_str(), span.trace == TRACE), ("", false), "a trace of its own");
    step(&collector, &span, "read");
    let write = step(&collector, &span, "write");
    let system = if testkit::database::Database::is_wanted() { "postgresql" } else { "sqlite" };
    assert_eq!(write.attributes["db.system.name"], system);
    if system == "sqlite" {
        assert!(write.attributes["waited_for_turn_ms"].is_f64(), "{write:?}");
    }
    assert!(write.trace == span.trace && write.took_ms <= span.took_ms + 1.0, "{write:?} of {span:?}");
    let wrong = Tenant { token: format!("{}x", acme.token), ..acme.clone() };
    let span = span_of(&collector, &wrong.get("/Users").expect(401));
    assert_eq!(step(&collector, &span, "script").attributes["db.system.name"], "redis");
    // The tick, the log's writer and other work of the process have transactions too.
    let traces: BTreeSet<String> = collector.requests().into_iter().map(|span| span.trace).collect();
    let lost: Vec<Span> =
        collector.spans().into_iter().filter(|span| !traces.contains(&span.trace)).collect();
    assert!(lost.iter().all(|span| !span.parent.is_empty()), "steps of no request: {lost:?}");
}

#[test]
fn requests_of_staff_and_of_oauth_are_spans_too() {
    let collector = Collector::start();
    let gateway = tracing(&collector, &[]);
    let acme = acme(&gateway);
    let shown = gateway.admin("GET", &acme.admin_path(), None).expect(200);
    let span = span_of(&collector, &shown);
    assert_eq!(span.name, "GET /admin/v1/regions/{region}/tenants/{key}");
    assert_eq!(span.attributes["listener"], "admin");
    let lost = gateway.admin("GET", "/nowhere", None).expect(404);
    assert_eq!(span_of(&collector, &lost).name, "GET other");
    let refused = Request::new("GET", &format!("{}/admin/v1/regions", gateway.url)).bearer("x").send();
    let span = span_of(&collector, &refused.expect(401));
    assert_eq!(span.attributes["http.response.status_code"], 401);
    let line = &with_message(&gateway, "an admin request was refused")[0];
    assert_eq!(line["trace_id"], span.trace, "{line}");
    exchanged(&added(&gateway, &acme, "oauth", &[]), "");
    let is_of_oauth = |span: &Span| span.name == "POST /oauth/token";
    wait_for("the span of the token endpoint", || collector.requests().iter().any(is_of_oauth));
}

#[test]
fn the_ratio_holds_where_no_trusted_proxy_has_decided() {
    let collector = Collector::start();
    let gateway = tracing(&collector, &[BEHIND_PROXY, ("USHER__TRACES__RATIO", "0")]);
    let acme = acme(&gateway);
    acme.get("/Users").expect(200);
    create(&acme, "ada", UNSAMPLED).expect(201);
    let decided = create(&acme, "ben", SAMPLED).expect(403);
    span_of(&collector, &decided);
    assert_eq!(collector.requests().len(), 1, "{:?}", collector.requests());
    let lines = with_message(&gateway, "a request was answered");
    assert!(lines.iter().all(|line| line.get("trace_id").is_none()), "a trace that nobody finds");
}

#[test]
fn a_trace_that_a_stranger_names_is_not_gone_on_with() {
    let collector = Collector::start();
    let strangers = [("USHER__SERVER__TRUSTED_PROXIES", "192.0.2.0/24")];
    let gateway = tracing(&collector, &strangers);
    let acme = acme(&gateway);
    for traceparent in [SAMPLED, UNSAMPLED] {
        let answer = acme.request("GET", "/Users").header("traceparent", traceparent).send().expect(200);
        let span = span_of(&collector, &answer);
        assert!(span.trace != TRACE && span.parent.is_empty(), "{span:?}");
    }
}

#[test]
fn a_traceparent_without_its_form_begins_a_trace() {
    let collector = Collector::start();
    let gateway = tracing(&collector, &[BEHIND_PROXY]);
    let acme = acme(&gateway);
    for wrong in ["", "x", "00-0-0-01", &SAMPLED.replace('4', "Z"), &format!("{SAMPLED}-more")] {
        let answer = acme.request("GET", "/Users").header("traceparent", wrong).send().expect(200);
        assert_eq!(span_of(&collector, &answer).parent, "", "{wrong}");
    }
    let twice = acme.request("GET", "/Users").header("traceparent", SAMPLED).header("traceparent", SAMPLED);
    assert_eq!(span_of(&collector, &twice.send().expect(200)).parent, "");
}

#[test]
fn an_issuer_is_asked_within_the_trace_of_the_request_that_needs_its_keys() {
    let collector = Collector::start();
    let insecure = ("USHER__AUTH__INSECURE_JWKS", "true");
    let gateway = tracing(&collector, &[insecure]);
    let acme = acme(&gateway);
    let key = SigningKey::ed25519("one");
    let issuer = Issuer::start(&[&key]);
    trust(&gateway, &acme, &issuer, &["--algorithms", "EdDSA"]);
    let answer = probe(&acme, &token(&key, &issuer, json!({}))).expect(200);
    let span = span_of(&collector, &answer);
    let fetch = step(&collector, &span, "keys of an issuer");
    assert_eq!(fetch.attributes["url.full"], issuer.url());
    let expected = format!("traceparent: 00-{}-{}-01", span.trace, fetch.id);
    assert!(issuer.heard().contains(&expected), "{expected}: {}", issuer.heard());
}

#[test]
fn a_collector_that_is_away_costs_its_spans_and_two_lines() {
    let port = ports::claim();
    let endpoint = format!("http://127.0.0.1:{port}");
    let gateway = gateway_with(&[
        ("USHER__TRACES__ENDPOINT", &endpoint),
        ("USHER__LOG__FORMAT", "json"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ]);
    let acme = acme(&gateway);
    let away = "the collector of traces does not take them; they are lost until it does";
    acme.get("/Users").expect(200);
    wait_for("it is away", || !with_message(&gateway, away).is_empty());
    for _ in 0..20 {
        acme.get("/Users").expect(200);
    }
    let collector = Collector::start_at(port);
    let there = || with_message(&gateway, "the collector of traces is reached").len();
    wait_for("it is there again", || {
        acme.get("/Users").expect(200);
        there() == 1 && !collector.requests().is_empty()
    });
    assert_eq!((with_message(&gateway, away).len(), there()), (1, 1), "{}", gateway.log());
}

#[test]
fn a_stop_sends_what_is_left() {
    let collector = Collector::start();
    let mut gateway = tracing(&collector, &[("OTEL_BSP_SCHEDULE_DELAY", "600000")]);
    let acme = acme(&gateway);
    let answer = acme.get("/Users").expect(200);
    assert_eq!(gateway.stop(), Some(0));
    let id = answer.header("x-request-id").unwrap();
    assert!(collector.requests().iter().any(|span| span.attributes["request_id"] == id));
}

#[test]
fn a_stop_does_not_wait_long_for_a_collector_that_says_nothing() {
    // It takes connections, and nobody reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let mut gateway = gateway_with(&[("USHER__TRACES__ENDPOINT", &endpoint)]);
    acme(&gateway).get("/Users").expect(200);
    let began = Instant::now();
    assert_eq!(gateway.stop(), Some(0));
    // Ten seconds are for the spans; a whole stop may take 45.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[test]
fn a_failure_of_the_server_is_an_error_of_the_span() {
    let collector = Collector::start();
    let gateway = tracing(&collector, &[("USHER__AUTH__INSECURE_JWKS", "true")]);
    let acme = acme(&gateway);
    let key = SigningKey::ed25519("one");
    let issuer = Issuer::start(&[&key]);
    trust(&gateway, &acme, &issuer, &["--algorithms", "EdDSA"]);
    issuer.does(Behaviour::Refuses);
    let span = span_of(&collector, &probe(&acme, &token(&key, &issuer, json!({}))).expect(503));
    assert!(span.is_error && span.attributes["http.response.status_code"] == 503, "{span:?}");
}

#[test]
fn variables_of_others_do_not_lead_spans_or_the_secret_elsewhere() {
    let collector = Collector::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "authorization: Bearer of-the-file\n").unwrap();
    let (nobody, file) = (format!("http://127.0.0.1:{}", ports::claim()), file.path().to_str().unwrap());
    let gateway = tracing(
        &collector,
        &[
            ("USHER__TRACES__HEADERS_FILE", file),
            ("HTTP_PROXY", &nobody),
            ("ALL_PROXY", &nobody),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &nobody),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=of-the-environment"),
            ("OTEL_TRACES_SAMPLER", "always_off"),
            ("OTEL_SERVICE_NAME", "other"),
            ("OTEL_RESOURCE_ATTRIBUTES", "host.name=first"),
        ],
    );
    let answer = acme(&gateway).get("/Users").expect(200);
    let span = span_of(&collector, &answer);
    assert_eq!(
        (&span.resource["service.name"], &span.resource["host.name"]),
        (&json!("usher"), &json!("first"))
    );
    let heads = collector.heads();
    assert!(heads.iter().all(|head| head.contains("authorization: bearer of-the-file")), "{heads:?}");
}

#[test]
fn the_collector_gets_the_headers_of_the_file_and_the_log_does_not() {
    let collector = Collector::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "Authorization: Bearer zq7heron-key\n\nx-scope: usher\n").unwrap();
    let level = ("USHER__LOG__LEVEL", "trace");
    let gateway =
        tracing(&collector, &[level, ("USHER__TRACES__HEADERS_FILE", file.path().to_str().unwrap())]);
    let answer = acme(&gateway).get("/Users").expect(200);
    span_of(&collector, &answer);
    let heads = collector.heads();
    assert!(
        heads.iter().all(|head| head.starts_with("post /v1/traces ")
            && head.contains("authorization: bearer zq7heron-key")
            && head.contains("x-scope: usher")),
        "{heads:?}"
    );
    assert!(!gateway.log().contains("zq7heron"), "{}", gateway.log());
}

#[test]
fn attack_23_no_span_has_a_secret_name_address_or_body() {
    let collector = Collector::start();
    let mut gateway = tracing(&collector, &[("USHER__LIMITS__WRONG_SECRETS", "1000")]);
    let secrets = deepest::a_day_of_everybody(&mut gateway);
    for secret in secrets {
        assert!(!collector.has_heard(&secret), "{secret}");
    }
    assert!(collector.requests().len() > 50, "{}", collector.requests().len());
}
