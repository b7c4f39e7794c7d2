//! Acts of staff: audited in the same breath, and a deleted tenant is gone (rows 58 and 68).

use serde_json::{Value, json};
use testkit::{gateway::Gateway, http::Answer};

use super::{files_with, gateway, group, newest_store, roomy, sql, user};

/// Every admin write that is one row in the registry.
fn registry_acts(gateway: &Gateway, key_id: &str) -> Vec<Answer> {
    let settings = json!({ "settings": { "strict": true } });
    vec![
        gateway.admin("PATCH", "/regions/ire/tenants/acme", Some(&settings)),
        gateway.admin("POST", "/regions/ire/tenants/acme/suspend", None),
        gateway.admin("POST", "/regions/ire/tenants/acme/resume", None),
        gateway.admin("POST", "/regions/ire/tenants/acme/tokens", None),
        gateway.admin("DELETE", &format!("/regions/ire/tenants/acme/tokens/{key_id}"), None),
        gateway.admin("POST", "/regions/ire/tenants", Some(&json!({ "key": "second", "name": "Second" }))),
        gateway.admin("DELETE", "/regions/ire/tenants/acme", None),
    ]
}

fn key_id(gateway: &Gateway) -> String {
    let tokens = gateway.admin("GET", "/regions/ire/tenants/acme/tokens", None).expect(200).body;
    tokens[0]["key_id"].as_str().unwrap().to_owned()
}

#[test]
fn attack_58_every_act_of_staff_leaves_its_entry() {
    let gateway = gateway();
    roomy(&gateway, "ire", "acme");
    let registry = gateway.data_dir().join("ire").join("registry.db");
    let acts = |gateway: &Gateway| {
        let done = registry_acts(gateway, &key_id(gateway));
        assert!(done.iter().all(|a| a.status < 300), "{done:#?}");
    };
    acts(&gateway);
    let recorded = sql(&registry, "SELECT act FROM staff_acts ORDER BY id");
    let expected = [
        "tenant.created",
        "credential.added",
        "tenant.settings",
        "tenant.suspended",
        "tenant.resumed",
        "credential.added",
        "credential.revoked",
        "tenant.created",
        "tenant.deleted",
    ];
    assert_eq!(recorded.lines().collect::<Vec<_>>(), expected);
    let others =
        gateway.admin("GET", "/regions/ire/tenants/second/changes?limit=1000", None).expect(200).body;
    let before = others.as_array().unwrap().len();
    gateway
        .admin(
            "PATCH",
            "/regions/ire/tenants/second/seats",
            Some(&json!({ "member": { "quota": 7, "policy": "refuse" } })),
        )
        .expect(200);
    let after = gateway.admin("GET", "/regions/ire/tenants/second/changes?limit=1000", None).expect(200).body;
    assert!(after.as_array().unwrap().len() > before, "{after}");
}

#[test]
fn attack_58_an_act_that_cannot_be_recorded_is_not_done() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let store = newest_store(&gateway, "ire");
    let key_id = key_id(&gateway);
    let tokens =
        |gateway: &Gateway| gateway.admin("GET", "/regions/ire/tenants/acme/tokens", None).expect(200).body;
    let shown = |gateway: &Gateway| gateway.admin("GET", "/regions/ire/tenants", None).expect(200).body;
    let unused = |mut tokens: Value| {
        tokens.as_array_mut().into_iter().flatten().for_each(|t| t["last_used"] = Value::Null);
        tokens
    };
    let before = (shown(&gateway), unused(tokens(&gateway)), gateway.seats(&acme));
    sql(&gateway.data_dir().join("ire").join("registry.db"), "ALTER TABLE staff_acts RENAME TO gone");
    sql(&store, "ALTER TABLE changes RENAME TO gone");
    let mut refused = registry_acts(&gateway, &key_id);
    for change in [json!({ "member": { "quota": 1 } }), json!({ "member": { "policy": "fallback" } })] {
        refused.push(gateway.admin("PATCH", "/regions/ire/tenants/acme/seats", Some(&change)));
    }
    let desk = json!({ "name": "desk", "type": "string", "multiValued": false });
    let schema = json!({ "schema": { "id": "urn:example:hr:2.0:User", "name": "HR", "attributes": [desk] } });
    refused.push(gateway.admin("POST", "/regions/ire/tenants/acme/schemas", Some(&schema)));
    for answer in refused {
        assert_eq!(answer.status, 503, "{}", answer.text);
        super::assert_no_leak(&answer, &["staff_acts", "gone"]);
    }
    acme.create_user("ada", "").expect_error(503, "");
    assert_eq!((shown(&gateway), unused(tokens(&gateway)), gateway.seats(&acme)), before);
    assert_eq!(gateway.admin("GET", "/regions/ire/tenants/acme/schemas", None).expect(200).body, json!([]));
    assert_eq!(acme.get("/Users").expect(200).body["totalResults"], 0);
}

#[test]
fn attack_68_a_deleted_tenant_is_gone_from_every_route_file_and_number() {
    let mut gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    let made =
        acme.post("/Users", &user("canary-user", &json!({ "externalId": "canary-external" }))).expect(201);
    acme.post("/Groups", &group("canary-group", &[&made.id()])).expect(201);
    assert!(!files_with(&gateway.data_dir(), "canary-").is_empty());
    gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    let routes =
        ["/Users", "/Groups", "/ServiceProviderConfig", "/nothing", &format!("/Users/{}", made.id())];
    for route in routes {
        acme.get(route).expect_error(401, "");
    }
    acme.create_user("late", "").expect_error(401, "");
    for (method, path) in [
        ("GET", ""),
        ("GET", "/tokens"),
        ("GET", "/seats"),
        ("POST", "/tokens"),
        ("POST", "/resume"),
        ("DELETE", ""),
    ] {
        gateway.admin(method, &format!("{}{path}", acme.admin_path()), None).expect(404);
    }
    assert!(
        files_with(&gateway.data_dir(), "canary-").is_empty(),
        "{:?}",
        files_with(&gateway.data_dir(), "canary-")
    );
    // The same key again: a new tenant that knows nothing of the old one, whose token stays dead.
    let again = roomy(&gateway, "ire", "acme");
    assert_eq!(again.get("/Users").expect(200).body["totalResults"], 0);
    again.get(&format!("/Users/{}", made.id())).expect_error(404, "");
    acme.get("/Users").expect_error(401, "");
    assert_eq!(gateway.seats(&again)["member"]["used"], 0);
    again.create_user("canary-user", "").expect(201);
    gateway.kill();
    gateway.start_again();
    acme.get("/Users").expect_error(401, "");
    assert_eq!(again.get("/Users").expect(200).body["totalResults"], 1);
}

#[test]
fn attack_68_a_deletion_under_load_leaves_nothing_behind() {
    let gateway = gateway();
    let acme = roomy(&gateway, "ire", "acme");
    acme.create_user("canary-first", "").expect(201);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let acme = &acme;
            scope.spawn(move || {
                for n in 0.. {
                    let status = acme.create_user(&format!("canary-{worker}-{n}"), "").status;
                    assert!(matches!(status, 201 | 401 | 503), "{status}");
                    if status == 401 {
                        break;
                    }
                }
            });
        }
        gateway.admin("DELETE", &acme.admin_path(), None).expect(204);
    });
    assert!(files_with(&gateway.data_dir(), "canary-").is_empty());
}
