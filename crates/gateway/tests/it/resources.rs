//! What holds for a resource of either type from its creation to its deletion (RFC 7643 §3.1, RFC 7644 §3.3 and §3.6).

use serde_json::{Value, json};
use testkit::gateway::Tenant;

use crate::running::{GROUP, groups_of, new_group, replace, roomy, user_body};

/// A body of each type that says nothing of common attributes.
fn bodies() -> [(&'static str, Value); 2] {
    let group = json!({ "schemas": [GROUP], "displayName": "Crew" });
    [("User", user_body(&json!({ "userName": "ada" }))), ("Group", group)]
}

fn total(tenant: &Tenant, path: &str, filter: &str) -> Value {
    tenant.find(path, filter).expect(200).body["totalResults"].clone()
}

#[test]
fn rfc_7643_section_3_1_common_attributes_are_made_here() {
    let (_gateway, acme) = roomy();
    let mut ids = Vec::new();
    for (kind, body) in bodies() {
        let path = format!("/{kind}s");
        let made = acme.post(&path, &body).expect(201);
        let (id, meta) = (made.id(), &made.body["meta"]);
        let location = format!("{}{path}/{id}", acme.base_url);
        assert_eq!(
            (meta["location"].as_str(), made.header("location")),
            (Some(&*location), Some(&*location))
        );
        assert_eq!(meta["resourceType"], kind);
        assert!(meta["created"].is_string() && meta["created"] == meta["lastModified"], "{meta}");
        assert_eq!(meta["version"].as_str(), made.header("etag"));
        assert!(made.body.get("externalId").is_none(), "the client's alone to give: {}", made.text);
        let one = format!("{path}/{id}");
        assert_eq!(acme.get(&one).expect(200).body, made.body, "it is answered as it was made");
        let changed = replace("externalId", "x");
        acme.patch(&format!("{one}?attributes=id"), &changed).expect(200);
        let now = acme.get(&one).expect(200).body;
        for stays in ["created", "location", "resourceType"] {
            assert_eq!(now["meta"][stays], meta[stays], "{stays}");
        }
        assert_eq!((&now["id"], &now["externalId"]), (&json!(id), &json!("x")));
        assert!(now["meta"]["version"] != meta["version"], "{now}");
        ids.push(id);
        acme.delete(&one).expect(204);
        ids.push(acme.post(&path, &body).expect(201).id());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "no id is given twice, whatever was deleted");
}

#[test]
fn rfc_7644_section_3_6_what_is_deleted_is_gone_and_its_name_is_free() {
    let (gateway, acme) = roomy();
    let stays = acme.create_user("stays", "").expect(201).id();
    for (kind, body) in bodies() {
        let path = format!("/{kind}s");
        let made = acme.post(&path, &body).expect(201).id();
        let crew = new_group(&acme, "Outer", &[&made, &stays]);
        let one = format!("{path}/{made}");
        let gone = acme.delete(&one).expect(204);
        assert_eq!((gone.text.as_str(), gone.header("content-type")), ("", None));
        acme.get(&one).expect_error(404, "");
        acme.put(&one, &body).expect_error(404, "");
        acme.patch(&one, &replace("externalId", "x")).expect_error(404, "");
        acme.delete(&one).expect_error(404, "");
        let by_id = format!("id eq \"{made}\"");
        for list in ["", path.as_str()] {
            assert_eq!(total(&acme, list, &by_id), 0, "{kind} in {list:?}");
        }
        assert_eq!(total(&acme, "/Groups", &format!("members.value eq \"{made}\"")), 0);
        let left = acme.get(&format!("/Groups/{crew}")).expect(200).body["members"].clone();
        assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
        let again = acme.post(&path, &body).expect(201).id();
        assert_ne!(again, made);
        acme.delete(&format!("/Groups/{crew}")).expect(204);
    }
    assert!(groups_of(&acme, &stays).is_empty());
    gateway.audit(&acme);
}
