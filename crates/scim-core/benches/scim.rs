//! What one request costs before any database: `cargo bench -p scim-core --bench scim`.
//! Reading, patching, filtering, projecting and writing a user of the size identity providers send.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot run should say so and stop")]

use divan::{Bencher, black_box};
use scim_core::filter::Filter;
use scim_core::leniency::Tolerance;
use scim_core::patch::PatchRequest;
use scim_core::projection::Projection;
use scim_core::resource::{self, Document, Meta, Parts};
use scim_core::{ResourceType, json, schema};
use serde_json::{Map, Value};

fn main() {
    divan::main();
}

/// About 1.4 KB, as Entra ID sends it.
const USER: &[u8] = br#"{
  "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
              "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
  "externalId": "5f3f7a39-4ad8-4f0c-9c6e-0d6d3d9f1f60", "userName": "mairead.kavanagh@bench.example.com",
  "active": true, "displayName": "Mairead Kavanagh", "nickName": "Mairead", "title": "Senior specialist",
  "userType": "member", "preferredLanguage": "en-IE", "locale": "en-IE", "timezone": "Europe/Dublin",
  "name": {"formatted": "Mairead Kavanagh", "familyName": "Kavanagh", "givenName": "Mairead"},
  "profileUrl": "https://intranet.bench.example.com/people/mairead.kavanagh",
  "emails": [{"value": "mairead.kavanagh@bench.example.com", "type": "work", "primary": true},
             {"value": "mairead@home.example.org", "type": "home"}],
  "phoneNumbers": [{"value": "+353 1 555 0142", "type": "work"}, {"value": "+353 87 555 0142", "type": "mobile"}],
  "addresses": [{"type": "work", "primary": true, "formatted": "12 Merrion Square North\nD02 E284 Dublin\nIE",
                 "streetAddress": "12 Merrion Square North", "locality": "Dublin", "postalCode": "D02 E284",
                 "country": "IE"}],
  "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
    "employeeNumber": "E0000142", "department": "People & Culture", "division": "Products", "costCenter": "1142",
    "organization": "Bench Example Ltd", "manager": {"value": "0193b5a0-7c1e-7d52-8a54-2f9a1c0d4e11"}}
}"#;

/// A named piece of text: the table of results shows the name.
struct Case(&'static str, &'static str);

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

const FILTERS: [Case; 4] = [
    Case("userName", r#"userName eq "mairead.kavanagh@bench.example.com""#),
    Case("externalId", r#"externalId eq "5f3f7a39-4ad8-4f0c-9c6e-0d6d3d9f1f60""#),
    Case("value path", r#"emails[type eq "work"].value eq "mairead.kavanagh@bench.example.com""#),
    Case("four terms", r#"active eq true and (title co "lead" or not (locale sw "sv" or title eq "x"))"#),
];

const PATCHES: [Case; 4] = [
    Case(
        "Entra, one attribute",
        r#"[{"op":"Replace","path":"displayName","value":"Mairead Ní Chaomhánaigh"}]"#,
    ),
    Case("Okta, no path", r#"[{"op":"replace","value":{"active":false,"title":"Lead"}}]"#),
    Case(
        "extension",
        r#"[{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"Design"}]"#,
    ),
    Case(
        "two value paths",
        r#"[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"m.kavanagh@bench.example.com"},
            {"op":"Remove","path":"phoneNumbers[type eq \"mobile\"]"}]"#,
    ),
];

const PROJECTIONS: [Case; 3] = [
    Case("two names", "userName,active"),
    Case("sub-attribute", "emails.value"),
    Case("extension", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
];

fn user() -> (ResourceType, Document) {
    let rt = schema::user();
    let body = json::parse(USER, &json::Limits::SCIM).unwrap();
    let document = resource::create(&rt, &body, &mut Tolerance::lenient()).unwrap();
    (rt, document)
}

fn rendered(rt: &ResourceType, document: &Document) -> Map<String, Value> {
    let meta = Meta {
        created: "2026-01-31T08:00:00.000Z",
        last_modified: "2026-02-28T09:30:00.000Z",
        version: "W/\"3\"",
        location: "http://127.0.0.1:8080/ire/acme/scim/v2/Users/0193b5a0-7c1e-7d52-8a54-2f9a1c0d4e10",
    };
    let id = "0193b5a0-7c1e-7d52-8a54-2f9a1c0d4e10";
    resource::render(rt, Parts { id, document, computed: Vec::new(), meta })
}

#[divan::bench]
fn parse_json() -> Value {
    json::parse(black_box(USER), &json::Limits::SCIM).unwrap()
}

#[divan::bench]
fn parse_and_create_user(bencher: Bencher<'_, '_>) {
    let rt = schema::user();
    bencher.bench_local(|| {
        let body = json::parse(black_box(USER), &json::Limits::SCIM).unwrap();
        resource::create(&rt, &body, &mut Tolerance::lenient()).unwrap()
    });
}

#[divan::bench(args = FILTERS)]
fn parse_filter(bencher: Bencher<'_, '_>, case: &Case) {
    let rt = schema::user();
    bencher.bench_local(|| Filter::parse(black_box(case.1), &rt, &mut Tolerance::lenient()).unwrap());
}

#[divan::bench(args = FILTERS)]
fn filter_matches(bencher: Bencher<'_, '_>, case: &Case) {
    let (rt, document) = user();
    let filter = Filter::parse(case.1, &rt, &mut Tolerance::lenient()).unwrap();
    let resource = rendered(&rt, &document);
    assert!(filter.matches(&resource), "{case}");
    bencher.bench_local(|| filter.matches(black_box(&resource)));
}

#[divan::bench(args = PATCHES)]
fn parse_and_apply_patch(bencher: Bencher<'_, '_>, case: &Case) {
    let (rt, document) = user();
    let body =
        format!(r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":{}}}"#, case.1);
    bencher.bench_local(|| {
        let tolerance = &mut Tolerance::lenient();
        let body = json::parse(black_box(body.as_bytes()), &json::Limits::SCIM).unwrap();
        PatchRequest::parse(&rt, &body, tolerance).unwrap().apply(&rt, &document, tolerance).unwrap()
    });
}

#[divan::bench(args = PROJECTIONS)]
fn project(bencher: Bencher<'_, '_>, case: &Case) {
    let (rt, document) = user();
    let resource = rendered(&rt, &document);
    let projection = Projection::parse(&rt, Some(case.1), None).unwrap();
    bencher.with_inputs(|| resource.clone()).bench_local_values(|mut resource| {
        projection.apply(&rt, &mut resource);
        resource
    });
}

#[divan::bench]
fn render(bencher: Bencher<'_, '_>) {
    let (rt, document) = user();
    bencher.bench_local(|| rendered(&rt, black_box(&document)));
}

#[divan::bench]
fn render_and_write(bencher: Bencher<'_, '_>) {
    let (rt, document) = user();
    bencher.bench_local(|| serde_json::to_vec(&rendered(&rt, black_box(&document))).unwrap());
}

#[divan::bench]
fn read_stored(bencher: Bencher<'_, '_>) {
    let (_, document) = user();
    let text = document.to_stored();
    bencher.bench_local(|| Document::from_stored(black_box(&text)).unwrap());
}
