//! Mentimeter's guides for Okta and for Entra ID.

use serde_json::{Value, json};
use testkit::gateway::{Gateway, Tenant};

use super::{group, on_members};
use crate::{
    people::said,
    products::{create, named, of, standing, used},
    running::{groups_of, members, replace},
};

fn menti() -> (Gateway, Tenant) {
    of("mentimeter", &json!({ "member": 5, "member_lite": 5 }))
}

fn person(tenant: &Tenant, name: &str, role: &str) -> String {
    create(tenant, name, &json!({ "userType": role })).expect(201).id()
}

#[test]
fn mo22_groups_are_made_renamed_and_filled_by_patch_and_by_put_and_an_address_can_change() {
    let (_gateway, menti) = menti();
    let [ada, bob] = ["ada", "bob"].map(|name| person(&menti, name, "user"));
    let by_patch = menti.post("/Groups", &group("A", &[])).expect(201).id();
    let path = format!("/Groups/{by_patch}");
    menti.patch(&path, &replace("displayName", "A2")).expect(204);
    menti.patch(&path, &on_members("add", &[&ada, &bob])).expect(204);
    let by_put = menti.post("/Groups", &group("B", &[])).expect(201).id();
    menti.put(&format!("/Groups/{by_put}"), &group("B2", &[&ada, &bob])).expect(200);
    let mut both = [ada.clone(), bob];
    both.sort();
    for (id, name) in [(&by_patch, "A2"), (&by_put, "B2")] {
        assert_eq!(menti.get(&format!("/Groups/{id}")).expect(200).body["displayName"], name);
        assert_eq!(members(&menti, id), both);
    }
    let path = format!("/Users/{ada}");
    let mail = |value: &str| json!([{ "value": value, "type": "work", "primary": true }]);
    let changed = menti.patch(&path, &replace("emails", mail("new@acme.example"))).expect(200);
    assert_eq!(changed.body["emails"], mail("new@acme.example"));
    let again = json!({ "userType": "user", "emails": mail("newer@acme.example") });
    assert_eq!(
        menti.put(&path, &named("ada", &again)).expect(200).body["emails"],
        mail("newer@acme.example")
    );
}

#[test]
fn me1_people_and_groups_come_change_and_go_with_what_entra_sends_alone() {
    let (gateway, menti) = menti();
    let [ada, bob] = ["ada", "bob"].map(|name| person(&menti, name, "user"));
    let sales = menti.post("/Groups", &group("Sales", &[])).expect(201).id();
    menti.patch(&format!("/Groups/{sales}"), &on_members("Add", &[&ada, &bob])).expect(204);
    assert_eq!((used(&gateway, &menti, "member"), members(&menti, &sales).len()), (2, 2));
    menti.patch(&format!("/Users/{ada}"), &replace("displayName", "Ada L.")).expect(200);
    menti.patch(&format!("/Groups/{sales}"), &on_members("Remove", &[&bob])).expect(204);
    assert_eq!(menti.get(&format!("/Users/{ada}")).expect(200).body["displayName"], "Ada L.");
    assert_eq!((groups_of(&menti, &ada), groups_of(&menti, &bob)), (vec!["Sales".to_owned()], Vec::new()));
    menti.delete(&format!("/Users/{bob}")).expect(204);
    menti.delete(&format!("/Groups/{sales}")).expect(204);
    assert_eq!(menti.get("/Groups").expect(200).body["totalResults"], 0);
    assert_eq!((used(&gateway, &menti, "member"), groups_of(&menti, &ada)), (1, Vec::new()));
    gateway.audit(&menti);
}

#[test]
fn me4_the_base_url_is_shown_and_a_token_once_and_only_its_hash_is_kept() {
    let (gateway, menti) = menti();
    let issued = said(&gateway, &menti, &["token", "issue"]);
    assert_eq!(issued["base_url"], menti.base_url);
    let token = issued["token"].as_str().unwrap();
    let opened = Tenant { token: token.to_owned(), ..at(&menti) };
    opened.get("/Users?count=1").expect(200);
    let (random, listed) =
        (&token[token.len() - 12..], said(&gateway, &menti, &["token", "list"]).to_string());
    assert!(!listed.contains(token) && !listed.contains(random), "{listed}");
    assert_eq!(said(&gateway, &menti, &["tenant", "show"])["base_url"], menti.base_url);
    for file in std::fs::read_dir(gateway.data_dir()).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(random.len()).any(|part| part == random.as_bytes()), "{}", file.display());
    }
}

fn at(tenant: &Tenant) -> Tenant {
    let Tenant { base_url, token, region, key } = tenant;
    Tenant { base_url: base_url.clone(), token: token.clone(), region: region.clone(), key: key.clone() }
}

#[test]
fn me13_an_attribute_whose_mapping_is_gone_stays_as_it_was() {
    let (gateway, menti) = menti();
    let attributes = json!({ "userType": "user", "externalId": "oid-1", "title": "Dr", "displayName": "Ada",
        "emails": [{ "value": "ada@acme.example", "type": "work" }] });
    let ada = create(&menti, "ada", &attributes).expect(201);
    let path = format!("/Users/{}", ada.id());
    // The next cycles change the display name and nothing else.
    for name in ["Ada L.", "Ada Lovelace"] {
        menti.patch(&path, &replace("displayName", name)).expect(200);
    }
    let after = menti.get(&path).expect(200);
    for kept in ["userType", "externalId", "title", "emails", "active", "userName"] {
        assert_eq!(after.body[kept], ada.body[kept], "{kept}");
    }
    assert_eq!((standing(&after), used(&gateway, &menti, "member")), (["member", "member", "granted"], 1));
}

#[test]
fn me16_who_leaves_the_assigned_group_is_suspended_and_listed_so_with_data_kept_and_the_seat_freed() {
    let (gateway, menti) = menti();
    let ada = create(&menti, "ada", &json!({ "userType": "user", "title": "Dr" })).expect(201).id();
    let sales = menti.post("/Groups", &group("Sales", &[&ada])).expect(201).id();
    let path = format!("/Users/{ada}");
    let off =
        menti.patch(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }])).expect(200);
    assert_eq!((standing(&off), &off.body["active"]), (["member", "none", "suspended"], &json!(false)));
    assert_eq!((&off.body["title"], members(&menti, &sales)), (&json!("Dr"), vec![ada.clone()]));
    assert_eq!(used(&gateway, &menti, "member"), 0);
    let listed = said(&gateway, &menti, &["user", "list", "--state", "suspended"]);
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &json!(ada)));
    gateway.audit(&menti);
}

#[test]
fn me19_people_and_groups_that_are_assigned_before_or_after_the_start_come_to_the_same() {
    let (gateway, before) = menti();
    let seats = json!({ "member": 5, "member_lite": 5 });
    let after = gateway
        .onboard("ire", &json!({ "key": "other", "name": "Other", "profile": "mentimeter", "seats": seats }));
    let people = [("ada", "admin"), ("bob", "user"), ("cid", "member_lite")];
    // All is there when the first cycle runs: people, then the group and its members.
    let ids = people.map(|(name, role)| person(&before, name, role));
    let sales = before.post("/Groups", &group("Sales", &[])).expect(201).id();
    before.patch(&format!("/Groups/{sales}"), &on_members("Add", &[&ids[0], &ids[1], &ids[2]])).expect(204);
    // Assigned one by one while provisioning runs, the group first.
    let sales = after.post("/Groups", &group("Sales", &[])).expect(201).id();
    for (name, role) in [people[2], people[0], people[1]] {
        let id = person(&after, name, role);
        after.patch(&format!("/Groups/{sales}"), &on_members("Add", &[&id])).expect(204);
    }
    let state = |tenant: &Tenant| -> Vec<Value> {
        let listed = tenant.get("/Users?sortBy=userName").expect(200).body;
        let seen = |user: &Value| {
            let groups = groups_of(tenant, user["id"].as_str().unwrap());
            json!([
                user["userName"],
                user["userType"],
                user["active"],
                user[crate::running::SEAT]["grantedLicense"],
                groups
            ])
        };
        listed["Resources"].as_array().unwrap().iter().map(seen).collect()
    };
    assert_eq!(state(&before), state(&after));
    let numbers = |tenant| ["member", "member_lite"].map(|license| used(&gateway, tenant, license));
    assert_eq!(numbers(&before), numbers(&after));
}
