//! A storm of writes that remembers what was acknowledged, and the reckoning afterwards: every acknowledged write is there,
//! every other one is whole or absent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::{Value, json};
use testkit::{gateway::Tenant, http::Request};

use crate::running::{ENTERPRISE, SEAT, new_group, user_body};
use testkit::urn::PATCH_OP;

const WRITERS: usize = 8;

/// What a client knows of a write.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    NotSent,
    Acknowledged,
    /// The connection broke before an answer: it may have happened or not.
    InDoubt,
    /// Answered with a refusal: it did not happen.
    Refused,
}

/// One user and what its writer did to it, in this order.
struct Person {
    name: String,
    created: Fate,
    titled: Fate,
    joined: Fate,
    /// A bulk: two friends who are each other's manager, one of whom joins too.
    brought: Fate,
    suspended: Fate,
}

/// One tenant under load, and what its eight writers remember.
pub(super) struct Storm {
    tenant: Tenant,
    group: String,
    acknowledged: AtomicUsize,
    people: Vec<Person>,
}

impl Storm {
    pub(super) fn over(tenant: Tenant) -> Self {
        let group = new_group(&tenant, "Crew", &[]);
        Self { tenant, group, acknowledged: AtomicUsize::new(0), people: Vec::new() }
    }

    /// Lets the writers loose, does `act` once `enough` writes were acknowledged, and waits for the writers, who end at the
    /// first write that is not.
    pub(super) fn rage<T>(&mut self, enough: usize, act: impl FnOnce() -> T) -> T {
        let this = &*self;
        let (done, people) = thread::scope(|scope| {
            let running: Vec<_> =
                (0..WRITERS).map(|writer| scope.spawn(move || this.write(writer))).collect();
            while this.acknowledged.load(Ordering::Relaxed) < enough {
                assert!(running.iter().any(|w| !w.is_finished()), "every writer ended early");
                thread::yield_now();
            }
            let done = act();
            (done, running.into_iter().flat_map(|w| w.join().unwrap()).collect())
        });
        self.people = people;
        done
    }

    fn write(&self, writer: usize) -> Vec<Person> {
        let mut people = Vec::new();
        loop {
            let (person, ended) = self.live(format!("{writer}-{}", people.len()));
            people.push(person);
            if ended {
                return people;
            }
        }
    }

    /// Create, PATCH of two attributes, group add, a bulk, PATCH of `active`: one user's life. Whether it ended early.
    fn live(&self, name: String) -> (Person, bool) {
        let mut person = Person {
            name,
            created: Fate::NotSent,
            titled: Fate::NotSent,
            joined: Fate::NotSent,
            brought: Fate::NotSent,
            suspended: Fate::NotSent,
        };
        let body = user_body(
            &json!({ "userName": person.name, "userType": "user", "displayName": "new", "title": "new" }),
        );
        let id;
        (person.created, id) = self.send("POST", "/Users", &body);
        let Some(id) = id else { return (person, true) };
        let path = format!("/Users/{id}");
        let two = json!([
            { "op": "replace", "path": "title", "value": person.name },
            { "op": "replace", "path": "displayName", "value": person.name },
        ]);
        person.titled = self.patch(&path, &two);
        if person.titled == Fate::Acknowledged {
            let join = json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
            person.joined = self.patch(&format!("/Groups/{}", self.group), &join);
        }
        if person.joined == Fate::Acknowledged {
            person.brought = self.bring(&person.name);
        }
        if person.brought == Fate::Acknowledged {
            let off = json!([{ "op": "replace", "path": "active", "value": false }]);
            person.suspended = self.patch(&path, &off);
        }
        let ended = person.suspended != Fate::Acknowledged;
        (person, ended)
    }

    fn bring(&self, name: &str) -> Fate {
        let friend = |which: &str, other: &str| {
            let data = user_body(&json!({
                "userName": format!("{name}-{which}"),
                ENTERPRISE: { "manager": { "value": format!("bulkId:{other}") } },
            }));
            json!({ "method": "POST", "path": "/Users", "bulkId": which, "data": data })
        };
        let join = json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:a" }] }]);
        let join = json!({ "schemas": [PATCH_OP], "Operations": join });
        let join = json!({ "method": "PATCH", "path": format!("/Groups/{}", self.group), "data": join });
        let schema = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
        let body = json!({ "schemas": [schema], "Operations": [join, friend("a", "b"), friend("b", "a")] });
        let Ok(answer) = self.tenant.request("POST", "/Bulk").json(&body).try_send() else {
            return Fate::InDoubt;
        };
        let operations = answer.body["Operations"].as_array().cloned().unwrap_or_default();
        let statuses: Vec<&str> = operations.iter().map(|o| o["status"].as_str().unwrap()).collect();
        match (answer.status, statuses.as_slice()) {
            (200, ["204", "201", "201"]) => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                Fate::Acknowledged
            }
            (503, _) => Fate::Refused,
            // The store was closed between two of its transactions.
            (200, some) if some.contains(&"503") => Fate::InDoubt,
            _ => panic!("/Bulk: {} {}", answer.status, answer.text),
        }
    }

    fn patch(&self, path: &str, operations: &Value) -> Fate {
        self.send("PATCH", path, &json!({ "schemas": [PATCH_OP], "Operations": operations })).0
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> (Fate, Option<String>) {
        let request: Request = self.tenant.request(method, path).json(body);
        let Ok(answer) = request.try_send() else { return (Fate::InDoubt, None) };
        match answer.status {
            200 | 201 | 204 => {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
                (Fate::Acknowledged, answer.body["id"].as_str().map(str::to_owned))
            }
            503 => (Fate::Refused, None),
            other => panic!("{method} {path}: {other} {}", answer.text),
        }
    }

    /// How many writes were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Compares what the writers remember with what is there.
    pub(super) fn reckon(&self) {
        let mut found = self.everybody();
        let members = self.members();
        for person in &self.people {
            let name = &person.name;
            let friends = ["a", "b"].map(|which| found.remove(&format!("{name}-{which}")));
            check_friends(person, &friends, &members);
            let Some(user) = found.remove(name) else {
                assert!(person.created != Fate::Acknowledged, "the acknowledged user {name} is lost");
                continue;
            };
            assert!(person.created != Fate::Refused, "the refused user {name} is there");
            check(&format!("{name}: both attributes"), person.titled, both_new(&user));
            let id = user["id"].as_str().unwrap();
            check(&format!("{name}: membership"), person.joined, members.contains(id));
            assert_eq!(
                user["groups"].is_array(),
                members.contains(id),
                "{name}: the group and the user disagree"
            );
            check(&format!("{name}: suspension"), person.suspended, user["active"] == false);
            let suspended = user[SEAT]["state"] == "suspended";
            assert_eq!(suspended, user["active"] == false, "{name}: the seat and the user disagree: {user}");
        }
        assert!(found.is_empty(), "users that nobody made: {:?}", found.keys());
    }

    fn everybody(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        loop {
            let page =
                self.tenant.get(&format!("/Users?count=500&startIndex={}", all.len() + 1)).expect(200).body;
            let resources = page["Resources"].as_array().unwrap();
            all.extend(resources.iter().map(|u| (u["userName"].as_str().unwrap().to_owned(), u.clone())));
            if resources.is_empty() {
                assert_eq!(page["totalResults"], all.len());
                return all;
            }
        }
    }

    fn members(&self) -> BTreeSet<String> {
        crate::running::members(&self.tenant, &self.group).into_iter().collect()
    }
}

/// A circle of two is there whole or not at all.
fn check_friends(person: &Person, friends: &[Option<Value>; 2], members: &BTreeSet<String>) {
    let name = &person.name;
    check(&format!("{name}: friends"), person.brought, friends[0].is_some());
    assert_eq!(friends[0].is_some(), friends[1].is_some(), "{name}: half a circle");
    let [Some(a), Some(b)] = friends else { return };
    assert_eq!(
        (&a[ENTERPRISE]["manager"]["value"], &b[ENTERPRISE]["manager"]["value"]),
        (&b["id"], &a["id"])
    );
    check(
        &format!("{name}: the friend's membership"),
        person.brought,
        members.contains(a["id"].as_str().unwrap()),
    );
}

/// Two attributes of one PATCH: both or neither.
fn both_new(user: &Value) -> bool {
    assert_eq!(user["title"], user["displayName"], "half a PATCH: {user}");
    user["title"] != "new"
}

fn check(what: &str, fate: Fate, there: bool) {
    match fate {
        Fate::Acknowledged => assert!(there, "{what}: acknowledged and lost"),
        Fate::NotSent | Fate::Refused => assert!(!there, "{what}: there though it was not done"),
        Fate::InDoubt => {}
    }
}
