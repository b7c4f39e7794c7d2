//! One tenant's life, told twice: by the gateway, and by documents, memberships and choices here with [`World`] for the seats.

use std::collections::{BTreeMap, VecDeque};

use seat_ledger::{Policy, State};
use serde_json::{Map, Value, json};
use testkit::{gateway::Gateway, http::Answer};

use super::{
    Morning,
    client::Client,
    step::{Sent, Step, Write},
    world::{Ask, LICENSES, Plan, ROLES, World},
};
use crate::running::{GROUP, USER};

pub(super) const PEOPLE: usize = 9;

const KEYS: [&str; LICENSES] = ["gold", "silver", "bronze"];

/// The role that each group gives.
const GROUP_ROLES: [(&str, usize); 2] = [("Pros", 1), ("Pluses", 2)];

const BASIC: usize = 4;

/// A person: what the identity provider says, and what staff chose.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Document {
    id: String,
    /// Its place in the order of creation.
    made: u64,
    user_type: Option<usize>,
    active: bool,
    groups: [bool; 2],
    is_local: bool,
    chosen_role: Option<usize>,
    chosen_active: Option<bool>,
}

impl Document {
    fn is_working(&self) -> bool {
        self.chosen_active.unwrap_or(self.active)
    }

    fn is_ordinary(&self) -> bool {
        self.chosen_role.is_none() && self.chosen_active.is_none()
    }
}

pub(super) struct Life {
    gateway: Gateway,
    morning: Morning,
    client: Client,
    groups: [String; 2],
    documents: BTreeMap<usize, Document>,
    world: World,
    made: u64,
    days: u32,
    /// Whether `pro` and `plus` in `userType` are read as each other.
    is_swapped: bool,
    past: VecDeque<String>,
    met: BTreeMap<&'static str, u64>,
}

fn role_key(role: usize) -> &'static str {
    ROLES[role].0
}

fn name(who: usize) -> String {
    format!("p{who}")
}

fn as_map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

impl Life {
    pub(super) fn new(gateway: Gateway, morning: Morning, mut client: Client, now: i64) -> Self {
        let groups = GROUP_ROLES.map(|(name, _)| {
            let body = json!({ "schemas": [GROUP], "displayName": name });
            client.idp("POST", "/Groups", Some(&body)).expect(201).id()
        });
        let plan = |policy| Plan { set: Some(2), policy, overage: None, grace: None, held: false };
        let plans = [Policy::Fallback, Policy::Fallback, Policy::Refuse].map(plan).to_vec();
        Self {
            gateway,
            morning,
            client,
            groups,
            documents: BTreeMap::new(),
            world: World::new(now, plans),
            made: 0,
            days: 0,
            is_swapped: false,
            past: VecDeque::new(),
            met: BTreeMap::new(),
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.world.now
    }

    pub(super) fn present(&self) -> Vec<usize> {
        self.documents.keys().copied().collect()
    }

    pub(super) fn lines(&self) -> Vec<i64> {
        self.world.lines.keys().copied().collect()
    }

    /// Lives one step, and compares.
    pub(super) fn live(&mut self, number: u64, seed: u64, step: Step) {
        self.past.push_back(format!("{number}: {step:?}"));
        if self.past.len() > 10 {
            self.past.pop_front();
        }
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.take(step);
            self.compare();
        }));
        if let Err(cause) = told {
            let past = self.past.iter().cloned().collect::<Vec<_>>().join("\n");
            let seats = self.client.staff("GET", "/seats", None).text;
            let lines = self.client.staff("GET", "/seats/lines", None).text;
            eprintln!("step {number} of seed {seed}, after\n{past}\n{:#?}\n{seats}\n{lines}", self.documents);
            eprintln!("{:#?}", self.world);
            std::panic::resume_unwind(cause);
        }
    }

    /// Every important thing has happened, and more than by chance.
    pub(super) fn was_full(&self, is_long: bool) {
        let names = [
            "refused",
            "waits",
            "falls back",
            "borrows",
            "overage",
            "debt",
            "kept",
            "reapply refused",
            "adopted",
        ];
        for name in names {
            let times = self.met.get(name).copied().unwrap_or(0);
            assert!(!is_long || times >= 10, "{name} was met {times} times: {:?}", self.met);
        }
    }

    fn note(&mut self, what: &'static str, is_so: bool) {
        *self.met.entry(what).or_default() += u64::from(is_so);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Write(write) => self.write(&write),
            Step::Bulk(writes) => self.bulk(&writes),
            Step::Join { group, people } => self.regroup(group, &people, true),
            Step::Leave { group, people } => self.regroup(group, &people, false),
            Step::StaffAdd { who, role } => self.staff_add(who, role),
            Step::StaffSet { who, role, active } => self.staff_set(who, role, active),
            Step::StaffRelease { who } => self.staff_release(who),
            Step::StaffDelete { who } => self.staff_delete(who),
            Step::Quota(of, quota) => {
                self.plan(of, json!({ "quota": quota }));
                self.world.plans[of].set = quota;
                self.world.fill_all();
            }
            Step::Policy(of, policy) => {
                self.plan(of, json!({ "policy": policy }));
                self.world.plans[of].policy = policy;
                self.world.fill_all();
            }
            Step::Overage(of, overage) => {
                self.plan(of, json!({ "overage": overage }));
                self.world.plans[of].overage = overage;
                self.world.fill_all();
            }
            Step::Grace(of, grace) => {
                self.plan(of, json!({ "grace": grace }));
                self.world.plans[of].grace = grace;
                self.world.fill_all();
            }
            Step::AddLine { license, seats, from, until } => {
                let day = |day: Option<i64>| day.map(|day| seat_ledger::Day::since_1970(day).unwrap());
                let line = json!({ "license": KEYS[license], "seats": seats, "from": day(from), "until": day(until) });
                let made = self.client.staff("POST", "/seats/lines", Some(&line)).expect(201);
                let number = made.body["line"].as_i64().unwrap();
                self.world.lines.insert(number, (license, i64::from(seats), from, until));
                self.world.fill_all();
            }
            Step::RemoveLine(line) => {
                self.client.staff("DELETE", &format!("/seats/lines/{line}"), None).expect(204);
                self.world.lines.remove(&line);
                self.world.fill_all();
            }
            Step::GraceDays(days) => {
                self.override_with(&json!({ "leaving": { "seat_grace_days": days } }));
                self.days = days;
            }
            Step::Reading(is_swapped) => self.read_as(is_swapped),
            Step::Pass(hours) => {
                self.morning.pass(hours);
                self.client.tick();
                self.world.now += hours * 3_600_000;
                self.world.due();
            }
            Step::Kill => {
                self.gateway.kill();
                self.gateway.start_again();
                self.client.reconnect();
            }
        }
    }

    fn plan(&mut self, license: usize, change: Value) {
        let mut body = Map::new();
        body.insert(KEYS[license].to_owned(), change);
        self.client.staff("PATCH", "/seats", Some(&body.into())).expect(200);
    }

    fn override_with(&mut self, patch: &Value) {
        self.client.staff("PATCH", "/profile/overrides", Some(patch)).expect(200);
    }

    /// The role of a document, and whether a group gives it.
    fn reading(&self, document: &Document) -> (usize, bool) {
        if let Some(value) = document.user_type {
            return (self.read(value), false);
        }
        let of_group = GROUP_ROLES.iter().zip(document.groups).find(|(_, is_in)| *is_in);
        of_group.map_or((BASIC, false), |((_, role), _)| (*role, true))
    }

    fn read(&self, value: usize) -> usize {
        match value {
            1 if self.is_swapped => 2,
            2 if self.is_swapped => 1,
            value => value,
        }
    }

    /// The request that everything known comes to.
    fn ask_anew(&self, document: &Document) -> Ask {
        let (role, of_group) = self.reading(document);
        let waits = of_group && document.chosen_role.is_none();
        let role = document.chosen_role.unwrap_or(role);
        Ask { role, active: document.is_working(), waits, days: self.days }
    }

    /// The request of a changed document: while the sources stay, so does the role (MO13).
    fn ask(&self, who: usize, before: &Document, after: &Document) -> Ask {
        let stays = before.chosen_role.is_none()
            && after.chosen_role.is_none()
            && before.user_type == after.user_type;
        match self.world.people.get(&who).filter(|_| stays) {
            Some(person) => {
                Ask { role: person.role, active: after.is_working(), waits: false, days: self.days }
            }
            None => self.ask_anew(after),
        }
    }

    /// Settles a person whose document becomes another one; false: it is refused, and nothing happens.
    fn settle(&mut self, who: usize, after: Document, ask: Ask) -> bool {
        let settled = self.world.settle(who, ask).is_some();
        if settled {
            self.documents.insert(who, after);
        }
        self.note("refused", !settled);
        settled
    }

    fn write(&mut self, write: &Write) {
        let (method, path, body) = self.request(write);
        let answer = self.client.idp(method, &path, body.as_ref());
        let id = answer.body["id"].as_str().map(str::to_owned);
        self.applied(write, answer.status, id, &answer);
    }

    fn request(&self, write: &Write) -> (&'static str, String, Option<Value>) {
        let path_of = |who: usize| {
            let nobody = "01a2222d-e50c-7082-a0fb-89a631a3f8bc";
            format!("/Users/{}", self.documents.get(&who).map_or(nobody, |document| &document.id))
        };
        let body = |who: usize, user_type: Sent, active: Option<bool>| {
            let mut body = json!({ "schemas": [USER], "userName": name(who) });
            match user_type {
                Sent::Absent => {}
                Sent::Empty => body["userType"] = "".into(),
                Sent::Value(value) => body["userType"] = role_key(value).into(),
            }
            if let Some(active) = active {
                body["active"] = active.into();
            }
            body
        };
        match *write {
            Write::Post { who, user_type, active } => {
                let sent = user_type.map_or(Sent::Absent, Sent::Value);
                ("POST", "/Users".to_owned(), Some(body(who, sent, active)))
            }
            Write::Put { who, user_type, active } => {
                ("PUT", path_of(who), Some(body(who, user_type, Some(active))))
            }
            Write::Patch { who, user_type, active, by_path } => {
                let mut changes = Vec::new();
                match user_type {
                    Sent::Absent => {}
                    Sent::Empty => changes.push(("userType", Value::from(""))),
                    Sent::Value(value) => changes.push(("userType", role_key(value).into())),
                }
                changes.extend(active.map(|active| ("active", active.into())));
                let operations: Value = match by_path {
                    true => changes
                        .iter()
                        .map(|(path, value)| json!({ "op": "replace", "path": path, "value": value }))
                        .collect(),
                    false => {
                        let value: Map<String, Value> =
                            changes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                        json!([{ "op": "replace", "value": value }])
                    }
                };
                let operations = match operations.as_array().is_some_and(Vec::is_empty) {
                    true => json!([{ "op": "replace", "path": "title", "value": "Dr" }]),
                    false => operations,
                };
                let patch = json!({ "schemas": [testkit::urn::PATCH_OP], "Operations": operations });
                ("PATCH", path_of(who), Some(patch))
            }
            Write::Delete { who } => ("DELETE", path_of(who), None),
        }
    }

    /// What a write has done to the documents and the world, and whether the status says so.
    #[track_caller]
    fn applied(&mut self, write: &Write, status: u16, id: Option<String>, told: &Answer) {
        let expected = match *write {
            Write::Post { who, user_type, active } => self.posted(who, user_type, active.unwrap_or(true), id),
            Write::Put { who, user_type, active } => self.changed(who, user_type, Some(active)),
            Write::Patch { who, user_type, active, .. } => self.changed(who, user_type, active),
            Write::Delete { who } => match self.documents.remove(&who) {
                Some(_) => {
                    self.world.remove(who);
                    204
                }
                None => 404,
            },
        };
        assert_eq!(status, expected, "{write:?}: {}", told.text);
    }

    fn posted(&mut self, who: usize, user_type: Option<usize>, active: bool, id: Option<String>) -> u16 {
        if let Some(before) = self.documents.get(&who).cloned() {
            if !before.is_local {
                return 409;
            }
            // The identity provider takes over whom staff had added.
            let mut after = Document { user_type, active, is_local: false, ..before.clone() };
            after.chosen_active = None;
            if user_type.is_some() {
                after.chosen_role = None;
            }
            let ask = self.ask(who, &before, &after);
            let settled = self.settle(who, after, ask);
            self.note("adopted", settled);
            return if settled { 201 } else { 403 };
        }
        self.made += 1;
        let document = Document {
            id: id.unwrap_or_default(),
            made: self.made,
            user_type,
            active,
            groups: [false; 2],
            is_local: false,
            chosen_role: None,
            chosen_active: None,
        };
        let ask = self.ask_anew(&document);
        if self.settle(who, document, ask) { 201 } else { 403 }
    }

    fn changed(&mut self, who: usize, user_type: Sent, active: Option<bool>) -> u16 {
        let Some(before) = self.documents.get(&who).cloned() else { return 404 };
        let mut after = before.clone();
        match user_type {
            Sent::Absent => {}
            Sent::Empty => after.user_type = None,
            Sent::Value(value) => after.user_type = Some(value),
        }
        after.active = active.unwrap_or(after.active);
        if user_type != Sent::Absent {
            after.chosen_role = None;
        }
        if active.is_some() {
            after.chosen_active = None;
        }
        let ask = self.ask(who, &before, &after);
        if self.settle(who, after, ask) { 200 } else { 403 }
    }

    fn bulk(&mut self, writes: &[Write]) {
        // A person once: the path of a person whom the bulk itself makes is not known before.
        let mut seen = Vec::new();
        let writes: Vec<&Write> = writes
            .iter()
            .filter(|write| {
                let (Write::Post { who, .. }
                | Write::Put { who, .. }
                | Write::Patch { who, .. }
                | Write::Delete { who }) = *write;
                let is_first = !seen.contains(who);
                seen.push(*who);
                is_first
            })
            .collect();
        let operations: Vec<Value> = writes
            .iter()
            .enumerate()
            .map(|(nth, write)| {
                let (method, path, body) = self.request(write);
                let mut operation = json!({ "method": method, "path": path, "bulkId": format!("b{nth}") });
                if let Some(body) = body {
                    operation["data"] = body;
                }
                operation
            })
            .collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations,
        });
        let answer = self.client.idp("POST", "/Bulk", Some(&body)).expect(200);
        let ended = answer.body["Operations"].as_array().unwrap().clone();
        assert_eq!(ended.len(), writes.len(), "{}", answer.text);
        for (write, ended) in writes.into_iter().zip(ended) {
            let status = ended["status"].as_str().unwrap().parse().unwrap();
            let id = ended["location"].as_str().and_then(|location| location.rsplit('/').next());
            let id = id.map(str::to_owned);
            self.applied(write, status, id, &answer);
        }
    }

    fn regroup(&mut self, group: usize, people: &[usize], is_in: bool) {
        if people.is_empty() {
            return;
        }
        let ids: Vec<&String> = people.iter().map(|who| &self.documents[who].id).collect();
        let operations: Value = match is_in {
            true => {
                let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
                json!([{ "op": "add", "path": "members", "value": members }])
            }
            false => ids
                .iter()
                .map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))
                .collect(),
        };
        let patch = json!({ "schemas": [testkit::urn::PATCH_OP], "Operations": operations });
        let path = format!("/Groups/{}", self.groups[group]);
        self.client.idp("PATCH", &path, Some(&patch)).expect(204);
        let moved: Vec<usize> =
            people.iter().copied().filter(|who| self.documents[who].groups[group] != is_in).collect();
        for who in &moved {
            self.documents.get_mut(who).unwrap().groups[group] = is_in;
        }
        for who in moved {
            let before = self.documents[&who].clone();
            // A group carries the role: what staff chose is not heard any more.
            let after = Document { chosen_role: None, ..before.clone() };
            let ask = Ask { waits: true, ..self.ask_anew(&after) };
            let is_same = self.world.people[&who].role == ask.role && before == after;
            if !is_same {
                assert!(self.settle(who, after, ask), "who waits is never refused");
            }
        }
    }

    fn staff_add(&mut self, who: usize, role: Option<usize>) {
        let mut body = json!({ "user_name": name(who) });
        if let Some(role) = role {
            body["role"] = role_key(role).into();
        }
        let answer = self.client.staff("POST", "/users", Some(&body));
        let expected = match self.documents.contains_key(&who) {
            true => 409,
            false => {
                self.made += 1;
                let document = Document {
                    id: answer.body["id"].as_str().unwrap_or_default().to_owned(),
                    made: self.made,
                    user_type: None,
                    active: true,
                    groups: [false; 2],
                    is_local: true,
                    chosen_role: role,
                    chosen_active: None,
                };
                let ask = self.ask_anew(&document);
                if self.settle(who, document, ask) { 201 } else { 403 }
            }
        };
        assert_eq!(answer.status, expected, "{}", answer.text);
    }

    fn path_for_staff(&self, who: usize) -> Option<String> {
        Some(format!("/users/{}", self.documents.get(&who)?.id))
    }

    fn staff_set(&mut self, who: usize, role: Option<usize>, active: Option<bool>) {
        let Some(path) = self.path_for_staff(who) else { return };
        let body = json!({ "role": role.map(role_key), "active": active });
        let given: Map<String, Value> =
            as_map(body).into_iter().filter(|(_, value)| !value.is_null()).collect();
        let answer = self.client.staff("PATCH", &path, Some(&given.into()));
        let before = self.documents[&who].clone();
        let mut after = before.clone();
        after.chosen_role = role.or(after.chosen_role);
        if let Some(active) = active {
            (after.active, after.chosen_active) = (active, Some(active));
        }
        let ask = self.ask(who, &before, &after);
        let expected = if self.settle(who, after, ask) { 200 } else { 403 };
        assert_eq!(answer.status, expected, "{}", answer.text);
    }

    fn staff_release(&mut self, who: usize) {
        let Some(path) = self.path_for_staff(who) else { return };
        let answer = self.client.staff("POST", &format!("{path}/release"), None);
        let before = self.documents[&who].clone();
        let expected = match before.is_ordinary() {
            true => 200,
            false => {
                let after = Document { chosen_role: None, chosen_active: None, ..before };
                let ask = self.ask_anew(&after);
                if self.settle(who, after, ask) { 200 } else { 403 }
            }
        };
        assert_eq!(answer.status, expected, "{}", answer.text);
    }

    fn staff_delete(&mut self, who: usize) {
        let Some(path) = self.path_for_staff(who) else { return };
        self.client.staff("DELETE", &path, None).expect(204);
        self.documents.remove(&who);
        self.world.remove(who);
    }

    /// Reads `userType` differently: nobody moves before it is reapplied, and a dry run tells what will happen.
    fn read_as(&mut self, is_swapped: bool) {
        let sources = match is_swapped {
            false => Value::Null,
            true => json!([
                { "attribute": "userType", "values":
                    { "boss": "boss", "pro": "plus", "plus": "pro", "quiet": "quiet", "basic": "basic" } },
                { "groups": [{ "name": "Pros", "role": "pro" }, { "name": "Pluses", "role": "plus" }] },
            ]),
        };
        self.override_with(&json!({ "sources": sources }));
        self.is_swapped = is_swapped;
        self.compare();
        let dry = self.client.staff("POST", "/profile/reapply?dry_run=true", None).expect(200).body;
        self.compare();
        let done = self.client.staff("POST", "/profile/reapply", None).expect(200).body;
        assert_eq!(done, dry);
        let refused = self.reapply();
        let waiting = self.world.people.values().filter(|person| waits(person.state)).count();
        assert_eq!(
            (&done["people"], &done["refused"], &done["waiting"]),
            (&json!(self.documents.len()), &json!(refused), &json!(waiting))
        );
        self.note("reapply refused", refused > 0);
    }

    /// Who asks for nothing dearer first, in the order of creation; then the others, by role and then in that order.
    fn reapply(&mut self) -> u64 {
        let mut refused = 0;
        let mut all: Vec<(u64, usize)> =
            self.documents.iter().map(|(who, document)| (document.made, *who)).collect();
        all.sort_unstable();
        let mut dearer = Vec::new();
        for (made, who) in all {
            let (document, person) = (self.documents[&who].clone(), self.world.people[&who].clone());
            let ask = self.ask_anew(&document);
            if person.role == ask.role {
                continue;
            }
            if ask.active && person.held.is_none_or(|held| ROLES[ask.role].1 < held) {
                dearer.push((ask.role, made, who));
            } else {
                refused += u64::from(!self.settle(who, document, ask));
            }
        }
        dearer.sort_unstable();
        for (_, _, who) in dearer {
            let document = self.documents[&who].clone();
            let ask = self.ask_anew(&document);
            refused += u64::from(!self.settle(who, document, ask));
        }
        refused
    }

    fn compare(&mut self) {
        let people = self.client.staff("GET", "/users?limit=100", None).expect(200).body;
        let told: BTreeMap<String, Value> = people
            .as_array()
            .unwrap()
            .iter()
            .map(|person| {
                let (role, license) = (person["role"].clone(), &person["license"]);
                let told = json!([role, license["requested"], license["granted"], license["state"]]);
                (person["user_name"].as_str().unwrap().to_owned(), told)
            })
            .collect();
        let expected: BTreeMap<String, Value> = self
            .world
            .people
            .iter()
            .map(|(who, person)| {
                let held = person.held.map(|held| KEYS[held]);
                (name(*who), json!([role_key(person.role), KEYS[person.asked], held, person.state.key()]))
            })
            .collect();
        let others: Vec<_> = told
            .iter()
            .filter(|(name, told)| expected.get(*name) != Some(*told))
            .map(|(name, told)| format!("{name} is {told}, expected {:?}", expected.get(name)))
            .collect();
        assert!(others.is_empty() && told.len() == expected.len(), "{others:#?}");
        let seats = self.client.staff("GET", "/seats", None).expect(200).body;
        for (of, key) in KEYS.iter().enumerate() {
            let (pool, world) = (&seats[key], &self.world);
            let told = json!([
                pool["quota"],
                pool["used"],
                pool["waiting"],
                pool["borrowed"],
                pool["overage"]["used"].as_i64().unwrap_or(0),
                pool["debt"],
                pool["policy"],
            ]);
            let expected = json!([
                world.quota(of),
                world.used(of),
                world.queue(of).len(),
                world.borrowed(of),
                world.overage_used(of),
                world.debt(of),
                world.plans[of].policy,
            ]);
            assert_eq!(told, expected, "{key} [quota, used, waiting, borrowed, overage, debt, policy]");
        }
        let audit = self.client.staff("GET", "/seats/audit", None).expect(200).body;
        assert_eq!(audit["ok"], true, "{audit}");
        let of_all =
            |count: fn(&World, usize) -> i64, world: &World| (0..LICENSES).any(|of| count(world, of) > 0);
        let (borrows, overage, debt) = (
            of_all(World::borrowed, &self.world),
            of_all(World::overage_used, &self.world),
            of_all(World::debt, &self.world),
        );
        let any = |is: fn(&super::world::Person) -> bool| self.world.people.values().any(is);
        let (kept, waiting, fallen) = (
            any(|person| person.kept_until.is_some()),
            any(|person| person.state == State::Waitlisted),
            any(|person| person.state == State::Fallback),
        );
        for (what, is_so) in [
            ("borrows", borrows),
            ("overage", overage),
            ("debt", debt),
            ("kept", kept),
            ("waits", waiting),
            ("falls back", fallen),
        ] {
            self.note(what, is_so);
        }
    }
}

fn waits(state: State) -> bool {
    matches!(state, State::Fallback | State::Waitlisted)
}
