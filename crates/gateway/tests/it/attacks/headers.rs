//! Headers that try to change the method, the place, the answer or its readers (rows 61 to 63, 65).

use serde_json::json;
use testkit::http::Request;

use super::{gateway, roomy, user};

#[test]
fn attack_61_no_header_changes_the_method_and_odd_methods_are_405() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let path = format!("/Users/{}", acme.create_user("ada", "").expect(201).id());
    for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        acme.request("GET", &path).header(header, "DELETE").send().expect(200);
        acme.request("POST", "/Users")
            .header(header, "GET")
            .json(&user(header, &json!({})))
            .send()
            .expect(201);
    }
    acme.get(&format!("{path}?_method=DELETE")).expect(200);
    for method in ["TRACE", "PROPFIND", "OPTIONS", "CONNECTX", "delete", "head", "POST"] {
        let refused = acme.request(method, &path).send().expect_error(405, "");
        assert_eq!(refused.header("allow"), Some("GET, HEAD, PUT, PATCH, DELETE"), "{method}");
    }
    acme.get(&path).expect(200);
}

#[test]
fn attack_62_locations_come_from_the_settings_alone() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let ask = |headers: &str| {
        let path = acme.base_url.trim_start_matches(&gateway.url);
        let body = user(&format!("u{}", headers.len()), &json!({})).to_string();
        let request = format!(
            "POST {path}/Users HTTP/1.1\r\n{headers}Authorization: Bearer {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            acme.token,
            body.len()
        );
        gateway.talk(request)
    };
    for headers in [
        "Host: evil.example\r\n",
        "Host: x\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: evil\r\n",
        "Host: x\r\nForwarded: host=evil.example;proto=evil\r\nX-Forwarded-Prefix: /evil\r\n",
        "Host: x\r\nX-Original-URL: /evil\r\nReferer: http://evil.example\r\nOrigin: http://evil.example\r\n",
    ] {
        let heard = ask(headers);
        assert_eq!(heard.statuses(), [201], "{}", heard.text);
        assert!(heard.text.contains(&acme.base_url), "{}", heard.text);
        assert!(!heard.text.contains("evil"), "{}", heard.text);
    }
    let elsewhere =
        Request::new("GET", &format!("{}/us/acme/scim/v2/Users", gateway.url)).bearer(&acme.token);
    let told = elsewhere.header("x-forwarded-host", "evil.example").send().expect(401);
    assert!(!told.text.contains("evil"), "{}", told.text);
}

#[test]
fn attack_63_a_path_writes_no_header() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    for path in [
        "/Users/x%0d%0aX-Evil:%201",
        "/Users/x%0aX-Evil:1",
        "/x%0d%0aX-Evil:1",
        "/Schemas/x%0d%0aX-Evil:1",
        "/Users?count=x%0d%0aX-Evil:1",
    ] {
        let answer = acme.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert_eq!(answer.header("x-evil"), None);
        assert!(!answer.text.contains("X-Evil"), "{}", answer.text);
    }
    let tag = acme
        .request("GET", "/Users")
        .header("accept", "text/html; x=\"a\"")
        .header("x-request-id", "chosen-by-the-caller")
        .send();
    assert_ne!(tag.header("x-request-id"), Some("chosen-by-the-caller"));
    assert_eq!(tag.header("content-type"), Some("application/scim+json; charset=utf-8"));
}

#[test]
fn attack_65_no_page_of_another_origin_may_read_an_answer() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let cross = |request: Request| {
        let request =
            request.header("origin", "https://evil.example").header("access-control-request-method", "GET");
        let answer = request.header("access-control-request-headers", "authorization").send();
        let grants: Vec<_> =
            answer.headers.iter().filter(|(name, _)| name.starts_with("access-control")).collect();
        assert!(grants.is_empty(), "{grants:?}");
    };
    cross(acme.request("GET", "/Users"));
    cross(acme.request("OPTIONS", "/Users"));
    cross(Request::new("OPTIONS", &format!("{}/Users", acme.base_url)));
    cross(Request::new("OPTIONS", &format!("{}/admin/v1/regions", gateway.url)));
    cross(Request::new("GET", &gateway.metrics_url));
}

#[test]
fn every_answer_forbids_storing_and_sniffing_and_bears_its_request_id() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let answers = [
        acme.get("/Users"),
        acme.get("/nothing"),
        acme.request("PUT", "/Users").send(),
        Request::new("GET", &format!("{}/Users", acme.base_url)).send(),
        Request::new("GET", &format!("{}/nothing", gateway.url)).send(),
        gateway.admin("GET", "/regions", None),
        gateway.admin("GET", "/nothing", None),
        gateway.admin("POST", &format!("{}/tokens", acme.admin_path()), None),
        Request::new("GET", &format!("{}/admin/v1/regions", gateway.url)).send(),
    ];
    for answer in answers {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{}", answer.text);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{}", answer.text);
        assert!(answer.header("x-request-id").is_some_and(|id| id.len() == 32), "{}", answer.text);
        assert_eq!(answer.header("server"), None);
    }
}
