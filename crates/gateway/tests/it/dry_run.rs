//! `Usher-Dry-Run: true`: the answer of a write, and nothing of the write.

use serde_json::{Map, Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
    urn::{BULK_REQUEST, PATCH_OP},
};

use crate::running::{
    GROUP, USER, acme, counted_writes, gateway_with, new_group, replace, stored, user_body, wait_for,
};

const HEADER: &str = "usher-dry-run";
const PREVIEW: &str = "urn:usher:params:scim:api:messages:2.0:Preview";

/// A write: its method, its path and its body.
type Sent<'a> = (&'a str, String, Option<Value>);

fn request(tenant: &Tenant, (method, path, body): &Sent<'_>) -> Request {
    let request = tenant.request(method, path);
    body.iter().fold(request, |request, body| request.json(body))
}

/// Sends it as a dry run, which must leave everything as it is.
#[track_caller]
fn dry(gateway: &Gateway, tenant: &Tenant, sent: &Sent<'_>) -> Answer {
    let before = (stored(gateway, tenant), gateway.seats(tenant), counted_writes(gateway));
    let answer = request(tenant, sent).header(HEADER, "true").send();
    assert_eq!(answer.header(HEADER), Some("true"), "{sent:?}: {}", answer.text);
    let after = (stored(gateway, tenant), gateway.seats(tenant), counted_writes(gateway));
    assert_eq!(before, after, "{sent:?}");
    answer
}

/// An answer without what no two writes have in common, ids and times, and without the members of a dry run.
fn comparable(answer: &Answer) -> (u16, Value) {
    let mut body: Value = serde_json::from_str(&without_ids(&answer.text)).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.remove(PREVIEW);
        if let Some(Value::Array(schemas)) = body.get_mut("schemas") {
            schemas.retain(|schema| schema != PREVIEW);
        }
    }
    strip(&mut body);
    (answer.status, body)
}

/// A text with a sign in the place of each id, of resources and of requests.
fn without_ids(text: &str) -> String {
    let of_id = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    let mut masked = String::new();
    for part in text.split_inclusive(|letter| !of_id(letter)) {
        let id = part.trim_end_matches(|letter| !of_id(letter));
        masked.push_str(&if id.len() < 32 { part.to_owned() } else { part.replace(id, "*") });
    }
    masked
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["created", "lastModified", "since"] {
                members.remove(name);
            }
            members.values_mut().for_each(strip);
        }
        Value::Array(elements) => elements.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Sends it as a dry run and then in earnest: the answers are the same. The seats that the dry run tells of, if it tells of any.
#[track_caller]
fn twice(gateway: &Gateway, tenant: &Tenant, sent: &Sent<'_>) -> (Value, Answer) {
    let before = gateway.seats(tenant);
    let dry = dry(gateway, tenant, sent);
    let real = request(tenant, sent).send();
    assert_eq!(real.header(HEADER), None);
    assert_eq!(comparable(&dry), comparable(&real), "{sent:?}");
    assert_eq!(dry.text.is_empty(), real.text.is_empty());
    for name in ["etag", "content-type"] {
        assert_eq!(dry.header(name), real.header(name), "{name} of {sent:?}");
    }
    assert_eq!(dry.header("location").is_some(), real.header("location").is_some());
    let is_success_with_body = real.status < 300 && !real.text.is_empty();
    if !is_success_with_body {
        assert!(dry.body.get(PREVIEW).is_none(), "{}", dry.text);
        return (Value::Null, real);
    }
    let schemas = dry.body.get("schemas").and_then(Value::as_array);
    assert_eq!(
        schemas.map(|schemas| schemas.last().unwrap() == PREVIEW),
        real.body.get("schemas").map(|_| true)
    );
    let after = gateway.seats(tenant);
    let licenses = before.as_object().unwrap().keys();
    let used = licenses.map(|key| {
        let used = |seats: &Value| seats[key]["used"].clone();
        (key.clone(), json!({ "used_before": used(&before), "used_after": used(&after) }))
    });
    assert_eq!(dry.body[PREVIEW], json!({ "seats": used.collect::<Map<_, _>>() }), "{sent:?}");
    (dry.body[PREVIEW]["seats"].clone(), real)
}

fn post(name: &str, user_type: &str) -> Sent<'static> {
    let body = user_body(&json!({ "userName": name, "userType": user_type }));
    ("POST", "/Users".into(), Some(body))
}

fn patch(path: String, operations: Value) -> Sent<'static> {
    ("PATCH", path, Some(json!({ "schemas": [PATCH_OP], "Operations": operations })))
}

#[test]
fn a_dry_run_is_answered_as_the_real_thing_and_moves_nothing() {
    let (gateway, tenant) = acme(Some(1), Some(2));
    // The seat of the first falls to the second, who falls back; the third finds none at all.
    let (seats, ann) = twice(&gateway, &tenant, &post("ann", "user"));
    assert_eq!(seats["member"], json!({ "used_before": 0, "used_after": 1 }));
    let (seats, bob) = twice(&gateway, &tenant, &post("bob", "user"));
    assert_eq!(seats["member_lite"], json!({ "used_before": 0, "used_after": 1 }));
    twice(&gateway, &tenant, &post("cid", "member_lite"));
    let (_, refused) = twice(&gateway, &tenant, &post("dan", "user"));
    refused.expect_error(403, "seatLimitReached");
    twice(&gateway, &tenant, &post("ANN", "user")).1.expect_error(409, "uniqueness");
    twice(&gateway, &tenant, &("POST", "/Users".into(), Some(json!({})))).1.expect(400);

    let (ann, bob) = (ann.id(), bob.id());
    let path = format!("/Users/{ann}");
    let body = user_body(&json!({ "userName": "ann", "userType": "user", "displayName": "Ann" }));
    twice(&gateway, &tenant, &("PUT", path.clone(), Some(body.clone()))).1.expect(200);
    twice(&gateway, &tenant, &("PUT", format!("{path}?attributes=userName"), Some(body))).1.expect(200);
    twice(&gateway, &tenant, &patch("/Users/none".into(), json!([{ "op": "remove", "path": "title" }])))
        .1
        .expect(404);
    // A value that is there already.
    twice(&gateway, &tenant, &patch(path.clone(), replace("displayName", "Ann"))).1.expect(200);
    // Who leaves hands the seat on to who waits.
    let (seats, _) = twice(&gateway, &tenant, &patch(path.clone(), replace("active", false)));
    assert_eq!(seats["member"], json!({ "used_before": 1, "used_after": 1 }));
    assert_eq!(seats["member_lite"], json!({ "used_before": 2, "used_after": 1 }));

    let team = json!({ "schemas": [GROUP], "displayName": "team", "members": [{ "value": bob }] });
    let (_, team) = twice(&gateway, &tenant, &("POST", "/Groups".into(), Some(team)));
    let group = format!("/Groups/{}", team.id());
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": ann }] }]);
    twice(&gateway, &tenant, &patch(group.clone(), add.clone())).1.expect(204);
    twice(&gateway, &tenant, &patch(format!("{group}?attributes=members"), add)).1.expect(200);
    twice(&gateway, &tenant, &("DELETE", group, None)).1.expect(204);
    twice(&gateway, &tenant, &("DELETE", path.clone(), None)).1.expect(204);
    twice(&gateway, &tenant, &("DELETE", path, None)).1.expect(404);
    gateway.audit(&tenant);
}

fn operation(method: &str, path: &str, data: Value) -> Value {
    let bulk_id = data["userName"].as_str().or(data["displayName"].as_str()).unwrap_or("-").to_owned();
    json!({ "method": method, "path": path, "bulkId": bulk_id, "data": data })
}

#[test]
fn a_dry_bulk_is_one_transaction_in_which_each_operation_meets_those_before_it() {
    let (gateway, tenant) = acme(Some(2), Some(1));
    let user = |name: &str| {
        operation("POST", "/Users", json!({ "schemas": [USER], "userName": name, "userType": "user" }))
    };
    // More than one transaction of a bulk that is stored, on PostgreSQL at least.
    let mut operations: Vec<Value> = ["a", "b", "c", "d", "A"].iter().map(|name| user(name)).collect();
    operations.push(operation(
        "POST",
        "/Groups",
        json!({ "schemas": [GROUP], "displayName": "team", "members": [{ "value": "bulkId:a" }, { "value": "bulkId:c" }] }),
    ));
    operations.push(json!({ "method": "DELETE", "path": "/Users/bulkId:b" }));
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    let (seats, real) = twice(&gateway, &tenant, &("POST", "/Bulk".into(), Some(body)));
    let statuses: Vec<&str> =
        real.body["Operations"].as_array().unwrap().iter().map(|o| o["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "201", "201", "403", "409", "201", "204"]);
    // The second has gone, and the third, who fell back, has that seat.
    assert_eq!(seats["member"], json!({ "used_before": 0, "used_after": 2 }));
    assert_eq!(seats["member_lite"], json!({ "used_before": 0, "used_after": 0 }));

    let body = json!({ "schemas": [BULK_REQUEST], "failOnErrors": 1, "Operations": [user("a"), user("e"), user("f")] });
    let (_, real) = twice(&gateway, &tenant, &("POST", "/Bulk".into(), Some(body)));
    assert_eq!(real.body["Operations"].as_array().unwrap().len(), 1);
    twice(&gateway, &tenant, &("POST", "/Bulk".into(), Some(json!({ "Operations": 1 })))).1.expect(400);
    gateway.audit(&tenant);
}

#[test]
fn refused_dry_runs_are_no_refusals_and_a_dry_bulk_meets_the_hold_that_its_own_would_bring() {
    let gateway = gateway_with(&[("USHER__LIMITS__REFUSALS_BEFORE_HOLD", "3")]);
    let tenant = gateway.tenant("ire", "acme", Some(0), Some(0));
    let policy = json!({ "member": { "policy": "refuse" } });
    gateway.admin("PATCH", &format!("{}/seats", tenant.admin_path()), Some(&policy)).expect(200);
    for n in 0..5 {
        dry(&gateway, &tenant, &post(&format!("u{n}"), "user")).expect_error(403, "seatLimitReached");
    }
    assert_eq!(gateway.seats(&tenant)["member"]["in_force"], "refuse");
    let user = |n: usize| {
        let data = json!({ "schemas": [USER], "userName": format!("u{n}"), "userType": "user" });
        json!({ "method": "POST", "path": "/Users", "bulkId": format!("u{n}"), "data": data })
    };
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": [user(0), user(1)] });
    dry(&gateway, &tenant, &("POST", "/Bulk".into(), Some(body))).expect(200);
    assert_eq!(gateway.seats(&tenant)["member"]["in_force"], "refuse");
    // The log has the writes that were meant, each a moment after its answer and in their order, and no dry run.
    tenant.create_user("meant", "user").expect_error(403, "seatLimitReached");
    let log = || {
        gateway.admin("GET", &format!("{}/log", tenant.admin_path()), None).expect(200).body["rows"].clone()
    };
    wait_for("the refusal is in the log", || log().as_array().is_some_and(|rows| !rows.is_empty()));
    let rows = log();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["user_name"]), (1, &"meant".into()), "{rows}");
    for n in 0..2 {
        tenant.create_user(&format!("u{n}"), "user").expect_error(403, "seatLimitReached");
    }
    // A person who would wait does not wait.
    let (_, real) = twice(&gateway, &tenant, &post("late", "user"));
    assert_eq!(real.body[crate::running::SEAT]["state"], "waitlisted");
}

#[test]
fn another_value_is_refused_and_reads_do_not_heed_it() {
    let (gateway, tenant) = acme(Some(5), Some(5));
    let id = tenant.create_user("ann", "user").expect(201).id();
    let group = new_group(&tenant, "team", &[&id]);
    let before = stored(&gateway, &tenant);
    let paths = ["/Users".to_owned(), "/Groups".to_owned(), "/Bulk".to_owned()];
    let writes = paths.iter().map(|path| ("POST", path.clone())).chain(
        ["PUT", "PATCH", "DELETE"]
            .into_iter()
            .flat_map(|method| [(method, format!("/Users/{id}")), (method, format!("/Groups/{group}"))]),
    );
    for (method, path) in writes {
        for value in ["false", "True", "1", "", "true, true"] {
            let sent = (method, path.clone(), Some(json!({})));
            let answer = request(&tenant, &sent).header(HEADER, value).send();
            answer.clone().expect_error(400, "invalidValue");
            let (detail, echoed) = (answer.body["detail"].as_str().unwrap(), answer.header(HEADER));
            assert!(detail.starts_with("The header Usher-Dry-Run is true, or it is not sent."), "{detail}");
            assert_eq!(echoed, None);
        }
        let twice = request(&tenant, &(method, path, Some(json!({})))).header(HEADER, "true");
        twice.header(HEADER, "true").send().expect_error(400, "invalidValue");
    }
    assert_eq!(stored(&gateway, &tenant), before);
    for value in ["true", "nonsense"] {
        for path in ["/Users", "/Groups", "/Schemas", "/ServiceProviderConfig", "/"] {
            let plain = tenant.get(path).expect(200);
            let answer = tenant.request("GET", path).header(HEADER, value).send().expect(200);
            assert_eq!((&answer.text, answer.header(HEADER)), (&plain.text, None), "{path}");
        }
        let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
        let answer = tenant.request("POST", "/Users/.search").header(HEADER, value).json(&search).send();
        assert_eq!((answer.clone().expect(200).header(HEADER), answer.body.get(PREVIEW)), (None, None));
        tenant.request("HEAD", &format!("/Users/{id}")).header(HEADER, value).send().expect(200);
    }
}

#[test]
fn a_dry_run_needs_what_the_write_needs() {
    let (gateway, tenant) = acme(Some(5), Some(5));
    let stranger = Tenant { token: "usher_ire_none".into(), ..tenant.clone() };
    let answer = request(&stranger, &post("eve", "user")).header(HEADER, "true").send().expect_error(401, "");
    assert_eq!(answer.header(HEADER), Some("true"));
    let reader = gateway.admin(
        "POST",
        &format!("{}/credentials", tenant.admin_path()),
        Some(&json!({ "kind": "bearer", "scopes": ["read"] })),
    );
    let token = reader.expect(201).body["token"].as_str().unwrap().to_owned();
    let reader = Tenant { token, ..tenant.clone() };
    let answer = request(&reader, &post("eve", "user")).header(HEADER, "true").send().expect(403);
    assert_eq!(answer.header(HEADER), Some("true"));
    // The version is judged too, and stays.
    let made = tenant.create_user("ann", "user").expect(201);
    let path = format!("/Users/{}", made.id());
    let stale = tenant.request("DELETE", &path).header("if-match", "W/\"99\"").header(HEADER, "true").send();
    stale.expect(412);
    let fresh = made.header("etag").unwrap();
    tenant.request("DELETE", &path).header("if-match", fresh).header(HEADER, "true").send().expect(204);
    assert_eq!(tenant.get(&path).expect(200).header("etag"), Some(fresh));
}
