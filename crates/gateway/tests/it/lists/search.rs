//! `POST …/.search` (RFC 7644 §3.4.3).

use serde_json::{Value, json};

use super::{SEARCH_REQUEST, cursor, list, names};
use crate::running::{entitled, gateway, new_group, replace, roomy, user_body};

fn request(more: &Value) -> Value {
    let mut body = json!({ "schemas": [SEARCH_REQUEST] });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn a_search_answers_what_the_same_query_string_does() {
    let (_gateway, acme) = roomy();
    for n in 0..9 {
        let body = user_body(&json!({ "userName": format!("user-{n}"), "title": "T", "active": n % 2 == 0 }));
        acme.post("/Users", &body).expect(201);
        new_group(&acme, &format!("Group {n}"), &[]);
    }
    for (path, body, parameters) in [
        ("/Users", json!({}), vec![]),
        ("/Users", json!({ "filter": "active eq true" }), vec![("filter", "active eq true")]),
        ("/Users", json!({ "startIndex": 3, "count": 2 }), vec![("startIndex", "3"), ("count", "2")]),
        ("/Users", json!({ "count": 0 }), vec![("count", "0")]),
        ("/Users", json!({ "count": -4, "startIndex": -4 }), vec![("count", "-4"), ("startIndex", "-4")]),
        ("/Users", json!({ "COUNT": 5000 }), vec![("count", "5000")]),
        (
            "/Users",
            json!({ "sortBy": "userName", "sortOrder": "descending", "attributes": ["userName", "TITLE"] }),
            vec![("sortBy", "userName"), ("sortOrder", "descending"), ("attributes", "userName,title")],
        ),
        (
            "/Users",
            json!({ "excludedAttributes": ["meta", "title"] }),
            vec![("excludedAttributes", "meta,title")],
        ),
        ("/Users", json!({ "filter": null, "unheard": 1 }), vec![]),
        (
            "/Groups",
            json!({ "filter": "displayName sw \"group\"", "count": 4 }),
            vec![("filter", "displayName sw \"group\""), ("count", "4")],
        ),
        ("", json!({ "count": 12 }), vec![("count", "12")]),
        (
            "",
            json!({ "filter": "meta.resourceType eq \"Group\"" }),
            vec![("filter", "meta.resourceType eq \"Group\"")],
        ),
    ] {
        let searched = acme.post(&format!("{path}/.search"), &request(&body)).expect(200);
        assert_eq!(searched.body, list(&acme, path, &parameters).expect(200).body, "{path} {body}");
        assert!(searched.header("content-type").unwrap().starts_with("application/scim+json"));
    }
    let first = acme.post("/Users/.search", &request(&json!({ "cursor": "", "count": 4 }))).expect(200).body;
    assert_eq!((names(&first).len(), first.get("startIndex")), (4, None));
    let next = json!({ "cursor": cursor(&first, "nextCursor").unwrap(), "count": 4 });
    let next = acme.post("/Users/.search", &request(&next)).expect(200).body;
    assert_eq!(names(&next), ["user-4", "user-5", "user-6", "user-7"]);
}

#[test]
fn a_search_is_a_message_of_its_own_kind_with_parameters_of_their_types() {
    let (_gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    for path in ["/.search", "/Users/.search", "/Groups/.search"] {
        for body in [
            json!([]),
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"] }),
            json!({ "schemas": SEARCH_REQUEST }),
        ] {
            acme.post(path, &body).expect_error(400, "invalidSyntax");
        }
        for (more, keyword) in [
            (json!({ "count": "10" }), "invalidValue"),
            (json!({ "startIndex": "10" }), "invalidValue"),
            (json!({ "count": 1.5 }), "invalidValue"),
            (json!({ "attributes": "id" }), "invalidValue"),
            (json!({ "attributes": [1] }), "invalidValue"),
            (json!({ "attributes": ["id"], "excludedAttributes": ["meta"] }), "invalidValue"),
            (json!({ "filter": 1 }), "invalidValue"),
            (json!({ "filter": "password pr" }), "invalidFilter"),
            (json!({ "filter": "" }), "invalidFilter"),
            (json!({ "sortBy": "password" }), "invalidPath"),
            (json!({ "sortOrder": "up" }), "invalidValue"),
            (json!({ "cursor": 1 }), "invalidCursor"),
            (json!({ "cursor": "x" }), "invalidCursor"),
            (json!({ "cursor": "", "count": 1001 }), "invalidCount"),
            (json!({ "cursor": "", "startIndex": 1 }), "invalidValue"),
        ] {
            let refused = acme.post(path, &request(&more));
            assert_eq!((refused.status, &refused.body["scimType"]), (400, &json!(keyword)), "{path} {more}");
        }
        // What stands in the URL would contradict the body, or be ignored.
        for query in ["count=1", "filter=id+pr", "ATTRIBUTES=id", "cursor"] {
            acme.post(&format!("{path}?{query}"), &request(&json!({}))).expect_error(400, "invalidValue");
        }
        acme.post(&format!("{path}?aadOptscim062020"), &request(&json!({}))).expect(200);
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let refused = acme.request(method, path).json(&request(&json!({}))).send().expect_error(405, "");
            assert_eq!(refused.header("allow"), Some("POST"), "{method} {path}");
        }
        let text = acme.request("POST", path).header("content-type", "text/plain").bytes(b"{}").send();
        text.expect_error(415, "");
        acme.request("POST", path)
            .header("content-type", "application/json")
            .bytes(b"{")
            .send()
            .expect_error(400, "invalidSyntax");
    }
    // `.search` is no id.
    acme.patch("/Users/.search", &replace("title", "x")).expect(405);
}

#[test]
fn attack_25_the_new_routes_have_labels_of_their_own() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", None, None);
    for path in ["/.search", "/Users/.search", "/Groups/.search", "/Licenses/.search", "/Roles/.search"] {
        acme.post(path, &request(&json!({}))).expect(200);
    }
    acme.get("").expect(200);
    let metrics = gateway.metrics();
    for (route, method) in
        [("/.search", "POST"), ("/Users/.search", "POST"), ("/Groups/.search", "POST"), ("/", "GET")]
    {
        let line = format!(
            "usher_http_requests_total{{code=\"200\",listener=\"scim\",method=\"{method}\",region=\"ire\",route=\"{route}\"}} 1"
        );
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
}

#[test]
fn licenses_and_roles_are_sorted_walked_and_searched_like_everything_else() {
    let gateway = gateway();
    let acme = entitled(&gateway, "acme", None, None);
    let by_id = |page: &Value| super::ids(page);
    let all = acme.get("/Roles").expect(200).body;
    assert_eq!(by_id(&all), ["admin", "member", "member_lite"]);
    let descending = [("sortBy", "displayName"), ("sortOrder", "descending")];
    let sorted = list(&acme, "/Roles", &descending).expect(200).body;
    assert_eq!(by_id(&sorted), ["member_lite", "member", "admin"]);
    let body = json!({ "sortBy": "displayName", "sortOrder": "descending" });
    assert_eq!(acme.post("/Roles/.search", &request(&body)).expect(200).body, sorted);
    let page = |cursor: &str| {
        list(&acme, "/Roles", &[&descending[..], &[("cursor", cursor), ("count", "2")]].concat())
            .expect(200)
            .body
    };
    let first = page("");
    let last = page(&cursor(&first, "nextCursor").unwrap());
    assert_eq!([by_id(&first), by_id(&last)].concat(), by_id(&sorted));
    assert_eq!(
        (last.get("nextCursor"), first.get("previousCursor"), &last["totalResults"]),
        (None, None, &json!(3))
    );
    assert_eq!(page(&cursor(&last, "previousCursor").unwrap())["Resources"], first["Resources"]);
    let foreign = cursor(&first, "nextCursor").unwrap();
    list(&acme, "/Licenses", &[&descending[..], &[("cursor", &foreign)]].concat())
        .expect_error(400, "invalidCursor");
    list(&acme, "/Licenses", &[("sortBy", "userName")]).expect_error(400, "invalidPath");
    let found =
        acme.post("/Licenses/.search", &request(&json!({ "filter": "id eq \"member\"" }))).expect(200);
    assert_eq!(found.body["totalResults"], 1);
    // They tell of the plan; what is listed at the base URL is what clients provision.
    assert_eq!(acme.get("").expect(200).body["totalResults"], 0);
}
