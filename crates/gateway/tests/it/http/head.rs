//! RFC 9110 §9.1 asks every server for GET and HEAD: a HEAD is answered as its GET, without the body.

use testkit::http::{Answer, encode};

use crate::running::{new_group, roomy, user_body};

/// All headers but those that differ from answer to answer.
fn headers(answer: &Answer) -> Vec<(String, String)> {
    let own = |name: &str| matches!(name, "x-request-id" | "date");
    let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| !own(name)).cloned().collect();
    headers.sort();
    headers
}

#[test]
fn head_is_answered_as_get_without_the_body() {
    let (_gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let crew = new_group(&acme, "Crew", &[&ada]);
    for path in [
        "/Users".to_owned(),
        format!("/Users/{ada}"),
        format!("/Users/{ada}?attributes=userName"),
        format!("/Users?filter={}", encode("userName eq \"ada\"")),
        "/Users?filter=nonsense".to_owned(),
        "/Users/0".to_owned(),
        format!("/Groups/{crew}"),
        "/Groups".to_owned(),
        "/ServiceProviderConfig".to_owned(),
        "/ResourceTypes".to_owned(),
        "/ResourceTypes/User".to_owned(),
        "/Schemas".to_owned(),
        "/Schemas?filter=x".to_owned(),
        "/Me".to_owned(),
        "/nothing".to_owned(),
    ] {
        let (get, head) = (acme.get(&path), acme.request("HEAD", &path).send());
        // A refusal may hold the id of its request, and so another length.
        assert_eq!((head.status, headers(&head)), (get.status, headers(&get)), "{path}");
        assert_eq!(head.text, "", "{path}");
        assert_eq!(head.header("content-length"), Some(get.text.len().to_string().as_str()), "{path}");
    }
    acme.get(&format!("/Users/{ada}")).expect(200);
    acme.get(&format!("/Groups/{crew}")).expect(200);
}

#[test]
fn a_conditional_head_is_304_and_a_head_without_credentials_is_401() {
    let (_gateway, acme) = roomy();
    let made = acme.create_user("ada", "").expect(201);
    let path = format!("/Users/{}", made.id());
    let etag = made.header("etag").unwrap();
    acme.request("HEAD", &path).header("if-none-match", etag).send().expect(304);
    acme.request("HEAD", &path).header("if-none-match", "W/\"77\"").send().expect(200);
    testkit::http::Request::new("HEAD", &format!("{}{path}", acme.base_url)).send().expect(401);
}

#[test]
fn an_answer_to_head_leaves_the_connection_in_step() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let path = format!("/Users/{ada}");
    let asked = [
        acme.as_written("HEAD", &path, "", ""),
        acme.as_written("HEAD", "/Users/0", "", ""),
        acme.as_written("GET", &path, "Connection: close\r\n", ""),
    ];
    let heard = gateway.talk(asked.concat());
    assert_eq!(heard.statuses(), [200, 404, 200], "{}", heard.text);
    let heard = heard.text;
    assert_eq!(heard.matches("\"userName\":\"ada\"").count(), 1, "{heard}");
}

#[test]
fn of_requests_sent_at_once_each_is_answered_as_if_it_came_alone() {
    let (gateway, acme) = roomy();
    let ada = acme.create_user("ada", "").expect(201).id();
    let path = format!("/Users/{ada}");
    let bob = user_body(&serde_json::json!({ "userName": "bob" })).to_string();
    let asked = [
        acme.as_written("GET", &path, "", ""),
        acme.as_written("HEAD", &path, "", ""),
        acme.as_written("POST", "/Users", "Content-Type: application/scim+json\r\n", &bob),
        acme.as_written("HEAD", "/Users?filter=userName%20eq%20%22ada%22", "", ""),
        acme.as_written("GET", "/Users?filter=userName eq \"ada\"", "Connection: close\r\n", ""),
    ];
    let heard = gateway.talk(asked.concat());
    assert_eq!(heard.statuses(), [200, 200, 201, 200, 200], "{}", heard.text);
    let heard = heard.text.to_lowercase();
    assert_eq!(heard.matches("\"username\":\"ada\"").count(), 2, "{heard}");
    assert_eq!(heard.matches("\"username\":\"bob\"").count(), 1, "{heard}");
    assert_eq!(heard.matches("connection: close").count(), 1, "{heard}");
}
