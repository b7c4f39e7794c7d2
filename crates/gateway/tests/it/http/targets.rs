//! Request targets as clients write them: slashes, question marks, ampersands, percent-encoding, raw quotes (idp-wire §1).

use serde_json::json;
use testkit::gateway::{Gateway, Tenant};

use crate::running::{roomy, user_body};

/// The answer to a request line as it stands.
fn raw(gateway: &Gateway, tenant: &Tenant, line: &str) -> String {
    let base = tenant.base_url.trim_start_matches(&gateway.url);
    let line = line.replace("{base}", base);
    let token = &tenant.token;
    let head =
        format!("{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    gateway.talk(head).text
}

#[test]
fn me6_slashes_question_marks_and_ampersands_do_no_harm() {
    let (gateway, acme) = roomy();
    let id = acme.create_user("ada", "").expect(201).id();
    for line in [
        "GET {base}/Users",
        "GET {base}//Users",
        "GET /{base}/Users/",
        "GET {base}/Users//",
        "GET {base}/Users?",
        "GET {base}/Users?&",
        "GET {base}/Users?&&count=5&",
        "GET {base}/Users/?count=5",
        "GET {base}/Users?aadOptscim062020",
        "GET {base}/Users?aadOptscim062020&filter=userName+eq+%22ada%22&",
        "GET {base}/Users?filter=userName+eq+%22ada%22&",
        "GET {base}/Users?=&a=b&=c",
        "GET {base}/%55sers",
    ] {
        let heard = raw(&gateway, &acme, line);
        assert!(
            heard.starts_with("HTTP/1.1 200 ") && heard.contains("\"totalResults\":1,"),
            "{line}: {heard}"
        );
    }
    for path in [format!("//Users//{id}//"), format!("/Users/{id}?"), format!("/Users/{id}/?&")] {
        acme.get(&path).expect(200);
        let body = user_body(&json!({ "userName": "ada" }));
        acme.put(&path, &body).expect(200);
    }
}

#[test]
fn percent_encoding_is_decoded_once_in_path_and_query() {
    let (_gateway, acme) = roomy();
    let names = ["100%25 ada", "a+b", "a%2Bb", "ada & co", "ädä", "a/b", "a?b#c"];
    for name in names {
        acme.create_user(name, "").expect(201);
    }
    for name in names {
        let found = acme.find("/Users", &format!("userName eq \"{name}\"")).expect(200);
        assert_eq!(found.body["Resources"][0]["userName"], name);
        assert_eq!(found.body["totalResults"], 1, "{name}");
    }
    for (query, name) in [
        ("userName+eq+%22a%2Bb%22", "a+b"),
        ("userName+eq+%22a%252Bb%22", "a%2Bb"),
        ("userName%20eq%20%22ada%20%26%20co%22", "ada & co"),
        ("userName+eq+%22%C3%A4d%c3%a4%22", "ädä"),
        ("%75serName+eq+%22a/b%22", "a/b"),
    ] {
        let found = acme.get(&format!("/Users?filter={query}")).expect(200);
        assert_eq!(found.body["Resources"][0]["userName"], name, "{query}");
    }
    // An id that is encoded twice is another id.
    let id = acme.create_user("ada", "").expect(201).id();
    let once = format!("/Users/%{:02X}{}", id.as_bytes()[0], &id[1..]);
    let twice = once.replace('%', "%25");
    assert_eq!((acme.get(&once).status, acme.get(&twice).status), (200, 404));
}

#[test]
fn raw_quotes_and_blanks_are_taken_in_the_query_of_a_get() {
    let (gateway, acme) = roomy();
    acme.create_user("ada", "").expect(201);
    for line in [
        "GET {base}/Users?filter=userName+eq+\"ada\"",
        "GET {base}/Users?filter=userName eq \"ada\"",
        "GET {base}/Users?filter=userName eq %22ada%22",
        "GET {base}/Users?filter=userName%20eq%20\"ada\"&count=1",
        "GET {base}/Users?attributes=userName, title&filter=userName eq \"ADA\" or title eq \"a HTTP/1.1\"",
    ] {
        let heard = raw(&gateway, &acme, line);
        assert!(
            heard.starts_with("HTTP/1.1 200 ") && heard.contains("\"totalResults\":1,"),
            "{line}: {heard}"
        );
        assert_eq!(heard.matches("HTTP/1.1 ").count(), 1, "{line}: {heard}");
    }
    // In a path a blank is none of ours.
    let blank = raw(&gateway, &acme, "GET {base}/Users /x");
    assert!(blank.starts_with("HTTP/1.1 400 "), "{blank}");
}
