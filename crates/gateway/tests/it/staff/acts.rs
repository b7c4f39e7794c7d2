//! What staff did, and who did it.

use serde_json::{Value, json};
use testkit::{
    gateway::{Gateway, Tenant},
    http::{Answer, Request},
};

use crate::running::roomy;

/// A request with the token of `lena`.
fn by_lena(gateway: &Gateway, lena: &str, method: &str, path: &str, body: &Value) -> Answer {
    let request = Request::new(method, &format!("{}/admin/v1{path}", gateway.url)).bearer(lena);
    if body.is_null() { request.send() } else { request.json(body).send() }
}

fn acts(gateway: &Gateway, path: &str) -> Vec<Value> {
    gateway.admin("GET", path, None).expect(200).body.as_array().unwrap().clone()
}

/// Actor, act and request of each.
fn told(acts: &[Value]) -> Vec<[String; 3]> {
    let of = |act: &Value, name: &str| act[name].as_str().unwrap_or_default().to_owned();
    acts.iter().map(|act| ["actor", "act", "request_id"].map(|name| of(act, name))).collect()
}

/// Lena does one of each kind; what the acts must tell, newest first.
fn one_of_each(gateway: &Gateway, lena: &str, acme: &Tenant) -> Vec<[String; 3]> {
    let tenant = acme.admin_path();
    let schema = json!({ "id": "urn:example:desk", "name": "Desk", "attributes": [{ "name": "desk", "type": "string" }] });
    let below = |path: &str| format!("{tenant}{path}");
    let mut done: Vec<_> = [
        (
            "PATCH",
            tenant.clone(),
            json!({ "settings": { "contact": "help@example.com" } }),
            "tenant.settings",
        ),
        ("PATCH", below("/seats"), json!({ "member": { "quota": 7 } }), "plan.quota"),
        ("POST", below("/schemas"), json!({ "schema": schema }), "schema.added"),
        ("POST", below("/tokens"), json!({}), "credential.added"),
        ("POST", below("/suspend"), Value::Null, "tenant.suspended"),
        ("POST", below("/resume"), Value::Null, "tenant.resumed"),
    ]
    .iter()
    .map(|(method, path, body, act)| {
        let answer = by_lena(gateway, lena, method, path, body);
        assert!(answer.status < 300, "{}", answer.text);
        ["lena", act, answer.header("x-request-id").unwrap()].map(str::to_owned)
    })
    .collect();
    done.reverse();
    done
}

#[test]
fn me2_every_act_of_staff_names_who_did_it_and_the_request() {
    let (gateway, acme) = roomy();
    let added = gateway.admin("POST", "/tokens", Some(&json!({ "name": "lena" }))).expect(201);
    let lena = added.body["token"].as_str().unwrap();
    let done = one_of_each(&gateway, lena, &acme);
    gateway.cli_ok(&["tenant", "set", "--region", "ire", "--key", "acme", "--strict"]);

    let of_tenant = acts(&gateway, &format!("{}/acts", acme.admin_path()));
    let mut found = told(&of_tenant);
    // What staff did in one millisecond has no order between the registry and the store.
    let [roots, lenas] = [0..1, 1..7].map(|range| {
        let mut part = found[range].to_vec();
        part.sort();
        part
    });
    let mut expected = done.clone();
    expected.sort();
    assert_eq!(lenas, expected);
    assert_eq!((roots[0][0].as_str(), roots[0][1].as_str()), ("root", "tenant.settings"));
    assert!(roots[0][2].len() > 10, "{roots:?}");
    let earlier: Vec<_> = found.drain(7..).map(|[actor, act, _]| (actor, act)).collect();
    assert!(earlier.contains(&("root".into(), "tenant.created".into())), "{earlier:?}");
    assert!(of_tenant.iter().all(|act| act["tenant"] == "ire/acme" && act["at"].is_string()));

    // The change records of the tenant carry the same, and the tenant's own writes name nobody of the staff.
    acme.create_user("ada", "").expect(201);
    let changes = acts(&gateway, &format!("{}/changes", acme.admin_path()));
    let quota =
        changes.iter().find(|change| change["kind"] == "plan.quota" && change["actor"] == "lena").unwrap();
    let act = done.iter().find(|act| act[1] == "plan.quota").unwrap();
    assert_eq!(quota["request_id"], act[2].as_str());
    assert_eq!(changes[0]["kind"], "user.created");
    assert_eq!(changes[0]["actor"], Value::Null);

    // Everywhere: the acts in the registries, also on no tenant.
    let everywhere = acts(&gateway, "/acts?limit=1000");
    let added = everywhere.iter().find(|act| act["act"] == "admin_token.added").unwrap();
    assert_eq!((&added["actor"], &added["tenant"]), (&json!("root"), &Value::Null));
    assert_eq!(added["detail"]["name"], "lena");
    let issued = done.iter().find(|act| act[1] == "credential.added").unwrap();
    assert!(told(&everywhere).contains(issued));
    assert_eq!(acts(&gateway, "/acts?limit=2"), everywhere[..2]);
    assert_eq!(acts(&gateway, "/regions/us/acts"), Vec::<Value>::new());
    assert_eq!(gateway.admin("GET", "/acts?since=yesterday", None).status, 400);
}

#[test]
fn me2_the_command_line_lists_acts() {
    let (gateway, acme) = roomy();
    let json = |words: &[&str]| serde_json::from_str::<Value>(&gateway.cli_ok(words)).unwrap();
    let of_tenant = json(&["acts", "--tenant", "ire/acme", "--limit", "2", "--json"]);
    assert_eq!(of_tenant, Value::from(acts(&gateway, &format!("{}/acts?limit=2", acme.admin_path()))));
    assert_eq!(of_tenant[0]["act"], "credential.added");
    assert_eq!(json(&["acts", "--json"]), Value::from(acts(&gateway, "/acts")));
    let table = gateway.cli_ok(&["acts", "--region", "ire"]);
    assert!(table.contains("ACTOR") && table.contains("root") && table.contains("ire/acme"), "{table}");
}
