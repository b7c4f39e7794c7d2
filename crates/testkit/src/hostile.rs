//! Requests at and beyond every limit of what a client may send, with the answer that each must get. Tests assert the answers;
//! `cargo run --release --bin hostile` shows what each costs the gateway, which no test asserts, since time depends on the machine.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::gateway::{Gateway, Tenant};

/// Longest wait for a part of an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The gateway's default for a body.
const LIMIT: usize = 8 << 20;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// One request and what it must be answered with.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// What it is.
    pub name: &'static str,
    method: &'static str,
    /// Below the base URL, as it stands in the request line.
    target: String,
    body: Vec<u8>,
    /// The status.
    pub status: u16,
    /// The `scimType`; empty for none.
    pub keyword: &'static str,
}

/// Every one of them, for a tenant that has a user with this id.
pub fn requests(user_id: &str) -> Vec<Hostile> {
    let mut requests = bodies();
    requests.extend(queries());
    requests.extend(searches());
    requests.extend(bulks());
    requests.extend(patches(&format!("/Users/{user_id}")));
    requests
}

impl Hostile {
    fn post(name: &'static str, body: impl Into<String>, status: u16, keyword: &'static str) -> Self {
        Self {
            name,
            method: "POST",
            target: "/Users".into(),
            body: body.into().into_bytes(),
            status,
            keyword,
        }
    }

    fn get(name: &'static str, target: String, status: u16, keyword: &'static str) -> Self {
        Self { name, method: "GET", target, body: Vec::new(), status, keyword }
    }

    /// Sends it on a connection of its own and reads to the end; status and body of the answer. A client that still sends while
    /// it is refused must be able to read why.
    pub fn send(&self, gateway: &Gateway, tenant: &Tenant) -> (u16, Value) {
        let path = tenant.base_url.strip_prefix(&gateway.url).unwrap();
        let host = gateway.url.strip_prefix("http://").unwrap();
        let head = format!(
            "{} {path}{} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n",
            self.method,
            self.target,
            tenant.token,
            self.body.len()
        );
        let mut stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&self.body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap_or_else(|e| panic!("{}: {e}", self.name));
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{}: {text}", self.name));
        let status = head.get(9..12).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }
}

/// As many parts as fit between head and tail in a body.
fn filled(head: &str, part: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for index in 0.. {
        let part = part(index);
        if text.len() + part.len() + tail.len() > LIMIT {
            break;
        }
        text.push_str(&part);
    }
    text.push_str(tail);
    text
}

fn bodies() -> Vec<Hostile> {
    let user = |rest: &str| format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",{rest}}}");
    let long = "x".repeat(LIMIT - 200);
    let post = Hostile::post;
    vec![
        post("1 MB of (", "(".repeat(1 << 20), 400, "invalidSyntax"),
        post(
            "100 arrays deep",
            user(&format!("\"x\":{}1{}", "[".repeat(100), "]".repeat(100))),
            400,
            "invalidSyntax",
        ),
        post(
            "100 objects deep",
            user(&format!("\"x\":{}1{}", "{\"a\":".repeat(100), "}".repeat(100))),
            400,
            "invalidSyntax",
        ),
        post("8 MiB of [", "[".repeat(LIMIT), 400, "invalidSyntax"),
        post("a key twice", user("\"title\":\"a\",\"title\":\"b\""), 400, "invalidSyntax"),
        post("a key twice in two cases", user("\"title\":\"a\",\"TITLE\":\"b\""), 400, "invalidSyntax"),
        post("a key twice, escaped", user("\"title\":\"a\",\"titl\\u0065\":\"b\""), 400, "invalidSyntax"),
        post(
            "8 MiB of keys, one twice",
            filled("{", |i| format!("\"{i:x}\":0,"), "\"0\":0}"),
            400,
            "invalidSyntax",
        ),
        post("a lone surrogate", user("\"title\":\"\\ud800\""), 400, "invalidSyntax"),
        post(
            "8 MiB, then a lone surrogate",
            user(&format!("\"title\":\"{long}\\udc00\"")),
            400,
            "invalidSyntax",
        ),
        post("NUL", user("\"title\":\"a\0b\""), 400, "invalidSyntax"),
        post("NUL, escaped", user("\"title\":\"a\\u0000b\""), 400, "invalidSyntax"),
        post("8 MiB, then NUL, escaped", user(&format!("\"title\":\"{long}\\u0000\"")), 400, "invalidSyntax"),
        post("8 MiB of numbers", filled("[", |_| "0,".into(), "0]"), 400, "invalidSyntax"),
        post("8 MiB of small objects", filled("[", |_| "{\"a\":0},".into(), "0]"), 400, "invalidSyntax"),
        post(
            "8 MiB of e-mail addresses",
            filled(
                &format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",\"emails\":["),
                |i| format!("{{\"value\":\"{i}\"}},"),
                "{}]}",
            ),
            400,
            "invalidSyntax",
        ),
        post(
            "a string of 1 MB",
            user(&format!("\"title\":\"{}\"", "x".repeat(1 << 20))),
            400,
            "invalidValue",
        ),
        post("10 MB", " ".repeat(10_000_000), 413, ""),
        post("8 MiB and one byte", " ".repeat(LIMIT + 1), 413, ""),
    ]
}

fn queries() -> Vec<Hostile> {
    let list = |filter: &str| format!("/Users?filter={filter}");
    let get = Hostile::get;
    vec![
        get("1 MB of ( in the URL", list(&"(".repeat(1 << 20)), 414, ""),
        get("100 KB of ( in the URL", list(&"(".repeat(100_000)), 414, ""),
        get("60 KB of ( in the URL", list(&"(".repeat(60_000)), 400, "invalidFilter"),
        get("16 KB of ( in the URL", list(&"(".repeat(16_000)), 400, "invalidFilter"),
        get("10,000 terms in the URL", list(&vec!["title+pr"; 10_000].join("+or+")), 414, ""),
        get("4,000 terms in the URL", list(&vec!["title+pr"; 4_000].join("+or+")), 400, "invalidFilter"),
        get("1,000 terms in the URL", list(&vec!["title+pr"; 1_000].join("+or+")), 400, "invalidFilter"),
        get("NUL in a filter", list("title+eq+%22a%00b%22"), 400, "invalidFilter"),
        get("a lone surrogate in a filter", list("title+eq+%22%5Cud800%22"), 400, "invalidFilter"),
        get("no UTF-8 in a filter", list("title+eq+%22%ff%22"), 400, "invalidValue"),
        get("60 KB of attributes", format!("/Users?attributes={}", "a,".repeat(30_000)), 400, "invalidValue"),
    ]
}

fn searches() -> Vec<Hostile> {
    let search = |name, more: Value, keyword| {
        let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        Hostile { target: "/Users/.search".into(), ..Hostile::post(name, body.to_string(), 400, keyword) }
    };
    vec![
        search("a search for 1 MB of (", json!({"filter": "(".repeat(1 << 20)}), "invalidFilter"),
        search(
            "a search of 10,000 terms",
            json!({"filter": vec!["title pr"; 10_000].join(" or ")}),
            "invalidFilter",
        ),
        search("a search sorted by 1 MB of dots", json!({"sortBy": ".".repeat(1 << 20)}), "invalidPath"),
        search("a search from a cursor of 1 MB", json!({"cursor": "A".repeat(1 << 20)}), "invalidCursor"),
        search("a search for 500,000 attributes", json!({"attributes": vec!["a"; 500_000]}), "invalidValue"),
    ]
}

fn bulks() -> Vec<Hostile> {
    let bulk = |name, operation: &str, count: usize, status, keyword| {
        let body = format!(
            "{{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:BulkRequest\"],\"Operations\":[{}]}}",
            vec![operation; count].join(",")
        );
        Hostile { target: "/Bulk".into(), ..Hostile::post(name, body, status, keyword) }
    };
    let delete = "{\"method\":\"DELETE\",\"path\":\"/Users/x\"}";
    vec![
        bulk("a bulk of 1,001 operations", delete, 1_001, 413, ""),
        bulk("a bulk of 200,000 operations", delete, 200_000, 413, ""),
        bulk(
            "a bulk with a key twice",
            "{\"method\":\"DELETE\",\"Method\":\"POST\"}",
            1,
            400,
            "invalidSyntax",
        ),
    ]
}

fn patches(target: &str) -> Vec<Hostile> {
    let patch = |name, operations: String, status, keyword| Hostile {
        name,
        method: "PATCH",
        target: target.to_owned(),
        body: format!("{{\"schemas\":[\"{PATCH}\"],\"Operations\":[{operations}]}}").into_bytes(),
        status,
        keyword,
    };
    let path = |path: &str| json!({"op": "replace", "path": path, "value": "x"}).to_string();
    let one = "{\"op\":\"remove\",\"path\":\"title\"}";
    let primary = "{\"value\":\"x\",\"primary\":true}";
    let wide = vec!["value co \"y\""; 200].join(" or ");
    vec![
        patch("1,001 operations", vec![one; 1_001].join(","), 413, ""),
        patch("8 MiB of operations", vec![one; (LIMIT - 200) / (one.len() + 1)].join(","), 413, ""),
        patch("200,000 operations", vec![one; 200_000].join(","), 413, ""),
        patch("a path of 1 MB of (", path(&format!("emails[{}", "(".repeat(1 << 20))), 400, "invalidPath"),
        patch("a path of 4 KB of (", path(&format!("emails[{}", "(".repeat(4_000))), 400, "invalidFilter"),
        patch(
            "a path of 10,000 terms",
            path(&format!("emails[{}]", vec!["type pr"; 10_000].join(" or "))),
            400,
            "invalidPath",
        ),
        patch(
            "a path of 300 terms",
            path(&format!("emails[{}]", vec!["type pr"; 300].join(" or "))),
            400,
            "invalidFilter",
        ),
        patch(
            "200 comparisons in each of 1,000 operations",
            vec![path(&format!("emails[{wide}]")); 1_000].join(","),
            400,
            "noTarget",
        ),
        patch(
            "100,000 primary elements in one operation",
            format!(
                "{{\"op\":\"add\",\"path\":\"emails\",\"value\":[{}]}}",
                vec![primary; 100_000].join(",")
            ),
            400,
            "invalidValue",
        ),
    ]
}

/// A group whose members are these, in a body of about 5 MB when there are some 60,000.
pub fn group_of(ids: &[String]) -> Value {
    let members: Vec<Value> =
        ids.iter().map(|id| json!({"value": id, "type": "User", "display": "A member"})).collect();
    json!({"schemas": [GROUP], "displayName": "Everybody", "members": members})
}
