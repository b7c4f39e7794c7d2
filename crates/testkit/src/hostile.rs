//! Requests at and beyond every limit of a client's requests, with the answer to each. Tests assert the answers; `cargo run
//! --release --bin hostile` shows the cost of each for the gateway, which no test asserts, since it depends on the machine.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::urn::{BULK_REQUEST, GROUP, PATCH_OP, SEARCH_REQUEST, USER};
use crate::{
    gateway::Tenant,
    http::{Answer, Request, encode},
    wire,
};

/// The gateway's default for a body.
const LIMIT: usize = 8 << 20;

/// One request and the answer that it must get.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// Its name in messages.
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

/// Short texts that are refused for their syntax, by their names. Fuzzing begins with them too (`scim_properties::seeds`).
static TEXTS: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("hostile.json")).unwrap());

/// The names and texts of one kind.
fn texts(kind: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    TEXTS[kind].as_object().unwrap().iter().map(|(name, text)| (name.as_str(), text.as_str().unwrap()))
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
    fn post(name: &'static str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { name, method: "POST", target: target.into(), body: body.into(), status: 400, keyword: "" }
    }

    fn get(name: &'static str, query: &str) -> Self {
        Self {
            name,
            method: "GET",
            target: format!("/Users?{query}"),
            body: Vec::new(),
            status: 400,
            keyword: "",
        }
    }

    /// Answered with this status and no `scimType`.
    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Answered 400 with this `scimType`.
    fn keyword(self, keyword: &'static str) -> Self {
        Self { keyword, ..self }
    }

    /// Sends it on a connection of its own. A client that still sends while it is refused must be able to read why.
    pub fn send(&self, tenant: &Tenant) -> Answer {
        let url = format!("{}{}", tenant.base_url, self.target);
        let request = Request::new(self.method, &url).bearer(&tenant.token);
        let request = request.header("content-type", "application/scim+json").bytes(&self.body);
        wire::exchange(&request).unwrap_or_else(|e| panic!("{}: {e}", self.name))
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
    let begin = format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"x\",");
    let title = |text: &str| format!("{begin}\"title\":\"{text}\"}}");
    let long = "x".repeat(LIMIT - 200);
    let emails = filled(&format!("{begin}\"emails\":["), |i| format!("{{\"value\":\"{i}\"}},"), "{}]}");
    let post = |name, body: String| Hostile::post(name, "/Users", body);
    let mut requests = vec![
        post("1 MB of (", "(".repeat(1 << 20)),
        post("8 MiB of [", "[".repeat(LIMIT)),
        post("8 MiB of keys, one twice", filled("{", |i| format!("\"{i:x}\":0,"), "\"0\":0}")),
        post("8 MiB, then a lone surrogate", title(&format!("{long}\\udc00"))),
        post("8 MiB, then NUL, escaped", title(&format!("{long}\\u0000"))),
        post("8 MiB of numbers", filled("[", |_| "0,".into(), "0]")),
        post("8 MiB of small objects", filled("[", |_| "{\"a\":0},".into(), "0]")),
        post("8 MiB of e-mail addresses", emails),
    ];
    requests.extend(texts("bodies").map(|(name, body)| post(name, body.to_owned())));
    let mut requests: Vec<_> = requests.into_iter().map(|request| request.keyword("invalidSyntax")).collect();
    requests.push(post("a string of 1 MB", title(&"x".repeat(1 << 20))).keyword("invalidValue"));
    requests.push(post("10 MB", " ".repeat(10_000_000)).status(413));
    requests.push(post("8 MiB and one byte", " ".repeat(LIMIT + 1)).status(413));
    requests
}

fn queries() -> Vec<Hostile> {
    let filter = |name, filter: &str| Hostile::get(name, &format!("filter={filter}"));
    let terms = |name, count| filter(name, &vec!["title+pr"; count].join("+or+"));
    let mut requests = vec![
        filter("60 KB of ( in the URL", &"(".repeat(60_000)),
        filter("16 KB of ( in the URL", &"(".repeat(16_000)),
        terms("4,000 terms in the URL", 4_000),
        terms("1,000 terms in the URL", 1_000),
    ];
    requests.extend(texts("filters").map(|(name, text)| filter(name, &encode(text))));
    let mut requests: Vec<_> = requests.into_iter().map(|request| request.keyword("invalidFilter")).collect();
    requests.extend([
        filter("1 MB of ( in the URL", &"(".repeat(1 << 20)).status(414),
        filter("100 KB of ( in the URL", &"(".repeat(100_000)).status(414),
        terms("10,000 terms in the URL", 10_000).status(414),
        filter("no UTF-8 in a filter", "title+eq+%22%ff%22").keyword("invalidValue"),
        Hostile::get("60 KB of attributes", &format!("attributes={}", "a,".repeat(30_000)))
            .keyword("invalidValue"),
    ]);
    requests
}

fn searches() -> Vec<Hostile> {
    let search = |name, attribute: &str, value: Value, keyword| {
        let body = json!({"schemas": [SEARCH_REQUEST], attribute: value});
        Hostile::post(name, "/Users/.search", body.to_string()).keyword(keyword)
    };
    let (brackets, terms) = ("(".repeat(1 << 20), vec!["title pr"; 10_000].join(" or "));
    vec![
        search("a search for 1 MB of (", "filter", brackets.into(), "invalidFilter"),
        search("a search of 10,000 terms", "filter", terms.into(), "invalidFilter"),
        search("a search sorted by 1 MB of dots", "sortBy", ".".repeat(1 << 20).into(), "invalidPath"),
        search("a search from a cursor of 1 MB", "cursor", "A".repeat(1 << 20).into(), "invalidCursor"),
        search("a search for 500,000 attributes", "attributes", vec!["a"; 500_000].into(), "invalidValue"),
    ]
}

fn bulks() -> Vec<Hostile> {
    let bulk = |name, operation: &str, count: usize| {
        let operations = vec![operation; count].join(",");
        let body = format!("{{\"schemas\":[\"{BULK_REQUEST}\"],\"Operations\":[{operations}]}}");
        Hostile::post(name, "/Bulk", body)
    };
    let delete = "{\"method\":\"DELETE\",\"path\":\"/Users/x\"}";
    let twice = "{\"method\":\"DELETE\",\"Method\":\"POST\"}";
    vec![
        bulk("a bulk of 1,001 operations", delete, 1_001).status(413),
        bulk("a bulk of 200,000 operations", delete, 200_000).status(413),
        bulk("a bulk with a key twice", twice, 1).keyword("invalidSyntax"),
    ]
}

fn patches(target: &str) -> Vec<Hostile> {
    let patch = |name, operation: &str, count: usize| {
        let operations = vec![operation; count].join(",");
        let body = format!("{{\"schemas\":[\"{PATCH_OP}\"],\"Operations\":[{operations}]}}");
        Hostile { method: "PATCH", ..Hostile::post(name, target, body) }
    };
    let replace = |name, path: &str, count| {
        patch(name, &json!({"op": "replace", "path": path, "value": "x"}).to_string(), count)
    };
    let terms = |count| format!("emails[{}]", vec!["type pr"; count].join(" or "));
    let remove = "{\"op\":\"remove\",\"path\":\"title\"}";
    let primary = vec!["{\"value\":\"x\",\"primary\":true}"; 100_000].join(",");
    let primary = format!("{{\"op\":\"add\",\"path\":\"emails\",\"value\":[{primary}]}}");
    let wide = format!("emails[{}]", vec!["value co \"y\""; 200].join(" or "));
    let brackets = |count| format!("emails[{}", "(".repeat(count));
    vec![
        patch("1,001 operations", remove, 1_001).status(413),
        patch("8 MiB of operations", remove, (LIMIT - 200) / (remove.len() + 1)).status(413),
        patch("200,000 operations", remove, 200_000).status(413),
        replace("a path of 1 MB of (", &brackets(1 << 20), 1).keyword("invalidPath"),
        replace("a path of 4 KB of (", &brackets(4_000), 1).keyword("invalidFilter"),
        replace("a path of 10,000 terms", &terms(10_000), 1).keyword("invalidPath"),
        replace("a path of 300 terms", &terms(300), 1).keyword("invalidFilter"),
        replace("200 comparisons in each of 1,000 operations", &wide, 1_000).keyword("noTarget"),
        patch("100,000 primary elements in one operation", &primary, 1).keyword("invalidValue"),
    ]
}

/// A group whose members are these, in a body of about 5 MB when there are some 60,000.
pub fn group_of(ids: &[String]) -> Value {
    let members: Vec<Value> =
        ids.iter().map(|id| json!({"value": id, "type": "User", "display": "A member"})).collect();
    json!({"schemas": [GROUP], "displayName": "Everybody", "members": members})
}
